"""The same entries and exits, sized by rules a person can say in one sentence: what the desk's machinery has to beat.

A challenger holds every ticket the controller wants, long or short its spread at the hedge ratio of the day it enters, from the
session of the entry to that of the exit, without touching it in between:

- equal_weight: every ticket gets the same gross;
- inverse_volatility: a ticket's gross is in inverse proportion to its pair's volatility before the entry.

Half units get half of it. Sizes are fractions of a share and no limit applies; the whole is then scaled by one number, so that
its mean gross is the desk's own. It pays the same costs per dollar traded and borrowed, and earns in the same whole-day-skip
semantics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, pairwise

import numpy as np
import polars as pl

from riskdesk_assets.common.universe import PAIR_SEPARATOR
from riskdesk_assets.construction.inputs import DeskContext
from riskdesk_assets.market.print_panel import NOT_PRICED, PrintPanel
from riskdesk_assets.reports.realized import OK, PENDING, SKIPPED_NO_COMMON_SESSION, SKIPPED_NO_PRICE, patience_sessions
from riskdesk_assets.research.backtest_tables import CHALLENGERS
from riskdesk_assets.research.exact_sums import running_sums
from riskdesk_assets.research.performance import deviation
from riskdesk_assets.research.timeseries import FLAT

EQUAL_WEIGHT, INVERSE_VOLATILITY = "equal_weight", "inverse_volatility"
NAMES = (EQUAL_WEIGHT, INVERSE_VOLATILITY)
Legs = tuple[str, str]
Wanted = Mapping[date, Sequence[tuple[str, Legs, float, float | None]]]  # session -> ticket, legs, units, hedge ratio
Size = Callable[[Legs, float, int], float | None]  # legs, hedge ratio, the session's place -> relative gross; None: not sizeable


@dataclass
class _Leg:
    """Shares (a fraction, signed) at the last print in ticks, and sessions in a row without one."""

    symbol: str
    shares: float
    ticks: float
    silent: int = 0

    @property
    def value(self) -> float:
        return self.shares * self.ticks


@dataclass
class _Held:
    units: float
    legs: tuple[_Leg, _Leg]


@dataclass(frozen=True)
class _Day:
    """One session of a challenger before it is scaled: value per symbol, tickets held, what was traded, paid and lost."""

    values: Mapping[str, float]
    tickets: int
    turnover: float
    costs: float
    delisted: float


def challengers(
    series: pl.DataFrame,
    proposals: pl.DataFrame,
    prints: PrintPanel,
    splits: pl.DataFrame,
    context: DeskContext,
    vol_sessions: int,
) -> pl.DataFrame:
    """CHALLENGERS of a range.

    Args:
        series: TIMESERIES of the range; the desk's gross is the measure.
        proposals: TABLES["proposals"] of the range.
        prints: usable prints from ``vol_sessions`` sessions before the range on.
        splits: symbol, as_of_date, ratio of new shares per old, in unadjusted closes.
        context: cost and borrow rates, and when a silent name is closed.
        vol_sessions: returns behind one inverse-volatility weight.
    """
    sessions = series["as_of_date"]
    target = math.fsum(series["equity_gross"])
    wanted = _wanted(proposals)
    today = _closes(sessions, prints)
    split_on: dict[date, dict[str, float]] = {}
    for symbol, day, ratio in splits.select("symbol", "as_of_date", "ratio").iter_rows():
        split_on.setdefault(day, {})[symbol] = float(ratio)

    def by_volatility(legs: Legs, beta: float, place: int) -> float | None:
        volatility = _pair_volatility(legs, beta, place, vol_sessions, prints)
        return None if not volatility else 1.0 / volatility

    sizes: dict[str, Size] = {EQUAL_WEIGHT: lambda legs, beta, place: 1.0, INVERSE_VOLATILITY: by_volatility}
    parts = []
    for name in NAMES:
        days = list(_walked(sessions, wanted, prints, today, split_on, context, sizes[name]))
        gross = math.fsum(math.fsum(map(abs, day.values.values())) for day in days)
        parts.append(_scaled(name, sessions, days, prints, target / gross if gross else 0.0, context))
    return CHALLENGERS.conform(pl.concat(parts))


def _wanted(proposals: pl.DataFrame) -> Wanted:
    """In order of the ticket."""
    found: dict[date, list[tuple[str, Legs, float, float | None]]] = {}
    legs = {pair: _legs(pair) for pair in proposals["pair_id"].unique()}
    columns = ("as_of_date", "ticket_id", "pair_id", "units", "beta")
    for session, ticket_id, pair, units, beta in proposals.select(columns).sort("as_of_date", "ticket_id").iter_rows():
        found.setdefault(session, []).append((ticket_id, legs[pair], units, beta))
    return found


def _closes(sessions: pl.Series, prints: PrintPanel) -> list[dict[str, float]]:
    """Closes in ticks by symbol, of those that printed, per session."""
    rows = prints.ticks[prints.rows(prints.places(sessions))].tolist()
    return [
        {symbol: row[column] for symbol, column in prints.symbols.items() if not math.isnan(row[column])} for row in rows
    ]


def _legs(pair: str) -> Legs:
    a, b = pair.split(PAIR_SEPARATOR)
    return a, b


def _walked(
    sessions: pl.Series,
    wanted: Wanted,
    prints: PrintPanel,
    closes: Sequence[Mapping[str, float]],
    splits: Mapping[date, Mapping[str, float]],
    context: DeskContext,
    size: Size,
) -> Iterator[_Day]:
    held: dict[str, _Held] = {}
    frozen = context.config.desk.frozen
    for session, place, today in zip(sessions, prints.places(sessions).tolist(), closes, strict=True):
        borrowed = math.fsum(
            -leg.value * context.borrow_rates[leg.symbol] for item in held.values() for leg in item.legs if leg.shares < 0
        )
        ratios = splits.get(session, {})
        lost: list[float] = []
        for standing in held.values():
            for leg in standing.legs:
                leg.shares *= ratios.get(leg.symbol, 1.0)
                lost.append(_marked(leg, today, frozen.close_after_sessions, frozen.delisting_return))
        traded: dict[tuple[str, str], float] = {}
        for ticket_id, legs, units, beta in wanted.get(session, ()):
            before = held.get(ticket_id)
            if (before.units if before else 0.0) == units:
                continue
            if before is not None and any(leg.shares and leg.silent for leg in before.legs):
                continue
            after = _entered(legs, units, beta, place, today, size)
            if before is not None and units and after is None:
                continue
            for item, sign in ((before, -1.0), (after, 1.0)):
                for leg in () if item is None else item.legs:
                    traded[ticket_id, leg.symbol] = traded.get((ticket_id, leg.symbol), 0.0) + sign * leg.value
            held.pop(ticket_id, None)
            if after is not None:
                held[ticket_id] = after
        values: dict[str, float] = {}
        for _, position in sorted(held.items()):
            for leg in position.legs:
                if leg.shares:
                    values[leg.symbol] = values.get(leg.symbol, 0.0) + leg.value
        costs = math.fsum(abs(amount) * context.cost_rates[symbol] for (_, symbol), amount in traded.items()) + borrowed
        yield _Day(values, len(held), math.fsum(map(abs, traded.values())), costs, math.fsum(lost))


def _marked(leg: _Leg, today: Mapping[str, float], patience: int, delisting_return: float) -> float:
    """Bring a leg to today's print in place; what is lost with a name that has been silent too long."""
    ticks = today.get(leg.symbol)
    if ticks is not None:
        leg.ticks, leg.silent = ticks, 0
        return 0.0
    leg.silent += 1
    if not leg.shares or leg.silent < patience:
        return 0.0
    loss = leg.value * delisting_return if leg.shares > 0 else 0.0
    leg.shares = 0.0
    return loss


