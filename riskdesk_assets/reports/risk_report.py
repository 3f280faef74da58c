"""The risk of one book at one close: how much, of what kind, from which names, and what it would lose (methods.md section 10).

Weights, volatilities, VaR, expected shortfall and drawdowns are fractions of the portfolio's own nav. VaR and expected
shortfall are positive for a loss, scenario P&L is negative for one. Volatilities are a day's unless the name says annual.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from riskdesk_assets.common.feature_settings import FragilitySettings
from riskdesk_assets.common.settings import RiskReportSettings
from riskdesk_assets.reports.risk_measures import (
    Book,
    NameFacts,
    NameRisk,
    StabilityVector,
    contributions,
    drawdown,
    exposures,
    factor_split,
    liquidity,
    scenarios,
    size,
    stability_vector,
    tails,
)
from riskdesk_assets.risk_model.arguments import Matrix, finite_number
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_assets.risk_model.factors import FactorModel

LEVELS = (0.95, 0.99)
"""Confidences of VaR and expected shortfall (methods.md section 10)."""


@dataclass(frozen=True, eq=False)
class RiskInputs:
    """Everything a report is a function of.

    Attributes:
        portfolio_id, as_of_date: whose book, at which close.
        nav: dollars a weight of 1 stands for.
        weights: symbol -> fraction of nav, signed.
        weights_source: where the weights come from ("desk_positions", "target_portfolios", "what-if").
        risk_model: model_id of the covariance ("ledoit_wolf-v1").
        covariance: of daily returns.
        factor_model: B, F and D of the session; None where there is none.
        history: daily simple returns of ``history_symbols``, shape (sessions, names), oldest first, NaN where there is none.
        names: what is known of each name of the universe.
        shocks: scenario_id -> symbol -> return under that scenario.
        correlations: scenario_id -> (how far correlations move toward 1, multiple of the volatility that is lost).
        equity: dollars at the close of each session of the window, oldest first, ``as_of_date``'s last; may be empty.
        settings, fragility: windows, seed, participation; thresholds of the classes.
        min_coverage: share of the history's sessions a name needs a return on to be in the historical numbers.
        proxied: scenario_id -> names without bars of those days, whose shock is the mean of others.
        unpriced: configured scenario_id -> why the session has no shocks of it.
    """

    portfolio_id: str
    as_of_date: date
    nav: float
    weights: Mapping[str, float]
    weights_source: str
    risk_model: str
    covariance: Covariance
    factor_model: FactorModel | None
    history: Matrix
    history_symbols: tuple[str, ...]
    names: Mapping[str, NameFacts]
    shocks: Mapping[str, Mapping[str, float]]
    correlations: Mapping[str, tuple[float, float]]
    equity: tuple[float, ...]
    settings: RiskReportSettings
    fragility: FragilitySettings
    min_coverage: float
    proxied: Mapping[str, Collection[str]] = field(default_factory=dict)
    unpriced: Mapping[str, str] = field(default_factory=dict)

    @property
    def model_id(self) -> str:
        """What the report's rows carry: "risk_" and the risk model's own id and version."""
        return f"risk_{self.risk_model}"


@dataclass(frozen=True)
class RiskReport:
    """Document 001 section 4.2, and ours below.

    Attributes:
        portfolio_id, as_of_date: whose book, at which close.
        exposures: "factor:market" -> exposure; "sector:X:net", "sector:X:gross" and likewise group, country and currency;
            "fragility:SOFT:gross".
        risk_metrics: number by name; one that cannot be computed is not there. ``volatility``, ``volatility_annual``;
            ``var_95``, ``var_99``, ``es_95``, ``es_99`` by method (``_normal``, ``_student_t``, ``_historical``,
            ``_monte_carlo``), and without one: historical where there is a history, else normal; ``factor_share`` and
            ``specific_share`` of the variance with the volatilities ``factor_volatility`` and ``specific_volatility`` (by the
            factor model, whatever the risk model); ``days_to_liquidate`` of the slowest name, ``liquidated_in_one_day`` as a
            share of gross; ``drawdown_current``, ``drawdown_realized`` (largest of the window), ``drawdown_estimated``;
            ``gross``, ``net``, ``long``, ``short``, ``leverage``, ``names``, ``concentration``.
        scenario_pnl: scenario_id -> P&L.
        stability_vector: of the portfolio; None where no name it holds has one.
        contributions: by name, of every name of the covariance and every other one held, sorted.
        model_id: "risk_ledoit_wolf-v1".
        weights_source: as in the inputs.
        methods: how the numbers were made: windows, observations, seed, degrees of freedom.
        missing: part of the report ("covariance", "history", "scenario:x") -> names held that it leaves out.
        covered: part of the report -> share of gross it covers.
        notes: the same in words, the configured scenarios that are not priced and why, and those in which a name held takes
            the mean return of others.
    """

    portfolio_id: str
    as_of_date: date
    exposures: dict[str, float]
    risk_metrics: dict[str, float]
    scenario_pnl: dict[str, float]
    stability_vector: StabilityVector | None
    contributions: tuple[NameRisk, ...] = ()
    model_id: str = ""
    weights_source: str = ""
    methods: dict[str, float | int | str | None] = field(default_factory=dict)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    covered: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def worst_scenario(self) -> tuple[str, float] | None:
        """The scenario with the lowest P&L, and that P&L; None where there is no scenario."""
        return min(self.scenario_pnl.items(), key=lambda item: (item[1], item[0]), default=None)


def risk_report(inputs: RiskInputs) -> RiskReport:
    """The risk of a book at a close.

    A name held that the covariance, the factor model, the history or a scenario does not know is left out of that part alone;
    the report names it in ``missing`` and says in ``covered`` what share of gross is left.

    Raises:
        ValueError: a weight or nav that is no finite number, a nav of 0 or less, a name that is not in ``names``.

    Source: methods.md section 10; the sources of each number stand at its function in risk_measures.
    """
    book = _book(inputs)
    volatility = contributions(book, inputs.covariance, LEVELS[-1])
    found_tails = tails(
        book,
        inputs.covariance,
        volatility.total,
        inputs.history,
        inputs.history_symbols,
        inputs.min_coverage,
        inputs.settings,
        LEVELS,
    )
    split = factor_split(book, inputs.factor_model)
    trading = liquidity(book, inputs.names, inputs.settings.participation)
    metrics = {
        **size(book),
        **volatility.metrics,
        **found_tails.metrics,
        **split.metrics,
        **trading.metrics,
        **drawdown(inputs.equity, inputs.nav, volatility.metrics.get("volatility"), inputs.settings.check_window),
    }
    priced = scenarios(book, inputs.shocks, inputs.correlations, inputs.covariance)
    vector, unstable = stability_vector(book, inputs.names, inputs.fragility)
    missing = {
        "covariance": volatility.missing,
        "factor_model": split.missing,
        "history": found_tails.missing,
        "liquidity": trading.missing,
        "stability": unstable,
        **{f"scenario:{scenario}": names for scenario, names in priced.missing.items()},
    }
    missing = {part: names for part, names in missing.items() if names}
    covered = {part: book.share_without(names) for part, names in missing.items()}
    return RiskReport(
        portfolio_id=inputs.portfolio_id,
        as_of_date=inputs.as_of_date,
        exposures=exposures(book, inputs.names, split.exposures),
        risk_metrics=metrics,
        scenario_pnl=priced.pnl,
        stability_vector=vector,
        contributions=volatility.by_name(found_tails.by_name, split.shares, trading.days),
        model_id=inputs.model_id,
        weights_source=inputs.weights_source,
        methods=_methods(inputs, found_tails.observations),
        missing=missing,
        covered=covered,
        notes=(
            *(
                f"{part} leaves out {', '.join(names)}: it covers {covered[part]:.1%} of gross"
                for part, names in missing.items()
            ),
            *(f"scenario {scenario}: {why}" for scenario, why in sorted(inputs.unpriced.items())),
            *_proxies(book, inputs.proxied),
        ),
    )


def _proxies(book: Book, proxied: Mapping[str, Collection[str]]) -> Iterator[str]:
    for scenario, names in sorted(proxied.items()):
        held = [symbol for symbol in book.weights if symbol in names]
        if held:
            yield f"scenario:{scenario} has no bars of {', '.join(held)}: the mean of the industry group, else of all names"


def _book(inputs: RiskInputs) -> Book:
    finite_number("nav", inputs.nav, above=0.0)
    weights = {symbol: finite_number(f"weights[{symbol!r}]", inputs.weights[symbol]) for symbol in sorted(inputs.weights)}
    unknown = sorted(weights.keys() - inputs.names.keys())
    if unknown:
        raise ValueError(f"weights has {', '.join(unknown)} (allowed: {', '.join(sorted(inputs.names))})")
    return Book({symbol: weight for symbol, weight in weights.items() if weight != 0.0}, inputs.nav)


def _methods(inputs: RiskInputs, observations: int) -> dict[str, float | int | str | None]:
    settings = inputs.settings
    return {
        "risk_model": inputs.risk_model,
        "covariance_observations": inputs.covariance.observations,
        "covariance_shrinkage": inputs.covariance.shrinkage,
        "historical_observations": observations,
        "historical_sessions": settings.var_sessions,
        "headline": "historical" if observations else "normal",
        "contributions": "normal, historical" if observations else "normal",
        "monte_carlo_seed": settings.monte_carlo_seed,
        "monte_carlo_scenarios": settings.monte_carlo_scenarios,
        "degrees_of_freedom": settings.monte_carlo_degrees_of_freedom,
        "participation": settings.participation,
        "drawdown_sessions": settings.check_window,
        "equity_observations": len(inputs.equity),
    }
