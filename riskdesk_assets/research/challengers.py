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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.sample_statistics import deviation
from riskdesk_assets.common.universe import PAIR_SEPARATOR
from riskdesk_assets.construction.inputs import DeskContext
from riskdesk_assets.market.print_panel import NOT_PRICED, Places, PrintPanel
from riskdesk_assets.reports.realized import OK, PENDING, SKIPPED_NO_COMMON_SESSION, SKIPPED_NO_PRICE, patience_sessions
from riskdesk_assets.research.backtest_tables import CHALLENGERS
from riskdesk_assets.research.challenger_market import Array, Leg, Market
from riskdesk_assets.research.exact_sums import exact_sums_at, running_sums
from riskdesk_assets.research.timeseries import FLAT

EQUAL_WEIGHT, INVERSE_VOLATILITY = "equal_weight", "inverse_volatility"
NAMES = (EQUAL_WEIGHT, INVERSE_VOLATILITY)
Wanted = tuple[int, str, float, float | None]  # day, pair, units, hedge ratio
Trade = tuple[int, str, float]  # day, symbol, ticks
Size = Callable[[str, float, int], float | None]  # pair, hedge ratio, day -> relative gross; None: not sizeable


@dataclass(frozen=True)
class _Position:
    """What is held of a ticket, at the controller's units."""

    units: float
    legs: tuple[Leg, Leg]


@dataclass(frozen=True, eq=False)
class _Walked:
    """A challenger before it is scaled, shape (days, symbols) or (days,): values, where something is held, tickets held, what
    was traded, paid and lost."""

    values: Array
    held: npt.NDArray[np.bool_]
    tickets: Places
    turnover: Array
    costs: Array
    lost: Array

    @property
    def gross(self) -> Array:
        """Sum of the absolute values, per day."""
        return np.array([math.fsum(day) for day in np.abs(self.values).tolist()])


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
    market = Market.of(series["as_of_date"], prints, splits, context.config.desk.frozen)
    wanted = _wanted(proposals, market)

    def by_volatility(pair: str, beta: float, day: int) -> float | None:
        volatility = _pair_volatility(pair, beta, int(market.places[day]), vol_sessions, prints)
        return None if not volatility else 1.0 / volatility

    sizes: dict[str, Size] = {EQUAL_WEIGHT: lambda pair, beta, day: 1.0, INVERSE_VOLATILITY: by_volatility}
    patience = patience_sessions(context.config)
    target = math.fsum(series["equity_gross"])
    walks = {name: _walked(wanted, market, sizes[name], context) for name in NAMES}
    return CHALLENGERS.conform(pl.concat(_scaled(name, walked, market, target, patience) for name, walked in walks.items()))


def _wanted(proposals: pl.DataFrame, market: Market) -> list[list[Wanted]]:
    """What the controller wants of every ticket, day after day; in order of the ticket."""
    days = np.searchsorted(market.places, market.prints.places(proposals["as_of_date"]))
    rows = proposals.select("ticket_id", "pair_id", "units", "beta", day=pl.Series(days)).sort("ticket_id", "day")
    tickets = rows.group_by("ticket_id", maintain_order=True).agg("day", "pair_id", "units", "beta")
    return [list(zip(*columns, strict=True)) for _, *columns in tickets.iter_rows()]


def _walked(tickets: Sequence[Sequence[Wanted]], market: Market, size: Size, context: DeskContext) -> _Walked:
    """Enter and leave every ticket. Values add in order of the ticket, everything else exactly."""
    days, shape = len(market.places), market.marks.shape
    number = np.zeros(days, dtype=np.intp)
    legs: list[tuple[Leg, int]] = []
    trades: list[Trade] = []
    for rows in tickets:
        for position, end in _positions(rows, market, size, trades):
            number[position.legs[0].entered : end] += 1
            legs.extend((leg, end) for leg in position.legs)
    lines = market.lines(legs)
    values, held = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    np.add.at(values, (lines.day, lines.column), lines.value)
    held[lines.day[lines.shares != 0], lines.column[lines.shares != 0]] = True
    # What is short overnight pays on the next day, be it the day it is bought back.
    short = (lines.shares < 0) & (lines.day < days - 1)
    rates = np.array([context.borrow_rates[leg.symbol] for leg, _ in legs])
    borrow = exact_sums_at(lines.day[short] + 1, -lines.value[short] * rates[lines.leg[short]], days)
    lost = [(leg.closed, market.loss(leg, leg.closed)) for leg, end in legs if leg.closed is not None and leg.closed <= end]
    turnover = _by_day([(day, abs(amount)) for day, _, amount in trades], days)
    fees = _by_day([(day, abs(amount) * context.cost_rates[symbol]) for day, symbol, amount in trades], days)
    return _Walked(values, held, number, turnover, fees + borrow, _by_day(lost, days))


