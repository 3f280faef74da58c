"""Where realized P&L came from: what the tickets asked for, what each stage made of it, and what it cost.

For a ticket and session, every stage's position is held from the session to the ONE next session on which the whole book has a
price, and the differences are told:

- intent: the controller's units of the ticket's whole ``max_gross_notional``;
- sizing: from there to its budget, times the volatility scale (stages 1 and 3);
- clipping: from there to what the ticket's caps and the gatekeeper let through (stages 3 and 4);
- optimizer: from there to the shares the desk held: optimizer or governor, whole shares, guards (stages 5 to 7);
- delisting: P&L of names closed at the delisting return, which no stage chose;
- costs: minus what trading and borrowing cost.

Amounts are whole millionths of a dollar: the parts of a row sum to its net P&L exactly, and rows without end to the realized
net P&L to the cent.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.universe import PAIR_SEPARATOR
from riskdesk_assets.controllers.baseline import leg_notionals
from riskdesk_assets.market.print_panel import PrintPanel
from riskdesk_assets.reports.realized import DELISTED
from riskdesk_assets.research.backtest_tables import ATTRIBUTION
from riskdesk_assets.research.buckets import Buckets
from riskdesk_assets.research.exact_sums import exact_sums

MILLIONTHS = 1_000_000
"""Units of an amount in a dollar."""

PARTS = ("intent", "sizing", "clipping", "optimizer", "delisting", "costs")

_KEY = ("as_of_date", "ticket_id")
_PROPOSED = ("notional_a", "notional_b", "vol_scale", "capped_a", "capped_b")
_GATED = ("requested_gross", "approved_gross")
Dollars = npt.NDArray[np.float64]
Millionths = npt.NDArray[np.int64]


def attribution(
    series: pl.DataFrame, frames: Mapping[str, pl.DataFrame], realized: pl.DataFrame, prints: PrintPanel, buckets: Buckets
) -> pl.DataFrame:
    """ATTRIBUTION of a range.

    Args:
        series: TIMESERIES of the range: how each session's book fared.
        frames: proposals, gate_decisions and strategy_budgets of the range.
        realized: TABLES["realized_pnl"] of the range, pending rows included.
        prints: usable prints of the range.
        buckets: of the tickets.

    Raises:
        ValueError: a proposal that could have earned something has no size, or no gate decision.
    """
    rows = (
        frames["proposals"]
        .select(*_KEY, "pair_id", "units", "beta", *_PROPOSED)
        .join(_earned(realized), on=_KEY, how="full", coalesce=True)
        .filter(pl.col("costs").is_not_null() | (pl.col("units") != 0))
        .join(series.select("as_of_date", "next_date", "status"), on="as_of_date", how="left")
        .join(frames["gate_decisions"].select(*_KEY, *_GATED), on=_KEY, how="left")
        .join(frames["strategy_budgets"].select(*_KEY, whole="max_gross_notional"), on=_KEY, how="left")
        .sort(_KEY)
    )
    gross, delisted, costs = (_millionths(rows[name].fill_null(0.0).to_numpy()) for name in ("gross", "delisted", "costs"))
    intent, sized, approved = _stages(rows, prints)
    parts = (intent, sized - intent, approved - sized, gross - approved, delisted, -costs, gross + delisted - costs)
    named = [buckets.of_ticket(ticket_id, session) for session, ticket_id in rows.select(_KEY).iter_rows()]
    return ATTRIBUTION.conform(
        rows.select(*_KEY, "next_date", "status", pl.Series("bucket", named, pl.String)).with_columns(
            pl.Series(name, amounts) for name, amounts in zip((*PARTS, "pnl_net"), parts, strict=True)
        )
    )


def _earned(realized: pl.DataFrame) -> pl.DataFrame:
    """Dollars per session and ticket: gross of what was held, delisted of what was closed at the delisting return, costs."""
    closed = pl.col("status") == DELISTED
    gross = pl.when(closed).then(0.0).otherwise("pnl_gross")
    delisted = pl.when(closed).then("pnl_gross").otherwise(0.0)
    return exact_sums(realized.select(*_KEY, "costs", gross=gross, delisted=delisted), _KEY, ("gross", "delisted", "costs"))


def _stages(rows: pl.DataFrame, prints: PrintPanel) -> tuple[Millionths, Millionths, Millionths]:
    """P&L in millionths of a dollar, shape (rows,), of the positions asked for, of the sized ones, and of the approved ones.

    0 where there is no proposal, no next session, or no print of a leg on one of the two: by the rule that counts whole days
    only, nothing could have been earned.
    """
    stages = np.zeros((3, rows.height), dtype=np.int64)
    asked = rows.with_row_index("row").filter(pl.col("pair_id").is_not_null() & pl.col("next_date").is_not_null())
    return_a, return_b = _returns(asked, prints)
    earning = ~(np.isnan(return_a) | np.isnan(return_b))
    asked, return_a, return_b = asked.filter(earning), return_a[earning], return_b[earning]
    if asked.select(pl.any_horizontal(pl.col("units", *_PROPOSED, *_GATED).is_null()).any()).item():
        raise ValueError("a proposal has no size or no gate decision (allowed: one of each per session and ticket)")
    proposed_a, proposed_b, scale, capped_a, capped_b = (asked[name].to_numpy() for name in _PROPOSED)
    requested, granted = (asked[name].to_numpy() for name in _GATED)
    share = np.divide(granted, requested, out=np.zeros(len(granted)), where=requested != 0)
    intent_a, intent_b = _intent(asked)
    for stage, (a, b) in enumerate(
        ((intent_a, intent_b), (proposed_a * scale, proposed_b * scale), (capped_a * share, capped_b * share))
    ):
        stages[stage, asked["row"].to_numpy()] = _millionths(a * return_a + b * return_b)
    return stages[0], stages[1], stages[2]


def _returns(asked: pl.DataFrame, prints: PrintPanel) -> tuple[Dollars, Dollars]:
    """Simple returns of both legs from the session to the next one; NaN where one of the two has no print."""
    before, after = (prints.rows(prints.places(asked[name])) for name in ("as_of_date", "next_date"))
    legs = asked["pair_id"].str.split_exact(PAIR_SEPARATOR, 1).struct.unnest()
    columns = [prints.columns(legs[name]) for name in legs.columns]
    first, second = (prints.adj_close[after, leg] / prints.adj_close[before, leg] - 1 for leg in columns)
    return first, second


def _intent(asked: pl.DataFrame) -> tuple[Dollars, Dollars]:
    """Dollars of both legs of the controller's units of the whole ticket.

    Without a hedge ratio the ticket holds what it holds: what is asked for is what stands.
    """
    columns = ("units", "whole", "beta", "notional_a", "notional_b")
    legs = [
        (a, b) if whole is None or beta is None else leg_notionals(units, whole, beta)
        for units, whole, beta, a, b in asked.select(columns).iter_rows()
    ]
    both = np.array(legs, dtype=np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _millionths(dollars: Dollars) -> Millionths:
    """In millionths of a dollar, half to even."""
    return np.rint(dollars * MILLIONTHS).astype(np.int64)
