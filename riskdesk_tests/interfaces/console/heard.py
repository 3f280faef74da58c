"""A conversation whose commands are noted instead of run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from riskdesk_assets.interfaces.console.conversation import Conversation, Mode
from riskdesk_assets.interfaces.console.plan import Command
from riskdesk_tests.interfaces.conftest import DeskFolder

NOW = datetime.now(UTC)


class Heard:
    """A conversation whose commands are noted instead of run: what would be done, to the last argument."""

    def __init__(self, desk: DeskFolder, monkeypatch: pytest.MonkeyPatch, *, asks: bool = True, yes: bool = False) -> None:
        for name, value in desk.environ.items():
            monkeypatch.setenv(name, value)
        self.said: list[str] = []
        self.wrong: list[str] = []
        self.ran: list[Command] = []
        self.code = 0
        self.talk = Conversation(Mode(asks=asks, yes=yes), self.said.append, self.wrong.append, self._note, lambda: NOW)

    def _note(self, command: Command) -> int:
        self.ran.append(command)
        return self.code

    def __call__(self, *lines: str) -> Heard:
        for line in lines:
            self.talk.hear(line)
        return self

    @property
    def told(self) -> str:
        return "\n".join(self.said)


def drafts(desk: DeskFolder) -> Path:
    return desk.root / "tickets" / "drafts"
