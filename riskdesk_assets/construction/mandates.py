"""The research mandates, walked like the desk: each session's target weights from yesterday's, its scores and its limits.

Pure, and apart from the desk day: nothing here reaches a ticket, the ideal portfolio or the blotter (design.md section 1).
A mandate that cannot be met keeps the weights it has, as the session's returns left them, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.book_risk import ReturnHistory, book_risk
from riskdesk_assets.construction.facts import facts_by_session
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.mandate_rows import MandateDay, mandate_rows
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.features.windows import Array
from riskdesk_assets.limits.fact_limits import NO_FACTS, SessionFacts
from riskdesk_assets.limits.limit import Limit
from riskdesk_assets.limits.mandate_limits import mandate_limits
from riskdesk_assets.market.history import History
from riskdesk_assets.optimizer.portfolio_problem import PortfolioProblem, PortfolioSolution, factor_form, solve_portfolio
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_assets.risk_model.estimators import FACTOR, covariances_of
from riskdesk_assets.risk_model.factors import FactorModel
from riskdesk_assets.risk_model.rows import models_of

MANDATE_TABLES = ("target_portfolios", "engine_decisions", "portfolio_limits")
Weights = dict[str, float]


@dataclass(frozen=True, eq=False)
class MandateInputs:
    """Frames of the sessions to walk, and the weights they start from.

    ``run_ids`` are the desk's own per session. ``history``: returns of the tradable names. ``printed``: names with a usable
    bar, per session. ``covariances``: risk_model_id -> session -> covariance; ``models`` the factor models. ``facts``:
    what limits are about. ``scores`` and ``states``: rows of instrument_scores and instrument_state. ``targets`` and
    ``decisions``: rows of target_portfolios and engine_decisions of the session before the first.
    """

    config: Config
    sessions: Sequence[date]
    run_ids: Mapping[date, str]
    history: ReturnHistory
    printed: Mapping[date, frozenset[str]]
    covariances: Mapping[str, Mapping[date, Covariance]]
    models: Mapping[date, FactorModel]
    facts: Mapping[date, SessionFacts]
    scores: pl.DataFrame
    states: pl.DataFrame
    targets: pl.DataFrame
    decisions: pl.DataFrame


def walk_mandates(
    inputs: MandateInputs, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, pl.DataFrame]:
    """Every session of every research mandate in order, as rows of MANDATE_TABLES.

    A mandate without a decision on the session before starts from no book: turnover then has no limit, for there is nothing
    to turn over.

    Args:
        inputs: frames, configuration and starting weights.
        progress: told (sessions done, sessions in all) after each one.
    """
    rows: dict[str, list[dict[str, object]]] = {table: [] for table in MANDATE_TABLES}
    for day in mandate_days(inputs, progress):
        for table, found in mandate_rows(day, inputs.config).items():
            rows[table].extend(found)
    return {table: TABLES[table].frame(found) for table, found in rows.items()}


def mandate_days(
    inputs: MandateInputs, progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[MandateDay]:
    """Every session of every research mandate in order: what ``walk_mandates`` makes rows of.

    Args:
        inputs: frames, configuration and starting weights.
        progress: told (sessions done, sessions in all) after each one.
    """
    mandates = inputs.config.mandates
    sources = MandateSources.of(inputs.config, inputs.scores, inputs.states)
    held = {mandate.portfolio_id: _starting_weights(inputs, mandate.portfolio_id) for mandate in mandates}
    for place, session in enumerate(inputs.sessions, start=1):
        for mandate in mandates:
            day = _day(mandate, session, held[mandate.portfolio_id], inputs, sources)
            held[mandate.portfolio_id] = dict(day.weights)
            yield day
        progress(place, len(inputs.sessions))


@dataclass(frozen=True)
class MandateSources:
    """Scores, traded volumes (``adv``, dollars) and daily volatilities by session, and what trading costs."""

    config: Config
    scores: Mapping[tuple[date, str], Mapping[str, float]]
    adv: Mapping[date, Mapping[str, float]]
    volatility: Mapping[date, Mapping[str, float]]
    cost_rates: Mapping[str, float]

    @classmethod
    def of(cls, config: Config, scores: pl.DataFrame, states: pl.DataFrame) -> MandateSources:
        """Rows of instrument_scores and instrument_state, cut by session."""
        by_day: dict[tuple[date, str], dict[str, float]] = {}
        ordered = scores.sort(TABLES["instrument_scores"].key)
        columns = ("as_of_date", "portfolio_id", "instrument_id", "expected_return")
        for session, portfolio_id, symbol, expected in ordered.select(columns).iter_rows():
            by_day.setdefault((session, portfolio_id), {})[symbol] = 0.0 if expected is None else expected
        adv: dict[date, dict[str, float]] = {}
        volatility: dict[date, dict[str, float]] = {}
        known = states.sort("as_of_date", "symbol").select("as_of_date", "symbol", "adv_20", "vol_20")
        for session, symbol, traded, annual in known.iter_rows():
            if traded is not None and traded > 0:
                adv.setdefault(session, {})[symbol] = traded
            if annual is not None:
                volatility.setdefault(session, {})[symbol] = annual / SESSIONS_A_YEAR**0.5
        return cls(config, by_day, adv, volatility, desk_context(config).cost_rates)

    def trading_costs(self, mandate: PortfolioConfig, session: date, symbols: Sequence[str]) -> tuple[Array, Array]:
        """One-way cost of changing weights by z, rate'|z| + impact'|z|^1.5, both of shape (n,), fractions of nav.

        A name without a traded volume has no impact.
        """
        traded, daily = self.adv.get(session, {}), self.volatility.get(session, {})
        adv = np.array([traded.get(symbol, np.inf) for symbol in symbols])
        moves = np.array([daily.get(symbol, 0.0) for symbol in symbols])
        impact = self.config.desk.cost_models[mandate.cost_model_id].impact
        rates = np.array([self.cost_rates[symbol] for symbol in symbols])
        return rates, impact * moves * np.sqrt(mandate.own_nav / adv)


def _starting_weights(inputs: MandateInputs, portfolio_id: str) -> Weights:
    """Yesterday's weights; none where the mandate was not decided yesterday."""
    if inputs.decisions.filter(pl.col("portfolio_id") == portfolio_id).is_empty():
        return {}
    rows = inputs.targets.filter(pl.col("portfolio_id") == portfolio_id).sort("instrument_id")
    return dict(rows.select("instrument_id", "target_weight").iter_rows())


