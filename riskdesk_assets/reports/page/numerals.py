"""How a number is written on the page: once, the same way everywhere, with a real minus sign."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
_TICKS = 10_000


def dollars(value: float | None, digits: int = 0, *, signed: bool = False) -> str:
    """Dollars with thousands separators: -78774.58 is ``−$78,775``."""
    if value is None:
        return NOTHING
    size = f"{abs(value):,.{digits}f}"
    return f"{_sign(value, size, signed)}${size}"


def cents(value: int) -> str:
    """Whole cents as dollars, exactly: integers only, no float in between."""
    whole, rest = divmod(abs(value), 100)
    return f"{MINUS if value < 0 else ''}${whole:,}.{rest:02d}"


def percent(value: float | None, digits: int = 1, *, signed: bool = False) -> str:
    """A share as percent: 0.934 is ``93.4%``."""
    if value is None:
        return NOTHING
    size = f"{abs(value) * 100:,.{digits}f}"
    return f"{_sign(value, size, signed)}{size}%"


def plain(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """A number without a unit."""
    if value is None:
        return NOTHING
    size = f"{abs(value):,.{digits}f}"
    return f"{_sign(value, size, signed)}{size}"


def count(value: int | None, *, signed: bool = False) -> str:
    """A whole number: shares, observations."""
    if value is None:
        return NOTHING
    size = f"{abs(value):,}"
    return f"{_sign(value, size, signed)}{size}"


def audited(value: int, unit: str) -> str:
    """A quantity of limit_audit: ticks of 1e-4 dollars as dollars, a count as the count it is."""
    return count(value) if unit == "count" else dollars(value / _TICKS)


def _sign(value: float, size: str, signed: bool) -> str:
    """No sign for what rounds to nothing."""
    if not size.strip("0.,"):
        return ""
    return MINUS if value < 0 else "+" if signed else ""
