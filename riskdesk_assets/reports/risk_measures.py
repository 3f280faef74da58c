"""The parts of the risk report, each a function of the book and of what it needs to know of the names."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from riskdesk_assets.common.feature_settings import FragilitySettings
from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR
from riskdesk_assets.common.settings import RiskReportSettings
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.risk_model.arguments import Matrix, Vector
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_assets.risk_model.factors import FactorModel
from riskdesk_assets.risk_model.risk_contributions import (
    RiskContributions,
    TailContributions,
    book_pnl,
    historical_contributions,
    parametric_contributions,
    portfolio_volatility,
    risk_contributions,
)
from riskdesk_assets.risk_model.scenario import correlation_shock
from riskdesk_assets.risk_model.tail_risk import TailRisk, historical_tail_risk, monte_carlo_tail_risk, parametric_tail_risk

FRAGILITY_CLASSES = ("NONE", "WATCH", "SOFT", "FRAGILE")
UNKNOWN = "UNKNOWN"
STABILITY_PARTS = ("volatility", "correlation", "liquidity", "drawdown", "fragility")
Metrics = dict[str, float]


@dataclass(frozen=True)
class NameFacts:
    """What the report reads of one name: its place in the universe, and its row of instrument_state where it has one.

    ``adv_20`` in dollars; ``stability`` maps volatility, correlation, liquidity, drawdown and fragility to their values.
    """

    sector: str
    industry_group: str
    country: str
    currency: str
    fragility_class: str | None = None
    adv_20: float | None = None
    stability: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Book:
    """Signed weights other than 0, sorted by symbol, as fractions of ``nav`` dollars."""

    weights: Mapping[str, float]
    nav: float

    @cached_property
    def gross(self) -> float:
        """Sum of |weight|."""
        return math.fsum(abs(weight) for weight in self.weights.values())

    def over(self, symbols: Sequence[str]) -> Vector:
        """The weights of these symbols in their order, 0 where none is held."""
        return np.array([self.weights.get(symbol, 0.0) for symbol in symbols], dtype=np.float64)

    def outside(self, known: Collection[str]) -> tuple[str, ...]:
        """Names held that are not among the known ones."""
        return tuple(symbol for symbol in self.weights if symbol not in known)

    def share_without(self, symbols: Collection[str]) -> float:
        """Share of gross in names other than these; 1 for an empty book."""
        if not self.gross:
            return 1.0
        return math.fsum(abs(weight) for symbol, weight in self.weights.items() if symbol not in symbols) / self.gross


@dataclass(frozen=True)
class StabilityVector:
    """Document 001's StabilityVector, of a portfolio: |weight|-weighted means of its names' (methods.md section 3).

    ``volatility``: vol_20 over its baseline; ``correlation``: with the industry group, less its mean of a year; ``liquidity``:
    adv_20 over its median; ``drawdown``: from the year's high; ``fragility`` in [0, 1]. None where no name has the number.
    """

    volatility: float | None
    correlation: float | None
    liquidity: float | None
    drawdown: float | None
    fragility: float | None
    fragility_class: str | None


@dataclass(frozen=True)
class NameRisk:
    """What one name brings to the book's risk; None where it is not covered.

    A marginal risk is the change of the book's per unit of weight added. Components are weight x marginal and sum over names to
    the book's: its volatility, its VaR and expected shortfall at 99% by the normal distribution, and those it would have lived
    through (what the name lost on the day that is the historical VaR, and on average over the days of the tail).
    ``factor_share`` is the share of the book's variance that the name brings through factors; over names it sums to the book's.
    """

    symbol: str
    weight: float
    marginal_volatility: float | None
    component_volatility: float | None
    marginal_var_99: float | None
    component_var_99: float | None
    component_es_99: float | None
    component_var_99_historical: float | None
    component_es_99_historical: float | None
    factor_share: float | None
    days_to_liquidate: float | None


@dataclass(frozen=True)
class Volatility:
    """Contributions to volatility by the covariance's names, and to the normal VaR and expected shortfall at one level."""

    book: Book
    symbols: tuple[str, ...]
    found: RiskContributions | None
    tail: TailContributions | None
    missing: tuple[str, ...]

    @property
    def total(self) -> float | None:
        """A day's volatility; None where the covariance knows no name."""
        return None if self.found is None else self.found.total

    @property
    def metrics(self) -> Metrics:
        """volatility and volatility_annual."""
        if self.found is None:
            return {}
        return {"volatility": self.found.total, "volatility_annual": self.found.total * math.sqrt(SESSIONS_A_YEAR)}

    def by_name(
        self, lived_through: Mapping[str, tuple[float, float]], factor_shares: Mapping[str, float], days: Mapping[str, float]
    ) -> tuple[NameRisk, ...]:
        """Every name of the covariance and every other one held, sorted by symbol.

        Args:
            lived_through: parts of the historical VaR and expected shortfall.
            factor_shares: shares of variance that come through factors.
            days: days to liquidate.
        """
        known: dict[str, tuple[float, float, float, float, float]] = {}
        if self.found is not None and self.tail is not None:
            var, shortfall = self.tail.value_at_risk, self.tail.expected_shortfall
            parts = zip(
                self.found.marginal, self.found.component, var.marginal, var.component, shortfall.component, strict=True
            )
            known = dict(zip(self.symbols, parts, strict=True))
        rows: list[NameRisk] = []
        for symbol in sorted({*known, *self.book.weights}):
            weight = self.book.weights.get(symbol, 0.0)
            marginal, component, marginal_var, var_99, es_99 = known.get(symbol, (None,) * 5)
            lived_var, lived_es = lived_through.get(symbol, (None, None))
            rows.append(
                NameRisk(
                    symbol=symbol,
                    weight=weight,
                    marginal_volatility=marginal,
                    component_volatility=component,
                    marginal_var_99=marginal_var,
                    component_var_99=var_99,
                    component_es_99=es_99,
                    component_var_99_historical=lived_var,
                    component_es_99_historical=lived_es,
                    factor_share=factor_shares.get(symbol),
                    days_to_liquidate=days.get(symbol) if weight else 0.0,
                )
            )
        return tuple(rows)


