"""What a portfolio says it is made of; a word that no stage follows is refused, for it would be recorded as if one did."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.portfolios import PAIR_REVERSION, TICKETS, PortfolioConfig
from riskdesk_assets.common.strategy_names import strategy_names
from riskdesk_assets.common.strict_yaml import FieldPath
from riskdesk_assets.common.written_places import written_place

if TYPE_CHECKING:
    from riskdesk_assets.common.settings import Config

# Where in the portfolio's file, what is wrong with it, what is allowed.
Fault = tuple[FieldPath, str, str]
_MOST_NAMES = 3


def require_followed(config: Config, folder: Path) -> None:
    """Refuse every portfolio that names a currency, market, cost model or strategy that nothing follows.

    Args:
        config: the configuration as it was read.
        folder: where its files are.

    Raises:
        InputError: every such value, with file, line, field, what is allowed and the nearest match.
    """
    problems: list[Problem] = []
    for key, portfolio in sorted(config.portfolios.items()):
        for field, said, allowed in scope_faults(config, portfolio, named_strategies(portfolio, folder)):
            document, place = written_place(config.profile, folder, ("portfolios", key, *field))
            problems.append(Problem(document.file, document.line(place), ".".join(map(str, place)), said, allowed))
    if problems:
        raise InputError(problems)


def named_strategies(portfolio: PortfolioConfig, folder: Path) -> Collection[str] | None:
    """Strategies a portfolio may name, beside the words that are always known; None where the library cannot be read."""
    asks = portfolio.kind != "pairs" and any(word != PAIR_REVERSION for word in portfolio.strategies)
    return strategy_names(folder) if asks else ()


def scope_faults(config: Config, portfolio: PortfolioConfig, library: Collection[str] | None) -> Iterator[Fault]:
    """What is wrong with a portfolio's words, each with its place in the portfolio's file and what is allowed there.

    Args:
        config: the universe, the cost models.
        portfolio: one of the configuration's.
        library: names of the strategies in config/strategies.csv; None where they are not known, and not judged.
    """
    names = config.universe.symbols
    currencies = sorted({item.currency for item in names.values()})
    if portfolio.base_currency not in currencies:
        said = f"is {portfolio.base_currency!r}, and no name of the universe is quoted in it: nothing is converted"
        yield ("base_currency",), said, ", ".join(currencies)
    models = config.desk.cost_models
    if portfolio.cost_model_id not in models:
        said = f"is {portfolio.cost_model_id!r}, which is not known{nearest(portfolio.cost_model_id, models)}"
        yield ("cost_model_id",), said, ", ".join(sorted(models))
    elif portfolio.kind == "pairs" and models[portfolio.cost_model_id].impact:
        said = f"is {portfolio.cost_model_id!r}, and impact is charged to research mandates alone: pairs pay one-way rates"
        yield ("cost_model_id",), said, ", ".join(sorted(name for name, model in models.items() if not model.impact))
    countries = sorted({item.country for item in names.values()})
    outside = [symbol for symbol, item in sorted(names.items()) if item.country not in portfolio.markets]
    if portfolio.kind == "pairs" and outside:
        more = f" and {len(outside) - _MOST_NAMES} more" if len(outside) > _MOST_NAMES else ""
        said = f"leaves out {', '.join(outside[:_MOST_NAMES])}{more}, which tickets may trade"
        yield ("markets",), said, f"every country of the universe: {', '.join(countries)}"
    yield from _unfollowed_strategies(portfolio, library)


def _unfollowed_strategies(portfolio: PortfolioConfig, library: Collection[str] | None) -> Iterator[Fault]:
    for place, word in enumerate(portfolio.strategies):
        if portfolio.kind == "pairs":
            if word != TICKETS:
                said = f"{word!r} is not known{nearest(word, [TICKETS])}: a portfolio of pairs takes every ticket in force"
                yield ("strategies", place), said, TICKETS
        elif word != PAIR_REVERSION:
            known = sorted({PAIR_REVERSION, *(library or ())})
            if PAIR_REVERSION in portfolio.strategies:
                said = f"{word!r} adds nothing to {PAIR_REVERSION}, which is every pair"
                yield ("strategies", place), said, f"{PAIR_REVERSION} alone, or strategies of config/strategies.csv by name"
            elif library is not None and word not in known:
                yield ("strategies", place), f"{word!r} is not known{nearest(word, known)}", ", ".join(known)
