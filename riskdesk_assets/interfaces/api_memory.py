"""What the journal says happened before this process: the account's state, halts that stand, and order ids decided.

Every batch ends with a STATE record of the account; a restart reads the newest one and follows what was written behind it.
"""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.common.halts import HALT, RESUME, HaltRecord, halt_of, standing
from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.journal import Entry, Journal, Record
from riskdesk_assets.gatekeeper.engine import ManagerState, RiskPortfolioManager
from riskdesk_assets.gatekeeper.kill_switches import ResumeRefusedError, TradingState
from riskdesk_assets.gatekeeper.state_json import manager_from_json, manager_to_json
from riskdesk_assets.interfaces.api_trail import DECISION

STATE = "STATE"
_DIGEST_BYTES = 16
_CONTENT = "order_content"


class Remembered(NamedTuple):
    """An order id's request, as a digest, and the place of its record (negative while its batch is not committed)."""

    content: bytes
    sequence: int


class Memory:
    """Order ids and halts as the journal holds them up to ``sequence``; the newest decisions' records."""

    def __init__(self, remembered: int, shown: int) -> None:
        self._remembered = remembered
        self._orders: OrderedDict[str, Remembered] = OrderedDict()
        self._switched: list[Record] = []
        self._halts: tuple[HaltRecord, ...] = ()
        self.newest: deque[Record] = deque(maxlen=shown)
        self.sequence = 0

    @property
    def halts(self) -> tuple[HaltRecord, ...]:
        """Every halt that stands, by account."""
        return self._halts

    def known(self, order_id: str) -> Remembered | None:
        """What an order id was given for."""
        return self._orders.get(order_id)

    def remember(self, order_id: str, content: bytes, sequence: int) -> None:
        """Keep an order id; the oldest one is forgotten for it."""
        self._orders[order_id] = Remembered(content, sequence)
        if len(self._orders) > self._remembered:
            self._orders.popitem(last=False)

    def take(self, records: Iterable[Record]) -> None:
        """Follow committed records."""
        switched = False
        for record in records:
            self.sequence = max(self.sequence, record.sequence)
            if record.kind in (HALT, RESUME):
                self._switched.append(record)
                switched = True
            elif record.kind == DECISION:
                self.newest.append(record)
        if switched:
            self._switched.sort(key=lambda record: record.sequence)
            self._halts = standing(self._switched)


def content_digest(values: object) -> bytes:
    """What tells one request from another, in 16 bytes."""
    return blake2b(canonical_json(values).encode("utf-8", "backslashreplace"), digest_size=_DIGEST_BYTES).digest()


def state_entry(state: ManagerState, account: str, at: datetime, seen: int) -> Entry:
    """The journal's entry of an account as it is after a batch; ``seen``: rows up to which others' halts are in it."""
    return Entry(STATE, account, at, {"state": json.loads(manager_to_json(state)), "seen": seen})


def obey(manager: RiskPortfolioManager, record: Record) -> None:
    """Do what a halt or a resume in the journal says; one that does not hold any more changes nothing."""
    if record.kind == HALT:
        halt = halt_of(record)
        manager.halt(halt.at, halt.reason, halt.by, TradingState(halt.state))
    elif manager.state.switches.state is not TradingState.ACTIVE:
        with suppress(ResumeRefusedError):
            manager.resume(record.at, str(record.body["reason"]), str(record.body["by"]))


def remembered(journal: Journal, account: str, orders: int, shown: int) -> Memory:
    """What the journal holds: every halt and resume, the account's newest decisions, and its newest ``orders`` order ids.

    Raises:
        JournalError: it cannot be read, or a row of it was changed.
    """
    memory = Memory(orders, shown)
    head = journal.head().sequence
    memory.take(journal.records(kind=(HALT, RESUME)))
    memory.take(reversed(journal.newest(shown, kind=DECISION, account=account)))
    for order_id, content, sequence in reversed(tuple(islice(_order_ids(journal, account), orders))):
        memory.remember(order_id, content, sequence)
    memory.sequence = max(memory.sequence, head)
    return memory


def _order_ids(journal: Journal, account: str) -> Iterator[tuple[str, bytes, int]]:
    """Order ids of an account with their content and place, newest first."""
    kinds = (journal.backward(kind, account, holding=_CONTENT) for kind in (DECISION, "FILL"))
    for record in merge(*kinds, key=attrgetter("sequence"), reverse=True):
        order_id, content = record.body.get("order_id"), record.body.get(_CONTENT)
        if isinstance(order_id, str) and isinstance(content, str):
            yield order_id, bytes.fromhex(content), record.sequence


def restore(journal: Journal, account: str, manager: RiskPortfolioManager) -> None:
    """Give a fresh gatekeeper the state its last batch left, then what others halted or resumed since.

    Raises:
        JournalError: the journal cannot be read.
        StateError: the state in it cannot be understood: trading on without it would forget positions.
    """
    newest = journal.newest(1, kind=STATE, account=account)
    seen = 0
    if newest:
        place, body = newest[0].sequence, newest[0].body
        try:
            manager.restore(manager_from_json(canonical_json(body["state"])))
            seen = _place(body["seen"])
        except (InputError, KeyError, TypeError) as error:
            raise StateError(
                f"row {place} of the journal holds no state of account {account} that can be read: {error}"
            ) from None
    # Of the batch that the state closes these are in it already: doing them again in order leads to the same state.
    for record in journal.records(kind=(HALT, RESUME), account=account, after=seen):
        obey(manager, record)


def _place(value: object) -> int:
    if type(value) is not int:
        raise TypeError("seen is no place")
    return value