def size(book: Book) -> Metrics:
    """gross, net, long, short (positive), leverage (gross over nav), names, and concentration.

    Concentration is Herfindahl's: the sum of squared shares of gross, from 1 / names to 1; 0 for an empty book.
    """
    weights = book.weights.values()
    shares = [abs(weight) / book.gross for weight in weights] if book.gross else []
    return {
        "gross": book.gross,
        "net": math.fsum(weights),
        "long": math.fsum(weight for weight in weights if weight > 0),
        "short": math.fsum(-weight for weight in weights if weight < 0),
        "leverage": book.gross,
        "names": float(len(book.weights)),
        "concentration": math.fsum(share * share for share in shares),
    }


def contributions(book: Book, covariance: Covariance, level: float) -> Volatility:
    """Volatility of the book and what each name of the covariance adds to it, at weight 0 too (methods.md section 10)."""
    symbols = covariance.symbols
    found = risk_contributions(book.over(symbols), covariance.matrix) if symbols else None
    tail = None if found is None else parametric_contributions(found, level)
    return Volatility(book, symbols, found, tail, book.outside(symbols))


@dataclass(frozen=True)
class Tails:
    """VaR and expected shortfall by method; ``observations`` days behind the historical ones, 0 where there are none.

    ``by_name``: what each name held brings to the historical VaR and expected shortfall at the highest level.
    """

    metrics: Metrics
    observations: int
    by_name: Mapping[str, tuple[float, float]]
    missing: tuple[str, ...]


def tails(
    book: Book,
    covariance: Covariance,
    volatility: float | None,
    history: Matrix,
    history_symbols: Sequence[str],
    min_coverage: float,
    settings: RiskReportSettings,
    levels: Sequence[float],
) -> Tails:
    """VaR and expected shortfall, by formula, by simulation, and of the book lived through its own past.

    The past is the sessions on which any name has a return; a name needs one on ``min_coverage`` of them, and days on which
    one of the names held and known has none are left out. With fewer than ``check_minimum`` days nothing is said of it.
    """
    freedom = settings.monte_carlo_degrees_of_freedom
    metrics: Metrics = {}
    if volatility is not None:
        _put(metrics, "normal", parametric_tail_risk(volatility, levels))
        if freedom is not None:
            _put(metrics, "student_t", parametric_tail_risk(volatility, levels, degrees_of_freedom=freedom))
        simulated = monte_carlo_tail_risk(
            book.over(covariance.symbols),
            covariance.matrix,
            levels,
            scenarios=settings.monte_carlo_scenarios,
            seed=settings.monte_carlo_seed,
            degrees_of_freedom=freedom,
        )
        _put(metrics, "monte_carlo", simulated)
    known, past = _past(book, history, history_symbols, min_coverage)
    enough = len(past) >= settings.check_minimum
    by_name: dict[str, tuple[float, float]] = {}
    if enough:
        pnl = book_pnl(past, book.over(known)) if known else np.zeros(len(past))
        _put(metrics, "historical", historical_tail_risk(pnl, levels))
        if known:
            parts = historical_contributions(past, book.over(known), max(levels))
            both = zip(parts.value_at_risk.component, parts.expected_shortfall.component, strict=True)
            by_name = dict(zip(known, both, strict=True))
    headline = "historical" if enough else "normal"
    for level in levels:
        for kind in ("var", "es"):
            name = f"{kind}_{_percent(level)}"
            if f"{name}_{headline}" in metrics:
                metrics[name] = metrics[f"{name}_{headline}"]
    return Tails(metrics, len(past) if enough else 0, by_name, book.outside(known if enough else ()))


