"""A program at a terminal of its own (a pseudo-terminal), typed to and read from like a person does."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

CTRL_C, CTRL_D, TAB = "\x03", "\x04", "\t"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07|\r")


class Terminal:
    """Runs `riskdesk ARGUMENTS`; close it."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str]) -> None:
        own, theirs = pty.openpty()
        self._own = own
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "riskdesk_assets.interfaces.cli", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={"PATH": "/usr/bin:/bin", "TERM": "xterm", "COLUMNS": "120", "LINES": "50", "LANG": "C.UTF-8", **environ},
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(theirs)

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def see(self, text: str, seconds: float = 60.0) -> str:
        """What was shown up to and including the text, which has to come; it is then behind us."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            ready, _, _ = select.select([self._own], [], [], max(deadline - time.monotonic(), 0))
            if not ready or not (more := self._read()):
                raise AssertionError(f"{text!r} did not come within {seconds:.0f} s; there is: {self.shown[-2000:]!r}")
            self.shown = _CONTROL.sub("", self.shown + more)
        upto = self.shown.index(text) + len(text)
        seen, self.shown = self.shown[:upto], self.shown[upto:]
        return seen

    def interrupt(self) -> None:
        """Ctrl-C as a person presses it: once the program waits for a key.

        CPython looks for signals before it waits, not while: one that falls between the two is heard with the next key only.
        """
        self._wait_until_asleep()
        self.type(CTRL_C)

    def left(self, seconds: float = 60.0) -> int:
        """The exit code, once it has ended."""
        while self._read():
            pass
        return self.process.wait(seconds)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._own)

    def _wait_until_asleep(self, still: float = 0.5, seconds: float = 60.0) -> None:
        """Until its main thread has slept for a while without the kernel switching to it once, however busy the machine is."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            time.sleep(still)
            return
        deadline = time.monotonic() + seconds
        before: list[str] = []
        while not before or (now := _scheduled(status)) != before or "State:\tS (sleeping)" not in now:
            if time.monotonic() > deadline:
                raise AssertionError(f"it did not come to wait for a key within {seconds:.0f} s")
            before = _scheduled(status)
            time.sleep(still)

    def _read(self) -> str:
        try:
            return os.read(self._own, 65536).decode(errors="replace")
        except OSError:
            return ""


def _scheduled(status: Path) -> list[str]:
    """Whether it sleeps, and how often the kernel has switched to it."""
    return [line for line in status.read_text().splitlines() if line.startswith("State:") or "voluntary_ctxt_switches:" in line]


def _own_terminal() -> None:
    """In the child: its standard input becomes its controlling terminal, so that Ctrl-C reaches it as a signal.

    A shell starts what it runs in the background with that signal ignored, and every child inherits it.
    """
    import fcntl
    import signal
    import termios

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
