"""What a run over many sessions publishes: the newest released book whose hard limits hold when they are measured again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction import checks
from riskdesk_assets.construction.remeasure import Written, remeasure
from riskdesk_tests.desk_builder import sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, make_desk, run

DAYS = sessions_from(date(2026, 3, 2), 6)


@pytest.fixture
def desk(tmp_path: Path) -> DeskFolder:
    """A desk of two sessions, the second of which is published."""
    desk = make_desk(tmp_path / "desk")
    ended = run(desk, DAYS[0], DAYS[1])
    assert ended.success, ended.errors
    return desk


def published(desk: DeskFolder) -> str:
    return str(json.loads((desk.paths.data / "published" / "ideal_portfolio.json").read_text())["session"])


def breached_on(monkeypatch: pytest.MonkeyPatch, *days: date) -> None:
    """The second measurement finds the name limit broken on these sessions: the walk itself never leaves one so."""

    def measured(written: Written, config: Config, sessions: Sequence[date]) -> Iterator[SessionCheck]:
        for one in remeasure(written, config, sessions):
            bad = one.check == "name_gross" and one.session in days
            yield replace(one, passed=False, hard=True, message="one name is too large") if bad else one

    monkeypatch.setattr(checks, "remeasure", measured)


def test_a_range_publishes_its_newest_session_that_breaks_no_hard_limit(
    desk: DeskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    breached_on(monkeypatch, DAYS[3])
    ended = run(desk, DAYS[2], DAYS[3])
    assert ended.failed_checks == {"name_gross"}
    assert published(desk) == str(DAYS[2])
    breached_on(monkeypatch, DAYS[4], DAYS[5])
    run(desk, DAYS[4], DAYS[5])
    assert published(desk) == str(DAYS[2]), "no session of the range may be published: the last good one stands"
