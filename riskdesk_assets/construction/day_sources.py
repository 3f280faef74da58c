"""The walk's frames cut by session: what one close knows, and the hashes that say so.

A date's run id hashes what that date's numbers are a function of, and nothing else, so a day alone and the same day inside a
range carry the same id and the same bytes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

import polars as pl

from riskdesk_assets.common.buckets import LONE_BUCKET
from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import canonical_json, digest, digest_bytes, digests_by
from riskdesk_assets.common.packed import unpacked
from riskdesk_assets.common.session_halts import halts_of_rows
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import Prints, prints_of
from riskdesk_assets.construction.facts import facts_digest
from riskdesk_assets.construction.inputs import DayInputs, NameState, PairSignal
from riskdesk_assets.construction.state import DeskState
from riskdesk_assets.controllers.policy import SessionPolicy
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.limits.fact_limits import NO_FACTS, SessionFacts
from riskdesk_assets.market.history import sessions_behind
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_assets.risk_model.estimators import FACTOR
from riskdesk_assets.strategy.ticket import Ticket

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
_SIGNAL_FIELDS = ("zscore", "beta", "extreme_z", "spread_sd", "half_life_days")
_NAME_FIELDS = ("atr", "vol_20", "vol_baseline", "vol_percentile", "tape_regime")
_IN_THE_BOOK = ("IN_FORCE", "EXPIRED", "NOT_YET")


@dataclass(frozen=True)
class WalkInputs:
    """Frames of the sessions to walk, packed ones too, and the state they start from.

    ``bars``: usable bars, from ``sessions_behind`` the first session on. ``day_digests``: content hash of each
    session's bars. ``splits``: symbol, as_of_date, ratio (new shares per old). ``panel``: the bars of the tradable names,
    aligned. ``stream_correlations``: rows of return_correlations of kind "pair". ``covariances`` and ``facts``: by session;
    one that has none knows nothing. ``policies``: what the learned controller decides each session with; empty where the
    baseline does.
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
    instrument_state: pl.DataFrame
    stream_correlations: pl.DataFrame
    market_regime: pl.DataFrame
    desk_halts: pl.DataFrame
    panel: Panel
    covariances: Mapping[date, Covariance]
    facts: Mapping[date, SessionFacts]
    start: DeskState
    policies: Mapping[date, SessionPolicy] = field(default_factory=dict)


