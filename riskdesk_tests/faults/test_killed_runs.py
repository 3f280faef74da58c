"""kill -9 at 25 points of a materialization, one after another on one desk: nothing is torn, and the end is the same."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.walk import CONSTRUCTION_TABLES
from riskdesk_assets.reports.run_store import open_run
from riskdesk_tests.desk_builder import sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, Nursery, make_desk

BEFORE, FIRST, _, LAST = sessions_from(date(2026, 3, 2), 4)
KILLS = 25
LOOSE: dict[str, str] = {}
TIGHT = {"PORTFOLIO_MAX_GROSS_NOTIONAL": "400000"}
EMPTY = {name: digest_frame(table.frame([]), table.key) for name, table in TABLES.items()}
# What is written in one transaction is old or new together.
TOGETHER = set(CONSTRUCTION_TABLES)


def manifests(desk: DeskFolder) -> dict[str, bytes]:
    runs = [path for path in desk.paths.runs.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return {path.name: (path / "manifest.json").read_bytes() for path in runs}


def copied(desk: DeskFolder, root: Path) -> DeskFolder:
    shutil.copytree(desk.root, root)
    return DeskFolder(root)


def completed(nursery: Nursery, desk: DeskFolder, first: date, last: date, extra: dict[str, str]) -> float:
    began = time.monotonic()
    nursery.start(desk, first, last, **extra)
    assert nursery.ended() == 0
    return time.monotonic() - began


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    """Where every run of the test is born: what it imports is imported once."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def fresh(nursery: Nursery, tmp_path: Path) -> DeskFolder:
    """A desk that has run one session."""
    desk = make_desk(tmp_path / "fresh")
    completed(nursery, desk, BEFORE, BEFORE, LOOSE)
    return desk


@pytest.mark.slow
def test_a_run_killed_anywhere_tears_nothing_and_the_next_one_ends_as_if_undisturbed(
    nursery: Nursery, fresh: DeskFolder, tmp_path: Path
) -> None:
    loose, tight = copied(fresh, tmp_path / "loose"), copied(fresh, tmp_path / "tight")
    lasts = min(completed(nursery, desk, FIRST, LAST, extra) for desk, extra in ((loose, LOOSE), (tight, TIGHT))) * 0.9
    want = [EMPTY, loose.digests(FIRST, LAST), tight.digests(FIRST, LAST)]
    assert want[1]["ideal_portfolio"] != want[2]["ideal_portfolio"]
    before = fresh.digests(BEFORE, BEFORE)

    rng = random.Random(20260302)
    moments = [(number + rng.random()) / KILLS * lasts for number in range(KILLS)]
    rng.shuffle(moments)
    killed, seen = 0, set()
    for number, moment in enumerate(moments):
        pid = nursery.start(fresh, FIRST, LAST, **(TIGHT if number % 2 else LOOSE))
        time.sleep(moment)
        os.kill(pid, signal.SIGKILL)
        killed += nursery.ended() == -signal.SIGKILL
        now = fresh.digests(FIRST, LAST)
        versions = {
            name: frozenset(place for place, digests in enumerate(want) if digests[name] == now[name]) for name in TABLES
        }
        torn = sorted(name for name, found in versions.items() if not found)
        assert not torn, (number, moment, torn)
        common = frozenset.intersection(*(versions[name] for name in TOGETHER))
        assert common, (number, moment, {name: versions[name] for name in TOGETHER})
        seen.add(tuple(sorted(common)))
        assert fresh.digests(BEFORE, BEFORE) == before
        assert not [name for name in manifests(fresh) if open_run(fresh.paths.runs, name).damaged()]
    assert killed >= KILLS - 7
    # the kills really fell on all sides of the write: nothing, the one version and the other were all found standing
    assert len(seen) >= 2

    completed(nursery, fresh, FIRST, LAST, LOOSE)
    assert fresh.digests() == loose.digests()
    assert manifests(fresh).items() >= manifests(loose).items()