def _entered(legs: Legs, units: float, beta: float | None, place: int, today: Mapping[str, float], size: Size) -> _Held | None:
    """The position the controller's units ask for today; None where they ask for none, or it cannot be sized."""
    a, b = legs
    if not units or beta is None or a not in today or b not in today:
        return None
    relative = size(legs, beta, place)
    if relative is None:
        return None
    value = math.copysign(abs(units) * relative / (1 + abs(beta)), units)
    return _Held(units, (_Leg(a, value / today[a], today[a]), _Leg(b, -beta * value / today[b], today[b])))


def _pair_volatility(legs: Legs, beta: float, place: int, sessions: int, prints: PrintPanel) -> float | None:
    """Daily volatility of a dollar of the pair's gross over the returns of so many sessions; None where too few printed.

    The pair is 1 / (1 + |beta|) dollars of A against beta times as much of B; returns are simple, of adj_close.
    """
    window = np.arange(max(0, place - sessions), place + 1)
    both = prints.adj_close[np.ix_(prints.rows(window), [prints.symbols[symbol] for symbol in legs])]
    a, b = both[~np.isnan(both).any(axis=1)].T
    returns = ((a[1:] / a[:-1] - 1) - beta * (b[1:] / b[:-1] - 1)) / (1 + abs(beta))
    return deviation(returns.tolist()) if 2 * len(returns) >= len(window) - 1 else None