def _past(book: Book, history: Matrix, symbols: Sequence[str], min_coverage: float) -> tuple[tuple[str, ...], Matrix]:
    """The names held with enough history, and the days on which all of them have a return, shape (days, names)."""
    present = np.isfinite(history)
    lived = present.any(axis=1)
    needed = min_coverage * int(lived.sum())
    held = [column for column, symbol in enumerate(symbols) if symbol in book.weights]
    kept = [column for column in held if present[:, column].sum() >= max(needed, 1)]
    days = lived & present[:, kept].all(axis=1)
    return tuple(symbols[column] for column in kept), np.ascontiguousarray(history[days][:, kept])


def _put(metrics: Metrics, method: str, found: Sequence[TailRisk]) -> None:
    for tail in found:
        percent = _percent(tail.level)
        metrics[f"var_{percent}_{method}"] = tail.value_at_risk
        metrics[f"es_{percent}_{method}"] = tail.expected_shortfall


def _percent(level: float) -> str:
    return f"{100 * level:g}"


@dataclass(frozen=True)
class FactorSplit:
    """How a factor model parts the book's variance; ``shares`` by name sum to the factors' share of it."""

    metrics: Metrics
    exposures: Mapping[str, float]
    shares: Mapping[str, float]
    missing: tuple[str, ...]


def factor_split(book: Book, model: FactorModel | None) -> FactorSplit:
    """x = B'w; variance x'F x from factors and the sum of w^2 D from the names themselves (methods.md section 7)."""
    if model is None or not model.symbols:
        return FactorSplit({}, {}, {}, tuple(book.weights))
    weights = {symbol: weight for symbol, weight in book.weights.items() if symbol in set(model.symbols)}
    exposed = model.factor_exposures(weights)
    factor, specific = model.systematic_risk(weights), model.residual_risk(weights)
    variance = factor**2 + specific**2
    with single_threaded():
        pulls = (model.exposures @ (model.factor_covariance @ np.array(list(exposed.values())))).tolist()
    shares = {
        symbol: weights.get(symbol, 0.0) * pull / variance if variance else 0.0
        for symbol, pull in zip(model.symbols, pulls, strict=True)
    }
    metrics = {
        "factor_volatility": factor,
        "specific_volatility": specific,
        "factor_share": factor**2 / variance if variance else 0.0,
        "specific_share": specific**2 / variance if variance else 0.0,
    }
    return FactorSplit(metrics, exposed, shares, book.outside(model.symbols))


def exposures(book: Book, names: Mapping[str, NameFacts], factors: Mapping[str, float]) -> Metrics:
    """Exposure per factor; net and gross per sector, industry group, country and currency; gross per fragility class."""
    found = {f"factor:{factor}": value for factor, value in sorted(factors.items())}
    labels = ("sector", "group", "country", "currency")
    for label, attribute in zip(labels, ("sector", "industry_group", "country", "currency"), strict=True):
        members: dict[str, list[float]] = {}
        for symbol, weight in book.weights.items():
            members.setdefault(getattr(names[symbol], attribute), []).append(weight)
        for member, weights in sorted(members.items()):
            found[f"{label}:{member}:net"] = math.fsum(weights)
            found[f"{label}:{member}:gross"] = math.fsum(map(abs, weights))
    classes: dict[str, list[float]] = {each: [] for each in FRAGILITY_CLASSES}
    for symbol, weight in book.weights.items():
        classes.setdefault(names[symbol].fragility_class or UNKNOWN, []).append(abs(weight))
    found.update({f"fragility:{each}:gross": math.fsum(weights) for each, weights in classes.items()})
    return found


@dataclass(frozen=True)
class Liquidity:
    """Days to liquidate by name held, and the book's figures."""

    metrics: Metrics
    days: Mapping[str, float]
    missing: tuple[str, ...]


