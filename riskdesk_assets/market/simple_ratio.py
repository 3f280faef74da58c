"""The ratios in which shares are really split, and how near a measured ratio has to be."""

from __future__ import annotations

from fractions import Fraction

_WHOLE = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20, 25, 30, 40, 50, 60, 75, 80, 100)
_BROKEN = (Fraction(5, 4), Fraction(4, 3), Fraction(3, 2), Fraction(5, 3), Fraction(5, 2), Fraction(7, 2))
_FORWARD = tuple(sorted((*map(Fraction, _WHOLE), *_BROKEN)))

# New shares per old share, reverse splits (below 1) included, ascending.
SIMPLE_RATIOS: tuple[Fraction, ...] = tuple(sorted({*_FORWARD, *(1 / ratio for ratio in _FORWARD)}))

# New shares per old share of a stock dividend. Only a restated close tells one from cash: a special dividend moves adj_close
# against close by as much.
STOCK_DIVIDENDS = (Fraction(21, 20), Fraction(11, 10), Fraction(23, 20), Fraction(6, 5))

# Prices are quoted to the cent: one is off by at most half of it.
PRICE_ROUNDING = 0.005
# A dividend paid with the split, beside the rounding, as a fraction of the price.
RATIO_TOLERANCE = 0.005
# Prices of a few cents round by more than neighbouring ratios lie apart: beyond this nothing is called a split.
WIDEST_TOLERANCE = 0.02