def _by_day(amounts: Sequence[tuple[int, float]], days: int) -> Array:
    at, values = zip(*amounts, strict=True) if amounts else ((), ())
    return exact_sums_at(np.array(at, dtype=np.intp), np.array(values, dtype=np.float64), days)


def _positions(rows: Sequence[Wanted], market: Market, size: Size, trades: list[Trade]) -> Iterator[tuple[_Position, int]]:
    """A ticket's positions one after the other, each with the day it is no longer held on; trades are added to the list."""
    held: _Position | None = None
    for day, pair, units, beta in rows:
        if (held.units if held else 0.0) == units or (held is not None and any(market.stuck(leg, day) for leg in held.legs)):
            continue
        entered = _entered(pair, units, beta, day, market, size)
        if held is not None and units and entered is None:
            continue
        amounts: dict[str, float] = {}
        for item, sign in ((held, -1.0), (entered, 1.0)):
            for leg in () if item is None else item.legs:
                amounts[leg.symbol] = amounts.get(leg.symbol, 0.0) + sign * market.value(leg, day)
        trades.extend((day, symbol, amount) for symbol, amount in amounts.items())
        if held is not None:
            yield held, day
        held = entered
    if held is not None:
        yield held, len(market.places)


def _entered(pair: str, units: float, beta: float | None, day: int, market: Market, size: Size) -> _Position | None:
    """The position the controller's units ask for today; None where they ask for none, or it cannot be sized."""
    a, b = pair.split(PAIR_SEPARATOR)
    if not units or beta is None or not (market.printed(a, day) and market.printed(b, day)):
        return None
    relative = size(pair, beta, day)
    if relative is None:
        return None
    value = math.copysign(abs(units) * relative / (1 + abs(beta)), units)
    return _Position(units, (market.bought(a, value, day), market.bought(b, -beta * value, day)))


def _pair_volatility(pair: str, beta: float, place: int, sessions: int, prints: PrintPanel) -> float | None:
    """Daily volatility of a dollar of the pair's gross over so many returns up to a place; None where too few printed.

    The pair is 1 / (1 + |beta|) dollars of A against beta times as much of B; returns are simple, of adj_close.
    """
    window = prints.rows(np.arange(max(0, place - sessions), place + 1))
    a, b = (prints.adj_close[window, prints.column(symbol)] for symbol in pair.split(PAIR_SEPARATOR))
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    returns = ((a[1:] / a[:-1] - 1) - beta * (b[1:] / b[:-1] - 1)) / (1 + abs(beta))
    return deviation(returns.tolist()) if 2 * len(returns) >= len(window) - 1 else None


def _scaled(name: str, walked: _Walked, market: Market, target: float, patience: int) -> pl.DataFrame:
    """A challenger's days at the desk's gross, each held to its one common next session.

    Args:
        name: the challenger's.
        walked: its days before they are scaled.
        market: prints and sessions.
        target: sum of the desk's gross over the range, in dollars.
        patience: the most sessions a book waits for a common price.
    """
    places, prints = market.places, market.prints
    gross = walked.gross
    whole = math.fsum(gross)
    scale = target / whole if whole else 0.0
    days, columns = np.nonzero(walked.held)
    waits = prints.waits(places, places[days], columns, patience)
    known = (waits > 0) & (places + waits <= places[-1])
    flat = known & ~(walked.held.any(axis=1) | (walked.turnover != 0) | (walked.costs != 0))
    late = places + patience <= places[-1]
    outcomes = {SKIPPED_NO_PRICE: waits == NOT_PRICED, FLAT: flat, OK: known, SKIPPED_NO_COMMON_SESSION: late}
    status = np.select(list(outcomes.values()), list(outcomes), PENDING)
    following = np.where(known, places + waits, places)
    before, after = (prints.adj_close[prints.rows(at[days]), columns] for at in (places, following))
    earned = np.where(known[days], walked.values[days, columns] * scale * (after / before - 1), 0.0)
    everything = np.concatenate([days, np.arange(len(places))]), np.concatenate([earned, walked.lost * scale])
    pnl = exact_sums_at(*everything, len(places))
    net = pnl - walked.costs * scale
    return pl.DataFrame(
        {
            "challenger": [name] * len(places),
            "as_of_date": prints.calendar[places],
            "next_date": pl.Series(prints.calendar[following]).set(pl.Series(~known), None),
            "status": status.tolist(),
            "tickets": walked.tickets,
            "gross": gross * scale,
            "turnover": walked.turnover * scale,
            "costs": walked.costs * scale,
            "pnl_gross": pnl,
            "pnl_net": net,
            "cumulative_pnl_net": running_sums(net.tolist()),
        }
    )