@dataclass(frozen=True)
class _Days:
    """Some columns of a table by session, in key order whatever order its rows came in, and each session's hash."""

    spans: Mapping[date, slice]
    columns: Mapping[str, list[Any]]
    digests: Mapping[date, str]

    @classmethod
    def of(cls, frame: pl.DataFrame, key: Sequence[str], read: Sequence[str], hashed: Sequence[str] = ()) -> _Days:
        """``read``: the columns the walk looks at; ``hashed``: those a session is a function of (none: all of them)."""
        ordered = unpacked(frame).sort("as_of_date", *key)
        spans, start = {}, 0
        for session, count in ordered["as_of_date"].rle().struct.unnest().select("value", "len").iter_rows():
            spans[session] = slice(start, start + count)
            start += count
        content = ordered.select("as_of_date", *hashed) if hashed else ordered
        return cls(spans, {name: ordered[name].to_list() for name in read}, digests_by(content, "as_of_date", key))

    def digest(self, session: date) -> str | None:
        """Hash of a session's rows; None where it has none."""
        return self.digests.get(session)

    def column(self, session: date, name: str) -> list[Any]:
        """One column of a session's rows."""
        return self.columns[name][self.spans.get(session, _NOTHING)]

    def tuples(self, session: date, *names: str) -> Iterator[tuple[Any, ...]]:
        """Those columns of a session's rows, row by row."""
        return zip(*(self.column(session, name) for name in names), strict=True)

    def rows(self, session: date) -> list[dict[str, Any]]:
        """A session's rows, every column that is read."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.tuples(session, *self.columns)]


_NOTHING = slice(0, 0)
_DIGEST = 64  # hex digits of a SHA-256


@dataclass(frozen=True)
class DaySources:
    """What each session of a walk is a function of, ready to be asked for session by session."""

    inputs: WalkInputs
    prints: Prints
    splits: _Days
    tickets: _Days
    strategies: _Days
    budgets: _Days
    signals: _Days
    limit_changes: _Days
    scores: _Days
    names: _Days
    streams: _Days
    regimes: _Days
    halts: _Days
    known_tickets: dict[tuple[Any, ...], Ticket] = field(default_factory=dict)

    @classmethod
    def of(cls, inputs: WalkInputs) -> DaySources:
        """Cut the frames; no row of a session is looked at before that session is asked for."""

        def table(name: str, *read: str) -> _Days:
            return _Days.of(getattr(inputs, name), [item for item in TABLES[name].key if item != "as_of_date"], read)

        name_key, stream_key = ("symbol",), ("id_a", "id_b")
        return cls(
            inputs,
            prints_of(inputs.bars),
            _Days.of(inputs.splits, name_key, ("symbol", "ratio")),
            table("ticket_snapshots", *_TICKET_FIELDS, "status", "note", "file"),
            table("strategy_library"),
            table("strategy_budgets", *TABLES["strategy_budgets"].columns),
            table("pair_state", "pair_id", *_SIGNAL_FIELDS),
            table("limit_changes"),
            table("instrument_scores"),
            _Days.of(inputs.instrument_state, name_key, (*name_key, *_NAME_FIELDS), (*name_key, *_NAME_FIELDS)),
            _Days.of(inputs.stream_correlations, stream_key, (*stream_key, "correlation"), (*stream_key, "correlation")),
            table("market_regime", "regime"),
            table("desk_halts", *TABLES["desk_halts"].columns),
        )

    def day(self, session: date, state: DeskState) -> tuple[DayInputs, dict[str, object]]:
        """One session's inputs, and the hashes its run id is derived from."""
        facts, policy = self.inputs.facts.get(session, NO_FACTS), self._policy(session)
        hashes: dict[str, object] = {
            "session": session.isoformat(),
            "bars": self._bars_hash(session),
            "tickets": self.tickets.digest(session),
            "strategies": self.strategies.digest(session),
            "budgets": self.budgets.digest(session),
            "pair_state": self.signals.digest(session),
            "facts": facts_digest(facts),
            "scores": self.scores.digest(session),
            "risk_model": self._risk_model_hash(session),
            "config": self.inputs.config.hash,
            "limit_changes": self.limit_changes.digest(session),
            "state": state.hash,
            "gate": [days.digest(session) for days in (self.names, self.streams, self.regimes)],
            "halts": self.halts.digest(session),
            "model": None if policy is None else policy.inputs,
            "code": self.inputs.code_version,
        }
        statuses, budgets = self.tickets.column(session, "status"), self.budgets.rows(session)
        day = DayInputs(
            session=session,
            run_id=run_id(session, hashes),
            tickets=tuple(
                self._ticket(values)
                for values, status in zip(self.tickets.tuples(session, *_TICKET_FIELDS), statuses, strict=True)
                if status in _IN_THE_BOOK
            ),
            unreadable=tuple(
                str(note or file)
                for note, file, status in self.tickets.tuples(session, "note", "file", "status")
                if status == "INVALID"
            ),
            budgets={row["ticket_id"]: row["budget"] for row in budgets},
            signals={
                pair_id: PairSignal(*values) for pair_id, *values in self.signals.tuples(session, "pair_id", *_SIGNAL_FIELDS)
            },
            prints=self.prints,
            splits={
                symbol: Fraction(ratio).limit_denominator(1000)
                for symbol, ratio in self.splits.tuples(session, "symbol", "ratio")
            },
            covariance=self.inputs.covariances.get(session),
            gone=_gone(statuses, self.tickets.column(session, "ticket_id")),
            facts=facts,
            names={symbol: _name_state(*values) for symbol, *values in self.names.tuples(session, "symbol", *_NAME_FIELDS)},
            streams={
                ids: correlation
                for ids, correlation in zip(
                    self.streams.tuples(session, "id_a", "id_b"), self.streams.column(session, "correlation"), strict=True
                )
                if correlation is not None
            },
            market_regime=next((regime for (regime,) in self.regimes.tuples(session, "regime")), None),
            halts=halts_of_rows(self.halts.rows(session)),
            buckets={row["ticket_id"]: row["bucket"] or LONE_BUCKET for row in budgets},
            budget_rows={row["ticket_id"]: row for row in budgets},
            policy=policy,
        )
        return day, hashes

    def _ticket(self, values: tuple[Any, ...]) -> Ticket:
        """The ticket that a row's _TICKET_FIELDS describe; read once, however many sessions it stands unchanged."""
        if values not in self.known_tickets:
            known = {name: value for name, value in zip(_TICKET_FIELDS, values, strict=True) if value is not None}
            self.known_tickets[values] = Ticket.model_validate({"type": "PAIR", **known})
        return self.known_tickets[values]

    def _policy(self, session: date) -> SessionPolicy | None:
        """The learned controller's part of a session; None where the baseline decides."""
        if self.inputs.config.desk.controller.kind == "baseline":
            return None
        if session not in self.inputs.policies:
            raise StateError(f"controller.kind is policy, and no model was given to decide {session} with")
        return self.inputs.policies[session]

    def _risk_model_hash(self, session: date) -> str | None:
        """Hash of a covariance that is read from tables; any other follows from the bars."""
        covariance = self.inputs.covariances.get(session)
        if covariance is None or self.inputs.config.own.risk_model_id != FACTOR:
            return None
        return digest([covariance.symbols, digest_bytes(covariance.matrix.tobytes())])

    def _bars_hash(self, session: date) -> str:
        """Hash of every bar the session may read, and of no later one."""
        last = bisect_left(self.inputs.all_sessions, session)
        first = max(0, last - sessions_behind(self.inputs.config))
        begin, digests = self._day_digests
        return digest_bytes(digests[(first - begin) * _DIGEST : (last + 1 - begin) * _DIGEST])

    @cached_property
    def _day_digests(self) -> tuple[int, bytes]:
        """The digests of all bars these sessions may read, one after the other, and the place of the first in the calendar."""
        calendar, sessions = self.inputs.all_sessions, self.inputs.sessions
        begin = max(0, bisect_left(calendar, min(sessions)) - sessions_behind(self.inputs.config))
        window = calendar[begin : bisect_left(calendar, max(sessions)) + 1]
        return begin, "".join(self.inputs.day_digests.get(day, "").rjust(_DIGEST, "-") for day in window).encode()


def run_id(session: date, hashes: Mapping[str, object]) -> str:
    """``YYYYMMDD-`` and 16 hex digits of the hash of one date's inputs."""
    return f"{session:%Y%m%d}-{digest_bytes(canonical_json(hashes).encode())[:16]}"


def _gone(statuses: Sequence[str], ticket_ids: Sequence[str | None]) -> frozenset[str]:
    """Tickets without a file; nobody can say so while a file is unusable that no ticket is known for (it may be renamed)."""
    rows = list(zip(statuses, ticket_ids, strict=True))
    if any(status == "INVALID" and not ticket_id for status, ticket_id in rows):
        return frozenset()
    return frozenset(ticket_id for status, ticket_id in rows if status == "REMOVED" and ticket_id)


def _name_state(
    atr: float | None, volatility: float | None, baseline: float | None, percentile: float | None, tape_regime: Any
) -> NameState:
    return NameState(
        atr=atr,
        vol_percentile=percentile,
        volatility_ratio=volatility / baseline if volatility is not None and baseline else None,
        tape_regime=tape_regime,
    )
