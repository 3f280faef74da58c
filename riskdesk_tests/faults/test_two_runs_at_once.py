"""One writer at a time: a second run waits for the first, or says by name who holds the desk."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.common.writer_lock import single_writer
from riskdesk_tests.desk_builder import sessions_from
from riskdesk_tests.desk_on_disk import Nursery, make_desk, run, run_job

FIRST, SECOND, THIRD = sessions_from(date(2026, 3, 2), 3)


def test_a_second_run_that_will_not_wait_names_the_first_and_writes_nothing(tmp_path: Path) -> None:
    desk = make_desk(tmp_path / "desk")
    with desk.entered(), single_writer(desk.paths, 0, "the first run"):
        ended = run_job(FIRST, FIRST, lock_wait_seconds=0.2)
    assert not ended.success
    assert f"is held by pid {os.getpid()} (the first run, since " in ended.errors
    assert not desk.paths.warehouse.exists()
    assert not desk.paths.runs.exists()


@pytest.mark.slow
def test_two_runs_at_once_end_as_one_after_the_other(tmp_path: Path) -> None:
    one_by_one, at_once = make_desk(tmp_path / "one"), make_desk(tmp_path / "both")
    assert run(one_by_one, FIRST, THIRD).success
    nursery = Nursery()
    nursery.start(at_once, FIRST, THIRD)
    nursery.start(at_once, FIRST, THIRD)
    assert [nursery.ended(), nursery.ended()] == [0, 0]
    nursery.close()
    assert at_once.digests() == one_by_one.digests()
