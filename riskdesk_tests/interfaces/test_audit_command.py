"""riskdesk audit verify: exit 0 for a whole journal, 1 and the first bad row for a broken one; anchors from the publish log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.common.journal import Anchor, Journal
from riskdesk_assets.interfaces.cli import cli
from riskdesk_assets.reports.run_store import journal_anchors, publish
from riskdesk_tests.common.test_journal import by_force, decision

MANIFEST = json.dumps({"run_id": "a-run", "first": "2026-03-02", "last": "2026-03-02", "files": {}, "tables": {}}).encode()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """Five rows, the fourth of them anchored by a run."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.delenv("RISKDESK_JOURNAL_URL", raising=False)
    found = Journal(tmp_path / "data" / "journal.sqlite")
    publish(tmp_path / "runs", "a-run", {}, MANIFEST, found.head())
    found.append(decision(number) for number in range(1, 5))
    publish(tmp_path / "runs", "a-run", {}, MANIFEST, found.head())
    found.append([decision(5)])
    return found


def verified(*options: str) -> Result:
    return CliRunner().invoke(cli, ["audit", "verify", *options])


def test_a_whole_journal_is_said_to_be_whole(journal: Journal) -> None:
    told = verified()
    assert told.exit_code == 0
    assert "5 rows, intact; 1 anchors" in told.output
    assert json.loads(verified("--json").output) == {
        "journal": str(journal.file),
        "intact": True,
        "rows": 5,
        "first_bad": None,
        "reason": "",
        "head": {"sequence": 5, "hash": journal.head().hash},
        "anchors": 1,
    }


def test_a_changed_row_is_named_and_the_exit_code_is_one(journal: Journal) -> None:
    assert journal.file is not None
    by_force(journal.file, "UPDATE journal SET body = '{}' WHERE sequence = 3")
    told = verified()
    assert told.exit_code == 1
    assert "BROKEN; first bad row 3: row 3 was changed" in told.output
    answer = json.loads(verified("--json").output)
    assert (answer["intact"], answer["first_bad"], answer["rows"]) == (False, 3, 2)


def test_an_end_cut_off_below_what_a_run_saw_is_found(journal: Journal) -> None:
    assert journal.file is not None
    by_force(journal.file, "DELETE FROM journal WHERE sequence = 5")
    assert verified().exit_code == 0, "nobody wrote row 5 down: only rows a run saw can be missed"
    by_force(journal.file, "DELETE FROM journal WHERE sequence = 4")
    told = verified()
    assert told.exit_code == 1
    assert "ends at row 3, but row 4 was once there (publish log, run a-run)" in told.output


def test_the_anchor_stands_in_the_publish_log_and_in_nothing_that_is_hashed(journal: Journal, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    lines = [json.loads(line) for line in (runs / "publish_log.jsonl").read_text().splitlines()]
    fourth = next(iter(journal.records(after=3)))
    assert [line.get("journal") for line in lines] == [None, {"sequence": 4, "hash": fourth.hash}]
    assert lines[0]["manifest_sha256"] == lines[1]["manifest_sha256"] == digest_file(runs / "a-run" / "manifest.json")
    assert journal_anchors(runs) == (Anchor(4, fourth.hash),)


def test_an_anchor_that_cannot_be_read_is_told_by_its_run(journal: Journal, tmp_path: Path) -> None:
    with (tmp_path / "runs" / "publish_log.jsonl").open("a") as log:
        log.write(json.dumps({"run_id": "b-run", "journal": {"sequence": "4"}}) + "\n")
    told = verified()
    assert told.exit_code == 2
    assert "anchor of run b-run cannot be read" in told.output


def test_a_desk_that_never_decided_anything_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RUNS_DIR", str(tmp_path / "runs"))
    told = verified()
    assert told.exit_code == 0
    assert "0 rows, intact" in told.output
    assert not (tmp_path / "data").exists()


def test_a_journal_url_with_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RISKDESK_JOURNAL_URL", "postgresql+asyncpg://desk:hunter2x@localhost/journal")
    told = verified()
    assert told.exit_code == 2
    assert "driver" in told.output
    assert "hunter2x" not in told.output
