"""How the axis of a panel reads: as many digits as tell its ticks apart, and around a line of zeros only the zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from riskdesk_assets.reports.page.charts import Line, Panel
from riskdesk_assets.reports.page.numerals import dollars, percent, plain

_TICKS = 3  # at least so many steps between the ticks of an axis (reports.page.charts)
_THOUSANDS_FROM, _THOUSANDS_SPAN = 10_000.0, 300.0
_FLAT = 1e-12  # of the larger end: below it a chart takes a line for flat, too


def dollar_panel(lines: Sequence[Line], height: int, *, with_zero: bool = False) -> Panel:
    """Lines in dollars: in thousands, but for a panel of small amounts, or of small differences between large ones."""
    span, largest = _span(lines, with_zero=with_zero)
    if largest < _THOUSANDS_FROM or span < _THOUSANDS_SPAN:
        return _panel(lines, height, dollars, 1.0, 0, with_zero=with_zero)
    return _panel(lines, height, lambda value, digits: f"{dollars(value / 1000, digits)}k", 1000.0, 0, with_zero=with_zero)


def percent_panel(lines: Sequence[Line], height: int, digits: int) -> Panel:
    """Lines in shares, with zero on the axis and at least so many digits behind the point."""
    return _panel(lines, height, percent, 0.01, digits, with_zero=True)


def ratio_panel(lines: Sequence[Line], height: int) -> Panel:
    """Lines in plain numbers, with zero on the axis."""
    return _panel(lines, height, plain, 1.0, 1, with_zero=True)


def _panel(
    lines: Sequence[Line], height: int, write: Callable[[float, int], str], unit: float, fewest: int, *, with_zero: bool
) -> Panel:
    span, _ = _span(lines, with_zero=with_zero)
    digits = max(fewest, math.ceil(-math.log10(span / _TICKS / unit))) if span else fewest

    def written(value: float) -> str:
        if not span and value:
            return ""
        size = value / unit
        exact = math.isclose(round(size, digits), size, rel_tol=1e-9, abs_tol=1e-9)
        return write(value, digits if exact else digits + 1)

    return Panel(lines, height, written, with_zero=with_zero)


def _span(lines: Sequence[Line], *, with_zero: bool) -> tuple[float, float]:
    """How far the panel's axis reaches, as a chart draws it (0 around zeros only), and its largest value without a sign."""
    known = [value for line in lines for value in line.values if value is not None]
    known += [0.0] if with_zero or not known else []
    low, high = min(known), max(known)
    largest = max(abs(low), abs(high))
    flat = high - low <= _FLAT * max(largest, 1.0)
    return 0.02 * largest if flat else high - low, largest