def _scaled(
    name: str, sessions: pl.Series, days: Sequence[_Day], prints: PrintPanel, scale: float, context: DeskContext
) -> pl.DataFrame:
    """A challenger's days at the desk's mean gross, each held to its one common next session: CHALLENGERS, in any order."""
    places, patience = prints.places(sessions), patience_sessions(context.config)
    counts = [len(day.values) for day in days]
    columns = np.array([prints.symbols[symbol] for day in days for symbol in day.values], dtype=np.intp)
    values = np.fromiter(chain.from_iterable(day.values.values() for day in days), np.float64)
    waits = prints.waits(places, np.repeat(places, counts), columns, patience)
    last = int(places[-1])
    outcomes = [_outcome(day, place, wait, last, patience) for day, place, wait in zip(days, places, waits, strict=True)]
    before, after = (prints.rows(np.repeat(at, counts)) for at in (places, places + np.maximum(waits, 0)))
    earned = (values * scale * (prints.adj_close[after, columns] / prints.adj_close[before, columns] - 1)).tolist()
    ends = np.cumsum([0, *counts]).tolist()
    gross = [
        math.fsum([day.delisted * scale, *(earned[begin:end] if status == OK else ())])
        for day, (status, _), (begin, end) in zip(days, outcomes, pairwise(ends), strict=True)
    ]
    costs = [day.costs * scale for day in days]
    net = [pnl - cost for pnl, cost in zip(gross, costs, strict=True)]
    return pl.DataFrame(
        {
            "challenger": name,
            "as_of_date": sessions,
            "next_date": [None if place is None else prints.calendar[place].item() for _, place in outcomes],
            "status": [status for status, _ in outcomes],
            "tickets": [day.tickets for day in days],
            "gross": [math.fsum(map(abs, day.values.values())) * scale for day in days],
            "turnover": [day.turnover * scale for day in days],
            "costs": costs,
            "pnl_gross": gross,
            "pnl_net": net,
            "cumulative_pnl_net": running_sums(net),
        },
        schema=CHALLENGERS.schema,
    )


def _outcome(day: _Day, place: int, wait: int, last: int, patience: int) -> tuple[str, int | None]:
    """How a session fared, and the place its P&L was known on; ``last``: the place of the range's last session."""
    if wait == NOT_PRICED:
        return SKIPPED_NO_PRICE, None
    if wait > 0 and place + wait <= last:
        flat = not (day.values or day.turnover or day.costs)
        return (FLAT if flat else OK), place + wait
    return (SKIPPED_NO_COMMON_SESSION if place + patience <= last else PENDING), None
