"""Small drawings in SVG: bars that fit a table cell, and lines over sessions with a title and a description."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 460, 58, 8, 10, 22
_PANEL_GAP = 14
_TICKS = 3


@dataclass(frozen=True)
class Line:
    """One series over the chart's sessions; ``style`` is solid, dashed, dotted or area; None is a gap."""

    name: str
    values: Sequence[float | None]
    style: str = "solid"


@dataclass(frozen=True)
class Panel:
    """Lines that share a scale; ``written`` says how a value of the axis reads, ``name`` stands above them if given."""

    lines: Sequence[Line]
    height: int
    written: Callable[[float], str]
    with_zero: bool = False
    name: str = ""


def share_bar(share: float, tone: str = "", mark: float | None = None) -> Markup:
    """A bar from the left, ``share`` of the cell wide (cut at 1), with a tick at ``mark``; beside its number, so hidden
    from readers."""
    tick = "" if mark is None else f'<rect class="tick" x="{_at(mark * 100)}" y="0" width="0.6" height="10"/>'
    return Markup(  # numbers and our own class names only  # noqa: S704
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" x="0" y="1" width="100" height="8"/>'
        f'<rect class="fill {tone}" x="0" y="1" width="{_at(min(max(share, 0.0), 1.0) * 100)}" height="8"/>{tick}</svg>'
    )


def diverging_bar(value: float, largest: float) -> Markup:
    """A bar to the left of the middle for a loss and to the right for a gain, on the scale of ``largest``."""
    half = 0.0 if largest <= 0 else min(abs(value) / largest, 1.0) * 50
    start = 50 - half if value < 0 else 50
    tone = "loss" if value < 0 else "gain"
    return Markup(  # noqa: S704
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="fill {tone}" x="{_at(start)}" y="1" width="{_at(half)}" height="8"/>'
        f'<rect class="tick" x="49.8" y="0" width="0.4" height="10"/></svg>'
    )


def steps_bar(values: Sequence[float], largest: float) -> Markup:
    """One thin bar below the other, in the order of the funnel's stages, on the scale of ``largest``."""
    rows = "".join(
        f'<rect class="step s{place}" x="0" y="{place * 5 + 1}" height="4" '
        f'width="{_at(0.0 if largest <= 0 else min(value / largest, 1.0) * 100)}"/>'
        for place, value in enumerate(values)
    )
    height = len(values) * 5 + 1
    return Markup(  # noqa: S704
        f'<svg class="bar steps" viewBox="0 0 100 {height}" preserveAspectRatio="none" aria-hidden="true">{rows}</svg>'
    )


def line_chart(anchor: str, title: str, description: str, dates: Sequence[str], panels: Sequence[Panel]) -> Markup:
    """Panels one above the other over the same sessions.

    Args:
        anchor: unique on the page.
        title, description: what a reader who cannot see it is told.
        dates: one word per session, oldest first; at least two.
        panels: every line as long as ``dates``.
    """
    height = _TOP + _BOTTOM + sum(panel.height for panel in panels) + _PANEL_GAP * (len(panels) - 1)
    name = escape(anchor)
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>',
    ]
    top = _TOP
    for panel in panels:
        parts.append(_panel(panel, top, len(dates)))
        top += panel.height + _PANEL_GAP
    base = height - 6
    parts.append(f'<text class="axis" x="{_LEFT}" y="{base}">{escape(dates[0])}</text>')
    parts.append(f'<text class="axis end" x="{_WIDTH - _RIGHT}" y="{base}">{escape(dates[-1])}</text></svg>')
    return Markup("".join(parts))  # every text above went through escape  # noqa: S704


def _panel(panel: Panel, top: int, sessions: int) -> str:
    known = [value for line in panel.lines for value in line.values if value is not None]
    low, high = _range(known, with_zero=panel.with_zero)

    def across(place: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * place / max(sessions - 1, 1)

    def down(value: float) -> float:
        return top + panel.height * (high - value) / (high - low)

    parts = [f'<text class="axis" x="{_LEFT}" y="{top - 2}">{escape(panel.name)}</text>'] if panel.name else []
    for value in _ticks(low, high):
        y = down(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_at(y)}" y2="{_at(y)}"/>')
        parts.append(f'<text class="axis end" x="{_LEFT - 6}" y="{_at(y + 4)}">{escape(panel.written(value))}</text>')
    if low < 0 < high:
        parts.append(f'<line class="zero" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_at(down(0))}" y2="{_at(down(0))}"/>')
    for number, line in enumerate(panel.lines):
        for run in _runs(line.values):
            points = [f"{_at(across(place))},{_at(down(value))}" for place, value in run]
            if line.style == "area":
                floor = _at(down(min(max(0.0, low), high)))
                shape = " ".join([f"{_at(across(run[0][0]))},{floor}", *points, f"{_at(across(run[-1][0]))},{floor}"])
                parts.append(f'<polygon class="area" points="{shape}"/>')
            parts.append(f'<polyline class="line l{number} {line.style}" points="{" ".join(points)}"/>')
    return "".join(parts)


def _range(values: Sequence[float], *, with_zero: bool) -> tuple[float, float]:
    """Lowest and highest value, apart from each other."""
    found = [*values, *([0.0] if with_zero or not values else [])]
    low, high = min(found), max(found)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1.0):
        room = max(abs(low) * 0.01, 1e-6)
        return low - room, high + room
    return low, high


def _ticks(low: float, high: float) -> list[float]:
    """Two to five round values within the range."""
    rough = (high - low) / _TICKS
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(multiple * scale for multiple in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0) if multiple * scale >= rough)
    return [place * step for place in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Stretches without a gap, each value with its place."""
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]


def _at(value: float) -> str:
    """A coordinate, to a tenth of a unit at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
