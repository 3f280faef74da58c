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
    low, high = Fraction(0), Fraction(1)
    for i, (leg, count) in enumerate(zip(ranges, lots, strict=True)):
        if i != chosen and leg.target:
            low = max(low, (count - 1) * leg.lot_value / leg.target)
            high = min(high, (count + 1) * leg.lot_value / leg.target)
    own = ranges[chosen]
    fewest = -((-low * own.target) // own.lot_value) - 1
    most = (high * own.target) // own.lot_value + 1
    return max(0, int(fewest)), min(own.most, int(most))
