"""Errors a person can act on: which file, which line, which field, what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from itertools import takewhile
from typing import Any


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with one input; prints as ``file:line: field: message (allowed: ...)``."""

    file: str
    line: int | None
    field: str
    message: str
    allowed: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [part for part in (place, self.field, self.message) if part]
        return ": ".join(parts) + (f" (allowed: {self.allowed})" if self.allowed else "")


class RiskDeskError(Exception):
    """Base of every error the desk raises on purpose."""


class InputError(RiskDeskError):
    """Unusable input; carries every problem found, not only the first. The command line exits 2."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StateError(RiskDeskError):
    """The desk's stored state does not allow what was asked: a missing or stale session, mixed price sources."""


class ReleaseError(RiskDeskError):
    """No book could be built that obeys every hard limit; ``audit`` holds the rows of the last one tried."""

    def __init__(self, message: str, audit: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.audit: tuple[Any, ...] = tuple(audit)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known word, or an empty string when none is close."""
    close = get_close_matches(word, sorted(known), n=5, cutoff=0.6)
    # Among equally close words the one that begins alike is meant: JPN is JPM, not PNC.
    best = max(close, key=lambda item: (SequenceMatcher(None, word, item).ratio(), _shared_start(word, item)), default=None)
    return f"; did you mean '{best}'?" if best else ""


def _shared_start(left: str, right: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
