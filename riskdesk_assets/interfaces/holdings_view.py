"""Real holdings on a terminal: the reconciliation, and the guards' decisions over them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.interfaces.failures import Unusable
from riskdesk_assets.interfaces.terminal import banner, dollars, escaped, table
from riskdesk_assets.reports.holdings_reading import StoredDecisions
from riskdesk_assets.reports.reconciliation import Reconciliation, holdings_path

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"ALLOW": "green", "CLIP": "yellow", "DENY": "red"}


def named_holdings(given: Path | None, paths: Paths, config: Config) -> Path:
    """The file that was given, else that of the configuration. Raises Unusable where there is neither."""
    path = given or holdings_path(paths, config)
    if path is None:
        raise Unusable("which holdings? Give --holdings FILE, or name one in desk.yaml (guards.holdings_file)")
    return path


def show_reconciliation(console: Console, found: Reconciliation, path: Path) -> None:
    """Every name, breaks in colour, and the sum of the differences."""
    console.print(f"Desk positions after {found.session} against {escaped(path)}")
    listed = table("", ">desk", ">held", ">difference", ">price", ">dollars", "")
    for row in found.rows:
        ticks = found.prices.get(row.symbol)
        listed.add_row(
            row.symbol,
            f"{row.desk_shares:,}",
            f"{row.held_shares:,}",
            f"{row.difference:+,}" if row.difference else "0",
            "-" if ticks is None else f"{ticks / TICKS_PER_DOLLAR:,.2f}",
            "-" if row.dollars is None else dollars(row.dollars, 2),
            f"[bold red]{row.standing}[/]" if row.difference else f"[green]{row.standing}[/]",
        )
    console.print(listed)
    if not found.breaks:
        console.print(f"[green]{len(found.rows)} names, no break[/]")
        return
    known = [row.dollars for row in found.breaks if row.dollars is not None]
    unpriced = len(found.breaks) - len(known)
    noted = f", {unpriced} of them without a price" if unpriced else ""
    apart = dollars(sum(abs(value) for value in known), 2)
    console.print(f"[bold red]{len(found.breaks)} of {len(found.rows)} names differ{noted}: {apart} apart[/]")


def show_decisions(console: Console, found: StoredDecisions, path: Path) -> None:
    """Every name in the order in which it was asked for, and document 004's counters."""
    console.print(banner(found.source))
    console.print(f"From {escaped(path)} toward the ideal portfolio of {found.session}")
    listed = table("", ">price", ">held", ">target", "", ">order", ">then", "by")
    for item in found.decided.decisions:
        decision = item.decision
        style = _STYLES.get(decision.action.value, "")
        listed.add_row(
            item.symbol,
            f"{item.price:,.2f}",
            f"{item.held_shares:,}",
            dollars(item.target_notional),
            f"[{style}]{decision.action}[/]" if style else decision.action.value,
            f"{decision.qty_delta:+,}" if decision.qty_delta else "0",
            f"{item.shares_after:,}",
            f"{decision.layer}: {decision.reason}",
        )
    console.print(listed)
    counters = found.decided.counters
    console.print(
        ", ".join(f"{name} {value:g}" for name, value in counters.items()) or "Nothing is held and nothing is wanted."
    )
    if found.idle:
        console.print(f"No name of the universe is in {', '.join(found.idle)}: these caps of groups bind nothing here.")


def decision_json(found: StoredDecisions, path: Path) -> dict[str, object]:
    """The same as one JSON object, with document 004's log lines."""
    return {
        "session": found.session,
        "source": found.source,
        "holdings": str(path),
        "decisions": [
            {
                "symbol": item.symbol,
                "price": item.price,
                "current_shares": item.held_shares,
                "signal_target_notional": item.target_notional,
                "action": item.decision.action.value,
                "qty_delta": item.decision.qty_delta,
                "shares_after": item.shares_after,
                "reason": str(item.decision.reason),
                "layer": None if item.decision.layer is None else item.decision.layer.value,
                "metadata": dict(item.decision.metadata),
            }
            for item in found.decided.decisions
        ],
        "counters": dict(found.decided.counters),
        "telemetry": [item.line for item in found.decided.decisions],
        "idle_groups": list(found.idle),
    }
