"""What the guards would have saved and cost over a range, measured against rebalancing to the ideal portfolio every session."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.sample_statistics import deviation, mean
from riskdesk_assets.guards.ticket_guards import guard_book
from riskdesk_assets.guards.ticket_types import GuardMemory, GuardRules, TicketShares
from riskdesk_assets.limits.limit import Limit

Book = Mapping[str, TicketShares]


@dataclass(frozen=True)
class ShadowSession:
    """One session's inputs.

    ``ideal``: the ideal portfolio per ticket. ``prices``: ticks per symbol at the close. ``returns``: simple return of each
    symbol from the session before (0 where absent). ``splits``: new shares per old of names that split today. ``limits``: the
    session's hard limits.
    """

    session: date
    ideal: tuple[TicketShares, ...]
    prices: Mapping[str, int]
    returns: Mapping[str, float]
    splits: Mapping[str, Fraction] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True)
class ShadowRow:
    """One session, in dollars: traded, paid and earned by both books, and how far apart they stand.

    ``pnl_*``: what yesterday's book earned today, before costs. ``distance``: sum over legs of |guarded - naive| at today's
    prices. ``gross``: of the naive book.
    """

    session: date
    turnover_naive: float
    turnover_guarded: float
    cost_naive: float
    cost_guarded: float
    pnl_naive: float
    pnl_guarded: float
    distance: float
    gross: float


@dataclass(frozen=True)
class ShadowReport:
    """A range, measured. Ratios are None where there is nothing to divide by.

    ``turnover_reduction`` and ``cost_reduction``: 1 - guarded / naive. ``pnl_difference``: guarded less naive, before costs,
    dollars; ``net_difference``: after them. ``tracking_per_session``: standard deviation (ddof 1) of the daily P&L difference
    before costs, dollars: the tracking error against rebalancing every session. ``mean_distance``: mean over sessions of
    distance / naive gross, where there is any.
    """

    sessions: int
    turnover_naive: float
    turnover_guarded: float
    turnover_reduction: float | None
    cost_naive: float
    cost_guarded: float
    cost_reduction: float | None
    pnl_difference: float
    net_difference: float
    tracking_per_session: float | None
    mean_distance: float | None
    rows: tuple[ShadowRow, ...]


def shadow_report(days: Sequence[ShadowSession], rules: GuardRules, cost_rates: Mapping[str, float]) -> ShadowReport:
    """Walk both books through a range, each from the first session's ideal portfolio.

    Both start there so that building the first book is counted for neither.

    Args:
        days: the sessions in order.
        rules: the guards' rules; the mode does not matter, the guarded book follows the decisions.
        cost_rates: dollars of cost per dollar traded, per symbol.

    Raises:
        ValueError: no sessions, or sessions that do not ascend.
    """
    if not days or any(later.session <= earlier.session for earlier, later in pairwise(days)):
        raise ValueError("a shadow report needs sessions in ascending order")
    enforced = replace(rules, mode="enforce")
    naive: Book = _by_id(days[0].ideal)
    guarded, memory = naive, GuardMemory()
    # Once through the guards, so that their memory is that of a desk that stands where it does.
    memory = guard_book(
        list(guarded.values()), days[0].ideal, days[0].prices, enforced, memory, days[0].session, days[0].limits
    ).memory
    rows: list[ShadowRow] = []
    for before, day in pairwise(days):
        earned = _earned(naive, before, day), _earned(guarded, before, day)
        naive, guarded = _split(naive, day), _split(guarded, day)
        known = {**_by_id(list(guarded.values())), **_by_id(day.ideal)}
        result = guard_book(list(guarded.values()), day.ideal, day.prices, enforced, memory, day.session, day.limits)
        memory = result.memory
        wanted = _by_id(day.ideal)
        followed = {key: replace(known[key], shares=shares) for key, shares in result.guarded.items() if any(shares)}
        rows.append(
            ShadowRow(
                day.session,
                turnover_naive=_traded(naive, wanted, day.prices),
                turnover_guarded=_traded(guarded, followed, day.prices),
                cost_naive=_traded(naive, wanted, day.prices, cost_rates),
                cost_guarded=_traded(guarded, followed, day.prices, cost_rates),
                pnl_naive=earned[0],
                pnl_guarded=earned[1],
                distance=_traded(followed, wanted, day.prices),
                gross=_traded({}, wanted, day.prices),
            )
        )
        naive, guarded = wanted, followed
    return _measured(rows)


def _measured(rows: Sequence[ShadowRow]) -> ShadowReport:
    turnover = math.fsum(row.turnover_naive for row in rows), math.fsum(row.turnover_guarded for row in rows)
    cost = math.fsum(row.cost_naive for row in rows), math.fsum(row.cost_guarded for row in rows)
    differences = [row.pnl_guarded - row.pnl_naive for row in rows]
    difference = math.fsum(differences)
    distances = [row.distance / row.gross for row in rows if row.gross]
    return ShadowReport(
        sessions=len(rows),
        turnover_naive=turnover[0],
        turnover_guarded=turnover[1],
        turnover_reduction=_reduction(*turnover),
        cost_naive=cost[0],
        cost_guarded=cost[1],
        cost_reduction=_reduction(*cost),
        pnl_difference=difference,
        net_difference=difference + cost[0] - cost[1],
        tracking_per_session=deviation(differences),
        mean_distance=mean(distances),
        rows=tuple(rows),
    )


def _reduction(naive: float, guarded: float) -> float | None:
    return 1 - guarded / naive if naive else None


def _by_id(tickets: Sequence[TicketShares]) -> dict[str, TicketShares]:
    return {item.ticket_id: item for item in sorted(tickets, key=lambda item: item.ticket_id)}


def _earned(book: Book, before: ShadowSession, day: ShadowSession) -> float:
    """Dollars yesterday's book earned today: yesterday's notional times today's return."""
    return math.fsum(
        leg.notional / TICKS_PER_DOLLAR * day.returns.get(leg.symbol, 0.0)
        for item in book.values()
        for leg in item.legs({symbol: before.prices.get(symbol, day.prices[symbol]) for symbol in item.symbols})
        if leg.notional
    )


def _split(book: Book, day: ShadowSession) -> Book:
    """The book in today's shares; a fraction of a share that a split leaves is dropped."""
    if not day.splits:
        return book
    return {
        key: replace(
            item,
            shares=(
                int(item.shares[0] * day.splits.get(item.symbols[0], Fraction(1))),
                int(item.shares[1] * day.splits.get(item.symbols[1], Fraction(1))),
            ),
        )
        for key, item in book.items()
    }


def _traded(one: Book, other: Book, prices: Mapping[str, int], rates: Mapping[str, float] | None = None) -> float:
    """Dollars between two books, leg by leg; with rates, what trading them costs."""
    amounts: list[float] = []
    for key in sorted({*one, *other}):
        item = other.get(key) or one[key]
        for place, symbol in enumerate(item.symbols):
            before = one[key].shares[place] if key in one else 0
            after = other[key].shares[place] if key in other else 0
            dollars = abs(after - before) * prices[symbol] / TICKS_PER_DOLLAR
            amounts.append(dollars * (1.0 if rates is None else rates[symbol]))
    return math.fsum(amounts)
