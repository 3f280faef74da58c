"""The writer of the REST account beside others who write the same journal: what is answered and what is written are one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from riskdesk_assets.common.halts import Halt, halt_entry
from riskdesk_assets.common.journal import Entry, Journal
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.gatekeeper.engine import RiskPortfolioManager
from riskdesk_assets.gatekeeper.schemas import RPMOutput
from riskdesk_assets.interfaces.api_changes import Repeated, fill, halt, marks, trade
from riskdesk_assets.interfaces.api_gate import REST, Gate, UnwrittenError
from riskdesk_assets.interfaces.api_memory import remembered, restore
from riskdesk_assets.interfaces.api_models import FillRequest, MarksRequest, SwitchRequest, TradeRequest
from riskdesk_assets.interfaces.api_settings import ApiSettings, load_api_settings
from riskdesk_tests.interfaces.served import MONDAY, WITHIN_CAPS

SETTINGS = load_api_settings(ROOT / "config")
GARBLED: Mapping[str, object] = {"state": "who knows"}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The journal as another process has it open."""
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@asynccontextmanager
async def gate(journal: Journal, settings: ApiSettings = SETTINGS) -> AsyncIterator[Gate]:
    """A gate on the journal, as a server that has just started has it; nothing looks but what is asked of it."""
    assert journal.file is not None
    own, manager = Journal(journal.file), RiskPortfolioManager(settings.gatekeeper)
    memory = remembered(own, REST, settings.remembered_orders, settings.shown_decisions)
    restore(own, REST, manager)
    opened = Gate(own, memory, manager, settings, lambda: MONDAY)
    opened.start()
    try:
        yield opened
    finally:
        await opened.stop()
        own.close()


def asked(order_id: str) -> TradeRequest:
    return TradeRequest.model_validate({**WITHIN_CAPS, "client_order_id": order_id})


def kinds(journal: Journal) -> list[str]:
    return [one.kind for one in journal.records()]


def by_force(journal: Journal, statement: str) -> None:
    """Change a row as nobody may."""
    with sqlite3.connect(str(journal.file)) as connection:
        (guard,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'journal_no_update'").fetchone()
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute(statement)
        connection.execute(guard)


def test_what_cannot_be_read_keeps_a_decision_out_and_the_retry_is_the_only_one(journal: Journal) -> None:
    async def scene() -> None:
        async with gate(journal) as open_:
            journal.append([halt_entry(Halt("desk", MONDAY, "a drill", "ann"))])
            by_force(journal, "UPDATE journal SET body = replace(body, 'drill', 'grill')")
            with pytest.raises(UnwrittenError, match="nothing was decided"):
                await open_.change(trade(asked("one")))
            assert not open_.view.portfolio.account.positions
            with sqlite3.connect(str(journal.file)) as connection:
                assert connection.execute("SELECT kind FROM journal").fetchall() == [("HALT",)]
            by_force(journal, "UPDATE journal SET body = replace(body, 'grill', 'drill')")
            assert isinstance(await open_.change(trade(asked("one"))), RPMOutput)
            assert [one.account for one in open_.view.halts] == ["desk"]
        assert kinds(journal) == ["HALT", "DECISION", "STATE"]

    asyncio.run(scene())


@pytest.mark.parametrize("kind", ["HALT", "RESUME"])
def test_a_halt_or_resume_nobody_can_follow_keeps_decisions_out_instead_of_hiding_them(journal: Journal, kind: str) -> None:
    async def scene() -> None:
        async with gate(journal) as open_:
            journal.append([Entry(kind, REST, MONDAY, GARBLED)])
            with pytest.raises(UnwrittenError, match="nothing was decided"):
                await open_.change(trade(asked("one")))
        assert kinds(journal) == [kind]

    asyncio.run(scene())


def test_a_halt_by_hand_of_a_batch_that_could_not_be_read_is_written_once(journal: Journal) -> None:
    async def scene() -> None:
        async with gate(journal) as open_:
            journal.append([halt_entry(Halt("desk", MONDAY, "a drill", "ann"))])
            by_force(journal, "UPDATE journal SET body = replace(body, 'drill', 'grill')")
            stop = halt(SwitchRequest(reason="too fast", by="ben", account="rest"))
            with pytest.raises(UnwrittenError, match="the halt holds in this process"):
                await open_.change(stop, urgent=True)
            assert [one.reason for one in open_.view.halts] == [], "it is not in the journal yet"
            by_force(journal, "UPDATE journal SET body = replace(body, 'grill', 'drill')")
            await open_.look()
            await open_.look()
            assert [one.reason for one in open_.view.halts] == ["a drill", "too fast"]
        assert [one.body["reason"] for one in journal.records(kind="HALT")] == ["a drill", "too fast"]

    asyncio.run(scene())


def test_a_server_that_finds_a_state_of_its_account_it_did_not_write_decides_nothing(journal: Journal) -> None:
    """Another server on the same journal, or a commit whose answer was lost: either way positions would be counted twice."""

    async def scene() -> None:
        async with gate(journal) as one, gate(journal) as other:
            await one.change(trade(asked("the same")))
            with pytest.raises(UnwrittenError, match="row 2 of the journal is a state of account rest"):
                await other.change(trade(asked("the same")))
            await one.change(trade(asked("the next")))
        assert kinds(journal).count("DECISION") == 2
        async with gate(journal) as again:
            assert await again.change(trade(asked("the same"))) is not None
        assert kinds(journal).count("DECISION") == 2

    asyncio.run(scene())


def filled(number: int) -> FillRequest:
    return FillRequest(symbol="EURUSD", units=10.0, price=1.1, fill_id=f"f{number}")


def test_a_restart_remembers_as_many_order_ids_as_the_live_server_whatever_stands_between(journal: Journal) -> None:
    remembers, between = 8, 40

    async def scene() -> None:
        settings = SETTINGS.model_copy(update={"remembered_orders": remembers})
        async with gate(journal, settings) as open_:
            await open_.change(fill(filled(0)))
            for number in range(1, remembers):
                await open_.change(fill(filled(number)) if number % 2 else trade(asked(str(number))))
            for number in range(between):
                await open_.change(marks(MarksRequest(prices={"EURUSD": 1.1 + number / 10_000})))
                await open_.change(trade(TradeRequest.model_validate(WITHIN_CAPS)))  # no order id: none to remember
            assert await open_.change(fill(filled(0))) == Repeated("fill f0")
        async with gate(journal, settings) as again:
            assert await again.change(fill(filled(0))) == Repeated("fill f0")
            assert await again.change(trade(asked("2"))) == Repeated("2")
            await again.change(fill(filled(remembers)))  # one more than are remembered: the oldest is forgotten, here as there
        async with gate(journal, settings) as last:
            assert await last.change(trade(asked("2"))) == Repeated("2")
            assert await last.change(fill(filled(0))) is None
        assert len(list(journal.records(kind="FILL"))) == remembers // 2 + 3

    asyncio.run(scene())
