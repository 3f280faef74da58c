"""An import done: all of it or nothing, the old library kept, drafts written, active tickets untouched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.strategy.drafts import draft
from riskdesk_tests.reports.workbook.desk import BROKERS, CONFIG, LEGS, LIBRARY, Desk, make, typed


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = make(tmp_path)
    fields = {
        "ticket_id": "standing",
        "type": "PAIR",
        "leg_a": "GS",
        "leg_b": "MS",
        "orientation": "BOTH",
        "max_gross_notional": 1000,
        "max_leg_notional": 700,
        "horizon_days": 10,
        "conviction": 3,
        "time_stop_days": 20,
        "flatten_on_breakdown": True,
        "expires_on": "2027-12-31",
    }
    draft(fields, tmp_path / "elsewhere", CONFIG.universe).rename(made.places.active / "standing.yaml")
    return made


def edited(desk: Desk) -> bytes:
    return typed(desk.export(), {f"E{BROKERS}": "High"}, {"A5": "yes", **LEGS})


def hashes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): digest_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_library_is_replaced_the_old_one_kept_and_the_draft_written(desk: Desk) -> None:
    before = hashes(desk.places.active)
    done = desk.apply(desk.plan(edited(desk)))
    assert b"flow,High," in desk.places.library.read_bytes()
    assert done.kept is not None
    assert done.kept.read_text() == LIBRARY
    assert done.kept.parent == desk.places.data / "workbooks" / "replaced"
    assert [path.name for path in done.drafts] == ["jpm-bac-big-four.yaml"]
    assert hashes(desk.places.active) == before


def test_what_was_imported_is_what_the_next_workbook_says(desk: Desk) -> None:
    desk.apply(desk.plan(edited(desk)))
    assert desk.plan(desk.export()).empty


def test_the_same_workbook_again_is_refused_for_it_would_undo_what_followed(desk: Desk) -> None:
    raw = edited(desk)
    desk.apply(desk.plan(raw))
    with pytest.raises(InputError, match="changed since the workbook was made: brokers: Conviction 'Medium' -> 'High'"):
        desk.plan(raw)
    again = desk.plan(raw, force=True)
    assert again.empty
    assert again.drafts[0].there


def test_a_library_that_changes_while_one_confirms_is_left_alone(desk: Desk) -> None:
    plan = desk.plan(edited(desk))
    desk.edit("six weeks", "eight weeks")
    before = hashes(desk.root)
    with pytest.raises(StateError, match="changed while the import was being confirmed"):
        desk.apply(plan)
    assert hashes(desk.root) == before


def test_a_library_that_cannot_be_replaced_leaves_no_draft_behind(desk: Desk) -> None:
    plan = desk.plan(edited(desk))
    (desk.places.data / "workbooks").mkdir(parents=True)
    (desk.places.data / "workbooks" / "replaced").write_text("in the way of the folder\n")
    before = hashes(desk.root)
    with pytest.raises(InputError, match="nothing was changed"):
        desk.apply(plan)
    assert hashes(desk.root) == before


def test_a_draft_that_cannot_be_written_leaves_the_library_and_the_other_drafts_alone(desk: Desk) -> None:
    raw = typed(edited(desk), None, {"A6": "yes", "C6": "C", "D6": "WFC"})
    plan = desk.plan(raw)
    assert len(plan.drafts) == 2
    desk.places.drafts.mkdir()
    (desk.places.drafts / plan.drafts[1].name).write_text("somebody was faster\n")
    before = hashes(desk.root)
    with pytest.raises(InputError, match="exists already in drafts; nothing was overwritten"):
        desk.apply(plan)
    assert hashes(desk.root) == before


def test_a_draft_that_is_there_already_is_no_reason_to_fail(desk: Desk) -> None:
    """As after an import that was killed between the drafts and the library."""
    raw = edited(desk)
    plan = desk.plan(raw)
    desk.apply(replace(plan, library=None))
    assert desk.places.library.read_text() == LIBRARY
    again = desk.plan(raw)
    assert again.drafts[0].there
    done = desk.apply(again)
    assert not done.drafts
    assert b"flow,High," in desk.places.library.read_bytes()


def test_the_folder_of_drafts_may_not_be_the_active_one(desk: Desk) -> None:
    plan = desk.plan(edited(desk))
    desk.places.drafts.symlink_to(desk.places.active)
    before = hashes(desk.places.active)
    with pytest.raises(InputError, match="is no place for drafts"):
        desk.apply(plan)
    assert hashes(desk.places.active) == before
    assert desk.places.library.read_text() == LIBRARY
