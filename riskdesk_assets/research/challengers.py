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
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.universe import PAIR_SEPARATOR
from riskdesk_assets.construction.inputs import DeskContext
from riskdesk_assets.market.print_panel import NOT_PRICED, Places, PrintPanel
from riskdesk_assets.reports.realized import OK, PENDING, SKIPPED_NO_COMMON_SESSION, SKIPPED_NO_PRICE, patience_sessions
from riskdesk_assets.research.backtest_tables import CHALLENGERS
from riskdesk_assets.research.exact_sums import exact_sums_at, running_sums
from riskdesk_assets.research.performance import deviation
from riskdesk_assets.research.timeseries import FLAT

EQUAL_WEIGHT, INVERSE_VOLATILITY = "equal_weight", "inverse_volatility"
NAMES = (EQUAL_WEIGHT, INVERSE_VOLATILITY)
Array = npt.NDArray[np.float64]
Wanted = tuple[int, str, float, float | None]  # day, pair, units, hedge ratio
Size = Callable[[str, float, int], float | None]  # pair, hedge ratio, day -> relative gross; None: not sizeable


@dataclass(frozen=True, eq=False)
class _Market:
    """What a challenger meets. A *day* is the number of a session in the range; matrices have the shape (days, symbols).

    ``places``: of the days in the calendar. ``marks``: the last close, in ticks. ``silent``: sessions in a row without a print.
    ``splits``: new shares per old.
    """

    places: Places
    prints: PrintPanel
    marks: Array
    silent: Places
    splits: Array
    context: DeskContext

    @classmethod
    def of(cls, sessions: pl.Series, prints: PrintPanel, splits: pl.DataFrame, context: DeskContext) -> _Market:
        places = prints.places(sessions)
        closes = prints.ticks[prints.rows(places)]
        days = np.arange(len(places))[:, None]
        printed = np.maximum.accumulate(np.where(np.isnan(closes), -1, days), axis=0)
        marks = np.take_along_axis(closes, np.maximum(printed, 0), axis=0)
        ratios, here = np.ones(closes.shape), splits.filter(pl.col("as_of_date").is_in(sessions.implode()))
        ratios[np.searchsorted(places, prints.places(here["as_of_date"])), prints.columns(here["symbol"])] = here["ratio"]
        return cls(places, prints, marks, days - printed, ratios, context)


@dataclass(frozen=True, eq=False)
class _Leg:
    """A leg from the day it is entered on: shares (a fraction, signed) and value in ticks, per day to the end of the range.

    ``closed``: the day it is closed on at the delisting return, which loses ``loss``; None: never.
    """

    symbol: str
    column: int
    shares: Array
    values: Array
    closed: int | None = None
    loss: float = 0.0

    @classmethod
    def entered(cls, symbol: str, value: float, day: int, market: _Market) -> _Leg:
        column, frozen = market.prints.column(symbol), market.context.config.desk.frozen
        marks = market.marks[day:, column]
        ratios = market.splits[day:, column].copy()
        ratios[0] = value / marks[0]
        shares = np.multiply.accumulate(ratios)
        values = shares * marks
        over = np.flatnonzero(market.silent[day:, column] >= frozen.close_after_sessions)
        if not over.size or not shares[0]:
            return cls(symbol, column, shares, values)
        closed = int(over[0])
        loss = float(values[closed]) * frozen.delisting_return if shares[closed] > 0 else 0.0
        shares[closed:] = values[closed:] = 0.0
        return cls(symbol, column, shares, values, day + closed, loss)


@dataclass(frozen=True)
class _Held:
    """A ticket's position from its day of entry on."""

    entered: int
    units: float
    legs: tuple[_Leg, _Leg]

    def silent(self, day: int, market: _Market) -> bool:
        """Whether something is held that did not print."""
        return any(leg.shares[day - self.entered] and market.silent[day, leg.column] for leg in self.legs)


@dataclass
class _Account:
    """Amounts by day, in the order they came in."""

    days: list[int] = field(default_factory=list)
    amounts: list[float] = field(default_factory=list)

    def add(self, days: Sequence[int], amounts: Sequence[float]) -> None:
        self.days.extend(days)
        self.amounts.extend(amounts)

    def sums(self, count: int) -> Array:
        return exact_sums_at(np.array(self.days, dtype=np.intp), np.array(self.amounts), count)


@dataclass(frozen=True, eq=False)
class _Walked:
    """A challenger before it is scaled: value per day and symbol, where something is held, tickets held, and by day what was
    traded, paid and lost."""

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
    market = _Market.of(series["as_of_date"], prints, splits, context)
    wanted = _wanted(proposals, market)

    def by_volatility(pair: str, beta: float, day: int) -> float | None:
        volatility = _pair_volatility(pair, beta, int(market.places[day]), vol_sessions, prints)
        return None if not volatility else 1.0 / volatility

    sizes: dict[str, Size] = {EQUAL_WEIGHT: lambda pair, beta, day: 1.0, INVERSE_VOLATILITY: by_volatility}
    target = math.fsum(series["equity_gross"])
    walks = {name: _walked(wanted, market, sizes[name]) for name in NAMES}
    return CHALLENGERS.conform(pl.concat(_scaled(name, walked, market, target) for name, walked in walks.items()))


