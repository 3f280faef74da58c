"""``riskdesk demo``: the gatekeeper's nine demonstrations, and the guards' scenarios."""

from __future__ import annotations

import click

from riskdesk_assets.interfaces.options import DeskGroup, echo_json, json_option


@click.group(cls=DeskGroup)
def demo() -> None:
    """Show parts of the desk at work, on made-up cases."""


@demo.command()
@json_option
def gatekeeper(as_json: bool) -> None:
    """Play document 003's nine scenarios: sizing, regimes, kill switches, exposure, halt and resume, health."""
    from dataclasses import asdict

    from riskdesk_assets.gatekeeper.demo import run_demo

    scenarios = run_demo()
    if as_json:
        echo_json({"scenarios": [asdict(scenario) for scenario in scenarios]})
        return
    from riskdesk_assets.interfaces.terminal import console, escaped, table

    out = console()
    for scenario in scenarios:
        found = table("", "answer", ">by the formula", ">units", "why", title=f"{scenario.number}  {scenario.title}")
        for line in scenario.lines:
            style = "" if line.answer.startswith(("APPROVED", "ADJUSTED", "ACTIVE", "HEALTHY")) else "yellow"
            cells = (_units(line.formula_units), _units(line.units), escaped(line.why))
            found.add_row(escaped(line.what), f"[{style}]{line.answer}[/]" if style else line.answer, *cells)
        out.print(found)
        out.print()


@demo.command()
@json_option
def guards(as_json: bool) -> None:
    """Put document 004's scenarios, and the rules beside them, to the guards of config/policy/seed.yaml."""
    from dataclasses import asdict

    from riskdesk_assets.common.settings import load_paths
    from riskdesk_assets.guards.config import load_policy
    from riskdesk_assets.guards.demo import guard_answers

    answers = guard_answers(load_policy(load_paths().config / "policy" / "seed.yaml"))
    if as_json:
        echo_json({"scenarios": [{**asdict(item), "as_expected": item.as_expected} for item in answers]})
        return
    from riskdesk_assets.interfaces.terminal import console, escaped, table

    found = table("scenario", "", ">price", ">shares", ">target", "answer", title="Document 004's guards")
    for item in answers:
        asked = item.scenario
        numbers = (f"{asked.price:,.2f}", f"{asked.current_shares:,}", f"{asked.signal_target:,.0f}")
        style = "" if item.as_expected else "red"
        answer = escaped(item.text)
        found.add_row(escaped(asked.name), asked.symbol, *numbers, f"[{style}]{answer}[/]" if style else answer)
    console().print(found)


def _units(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"
