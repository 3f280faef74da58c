"""The walk: one desk day after another, each starting from the state the one before left behind.

A date's run id hashes what that date's numbers are a function of, and nothing else, so a day alone and the same day inside a
range carry the same id and the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl

from riskdesk_assets.common.hashing import canonical_json, digest, digest_bytes
from riskdesk_assets.common.money import TICKS_PER_DOLLAR, price_ticks
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.sizing import LONE_BUCKET
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.book_risk import BookRisk, ReturnHistory, book_risk
from riskdesk_assets.construction.carry import Mark, Prints
from riskdesk_assets.construction.desk_day import DayResult, desk_day
from riskdesk_assets.construction.facts import facts_digest
from riskdesk_assets.construction.inputs import DayInputs, PairSignal, desk_context
from riskdesk_assets.construction.rows import day_rows, merged
from riskdesk_assets.construction.state import DeskState
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.limits.fact_limits import NO_FACTS, SessionFacts
from riskdesk_assets.limits.limit import net_by_symbol
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_assets.risk_model.estimators import FACTOR
from riskdesk_assets.strategy.budget_cuts import budget_cuts
from riskdesk_assets.strategy.ticket import Ticket

CONSTRUCTION_TABLES = (
    "proposals",
    "gate_decisions",
    "target_portfolios",
    "decisions",
    "limit_audit",
    "ideal_portfolio",
    "guard_decisions",
    "guard_counters",
    "portfolio_blotter",
    "desk_positions",
    "clip_ledger",
    "desk_state",
    "engine_decisions",
)


_TICKET_FIELDS = (
    "ticket_id",
    "leg_a",
    "leg_b",
    "orientation",
    "max_gross_notional",
    "max_leg_notional",
    "horizon_days",
    "conviction",
    "time_stop_days",
    "flatten_on_breakdown",
    "expires_on",
    "effective_from",
    "entry_z",
    "exit_z",
    "strategy",
)

Days = Mapping[date, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class WalkInputs:
    """Frames of the sessions to walk, and the state they start from.

    ``bars``: usable bars, from ``lookback_sessions`` before the first session. ``day_digests``: content hash of each
    session's bars. ``splits``: symbol, as_of_date, ratio (new shares per old). ``panel``: the bars of the tradable names,
    aligned. ``covariances`` and ``facts``: by session; one that has none knows nothing.
    """

    config: Config
    code_version: str
    all_sessions: Sequence[date]
    sessions: Sequence[date]
    bars: pl.DataFrame
    day_digests: Mapping[date, str]
    splits: pl.DataFrame
    pair_state: pl.DataFrame
    ticket_snapshots: pl.DataFrame
    strategy_library: pl.DataFrame
    strategy_budgets: pl.DataFrame
    instrument_scores: pl.DataFrame
    limit_changes: pl.DataFrame
    panel: Panel
    covariances: Mapping[date, Covariance]
    facts: Mapping[date, SessionFacts]
    start: DeskState


@dataclass(frozen=True)
class Walk:
    """Frames per construction table, and every day's result in order."""

    frames: Mapping[str, pl.DataFrame]
    days: tuple[DayResult, ...]


def walk(inputs: WalkInputs, progress: Callable[[int, int], None] = lambda done, total: None) -> Walk:
    """Run every session in order and gather the rows.

    Args:
        inputs: frames, configuration and starting state.
        progress: told (sessions done, sessions in all) after each one.
    """
    context = desk_context(inputs.config)
    sources = _Sources.of(inputs)
    history = ReturnHistory.of(inputs.panel)
    state = inputs.start
    results: list[DayResult] = []
    rows: list[dict[str, list[dict[str, object]]]] = []
    for place, session in enumerate(inputs.sessions, start=1):
        day, hashes = sources.day(session, state)
        result = desk_day(day, state, context)
        rows.append(day_rows(result, day, context, hashes, _risk(result, day, history, inputs.config)))
        results.append(result)
        state = result.state
        progress(place, len(inputs.sessions))
    gathered = merged(rows)
    frames = {name: TABLES[name].frame(gathered.get(name, [])) for name in CONSTRUCTION_TABLES}
    return Walk(frames, tuple(results))


def _risk(result: DayResult, day: DayInputs, history: ReturnHistory, config: Config) -> BookRisk:
    nets = net_by_symbol(result.state.legs)
    weights = {symbol: ticks / TICKS_PER_DOLLAR / config.desk.nav for symbol, ticks in nets.items()}
    return book_risk(weights, result.session, day.covariance, history, config.desk.risk_report)


