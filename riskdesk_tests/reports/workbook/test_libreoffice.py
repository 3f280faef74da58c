"""A second spreadsheet opens the workbook: what it saves is read the same, and what it computes is what we say.

Needs LibreOffice (soffice, with Calc); skipped where it is not on the machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from python_calamine import load_workbook

from riskdesk_assets.reports.workbook.choices import choices_of
from riskdesk_assets.reports.workbook.reader import read_workbook
from riskdesk_tests.reports.workbook.desk import CONFIG, LEGS, Desk, make, typed
from riskdesk_tests.reports.workbook.edits import Value, part_of, with_part

SOFFICE = shutil.which("soffice")
pytestmark = pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not on this machine")
TIMEOUT_SECONDS = 300


def resaved(path: Path, folder: Path) -> Path:
    """The workbook as LibreOffice saves it, recalculated."""
    assert SOFFICE is not None
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [SOFFICE, profile, "--headless", "--convert-to", "xlsx", "--outdir", str(folder / "saved"), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)
    return folder / "saved" / path.name


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return make(tmp_path_factory.mktemp("libreoffice"))


@pytest.fixture(scope="module")
def both(desk: Desk) -> tuple[Path, Path]:
    """A workbook with edits and an order in it, before and after LibreOffice."""
    cells: dict[str, Value] = {
        "A8": "new",
        "B8": "active",
        "C8": "RV",
        "D8": "flow",
        "E8": "High",
        "F8": 0.1 + 0.2,
        "G8": "Low",
    }
    raw = typed(desk.export(), cells, {"A5": "yes", **LEGS, "Q5": "two\nlines & <tags>"})
    path = desk.root / "book.xlsx"
    path.write_bytes(raw)
    hollow = desk.root / "hollow.xlsx"
    hollow.write_bytes(without_results(raw))
    saved = resaved(path, desk.root)
    return path, saved


def without_results(raw: bytes) -> bytes:
    """The workbook with no formula's result in it, so that whoever opens it has to compute them."""
    return with_part(raw, part_of("ExpectedPnL"), lambda part: re.sub(rb"(</f>)<v>[^<]*</v>", rb"\1", part))


def test_what_libreoffice_saves_is_read_the_same(both: tuple[Path, Path]) -> None:
    ours, theirs = (read_workbook(path, choices_of(CONFIG)) for path in both)
    assert theirs.problems == ours.problems == ()
    assert (theirs.base, theirs.library_hash) == (ours.base, ours.library_hash)
    for one, other in ((ours.strategies, theirs.strategies), (ours.orders, theirs.orders)):
        assert [(row.row, dict(row.values)) for row in other] == [(row.row, dict(row.values)) for row in one]


def test_the_plan_is_the_same_before_and_after(desk: Desk, both: tuple[Path, Path]) -> None:
    ours, theirs = (desk.plan(path.read_bytes()) for path in both)
    assert theirs == ours
    assert ours.added == ("new",)
    assert [draft.ticket_id for draft in ours.drafts] == ["jpm-bac-big-four"]


def test_what_libreoffice_computes_is_what_the_cells_said(desk: Desk, both: tuple[Path, Path]) -> None:
    """Every formula of the workbook, computed by somebody else."""
    again = resaved(desk.root / "hollow.xlsx", desk.root)
    said, computed = (
        load_workbook(str(path)).get_sheet_by_name("ExpectedPnL").to_python(skip_empty_area=False) for path in (both[0], again)
    )
    numbers = 0
    for mine, theirs in zip(said, computed, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            if isinstance(one, float):
                assert other == pytest.approx(one, abs=1e-9)
                numbers += 1
            else:
                assert other == one
    assert numbers > 40
