"""The risk report on real bars: the whole of it for a plain pair of banks, and no number that cannot be."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.features.panel import build_panel
from riskdesk_assets.reports.risk_inputs import OF_EARLIER_SESSIONS, OF_THE_SESSIONS, RiskSource
from riskdesk_assets.reports.risk_report import risk_report
from riskdesk_assets.risk_model.factors import factor_models
from riskdesk_assets.risk_model.rows import correlation_panels, factors_daily, instrument_factors_daily
from riskdesk_tests.desk_builder import calendar, desk_config

CRASH = date(2020, 3, 23)
CALM = date(2019, 12, 16)


def source(folder: Path, session: date) -> RiskSource:
    config = desk_config()
    start = calendar().before(session, config.desk.features.lookback_sessions)
    bars = pl.read_parquet(folder / "bank_bars_2015_2025.parquet")
    bars = bars.rename({"date": "as_of_date"}) if "date" in bars.columns else bars
    bars = bars.with_columns(pl.col("as_of_date").cast(pl.Date)).filter(pl.col("as_of_date").is_between(start, session))
    present = [symbol for symbol in config.universe.tradable if symbol in set(bars["symbol"])]
    panel = build_panel(bars, calendar().between(start, session), config.universe.tradable)
    assert len(present) > 10
    models = list(factor_models(panel, config, [session]))
    tables = {name: TABLES[name].frame([]) for name in (*OF_THE_SESSIONS, *OF_EARLIER_SESSIONS)}
    tables |= {
        "instrument_factors_daily": instrument_factors_daily(models),
        "factors_daily": factors_daily(models),
        "correlation_panels": correlation_panels(models),
    }
    return RiskSource(panel, config, tables, (session,), calendar().sessions)


def test_the_crash_of_march_2020_is_in_the_numbers_and_in_their_order(real_bars_dir: Path) -> None:
    weights = {"JPM": 0.2, "BAC": -0.2}
    crash, calm = (risk_report(source(real_bars_dir, day).inputs("bank_pairs", day, weights)) for day in (CRASH, CALM))
    for report in (crash, calm):
        assert all(map(math.isfinite, report.risk_metrics.values()))
        assert report.methods["historical_observations"] == 500
        assert "covariance" not in report.missing
        parts = [name.component_volatility or 0.0 for name in report.contributions]
        assert math.isclose(math.fsum(parts), report.risk_metrics["volatility"], rel_tol=1e-9)
    for name in ("volatility", "var_99_historical", "es_99_historical", "es_99_monte_carlo", "specific_volatility"):
        assert crash.risk_metrics[name] > calm.risk_metrics[name], name
    # Long JPM and short BAC for a fifth of NAV each: a fifth of their spread's volatility, which is a percent or two a day.
    assert 0.001 < calm.risk_metrics["volatility"] < 0.005
