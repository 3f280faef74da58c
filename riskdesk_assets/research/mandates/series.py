"""TIMESERIES and BENCHMARK of a range, from the books, what they earned, and what the engine said at each close."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.research.exact_sums import running_sums
from riskdesk_assets.research.mandates.holding import BookDay, Target, Weights
from riskdesk_assets.research.mandates.realized import RealizedDay
from riskdesk_assets.research.mandates.tables import BENCHMARK, TIMESERIES

EQUAL_WEIGHT, NOTHING_HELD = "equal_weight", "nothing_held"


@dataclass(frozen=True)
class DecidedDay:
    """What a session came to: the weights the optimizer chose (None: yesterday's stand), and the names it chose among."""

    session: date
    weights: Weights | None
    universe: tuple[str, ...]


def timeseries(
    books: Sequence[BookDay], earned: Sequence[RealizedDay], decisions: Mapping[date, Mapping[str, object]], nav: float
) -> pl.DataFrame:
    """TIMESERIES of a range.

    Args:
        books, earned: of the mandate, one per session.
        decisions: session -> its row of engine_decisions.
        nav: dollars.
    """
    rows: list[dict[str, object]] = []
    net = [day.pnl_gross - day.costs for day in earned]
    peak = nav
    for book, day, gain, total in zip(books, earned, net, running_sums(net), strict=True):
        peak = max(peak, nav + total)
        row = decisions[book.session]
        exposed = math.fsum(book.held.values()) * nav
        rows.append(
            {
                "as_of_date": book.session,
                "next_date": day.next_date,
                "equity_gross": math.fsum(map(abs, book.held.values())) * nav,
                "equity_net": exposed,
                "cash_notional": -exposed,
                "turnover": math.fsum(book.traded.values()) * nav,
                "costs": day.costs,
                "pnl_gross": day.pnl_gross,
                "pnl_net": gain,
                "cumulative_pnl_net": total,
                "status": day.status,
                "missing_symbols": ",".join(day.missing),
                "delisting_pnl": day.delisting_pnl,
                "equity": nav + total,
                "drawdown": nav + total - peak,
                "marked_pnl": book.marked * nav,
                "impact_costs": math.fsum(book.impact.values()) * nav,
                "borrow_costs": math.fsum(book.borrow.values()) * nav,
                "names": len(book.held),
                "decision": row["status"],
                "expected_return": row["expected_return"],
                "ex_ante_volatility": row["expected_volatility"],
                "var_95": row["var_95"],
                "var_99": row["var_99"],
            }
        )
    return TIMESERIES.frame(rows)


def benchmark_of(kind: str) -> str:
    """What stands beside a mandate: equal weights of its universe for a fully invested one, nothing for one against itself."""
    return EQUAL_WEIGHT if kind == "long_only" else NOTHING_HELD


def benchmark_targets(kind: str, days: Sequence[DecidedDay]) -> list[Target]:
    """The benchmark's weights after every session: of the names the mandate could choose from that day, as much of each."""
    equal = benchmark_of(kind) == EQUAL_WEIGHT
    return [
        (day.session, dict.fromkeys(day.universe, 1.0 / len(day.universe)) if equal and day.universe else {}) for day in days
    ]


def benchmark_frame(name: str, books: Sequence[BookDay], earned: Sequence[RealizedDay], nav: float) -> pl.DataFrame:
    """BENCHMARK of a range, measured as the mandate is."""
    net = [day.pnl_gross - day.costs for day in earned]
    rows: list[dict[str, object]] = []
    for book, day, gain, total in zip(books, earned, net, running_sums(net), strict=True):
        rows.append(
            {
                "as_of_date": book.session,
                "next_date": day.next_date,
                "benchmark": name,
                "status": day.status,
                "names": len(book.held),
                "gross": math.fsum(map(abs, book.held.values())) * nav,
                "turnover": math.fsum(book.traded.values()) * nav,
                "costs": day.costs,
                "pnl_gross": day.pnl_gross,
                "pnl_net": gain,
                "cumulative_pnl_net": total,
                "delisting_pnl": day.delisting_pnl,
            }
        )
    return BENCHMARK.frame(rows)
