"""The desk's own kill switches from session to session: what trips, what the journal says, what resumes in simulation.

One reading a session, at its close. A halt latches. Where the journal holds it, only a person's resume ends it (X-08); a halt
no journal knows, in a range or a backtest, resumes in simulation some sessions after its condition has cleared, as a person
would resume it: equity peak and loss windows start anew (design.md section 1). A drawdown cannot come back while the desk
holds nothing, so it counts as cleared then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from riskdesk_assets.common.gate_settings import GateSettings
from riskdesk_assets.common.halts import Halt
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
BY = "a kill switch"


@dataclass(frozen=True)
class TicketHalt:
    """One ticket that is stopped: since which session, by a switch or a person, and for how many sessions its condition has
    been clear (-1: it holds)."""

    ticket_id: str
    since: date
    clear: int
    trigger: str
    reason: str
    automatic: bool


@dataclass(frozen=True)
class SwitchMemory:
    """What the switches remember from one session to the next; ``switches`` None before the first.

    ``since``: the session that stopped the desk. ``clear``: as of :class:`TicketHalt`. ``journaled``: the halt that stands is
    the journal's.
    """

    switches: KillSwitchState | None = None
    since: date | None = None
    clear: int = _HOLDS
    journaled: bool = False
    tickets: tuple[TicketHalt, ...] = ()

    @property
    def state(self) -> TradingState:
        """Whether the desk trades."""
        return TradingState.ACTIVE if self.switches is None else self.switches.state

    @property
    def halted_tickets(self) -> frozenset[str]:
        """The tickets that are stopped by themselves."""
        return frozenset(item.ticket_id for item in self.tickets)


class SessionReading(NamedTuple):
    """What a session shows the switches.

    ``equity``: dollars at the close. ``volatility_ratio``: the universe's mean of realised over baseline volatility.
    ``ticket_ratios``: the largest such ratio of each ticket's legs. ``confidence``: the mean of what is proposed (None:
    unknown). ``flat``: the desk holds nothing.
    """

    session: date
    equity: float
    volatility_ratio: float | None
    ticket_ratios: Mapping[str, float]
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


def automatic_halts(memory: SwitchMemory, session: date, journal: SessionHalts, config: RPMConfig) -> Iterable[Halt]:
    """The automatic halts that stand after the newest session and that the journal does not hold yet."""
    at = moment_of(session)
    switches = memory.switches
    if switches is not None and switches.state is not TradingState.ACTIVE and switches.automatic and not memory.journaled:
        resume_from = switches.resume_from or at
        yield Halt(
            DESK,
            at,
            switches.reason,
            BY,
            "REDUCING" if switches.state is TradingState.REDUCING else "HALTED",
            automatic=True,
            trigger=str(switches.trigger),
            resume_from=max(resume_from, at),
            session=session,
        )
    for item in memory.tickets:
        account = ticket_account(item.ticket_id)
        if item.automatic and not journal.standing(account):
            earliest = datetime.fromtimestamp(at.timestamp() + config.cooldown_seconds, UTC)
            yield Halt(
                account, at, item.reason, BY, automatic=True, trigger=item.trigger, resume_from=earliest, session=session
            )


def _desk(
    memory: SwitchMemory, reading: SessionReading, journal: SessionHalts, nav: float, config: RPMConfig, resume_after: int
) -> SwitchMemory:
    switches, since = memory.switches or fresh(nav), memory.since
    stands = journal.standing(DESK)
    stopped = switches.state is not TradingState.ACTIVE
    ended = stopped and stands is None and (memory.journaled or (since is not None and journal.knows(DESK, since)))
    if ended:  # a person resumed it: the journal held the halt, and holds it no more
        switches, since, stopped = _begun_anew(switches), None, False
    at = moment_of(reading.session)
    seen = observe(switches, Reading(at, reading.equity, reading.volatility_ratio, reading.confidence), config)
    if stands is not None:
        imposed = _imposed(seen, stands, at)
        return SwitchMemory(imposed, since or reading.session, _HOLDS, journaled=imposed is not seen)
    if seen.state is TradingState.ACTIVE:
        return SwitchMemory(seen)
    if not stopped:
        return SwitchMemory(seen, reading.session)
    clear = _HOLDS if _holds(seen, reading, config) else memory.clear + 1
    if clear >= resume_after:
        return SwitchMemory(_begun_anew(seen))
    return SwitchMemory(seen, since or reading.session, clear)


def _holds(seen: KillSwitchState, reading: SessionReading, config: RPMConfig) -> bool:
    """Whether any switch would trip now; nothing that is not held can be drawn down further."""
    if reading.flat:
        seen = replace(seen, equity_peak=seen.equity, day_peak=seen.equity)
    return trips(seen, reading.volatility_ratio, config) is not None


def _begun_anew(switches: KillSwitchState) -> KillSwitchState:
    """Trading again: equity peak, loss windows and confidences start from the newest equity."""
    return replace(fresh(switches.equity), day=switches.day, observed_at=switches.observed_at)


def _imposed(switches: KillSwitchState, halt: JournalHalt, at: datetime) -> KillSwitchState:
    """The journal's halt on the switches; one of their own that is stricter keeps its own words."""
    state = TradingState.REDUCING if halt.state == "REDUCING" else TradingState.HALTED
    if switches.state is TradingState.HALTED and state is TradingState.REDUCING:
        return switches
    trigger = Trigger(halt.trigger) if halt.trigger in Trigger.__members__ else Trigger.MANUAL
    return replace(
        switches,
        state=state,
        trigger=trigger,
        reason=halt.reason,
        by=halt.by,
        automatic=halt.automatic,
        since=min(halt.since or at, at),
        resume_from=None,
    )


def _tickets(
    memory: tuple[TicketHalt, ...], reading: SessionReading, journal: SessionHalts, config: RPMConfig, resume_after: int
) -> tuple[TicketHalt, ...]:
    known = {item.ticket_id: item for item in memory}
    named = {account.removeprefix(f"{DESK}:") for account in journal.accounts if account != DESK}
    found: list[TicketHalt] = []
    for ticket_id in sorted({*known, *named, *reading.ticket_ratios}):
        after = _ticket(ticket_id, known.get(ticket_id), reading, journal, config, resume_after)
        if after is not None:
            found.append(after)
    return tuple(found)


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
        return TicketHalt(ticket_id, since, _HOLDS, stands.trigger, stands.reason, stands.automatic)
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
