"""Processes that write to a journal, forked from one that has the imports: cheap enough to kill fifty of them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from riskdesk_assets.common.journal import Entry, Journal, JournalError
from riskdesk_assets.common.settings import ROOT

AT = datetime(2026, 3, 2, 21, tzinfo=UTC)
BATCH = 8


class Writers:
    """Starts writers, and tells how they ended."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "riskdesk_tests.faults.journal_writers"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def start(self, how: str, journal: Path, acknowledged: Path) -> int:
        """Start a writer; its process id."""
        return int(self._asked(f"{how}\t{journal}\t{acknowledged}"))

    def ended(self) -> int:
        """Wait for the oldest writer not yet waited for; 0 when it did well, -9 when it was killed."""
        return int(self._asked("wait"))

    def close(self) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait(timeout=60)

    def _asked(self, line: str) -> str:
        assert self._parent.stdin is not None
        self._parent.stdin.write(line + "\n")
        self._parent.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline().strip()


def acknowledged_rows(path: Path) -> list[tuple[int, str]]:
    """What writers noted after they were told it is on the disk."""
    if not path.is_file():
        return []
    lines = path.read_text().split("\n")[:-1]
    return [(int(sequence), sealed) for sequence, sealed in (line.split() for line in lines)]


def _without_end(journal: Path, acknowledged: int) -> None:
    """Batches of eight rows, a commit each as the REST gatekeeper makes them, until somebody kills the process."""
    own, number = Journal(journal), 0
    while True:
        number += 1
        batch = [Entry("DECISION", "rest", AT, {"number": number, "place": place, "text": "x" * 200}) for place in range(BATCH)]
        for record in own.append(batch):
            os.write(acknowledged, f"{record.sequence} {record.hash}\n".encode())


def _five_hundred(journal: Path, acknowledged: int) -> None:
    """500 rows, a commit each."""
    own = Journal(journal, busy_seconds=60.0)
    for number in range(500):
        (record,) = own.append([Entry("DECISION", "rest", AT, {"number": number, "pid": os.getpid()})])
        os.write(acknowledged, f"{record.sequence} {record.hash}\n".encode())


def _until_the_disk_is_full(journal: Path, acknowledged: int) -> None:
    """Rows until the file may not grow any more; the error has to be the journal's own."""
    own = Journal(journal)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    try:
        while True:
            (record,) = own.append([Entry("DECISION", "rest", AT, {"text": "x" * 1000})])
            os.write(acknowledged, f"{record.sequence} {record.hash}\n".encode())
    except JournalError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        (record,) = own.append([Entry("DECISION", "rest", AT, {"after": str(error)})])
        os.write(acknowledged, f"{record.sequence} {record.hash}\n".encode())


WAYS = {"load": _without_end, "five hundred": _five_hundred, "full disk": _until_the_disk_is_full}


def _serve() -> None:
    children: list[int] = []
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.rstrip("\n").split("\t")
        if words == ["wait"]:
            print(os.waitstatus_to_exitcode(os.waitpid(children.pop(0), 0)[1]), flush=True)
            continue
        child = os.fork()
        if child == 0:
            code = 1
            try:
                notes = os.open(words[2], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
                WAYS[words[0]](Path(words[1]), notes)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
        print(child, flush=True)


if __name__ == "__main__":
    _serve()
