"""Run directories: complete or absent, never changed once there, and listed in an append-only publish log."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from riskdesk_assets.common.errors import InputError, Problem, StateError, nearest
from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.common.journal_chain import START, Anchor
from riskdesk_assets.market.append_log import append_record, read_records

MANIFEST = "manifest.json"
PUBLISH_LOG = "publish_log.jsonl"
_RESTORE = "nothing was changed; restore it from a backup, or move the directory away and compute it again"


@dataclass(frozen=True)
class RunDirectory:
    """One published run: its folder and its manifest."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        """The directory's id."""
        return str(self.manifest["run_id"])

    def damaged(self) -> tuple[str, ...]:
        """Files that are missing or not what the manifest says."""
        files: Mapping[str, str] = self.manifest["files"]
        return tuple(
            name
            for name, expected in sorted(files.items())
            if not (self.path / name).is_file() or digest_file(self.path / name) != expected
        )

    def unknown(self) -> tuple[str, ...]:
        """Files in the directory that the manifest does not know."""
        there = (path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if not path.is_dir())
        return tuple(sorted(set(there) - {*self.manifest["files"], MANIFEST}))


def publish(runs: Path, run_id: str, files: Mapping[str, bytes], manifest: bytes, journal: Anchor = START) -> Path:
    """Write a run directory in one step and note it in the publish log.

    Args:
        runs: the folder of runs.
        run_id: name of the directory.
        files: relative name -> content, without the manifest.
        manifest: the manifest, which holds the hash of every file.
        journal: the journal's last row; noted in the log, outside what is hashed, as an anchor of the chain. None is noted
            while the journal is empty.

    Raises:
        StateError: the directory exists with other content, for the same inputs gave other outputs; or it is damaged.
    """
    place = runs / run_id
    if place.exists() or not _written(runs, place, {**files, MANIFEST: manifest}):
        _require_same(runs, run_id, manifest)
    content = json.loads(manifest)
    append_record(
        runs / PUBLISH_LOG,
        {
            "run_id": run_id,
            "first": content["first"],
            "last": content["last"],
            # Of the manifest that stands: the same tables may have been computed again from a snapshot of another range.
            "manifest_sha256": digest_file(place / MANIFEST),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **({"journal": {"sequence": journal.sequence, "hash": journal.hash}} if journal != START else {}),
        },
    )
    return place


def open_run(runs: Path, run_id: str) -> RunDirectory:
    """A published run by id, or by the path of its directory as ``riskdesk run`` prints it.

    Raises:
        InputError: no such run; names the nearest.
        StateError: its manifest is missing or unreadable.
    """
    given = Path(run_id).resolve()
    if given.parent == runs.resolve():
        run_id = given.name
    place = runs / run_id
    if Path(run_id).name != run_id or not place.is_dir():
        known = [path.name for path in runs.iterdir() if path.is_dir()] if runs.is_dir() else []
        raise InputError(Problem(str(runs), None, "run", f"there is no run {run_id!r}{nearest(run_id, known)}"))
    try:
        manifest = json.loads((place / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise StateError(f"{place / MANIFEST} cannot be read: {error}") from error
    return RunDirectory(place, manifest)


def find_run(runs: Path, given: str) -> RunDirectory:
    """A published run as ``open_run``, or by the id of a session: page, morning and published book show that one.

    A range's directory has an id of its own and names its sessions' ids in its manifest; of several that hold the session the
    last one published is meant.

    Raises:
        InputError: no such run and no such session; names the nearest of both.
        StateError: its manifest is missing or unreadable.
    """
    if (runs / Path(given).name).is_dir():
        return open_run(runs, given)
    sessions: dict[str, str] = {}
    for record in read_records(runs / PUBLISH_LOG):
        run_id = str(record["run_id"])
        # A manifest that cannot be read holds no session; whoever asks for its run by name is told.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            dates = json.loads((runs / run_id / MANIFEST).read_bytes())["dates"]
            sessions.update((str(one["run_id"]), run_id) for one in dates)
    if given in sessions:
        return open_run(runs, sessions[given])
    known = [path.name for path in runs.iterdir() if path.is_dir()] if runs.is_dir() else []
    raise InputError(Problem(str(runs), None, "run", f"there is no run {given!r}{nearest(given, [*known, *sessions])}"))


def published(runs: Path) -> Iterator[RunDirectory]:
    """Every run of the publish log in the order of publishing, the last publishing of each only.

    Raises:
        StateError: a manifest is missing, or is not the one the log says was published.
    """
    records = read_records(runs / PUBLISH_LOG)
    last = {str(record["run_id"]): number for number, record in enumerate(records)}
    for run_id, number in sorted(last.items(), key=lambda pair: pair[1]):
        run = open_run(runs, run_id)
        if digest_file(run.path / MANIFEST) != records[number]["manifest_sha256"]:
            raise StateError(f"{run.path / MANIFEST} is not the one that was published: restore it from a backup")
        yield run


def journal_anchors(runs: Path) -> tuple[Anchor, ...]:
    """The journal's last row as each publishing found it, oldest first; none where nothing was published.

    Raises:
        StateError: an anchor in the publish log is not a sequence and a hash.
    """
    log = runs / PUBLISH_LOG
    return tuple(_anchor(log, record) for record in read_records(log) if "journal" in record)


def _anchor(log: Path, record: Mapping[str, object]) -> Anchor:
    noted = record["journal"]
    sequence, sealed = (noted.get("sequence"), noted.get("hash")) if isinstance(noted, dict) else (None, None)
    run = record.get("run_id")
    if type(sequence) is not int or not isinstance(sealed, str):
        raise StateError(f"{log}: the journal's anchor of run {run} cannot be read: restore the log from a backup")
    return Anchor(sequence, sealed, f"publish log, run {run}")


def _require_same(runs: Path, run_id: str, manifest: bytes) -> None:
    """Refuse a standing directory that is not what was just computed; nothing of it is changed."""
    standing, wanted = open_run(runs, run_id), json.loads(manifest)
    place, stored = standing.path, standing.manifest
    if not all(isinstance(stored.get(part), dict) for part in ("tables", "files")):
        raise StateError(f"{place / MANIFEST} is not what was written there: {_RESTORE}")
    damaged = standing.damaged()
    if damaged:
        raise StateError(f"{place} holds this run already, but {', '.join(damaged)} is damaged or missing: {_RESTORE}")
    differing = sorted(
        name for name in {*stored["tables"], *wanted["tables"]} if stored["tables"].get(name) != wanted["tables"].get(name)
    )
    if differing:
        raise StateError(
            f"{place} already holds this run with other content in {', '.join(differing)}: "
            "the same inputs gave other outputs. Nothing was changed; `riskdesk replay` shows which of the two is right"
        )


def _written(runs: Path, place: Path, files: Mapping[str, bytes]) -> bool:
    """Write a directory in one step; False where another process has written it meanwhile."""
    runs.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=runs, prefix=".building-"))
    try:
        for name, content in files.items():
            path = building / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            path.chmod(0o444)
        building.chmod(0o755)
        building.rename(place)
    except OSError:
        shutil.rmtree(building, ignore_errors=True)
        if not place.is_dir():
            raise
        return False
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    _sync(runs)
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
