"""Document 001's PortfolioEngine: target portfolios and risk reports of any portfolio and session, computed on demand.

It reads what the warehouse holds of the session (``riskdesk run`` makes it) and writes nothing. The numbers are those of the
assets: the same functions, from the same tables.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.sessions import calendar_end, load_calendar
from riskdesk_assets.common.settings import Paths, load_config, load_paths
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.common.version import code_version
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.construction.mandates import mandate_inputs, walk_mandates
from riskdesk_assets.construction.prepare import WALK_TABLES, walk_inputs
from riskdesk_assets.construction.start import starting_state
from riskdesk_assets.construction.walk import walk
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.market.history import read_history
from riskdesk_assets.reports.risk_inputs import portfolio_of
from riskdesk_assets.reports.risk_reading import stored_risk, stored_session
from riskdesk_assets.reports.risk_report import RiskReport

_NUMBERS = ("expected_return", "cost", "turnover", "var_95", "var_99", "pnl")


@dataclass(frozen=True)
class TargetPortfolio:
    """Document 001 section 4.1; weights, returns and volatilities are fractions of the portfolio's nav, per day.

    ``constraints_status`` maps each limit to whether it binds. ``metadata`` holds numbers: cost and turnover of getting
    there, and ``price:<limit>``, the dollars of objective a day that one more dollar of a binding limit is worth. ``status``
    and ``reason`` say whether the weights are the optimizer's (RELEASED, OPTIMAL, SOFTENED) or yesterday's, and why.
    """

    portfolio_id: str
    as_of_date: date
    weights: dict[str, float]
    expected_return: float
    expected_volatility: float
    risk_metrics: dict[str, float]
    factor_exposures: dict[str, float]
    constraints_status: dict[str, bool]
    metadata: dict[str, float]
    model_id: str = ""
    status: str = ""
    reason: str = ""


class PortfolioEngine:
    """Portfolio construction and risk evaluation (document 001 section 6)."""

    def __init__(self, paths: Paths | None = None, environ: Mapping[str, str] | None = None) -> None:
        """Use the desk of these paths and environment; by default the process's own (DATA_DIR, RISKDESK_CONFIG_DIR, ...).

        Raises:
            InputError: the configuration is unusable.
        """
        variables = os.environ if environ is None else environ
        self._paths = load_paths(variables) if paths is None else paths
        self._config = load_config(self._paths, variables)
        self._warehouse = Warehouse(self._paths.warehouse)
        self._calendar = load_calendar(self._paths.data / "calendar", calendar_end(datetime.now(UTC)))

    def optimize(self, portfolio_id: str, as_of_date: date) -> TargetPortfolio:
        """Target weights under the session's signals and limits, computed from the state of the session before.

        Args:
            portfolio_id: the desk's own portfolio or a research mandate, by its id in config/portfolios.
            as_of_date: a session the desk has computed.

        Raises:
            InputError: no such portfolio.
            StateError: the desk has no tables of the session, or no state of the one before it.
        """
        portfolio = portfolio_of(self._config, portfolio_id)
        frames = self._walked(stored_session(self._warehouse, as_of_date), own=portfolio.kind == "pairs")
        ours = {name: frame.filter(pl.col("portfolio_id") == portfolio_id) for name, frame in frames.items()}
        row = ours["engine_decisions"].row(0, named=True)
        targets = ours["target_portfolios"].sort("instrument_id")
        weights = dict(targets.select("instrument_id", "target_weight").iter_rows())
        report = self.risk_report(portfolio_id, as_of_date, weights)
        prices = json.loads(row["metadata"])["prices"]
        return TargetPortfolio(
            portfolio_id=portfolio_id,
            as_of_date=as_of_date,
            weights=weights,
            expected_return=row["expected_return"] or 0.0,
            expected_volatility=report.risk_metrics.get("volatility", row["expected_volatility"] or 0.0),
            risk_metrics=report.risk_metrics,
            factor_exposures={
                name.removeprefix("factor:"): value for name, value in report.exposures.items() if name.startswith("factor:")
            },
            constraints_status=json.loads(row["constraints_status"]),
            metadata={name: row[name] for name in _NUMBERS if row[name] is not None}
            | {f"price:{name}": price for name, price in sorted(prices.items())},
            model_id=row["model_id"],
            status=row["status"],
            reason=row["reason"],
        )

    def risk_report(self, portfolio_id: str, as_of_date: date, weights: dict[str, float] | None = None) -> RiskReport:
        """The risk of a portfolio at a close.

        Args:
            portfolio_id: as in ``optimize``.
            as_of_date: a session the desk has computed.
            weights: symbol -> fraction of nav; None for what the portfolio holds after the session (the desk's positions, a
                mandate's targets).

        Raises:
            InputError: no such portfolio; a weight of a name that is not in the universe.
            StateError: the desk has not computed the session.
        """
        session = stored_session(self._warehouse, as_of_date)
        stored = stored_risk(self._paths, self._calendar, self._config, self._warehouse, session)
        return stored.report(portfolio_id, weights)

    def _walked(self, session: date, *, own: bool) -> dict[str, pl.DataFrame]:
        """target_portfolios and engine_decisions of one session, computed again: the desk's, or the mandates'."""
        config, warehouse, calendar = self._config, self._warehouse, self._calendar
        before = calendar.before(session)
        history = read_history(self._paths, calendar, config, session, session)
        panel = panel_of(history, config)
        tables = warehouse.read_all(WALK_TABLES, session, session)
        with single_threaded():
            if own:
                start = starting_state(warehouse.read("desk_state", None, before), calendar, session)
                inputs = walk_inputs(history, panel, config, tables, start=start, code_version=code_version())
                frames = dict(walk(inputs).frames)
            else:
                states = warehouse.read("desk_state", session, session)
                if states.is_empty():
                    raise StateError(f"the desk has no state of {session}")
                beside = mandate_inputs(
                    history,
                    panel,
                    config,
                    tables,
                    run_ids={session: str(states["run_id"][0])},
                    prior=warehouse.read_all(("target_portfolios", "engine_decisions"), before, before),
                )
                frames = walk_mandates(beside)
        return {name: frames[name] for name in ("target_portfolios", "engine_decisions")}
