"""Members that limits and scenarios name: a misspelt one would bound or shock nothing, and nobody would see it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.portfolios import FragilityClass
from riskdesk_assets.common.universe import Universe

if TYPE_CHECKING:
    from riskdesk_assets.common.settings import Config

# What every factor model has beside its industry groups (risk_model/factors.py, a room further down).
FACTORS = ("market", "momentum", "size")
GROUP_PREFIX = "group:"


def require_known_members(config: Config, folder: Path) -> None:
    """Refuse a limit or a shock on a factor, fragility class or scenario that cannot exist.

    These are known whatever the universe. A sector, group, country or currency that this universe does not have is allowed:
    configuration outlives universes, and another one may well call its sector "Financial" (the scenarios' notes name the nearest).

    Args:
        config: the configuration as it was read.
        folder: where its files are.

    Raises:
        InputError: every such member, with file, line, field and the nearest known one.
    """
    problems = [
        _problem(config.profile, folder, path, known)
        for path, known, closed in _named(config)
        if _wrong(path[-1], known, closed=closed)
    ]
    if problems:
        raise InputError(problems)


def _named(config: Config) -> Iterator[tuple[tuple[str, ...], Collection[str], bool]]:
    """Every member with its path, what it may be, and whether it may be nothing else."""
    sets = _sets(config.universe)
    factors = {*FACTORS, *(f"{GROUP_PREFIX}{group}" for group in sets["group"])}
    scenarios = {each.scenario_id for each in config.scenarios.parametric}
    scenarios |= {each.scenario_id for each in config.scenarios.historical}
    for family, known, closed in (
        *((label, values, False) for label, values in sets.items()),
        ("factor", factors, True),
        ("scenario_loss", scenarios, True),
    ):
        spec = getattr(config.limits, family)
        for member in () if spec is None else spec.overrides:
            yield ("limits", family, "overrides", member), known, closed
    for key, portfolio in sorted(config.portfolios.items()):
        for label, known, closed in (*((label, values, False) for label, values in sets.items()), ("factor", factors, True)):
            for member in getattr(portfolio, f"{label}_limits"):
                yield ("portfolios", key, f"{label}_limits", member), known, closed
    classes = set(get_args(FragilityClass))
    for place, scenario in enumerate(config.scenarios.parametric):
        asked = (
            ("factors", scenario.factors, factors, True),
            ("sectors", scenario.sectors, sets["sector"], False),
            ("groups", scenario.groups, sets["group"], False),
            ("fragility", scenario.fragility, classes, True),
        )
        for field, shocks, known, closed in asked:
            for member in shocks:
                yield ("scenarios", "parametric", str(place), field, member), known, closed


def _sets(universe: Universe) -> dict[str, set[str]]:
    names = universe.symbols.values()
    return {
        "sector": {name.sector for name in names},
        "group": {name.industry_group for name in names},
        "country": {name.country for name in names},
        "currency": {name.currency for name in names},
    }


def _wrong(member: str, known: Collection[str], *, closed: bool) -> bool:
    if member in known:
        return False
    # The factor of a group is as open as the group: another universe may have it.
    return closed and not member.startswith(GROUP_PREFIX)


def _problem(profile: str, folder: Path, path: tuple[str, ...], known: Collection[str]) -> Problem:
    document, place = _where(profile, folder, path)
    said = f"is not known{nearest(path[-1], known)}"
    return Problem(document.file, document.line(place), ".".join(map(str, place)), said, ", ".join(sorted(known)))


def _where(profile: str, folder: Path, path: tuple[str, ...]) -> tuple[strict_yaml.Document, tuple[str | int, ...]]:
    """The file that writes the member: the profile laid over, or the section's own."""
    overlay = strict_yaml.load(folder / "profiles" / f"{profile}.yaml")
    if path in overlay.lines:
        return overlay, path
    if path[0] == "portfolios":
        documents = [strict_yaml.load(each) for each in sorted((folder / "portfolios").glob("*.yaml"))]
        return next(each for each in documents if each.data.get("portfolio_id") == path[1]), path[2:]
    written: tuple[str | int, ...] = tuple(int(part) if part.isdecimal() else part for part in path[1:])
    return strict_yaml.load(folder / f"{path[0]}.yaml"), written
