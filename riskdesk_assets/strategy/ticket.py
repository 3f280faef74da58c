"""One ticket: what a person wants from one pair, how much of it at most, and until when. It executes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from riskdesk_assets.common.errors import nearest
from riskdesk_assets.common.hashing import digest
from riskdesk_assets.common.model import StrictModel
from riskdesk_assets.common.universe import Symbol, pair_id

Orientation = Literal["LONG_SPREAD", "SHORT_SPREAD", "BOTH"]
ORIENTATIONS: tuple[str, ...] = get_args(Orientation)

TIER_LEVELS: Mapping[str, int] = {"Low": 2, "Medium": 3, "High": 4, "Exceptional": 5}
TIER_NAMES: Mapping[int, str] = {1: "Low", 2: "Low", 3: "Medium", 4: "High", 5: "Exceptional"}
HIGHEST_HALF_UNIT_LEVEL = 2

# Above any book, and small enough for its 1e-4 dollar ticks to fit a 64-bit integer.
MAX_NOTIONAL = 1e12

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def _date_from_text(value: object) -> object:
    """A date in quotes, or out of JSON, is still a date; anything else is left for the date type to judge."""
    if isinstance(value, str) and _ISO_DATE.match(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value


Day = Annotated[date, BeforeValidator(_date_from_text)]
Dollars = Annotated[float, Field(gt=0, le=MAX_NOTIONAL)]


class Ticket(StrictModel):
    """A ticket file's content (features RD-54 to RD-69, readings X-20 to X-22).

    ``max_gross_notional`` and ``max_leg_notional`` are dollars, ``horizon_days`` and ``time_stop_days`` sessions, ``entry_z``
    and ``exit_z`` thresholds on |z| that win over the desk's own, ``share`` the part of its strategy's capital. LONG_SPREAD
    means long leg A and short leg B. The ticket is in force from ``effective_from`` to ``expires_on``, both included.
    """

    model_config = ConfigDict(strict=True)

    ticket_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\z")
    type: Literal["PAIR"]
    leg_a: Symbol
    leg_b: Symbol
    orientation: Orientation
    max_gross_notional: Dollars
    max_leg_notional: Dollars
    horizon_days: int = Field(ge=1, le=2520)
    conviction: int | str
    time_stop_days: int = Field(ge=1, le=2520)
    flatten_on_breakdown: bool
    expires_on: Day
    entry_z: float | None = Field(default=None, ge=0, le=100)
    exit_z: float | None = Field(default=None, ge=0, le=100)
    effective_from: Day | None = None
    strategy: str | None = Field(default=None, min_length=1, max_length=64)
    share: float | None = Field(default=None, gt=0, le=1)
    note: str | None = Field(default=None, max_length=2000)

    @field_validator("conviction", mode="plain")
    @classmethod
    def _level_or_tier(cls, value: object) -> int | str:
        if isinstance(value, int) and not isinstance(value, bool) and value in TIER_NAMES:
            return value
        if isinstance(value, str) and value in TIER_LEVELS:
            return value
        near = nearest(value.title(), TIER_LEVELS) if isinstance(value, str) else ""
        shown = repr(value)[:60]
        raise PydanticCustomError(
            "conviction", "is {shown}{near}", {"shown": shown, "near": near, "allowed": f"1 to 5, {', '.join(TIER_LEVELS)}"}
        )

    @field_validator("note", "strategy")
    @classmethod
    def _printable(cls, value: str | None) -> str | None:
        if value is not None and not value.replace("\n", " ").isprintable():
            raise PydanticCustomError("printable", "holds characters that do not print", {"allowed": "printable text"})
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Ticket:
        for name, message, allowed in inconsistencies({name: getattr(self, name) for name in CROSSED}):
            raise _at(name, message, allowed)
        return self

    @property
    def pair_id(self) -> str:
        """The pair in its written order: ``JPM__BAC``."""
        return pair_id(self.leg_a, self.leg_b)

    @property
    def conviction_level(self) -> int:
        """Conviction from 1 to 5; a tier name counts as its highest level (X-21)."""
        return self.conviction if isinstance(self.conviction, int) else TIER_LEVELS[self.conviction]

    @property
    def max_units(self) -> float:
        """Largest |units| the controller may take: 0.5 for conviction 1-2, else 1 (methods.md section 4)."""
        return 0.5 if self.conviction_level <= HIGHEST_HALF_UNIT_LEVEL else 1.0

    @property
    def content(self) -> dict[str, object]:
        """What the ticket says, for hashing: every field, conviction as its level, dates as text."""
        return {**self.model_dump(mode="json"), "conviction": self.conviction_level}

    @property
    def content_hash(self) -> str:
        """SHA-256 of :attr:`content`: the same for two files that say the same in other words, order or comments."""
        return digest(self.content)

    def in_force(self, session: date) -> bool:
        """True from ``effective_from`` (or ever) to ``expires_on``, both included."""
        return (self.effective_from is None or self.effective_from <= session) and session <= self.expires_on


CROSSED = ("leg_a", "leg_b", "entry_z", "exit_z", "effective_from", "expires_on")
"""Fields that are held against each other."""


def inconsistencies(values: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Field, message and what is allowed, for each field that contradicts another one.

    Args:
        values: CROSSED fields that are fine by themselves, a date as a date or as text; a field left out contradicts nothing.
    """
    known = {name: _date_from_text(value) for name, value in values.items()}
    if known.get("leg_a") is not None and known.get("leg_a") == known.get("leg_b"):
        yield "leg_b", f"is {known['leg_b']}, the same as leg_a", "another symbol"
    entry_z, exit_z = known.get("entry_z"), known.get("exit_z")
    if isinstance(entry_z, int | float) and isinstance(exit_z, int | float) and exit_z > entry_z:
        yield "exit_z", f"is {exit_z}, above entry_z {entry_z}", f"at most {entry_z}"
    start, end = known.get("effective_from"), known.get("expires_on")
    if isinstance(start, date) and isinstance(end, date) and start > end:
        yield "effective_from", f"is {start}, after expires_on", f"at most {end}"


def _at(field: str, message: str, allowed: str) -> PydanticCustomError:
    return PydanticCustomError("inconsistent", "{message}", {"message": message, "field": field, "allowed": allowed})
