"""What is said of a breach or a missing book."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Alert:
    """One thing a person should hear of, once: two alerts with one ``key`` are the same alert."""

    key: str
    session: date
    title: str
    body: str
    severity: Severity = "error"
