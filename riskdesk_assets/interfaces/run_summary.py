"""What a run came to, as plain data read from the warehouse: the book, what clipped it, and which limits are close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import polars as pl

from riskdesk_assets.book.clips import WHOLE_LOTS
from riskdesk_assets.common.money import CASH, TICKS_PER_DOLLAR
from riskdesk_assets.common.settings import Config
from riskdesk_assets.reports.guard_words import decided
from riskdesk_assets.reports.limit_change_words import LimitChanged, limits_changed
from riskdesk_assets.reports.model_warnings import failed_checks
from riskdesk_assets.reports.regime_axes import RegimeAxes, regime_axes

CENTS_PER_DOLLAR = 100


class Tables(Protocol):
    """Where tables are read: the warehouse, or a run directory."""

    def read(self, name: str, first: date | None = None, last: date | None = None) -> pl.DataFrame:
        """Rows of a table from ``first`` to ``last`` in key order."""
        ...


@dataclass(frozen=True)
class SessionLine:
    """One session: what was released, and what the desk holds after it (dollars).

    ``gross`` and ``net`` are of the desk's own positions, ``ideal_gross`` and ``ideal_net`` of the ideal portfolio (None: none
    was released). They are the same in shadow.
    """

    session: date
    run_id: str
    status: str
    released: bool
    reason: str
    tickets_held: int
    gross: float
    net: float
    equity: float
    clips: int
    ideal_gross: float | None = None
    ideal_net: float | None = None


@dataclass(frozen=True)
class BookLine:
    """One symbol of the book, or CASH; ``price`` in dollars, ``tickets`` are those that hold it."""

    symbol: str
    shares: int | None
    price: float | None
    notional_cents: int
    tickets: tuple[str, ...]

    @property
    def notional(self) -> float:
        """Dollars."""
        return self.notional_cents / CENTS_PER_DOLLAR


@dataclass(frozen=True)
class LimitLine:
    """One limit that is amber, breached or binding; amounts in ``unit``, ``price`` dollars a day per dollar of limit."""

    name: str
    measured: float
    bound: float
    unit: str
    utilization: float | None
    status: str
    price: float | None


@dataclass(frozen=True)
class ClipLine:
    """All clips of one stage by one limit: how many tickets, and gross before and after in ``unit``."""

    stage: str
    limit: str
    tickets: int
    value_in: float
    value_out: float
    unit: str


@dataclass(frozen=True)
class DeskSummary:
    """The sessions of a run, and the newest of them in detail.

    ``book`` is the released one; where nothing was released, the positions that stand. Its cents sum to ``sum_cents``.
    ``market_regime`` is the newest session's (None: not known), ``tape_regimes`` how many names have which. ``desk_holds``:
    symbol -> shares of the desk's own positions where they may be another book than the released one (the desk follows its
    guards); None where they are the book. ``guards``: whether the desk follows them, and what they decided on the newest
    session; empty where they were not asked. ``limits_changed``: what became of limits in any of the sessions.
    ``failed_model_checks``: what the newest session's model_checks reject, in words.
    """

    source: str
    profile: str
    nav: float
    sessions: tuple[SessionLine, ...]
    book: tuple[BookLine, ...]
    limits: tuple[LimitLine, ...]
    clips: tuple[ClipLine, ...]
    market_regime: str | None = None
    tape_regimes: Mapping[str, int] = field(default_factory=dict)
    desk_holds: Mapping[str, int] | None = None
    guards: str = ""
    limits_changed: tuple[LimitChanged, ...] = ()
    failed_model_checks: tuple[str, ...] = ()

    @property
    def newest(self) -> SessionLine:
        """The last session."""
        return self.sessions[-1]

    @property
    def sum_cents(self) -> int:
        """Cents of all rows, CASH included."""
        return sum(line.notional_cents for line in self.book)

    @property
    def unreleased(self) -> tuple[SessionLine, ...]:
        """Sessions for which no book was released."""
        return tuple(line for line in self.sessions if not line.released)


def desk_summary(warehouse: Tables, config: Config, first: date, last: date) -> DeskSummary | None:
    """The sessions ``first`` to ``last`` as the warehouse holds them; None when none of them has a desk state."""
    sessions = _sessions(warehouse, first, last)
    if not sessions:
        return None
    newest = sessions[-1]
    axes = axes_of(warehouse, newest.session)
    sources = warehouse.read("daily_bars", newest.session, newest.session)["source"].unique().sort().to_list()
    return DeskSummary(
        source=", ".join(sources),
        profile=config.profile,
        nav=config.desk.nav,
        sessions=sessions,
        book=book_lines(warehouse, newest.session, released=newest.released),
        desk_holds=_desk_holds(warehouse, newest, config),
        guards=_guards(warehouse, newest, config),
        failed_model_checks=failed_checks(
            warehouse.read("model_checks", newest.session, newest.session).iter_rows(named=True), config.desk.portfolio_id
        ),
        limits=_limits(warehouse, newest.session),
        clips=_clips(warehouse, newest.session),
        market_regime=axes.market,
        tape_regimes=axes.tape_counts,
        limits_changed=limits_changed(warehouse.read("limit_changes", first, last)),
    )


def book_lines(warehouse: Tables, session: date, *, released: bool) -> tuple[BookLine, ...]:
    """The book of a session, largest |notional| first, CASH last."""
    if released:
        rows = warehouse.read("ideal_portfolio", session, session).rows(named=True)
        lines = [
            BookLine(
                row["symbol"],
                None if row["is_cash"] else row["shares"],
                None if row["is_cash"] else row["price"],
                row["notional_cents"],
                tuple(filter(None, row["source_ticket_ids"].split(","))),
            )
            for row in rows
        ]
    else:
        lines = _standing(warehouse.read("desk_positions", session, session))
    return tuple(sorted(lines, key=lambda line: (line.symbol == CASH, -abs(line.notional_cents), line.symbol)))


def axes_of(warehouse: Tables, session: date) -> RegimeAxes:
    """Both regimes of a session: the market's, and the tape's of every name."""
    return regime_axes(*(warehouse.read(name, session, session) for name in ("market_regime", "instrument_state")))


def dollars_or_count(value: int, unit: str) -> float:
    """An audited quantity as dollars, or as the count it is."""
    return float(value) if unit == "count" else value / TICKS_PER_DOLLAR


def _sessions(warehouse: Tables, first: date, last: date) -> tuple[SessionLine, ...]:
    positions = warehouse.read("desk_positions", first, last)
    sizes = _sizes(positions)
    ideal = _sizes(warehouse.read("ideal_portfolio", first, last).filter(~pl.col("is_cash")))
    held = dict(positions.group_by("as_of_date").agg(pl.col("ticket_id").n_unique()).iter_rows())
    ledger = warehouse.read("clip_ledger", first, last).filter(pl.col("limit_name") != WHOLE_LOTS)
    clips = dict(ledger.group_by("as_of_date").len().iter_rows())
    return tuple(
        SessionLine(
            session=row["as_of_date"],
            run_id=row["run_id"],
            status=row["release_status"],
            released=row["released"],
            reason=row["release_reason"] or "",
            tickets_held=held.get(row["as_of_date"], 0),
            gross=sizes.get(row["as_of_date"], (0.0, 0.0))[0],
            net=sizes.get(row["as_of_date"], (0.0, 0.0))[1],
            ideal_gross=ideal.get(row["as_of_date"], (0.0, 0.0))[0] if row["released"] else None,
            ideal_net=ideal.get(row["as_of_date"], (0.0, 0.0))[1] if row["released"] else None,
            equity=row["equity"],
            clips=clips.get(row["as_of_date"], 0),
        )
        for row in warehouse.read("desk_state", first, last).iter_rows(named=True)
    )


def _sizes(rows: pl.DataFrame) -> dict[date, tuple[float, float]]:
    """Gross and net per session in dollars, names netted over their tickets."""
    nets = rows.group_by("as_of_date", "symbol").agg(pl.col("notional_cents").sum())
    sums = nets.group_by("as_of_date").agg(pl.col("notional_cents").abs().sum().alias("gross"), pl.col("notional_cents").sum())
    return {day: (gross / CENTS_PER_DOLLAR, net / CENTS_PER_DOLLAR) for day, gross, net in sums.iter_rows()}


def _desk_holds(warehouse: Tables, newest: SessionLine, config: Config) -> dict[str, int] | None:
    """The desk's own shares by symbol, where they may not be the released book: today's mode says so, or that day's rows."""
    same = (newest.gross, newest.net) == (newest.ideal_gross, newest.ideal_net)
    if not newest.released or (config.desk.guards.mode == "shadow" and same):
        return None
    rows = warehouse.read("desk_positions", newest.session, newest.session)
    return dict(rows.group_by("symbol").agg(pl.col("shares").sum()).sort("symbol").iter_rows())


