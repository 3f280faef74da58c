"""``riskdesk workbook``: out, edited, back; and one strategy's whole way from a cell of the workbook into a released book."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.interfaces.cli import cli
from riskdesk_assets.reports.workbook.workbook import WORKBOOK
from riskdesk_assets.strategy.loading import file_hashes
from riskdesk_assets.strategy.watch import observe
from riskdesk_tests.desk_builder import sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, make_desk, run
from riskdesk_tests.reports.workbook.edits import Value, parts_of, with_cells

DAYS = sessions_from(date(2026, 3, 2), 3)
FIRST, LAST, NEXT = DAYS
LIBRARY = "strategies.csv"
CANDIDATE, CANDIDATE_ROW = "Rate-path beta", 6  # the sixth of the shipped library by name
NEW_TICKET = "bac-c-rate-path-beta"
ORDER: dict[str, Value] = {"A10": "yes", "C10": "BAC", "D10": "C"}


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> DeskFolder:
    """A desk after two sessions; nobody changes it."""
    desk = make_desk(tmp_path_factory.mktemp("workbook") / "desk")
    ended = run(desk, FIRST, LAST)
    assert ended.success, ended.errors
    return desk


@pytest.fixture
def desk(walked: DeskFolder, tmp_path: Path) -> DeskFolder:
    """A copy to write to."""
    shutil.copytree(walked.root, tmp_path / "desk")
    return DeskFolder(tmp_path / "desk")


@pytest.fixture(scope="module")
def book(walked: DeskFolder) -> bytes:
    """The workbook as it is exported from the desk."""
    return exported(walked, "first.xlsx").read_bytes()


def command(desk: DeskFolder, *arguments: str | Path, input: str | None = None) -> Result:
    with desk.entered():
        return CliRunner().invoke(cli, list(map(str, arguments)), input=input)


def exported(desk: DeskFolder, name: str = "book.xlsx") -> Path:
    path = desk.root / name
    done = command(desk, "workbook", "export", path)
    assert done.exit_code == 0, done.output
    return path


def edited(path: Path, raw: bytes, strategies: dict[str, Value], planner: dict[str, Value] | None = None) -> Path:
    raw = with_cells(raw, "Strategy Input", strategies) if strategies else raw
    path.write_bytes(with_cells(raw, "Trade Planner", planner) if planner else raw)
    return path


def hashes(*folders: Path) -> dict[str, str]:
    return {str(path): digest_file(path) for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_run_leaves_its_workbook_in_its_directory_and_a_copy_where_people_look(walked: DeskFolder) -> None:
    (place,) = (path for path in walked.paths.runs.iterdir() if path.is_dir())
    copy = walked.paths.data / "workbooks" / f"{LAST}.xlsx"
    assert copy.read_bytes() == (place / WORKBOOK).read_bytes()


def test_an_export_made_of_one_session_is_the_workbook_the_range_left_for_it(walked: DeskFolder, book: bytes) -> None:
    """The library has not changed since, and nothing of the range's other sessions reaches the newest one's workbook."""
    (place,) = (path for path in walked.paths.runs.iterdir() if path.is_dir())
    assert book == (place / WORKBOOK).read_bytes()


def test_an_edited_copy_is_kept_when_the_session_is_run_again(desk: DeskFolder) -> None:
    copy = desk.paths.data / "workbooks" / f"{LAST}.xlsx"
    before = copy.read_bytes()
    edited(copy, before, {"E5": "Low"})
    mine = copy.read_bytes()
    told = command(desk, "workbook", "export")
    assert "had been edited: it is kept as" in told.stdout
    assert copy.read_bytes() == before
    (kept,) = copy.parent.glob("*.edited-*.xlsx")
    assert kept.read_bytes() == mine
    assert "had been edited" not in command(desk, "workbook", "export").stdout


def test_an_export_is_never_written_over_another_file_unasked(desk: DeskFolder) -> None:
    path = exported(desk)
    again = command(desk, "workbook", "export", path)
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert command(desk, "workbook", "export", path, "--force").exit_code == 0
    assert command(desk, "workbook", "export", desk.root / "book.csv").exit_code == 2


def test_an_export_shows_the_library_as_it_stands_now(desk: DeskFolder) -> None:
    library = desk.paths.config / LIBRARY
    library.write_text(library.read_text().replace("Card lag,", "Card delay,"))
    assert "Card delay" in parts_of(exported(desk).read_bytes())["xl/sharedStrings.xml"].decode()
    stale = desk.paths.data / "workbooks" / f"{LAST}.xlsx"
    refused = command(desk, "workbook", "import", stale, "--yes")
    assert refused.exit_code == 2
    assert "changed since the workbook was made: Card delay was added" in refused.stderr
    assert "changed since the workbook was made: Card lag was removed" in refused.stderr


def test_an_untouched_export_would_change_nothing(desk: DeskFolder, book: bytes) -> None:
    before = hashes(desk.paths.config, desk.root / "tickets")
    told = command(desk, "workbook", "import", edited(desk.root / "book.xlsx", book, {}), "--yes")
    assert told.exit_code == 0
    assert told.stdout == "book.xlsx: nothing would change\n"
    assert hashes(desk.paths.config, desk.root / "tickets") == before


def test_the_plan_alone_is_printed_as_json_and_nothing_is_done(desk: DeskFolder, book: bytes) -> None:
    path = edited(desk.root / "book.xlsx", book, {f"B{CANDIDATE_ROW + 4}": "active"}, ORDER)
    before = hashes(desk.paths.config, desk.root / "tickets")
    plan = json.loads(command(desk, "workbook", "import", path, "--json").stdout)
    assert plan["applied"] is False
    assert plan["changes"] == [
        {"strategy": CANDIDATE, "field": "Status", "before": "candidate", "after": "active", "since": None}
    ]
    assert [draft["ticket_id"] for draft in plan["drafts"]] == [NEW_TICKET]
    assert hashes(desk.paths.config, desk.root / "tickets") == before


def test_without_a_terminal_and_without_yes_an_import_is_refused(desk: DeskFolder, book: bytes) -> None:
    before = hashes(desk.paths.config, desk.root / "tickets")
    refused = command(desk, "workbook", "import", edited(desk.root / "book.xlsx", book, {"E5": "Low"}))
    assert refused.exit_code == 2
    assert "nobody is there to confirm: give --yes" in refused.stderr
    assert hashes(desk.paths.config, desk.root / "tickets") == before


def test_where_nothing_would_change_nobody_is_needed_to_confirm_it(desk: DeskFolder, book: bytes) -> None:
    told = command(desk, "workbook", "import", edited(desk.root / "book.xlsx", book, {}))
    assert (told.exit_code, told.stdout, told.stderr) == (0, "book.xlsx: nothing would change\n", "")


def test_an_import_that_is_not_confirmed_changes_nothing(
    desk: DeskFolder, book: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = edited(desk.root / "book.xlsx", book, {"E5": "Low"})
    before = hashes(desk.paths.config, desk.root / "tickets")
    monkeypatch.setattr("riskdesk_assets.interfaces.workbook_command._somebody_watches", lambda: True)
    told = command(desk, "workbook", "import", path, input="n\n")
    assert told.exit_code == 1
    assert "Broker-dealer reversion" in told.stdout
    assert "Nothing was changed." in told.stderr
    assert hashes(desk.paths.config, desk.root / "tickets") == before
    agreed = command(desk, "workbook", "import", path, input="y\n")
    assert agreed.exit_code == 0, agreed.output
    assert "replaced" in agreed.stdout


def test_every_unusable_cell_is_told_and_nothing_is_done(desk: DeskFolder, book: bytes) -> None:
    path = edited(desk.root / "book.xlsx", book, {"E5": "Hihg", "F6": "a lot"}, {**ORDER, "D10": "BAC"})
    before = hashes(desk.paths.config, desk.root / "tickets")
    refused = command(desk, "workbook", "import", path, "--yes")
    assert refused.exit_code == 2
    for place in (
        "Strategy Input!E5 Conviction: is 'Hihg'; did you mean 'High'?",
        "Strategy Input!F6",
        "Trade Planner!D10 Leg B",
    ):
        assert place in refused.stderr
    assert hashes(desk.paths.config, desk.root / "tickets") == before


def test_a_strategy_made_active_in_the_workbook_is_drafted_promoted_noticed_sized_and_released(
    desk: DeskFolder, book: bytes
) -> None:
    active = desk.paths.tickets
    cursor = observe("", file_hashes(active)).cursor
    path = edited(
        desk.root / "book.xlsx", book, {f"B{CANDIDATE_ROW + 4}": "active", f"H{CANDIDATE_ROW + 4}": "Calm|Normal|Event"}, ORDER
    )
    before = hashes(active)

    imported = command(desk, "workbook", "import", path, "--yes")
    assert imported.exit_code == 0, imported.output
    assert f"{CANDIDATE},Directional,macro,Medium,0.08,0.2,Calm|Normal|Event," in (desk.paths.config / LIBRARY).read_text()
    assert (desk.paths.drafts / f"{NEW_TICKET}.yaml").is_file()
    assert hashes(active) == before, "an import never touches an active ticket"

    assert command(desk, "tickets", "promote", NEW_TICKET, "--yes").exit_code == 0
    assert not (desk.paths.drafts / f"{NEW_TICKET}.yaml").exists()

    settling = observe(cursor, file_hashes(active))
    settled = observe(settling.cursor, file_hashes(active))
    assert settled.run_key is not None
    assert settled.changed == (f"{NEW_TICKET}.yaml",)

    ended = run(desk, NEXT, NEXT)
    assert ended.success, ended.errors
    assert not ended.failed_checks
    tables = {
        name: desk.warehouse.read(name, NEXT, NEXT)
        for name in (
            "strategy_sizes",
            "strategy_budgets",
            "proposals",
            "gate_decisions",
            "engine_decisions",
            "decisions",
            "desk_state",
        )
    }
    size = tables["strategy_sizes"].row(by_predicate=pl.col("strategy_name") == CANDIDATE, named=True)
    assert size["status"] == "active"
    assert size["final_size"] > 0
    ticket = pl.col("ticket_id") == NEW_TICKET
    budget = tables["strategy_budgets"].row(by_predicate=ticket, named=True)
    assert 0 < budget["budget"] <= size["final_size"]
    proposal = tables["proposals"].row(by_predicate=ticket, named=True)
    assert proposal["units"] != 0, "the pair has to be wide enough on this session for the test to say anything"
    assert tables["gate_decisions"].row(by_predicate=ticket, named=True)["approved_gross"] > 0
    assert tables["decisions"].row(by_predicate=ticket, named=True)["released_notional_a"] != 0
    own = tables["engine_decisions"].row(by_predicate=pl.col("portfolio_id") == "bank_pairs", named=True)
    assert own["status"] == "RELEASED"
    assert own["solver"] == "CLARABEL"
    assert tables["desk_state"]["released"].to_list() == [True]
    held = desk.warehouse.read("ideal_portfolio", NEXT, NEXT).filter(pl.col("source_ticket_ids").str.contains(NEW_TICKET))
    assert set(held["symbol"]) == {"BAC", "C"}
    assert (
        command(desk, "workbook", "import", exported(desk, "after.xlsx"), "--yes").stdout
        == "after.xlsx: nothing would change\n"
    )
