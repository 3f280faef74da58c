"""The journal on PostgreSQL: the same promises as on a file, on a real server that is killed on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from riskdesk_assets.common.halts import Halt, halt_entry
from riskdesk_assets.common.journal import Anchor, Entry, Journal, JournalBusyError, JournalError
from riskdesk_assets.common.journal_lock import JournalHeldError, sole
from riskdesk_assets.common.settings import ROOT
from riskdesk_tests.common.test_journal import AT, NOTHING_YET, decision
from riskdesk_tests.interfaces.served import TOKEN, WITHIN_CAPS, House
from riskdesk_tests.interfaces.server_process import command, environ
from riskdesk_tests.postgres_cluster import Cluster, cluster, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())
_NAMES = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture
def url(server: Cluster) -> str:
    """An empty place for a journal."""
    return server.make(f"journal{next(_NAMES)}")


def by_force(url: str, *statements: str) -> None:
    """Change the database as its owner can."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_what_is_written_is_read_back_in_order_and_sealed_as_on_a_file(url: str, tmp_path: Path) -> None:
    body = {"price": 0.1 + 0.2, "nested": {"é": [None, True, 10**30]}, "quote": "'; DROP TABLE journal; -- %s :x \u0000"}
    entries = [decision(1, **body), Entry("HALT", "desk", AT, {"reason": "drill"}), decision(2, text="x" * 500_000)]
    journal, on_file = Journal(url), Journal(tmp_path / "journal.sqlite")
    assert (journal.head(), tuple(journal.records())) == (NOTHING_YET, ())
    assert journal.append(entries) == on_file.append(entries), "the same rows with the same hashes"
    assert tuple(Journal(url).records()) == tuple(on_file.records())
    assert [one.sequence for one in journal.records(kind="DECISION", after=1)] == [3]
    assert [one.kind for one in journal.newest(2)] == ["DECISION", "HALT"]
    assert journal.verify([Anchor(2, on_file.newest(2)[1].hash)]) == on_file.verify()
    assert journal.name.startswith("postgresql+psycopg://desk@127.0.0.1:")
    assert journal.append([]) == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET body = '{}' WHERE sequence = 2",
        "DELETE FROM journal WHERE sequence = 3",
        "DELETE FROM journal",
        "TRUNCATE journal",
        "INSERT INTO journal SELECT 9, previous_hash, hash, kind, account, at, body FROM journal WHERE sequence = 2",
        "INSERT INTO journal SELECT 2, previous_hash, hash, kind, account, at, '{}' FROM journal WHERE sequence = 2"
        " ON CONFLICT (sequence) DO UPDATE SET body = '{}'",
        "INSERT INTO journal SELECT 0, previous_hash, hash, kind, account, at, body FROM journal WHERE sequence = 2",
    ],
)
def test_the_database_itself_refuses_to_change(url: str, statement: str) -> None:
    journal = Journal(url)
    journal.append([decision(number) for number in range(1, 4)])
    with pytest.raises(DBAPIError, match="append-only"):
        by_force(url, statement)
    assert journal.verify().rows == 3


def test_the_first_row_changed_by_force_is_named_and_so_is_a_guard_taken_away(url: str) -> None:
    journal = Journal(url)
    journal.append([decision(number) for number in range(1, 6)])
    change = "UPDATE journal SET body = replace(body, '3', '4') WHERE sequence = 3"
    by_force(url, "ALTER TABLE journal DISABLE TRIGGER USER", change, "ALTER TABLE journal ENABLE TRIGGER USER")
    found = journal.verify()
    assert (found.intact, found.first_bad, found.rows) == (False, 3, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE journal DISABLE TRIGGER USER",
        "DROP TRIGGER journal_no_change ON journal",
        "DROP TRIGGER journal_no_truncate ON journal",
        "DROP TRIGGER journal_in_order ON journal",
        "CREATE OR REPLACE FUNCTION journal_refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    ],
)
def test_a_guard_taken_away_is_told(url: str, statement: str) -> None:
    journal = Journal(url)
    journal.append([decision(1)])
    assert journal.verify().intact
    by_force(url, statement)
    found = journal.verify()
    assert (found.intact, found.first_bad) == (False, None)
    assert "guard" in found.reason


def test_an_end_cut_off_is_seen_against_an_anchor(url: str) -> None:
    journal = Journal(url)
    last = journal.append([decision(number) for number in range(1, 6)])[-1]
    by_force(url, "ALTER TABLE journal DISABLE TRIGGER USER", "DELETE FROM journal WHERE sequence > 4")
    by_force(url, "ALTER TABLE journal ENABLE TRIGGER USER")
    assert journal.verify().intact
    assert not journal.verify([Anchor(5, last.hash)]).intact


def test_many_writers_that_all_find_it_empty_make_one_chain_without_a_gap(url: str) -> None:
    def thirty(writer: int) -> list[int]:
        own = Journal(url)
        told = [own.append([decision(number, writer=writer)])[0].sequence for number in range(30)]
        own.close()
        return told

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(thirty, range(8)))
    assert sorted(place for places in told for place in places) == list(range(1, 241))
    assert all(places == sorted(places) for places in told)
    assert Journal(url).verify().rows == 240