def _guards(warehouse: Tables, newest: SessionLine, config: Config) -> str:
    """``shadow, not followed: 2 ALLOW (entry)``; the mode is today's, but rows that show the desk following tell otherwise."""
    said = decided(warehouse.read("guard_decisions", newest.session, newest.session))
    same = (newest.gross, newest.net) == (newest.ideal_gross, newest.ideal_net)
    mode: str = config.desk.guards.mode
    if mode == "shadow":
        mode = "shadow, not followed" if same else "followed then"
    return said and f"{mode}: {said}"


def _standing(positions: pl.DataFrame) -> list[BookLine]:
    """Positions nobody released today, summed per symbol, with the CASH that balances them."""
    grouped = positions.group_by("symbol").agg(
        pl.col("shares").sum(), pl.col("price").first(), pl.col("notional_cents").sum(), pl.col("ticket_id").sort()
    )
    lines = [
        BookLine(row["symbol"], row["shares"], row["price"], row["notional_cents"], tuple(row["ticket_id"]))
        for row in grouped.sort("symbol").iter_rows(named=True)
    ]
    return [*lines, BookLine(CASH, None, None, -sum(line.notional_cents for line in lines), ())]


def _limits(warehouse: Tables, session: date) -> tuple[LimitLine, ...]:
    rows = warehouse.read("limit_audit", session, session)
    close = rows.filter((pl.col("status") != "OK") | pl.col("price_of_limit").is_not_null())
    lines = [limit_line(row) for row in close.iter_rows(named=True)]
    return tuple(sorted(lines, key=lambda line: (-(line.utilization if line.utilization is not None else 2.0), line.name)))


