"""The risk reports of every portfolio and session as rows of portfolio_risk_reports and risk_contributions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date

import polars as pl

from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.reports.headroom import StandingBook, smallest_headroom
from riskdesk_assets.reports.risk_inputs import OF_EARLIER_SESSIONS, OF_THE_SESSIONS, RiskSource
from riskdesk_assets.reports.risk_report import RiskReport, risk_report
from riskdesk_assets.reports.standing_book import LIMIT_TABLES, StandingBooks

REPORTS, CONTRIBUTIONS = "portfolio_risk_reports", "risk_contributions"
RISK_TABLES = (*OF_THE_SESSIONS, *LIMIT_TABLES)
"""Tables the rows read of their own sessions; beside them OF_EARLIER_SESSIONS of ``check_window`` sessions before."""
EARLIER = OF_EARLIER_SESSIONS
_NUMBERS = ("var_99", "es_99", "gross", "net", "factor_share", "days_to_liquidate", "drawdown_current", "drawdown_realized")
Row = dict[str, object]


def risk_rows(
    panel: Panel, config: Config, tables: Mapping[str, pl.DataFrame], sessions: Sequence[date], calendar: Sequence[date]
) -> dict[str, pl.DataFrame]:
    """TABLES["portfolio_risk_reports"] and TABLES["risk_contributions"] of the sessions.

    The desk's portfolio has a report every session, of its positions; a mandate on sessions on which it has a target.

    Args:
        panel: bars reaching ``lookback_sessions`` back from the first session.
        config: the effective configuration.
        tables: rows of RISK_TABLES of the sessions, and of EARLIER with the sessions before.
        sessions: the sessions wanted, ascending.
        calendar: every session, ascending.

    Raises:
        StateError: no covariance can be estimated.
    """
    source = RiskSource(panel, config, tables, sessions, calendar)
    books = StandingBooks(config, tables, sessions)
    limits = _limit_summaries(config, tables)
    reports: list[Row] = []
    contributions: list[Row] = []
    for portfolio_id, portfolio in sorted(config.portfolios.items()):
        for session in sessions:
            held = source.held(portfolio_id, session)
            if held is None:
                continue
            inputs = source.inputs(portfolio_id, session)
            report = risk_report(inputs)
            if portfolio_id == config.desk.portfolio_id:
                book = books.of_desk(session)
            else:
                book = books.of_weights(portfolio, held, session, inputs.nav, inputs.covariance)
            reports.append(_report_row(report, limits.get((portfolio_id, session), {})))
            contributions.extend(_contribution_rows(report, book))
    return {REPORTS: TABLES[REPORTS].frame(reports), CONTRIBUTIONS: TABLES[CONTRIBUTIONS].frame(contributions)}


def report_metadata(report: RiskReport) -> dict[str, object]:
    """What the metadata column says beside the limits."""
    worst = report.worst_scenario
    return {
        "stability_vector": None if report.stability_vector is None else asdict(report.stability_vector),
        "weights_source": report.weights_source,
        "worst_scenario": None if worst is None else worst[0],
        "methods": report.methods,
        "missing": report.missing,
        "covered": report.covered,
        "notes": report.notes,
    }


def report_numbers(row: Mapping[str, str]) -> dict[str, float | str | None]:
    """The numbers of one row of portfolio_risk_reports that are worth a line over time."""
    metrics, scenarios = json.loads(row["risk_metrics"]), json.loads(row["scenario_pnl"])
    worst = json.loads(row["metadata"])["worst_scenario"]
    return {
        "ex_ante_vol": metrics.get("volatility"),
        **{name: metrics.get(name) for name in _NUMBERS},
        "worst_scenario": worst,
        "worst_scenario_pnl": scenarios.get(worst),
    }


def _report_row(report: RiskReport, limits: Mapping[str, object]) -> Row:
    return {
        "portfolio_id": report.portfolio_id,
        "as_of_date": report.as_of_date,
        "risk_metrics": canonical_json(report.risk_metrics),
        "exposures": canonical_json(report.exposures),
        "scenario_pnl": canonical_json(report.scenario_pnl),
        "model_id": report.model_id,
        "metadata": canonical_json(report_metadata(report) | {"limits": limits}),
    }


def _contribution_rows(report: RiskReport, book: StandingBook) -> list[Row]:
    rows: list[Row] = []
    for name in report.contributions:
        up, down = (smallest_headroom(book, name.symbol, side) for side in (1, -1))
        rows.append(
            {
                "as_of_date": report.as_of_date,
                "portfolio_id": report.portfolio_id,
                "instrument_id": name.symbol,
                "weight": name.weight,
                "marginal_volatility": name.marginal_volatility,
                "component_volatility": name.component_volatility,
                "marginal_var_99": name.marginal_var_99,
                "component_var_99": name.component_var_99,
                "component_es_99": name.component_es_99,
                "component_var_99_historical": name.component_var_99_historical,
                "component_es_99_historical": name.component_es_99_historical,
                "factor_share": name.factor_share,
                "days_to_liquidate": name.days_to_liquidate,
                "headroom_up": up[0],
                "headroom_down": down[0],
                "headroom_up_limit": up[1],
                "headroom_down_limit": down[1],
            }
        )
    return rows


def _limit_summaries(config: Config, tables: Mapping[str, pl.DataFrame]) -> dict[tuple[str, date], dict[str, object]]:
    """Per portfolio and session: the limit of each family that is used most, the prices of those that bind, and the counts."""
    columns = ["as_of_date", "portfolio_id", "limit_name", "family", "utilization", "status", "price_of_limit"]
    own = tables["limit_audit"].with_columns(portfolio_id=pl.lit(config.desk.portfolio_id))
    rows = pl.concat([own.select(columns), tables["portfolio_limits"].select(columns)]).sort(columns[:3])
    found: dict[tuple[str, date], dict[str, object]] = {}
    for (portfolio_id, session), limits in rows.partition_by("portfolio_id", "as_of_date", as_dict=True).items():
        # No utilization: something is measured under a bound of 0, which is more than any share.
        used = limits.sort(pl.col("utilization").is_null(), "utilization", "limit_name", descending=[True, True, False])
        most = used.unique("family", keep="first", maintain_order=True)
        found[portfolio_id, session] = {
            "families": {row["family"]: [row["limit_name"], row["utilization"]] for row in most.iter_rows(named=True)},
            "prices": dict(limits.drop_nulls("price_of_limit").select("limit_name", "price_of_limit").iter_rows()),
            "amber": limits.filter(pl.col("status") == "AMBER").height,
            "breaches": limits.filter(pl.col("status") == "BREACH").height,
            "measured": limits.height,
        }
    return found
