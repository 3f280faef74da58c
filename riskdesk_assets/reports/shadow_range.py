"""The guards' shadow report over stored sessions: what following them would have traded, paid and earned. Writes nothing.

Beside the guards as they are configured it can walk others over the same sessions, with another band or cadence (document 004,
"Configuration Tuning"): what a wider band would have saved, and how far it would have stood from the ideal portfolio.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import product

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.construction.carry import Mark, prints_of
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.guards.shadow_report import ShadowReport, ShadowRow, ShadowSession, shadow_report
from riskdesk_assets.guards.ticket_types import TicketShares
from riskdesk_assets.market.history import read_history
from riskdesk_assets.reports.standing_book import StandingBooks

_TABLES = (
    "desk_state",
    "guard_decisions",
    "ideal_portfolio",
    "limit_audit",
    "portfolio_blotter",
    "desk_positions",
    "instrument_factors_daily",
    "instrument_state",
    "scenarios",
    "strategy_budgets",
)


MOST_SESSIONS = 45  # rows of a table that a person still reads one by one


@dataclass(frozen=True)
class ShadowVariant:
    """What guards with this band and cadence would have traded and paid over the range; fields as of ShadowReport.

    ``configured``: they are the configuration's own.
    """

    band: float
    cadence_sessions: int
    configured: bool
    turnover: float
    turnover_reduction: float | None
    cost: float
    cost_reduction: float | None
    net_difference: float
    tracking_per_session: float | None
    mean_distance: float | None


@dataclass(frozen=True)
class StoredShadow:
    """The report over stored sessions; ``prices``: where bars come from; ``unreleased``: sessions without a book, left out.

    ``nav`` in dollars. ``variants``: the configured guards first, then the others asked for; empty where none were.
    """

    first: date
    last: date
    prices: str
    unreleased: tuple[date, ...]
    nav: float
    report: ShadowReport
    variants: tuple[ShadowVariant, ...] = ()

    @property
    def tracking_error(self) -> float | None:
        """A year's, as a fraction of nav: sqrt(252) x the standard deviation of the daily P&L difference / nav."""
        per_session = self.report.tracking_per_session
        return None if per_session is None else per_session * math.sqrt(SESSIONS_A_YEAR) / self.nav


def stored_shadow(
    paths: Paths,
    calendar: SessionCalendar,
    config: Config,
    warehouse: Warehouse,
    start: date,
    end: date,
    bands: Sequence[float] = (),
    cadences: Sequence[int] = (),
) -> StoredShadow:
    """The guards of the configuration over the ideal portfolios the warehouse holds, against rebalancing to each of them.

    Args:
        paths: where the bars are.
        calendar: NYSE sessions.
        config: the guards' rules, caps and cost rates.
        warehouse: the stored sessions.
        start, end: the first and last day of the range.
        bands: also guards with these bands (share of a ticket's gross), each with every cadence.
        cadences: also guards with these cadences in sessions, each with every band.

    Raises:
        StateError: no session of the range released a book, no snapshot covers them, or bars were restated since.
    """
    tables = warehouse.read_all(_TABLES, start, end)
    states = dict(tables["desk_state"].select("as_of_date", "released").iter_rows())
    released = sorted(day for day, good in states.items() if good)
    if not released:
        raise StateError(f"no session from {start} to {end} has a released book: `riskdesk run --start {start} --end {end}`")
    history = read_history(paths, calendar, config, released[0], released[-1])
    context = desk_context(config)
    books = StandingBooks(config, tables, released)
    wanted = _wanted(tables["guard_decisions"])
    stored = _prices(tables["ideal_portfolio"])
    days: list[ShadowSession] = []
    marks: dict[str, Mark] = {}
    then: Mapping[str, Mark] = {}
    splits: dict[str, Fraction] = {}
    prints, split_on = prints_of(history.usable), _splits(history.splits)
    for session in sorted(prints):
        today = prints[session]
        marks = {**marks, **today}
        for symbol, ratio in split_on.get(session, ()):
            splits[symbol] = splits.get(symbol, Fraction(1)) * ratio
        if not states.get(session):
            continue
        _require_same_prices(session, stored.get(session, ()), today)
        days.append(
            ShadowSession(
                session=session,
                ideal=tuple(
                    TicketShares(ticket_id, symbols, shares, frozen=not set(symbols) <= set(today))
                    for ticket_id, symbols, shares in wanted.get(session, ())
                ),
                prices={symbol: mark.close for symbol, mark in marks.items()},
                returns={
                    symbol: mark.adj_close / then[symbol].adj_close - 1 for symbol, mark in marks.items() if symbol in then
                },
                splits=splits,
                limits=books.of_desk(session).limits,
            )
        )
        then, splits = marks, {}
    report = shadow_report(days, context.guards, context.cost_rates)
    own = config.desk.guards.band, config.desk.guards.cadence_sessions
    variants: list[ShadowVariant] = []
    if bands or cadences:
        variants.append(_variant(*own, report, configured=True))
        for band, cadence in sorted({*product(bands or own[:1], cadences or own[1:])} - {own}):
            rules = replace(context.guards, band=Fraction(Decimal(repr(band))), cadence_sessions=cadence)
            variants.append(_variant(band, cadence, shadow_report(days, rules, context.cost_rates), configured=False))
    without = tuple(sorted(day for day, good in states.items() if not good))
    source = history.snapshot.source
    return StoredShadow(released[0], released[-1], source, without, config.desk.nav, report, tuple(variants))


