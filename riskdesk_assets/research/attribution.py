"""Where realized P&L came from: what the tickets asked for, what each stage made of it, and what it cost.

For a ticket and session, every stage's position is held from the session to the ONE next session on which the whole book has a
price, and the differences are told:

- intent: the controller's units of the ticket's whole ``max_gross_notional``;
- sizing: from there to its budget, times the volatility scale (stages 1 and 3);
- clipping: from there to what the ticket's caps and the gatekeeper let through (stages 3 and 4);
- optimizer: from there to the shares the desk held: optimizer or governor, whole shares, guards (stages 5 to 7);
- delisting: P&L of names closed at the delisting return, which no stage chose;
- costs: minus what trading and borrowing cost.

Amounts are whole ticks of 1e-4 dollars, so the parts sum to the realized net P&L exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.universe import PAIR_SEPARATOR
from riskdesk_assets.construction.carry import Prints
from riskdesk_assets.controllers.baseline import leg_notionals
from riskdesk_assets.reports.realized import DELISTED
from riskdesk_assets.research.backtest_tables import ATTRIBUTION
from riskdesk_assets.research.buckets import Buckets

PARTS = ("intent", "sizing", "clipping", "optimizer", "delisting", "costs")
Legs = tuple[float, float]
Row = Mapping[str, object]


@dataclass
class _Realized:
    """Of one ticket on one session, in dollars."""

    gross: list[float]
    delisted: list[float]
    costs: list[float]


def attribution(
    series: pl.DataFrame, frames: Mapping[str, pl.DataFrame], realized: pl.DataFrame, prints: Prints, buckets: Buckets
) -> pl.DataFrame:
    """ATTRIBUTION of a range.

    Args:
        series: TIMESERIES of the range: how each session's book fared.
        frames: proposals, gate_decisions and strategy_budgets of the range.
        realized: TABLES["realized_pnl"] of the range, pending rows included.
        prints: usable prints of the range.
        buckets: of the tickets.
    """
    outcomes = {row["as_of_date"]: row for row in series.iter_rows(named=True)}
    earned = _realized(realized)
    wholes = {
        (row["as_of_date"], row["ticket_id"]): float(row["max_gross_notional"])
        for row in frames["strategy_budgets"].iter_rows(named=True)
    }
    gates = {(row["as_of_date"], row["ticket_id"]): row for row in frames["gate_decisions"].iter_rows(named=True)}
    proposals = {(row["as_of_date"], row["ticket_id"]): row for row in frames["proposals"].iter_rows(named=True)}
    rows: list[dict[str, object]] = []
    for key in sorted({*proposals, *earned}):
        session, ticket_id = key
        proposal, found = proposals.get(key), earned.get(key)
        if found is None and (proposal is None or not proposal["units"]):
            continue
        outcome = outcomes[session]
        stages = (0, 0, 0)
        if proposal is not None and outcome["next_date"] is not None:
            returns = _returns(proposal["pair_id"], session, outcome["next_date"], prints)
            if returns is not None:
                stages = _stages(proposal, gates[key], wholes.get(key), returns)
        gross, delisting, costs = (0, 0, 0) if found is None else map(_ticks, (found.gross, found.delisted, found.costs))
        intent, sized, approved = stages
        rows.append(
            {
                "as_of_date": session,
                "next_date": outcome["next_date"],
                "ticket_id": ticket_id,
                "bucket": buckets.of_ticket(ticket_id, session),
                "status": outcome["status"],
                "intent": intent,
                "sizing": sized - intent,
                "clipping": approved - sized,
                "optimizer": gross - approved,
                "delisting": delisting,
                "costs": -costs,
                "pnl_net": gross + delisting - costs,
            }
        )
    return ATTRIBUTION.frame(rows)


def _realized(realized: pl.DataFrame) -> dict[tuple[date, str], _Realized]:
    found: dict[tuple[date, str], _Realized] = {}
    columns = ("as_of_date", "ticket_id", "status", "pnl_gross", "costs")
    for session, ticket_id, status, gross, costs in realized.select(columns).iter_rows():
        row = found.setdefault((session, ticket_id), _Realized([], [], []))
        (row.delisted if status == DELISTED else row.gross).append(gross)
        row.costs.append(costs)
    return found


def _returns(pair_id: str, session: date, following: date, prints: Prints) -> Legs | None:
    """Simple returns of both legs between the two sessions; None where one of them does not print on both: nothing could
    have been earned by the rule that counts whole days only."""
    now, then = prints.get(session, {}), prints.get(following, {})
    a, b = pair_id.split(PAIR_SEPARATOR)
    if not (a in now and b in now and a in then and b in then):
        return None
    return then[a].adj_close / now[a].adj_close - 1, then[b].adj_close / now[b].adj_close - 1


def _stages(proposal: Row, gate: Row, whole: float | None, returns: Legs) -> tuple[int, int, int]:
    """P&L in ticks of the position asked for, of the sized one, and of the approved one."""
    units, beta = _number(proposal["units"]), proposal["beta"]
    proposed = (_number(proposal["notional_a"]), _number(proposal["notional_b"]))
    # Without a hedge ratio the ticket holds what it holds: what is asked for is what stands.
    intent = leg_notionals(units, whole, _number(beta)) if beta is not None and whole is not None else proposed
    scale = _number(proposal["vol_scale"])
    sized = (proposed[0] * scale, proposed[1] * scale)
    requested = _number(gate["requested_gross"])
    share = _number(gate["approved_gross"]) / requested if requested else 0.0
    approved = (_number(proposal["capped_a"]) * share, _number(proposal["capped_b"]) * share)
    intent_pnl, sized_pnl, approved_pnl = (
        _ticks([a * returns[0], b * returns[1]]) for a, b in (intent, sized, approved)
    )
    return intent_pnl, sized_pnl, approved_pnl


def _ticks(dollars: list[float]) -> int:
    """The sum in ticks, half to even."""
    return round(math.fsum(dollars) * TICKS_PER_DOLLAR)


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)
