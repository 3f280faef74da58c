"""Variants of the configuration: a name and the values it lays over, each named by its path and checked like the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.portfolio_scope import scope_faults
from riskdesk_assets.common.settings import Config

SECTIONS = ("desk", "limits", "sizing", "portfolios")
AS_CONFIGURED = "as configured"
_WHERE = "variant"
_EXAMPLE = "name: path=value, such as wide: limits.group.max=0.5"


@dataclass(frozen=True)
class Variant:
    """A configuration to compare: ``overrides`` maps a path (``limits.group.max``) to its value; ``where`` names the input.

    ``file`` and ``lines``: where it comes from one, its name and the line of each path.
    """

    name: str
    overrides: Mapping[str, object]
    where: str = _WHERE
    file: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def placed(self, problem: Problem) -> Problem:
        """A problem with the variant, told with the line of its path and the variant's name where it comes from a file."""
        if not self.file or problem.line is not None:
            return problem
        near = (path for path in self.overrides if _within(problem.field, path) or _within(path, problem.field))
        told = ": ".join(filter(None, (f"variant {self.name}", problem.field)))
        line = self.lines.get(next(near, ""))
        return replace(problem, file=self.where if line is None else self.file, line=line, field=told)


def parse_variant(text: str) -> Variant:
    """A variant from ``name: path=value, path=value``; values are read as YAML words, so ``null`` is no limit.

    Raises:
        InputError: no name, a part without ``=``, a path given twice.
    """
    name, colon, rest = text.partition(":")
    name = strict_yaml.require_plain(name.strip(), _WHERE)
    if not name or not colon:
        raise InputError(Problem(_WHERE, None, "", f"{text!r} has no name", _EXAMPLE))
    overrides: dict[str, object] = {}
    for part in (part.strip() for part in rest.split(",")):
        if not part:
            continue
        path, equals, value = part.partition("=")
        path = path.strip()
        if not path or not equals:
            raise InputError(Problem(f"{_WHERE} {name}", None, part, "is not path=value", _EXAMPLE))
        if path in overrides:
            raise InputError(Problem(f"{_WHERE} {name}", None, path, "is given twice"))
        overrides[path] = strict_yaml.scalar(value.strip())
    return Variant(name, overrides, f"{_WHERE} {name}")


def load_variants(path: Path) -> tuple[Variant, ...]:
    """Variants from a YAML file: a mapping of names to mappings of paths to values.

    Raises:
        InputError: not such a file; with its line.
    """
    document = strict_yaml.load(path)
    if not isinstance(document.data, dict) or not document.data:
        raise InputError(Problem(document.file, None, "", "holds no variants", "name: {limits.group.max: 0.5}"))
    found: list[Variant] = []
    for name, overrides in document.data.items():
        if overrides is not None and not isinstance(overrides, dict):
            said = Problem(document.file, document.line((name,)), name, f"is {overrides!r}", "a mapping of paths to values")
            raise InputError(said)
        paths: dict[str, object] = overrides or {}
        lines = {path: line for path in paths if (line := document.line((name, path))) is not None}
        found.append(Variant(name, paths, f"{document.file}:{document.line((name,))}", document.file, lines))
    return tuple(found)


def require_distinct(variants: Sequence[Variant]) -> None:
    """Refuse a comparison of nothing, or of two variants of one name (InputError)."""
    names = [variant.name for variant in variants]
    if not names:
        raise InputError(Problem(_WHERE, None, "", "there is nothing to compare", _EXAMPLE))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(Problem(_WHERE, None, twice[0], "is the name of two variants", "a name of its own for each"))


def variant_config(config: Config, variant: Variant, mandate: str | None = None) -> Config:
    """The configuration with a variant's values laid over.

    Args:
        config: what they are laid over.
        variant: paths and values.
        mandate: the research mandate that is walked and whose file may be changed; None where the desk's own portfolio is.

    Raises:
        InputError: an unknown path, with the nearest known one; a value that is not allowed there; every one of them.
    """
    problems = [problem for path in variant.overrides if (problem := _unknown(config, path, variant.where, mandate))]
    if problems:
        raise InputError([variant.placed(problem) for problem in problems])
    content: dict[str, Any] = config.model_dump(mode="python")
    for path, value in variant.overrides.items():
        place = content
        *parents, last = _parts(config, path)
        for part in parents:
            if place.get(part) is None:
                place[part] = {}
            place = place[part]
        place[last] = value
    try:
        laid_over = strict_yaml.validate_data(content, Config, strict_yaml.Document(variant.where, content, {}))
        if mandate is None:
            _require_followed(laid_over, variant.where)
    except InputError as error:
        raise InputError([variant.placed(problem) for problem in error.problems]) from error
    return laid_over


def _require_followed(config: Config, where: str) -> None:
    """Refuse words of the desk's own portfolio that nothing follows, as its file is."""
    problems = [
        Problem(where, None, ".".join(map(str, ("portfolios", config.own.portfolio_id, *field))), said, allowed)
        for field, said, allowed in scope_faults(config, config.own, None)
    ]
    if problems:
        raise InputError(problems)


def _within(path: str, other: str) -> bool:
    """Whether a path is another one or leads into it."""
    return path == other or path.startswith(f"{other}.")


def _unknown(config: Config, path: str, where: str, mandate: str | None) -> Problem | None:
    """The problem with a path that leads nowhere, or into what no variant may change."""
    parts = _parts(config, path)
    if parts[0] not in SECTIONS:
        return Problem(where, None, path, f"begins with {parts[0]!r}{nearest(parts[0], SECTIONS)}", ", ".join(SECTIONS))
    if path == "desk.portfolio_id" or len(parts) < 2 or (parts[0] == "portfolios" and len(parts) < 3):
        return Problem(where, None, path, "is not a value", "the path of one value, such as limits.group.max")
    if parts[0] == "portfolios" and parts[1] in {item.portfolio_id for item in config.mandates} - {mandate}:
        said = f"{parts[1]} is a research mandate: a comparison walks the desk's own portfolio, and nothing in it would change"
        return Problem(where, None, path, said, f"desk, limits, sizing, portfolios.{config.own.portfolio_id}")
    if parts[:2] == ("desk", "policy"):
        return Problem(where, None, path, "decides how a policy is trained: a comparison trains none, and nothing would change")
    place: object = config
    for depth, part in enumerate(parts):
        if isinstance(place, BaseModel):
            known = set(type(place).model_fields)
            if part not in known:
                return Problem(
                    where, None, path, f"{part} is not a known field{nearest(part, known)}", ", ".join(sorted(known))
                )
            place = getattr(place, part)
        elif isinstance(place, dict):
            if depth == 1 and part not in place:
                said = f"{part} is not a known portfolio{nearest(part, place)}"
                return Problem(where, None, path, said, ", ".join(sorted(place)))
            place = place.get(part)
        elif place is None:
            return None
        else:
            return Problem(where, None, path, f"{'.'.join(parts[:depth])} is one value and holds no {part}")
    return None


def _parts(config: Config, path: str) -> tuple[str, ...]:
    """The path's steps; what follows a mapping of members is one member, for a symbol may hold a dot (BRK.B)."""
    parts = path.split(".")
    place: object = config
    for depth, part in enumerate(parts):
        if isinstance(place, dict) and place is not config.portfolios:
            return (*parts[:depth], ".".join(parts[depth:]))
        place = place.get(part) if isinstance(place, dict) else getattr(place, part, None)
    return tuple(parts)