def test_two_processes_write_while_a_third_verifies(url: str) -> None:
    writing = [
        subprocess.Popen([sys.executable, "-c", _WRITER, url, "100"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    looks = 0
    while any(one.poll() is None for one in writing):
        assert Journal(url).verify().intact
        looks += 1
        time.sleep(0.05)
    told = [line.split() for one in writing for line in one.communicate()[0].splitlines()]
    assert [one.returncode for one in writing] == [0, 0]
    stored = {record.sequence: record.hash for record in Journal(url).records()}
    assert {int(sequence): sealed for sequence, sealed in told} == stored
    assert len(stored) == 200
    assert looks


_WRITER = """
import sys
from riskdesk_assets.common.journal import Journal
from riskdesk_tests.common.test_journal import decision
journal = Journal(sys.argv[1], busy_seconds=60.0)
for number in range(int(sys.argv[2])):
    (record,) = journal.append([decision(number)])
    print(record.sequence, record.hash, flush=True)
"""


def test_a_lock_that_others_hold_is_waited_for_only_so_long(url: str) -> None:
    Journal(url).append([decision(1)])
    engine = create_engine(url)
    with engine.begin() as other:
        other.execute(text("SELECT id FROM journal_lock FOR UPDATE"))
        began = time.monotonic()
        with pytest.raises(JournalBusyError):
            Journal(url, busy_seconds=0.3).append([decision(2)])
        assert time.monotonic() - began < 10
    engine.dispose()
    assert Journal(url).append([decision(3)])[0].sequence == 2


def test_a_server_killed_under_load_loses_no_acknowledged_row_and_the_same_journal_goes_on(server: Cluster, url: str) -> None:
    journal = Journal(url, busy_seconds=5.0)
    acknowledged: dict[int, str] = {}
    failures = 0
    stop = threading.Event()

    def write() -> None:
        nonlocal failures
        number = 0
        while not stop.is_set():
            number += 1
            try:
                for record in journal.append([decision(number, place=place, text="x" * 200) for place in range(8)]):
                    acknowledged[record.sequence] = record.hash
            except JournalError:
                failures += 1
                time.sleep(0.01)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for one in writers:
        one.start()
    try:
        for _ in range(2):
            rows = len(acknowledged)
            while len(acknowledged) < rows + 80:
                time.sleep(0.01)
            server.kill()
            time.sleep(0.05)
            server.start()
    finally:
        rows = len(acknowledged)
        deadline = time.monotonic() + 30
        while len(acknowledged) < rows + 80 and time.monotonic() < deadline:
            time.sleep(0.01)
        stop.set()
        for one in writers:
            one.join()
    assert failures
    stored = {record.sequence: record.hash for record in journal.records()}
    assert acknowledged.items() <= stored.items()
    assert len(acknowledged) > rows, "the same journal goes on once the server is back"
    assert len(stored) % 8 == 0, "a batch is there whole or not at all"
    last = max(acknowledged)
    assert journal.verify([Anchor(last, acknowledged[last])]).intact


def test_a_server_that_is_away_is_told_without_the_password(server: Cluster) -> None:
    away = f"postgresql+psycopg://desk:hunter2x@127.0.0.1:{server.port}/nosuchjournal"
    for asked in (lambda: Journal(away).append([decision(1)]), lambda: Journal(away).head()):
        with pytest.raises(JournalError) as told:
            asked()
        assert "nosuchjournal" in str(told.value)
        assert "hunter2x" not in str(told.value)


def test_one_holder_for_one_journal_and_another_journal_beside_it_is_free(server: Cluster, url: str, tmp_path: Path) -> None:
    beside = server.make(f"journal{next(_NAMES)}")
    with sole(Journal(url), "riskdesk serve on /a"):
        said = rf"is held by pid {os.getpid()} on .* \(riskdesk serve.*, since 20"
        with pytest.raises(JournalHeldError, match=said), sole(Journal(url), "riskdesk serve on /b"):
            pass
        with sole(Journal(beside), "riskdesk serve on /b"):
            pass
        told = subprocess.run(
            command("--port", "0"),
            env=environ(tmp_path, RISKDESK_JOURNAL_URL=url),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert told.returncode == 1
        assert "another `riskdesk serve` writes the same journal" in told.stderr
    with sole(Journal(url), "riskdesk serve on /b"):
        pass


def test_the_gatekeeper_commits_many_decisions_at_once_and_goes_on_after_a_restart(url: str, tmp_path: Path) -> None:
    house = House(tmp_path, journal=url)
    with house.serve() as api:

        def ask(number: int) -> int:
            return api.post("/process_trade", {**WITHIN_CAPS, "client_order_id": f"order-{number}"}).status

        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(ask, range(64))) == {200}
        account = api.get("/portfolio").json
    journal = Journal(url)
    assert len(list(journal.records(kind="DECISION"))) == 64
    states = len(list(journal.records(kind="STATE")))
    assert 0 < states <= 64, "one state for each batch"
    assert journal.verify().intact
    Journal(url).append([halt_entry(Halt("rest", api.server.gate.now(), "drill", "me"))])
    with house.serve() as again:
        assert again.get("/portfolio").json["positions"] == account["positions"]
        refused = json.loads(again.post("/process_trade", {**WITHIN_CAPS, "client_order_id": "order-new"}).raw)
        assert refused["decision"]["rejected_trade"]["rejection_reason"] == "MANUAL_HALT"
        assert again.post("/process_trade", {**WITHIN_CAPS, "client_order_id": "order-0"}).status == 200
        assert len(list(journal.records(kind="DECISION"))) == 65, "order-0 was answered from the journal"
        assert TOKEN not in again.get("/health").text
