"""The same entries and exits, sized by rules a person can say in one sentence: what the desk's machinery has to beat.

A challenger holds every ticket the controller wants, long or short its spread at the hedge ratio of the day it enters, from the
session of the entry to that of the exit, without touching it in between:

- equal_weight: every ticket gets the same gross;
- inverse_volatility: a ticket's gross is in inverse proportion to its pair's volatility before the entry.

Half units get half of it. Sizes are fractions of a share and no limit applies; the whole is then scaled by one number, so that its mean
gross is the desk's own. It pays the same costs per dollar traded and borrowed, and earns in the same whole-day-skip semantics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import polars as pl

from riskdesk_assets.common.universe import PAIR_SEPARATOR
from riskdesk_assets.construction.carry import Mark, Prints
from riskdesk_assets.construction.inputs import DeskContext
from riskdesk_assets.reports.realized import OK, PENDING, SKIPPED_NO_COMMON_SESSION, SKIPPED_NO_PRICE, patience_sessions
from riskdesk_assets.research.backtest_tables import CHALLENGERS
from riskdesk_assets.research.performance import deviation
from riskdesk_assets.research.timeseries import FLAT

EQUAL_WEIGHT, INVERSE_VOLATILITY = "equal_weight", "inverse_volatility"
NAMES = (EQUAL_WEIGHT, INVERSE_VOLATILITY)
Row = dict[str, object]
Size = Callable[[str, float, date], float | None]  # pair, hedge ratio, session -> relative gross; None: not sizeable


@dataclass
class _Leg:
    """Shares (a fraction, signed) at the last print, and sessions in a row without one."""

    symbol: str
    shares: float
    mark: Mark
    silent: int = 0

    @property
    def value(self) -> float:
        return self.shares * self.mark.close


@dataclass
class _Held:
    units: float
    legs: tuple[_Leg, _Leg]


@dataclass(frozen=True)
class _Day:
    """One session of a challenger before it is scaled: signed value per symbol, tickets held, what was traded, paid and lost."""

    session: date
    values: Mapping[str, float]
    tickets: int
    turnover: float
    costs: float
    delisted: float


def challengers(
    series: pl.DataFrame,
    proposals: pl.DataFrame,
    all_sessions: Sequence[date],
    prints: Prints,
    splits: pl.DataFrame,
    context: DeskContext,
    vol_sessions: int,
) -> pl.DataFrame:
    """CHALLENGERS of a range.

    Args:
        series: TIMESERIES of the range; the desk's gross is the measure.
        proposals: TABLES["proposals"] of the range.
        all_sessions: the exchange's sessions, ascending.
        prints: usable prints from ``vol_sessions`` sessions before the range on.
        splits: symbol, as_of_date, ratio of new shares per old, in unadjusted closes.
        context: cost and borrow rates, and when a silent name is closed.
        vol_sessions: returns behind one inverse-volatility weight.
    """
    sessions = series["as_of_date"].to_list()
    target = math.fsum(series["equity_gross"])
    wanted = _wanted(proposals)
    split_on = {(day, symbol): float(ratio) for symbol, day, ratio in splits.select("symbol", "as_of_date", "ratio").iter_rows()}
    place = {session: number for number, session in enumerate(all_sessions)}

    def by_volatility(pair: str, beta: float, session: date) -> float | None:
        end = place[session]
        volatility = _pair_volatility(pair, beta, all_sessions[max(0, end - vol_sessions) : end + 1], prints)
        return None if not volatility else 1.0 / volatility

    sizes: dict[str, Size] = {EQUAL_WEIGHT: lambda pair, beta, session: 1.0, INVERSE_VOLATILITY: by_volatility}
    rows: list[Row] = []
    for name in NAMES:
        days = list(_walked(sessions, wanted, prints, split_on, context, sizes[name]))
        gross = math.fsum(math.fsum(map(abs, day.values.values())) for day in days)
        rows.extend(_rows(name, days, all_sessions, prints, target / gross if gross else 0.0, context))
    return CHALLENGERS.frame(rows)


def _wanted(proposals: pl.DataFrame) -> dict[date, list[tuple[str, str, float, float | None]]]:
    """Session -> (ticket, pair, units, hedge ratio), in order of the ticket."""
    found: dict[date, list[tuple[str, str, float, float | None]]] = {}
    columns = ("as_of_date", "ticket_id", "pair_id", "units", "beta")
    for session, ticket_id, pair, units, beta in proposals.sort("as_of_date", "ticket_id").select(columns).iter_rows():
        found.setdefault(session, []).append((ticket_id, pair, units, beta))
    return found


def _walked(
    sessions: Sequence[date],
    wanted: Mapping[date, Sequence[tuple[str, str, float, float | None]]],
    prints: Prints,
    splits: Mapping[tuple[date, str], float],
    context: DeskContext,
    size: Size,
) -> Iterator[_Day]:
    held: dict[str, _Held] = {}
    frozen = context.config.desk.frozen
    for session in sessions:
        today = prints.get(session, {})
        borrowed = math.fsum(
            -leg.value * context.borrow_rates[leg.symbol] for item in held.values() for leg in item.legs if leg.shares < 0
        )
        lost: list[float] = []
        for _, standing in sorted(held.items()):
            for leg in standing.legs:
                leg.shares *= splits.get((session, leg.symbol), 1.0)
                lost.append(_marked(leg, today, frozen.close_after_sessions, frozen.delisting_return))
        traded: dict[tuple[str, str], float] = {}
        for ticket_id, pair, units, beta in wanted.get(session, ()):
            before = held.get(ticket_id)
            if before is not None and any(leg.shares and leg.silent for leg in before.legs):
                continue
            if (before.units if before else 0.0) == units:
                continue
            after = _entered(pair, units, beta, session, today, size)
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
        yield _Day(session, values, len(held), math.fsum(map(abs, traded.values())), costs, math.fsum(lost))


def _marked(leg: _Leg, today: Mapping[str, Mark], patience: int, delisting_return: float) -> float:
    """Bring a leg to today's print in place; what is lost with a name that has been silent too long."""
    mark = today.get(leg.symbol)
    if mark is not None:
        leg.mark, leg.silent = mark, 0
        return 0.0
    leg.silent += 1
    if not leg.shares or leg.silent < patience:
        return 0.0
    loss = leg.value * delisting_return if leg.shares > 0 else 0.0
    leg.shares = 0.0
    return loss


