"""What strategies and tickets were given, as lines of a workbook: rows of strategy_sizes, strategy_budgets and the funnel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from riskdesk_assets.common.regimes import MARKET_REGIMES
from riskdesk_assets.reports.page.content import PageContent, Row, number
from riskdesk_assets.reports.workbook.content import HeatMap, RegimeLine, StrategySize, TicketSize
from riskdesk_assets.strategy.allocation import correlation_matrix, taking_part
from riskdesk_assets.strategy.snapshots import IN_FORCE

MOST_NAMES = 20  # of a heat map that a person can still read
_FIGURES = (
    "base_size",
    "conviction_multiplier",
    "return_risk_multiplier",
    "kelly_multiplier",
    "recommended_size",
    "strategy_cap_multiplier",
    "bucket_multiplier",
    "capital_allocation",
    "regime_adjustment",
    "regime_fit",
    "mean_correlation",
    "correlation_adjustment",
    "final_size",
    "risk_contribution",
)


def strategy_sizes(page: PageContent) -> list[StrategySize]:
    """Every strategy's size, the largest first; those without capital after them, by name."""
    convictions = {str(row["strategy_name"]): str(row["conviction"]) for row in page.rows("strategy_library")}
    found = [
        StrategySize(
            name=str(row["strategy_name"]),
            bucket=str(row["bucket"]),
            conviction=convictions.get(str(row["strategy_name"]), ""),
            status=str(row["status"]),
            tickets=_whole(row, "ticket_count"),
            **{name: number(row, name) for name in _FIGURES},
            note=str(row["reason"] or ""),
        )
        for row in page.rows("strategy_sizes")
    ]
    return sorted(found, key=lambda size: (-(size.final_size or 0.0), size.name))


def ticket_sizes(page: PageContent) -> list[TicketSize]:
    """Every ticket in force or held, from its cap to what the book holds of it, the largest first."""
    tables = ("strategy_budgets", "proposals", "gate_decisions", "decisions")
    budgets, proposals, gates, decisions = ({str(row["ticket_id"]): row for row in page.rows(name)} for name in tables)
    snapshots = {str(row["ticket_id"]): row for row in page.rows("ticket_snapshots") if row["ticket_id"]}
    held = {str(row["ticket_id"]) for row in page.rows("desk_positions")}
    cuts = _largest_cuts(page.rows("clip_ledger"))
    found = []
    for ticket_id, ticket in snapshots.items():
        if ticket["status"] != IN_FORCE and ticket_id not in held:
            continue
        budget, proposal = budgets.get(ticket_id, {}), proposals.get(ticket_id, {})
        decision = decisions.get(ticket_id, {})
        said = [str(proposal.get("reason") or "").lower().replace("_", " "), cuts.get(ticket_id, "")]
        found.append(
            TicketSize(
                ticket_id=ticket_id,
                strategy=str(ticket["strategy"] or ""),
                pair=str(ticket["pair_id"] or "").replace("__", " / "),
                max_gross=number(ticket, "max_gross_notional"),
                budget=number(budget, "budget"),
                units=number(proposal, "units"),
                proposed=_gross(proposal, "capped_a", "capped_b"),
                approved=number(gates.get(ticket_id, {}), "approved_gross"),
                released=_gross(decision, "released_notional_a", "released_notional_b"),
                hedge_ratio=number(budget, "hedge_ratio"),
                note="; ".join(part for part in said if part),
            )
        )
    return sorted(found, key=lambda size: (-(size.released or 0.0), size.ticket_id))


def regime_lines(page: PageContent) -> list[RegimeLine]:
    """Every market regime: the strategies that fit it, their allocation, and what its adjustment leaves of that."""
    fits = {str(row["strategy_name"]): str(row["regime_fit"]).split("|") for row in page.rows("strategy_library")}
    taking = taking_part(page.rows("strategy_sizes"))
    found = []
    for regime in MARKET_REGIMES:
        rows = [row for row in taking if regime in fits.get(str(row["strategy_name"]), ())]
        adjustment = page.config.sizing.regime_adjustment[regime]
        allocated = _sum(rows, "capital_allocation")
        found.append(RegimeLine(regime, len(rows), allocated, adjustment, allocated * adjustment))
    return found


def heat_map(page: PageContent) -> HeatMap:
    """Correlations of the strategies' P&L streams; of the largest MOST_NAMES where there are more."""
    names, matrix = correlation_matrix(page.rows("strategy_correlations"))
    size = {str(row["strategy_name"]): number(row, "final_size") or 0.0 for row in page.rows("strategy_sizes")}
    shown = tuple(sorted(sorted(names, key=lambda name: (-size.get(name, 0.0), name))[:MOST_NAMES]))
    rows = tuple(tuple(matrix.get((one, other)) for other in shown) for one in shown)
    of = "P&L streams of strategies with tickets in force"
    return HeatMap(of if len(names) == len(shown) else f"{of}, the {MOST_NAMES} largest", shown, rows)


def _largest_cuts(clips: Sequence[Row]) -> dict[str, str]:
    """Ticket -> the stage and limit that took most of it, with what it took."""
    taken: dict[str, dict[str, float]] = {}
    for row in clips:
        before, after = number(row, "value_in"), number(row, "value_out")
        if row["stage"] == "SPLIT" or not row["ticket_id"] or before is None or after is None:
            continue
        by_limit = taken.setdefault(str(row["ticket_id"]), {})
        name = f"{str(row['stage']).lower().replace('_', ' ')}: {row['limit_name']}"
        by_limit[name] = by_limit.get(name, 0.0) + abs(before) - abs(after)
    found = {}
    for ticket_id, by_limit in taken.items():
        name = max(by_limit, key=lambda item: (by_limit[item], item))
        if by_limit[name] >= 1:
            found[ticket_id] = f"{name} took ${by_limit[name]:,.0f}"
    return found


def _gross(row: Mapping[str, object], *legs: str) -> float | None:
    values = [number(row, leg) for leg in legs]
    return None if any(value is None for value in values) else math.fsum(abs(value or 0.0) for value in values)


def _sum(rows: Sequence[Mapping[str, object]], column: str) -> float:
    return math.fsum(number(row, column) or 0.0 for row in rows)


def _whole(row: Row, column: str) -> int:
    return int(number(row, column) or 0)
