"""A full disk: what stood before stands exactly, and with room again the next run ends as if nothing had been."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.reports.run_store import open_run
from riskdesk_tests.desk_builder import sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, make_desk, run

FIRST, SECOND, THIRD = sessions_from(date(2026, 3, 2), 3)
MEGABYTES = 48
# Bytes left free: too little for the snapshot, for the warehouse, for the run directory.
ROOM = (0, 200_000, 900_000, 1_800_000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def filled(place: Path, room: int) -> Path:
    """A file that leaves ``room`` bytes of the disk."""
    ballast = place / "ballast"
    free = shutil.disk_usage(place).free
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - room))
    return ballast


@pytest.mark.slow
def test_a_full_disk_changes_nothing_that_stood_and_the_next_run_is_right(small_disk: Path, tmp_path: Path) -> None:
    desk, undisturbed = make_desk(small_disk / "desk"), DeskFolder(tmp_path / "undisturbed")
    assert run(desk, FIRST, FIRST).success
    shutil.copytree(desk.root, undisturbed.root)
    before, failures = desk.digests(FIRST, FIRST), 0
    for room in ROOM:
        ballast = filled(small_disk, room)
        ended = run(desk, SECOND, THIRD)
        failures += not ended.success
        ballast.unlink()
        assert desk.digests(FIRST, FIRST) == before
        if not ended.success:
            assert not list(desk.paths.runs.glob(f"{SECOND:%Y%m%d}-*"))
        for place in desk.paths.runs.iterdir():
            assert not place.is_dir() or not open_run(desk.paths.runs, place.name).damaged()
    assert failures >= 2
    assert run(desk, SECOND, THIRD).success

    assert run(undisturbed, SECOND, THIRD).success
    assert desk.digests() == undisturbed.digests()