def _day(
    mandate: PortfolioConfig, session: date, before: Weights, inputs: MandateInputs, sources: MandateSources
) -> MandateDay:
    pnl, drifted = _drifted(before, _returns(inputs.history, session))
    universe = _universe(mandate, session, inputs, sources)
    left = tuple(symbol for symbol in sorted(drifted) if symbol not in universe)
    covariance = _covariance(mandate, session, inputs)
    scores = sources.scores.get((session, mandate.portfolio_id))
    limits: tuple[Limit, ...] = ()
    solution: PortfolioSolution | None = None
    if covariance is None or not universe:
        status, reason = "NO_UNIVERSE", "no name of its markets has a bar, a place in the risk model and a traded volume"
    else:
        limits = mandate_limits(
            inputs.config,
            mandate,
            inputs.facts.get(session, NO_FACTS),
            adv={symbol: sources.adv[session][symbol] for symbol in universe},
            covariance=covariance,
            has_book=bool(drifted),
        )
        status, reason = "NO_SCORES", "it has no scores: no pair has a z-score, or its file cannot be used"
    if limits and scores is not None:
        solution = solve_portfolio(_problem(mandate, session, drifted, universe, inputs, sources, scores, limits))
        status, reason = solution.status, solution.reason
    answered = solution is not None and bool(solution.weights)
    weights = _kept(solution.weights) if solution is not None and answered else drifted
    return MandateDay(
        mandate=mandate,
        session=session,
        run_id=inputs.run_ids[session],
        status=status,
        reason=reason if answered or not drifted else f"{reason}; yesterday's weights stand",
        solution=solution,
        weights=weights,
        before=drifted,
        limits=limits,
        left=left if answered else (),
        universe=universe,
        pnl=pnl,
        risk=book_risk(weights, session, covariance, inputs.history, inputs.config.desk.risk_report),
    )


def _returns(history: ReturnHistory, session: date) -> Weights:
    """Each name's simple return of the session; a name without one stays where it is."""
    row = history.returns[history.rows[session]]
    return {symbol: float(row[column]) for symbol, column in history.columns.items() if np.isfinite(row[column])}


def _drifted(weights: Weights, returns: Mapping[str, float]) -> tuple[float, Weights]:
    """P&L of yesterday's weights as a fraction of nav, and what they have become as fractions of the nav after it."""
    moved = {symbol: weight * (1.0 + returns.get(symbol, 0.0)) for symbol, weight in sorted(weights.items())}
    pnl = sum(moved[symbol] - weights[symbol] for symbol in moved)
    return pnl, {symbol: value / (1.0 + pnl) for symbol, value in moved.items() if value}


