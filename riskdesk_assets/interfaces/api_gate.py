"""The one writer of the REST gatekeeper's account: it decides, writes the journal, and only then lets anybody see it.

Changes wait in a queue. One task takes what has gathered, makes every change of the batch in order, and commits them as one
transaction on a thread of its own; then all are answered. A batch that cannot be committed never happened: the state before
it is put back and everybody in it is told. Halts and resumes go before trades, and are never turned away.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.common.halts import HALT, RESUME, Halt, HaltRecord, halt_entry, halt_of
from riskdesk_assets.common.journal import Entry, Journal, JournalError, Record
from riskdesk_assets.gatekeeper.engine import ManagerState, RiskPortfolioManager
from riskdesk_assets.gatekeeper.kill_switches import KillSwitchState, TradingState, VolatilityReading
from riskdesk_assets.gatekeeper.portfolio_state import PortfolioState
from riskdesk_assets.gatekeeper.schemas import RiskMetrics
from riskdesk_assets.interfaces.api_memory import STATE, Memory, Remembered, obey, state_entry
from riskdesk_assets.interfaces.api_settings import ApiSettings

REST, DESK = "rest", "desk"
Clock = Callable[[], datetime]
_LOG = logging.getLogger("riskdesk.api")


class WaitingFullError(StateError):
    """As many writes wait for the journal as may."""


class UnwrittenError(StateError):
    """The journal could not be written: nothing of what was asked has happened."""


class ForeignRowsError(JournalError):
    """The journal holds a state of this account that this process did not write, or was never told it had written."""


@dataclass(frozen=True)
class View:
    """What readers see: the account as the journal holds it, and every halt that stands.

    ``volatility``: the newest ratio held against the volatility shock.
    """

    portfolio: PortfolioState
    metrics: RiskMetrics
    halts: tuple[HaltRecord, ...]
    sequence: int
    at: datetime
    volatility: VolatilityReading | None = None


@dataclass
class Working:
    """A batch in the making: changes act on ``manager`` and append to ``entries``; ``fresh`` are order ids decided in it."""

    manager: RiskPortfolioManager
    now: datetime
    halts: tuple[HaltRecord, ...]
    orders: Memory
    entries: list[Entry] = field(default_factory=list)
    fresh: dict[str, Remembered] = field(default_factory=dict)

    def known(self, order_id: str) -> Remembered | None:
        """An order id that was decided before, in this batch or an earlier one."""
        return self.fresh.get(order_id) or self.orders.known(order_id)

    def write(self, entry: Entry, order_id: str | None = None, content: bytes = b"") -> None:
        """Have an entry committed with this batch, and its order id remembered."""
        if order_id is not None:
            entry = replace(entry, body={**entry.body, "order_id": order_id, "order_content": content.hex()})
            self.fresh[order_id] = Remembered(content, -len(self.entries) - 1)
        self.entries.append(entry)


Change = Callable[[Working], object]


@dataclass
class _Waiting:
    change: Change
    answer: asyncio.Future[object]


class Gate:
    """The writer. Use it from one event loop: :meth:`start`, then :meth:`change` from any task, then :meth:`stop`.

    Args:
        journal: where everything is written; this process is the only one that writes account ``rest``.
        memory: what the journal says happened before.
        manager: the gatekeeper, its state restored.
        settings: bounds.
        clock: the time, with its zone. It may not run backward here: an earlier time than the last one counts as the last.
    """

    def __init__(
        self, journal: Journal, memory: Memory, manager: RiskPortfolioManager, settings: ApiSettings, clock: Clock
    ) -> None:
        self._journal = journal
        self._memory = memory
        self._manager = manager
        self._settings = settings
        self._clock = clock
        self._trades: deque[_Waiting] = deque()
        self._urgent: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._task: asyncio.Task[None] | None = None
        self._unwritten: list[Entry] = []
        self._last = datetime.min.replace(tzinfo=UTC)
        self.commits = 0
        self.failed_commits = 0
        self._view = self._seen()

    @property
    def view(self) -> View:
        """What is committed."""
        return self._view

    @property
    def waiting(self) -> int:
        """Changes that wait, trades and reports."""
        return len(self._trades)

    def now(self) -> datetime:
        """The clock's time, never earlier than it was."""
        self._last = max(self._last, self._clock())
        return self._last

    def start(self) -> None:
        """Begin to take changes."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="gate")

    async def stop(self) -> None:
        """Commit what waits, and end."""
        if self._task is not None:
            task, self._task = self._task, None
            self._wake.set()
            await task
        self._thread.shutdown()

    async def change(self, change: Change, *, urgent: bool = False) -> object:
        """Have a change made and committed; returns what it returned.

        Raises:
            WaitingFullError: too many wait.
            UnwrittenError: the journal could not be written, and the change was not made.
            InputError, StateError: what the change itself raised; nothing of it was written.
        """
        if self._task is None:
            raise WaitingFullError("the gatekeeper is being stopped")
        if not urgent and len(self._trades) >= self._settings.waiting_writes:
            raise WaitingFullError(f"{self._settings.waiting_writes} writes wait already")
        item = _Waiting(change, asyncio.get_running_loop().create_future())
        (self._urgent if urgent else self._trades).append(item)
        self._wake.set()
        return await item.answer

    async def read(self, sequence: int) -> Record:
        """One record of the journal, by its place."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, lambda: next(self._journal.records(after=sequence - 1)))

    async def look(self) -> None:
        """Take in halts and resumes that others wrote."""
        await self.change(lambda _: None, urgent=True)

    async def _run(self) -> None:
        while self._task is not None or self._urgent or self._trades:
            if not (self._urgent or self._trades):
                self._wake.clear()
                if self._task is None:
                    return
                await self._wake.wait()
                continue
            batch = [self._urgent.popleft() for _ in range(len(self._urgent))]
            room = max(0, self._settings.batch_entries - len(batch))
            batch += [self._trades.popleft() for _ in range(min(room, len(self._trades)))]
            try:
                await self._batch(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits to be told
                _LOG.exception("a batch failed")
                for item in batch:
                    if not item.answer.done():
                        item.answer.set_exception(error)

    async def _batch(self, batch: list[_Waiting]) -> None:
        before, carried = self._manager.state, len(self._unwritten)
        working = Working(self._manager, self.now(), self._memory.halts, self._memory, entries=list(self._unwritten))
        try:
            made = [(item, *_made(item.change, working)) for item in batch]
        except BaseException:
            self._manager.restore(before)
            raise
        if self._manager.state is not before:
            working.entries.append(state_entry(self._manager.state, REST, working.now, self._memory.sequence))
        loop = asyncio.get_running_loop()
        try:
            written, others = await loop.run_in_executor(self._thread, self._committed, working.entries, self._memory.sequence)
        except JournalError as cause:
            self._not_written(before, working.entries, carried, batch, cause)
            return
        self.commits += bool(written)
        self._unwritten.clear()
        self._follow(others)
        self._memory.take(written)
        for order_id, one in working.fresh.items():
            self._memory.remember(order_id, one.content, written[-one.sequence - 1].sequence)
        self._view = self._seen()
        for item, answer, error in made:
            if item.answer.done():
                continue
            if error is None:
                item.answer.set_result(answer)
            else:
                item.answer.set_exception(error)

    def _committed(self, entries: list[Entry], seen: int) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
        """On the journal's thread: write, and read what others halted or resumed behind ``seen`` and before it.

        Both are one transaction: what has been written has happened, whatever cannot be read.
        """
        written, others = self._journal.append_behind(entries, (HALT, RESUME, STATE), seen, _heeded)
        return written, tuple(record for record in others if record.kind != STATE)

    def _not_written(
        self, before: ManagerState, entries: list[Entry], carried: int, batch: list[_Waiting], error: JournalError
    ) -> None:
        """Put back the state before the batch, but for halts by hand: they stand, and are written once that is possible."""
        self.failed_commits += 1
        _LOG.error("the journal could not be written: %s", error)
        self._manager.restore(before)
        new = [entry for entry in entries[carried:] if entry.kind == HALT and entry.body["automatic"] is False]
        for entry in new:
            if entry.account == REST:
                self._manager.halt(entry.at, str(entry.body["reason"]), str(entry.body["by"]))
        self._unwritten += new
        self._view = self._seen()
        said = "the journal could not be written: nothing was decided"
        if isinstance(error, ForeignRowsError):
            said = f"{error}: nothing was decided"
        if new:
            said = "the journal could not be written: the halt holds in this process, and is written once the journal can be"
        for item in batch:
            if not item.answer.done():
                item.answer.set_exception(UnwrittenError(said))

    def _follow(self, others: tuple[Record, ...]) -> None:
        """Halts and resumes that somebody else wrote; those of our own account act here too."""
        for record in others:
            if record.account == REST:
                obey(self._manager, record)
        self._memory.take(others)

    def _seen(self) -> View:
        manager, memory = self._manager, self._memory
        seen = manager.state.volatility
        return View(manager.portfolio_state, manager.risk_metrics, memory.halts, memory.sequence, self.now(), seen)


def _heeded(record: Record) -> None:
    """What a batch may be written behind: halts and resumes that can be followed, and no state but our own."""
    if record.kind == HALT:
        halt_of(record)
    if record.kind in (HALT, RESUME):
        if not all(str(record.body.get(name, "")).strip() for name in ("reason", "by")):
            raise JournalError(f"row {record.sequence} of the journal does not say why, or by whom: halt by hand")
    elif record.account == REST:
        raise ForeignRowsError(
            f"row {record.sequence} of the journal is a state of account {REST} that this server does not know: another "
            "`riskdesk serve` writes it, or the answer to a commit was lost; start this one again"
        )


def _made(change: Change, working: Working) -> tuple[object, Exception | None]:
    """Make one change; one that fails leaves no trace in the batch."""
    manager, state, entries, fresh = working.manager, working.manager.state, len(working.entries), dict(working.fresh)
    try:
        answer = change(working)
    except (InputError, StateError) as error:
        manager.restore(state)
        del working.entries[entries:]
        working.fresh = fresh
        return None, error
    tripped = _tripped(state.switches, manager.state.switches, working)
    if tripped is not None:
        working.entries.append(halt_entry(tripped))
    return answer, None


def _tripped(before: KillSwitchState, after: KillSwitchState, working: Working) -> Halt | None:
    """The automatic halt a change led to, if it did."""
    if not after.automatic or after.state is TradingState.ACTIVE or after.trigger is None:
        return None
    if before.automatic and before.state is after.state and before.since == after.since:
        return None
    return Halt(
        account=REST,
        at=after.since or working.now,
        reason=after.reason,
        by="automatic",
        state="HALTED" if after.state is TradingState.HALTED else "REDUCING",
        automatic=True,
        trigger=after.trigger.value,
        resume_from=after.resume_from,
    )
