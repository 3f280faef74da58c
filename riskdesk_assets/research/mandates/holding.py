"""A book held to target weights, at the prints there were: what it became overnight, what was traded, what that cost.

A name without a print can be neither bought nor sold: it stays at its last one, and after ``close_after_sessions`` sessions it
is closed at the delisting return (design.md section 1). The live mandate counts such a name as sold at its last print; a
backtest that did would have got out of every collapse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from riskdesk_assets.common.settings import FrozenSettings
from riskdesk_assets.construction.carry import Prints
from riskdesk_assets.features.windows import Array

Weights = Mapping[str, float]
Target = tuple[date, Weights | None]
"""A session and the weights wanted after it; None: hold what there is."""
CostsOf = Callable[[date, Sequence[str]], tuple[Array, Array]]
"""Session, names -> (rate, impact), each of shape (n,): changing weights by z costs rate'|z| + impact'|z|^1.5."""


@dataclass(frozen=True)
class BookDay:
    """A book after one session; every number is a fraction of nav.

    ``held``: weights by name. ``traded``: |change of weight|; ``trading`` and ``impact``: its linear and its convex cost, by
    name. ``borrow``: what was short overnight into the session cost. ``delisted``: P&L of the names closed today. ``marked``:
    P&L of the session by its own prints, those closed included.
    """

    session: date
    held: Weights
    traded: Weights
    trading: Weights
    impact: Weights
    borrow: Weights
    delisted: Weights
    marked: float

    @property
    def costs(self) -> dict[str, float]:
        """All costs by name."""
        names = sorted({*self.trading, *self.impact, *self.borrow})
        return {name: math.fsum(part.get(name, 0.0) for part in (self.trading, self.impact, self.borrow)) for name in names}


def held_books(
    targets: Sequence[Target], prints: Prints, costs_of: CostsOf, borrow_rates: Weights, frozen: FrozenSettings
) -> list[BookDay]:
    """The book after every session, from nothing on.

    Args:
        targets: ascending by session.
        prints: usable prints by session and symbol.
        costs_of: what trading costs.
        borrow_rates: cost per dollar short and session, by symbol.
        frozen: when a silent name is closed, and at which return a long is.
    """
    held: dict[str, float] = {}
    marks: dict[str, float] = {}
    silent: dict[str, int] = {}
    days: list[BookDay] = []
    for session, wanted in targets:
        today = prints.get(session, {})
        borrow = {name: -weight * borrow_rates[name] for name, weight in held.items() if weight < 0 and borrow_rates[name]}
        moved: dict[str, float] = {}
        delisted: dict[str, float] = {}
        earned: list[float] = []
        for name, weight in held.items():
            if name in today:
                moved[name], silent[name] = weight * (today[name].adj_close / marks[name]), 0
            else:
                silent[name] = silent.get(name, 0) + 1
                if silent[name] >= frozen.close_after_sessions:
                    del silent[name]
                    delisted[name] = weight * frozen.delisting_return if weight > 0 else 0.0
                    earned.append(delisted[name])
                    continue
                moved[name] = weight
            earned.append(moved[name] - weight)
        marked = math.fsum(earned)
        # Of a nav that is lost whole nothing is a fraction any more: the book goes on in those of the static one.
        left = 1.0 + marked if marked > -1.0 else 1.0
        before = {name: value / left for name, value in moved.items()}
        after = before if wanted is None else _after(before, wanted, today)
        traded = {
            name: change for name in sorted({*before, *after}) if (change := abs(after.get(name, 0.0) - before.get(name, 0.0)))
        }
        trading, impact = _costs(traded, session, costs_of)
        held = {name: after[name] for name in sorted(after) if after[name]}
        marks |= {name: today[name].adj_close for name in held if name in today}
        days.append(BookDay(session, held, traded, trading, impact, borrow, delisted, marked))
    return days


def _after(before: Weights, wanted: Weights, today: Mapping[str, object]) -> dict[str, float]:
    """Wanted weights of what prints today, and what there was of everything else."""
    names = sorted({*before, *wanted})
    return {name: wanted.get(name, 0.0) if name in today else before.get(name, 0.0) for name in names}


def _costs(traded: Weights, session: date, costs_of: CostsOf) -> tuple[dict[str, float], dict[str, float]]:
    if not traded:
        return {}, {}
    rates, impacts = costs_of(session, tuple(traded))
    linear = {name: float(rate) * change for (name, change), rate in zip(traded.items(), rates, strict=True)}
    convex = {name: float(size) * change**1.5 for (name, change), size in zip(traded.items(), impacts, strict=True)}
    return linear, convex
