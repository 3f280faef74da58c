"""The one place where float dollars become integers: price ticks, cents, whole lots.

A *tick* is 1e-4 dollars. Prices are integer ticks, so shares x price is an exact integer of ticks and every limit can be
audited without a rounding. Accounting notionals are integer cents, rounded half to even.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

TICKS_PER_DOLLAR = 10_000
TICKS_PER_CENT = 100
CASH = "CASH"
MOST_NAV = 1e12
"""Dollars a portfolio may be worth: what it trades and earns in years, counted in ticks, stays within 64 bits."""


def price_ticks(price: float) -> int:
    """Price in integer ticks of 1e-4 dollars, half to even. Raises ValueError unless finite and at least one tick."""
    if not math.isfinite(price) or price <= 0:
        raise ValueError(f"{price!r} is not a price")
    ticks = round(Decimal(repr(price)) * TICKS_PER_DOLLAR)
    if ticks < 1:
        raise ValueError(f"{price!r} is below the smallest price of 1e-4 dollars")
    return ticks


def notional_cents(shares: int, ticks: int) -> int:
    """Signed notional in integer cents of ``shares`` at a price in ticks, rounded half to even."""
    whole, rest = divmod(shares * ticks, TICKS_PER_CENT)
    half = TICKS_PER_CENT // 2
    return whole + (1 if rest > half or (rest == half and whole % 2) else 0)


def dollars_to_ticks_floor(dollars: float) -> int:
    """Largest whole number of ticks not above a dollar amount: a bound never rounds up."""
    return int((Decimal(repr(dollars)) * TICKS_PER_DOLLAR).to_integral_value(rounding=ROUND_FLOOR))


def dollars_to_ticks_ceiling(dollars: float) -> int:
    """Smallest whole number of ticks not below a dollar amount: what is taken from a bound never rounds down."""
    return int((Decimal(repr(dollars)) * TICKS_PER_DOLLAR).to_integral_value(rounding=ROUND_CEILING))


def fraction_of_nav_ticks(fraction: float, nav: float) -> int:
    """``fraction x nav`` in whole ticks, rounded down, computed in decimal so that 0.24 x 2,500,000 is 600,000 exactly."""
    return int((Decimal(repr(fraction)) * Decimal(repr(nav)) * TICKS_PER_DOLLAR).to_integral_value(rounding=ROUND_FLOOR))


def shares_toward_zero(notional: float, ticks: int, lot_size: int = 1) -> int:
    """Signed whole shares, a multiple of ``lot_size``, whose notional at ``ticks`` does not exceed ``notional`` in size."""
    lots = int(abs(Decimal(repr(notional))) * TICKS_PER_DOLLAR) // (ticks * lot_size)
    return lots * lot_size if notional >= 0 else -lots * lot_size
