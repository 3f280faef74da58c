"""The research mandates: what they start from, what they hold, and what happens when they cannot be met."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.fallback import fallbacks
from riskdesk_assets.construction.mandates import MANDATE_TABLES, mandate_inputs, walk_mandates
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.reports.recompute import day_tables
from riskdesk_tests.desk_builder import (
    changed,
    desk_config,
    history_of_bars,
    sample_bars,
    sessions_from,
    shipped_tickets,
    snapshots_of,
)

DAYS = sessions_from(date(2025, 3, 3), 6)
LONG, NEUTRAL = "bank_long_only", "bank_market_neutral"
NOTHING = {name: TABLES[name].frame([]) for name in ("target_portfolios", "engine_decisions")}
Frames = Mapping[str, pl.DataFrame]


@cache
def tables(first: date, last: date) -> dict[str, pl.DataFrame]:
    """What the walk of a range reads, from the sample market."""
    config = desk_config()
    history = history_of_bars(config, first, last)
    rows = snapshots_of(shipped_tickets(), history.wanted)
    return day_tables(history, panel_of(history, config), config, rows, {}, TABLES["engine_configs"].frame([]))


def walked(
    config: Config | None = None,
    first: date = DAYS[0],
    last: date = DAYS[-1],
    prior: Frames | None = None,
    changes: Frames | None = None,
    bars: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """The mandates of a configuration over a range, with some tables replaced."""
    config = config or desk_config()
    history = history_of_bars(config, first, last, bars)
    inputs = mandate_inputs(
        history,
        panel_of(history, config),
        config,
        {**tables(first, last), **(changes or {})},
        run_ids={session: f"{session:%Y%m%d}-test" for session in history.wanted},
        prior=prior or NOTHING,
    )
    return walk_mandates(inputs)


@cache
def as_shipped() -> dict[str, pl.DataFrame]:
    return walked()


def weights(frames: Frames, portfolio_id: str, session: date) -> dict[str, float]:
    rows = frames["target_portfolios"].filter((pl.col("portfolio_id") == portfolio_id) & (pl.col("as_of_date") == session))
    return dict(rows.select("instrument_id", "target_weight").iter_rows())


def decision(frames: Frames, portfolio_id: str, session: date) -> dict[str, object]:
    rows = frames["engine_decisions"].filter((pl.col("portfolio_id") == portfolio_id) & (pl.col("as_of_date") == session))
    return rows.row(0, named=True)


def before(frames: Frames, session: date) -> dict[str, pl.DataFrame]:
    return {name: frames[name].filter(pl.col("as_of_date") == session) for name in NOTHING}


def test_every_mandate_is_decided_on_every_session_and_sums_to_its_budget() -> None:
    frames = as_shipped()
    assert frames["engine_decisions"].height == 2 * len(DAYS)
    assert set(frames["engine_decisions"]["status"]) <= {"OPTIMAL", "SOFTENED"}
    for session in DAYS:
        assert sum(weights(frames, LONG, session).values()) == pytest.approx(1.0, abs=1e-12)
        assert min(weights(frames, LONG, session).values()) > 0
        assert sum(weights(frames, NEUTRAL, session).values()) == pytest.approx(0.0, abs=1e-12)


def test_no_limit_is_passed_but_those_that_were_softened_and_say_so() -> None:
    rows = as_shipped()["portfolio_limits"]
    nav = {item.portfolio_id: item.own_nav for item in desk_config().mandates}
    for row in rows.iter_rows(named=True):
        allowed = row["bound"] if row["softened_to"] is None else row["softened_to"]
        assert row["measured"] <= allowed + 1e-6 * nav[row["portfolio_id"]], row
        assert row["status"] != "BREACH"


def test_the_first_book_has_no_turnover_to_limit_and_the_second_has() -> None:
    limits = as_shipped()["portfolio_limits"].filter(pl.col("limit_name") == "turnover")
    assert set(limits["as_of_date"]) == set(DAYS[1:])
    bound = desk_config().portfolios[LONG].turnover_limit
    assert bound is not None
    for session in DAYS[1:]:
        row = decision(as_shipped(), LONG, session)
        if row["status"] == "OPTIMAL":
            assert float(str(row["turnover"])) <= bound + 1e-6


def test_a_day_alone_is_the_same_day_in_a_range() -> None:
    whole = as_shipped()
    for place in (1, len(DAYS) - 1):
        alone = walked(first=DAYS[place], last=DAYS[place], prior=before(whole, DAYS[place - 1]))
        for name in MANDATE_TABLES:
            in_range = whole[name].filter(pl.col("as_of_date") == DAYS[place])
            assert alone[name].equals(in_range), name


def test_yesterdays_weights_drift_with_the_returns_and_the_sessions_pnl_is_theirs() -> None:
    frames = as_shipped()
    held = weights(frames, LONG, DAYS[1])
    closes = {
        session: dict(sample_bars().filter(pl.col("as_of_date") == session).select("symbol", "adj_close").iter_rows())
        for session in DAYS[1:3]
    }
    by_hand = sum(w * (closes[DAYS[2]][name] / closes[DAYS[1]][name] - 1) for name, w in held.items())
    assert decision(frames, LONG, DAYS[2])["pnl"] == pytest.approx(by_hand, abs=1e-15)


def test_a_mandate_that_cannot_be_met_keeps_its_drifted_weights_and_names_what_conflicts() -> None:
    config = desk_config()
    tight = changed(config, f"portfolios.{LONG}.per_instrument_max_weight", 0.02)
    held = as_shipped()
    frames = walked(tight, first=DAYS[3], last=DAYS[3], prior=before(held, DAYS[2]))
    row = decision(frames, LONG, DAYS[3])
    assert row["status"] == "INFEASIBLE"
    assert "name" in str(row["reason"])
    assert str(row["reason"]).endswith("yesterday's weights stand")
    kept, yesterday = weights(frames, LONG, DAYS[3]), weights(held, LONG, DAYS[2])
    assert kept.keys() == yesterday.keys()
    pnl = float(str(row["pnl"]))
    returns = np.array([kept[name] * (1 + pnl) / yesterday[name] - 1 for name in kept])
    assert np.abs(returns).max() < 0.2
    assert row["turnover"] == 0.0
    assert decision(frames, NEUTRAL, DAYS[3])["status"] == decision(held, NEUTRAL, DAYS[3])["status"]


def test_without_scores_nothing_is_traded_and_the_reason_says_so() -> None:
    scores = tables(DAYS[0], DAYS[-1])["instrument_scores"].filter(pl.col("portfolio_id") != NEUTRAL)
    frames = walked(changes={"instrument_scores": scores})
    assert set(frames["engine_decisions"].filter(pl.col("portfolio_id") == NEUTRAL)["status"]) == {"NO_SCORES"}
    assert weights(frames, NEUTRAL, DAYS[0]) == {}
    assert weights(frames, LONG, DAYS[0]) == weights(as_shipped(), LONG, DAYS[0])


def test_a_name_without_a_bar_is_sold_and_told() -> None:
    held = as_shipped()
    gone = max(weights(held, LONG, DAYS[2]), key=lambda name: weights(held, LONG, DAYS[2])[name])
    bars = sample_bars().filter((pl.col("symbol") != gone) | (pl.col("as_of_date") < DAYS[3]))
    frames = walked(first=DAYS[3], last=DAYS[3], prior=before(held, DAYS[2]), bars=bars)
    assert gone not in weights(frames, LONG, DAYS[3])
    assert json.loads(str(decision(frames, LONG, DAYS[3])["metadata"]))["left_the_universe"] == [gone]


def test_a_mandate_of_another_market_has_no_universe_and_holds_nothing() -> None:
    abroad = changed(desk_config(), f"portfolios.{LONG}.markets", ["CA"])
    frames = walked(abroad, last=DAYS[0])
    assert decision(frames, LONG, DAYS[0])["status"] == "NO_UNIVERSE"
    assert weights(frames, LONG, DAYS[0]) == {}


def test_a_fallback_is_told_a_softened_limit_only_shown() -> None:
    frames = walked(changed(desk_config(), f"portfolios.{LONG}.per_instrument_max_weight", 0.02), last=DAYS[0])
    (result,) = fallbacks(frames["engine_decisions"], DAYS[:1])
    assert not result.passed
    assert not result.hard
    assert result.told
    assert f"{LONG} INFEASIBLE" in result.message
    softened = frames["engine_decisions"].with_columns(status=pl.lit("SOFTENED"))
    (shown,) = fallbacks(softened, DAYS[:1])
    assert not shown.passed
    assert not shown.told
    (fine,) = fallbacks(frames["engine_decisions"].with_columns(status=pl.lit("OPTIMAL")), DAYS[:1])
    assert fine.passed