@dataclass(frozen=True)
class Period:
    """A session, or a month: what both books traded and paid in it, in dollars, and what the guarded one earned more."""

    name: str
    sessions: int
    turnover_naive: float
    turnover_guarded: float
    cost_naive: float
    cost_guarded: float
    pnl_difference: float


def periods(found: StoredShadow) -> tuple[Period, ...]:
    """The range session by session, or month by month where it has more than MOST_SESSIONS."""
    rows = found.report.rows
    monthly = len(rows) > MOST_SESSIONS
    groups: dict[str, list[ShadowRow]] = {}
    for row in rows:
        groups.setdefault(f"{row.session:%Y-%m}" if monthly else str(row.session), []).append(row)
    return tuple(
        Period(
            name,
            len(group),
            math.fsum(row.turnover_naive for row in group),
            math.fsum(row.turnover_guarded for row in group),
            math.fsum(row.cost_naive for row in group),
            math.fsum(row.cost_guarded for row in group),
            math.fsum(row.pnl_guarded - row.pnl_naive for row in group),
        )
        for name, group in groups.items()
    )


def _variant(band: float, cadence: int, report: ShadowReport, *, configured: bool) -> ShadowVariant:
    return ShadowVariant(
        band=band,
        cadence_sessions=cadence,
        configured=configured,
        turnover=report.turnover_guarded,
        turnover_reduction=report.turnover_reduction,
        cost=report.cost_guarded,
        cost_reduction=report.cost_reduction,
        net_difference=report.net_difference,
        tracking_per_session=report.tracking_per_session,
        mean_distance=report.mean_distance,
    )


def _wanted(decisions: pl.DataFrame) -> dict[date, list[tuple[str, tuple[str, str], tuple[int, int]]]]:
    """Per session the ideal portfolio's tickets, legs in order of symbol: which one is A changes nothing here."""
    found: dict[date, list[tuple[str, tuple[str, str], tuple[int, int]]]] = {}
    legs = decisions.sort("as_of_date", "ticket_id", "symbol").group_by("as_of_date", "ticket_id", maintain_order=True)
    pairs = legs.agg("symbol", "shares_wanted").iter_rows()
    for session, ticket_id, (first, second), (one, other) in pairs:
        if one or other:
            found.setdefault(session, []).append((ticket_id, (first, second), (one, other)))
    return found


def _splits(splits: pl.DataFrame) -> dict[date, list[tuple[str, Fraction]]]:
    found: dict[date, list[tuple[str, Fraction]]] = {}
    for symbol, session, ratio in splits.select("symbol", "as_of_date", "ratio").iter_rows():
        found.setdefault(session, []).append((symbol, Fraction(ratio).limit_denominator(1000)))
    return found


def _prices(ideal: pl.DataFrame) -> dict[date, list[tuple[str, int]]]:
    found: dict[date, list[tuple[str, int]]] = {}
    for session, symbol, price in ideal.filter(~pl.col("is_cash")).select("as_of_date", "symbol", "price").iter_rows():
        found.setdefault(session, []).append((symbol, round(price * TICKS_PER_DOLLAR)))
    return found


def _require_same_prices(session: date, stored: Iterable[tuple[str, int]], today: Mapping[str, Mark]) -> None:
    """Shares of a book are of the bars it was built on: after a restatement they are others."""
    for symbol, ticks in stored:
        if symbol in today and today[symbol].close != ticks:
            raise StateError(
                f"the close of {symbol} on {session} was restated since its book was made: compute the range again first "
                f"(`riskdesk run --start {session}`)"
            )
