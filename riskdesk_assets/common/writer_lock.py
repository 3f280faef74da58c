"""One writer at a time: a lock file that says who holds it, and that the kernel lets go of when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.settings import Paths

POLL_SECONDS = 0.05


class WriterBusyError(StateError):
    """Another run of this desk is writing, and has been for longer than we are willing to wait."""


@contextmanager
def single_writer(paths: Paths, wait_seconds: float, what: str = "a run") -> Iterator[None]:
    """Hold the desk's writer lock (``DATA_DIR/writer.lock``) while the block runs.

    Args:
        paths: the desk whose data is to be written.
        wait_seconds: how long another writer is waited for; 0 does not wait.
        what: what is being done, told to whoever finds the lock held.

    Raises:
        WriterBusyError: naming the holder's pid, what it does and since when.
    """
    with held_file(paths.data / "writer.lock", wait_seconds, what):
        yield


@contextmanager
def held_file(path: Path, wait_seconds: float, what: str) -> Iterator[None]:
    """Hold a lock file while the block runs; arguments and errors as of :func:`single_writer`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The file stays: removing it would let two processes lock two files of the same name.
    with path.open("a+", encoding="utf-8") as file:
        _acquire(file, path, wait_seconds)
        try:
            _describe(file, {"pid": os.getpid(), "what": what, "since": datetime.now(UTC).isoformat(timespec="seconds")})
            yield
        finally:
            _describe(file, {})
            fcntl.flock(file, fcntl.LOCK_UN)


def writer(paths: Paths) -> str | None:
    """Who writes this desk's data right now ("pid 123, riskdesk run, since ..."), or None."""
    path = paths.data / "writer.lock"
    if not path.is_file():
        return None
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return holder(path)
        fcntl.flock(file, fcntl.LOCK_UN)
    return None


def _acquire(file: IO[str], path: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise WriterBusyError(
                    f"{path} is held by {holder(path)}; waited {wait_seconds:.0f} s for it to finish"
                ) from None
            time.sleep(POLL_SECONDS)


def _describe(file: IO[str], holder: dict[str, object]) -> None:
    file.seek(0)
    file.truncate()
    if holder:
        json.dump(holder, file)
    file.flush()


def holder(path: Path) -> str:
    """Who holds a lock file: ``pid 123 (riskdesk run, since ...)``."""
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"pid {holder['pid']} ({holder['what']}, since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
