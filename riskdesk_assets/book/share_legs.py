"""One leg of one ticket in whole shares, and how far a ticket's legs may part: one lot from their common scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from riskdesk_assets.common.money import TICKS_PER_DOLLAR, notional_cents
from riskdesk_assets.limits.limit import Leg


@dataclass(frozen=True)
class ShareLeg:
    """Signed whole shares of one ticket leg at a price in ticks of 1e-4 dollars; ``frozen`` legs cannot trade."""

    ticket_id: str
    symbol: str
    shares: int
    price_ticks: int
    frozen: bool = False

    @property
    def notional_ticks(self) -> int:
        """Signed notional, exact."""
        return self.shares * self.price_ticks

    @property
    def notional_cents(self) -> int:
        """Signed notional in cents, half to even."""
        return notional_cents(self.shares, self.price_ticks)

    @property
    def dollars(self) -> float:
        """Signed notional in dollars."""
        return self.notional_ticks / TICKS_PER_DOLLAR

    def leg(self) -> Leg[int]:
        """The leg in ticks, as limits measure it."""
        return Leg(self.ticket_id, self.symbol, self.notional_ticks)


@dataclass(frozen=True)
class LotRange:
    """What a leg may be: up to ``most`` lots of ``lot_value`` ticks, aimed at ``target`` ticks (a size, exact)."""

    target: Fraction
    lot_value: int
    most: int


def lot_range(ranges: Sequence[LotRange], lots: Sequence[int], chosen: int) -> tuple[int, int]:
    """Fewest and most lots the chosen leg may have while its ticket stays whole, the other legs as they are.

    A ticket is whole when one scale s in [0, 1] puts every leg within one lot's value of s x its target.
    """
    own = ranges[chosen]
    fewest, most = 0, own.target // own.lot_value
    for i, (leg, count) in enumerate(zip(ranges, lots, strict=True)):
        if i != chosen and leg.target:
            # What one lot more of this leg is in lots of the chosen one, as a fraction of whole numbers.
            over = leg.lot_value * leg.target.denominator * own.target.numerator
            under = own.lot_value * own.target.denominator * leg.target.numerator
            fewest = max(fewest, -(-(count - 1) * over // under))
            most = min(most, (count + 1) * over // under)
    return max(0, fewest - 1), min(own.most, most + 1)
