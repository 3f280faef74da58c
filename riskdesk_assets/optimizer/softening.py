"""What gives when a mandate cannot be met: the families allowed to, in the order of their classes, as little as will do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskdesk_assets.optimizer.infeasibility import FeasibilitySystem

# What a give is told from rounding by, as a share of the violation an answer is accepted with.
GIVEN = 0.1


@dataclass(frozen=True)
class Softened:
    """The limits that give: from which bound to which, fractions of nav; ``families`` were let give, in that order."""

    bounds: Mapping[str, float]
    before: Mapping[str, float]
    families: tuple[str, ...]


def soften(system: FeasibilitySystem, classes: Mapping[str, int]) -> Softened | None:
    """The bounds under which all limits can hold, or None where the families that may give do not suffice.

    Families of class 1 may give first; where that is not enough those of class 2 as well, and so on. Within the classes let
    give, the total of what is given, each limit's scaled by its bound, is the least there is. Families without a class, the
    budget and the ban on shorts never give.

    Args:
        system: the mandate's parties.
        classes: family of limits to its class.
    """
    room = 2.0 * system.tolerance
    for last in sorted(set(classes.values())):
        families = tuple(
            sorted((name for name, place in classes.items() if place <= last), key=lambda name: (classes[name], name))
        )
        giving = tuple(name for name, limit in system.limits.items() if limit.family in families)
        if not giving:
            continue
        given = system.least_give(giving, margin=room) or system.least_give(giving)
        if given is None:
            continue
        # A solver's answer to a hair's breadth needs that much room: what gives, gives it as well.
        bounds = {name: system.bound(name) + give + room for name, give in given.items() if give > GIVEN * room}
        return Softened(bounds, {name: system.bound(name) for name in bounds}, families)
    return None


def softening_sentence(softened: Softened) -> str:
    """Which limits gave, from what to what (fractions of nav), and which families were let give."""
    gave = ", ".join(f"{name} from {softened.before[name]:.6g} to {bound:.6g}" for name, bound in softened.bounds.items())
    return f"Softened in the order {', '.join(softened.families)}: {gave}."
