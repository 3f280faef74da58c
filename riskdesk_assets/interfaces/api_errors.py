"""Answers that say no: one shape for all of them, ``{"errors": [{"field", "message", "allowed"}]}``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from riskdesk_assets.common.errors import Problem


@dataclass(frozen=True)
class ErrorLine:
    """One thing wrong: the request's field ("" when it is the whole), what is wrong, what is allowed ("" when nothing is)."""

    field: str
    message: str
    allowed: str = ""


@dataclass(frozen=True)
class Refusal:
    """A refused request as it is answered."""

    status: int
    lines: tuple[ErrorLine, ...]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """JSON of the documented shape; text that has no UTF-8 is shown escaped."""
        lines = [
            {"field": _shown(one.field), "message": _shown(one.message), "allowed": _shown(one.allowed)} for one in self.lines
        ]
        return json.dumps({"errors": lines}, ensure_ascii=False).encode()


class RefusedError(Exception):
    """Ends the handling of a request with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__("; ".join(line.message for line in refusal.lines))


def refused(status: int, field: str, message: str, allowed: str = "", **headers: str) -> Refusal:
    """A refusal of one line; ``headers`` by name, underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(status, (ErrorLine(field, message, allowed),), named)


def of_problems(status: int, problems: Iterable[Problem]) -> Refusal:
    """A refusal from input problems; the file they name is the request itself and is left out."""
    return Refusal(status, tuple(ErrorLine(one.field, one.message, one.allowed) for one in problems))


def _shown(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