def _universe(mandate: PortfolioConfig, session: date, inputs: MandateInputs, sources: MandateSources) -> tuple[str, ...]:
    """Names of the mandate's markets that can be traded and measured today; the others are sold at their last print."""
    printed, covariance = inputs.printed.get(session, frozenset()), _covariance(mandate, session, inputs)
    covered = frozenset(covariance.symbols) if covariance is not None else frozenset()
    known = sources.adv.get(session, {})
    return tuple(
        symbol
        for symbol in inputs.config.universe.tradable
        if inputs.config.universe.symbols[symbol].country in mandate.markets
        and symbol in printed
        and symbol in covered
        and symbol in known
    )


def _covariance(mandate: PortfolioConfig, session: date, inputs: MandateInputs) -> Covariance | None:
    found = inputs.covariances[mandate.risk_model_id].get(session)
    return found if found is not None and found.symbols else None


def _problem(
    mandate: PortfolioConfig,
    session: date,
    drifted: Weights,
    universe: tuple[str, ...],
    inputs: MandateInputs,
    sources: MandateSources,
    scores: Mapping[str, float],
    limits: tuple[Limit, ...],
) -> PortfolioProblem:
    desk = inputs.config.desk
    nav, sessions = mandate.own_nav, mandate.cost_horizon_sessions
    exposures, factor_covariance, specific = _factors(mandate, session, universe, inputs)
    rates, impact = sources.trading_costs(mandate, session, universe)
    return PortfolioProblem(
        symbols=universe,
        nav=nav,
        expected_return=np.array([scores.get(symbol, 0.0) for symbol in universe]),
        exposures=exposures,
        factor_covariance=factor_covariance,
        specific_variance=specific,
        previous=np.array([drifted.get(symbol, 0.0) for symbol in universe]),
        cost_rate=rates / sessions,
        impact=impact / sessions,
        risk_aversion=mandate.risk_aversion_lambda,
        optimizer_type=mandate.optimizer_type,
        kind=mandate.research_kind,
        limits=limits,
        softening={str(family): place for family, place in mandate.softening.items()},
        objective_scale=desk.optimizer.objective_scale,
        accept_violation_nav=desk.optimizer.accept_violation_nav,
    )


def _factors(
    mandate: PortfolioConfig, session: date, universe: tuple[str, ...], inputs: MandateInputs
) -> tuple[Array, Array, Array]:
    """B, F and D of the names, from the factor model or from the root of a covariance without factors."""
    if mandate.risk_model_id != FACTOR:
        return factor_form(inputs.covariances[mandate.risk_model_id][session], universe)
    model = inputs.models[session]
    rows = [model.symbols.index(symbol) for symbol in universe]
    return model.exposures[rows], model.factor_covariance, model.specific_variance[rows]


def _kept(weights: Mapping[str, float]) -> Weights:
    return {symbol: weight for symbol, weight in sorted(weights.items()) if weight != 0.0}


def printed_names(usable: pl.DataFrame, sessions: Sequence[date]) -> dict[date, frozenset[str]]:
    """Names with a usable bar, per session."""
    days: dict[date, set[str]] = {session: set() for session in sessions}
    wanted = usable.filter(pl.col("as_of_date").is_in(list(sessions)))
    for symbol, session in wanted.select("symbol", "as_of_date").iter_rows():
        days[session].add(symbol)
    return {session: frozenset(names) for session, names in days.items()}


def mandate_inputs(
    history: History,
    panel: Panel,
    config: Config,
    tables: Mapping[str, pl.DataFrame],
    *,
    run_ids: Mapping[date, str],
    prior: Mapping[str, pl.DataFrame],
) -> MandateInputs:
    """Gather what a walk of the mandates over the history's sessions needs.

    Args:
        history: bars with their lookback.
        panel: the same bars, aligned (all watched symbols).
        config: the effective configuration.
        tables: rows of the sessions, for every name in WALK_TABLES.
        run_ids: the desk's run id of every session.
        prior: rows of target_portfolios and engine_decisions before the first session; those of the session before count.
    """
    first, names = history.first, panel.select(config.universe.tradable)
    before = history.calendar.before(first)
    factors = (tables["instrument_factors_daily"], tables["factors_daily"], tables["correlation_panels"])
    models = models_of(*factors, history.wanted) if config.mandates else {}
    wanted = {mandate.risk_model_id for mandate in config.mandates}
    return MandateInputs(
        config=config,
        sessions=history.wanted,
        run_ids=run_ids,
        history=ReturnHistory.of(names),
        printed=printed_names(history.usable, history.wanted),
        covariances={item: covariances_of(item, panel, config, history.wanted, models) for item in sorted(wanted)},
        models=models,
        facts=facts_by_session(factors[0], tables["instrument_state"], tables["scenarios"], history.wanted),
        scores=tables["instrument_scores"],
        states=tables["instrument_state"],
        targets=prior["target_portfolios"].filter(pl.col("as_of_date") == before),
        decisions=prior["engine_decisions"].filter(pl.col("as_of_date") == before),
    )
