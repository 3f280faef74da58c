"""``riskdesk demo``: the gatekeeper's nine demonstrations."""

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


def _units(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"
