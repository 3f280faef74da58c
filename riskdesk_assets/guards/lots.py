"""Whole lots: nearest for a move into the band, never beyond what binds where a cap does, never through zero by rounding."""

from __future__ import annotations

import math
from collections.abc import Callable


def lots_of(current_shares: int, edge_shares: float, lot_size: int, *, floor: bool) -> int:
    """Signed lots from a position toward an edge.

    Args:
        current_shares: signed shares held.
        edge_shares: signed position aimed at, not whole.
        lot_size: shares per lot.
        floor: a cap binds: the position that results is never larger than ``edge_shares``; otherwise the nearest lot, half up.

    Returns:
        Signed lots. What only reduces a position never takes it through zero: an odd lot stays.
    """
    delta = edge_shares - current_shares
    exact = abs(delta) / lot_size
    reduces = abs(edge_shares) < abs(current_shares) and edge_shares * current_shares >= 0
    if not floor:
        lots = math.floor(exact + 0.5)
    elif reduces:
        lots = math.ceil(exact)
    else:
        lots = math.floor(exact)
    if reduces:
        lots = min(lots, abs(current_shares) // lot_size)
    return lots if delta > 0 else -lots


def most_lots(lots: int, allowed: Callable[[int], bool]) -> int:
    """The most lots in the direction of ``lots`` that are allowed; ``allowed`` holds for 0 and then up to some number."""
    if allowed(lots):
        return lots
    sign, good, bad = (1 if lots > 0 else -1), 0, abs(lots)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if allowed(sign * middle) else (good, middle)
    return sign * good
