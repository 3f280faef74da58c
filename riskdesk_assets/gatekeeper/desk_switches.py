"""The desk's own kill switches from session to session: what trips, what the journal says, what resumes in simulation.

One reading a session, at its close. A halt latches. Where the journal holds it, only a person's resume ends it (X-08), and a
halt by hand stands beside what trips meanwhile, never in its place. A halt no journal knows, in a range or a backtest, resumes
in simulation some sessions after its condition has cleared, as a person would resume it: equity peak and loss windows start
anew (design.md section 1). A drawdown cannot come back while the desk holds nothing, so it counts as cleared then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from riskdesk_assets.common.gate_settings import GateSettings
from riskdesk_assets.common.halts import Halt, Stopped
from riskdesk_assets.common.session_halts import DESK, JournalHalt, SessionHalts, ticket_account
from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.kill_switches import (
    NEW_YORK,
    KillSwitchState,
    Reading,
    TradingState,
    Trigger,
    fresh,
    is_volatility_shock,
    observe,
    trips,
)

_CLOSE = time(16, 0)
_HOLDS = -1  # a condition that has not cleared
_STRICTNESS = (TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED)
BY = "a kill switch"


@dataclass(frozen=True)
class TicketHalt:
    """One ticket that is stopped: since which session, by a switch or a person, and for how many sessions its condition has
    been clear (-1: it holds). ``state`` HALTED, or REDUCING: it may shrink."""

    ticket_id: str
    since: date
    clear: int
    trigger: str
    reason: str
    automatic: bool
    state: Stopped = "HALTED"


@dataclass(frozen=True)
class Imposed:
    """The journal's halt of the desk, beside the switches' own state; ``since``: the first session it bound."""

    state: Stopped
    trigger: str
    reason: str
    by: str
    since: date


@dataclass(frozen=True)
class SwitchMemory:
    """What the switches remember from one session to the next; ``switches``, their own state, None before the first session.

    ``since``: the session that tripped them. ``clear``: as of :class:`TicketHalt`.
    """

    switches: KillSwitchState | None = None
    since: date | None = None
    clear: int = _HOLDS
    imposed: Imposed | None = None
    tickets: tuple[TicketHalt, ...] = ()

    @property
    def state(self) -> TradingState:
        """Whether the desk trades: the stricter of the switches' own state and the journal's."""
        own = TradingState.ACTIVE if self.switches is None else self.switches.state
        return max(own, self._told, key=_STRICTNESS.index)

    @property
    def why(self) -> Imposed | None:
        """What stops the desk, in the words of whichever is stricter, of two alike the switches' own; None: nothing does."""
        own = self.switches
        if own is not None and own.state is not TradingState.ACTIVE and own.state is self.state:
            state: Stopped = "REDUCING" if own.state is TradingState.REDUCING else "HALTED"
            day = self.since or (own.day or date.min)
            return Imposed(state, str(own.trigger), own.reason, own.by, day)
        return self.imposed

    @property
    def halted_tickets(self) -> frozenset[str]:
        """The tickets that are stopped by themselves."""
        return frozenset(item.ticket_id for item in self.tickets)

    @property
    def _told(self) -> TradingState:
        return TradingState.ACTIVE if self.imposed is None else TradingState(self.imposed.state)


class SessionReading(NamedTuple):
    """What a session shows the switches.

    ``equity``: dollars at the close. ``volatility_ratio``: the universe's mean of realised over baseline volatility.
    ``ticket_ratios``: the largest such ratio of the legs of each ticket in force or held (None: unknown). ``confidence``: the
    mean of what is proposed (None: unknown). ``flat``: the desk holds nothing.
    """

    session: date
    equity: float
    volatility_ratio: float | None
    ticket_ratios: Mapping[str, float | None]
    confidence: float | None
    flat: bool


def moment_of(session: date) -> datetime:
    """16:00 in New York, as a time of UTC: when a session is taken to be read, on a half day too."""
    return datetime.combine(session, _CLOSE, NEW_YORK).astimezone(UTC)


def rpm_config(settings: GateSettings, nav: float) -> RPMConfig:
    """The gatekeeper's parameters for an account of the desk's static nav; what only single trades need keeps its default."""
    shared = settings.model_dump(exclude={"enabled", "on_reject", "resume_after_sessions"})
    return RPMConfig(total_capital=nav, **shared)


def observe_session(
    memory: SwitchMemory, reading: SessionReading, journal: SessionHalts, nav: float, config: RPMConfig, resume_after: int
) -> SwitchMemory:
    """The switches after a session's reading.

    Args:
        memory: after the session before.
        reading: today's.
        journal: what the journal says for today.
        nav: dollars; the equity a desk begins with.
        config: limits of the switches.
        resume_after: sessions from a cleared condition to the simulated resume.
    """
    return replace(
        _desk(memory, reading, journal, nav, config, resume_after),
        tickets=_tickets(memory.tickets, reading, journal, config, resume_after),
    )