def _wanted(proposals: pl.DataFrame, market: _Market) -> list[list[Wanted]]:
    """What the controller wants of every ticket, day after day; in order of the ticket."""
    days = np.searchsorted(market.places, market.prints.places(proposals["as_of_date"]))
    rows = proposals.select("ticket_id", "pair_id", "units", "beta", day=pl.Series(days)).sort("ticket_id", "day")
    tickets = rows.group_by("ticket_id", maintain_order=True).agg("day", "pair_id", "units", "beta")
    return [list(zip(*columns, strict=True)) for _, *columns in tickets.iter_rows()]


def _walked(tickets: Sequence[Sequence[Wanted]], market: _Market, size: Size) -> _Walked:
    """Enter and leave every ticket; values add in order of the ticket, everything else exactly."""
    days, context = len(market.places), market.context
    values, held = np.zeros(market.marks.shape), np.zeros(market.marks.shape, dtype=np.bool_)
    number = np.zeros(days, dtype=np.intp)
    traded, paid, borrowed, lost = _Account(), _Account(), _Account(), _Account()
    for rows in tickets:
        for position, end in _positions(rows, market, size, traded, paid):
            here, length = slice(position.entered, end), end - position.entered
            number[here] += 1
            for leg in position.legs:
                shares, worth = leg.shares[:length], leg.values[:length]
                values[here, leg.column] += worth
                held[here, leg.column] |= shares != 0
                # What is short overnight pays on the next day, be it the day it is bought back.
                short = np.flatnonzero(shares[: days - 1 - position.entered] < 0)
                borrow = -worth[short] * context.borrow_rates[leg.symbol]
                borrowed.add((position.entered + 1 + short).tolist(), borrow.tolist())
                if leg.closed is not None and leg.closed <= end:
                    lost.add([leg.closed], [leg.loss])
    costs = paid.sums(days) + borrowed.sums(days)
    return _Walked(values, held, number, traded.sums(days), costs, lost.sums(days))


def _positions(
    rows: Sequence[Wanted], market: _Market, size: Size, traded: _Account, paid: _Account
) -> Iterator[tuple[_Held, int]]:
    """A ticket's positions one after the other, each with the day it is no longer held on; trades go into the accounts."""
    held: _Held | None = None
    for day, pair, units, beta in rows:
        if (held.units if held else 0.0) == units or (held is not None and held.silent(day, market)):
            continue
        entered = _entered(pair, units, beta, day, market, size)
        if held is not None and units and entered is None:
            continue
        amounts: dict[str, float] = {}
        for item, sign in ((held, -1.0), (entered, 1.0)):
            for leg in () if item is None else item.legs:
                amounts[leg.symbol] = amounts.get(leg.symbol, 0.0) + sign * float(leg.values[day - item.entered])
        traded.add([day] * len(amounts), [abs(amount) for amount in amounts.values()])
        paid.add([day] * len(amounts), [abs(amount) * market.context.cost_rates[symbol] for symbol, amount in amounts.items()])
        if held is not None:
            yield held, day
        held = entered
    if held is not None:
        yield held, len(market.places)


def _entered(pair: str, units: float, beta: float | None, day: int, market: _Market, size: Size) -> _Held | None:
    """The position the controller's units ask for today; None where they ask for none, or it cannot be sized."""
    a, b = pair.split(PAIR_SEPARATOR)
    if not units or beta is None or any(market.silent[day, market.prints.column(symbol)] for symbol in (a, b)):
        return None
    relative = size(pair, beta, day)
    if relative is None:
        return None
    value = math.copysign(abs(units) * relative / (1 + abs(beta)), units)
    return _Held(day, units, (_Leg.entered(a, value, day, market), _Leg.entered(b, -beta * value, day, market)))


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


def _scaled(name: str, walked: _Walked, market: _Market, target: float) -> pl.DataFrame:
    """A challenger's days at the desk's gross, each held to its one common next session.

    Args:
        name: the challenger's.
        walked: its days before they are scaled.
        market: prints and sessions.
        target: sum of the desk's gross over the range, in dollars.
    """
    places, prints, patience = market.places, market.prints, patience_sessions(market.context.config)
    gross = walked.gross
    whole = math.fsum(gross)
    scale = target / whole if whole else 0.0
    days, columns = np.nonzero(walked.held)
    waits = prints.waits(places, places[days], columns, patience)
    known = (waits > 0) & (places + waits <= places[-1])
    flat = known & ~(walked.held.any(axis=1) | (walked.turnover != 0) | (walked.costs != 0))
    late = places + patience <= places[-1]
    status = np.select([waits == NOT_PRICED, flat, known, late], [SKIPPED_NO_PRICE, FLAT, OK, SKIPPED_NO_COMMON_SESSION], PENDING)
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
