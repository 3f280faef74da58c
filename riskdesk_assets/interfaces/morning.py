"""The morning's summary as plain data: what a person wants to know of the desk before the open, from tables alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from riskdesk_assets.book.clips import WHOLE_LOTS
from riskdesk_assets.common.halts import HaltRecord
from riskdesk_assets.common.session_halts import DESK, ticket_account
from riskdesk_assets.common.settings import Config
from riskdesk_assets.gatekeeper.desk_switches import moment_of
from riskdesk_assets.interfaces.run_summary import (
    LimitLine,
    SessionLine,
    Tables,
    axes_of,
    clip_unit,
    desk_summary,
    dollars_or_count,
    limit_line,
)
from riskdesk_assets.reports.books import no_book_of
from riskdesk_assets.reports.expected_pnl_rows import BUCKET, EXPECTED_PNL, IDLE, STRATEGY, TOTAL, UNDERPERFORMING
from riskdesk_assets.reports.limit_change_words import LimitChanged
from riskdesk_assets.reports.posture import Posture, session_posture
from riskdesk_assets.reports.regime_axes import RegimeAxes
from riskdesk_assets.strategy.allocation import TierLine, tier_lines
from riskdesk_assets.strategy.snapshots import INVALID, UNCHANGED

LISTED = 4
_BUCKET_FAMILY = "bucket"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class ExpectedLine:
    """A bucket or the total, in dollars; ``cap`` is the bucket's limit, None where it has none of its own.

    ``expected_...``, ``forecast`` and ``window_expected`` are of the capital allocated, the same with ``employed`` of the gross
    of what was held. ``status`` is judged on ``employed_ratio``: realized of what was expected of the capital employed.
    """

    name: str
    allocated: float
    employed: float
    cap: float | None
    env_factor: float | None
    expected_day: float | None
    expected_day_employed: float | None
    expected_week: float | None
    realized: float
    forecast: float | None
    forecast_employed: float | None
    window_sessions: int
    window_realized: float
    window_expected: float
    window_employed: float
    realized_ratio: float | None
    employed_ratio: float | None
    week_realized: float
    week_target: float | None
    status: str
    message: str


@dataclass(frozen=True)
class Laggard:
    """A strategy that earns far less than expected of the capital it employed."""

    strategy: str
    bucket: str
    message: str


@dataclass(frozen=True)
class Cut:
    """One row of the clip ledger that took something, in dollars."""

    ticket_id: str
    symbol: str
    stage: str
    limit: str
    value_in: float
    value_out: float
    reason: str

    @property
    def taken(self) -> float:
        """How much it took."""
        return abs(self.value_in) - abs(self.value_out)


@dataclass(frozen=True)
class TicketChange:
    """A ticket that is not what it was the session before."""

    ticket_id: str
    change: str
    status: str


@dataclass(frozen=True)
class HaltLine:
    """A halt that stands."""

    account: str
    state: str
    trigger: str
    reason: str
    since: datetime
    automatic: bool


@dataclass(frozen=True)
class Morning:
    """The newest session, and what stands after it. Dollars; ``drawdown`` a fraction of NAV.

    ``apart``: the desk follows its guards, so that what it holds may be another book than the ideal portfolio. ``guards``:
    their mode and what they decided; empty where they were not asked. ``limits_changed``: since the session before.
    ``failed_model_checks``: what model_checks reject, in words.
    """

    source: str
    profile: str
    nav: float
    desk: SessionLine
    pnl_session: float | None
    drawdown: float | None
    regimes: RegimeAxes
    buckets: tuple[ExpectedLine, ...]
    total: ExpectedLine | None
    laggards: tuple[Laggard, ...]
    posture: Posture
    conviction: tuple[TierLine, ...]
    cuts: tuple[Cut, ...]
    cut_count: int
    limits: tuple[LimitLine, ...]
    halts: tuple[HaltLine, ...]
    changes: tuple[TicketChange, ...]
    apart: bool = False
    guards: str = ""
    limits_changed: tuple[LimitChanged, ...] = ()
    failed_model_checks: tuple[str, ...] = ()


def morning(tables: Tables, config: Config, session: date, halts: Sequence[HaltRecord]) -> Morning:
    """Gather the summary of a session.

    Args:
        tables: the warehouse, or a run directory.
        config: profile, nav, posture's thresholds.
        session: one that was computed.
        halts: what stands in the journal now.

    Raises:
        StateError: the session has no desk state.
    """
    summary = desk_summary(tables, config, session, session)
    if summary is None:
        raise no_book_of(session)
    state = tables.read("desk_state", session, session).row(0, named=True)
    before = state["previous_session"] or session
    audit = tables.read("limit_audit", session, session)
    expected = tables.read(EXPECTED_PNL, session, session).to_dicts()
    caps = _caps(audit)
    cuts = _cuts(tables.read("clip_ledger", session, session))
    return Morning(
        source=summary.source,
        profile=summary.profile,
        nav=summary.nav,
        desk=summary.newest,
        pnl_session=_session_pnl(tables, state, config.desk.nav),
        drawdown=_drawdown(tables, session, config.desk.portfolio_id),
        regimes=axes_of(tables, session),
        buckets=tuple(
            _line(row, caps.get(row["name"])) for row in expected if row["scope"] == BUCKET and row["status"] != IDLE
        ),
        total=next((_line(row, None) for row in expected if row["scope"] == TOTAL), None),
        laggards=tuple(
            Laggard(row["name"], row["bucket"], row["message"])
            for row in expected
            if row["scope"] == STRATEGY and row["status"] == UNDERPERFORMING
        ),
        posture=session_posture(
            expected,
            tables.read("proposals", session, session).to_dicts(),
            config.desk.expected_pnl,
            axes_of(tables, session).market,
        ),
        conviction=tier_lines(
            tables.read("strategy_sizes", session, session).to_dicts(),
            tables.read("strategy_library", session, session).to_dicts(),
        ),
        cuts=cuts[:LISTED],
        cut_count=len(cuts),
        limits=_nearest(audit),
        halts=tuple(_halts(state, halts)),
        changes=_changes(tables.read("ticket_snapshots", session, session), tables.read("ticket_snapshots", before, before)),
        apart=summary.desk_holds is not None,
        guards=summary.guards,
        limits_changed=summary.limits_changed,
        failed_model_checks=summary.failed_model_checks,
    )


def _halts(state: Row, journal: Sequence[HaltRecord]) -> Iterator[HaltLine]:
    """What stands in the journal, and what the session's own kill switches stopped that no journal knows: simulated halts."""
    known = {one.account for one in journal}
    for one in journal:
        yield HaltLine(one.account, one.state, one.trigger, one.reason, one.at, one.automatic)
    trading = str(state["trading_state"] or "ACTIVE")
    if trading != "ACTIVE" and DESK not in known:
        since = moment_of(state["halt_since"])
        yield HaltLine(DESK, trading, str(state["halt_trigger"]), str(state["halt_reason"]), since, automatic=True)
    for ticket_id in filter(None, str(state["halted_tickets"] or "").split(",")):
        account = ticket_account(ticket_id)
        if account not in known:
            yield HaltLine(account, "HALTED", "", "its kill switch", moment_of(state["as_of_date"]), automatic=True)


