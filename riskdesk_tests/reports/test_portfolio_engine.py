"""PortfolioEngine on a desk that has run: the same numbers as the assets', and nothing written."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from riskdesk_assets import PortfolioEngine
from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_tests.desk_builder import sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, make_desk, run

DAYS = sessions_from(date(2026, 3, 2), 3)
PORTFOLIOS = ("bank_pairs", "bank_long_only", "bank_market_neutral")


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> DeskFolder:
    desk = make_desk(tmp_path_factory.mktemp("engine") / "desk")
    ended = run(desk, DAYS[0], DAYS[-1])
    assert ended.success, ended.errors
    return desk


@pytest.fixture(scope="module")
def engine(walked: DeskFolder) -> PortfolioEngine:
    return PortfolioEngine(walked.paths, walked.environ)


def stored(desk: DeskFolder, table: str, portfolio_id: str, session: date) -> pl.DataFrame:
    return desk.warehouse.read(table, session, session).filter(pl.col("portfolio_id") == portfolio_id)


@pytest.mark.parametrize("portfolio_id", PORTFOLIOS)
@pytest.mark.parametrize("session", DAYS[1:])
def test_optimize_gives_the_target_the_desk_released(
    walked: DeskFolder, engine: PortfolioEngine, portfolio_id: str, session: date
) -> None:
    target = engine.optimize(portfolio_id, session)
    rows = stored(walked, "target_portfolios", portfolio_id, session)
    assert target.weights == dict(rows.select("instrument_id", "target_weight").iter_rows())
    decided = stored(walked, "engine_decisions", portfolio_id, session).row(0, named=True)
    assert (target.status, target.model_id, target.reason) == (decided["status"], decided["model_id"], decided["reason"])
    assert target.constraints_status == json.loads(decided["constraints_status"])
    assert {name for name, binds in target.constraints_status.items() if binds} == {
        name.removeprefix("price:") for name in target.metadata if name.startswith("price:")
    }


def test_eight_banks_at_twelve_percent_are_no_whole_portfolio_and_the_answer_says_so(engine: PortfolioEngine) -> None:
    target = engine.optimize("bank_long_only", DAYS[-1])
    assert (target.status, target.weights) == ("INFEASIBLE", {})
    assert "name:" in target.reason
    assert "0.12" in target.reason
    with pytest.raises(StateError, match="bank_long_only has no target portfolio"):
        engine.risk_report("bank_long_only", DAYS[-1])


@pytest.mark.parametrize("portfolio_id", ["bank_pairs", "bank_market_neutral"])
def test_the_risk_report_is_the_stored_one(walked: DeskFolder, engine: PortfolioEngine, portfolio_id: str) -> None:
    report = engine.risk_report(portfolio_id, DAYS[-1])
    row = stored(walked, "portfolio_risk_reports", portfolio_id, DAYS[-1]).row(0, named=True)
    assert report.risk_metrics == json.loads(row["risk_metrics"])
    assert report.scenario_pnl == json.loads(row["scenario_pnl"])


def test_weights_of_ones_own_are_reported_and_nothing_is_written(walked: DeskFolder, engine: PortfolioEngine) -> None:
    before = walked.digests()
    report = engine.risk_report("bank_pairs", DAYS[-1], {"JPM": 0.1, "BAC": -0.1})
    assert report.risk_metrics["gross"] == pytest.approx(0.2)
    assert report.risk_metrics["net"] == pytest.approx(0.0)
    assert report.scenario_pnl["banks_down_20"] == pytest.approx(0.0, abs=1e-15)
    engine.optimize("bank_pairs", DAYS[-1])
    assert walked.digests() == before


def test_an_unknown_portfolio_and_a_session_nobody_computed_are_refused_by_name(engine: PortfolioEngine) -> None:
    with pytest.raises(InputError, match="bank_pair' is no portfolio; did you mean 'bank_pairs'"):
        engine.optimize("bank_pair", DAYS[-1])
    with pytest.raises(StateError, match="there is no book of 2026-06-01"):
        engine.risk_report("bank_pairs", date(2026, 6, 1))


def test_a_weight_of_a_name_nobody_knows_is_refused_and_not_reported_as_no_risk(engine: PortfolioEngine) -> None:
    with pytest.raises(InputError, match=r"JPX: is not in the universe; did you mean 'JPM'"):
        engine.risk_report("bank_pairs", DAYS[-1], {"JPX": 0.1, "BAC": -0.1})