def liquidity(book: Book, names: Mapping[str, NameFacts], participation: float) -> Liquidity:
    """Days to sell or buy back each name at ``participation`` of adv_20 a day; of the book, the slowest name's.

    ``liquidated_in_one_day`` is the share of the gross of the names whose adv_20 is known.
    """
    capacity = {symbol: participation * (names[symbol].adv_20 or 0.0) / book.nav for symbol in book.weights}
    days = {symbol: abs(book.weights[symbol]) / room for symbol, room in capacity.items() if room > 0}
    gross = math.fsum(abs(book.weights[symbol]) for symbol in days)
    gone = math.fsum(min(abs(book.weights[symbol]), capacity[symbol]) for symbol in days)
    metrics = {"days_to_liquidate": max(days.values(), default=0.0), "liquidated_in_one_day": gone / gross if gross else 1.0}
    return Liquidity(metrics if days or not book.weights else {}, days, book.outside(days))


def drawdown(equity: Sequence[float], nav: float, volatility: float | None, sessions: int) -> Metrics:
    """The fall from the highest equity so far, now and at its largest, as fractions of nav; and what was to be expected.

    ``drawdown_estimated`` is the expected largest drawdown of a Brownian motion without drift over ``sessions`` days of
    today's volatility, sqrt(pi / 2) volatility sqrt(sessions).

    Source: Magdon-Ismail, Atiya, Pratap and Abu-Mostafa (2004), "On the maximum drawdown of a Brownian motion".
    """
    metrics: Metrics = {}
    if equity:
        peak, falls = equity[0], []
        for value in equity:
            peak = max(peak, value)
            falls.append((peak - value) / nav)
        metrics |= {"drawdown_current": falls[-1], "drawdown_realized": max(falls)}
    if volatility is not None:
        metrics["drawdown_estimated"] = estimated_drawdown(volatility, sessions)
    return metrics


def estimated_drawdown(volatility: float, sessions: int) -> float:
    """sqrt(pi / 2) volatility sqrt(sessions): as ``drawdown``."""
    return math.sqrt(math.pi / 2.0) * volatility * math.sqrt(sessions)


@dataclass(frozen=True)
class ScenarioLosses:
    """P&L by scenario, and the names held that a scenario says nothing of."""

    pnl: dict[str, float]
    missing: Mapping[str, tuple[str, ...]]


def scenarios(
    book: Book,
    shocks: Mapping[str, Mapping[str, float]],
    correlations: Mapping[str, tuple[float, float]],
    covariance: Covariance,
) -> ScenarioLosses:
    """Weight x shocked return, summed; for correlations that move toward 1, the multiple of the volatility they give, lost."""
    pnl: dict[str, float] = {}
    missing: dict[str, tuple[str, ...]] = {}
    for scenario, returns in shocks.items():
        pnl[scenario] = math.fsum(weight * returns.get(symbol, 0.0) for symbol, weight in book.weights.items())
        missing[scenario] = book.outside(returns)
    for scenario, (toward_one, multiple) in correlations.items():
        if covariance.symbols:
            moved = correlation_shock(covariance.matrix, toward_one)
            pnl[scenario] = 0.0 - multiple * portfolio_volatility(book.over(covariance.symbols), moved)
            missing[scenario] = book.outside(covariance.symbols)
    return ScenarioLosses(dict(sorted(pnl.items())), missing)


def stability_vector(
    book: Book, names: Mapping[str, NameFacts], settings: FragilitySettings
) -> tuple[StabilityVector | None, tuple[str, ...]]:
    """The portfolio's vector, each part over the names that have it; and the names held that lack any of it."""
    values: dict[str, float | None] = {}
    lacking: set[str] = set()
    for part in STABILITY_PARTS:
        known = {symbol: names[symbol].stability[part] for symbol in book.weights if part in names[symbol].stability}
        lacking |= book.weights.keys() - known.keys()
        total = math.fsum(abs(book.weights[symbol]) for symbol in known)
        weighted = math.fsum(abs(book.weights[symbol]) * value for symbol, value in known.items())
        values[part] = weighted / total if total else None
    if all(value is None for value in values.values()):
        return None, tuple(sorted(lacking))
    vector = StabilityVector(**values, fragility_class=_class(values["fragility"], settings))
    return vector, tuple(sorted(lacking))


def _class(fragility: float | None, settings: FragilitySettings) -> str | None:
    if fragility is None:
        return None
    bounds = (settings.watch_from, settings.soft_from, settings.fragile_from)
    return FRAGILITY_CLASSES[sum(fragility >= bound for bound in bounds)]