def automatic_halts(memory: SwitchMemory, session: date, journal: SessionHalts, config: RPMConfig) -> Iterator[Halt]:
    """The automatic halts that stand after the newest session and that the journal does not hold yet."""
    at = moment_of(session)
    switches, since = memory.switches, memory.since
    if switches is not None and switches.state is not TradingState.ACTIVE and not journal.knows(DESK, since or session):
        yield Halt(
            DESK,
            at,
            switches.reason,
            BY,
            "REDUCING" if switches.state is TradingState.REDUCING else "HALTED",
            automatic=True,
            trigger=str(switches.trigger),
            resume_from=max(switches.resume_from or at, at),
            session=session,
        )
    for item in memory.tickets:
        account = ticket_account(item.ticket_id)
        if item.automatic and not journal.knows(account, item.since):
            earliest = datetime.fromtimestamp(at.timestamp() + config.cooldown_seconds, UTC)
            halt = Halt(account, at, item.reason, BY, automatic=True, trigger=item.trigger)
            yield replace(halt, resume_from=earliest, session=session)


def _desk(
    memory: SwitchMemory, reading: SessionReading, journal: SessionHalts, nav: float, config: RPMConfig, resume_after: int
) -> SwitchMemory:
    """The desk's own switches, which only trip by themselves, and the journal's halt beside them."""
    switches, since, stands = memory.switches or fresh(nav), memory.since, journal.standing(DESK)
    stopped = switches.state is not TradingState.ACTIVE
    known = stopped and since is not None and journal.knows(DESK, since)
    # A person resumed: the journal holds no halt any more, and knows of the switches' own, if they tripped.
    if stands is None and (known or (memory.imposed is not None and not stopped)):
        switches, since, stopped = _begun_anew(switches), None, False
    before = switches.state
    at = moment_of(reading.session)
    seen = observe(switches, Reading(at, reading.equity, reading.volatility_ratio, reading.confidence), config)
    imposed = None if stands is None else _imposed(memory.imposed, stands, reading.session)
    if seen.state is TradingState.ACTIVE:
        return SwitchMemory(seen, imposed=imposed)
    if seen.state is not before:  # tripped, or became stricter, today
        return SwitchMemory(seen, reading.session, _HOLDS, imposed)
    clear = _HOLDS if _holds(seen, reading, config) else memory.clear + 1
    if clear >= resume_after and not known:
        return SwitchMemory(_begun_anew(seen), imposed=imposed)
    return SwitchMemory(seen, since or reading.session, clear, imposed)


def _imposed(was: Imposed | None, halt: JournalHalt, session: date) -> Imposed:
    state: Stopped = "REDUCING" if halt.state == "REDUCING" else "HALTED"
    since = was.since if was is not None and was.state == state else session
    return Imposed(state, halt.trigger, halt.reason, halt.by, since)


def _holds(seen: KillSwitchState, reading: SessionReading, config: RPMConfig) -> bool:
    """Whether any switch would trip now; nothing that is not held can be drawn down further."""
    if reading.flat:
        seen = replace(seen, equity_peak=seen.equity, day_peak=seen.equity)
    return trips(seen, reading.volatility_ratio, config) is not None


def _begun_anew(switches: KillSwitchState) -> KillSwitchState:
    """Trading again: equity peak, loss windows and confidences start from the newest equity."""
    return replace(fresh(switches.equity), day=switches.day, observed_at=switches.observed_at)


def _tickets(
    memory: tuple[TicketHalt, ...], reading: SessionReading, journal: SessionHalts, config: RPMConfig, resume_after: int
) -> tuple[TicketHalt, ...]:
    known = {item.ticket_id: item for item in memory}
    seen = {*known, *reading.ticket_ratios}
    accounts = {ticket_account(ticket_id) for ticket_id in seen}
    # Of tickets that are neither in force nor held any more only the journal tells; a shortened id is nobody's there.
    others = {
        account.removeprefix(f"{DESK}:")
        for account in journal.accounts
        if account != DESK and account not in accounts and ticket_account(account.removeprefix(f"{DESK}:")) == account
    }
    found = (_ticket(ticket_id, known.get(ticket_id), reading, journal, config, resume_after) for ticket_id in seen | others)
    return tuple(sorted((item for item in found if item is not None), key=lambda item: item.ticket_id))


def _ticket(
    ticket_id: str,
    was: TicketHalt | None,
    reading: SessionReading,
    journal: SessionHalts,
    config: RPMConfig,
    resume_after: int,
) -> TicketHalt | None:
    account = ticket_account(ticket_id)
    stands, ratio = journal.standing(account), reading.ticket_ratios.get(ticket_id)
    if stands is not None:
        since = was.since if was else reading.session
        state: Stopped = "REDUCING" if stands.state == "REDUCING" else "HALTED"
        return TicketHalt(ticket_id, since, _HOLDS, stands.trigger, stands.reason, stands.automatic, state)
    if ticket_id not in reading.ticket_ratios:
        return None
    if was is not None and (not was.automatic or journal.knows(account, was.since)):
        was = None  # a person resumed it
    shocked = ratio is not None and is_volatility_shock(ratio, config)
    if shocked and was is None:
        reason = f"volatility {ratio:.2f}x its baseline >= {config.vol_shock_ratio:.2f}x"
        return TicketHalt(ticket_id, reading.session, _HOLDS, Trigger.VOLATILITY_SHOCK.value, reason, automatic=True)
    if was is None:
        return None
    clear = _HOLDS if shocked else was.clear + 1
    return None if clear >= resume_after else replace(was, clear=clear)
