"""Limits on a sector, group, country or currency that this universe does not have: they bind nothing."""

from __future__ import annotations

from collections.abc import Iterator

from riskdesk_assets.common.errors import nearest
from riskdesk_assets.common.settings import Config

SETS = ("sector", "group", "country", "currency")


def idle_members(config: Config) -> tuple[str, ...]:
    """One sentence per such limit, with the nearest name the universe has.

    They are allowed, for configuration outlives universes; a misspelt one is told apart only by someone who reads this.
    """
    names = config.universe.symbols.values()
    known = {
        "sector": {name.sector for name in names},
        "group": {name.industry_group for name in names},
        "country": {name.country for name in names},
        "currency": {name.currency for name in names},
    }
    return tuple(
        f"{place}.{member} binds nothing: no {label} of the universe is called so{nearest(member, known[label])}"
        for label, place, member in _named(config)
        if member not in known[label]
    )


def _named(config: Config) -> Iterator[tuple[str, str, str]]:
    for label in SETS:
        spec = getattr(config.limits, label)
        for member in () if spec is None else sorted(spec.overrides):
            yield label, f"limits.{label}.overrides", member
        for key, portfolio in sorted(config.portfolios.items()):
            for member in sorted(getattr(portfolio, f"{label}_limits")):
                yield label, f"portfolios.{key}.{label}_limits", member
