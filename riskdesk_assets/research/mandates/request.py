"""What a mandate's backtest is asked for: which mandate, and values laid over what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.limit_members import FACTORS, GROUP_PREFIX
from riskdesk_assets.common.portfolio_scope import named_strategies, scope_faults
from riskdesk_assets.common.portfolios import PAIR_REVERSION, PortfolioConfig
from riskdesk_assets.common.settings import Config

OWN = "own."
"""Short for ``portfolios.<the mandate>.``, so that one sweep fits every mandate."""
_READ = (
    "desk.features",
    "desk.quality",
    "desk.risk_model",
    "desk.optimizer.objective_scale",
    "desk.optimizer.accept_violation_nav",
    "desk.optimizer.covariance_window",
    "desk.optimizer.covariance_min_coverage",
    "desk.costs",
    "desk.risk_report",
    "desk.frozen",
    "desk.controller.min_beta",
    "limits.amber_at",
)
"""What a research mandate reads beside its own file; anything else laid over would change nothing."""


def require_mandate(config: Config, portfolio_id: str) -> None:
    """Refuse a name that is no research mandate of the configuration (InputError, with the allowed ones)."""
    known = [item.portfolio_id for item in config.mandates]
    if portfolio_id in known:
        return
    said = f"{portfolio_id!r} is no research mandate{nearest(portfolio_id, known)}"
    if portfolio_id == config.own.portfolio_id:
        said = f"{portfolio_id!r} is the desk's own portfolio, which a backtest without --mandate walks"
    raise InputError(Problem("--mandate", None, "", said, ", ".join(known) or "none: config/portfolios/ has no mandate"))


def mandate_overrides(overrides: Mapping[str, object], portfolio_id: str, where: str) -> dict[str, object]:
    """Overrides with ``own.`` spelled out.

    Raises:
        InputError: a path that no research mandate reads, or that is given twice.
    """
    found: dict[str, object] = {}
    problems: list[Problem] = []
    own = f"portfolios.{portfolio_id}"
    for path, value in overrides.items():
        whole = f"{own}.{path.removeprefix(OWN)}" if path.startswith(OWN) else path
        if not _below(whole, (own, *_READ)):
            problems.append(Problem(where, None, path, f"is not read by {portfolio_id}: nothing would change", _allowed()))
        elif whole == f"{own}.portfolio_id":
            problems.append(Problem(where, None, path, "is what --mandate names it by, and no value"))
        elif whole in found:
            problems.append(Problem(where, None, path, "is given twice"))
        found[whole] = value
    if problems:
        raise InputError(problems)
    return found


def require_usable(config: Config, portfolio_id: str, where: str, folder: Path) -> None:
    """Refuse what a mandate's file would be refused for, beyond its form: an unknown factor, a word that nothing follows.

    Args:
        config: with the values laid over.
        portfolio_id: the mandate.
        where: the values come from.
        folder: the configuration's.

    Raises:
        InputError: every such value.
    """
    mandate = config.portfolios[portfolio_id]
    groups = {item.industry_group for item in config.universe.symbols.values()}
    factors = {*FACTORS, *(f"{GROUP_PREFIX}{group}" for group in groups)}
    problems = [
        Problem(where, None, f"{OWN}{'.'.join(map(str, field))}", said, allowed)
        for field, said, allowed in scope_faults(config, mandate, named_strategies(mandate, folder))
    ]
    problems += [
        Problem(
            where,
            None,
            f"{OWN}factor_limits.{name}",
            f"{name!r} is not known{nearest(name, factors)}",
            ", ".join(sorted(factors)),
        )
        for name in mandate.factor_limits
        if name not in factors
    ]
    if problems:
        raise InputError(problems)


def mandate_notes(config: Config, portfolio_id: str, tickets: int) -> tuple[str, ...]:
    """In sentences: what the scores are, and what of today reaches back into the range."""
    mandate = config.portfolios[portfolio_id]
    counted = "1 ticket as it reads" if tickets == 1 else f"{tickets} tickets as they read"
    source = f"Scores come from {mandate.scores.path}." if mandate.scores and mandate.scores.path else ""
    return (
        source
        or f"Scores are z-scores of {_pairs(mandate)}, weighted by the convictions of {counted} now, as if "
        "in force on every session: what is known today may have shaped them.",
        "The universe is today's: a name that had died before is not in it, and one that will die is held until it does.",
        f"Weights are fractions of a static nav of ${mandate.own_nav:,.0f}; a session's return is weight times the return of "
        "adj_close to the next session, and returns add up.",
    )


def _pairs(mandate: PortfolioConfig) -> str:
    """Which pairs a mandate's scores come from."""
    if PAIR_REVERSION in mandate.strategies:
        return "the universe's and the tickets' pairs"
    return f"the pairs of the tickets of {', '.join(sorted(mandate.strategies))}"


def _below(path: str, places: Sequence[str]) -> bool:
    return any(path == place or path.startswith(f"{place}.") for place in places)


def _allowed() -> str:
    return ", ".join((f"{OWN}<field of the mandate's file>", *_READ))