def _line(row: Row, cap: float | None) -> ExpectedLine:
    return ExpectedLine(
        name=row["name"],
        allocated=row["capital"],
        employed=row["employed"],
        cap=cap,
        **{
            name: row[name]
            for name in (
                "env_factor",
                "expected_day",
                "expected_day_employed",
                "expected_week",
                "realized",
                "forecast",
                "forecast_employed",
                "window_sessions",
                "window_realized",
                "window_expected",
                "window_employed",
                "realized_ratio",
                "employed_ratio",
                "week_realized",
                "week_target",
                "status",
                "message",
            )
        },
    )


def _caps(audit: pl.DataFrame) -> dict[str, float]:
    """Bucket -> dollars its positions may come to, where a limit of the book says so."""
    rows = audit.filter(pl.col("family") == _BUCKET_FAMILY)
    bounds = rows.select("limit_name", "bound").iter_rows()
    return {name.partition(":")[2]: dollars_or_count(bound, "dollars") for name, bound in bounds}


def _session_pnl(tables: Tables, state: Row, nav: float) -> float | None:
    before = state["previous_session"]
    if before is None:
        return float(state["equity"]) - nav
    earlier = tables.read("desk_state", before, before)
    return float(state["equity"]) - float(earlier["equity"][0]) if earlier.height else None


def _drawdown(tables: Tables, session: date, portfolio_id: str) -> float | None:
    reports = tables.read("portfolio_risk_reports", session, session).filter(pl.col("portfolio_id") == portfolio_id)
    found = json.loads(reports["risk_metrics"][0]).get("drawdown_current") if reports.height else None
    return float(found) if isinstance(found, int | float) else None


def _cuts(ledger: pl.DataFrame) -> tuple[Cut, ...]:
    """What took something, the most first; whole lots and splits take nothing from anybody."""
    rows = ledger.filter(pl.col("limit_name") != WHOLE_LOTS).sort("sequence")
    found = [
        Cut(
            row["ticket_id"],
            row["symbol"],
            row["stage"],
            row["limit_name"],
            row["value_in"],
            row["value_out"],
            row["reason"],
        )
        for row in rows.iter_rows(named=True)
        if clip_unit(row["stage"]) == "dollars"
    ]
    return tuple(sorted((cut for cut in found if cut.taken > 0), key=lambda cut: -cut.taken))


def _nearest(audit: pl.DataFrame) -> tuple[LimitLine, ...]:
    """The limits used most; one measured above a bound of 0 has no ratio and comes first."""
    lines = [limit_line(row) for row in audit.iter_rows(named=True)]
    used = [line for line in lines if line.utilization is not None or line.status == "BREACH"]
    return tuple(sorted(used, key=lambda line: (-(2.0 if line.utilization is None else line.utilization), line.name))[:LISTED])


def _changes(snapshots: pl.DataFrame, before: pl.DataFrame) -> tuple[TicketChange, ...]:
    """What the files changed, what cannot be read, and what came into force or expired since the session before."""
    stood = dict(before.select("ticket_id", "status").iter_rows())
    found = []
    for row in snapshots.sort("ticket_id", "file").iter_rows(named=True):
        name, status, change = row["ticket_id"] or row["file"], row["status"], row["change"]
        if status == INVALID:
            found.append(TicketChange(name, INVALID, status))
        elif change != UNCHANGED:
            found.append(TicketChange(name, str(change), status))
        elif stood.get(row["ticket_id"], status) != status:
            found.append(TicketChange(name, status, status))
    return tuple(found)
