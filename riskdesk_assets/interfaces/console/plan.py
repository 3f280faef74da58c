"""What the console proposes to do, or asks: every action is a plan of `riskdesk` commands that waits for a yes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from textwrap import wrap

SCREEN = 80  # columns: a plan is read on any terminal
Command = tuple[str, ...]
"""Arguments of one `riskdesk` command."""


@dataclass(frozen=True)
class Plan:
    """What will happen when somebody says yes.

    ``says`` is told first, line by line; ``commands`` run in order, the next one only after a 0; ``writes`` tells what is
    written ("" for nothing, then a plain Enter is a yes).
    """

    title: str
    says: tuple[str, ...]
    commands: tuple[Command, ...]
    writes: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The whole plan as told."""
        ran = tuple(f"riskdesk {shlex.join(command)}" for command in self.commands)
        first, *rest = ran
        shown = (f"  runs    {first}", *(f"          {each}" for each in rest))
        return (
            f"plan: {self.title}",
            *(part for line in self.says for part in _wrapped(line)),
            *shown,
            f"  writes  {self.writes or 'nothing'}",
        )


def _wrapped(line: str) -> list[str]:
    # A ticket's id stays in one piece, to be copied.
    return wrap(line, SCREEN, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


@dataclass(frozen=True)
class Question:
    """One thing that is missing: which ``slot``, the question, and what an empty answer means ("": an answer is needed)."""

    slot: str
    text: str
    default: str = ""


class RefusedError(ValueError):
    """What was asked for cannot be planned; each line says why and what is allowed."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


class DayRefusedError(RefusedError):
    """Days that cannot be meant, or could mean two things: asked again."""