def _entered(
    pair: str, units: float, beta: float | None, session: date, today: Mapping[str, Mark], size: Size
) -> _Held | None:
    """The position the controller's units ask for today; None where they ask for none, or it cannot be sized."""
    a, b = pair.split(PAIR_SEPARATOR)
    if not units or beta is None or a not in today or b not in today:
        return None
    relative = size(pair, beta, session)
    if relative is None:
        return None
    leg_a = math.copysign(abs(units) * relative / (1 + abs(beta)), units)
    legs = [_Leg(symbol, value / today[symbol].close, today[symbol]) for symbol, value in ((a, leg_a), (b, -beta * leg_a))]
    return _Held(units, (legs[0], legs[1]))


def _pair_volatility(pair: str, beta: float, window: Sequence[date], prints: Prints) -> float | None:
    """Daily volatility of a dollar of the pair's gross over the window's returns; None where there are too few to say.

    The pair is 1 / (1 + |beta|) dollars of A against beta times as much of B; returns are simple, of adj_close.
    """
    a, b = pair.split(PAIR_SEPARATOR)
    both = [(prints[day][a], prints[day][b]) for day in window if a in prints.get(day, {}) and b in prints.get(day, {})]
    returns = [
        ((now_a.adj_close / old_a.adj_close - 1) - beta * (now_b.adj_close / old_b.adj_close - 1)) / (1 + abs(beta))
        for (old_a, old_b), (now_a, now_b) in pairwise(both)
    ]
    return deviation(returns) if 2 * len(returns) >= len(window) - 1 else None


def _rows(
    name: str, days: Sequence[_Day], all_sessions: Sequence[date], prints: Prints, scale: float, context: DeskContext
) -> Iterator[Row]:
    """A challenger's days at the desk's mean gross, each held to its one common next session."""
    place = {session: number for number, session in enumerate(all_sessions)}
    patience, last = patience_sessions(context.config), days[-1].session
    earned: list[float] = []
    for day in days:
        later = all_sessions[place[day.session] + 1 : place[day.session] + 1 + patience]
        status, following = _outcome(day, later, last, prints)
        gross = [day.delisted * scale]
        if status == OK and following is not None:
            now, then = prints[day.session], prints[following]
            gross += [
                value * scale * (then[symbol].adj_close / now[symbol].adj_close - 1) for symbol, value in sorted(day.values.items())
            ]
        pnl = math.fsum(gross)
        earned.append(pnl - day.costs * scale)
        yield {
            "challenger": name,
            "as_of_date": day.session,
            "next_date": following,
            "status": status,
            "tickets": day.tickets,
            "gross": math.fsum(map(abs, day.values.values())) * scale,
            "turnover": day.turnover * scale,
            "costs": day.costs * scale,
            "pnl_gross": pnl,
            "pnl_net": earned[-1],
            "cumulative_pnl_net": math.fsum(earned),
        }


def _outcome(day: _Day, later: Sequence[date], last: date, prints: Prints) -> tuple[str, date | None]:
    symbols = set(day.values)
    if not symbols <= set(prints.get(day.session, {})):
        return SKIPPED_NO_PRICE, None
    known = [session for session in later if session <= last]
    if not symbols:
        status = OK if day.turnover or day.costs else FLAT
        return (status, known[0]) if known else (PENDING, None)
    following = next((session for session in known if symbols <= set(prints.get(session, {}))), None)
    if following is not None:
        return OK, following
    return (SKIPPED_NO_COMMON_SESSION if len(known) == len(later) else PENDING), None
