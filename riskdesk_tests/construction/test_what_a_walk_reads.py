"""What a session's numbers follow from beyond bars and tickets: facts, scores, the risk model; and what it says of risk."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.errors import ReleaseError
from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.book_risk import BookRisk, ReturnHistory, book_risk
from riskdesk_assets.construction.rows import joined
from riskdesk_assets.construction.state import GENESIS, DeskState
from riskdesk_assets.construction.walk import Walk, walk
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.features.panel import build_panel
from riskdesk_assets.limits.fact_limits import NO_FACTS
from riskdesk_assets.limits.limit import net_by_symbol
from riskdesk_assets.risk_model.factors import factor_models
from riskdesk_assets.risk_model.rows import correlation_panels, factors_daily, instrument_factors_daily
from riskdesk_tests.desk_builder import (
    changed,
    desk_config,
    flat_covariance,
    history_of_bars,
    inputs_of,
    sample_bars,
    sessions_from,
    shipped_tickets,
    snapshots_of,
)

DAYS = sessions_from(date(2026, 3, 2), 6)
CONFIG = changed(desk_config(), "desk.controller.entry_z", 0.6)
FACTOR = changed(CONFIG, "portfolios.bank_pairs.risk_model_id", "factor")
Tables = dict[str, pl.DataFrame]


def risk_tables(config: Config, first: date, last: date) -> Tables:
    history = history_of_bars(config, first, last)
    models = list(factor_models(panel_of(history, config), config, history.wanted))
    return {
        "instrument_factors_daily": instrument_factors_daily(models),
        "factors_daily": factors_daily(models),
        "correlation_panels": correlation_panels(models),
    }


def scenarios(session: date, size: float = -0.2) -> pl.DataFrame:
    common = {"as_of_date": session, "scenario_id": "banks_down_20", "kind": "PARAMETRIC", "proxied": False, "note": ""}
    return TABLES["scenarios"].frame([{**common, "symbol": name, "shocked_return": size} for name in ("BAC", "JPM")])


def walked(config: Config, first: date, last: date, tables: Tables | None = None, start: DeskState = GENESIS) -> Walk:
    return walk(inputs_of(config, snapshots_of(shipped_tickets(), DAYS), first, last, start=start, tables=tables))


@cache
def by_factor() -> Walk:
    return walked(FACTOR, DAYS[0], DAYS[-1], risk_tables(FACTOR, DAYS[0], DAYS[-1]))


@cache
def by_ledoit_wolf() -> Walk:
    return walked(CONFIG, DAYS[0], DAYS[-1])


def digests(frames: Tables, session: date) -> dict[str, str]:
    return {
        name: digest_frame(frame.filter(pl.col("as_of_date") == session), TABLES[name].key) for name, frame in frames.items()
    }


def test_facts_are_cut_by_session_without_the_specific_factor_and_without_what_moves_nothing() -> None:
    tables = risk_tables(CONFIG, DAYS[0], DAYS[1])
    blank = scenarios(DAYS[0]).with_columns(scenario_id=pl.lit("correlation_to_one"), shocked_return=pl.lit(None, pl.Float64))
    given = {**tables, "scenarios": pl.concat([scenarios(DAYS[0]), blank])}
    found = inputs_of(CONFIG, shipped_tickets(), DAYS[0], DAYS[2], tables=given).facts
    assert found[DAYS[0]].scenario_returns == {"banks_down_20": {"BAC": -0.2, "JPM": -0.2}}
    assert found[DAYS[1]].scenario_returns == {}
    assert "specific" not in found[DAYS[1]].exposures
    assert set(found[DAYS[1]].exposures["market"]) == set(CONFIG.universe.tradable)
    assert found[DAYS[2]] is NO_FACTS
    turned = inputs_of(
        CONFIG, shipped_tickets(), DAYS[0], DAYS[2], tables={name: frame.reverse() for name, frame in given.items()}
    )
    assert json.dumps(vars(turned.facts[DAYS[0]])) == json.dumps(vars(found[DAYS[0]]))


def test_other_facts_or_scores_are_another_run_and_only_from_their_session_on() -> None:
    ids = by_ledoit_wolf().frames["desk_state"]["run_id"].to_list()
    score = {"as_of_date": DAYS[3], "portfolio_id": "bank_long_only", "instrument_id": "JPM", "score": 1.0}
    scores = TABLES["instrument_scores"].frame([{**score, "confidence": 0.5, "expected_return": 0.0, "source": "file"}])
    for tables in ({"scenarios": scenarios(DAYS[3], -0.01)}, {"instrument_scores": scores}):
        other = walked(CONFIG, DAYS[0], DAYS[-1], tables).frames["desk_state"]["run_id"].to_list()
        assert [one == two for one, two in zip(ids, other, strict=True)] == [True] * 3 + [False] * 3


def test_the_portfolio_names_its_risk_model_and_a_day_alone_is_the_day_of_the_range() -> None:
    models = {walk.frames["target_portfolios"]["model_id"].unique().item() for walk in (by_factor(), by_ledoit_wolf())}
    assert models == {"ticket_qp_factor_1", "ticket_qp_ledoit_wolf_1"}
    found, other = (done.frames["desk_state"]["ex_ante_volatility"] for done in (by_factor(), by_ledoit_wolf()))
    assert found.null_count() == 0
    assert not found.equals(other)
    for place in (1, 4):
        session, before = DAYS[place], by_factor().days[place - 1].state
        alone = walked(FACTOR, session, session, risk_tables(FACTOR, session, session), before)
        assert digests(dict(alone.frames), session) == digests(dict(by_factor().frames), session)


def test_another_row_of_the_factor_model_is_another_run() -> None:
    tables = risk_tables(FACTOR, DAYS[0], DAYS[0])
    wilder = tables["factors_daily"].with_columns(pl.col("factor_volatility") * 1.5)
    one = walked(FACTOR, DAYS[0], DAYS[0], tables).days[0].run_id
    assert one != walked(FACTOR, DAYS[0], DAYS[0], {**tables, "factors_daily": wilder}).days[0].run_id


def test_the_state_says_what_the_book_made_and_may_lose() -> None:
    history, nav = ReturnHistory.of(panel_of(history_of_bars(CONFIG, DAYS[0], DAYS[-1]), CONFIG)), CONFIG.desk.nav
    rows = by_ledoit_wolf().frames["desk_state"].to_dicts()
    assert any(row["var_99"] > row["var_95"] > 0 for row in rows)
    for row, day in zip(rows, by_ledoit_wolf().days, strict=True):
        assert row["pnl_gross"] == day.pnl_gross_cents / 100
        weights = {symbol: ticks / TICKS_PER_DOLLAR / nav for symbol, ticks in net_by_symbol(day.state.legs).items()}
        last = history.rows[day.session]
        returns = history.returns[last - 499 : last + 1]
        pnl = returns[:, [history.columns[symbol] for symbol in weights]] @ np.array(list(weights.values()))
        losses = np.sort(-pnl[np.isfinite(pnl)])[::-1] if weights else np.zeros(500)
        assert (row["var_95"], row["var_99"]) == (pytest.approx(losses[24], abs=1e-15), pytest.approx(losses[4], abs=1e-15))


def test_a_book_of_a_name_with_too_short_a_history_has_no_var_and_one_the_model_does_not_cover_no_volatility() -> None:
    bars = sample_bars().filter(pl.col("symbol").is_in(["JPM", "BAC"]) & pl.col("as_of_date").is_between(DAYS[0], DAYS[-1]))
    history = ReturnHistory.of(build_panel(bars, DAYS, ["JPM", "BAC"]))
    settings, covariance = CONFIG.desk.risk_report, flat_covariance(["JPM"], daily_vol=0.02)
    assert book_risk({"JPM": 0.1, "BAC": 0.0}, DAYS[-1], covariance, history, settings) == BookRisk(0.1 * 0.02, None, None)
    assert book_risk({"JPM": 0.1, "BAC": -0.1}, DAYS[-1], covariance, history, settings) == BookRisk(None, None, None)
    assert book_risk({}, DAYS[-1], None, history, settings) == BookRisk(0.0, 0.0, 0.0)


def test_every_session_has_one_engine_decision_whose_prices_are_those_of_the_audit() -> None:
    frames = by_ledoit_wolf().frames
    rows = frames["engine_decisions"].to_dicts()
    assert [row["as_of_date"] for row in rows] == list(DAYS)
    priced = 0
    for row, day in zip(rows, by_ledoit_wolf().days, strict=True):
        audit = frames["limit_audit"].filter(pl.col("as_of_date") == row["as_of_date"])
        prices = dict(audit.drop_nulls("price_of_limit").select("limit_name", "price_of_limit").iter_rows())
        metadata, binding = json.loads(row["metadata"]), json.loads(row["constraints_status"])
        assert metadata["prices"] == prices
        assert {name for name, binds in binding.items() if binds} == set(prices)
        assert set(binding) == set(audit["limit_name"])
        assert (row["run_id"], row["status"], row["config_hash"]) == (day.run_id, "RELEASED", CONFIG.own.hash)
        assert (row["engine_name"], row["portfolio_id"]) == ("PORTFOLIO", "bank_pairs")
        assert json.loads(row["attempts"])[-1]["message"] == "accepted"
        assert json.loads(row["attempts"])[-1]["solver"] == row["solver"] == "CLARABEL"
        assert row["expected_volatility"] > 0
        costs = frames["decisions"].filter(pl.col("as_of_date") == row["as_of_date"])["est_costs"].sum()
        assert row["cost"] * CONFIG.desk.nav == pytest.approx(costs, abs=1e-9)
        traded = sum(abs(fill.traded) for fill in day.fills) / TICKS_PER_DOLLAR
        assert row["turnover"] * CONFIG.desk.nav == pytest.approx(traded)
        priced += len(prices)
    assert priced


def test_the_governor_and_a_blocked_session_decide_too() -> None:
    governed = walked(changed(CONFIG, "desk.optimizer.construction", "governor"), DAYS[0], DAYS[0])
    row = governed.frames["engine_decisions"].row(0, named=True)
    assert (row["model_id"], row["solver"], row["attempts"], row["expected_return"]) == ("governor_1", "", "[]", None)
    assert row["expected_volatility"] > 0
    inputs = inputs_of(CONFIG, shipped_tickets(), DAYS[0], DAYS[0])
    first = inputs.ticket_snapshots.with_columns(
        status=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("INVALID")).otherwise("status")
    )
    blocked = walk(replace(inputs, ticket_snapshots=first)).frames["engine_decisions"].row(0, named=True)
    assert (blocked["status"], blocked["model_id"], blocked["expected_volatility"]) == ("FAILED_CLOSED", "none", None)
    assert blocked["reason"].startswith("failed closed: ")


def test_the_classic_profile_needs_no_risk_tables() -> None:
    done = walked(desk_config("classic"), DAYS[0], DAYS[1])
    assert done.frames["engine_decisions"]["model_id"].to_list() == ["governor_1"] * 2


def test_frames_of_several_writers_are_one_per_table_and_a_row_written_twice_is_refused() -> None:
    frame = by_ledoit_wolf().frames["engine_decisions"]
    other = frame.with_columns(portfolio_id=pl.lit("bank_long_only"))
    whole = joined(
        [{"engine_decisions": frame, "desk_state": by_ledoit_wolf().frames["desk_state"]}, {"engine_decisions": other}]
    )
    assert whole["engine_decisions"].height == 2 * len(DAYS)
    assert whole["desk_state"].height == len(DAYS)
    assert whole["engine_decisions"].equals(whole["engine_decisions"].sort(TABLES["engine_decisions"].key))
    with pytest.raises(ReleaseError, match="engine_decisions: two writers"):
        joined([{"engine_decisions": frame}, {"engine_decisions": frame}])