@dataclass(frozen=True)
class _Sources:
    """The walk's frames, cut by session."""

    inputs: WalkInputs
    position: Mapping[date, int]
    prints: Prints
    splits: Days
    tickets: Days
    strategies: Days
    budgets: Days
    signals: Days
    limit_changes: Days
    scores: Days

    @classmethod
    def of(cls, inputs: WalkInputs) -> _Sources:
        return cls(
            inputs,
            {session: place for place, session in enumerate(inputs.all_sessions)},
            prints_of(inputs.bars),
            _by_day(inputs.splits, ("symbol",)),
            _by_day(inputs.ticket_snapshots, TABLES["ticket_snapshots"].key),
            _by_day(inputs.strategy_library, TABLES["strategy_library"].key),
            _by_day(inputs.strategy_budgets, TABLES["strategy_budgets"].key),
            _by_day(inputs.pair_state, TABLES["pair_state"].key),
            _by_day(inputs.limit_changes, TABLES["limit_changes"].key),
            _by_day(inputs.instrument_scores, TABLES["instrument_scores"].key),
        )

    def day(self, session: date, state: DeskState) -> tuple[DayInputs, dict[str, object]]:
        """One session's inputs, and the hashes its run id is derived from."""
        tickets, budgets, signals = (rows.get(session, []) for rows in (self.tickets, self.budgets, self.signals))
        facts = self.inputs.facts.get(session, NO_FACTS)
        hashes: dict[str, object] = {
            "session": session.isoformat(),
            "bars": self._bars_hash(session),
            "tickets": digest(tickets),
            "strategies": digest(self.strategies.get(session, [])),
            "budgets": digest(budgets),
            "pair_state": digest(signals),
            "facts": facts_digest(facts),
            "scores": digest(self.scores.get(session, [])),
            "risk_model": self._risk_model_hash(session),
            "config": self.inputs.config.hash,
            "limit_changes": digest(self.limit_changes.get(session, [])),
            "state": state.hash,
            "halts": digest([]),
            "model": None,
            "code": self.inputs.code_version,
        }
        day = DayInputs(
            session=session,
            run_id=run_id(session, hashes),
            tickets=tuple(ticket_from_row(row) for row in tickets if row["status"] in ("IN_FORCE", "EXPIRED", "NOT_YET")),
            unreadable=tuple(str(row["note"] or row["file"]) for row in tickets if row["status"] == "INVALID"),
            budgets={str(row["ticket_id"]): float(row["budget"]) for row in budgets},
            signals={str(row["pair_id"]): _signal(row) for row in signals},
            prints=self.prints,
            splits={str(row["symbol"]): Fraction(row["ratio"]).limit_denominator(1000) for row in self.splits.get(session, [])},
            covariance=self.inputs.covariances.get(session),
            gone=_gone(tickets),
            facts=facts,
            buckets={str(row["ticket_id"]): str(row["bucket"] or LONE_BUCKET) for row in budgets},
            budget_cuts={str(row["ticket_id"]): budget_cuts(row) for row in budgets},
        )
        return day, hashes

    def _risk_model_hash(self, session: date) -> str | None:
        """Hash of a covariance that is read from tables; any other follows from the bars."""
        covariance = self.inputs.covariances.get(session)
        if covariance is None or self.inputs.config.own.risk_model_id != FACTOR:
            return None
        return digest([covariance.symbols, digest_bytes(covariance.matrix.tobytes())])

    def _bars_hash(self, session: date) -> str:
        """Hash of every bar the session may read, and of no later one."""
        place = self.position[session]
        start = max(0, place - self.inputs.config.desk.features.lookback_sessions)
        window = self.inputs.all_sessions[start : place + 1]
        return digest_bytes("".join(self.inputs.day_digests.get(day, "-") for day in window).encode())


def run_id(session: date, hashes: Mapping[str, object]) -> str:
    """``YYYYMMDD-`` and 16 hex digits of the hash of one date's inputs."""
    return f"{session:%Y%m%d}-{digest_bytes(canonical_json(hashes).encode())[:16]}"


def ticket_from_row(row: Mapping[str, object]) -> Ticket:
    """The ticket a row of ticket_snapshots describes."""
    known = {name: row[name] for name in _TICKET_FIELDS if row[name] is not None}
    return Ticket.model_validate({"type": "PAIR", **known})


def _gone(tickets: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Tickets without a file; nobody can say so while a file is unusable that no ticket is known for (it may be renamed)."""
    if any(row["status"] == "INVALID" and not row["ticket_id"] for row in tickets):
        return frozenset()
    return frozenset(row["ticket_id"] for row in tickets if row["status"] == "REMOVED")


def _signal(row: Mapping[str, Any]) -> PairSignal:
    return PairSignal(
        zscore=float(row["zscore"]),
        beta=float(row["beta"]),
        extreme_z=bool(row["extreme_z"]),
        spread_sd=row["spread_sd"],
        half_life_days=row["half_life_days"],
    )


def prints_of(bars: pl.DataFrame) -> dict[date, dict[str, Mark]]:
    """Usable bars as marks, by session and symbol."""
    prints: dict[date, dict[str, Mark]] = {}
    for symbol, session, close, adj_close in bars.select("symbol", "as_of_date", "close", "adj_close").iter_rows():
        prints.setdefault(session, {})[symbol] = Mark(price_ticks(close), adj_close)
    return prints


def _by_day(frame: pl.DataFrame, key: Sequence[str]) -> dict[date, list[dict[str, Any]]]:
    """Rows by session, in key order whatever order they came in: a day's hash is of what it says."""
    days: dict[date, list[dict[str, Any]]] = {}
    for row in frame.sort(key).iter_rows(named=True):
        days.setdefault(row["as_of_date"], []).append(row)
    return days
