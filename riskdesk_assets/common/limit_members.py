"""Members that limits and scenarios name: a misspelt one would bound or shock nothing, and nobody would see it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.portfolios import FragilityClass
from riskdesk_assets.common.written_places import written_place

if TYPE_CHECKING:
    from riskdesk_assets.common.settings import Config

# What every factor model has beside its industry groups (risk_model/factors.py, a room further down).
FACTORS = ("market", "momentum", "size")
GROUP_PREFIX = "group:"


def require_known_members(config: Config, folder: Path) -> None:
    """Refuse a limit or a shock on a factor, fragility class or scenario that cannot exist.

    These are known whatever the universe. A sector, group, country or currency that this universe does not have is allowed:
    configuration outlives universes, and another may well call its sector "Financial". The notes of scenarios name the nearest.

    Args:
        config: the configuration as it was read.
        folder: where its files are.

    Raises:
        InputError: every such member, with file, line, field and the nearest known one.
    """
    problems = [
        _problem(config.profile, folder, path, known)
        for path, known in _named(config)
        if path[-1] not in known and not path[-1].startswith(GROUP_PREFIX)
    ]
    if problems:
        raise InputError(problems)


def _named(config: Config) -> Iterator[tuple[tuple[str, ...], Collection[str]]]:
    """Every factor, class and scenario that is named, with its path and what it may be.

    The factor of an industry group is as open as the group: another universe may have it.
    """
    groups = {name.industry_group for name in config.universe.symbols.values()}
    factors = {*FACTORS, *(f"{GROUP_PREFIX}{group}" for group in groups)}
    scenarios = {each.scenario_id for each in config.scenarios.parametric}
    scenarios |= {each.scenario_id for each in config.scenarios.historical}
    for family, known in (("factor", factors), ("scenario_loss", scenarios)):
        spec = getattr(config.limits, family)
        for member in () if spec is None else spec.overrides:
            yield ("limits", family, "overrides", member), known
    for key, portfolio in sorted(config.portfolios.items()):
        for member in portfolio.factor_limits:
            yield ("portfolios", key, "factor_limits", member), factors
    classes = set(get_args(FragilityClass))
    for place, scenario in enumerate(config.scenarios.parametric):
        for field, shocks, known in (("factors", scenario.factors, factors), ("fragility", scenario.fragility, classes)):
            for member in shocks:
                yield ("scenarios", "parametric", str(place), field, member), known


def _problem(profile: str, folder: Path, path: tuple[str, ...], known: Collection[str]) -> Problem:
    written = tuple(int(part) if part.isdecimal() else part for part in path)
    document, place = written_place(profile, folder, path if path[0] == "portfolios" else written)
    said = f"is not known{nearest(path[-1], known)}"
    return Problem(document.file, document.line(place), ".".join(map(str, place)), said, ", ".join(sorted(known)))