def limit_line(row: dict[str, object]) -> LimitLine:
    """A row of limit_audit in dollars or counts."""
    unit = "count" if row["unit"] == "count" else "dollars"
    utilization, price = row["utilization"], row["price_of_limit"]
    return LimitLine(
        name=str(row["limit_name"]),
        measured=dollars_or_count(int(str(row["measured"])), unit),
        bound=dollars_or_count(int(str(row["bound"])), unit),
        unit=unit,
        utilization=utilization if isinstance(utilization, float) else None,
        status=str(row["status"]),
        price=price if isinstance(price, float) else None,
    )


def _clips(warehouse: Tables, session: date) -> tuple[ClipLine, ...]:
    rows = warehouse.read("clip_ledger", session, session).filter(pl.col("limit_name") != WHOLE_LOTS)
    grouped = rows.group_by("stage", "limit_name").agg(
        pl.col("sequence").min(),
        pl.col("ticket_id").n_unique().alias("tickets"),
        pl.col("value_in").sort_by("sequence").sum(),
        pl.col("value_out").sort_by("sequence").sum(),
    )
    return tuple(
        ClipLine(row["stage"], row["limit_name"], row["tickets"], row["value_in"], row["value_out"], clip_unit(row["stage"]))
        for row in grouped.sort("sequence").iter_rows(named=True)
    )


def clip_unit(stage: str) -> str:
    """What a clip's values are in: dollars, but shares for a split."""
    return "shares" if stage == "SPLIT" else "dollars"
