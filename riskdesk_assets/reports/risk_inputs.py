"""From tables and bars to what a risk report is a function of, for any portfolio and session of a range."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.money import TICKS_PER_DOLLAR, price_ticks
from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.settings import Config
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.reports.risk_measures import STABILITY_PARTS, UNKNOWN, NameFacts
from riskdesk_assets.reports.risk_report import RiskInputs
from riskdesk_assets.risk_model.arguments import Matrix
from riskdesk_assets.risk_model.covariance import Covariance, last_rows_padded, simple_returns
from riskdesk_assets.risk_model.estimators import MODEL_VERSIONS, covariances_of
from riskdesk_assets.risk_model.factors import FactorModel
from riskdesk_assets.risk_model.rows import models_of

NO_BARS, NOT_OVER = "no bars of those days", "its days are not over at this close"
"""Why a scenario of history has no shocks."""
POSITIONS, TARGETS, WHAT_IF = "desk_positions", "target_portfolios", "what-if"
OF_THE_SESSIONS = (
    POSITIONS,
    TARGETS,
    "instrument_state",
    "scenarios",
    "instrument_factors_daily",
    "factors_daily",
    "correlation_panels",
)
"""Tables read of the sessions themselves."""
OF_EARLIER_SESSIONS = ("desk_state", "engine_decisions")
"""Tables read of the sessions and of ``check_window`` before: the equity."""


@dataclass(frozen=True, eq=False)
class RiskSource:
    """Frames of a range of sessions, read once and cut by session.

    Attributes:
        panel: bars of at least the tradable names, reaching ``lookback_sessions`` back from the first session.
        config: the effective configuration.
        tables: rows of OF_THE_SESSIONS and OF_EARLIER_SESSIONS; rows of other sessions are left out.
        sessions: the sessions reports are wanted of, ascending.
        calendar: every session, ascending.
    """

    panel: Panel
    config: Config
    tables: Mapping[str, pl.DataFrame]
    sessions: Sequence[date]
    calendar: Sequence[date]

    def held(self, portfolio_id: str, session: date) -> Mapping[str, float] | None:
        """What a portfolio holds after a session, fractions of its nav; None for a mandate without a target that session."""
        if portfolio_id == self.config.desk.portfolio_id:
            return self._positions.get(session, {})
        return self._targets.get((portfolio_id, session))

    def inputs(self, portfolio_id: str, session: date, weights: Mapping[str, float] | None = None) -> RiskInputs:
        """What the report of a portfolio is a function of.

        Args:
            portfolio_id: one of the configuration's.
            session: one of ``sessions``.
            weights: of the book, fractions of the portfolio's nav; None for what it holds.

        Raises:
            InputError: no such portfolio.
            StateError: no covariance can be estimated.
        """
        portfolio = portfolio_of(self.config, portfolio_id)
        own = portfolio_id == self.config.desk.portfolio_id
        book = weights if weights is not None else self.held(portfolio_id, session) or {}
        facts = self._facts.get(session, {})
        unknown = NameFacts(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
        scenarios = self.config.scenarios.parametric
        moved = {each.scenario_id: (each.correlation_to_one, each.volatility_multiple) for each in scenarios}
        return RiskInputs(
            portfolio_id=portfolio_id,
            as_of_date=session,
            nav=nav_of(self.config, portfolio),
            weights=dict(sorted(book.items())),
            weights_source=WHAT_IF if weights is not None else POSITIONS if own else TARGETS,
            risk_model=MODEL_VERSIONS[portfolio.risk_model_id],
            covariance=self._covariances(portfolio.risk_model_id)[session],
            factor_model=self.models.get(session),
            history=self._history(session),
            history_symbols=self._names.symbols,
            names={**dict.fromkeys(sorted(book), unknown), **self._universe, **facts},
            shocks=self._shocks.get(session, {}),
            correlations={name: (share, times) for name, (share, times) in moved.items() if share and times},
            equity=self._equity(portfolio_id, session),
            settings=self.config.desk.risk_report,
            fragility=self.config.desk.features.fragility,
            min_coverage=self.config.desk.risk_model.min_coverage,
            proxied=self._proxied.get(session, {}),
            unpriced=self._unpriced(session),
        )

    @cached_property
    def models(self) -> dict[date, FactorModel]:
        """The factor model of each session, as its tables have it."""
        names = ("instrument_factors_daily", "factors_daily", "correlation_panels")
        exposures, factors, panels = (self.tables[name] for name in names)
        return models_of(exposures, factors, panels, self.sessions)

    def _covariances(self, model_id: str) -> dict[date, Covariance]:
        if model_id not in self._estimated:
            self._estimated[model_id] = covariances_of(model_id, self.panel, self.config, self.sessions, self.models)
        return self._estimated[model_id]

    @cached_property
    def _estimated(self) -> dict[str, dict[date, Covariance]]:
        return {}

    @cached_property
    def _names(self) -> Panel:
        return self.panel.select([symbol for symbol in self.panel.symbols if symbol in self.config.universe.symbols])

    @cached_property
    def _returns(self) -> Matrix:
        return simple_returns(self._names)

    @cached_property
    def _row(self) -> dict[date, int]:
        return {session: row for row, session in enumerate(self.panel.sessions)}

    def _history(self, session: date) -> Matrix:
        return last_rows_padded(self._returns, self._row[session], self.config.desk.risk_report.var_sessions)

    @cached_property
    def _positions(self) -> dict[date, dict[str, float]]:
        """Net weight per symbol: shares x price in integer ticks, then divided once."""
        ticks: dict[date, dict[str, int]] = {}
        rows = self.tables[POSITIONS].select("as_of_date", "symbol", "shares", "price")
        for session, symbol, shares, price in rows.iter_rows():
            day = ticks.setdefault(session, {})
            day[symbol] = day.get(symbol, 0) + shares * price_ticks(price)
        nav = self.config.desk.nav
        return {
            session: {symbol: value / TICKS_PER_DOLLAR / nav for symbol, value in sorted(day.items())}
            for session, day in ticks.items()
        }

    @cached_property
    def _targets(self) -> dict[tuple[str, date], dict[str, float]]:
        found: dict[tuple[str, date], dict[str, float]] = {}
        rows = self.tables[TARGETS].sort("portfolio_id", "as_of_date", "instrument_id", "model_id")
        columns = ("portfolio_id", "as_of_date", "instrument_id", "target_weight")
        for portfolio_id, session, symbol, weight in rows.select(columns).iter_rows():
            found.setdefault((portfolio_id, session), {})[symbol] = weight
        return found

    @cached_property
    def _universe(self) -> dict[str, NameFacts]:
        return {
            symbol: NameFacts(item.sector, item.industry_group, item.country, item.currency, item.fragility_class)
            for symbol, item in sorted(self.config.universe.symbols.items())
        }

    @cached_property
    def _facts(self) -> dict[date, dict[str, NameFacts]]:
        found: dict[date, dict[str, NameFacts]] = {}
        for row in self.tables["instrument_state"].sort("as_of_date", "symbol").iter_rows(named=True):
            place = self._universe.get(row["symbol"])
            if place is None:
                continue
            columns = {part: part if part == "fragility" else f"stability_{part}" for part in STABILITY_PARTS}
            found.setdefault(row["as_of_date"], {})[row["symbol"]] = NameFacts(
                place.sector,
                place.industry_group,
                place.country,
                place.currency,
                row["fragility_class"] or place.fragility_class,
                row["adv_20"],
                {part: row[column] for part, column in columns.items() if row[column] is not None},
            )
        return found

    @cached_property
    def _shocks(self) -> dict[date, dict[str, dict[str, float]]]:
        found: dict[date, dict[str, dict[str, float]]] = {}
        rows = self.tables["scenarios"].drop_nulls("shocked_return").sort("as_of_date", "scenario_id", "symbol")
        for session, scenario, symbol, shocked in rows.select(
            "as_of_date", "scenario_id", "symbol", "shocked_return"
        ).iter_rows():
            found.setdefault(session, {}).setdefault(scenario, {})[symbol] = shocked
        return found

    @cached_property
    def _proxied(self) -> dict[date, dict[str, set[str]]]:
        """Session -> scenario -> names whose shock is the mean of others."""
        found: dict[date, dict[str, set[str]]] = {}
        rows = self.tables["scenarios"].filter("proxied").select("as_of_date", "scenario_id", "symbol")
        for session, scenario, symbol in rows.iter_rows():
            found.setdefault(session, {}).setdefault(scenario, set()).add(symbol)
        return found

    def _unpriced(self, session: date) -> dict[str, str]:
        """Scenarios of history that no name has a shock of, and why."""
        priced = self._shocks.get(session, {})
        absent = [each for each in self.config.scenarios.historical if each.scenario_id not in priced]
        return {each.scenario_id: NOT_OVER if each.end > session else NO_BARS for each in absent}

    @cached_property
    def _equities(self) -> dict[str, dict[date, float]]:
        """Portfolio -> session -> equity of the desk in dollars; of a mandate the session's net P&L as a fraction of nav."""
        own = self.config.desk.portfolio_id
        found = {own: dict(self.tables["desk_state"].sort("as_of_date").select("as_of_date", "equity").iter_rows())}
        rows = self.tables["engine_decisions"].filter(pl.col("portfolio_id") != own).sort("as_of_date", "portfolio_id")
        for session, portfolio_id, pnl, cost in rows.select("as_of_date", "portfolio_id", "pnl", "cost").iter_rows():
            found.setdefault(portfolio_id, {})[session] = (pnl or 0.0) - (cost or 0.0)
        return found

    def _equity(self, portfolio_id: str, session: date) -> tuple[float, ...]:
        """Equity in dollars over the last ``check_window`` sessions; of a mandate, from its nav at the start of them."""
        days = sessions_before(self.calendar, session, self.config.desk.risk_report.check_window)
        known = self._equities.get(portfolio_id, {})
        values = [known[day] for day in days if day in known]
        if portfolio_id == self.config.desk.portfolio_id:
            return tuple(values)
        nav = nav_of(self.config, portfolio_of(self.config, portfolio_id))
        return tuple(nav * (1.0 + math.fsum(values[: place + 1])) for place in range(len(values)))


def sessions_before(calendar: Sequence[date], session: date, count: int) -> Sequence[date]:
    """The ``count`` sessions that end with ``session``, fewer at the calendar's start."""
    end = bisect_right(calendar, session)
    return calendar[max(end - count, 0) : end]


def portfolio_of(config: Config, portfolio_id: str) -> PortfolioConfig:
    """The portfolio of an id; InputError with the nearest for one nobody configured."""
    found = config.portfolios.get(portfolio_id)
    if found is None:
        message = f"{portfolio_id!r} is no portfolio{nearest(portfolio_id, config.portfolios)}"
        raise InputError(Problem("config/portfolios", None, "portfolio_id", message, ", ".join(sorted(config.portfolios))))
    return found


def nav_of(config: Config, portfolio: PortfolioConfig) -> float:
    """Dollars a weight of 1 stands for."""
    return config.desk.nav if portfolio.nav is None else portfolio.nav
