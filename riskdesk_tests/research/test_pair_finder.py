"""The pair finder: its numbers against statsmodels and by hand, nothing read after the date, and how much its order tells."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy.stats import spearmanr
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.stattools import coint

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import ROOT, Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.features.cointegration import engle_granger_pvalue
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import Panel, build_panel
from riskdesk_assets.features.spread import half_life
from riskdesk_assets.research.multiple_testing import benjamini_hochberg
from riskdesk_assets.research.pair_finder import COMPONENTS, PairSearch, find_pairs
from riskdesk_assets.research.pair_formation import PairFormation, level_beta, pair_formations, round_trip
from riskdesk_assets.research.pair_outcomes import pair_outcomes
from riskdesk_assets.research.pair_settings import PairFinderSettings, ScoreWeights, load_pair_settings
from riskdesk_tests.desk_builder import changed, desk_config, sessions_from

SETTINGS = load_pair_settings(ROOT / "config")
NAMES = ("BAC", "C", "FITB", "HBAN", "JPM", "KEY")


@cache
def config() -> Config:
    return desk_config()


@cache
def walks(seed: int = 3, count: int = 420, names: Sequence[str] = NAMES) -> Panel:
    """Random walks with a common part: nothing reverts."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.01, (count, 1)) + rng.normal(0, 0.008, (count, len(names))) * np.linspace(0.7, 1.4, len(names))
    return panel_of(sessions_from(date(2022, 1, 3), count), names, np.exp(4 + np.cumsum(moves, axis=0)))


def formed(legs: tuple[str, str], log_prices: tuple[np.ndarray, np.ndarray]) -> PairFormation:
    """One pair alone, of its log prices."""
    one, other = (log_price[:, np.newaxis] for log_price in log_prices)
    return pair_formations([legs], one, other, desk_context(config()))[0]


def panel_of(sessions: Sequence[date], names: Sequence[str], prices: np.ndarray) -> Panel:
    rows = [
        {
            "symbol": name,
            "as_of_date": session,
            **dict.fromkeys(("open", "high", "low", "close", "adj_close"), float(prices[row, column])),
            "volume": 1000,
            "source": "test",
        }
        for row, session in enumerate(sessions)
        for column, name in enumerate(names)
        if not math.isnan(prices[row, column])
    ]
    return build_panel(TABLES["daily_bars"].frame(rows), sessions, names)


def prices_of(panel: Panel) -> np.ndarray:
    return panel.adj_close.copy()


def search(panel: Panel, asof: date, names: Sequence[str] = NAMES, settings: PairFinderSettings = SETTINGS) -> PairSearch:
    return find_pairs(panel, names, config(), settings, asof)


@cache
def real_panel(folder: Path) -> Panel:
    bars = pl.read_parquet(folder / "bank_bars_2015_2025.parquet").rename({"date": "as_of_date"})
    bars = TABLES["daily_bars"].conform(bars.with_columns(source=pl.lit("FILES")))
    return build_panel(bars, bars["as_of_date"].unique().to_list(), config().universe.tradable)


def test_slope_and_half_life_are_the_reference_numbers_on_real_bars(real_bars_dir: Path) -> None:
    # DATA.md: log adj_close 2020-01-02..2024-12-31, by statsmodels.
    panel = real_panel(real_bars_dir)
    rows = panel.rows(date(2020, 1, 2), date(2024, 12, 31))
    for legs, slope, days in (
        (("FITB", "HBAN"), 1.321036, 31.8),
        (("JPM", "BAC"), 0.993719, 682),
        (("GS", "MS"), 0.957203, 73.7),
        (("KEY", "RF"), 0.695516, 128),
    ):
        log_a, log_b = (np.ascontiguousarray(panel.log_adj[rows.start : rows.stop, panel.column(leg)]) for leg in legs)
        beta = level_beta(log_a[:, np.newaxis], log_b[:, np.newaxis])[0]
        assert beta == pytest.approx(slope, abs=5e-7)
        assert half_life(log_a, log_b, np.full(len(rows), beta), len(rows))[-1] == pytest.approx(days, rel=2e-3)


def test_every_number_of_a_pair_is_what_statsmodels_and_numpy_say() -> None:
    panel = walks()
    log_a, log_b = (np.ascontiguousarray(panel.log_adj[-252:, panel.column(leg)]) for leg in ("KEY", "BAC"))
    found = formed(("BAC", "KEY"), (log_b, log_a))
    assert (found.leg_a, found.leg_b) == ("KEY", "BAC")  # KEY moves more
    line = sm.OLS(log_a, sm.add_constant(log_b)).fit()
    assert found.level_beta == pytest.approx(line.params[1], rel=1e-9)
    spread = log_a - line.params[1] * log_b
    phi = sm.OLS(np.diff(spread), sm.add_constant(spread[:-1])).fit().params[1]
    assert found.half_life == pytest.approx(-math.log(2) / math.log(1 + phi), rel=1e-7)
    return_a, return_b = np.diff(log_a), np.diff(log_b)
    assert found.correlation == pytest.approx(np.corrcoef(return_a, return_b)[0, 1], rel=1e-9)
    hedges = [
        np.cov(return_a[end - 60 : end], return_b[end - 60 : end])[0, 1] / np.var(return_b[end - 60 : end], ddof=1)
        for end in range(60, 252)
    ]
    assert found.hedge_ratio == pytest.approx(np.mean(hedges), rel=1e-9)
    assert found.hedge_instability == pytest.approx(np.std(hedges, ddof=1) / np.mean(hedges), rel=1e-9)
    sds = [np.std((log_a - hedge * log_b)[end - 59 : end + 1], ddof=1) for end, hedge in enumerate(hedges, start=60)]
    assert found.spread_sd == pytest.approx(np.median(sds), rel=1e-9)
    assert found.pvalue == pytest.approx(coint(log_a, log_b, trend="c", maxlag=1, autolag=None)[1], rel=1e-9)


def test_a_round_trip_by_hand() -> None:
    # KEY: half spread 3 bp, BAC 1.5; cost_bps 1; borrow 30 bp a year. One dollar of KEY, half a dollar of BAC, 63 sessions:
    # 2 (1 * 4 + 0.5 * 2.5) bp = 10.5 bp, and 30 bp * 63 / 252 = 7.5 bp on the dollar.
    assert round_trip(desk_context(config()), ("KEY", "BAC"), 0.5, 63) == pytest.approx(18.0e-4)
    # A hedge of 2 dollars of BAC is the dearer leg to be short.
    assert round_trip(desk_context(config()), ("KEY", "BAC"), -2.0, 252) == pytest.approx((2 * (4 + 2 * 2.5) + 60) * 1e-4)
    free = changed(config(), "desk.costs.charge_borrow", False)
    assert round_trip(desk_context(free), ("KEY", "BAC"), 0.5, 63) == pytest.approx(10.5e-4)


def test_nothing_after_the_date_is_read() -> None:
    panel = walks()
    asof = panel.sessions[300]
    before = search(panel, asof)
    spoilt = prices_of(panel)
    spoilt[301:] = np.nan
    spoilt[301:, 0] = 1e6
    after = search(panel_of(panel.sessions, panel.symbols, spoilt), asof)
    assert after.pairs.equals(before.pairs)
    assert after.tests == before.tests


def test_nothing_before_the_formation_window_is_read() -> None:
    panel = walks()
    asof = panel.sessions[-1]
    short = panel.between(asof, asof, SETTINGS.formation_sessions)
    assert search(short, asof).pairs.equals(search(panel, asof).pairs)


def test_a_bar_on_the_date_itself_counts() -> None:
    panel = walks()
    asof = panel.sessions[300]
    moved = prices_of(panel)
    moved[300, 0] *= 1.01
    assert not search(panel_of(panel.sessions, panel.symbols, moved), asof).pairs.equals(search(panel, asof).pairs)


def test_the_ranking_depends_neither_on_the_order_of_the_names_nor_on_what_they_are_called() -> None:
    panel = walks()
    asof = panel.sessions[-1]
    before = search(panel, asof)
    shuffled = search(panel, asof, ("KEY", "BAC", "JPM", "HBAN", "FITB", "C", "KEY"))
    assert shuffled.pairs.equals(before.pairs)
    # The same prices under other names; costs alike for all, for they belong to the names.
    flat = config().universe.model_copy(
        update={
            "symbols": {
                name: item.model_copy(update={"half_spread_bps": 2.0}) for name, item in config().universe.symbols.items()
            }
        }
    )
    alike = config().model_copy(update={"universe": flat})
    turned = (*NAMES[2:], *NAMES[:2])
    renamed = panel_of(panel.sessions, turned, prices_of(panel))
    new_name = dict(zip(NAMES, turned, strict=True))
    one = find_pairs(panel, NAMES, alike, SETTINGS, asof).pairs
    two = find_pairs(renamed, NAMES, alike, SETTINGS, asof).pairs
    legs = [(new_name[a], new_name[b]) for a, b in one.select("leg_a", "leg_b").iter_rows()]
    assert legs == list(two.select("leg_a", "leg_b").iter_rows())
    assert one["score"].to_list() == two["score"].to_list()


def test_a_rank_is_the_share_of_the_other_pairs_that_are_worse_and_the_score_their_weighted_mean() -> None:
    panel = walks()
    weights = ScoreWeights(stability=2.0, half_life=0.0, correlation=1.0, cost=1.0)
    found = search(panel, panel.sessions[-1], settings=SETTINGS.model_copy(update={"weights": weights}))
    others = found.pairs.height - 1
    for column, (name, more) in COMPONENTS.items():
        values = [math.inf if value is None else value for value in found.pairs[column]]
        for value, rank in zip(values, found.pairs[f"rank_{name}"], strict=True):
            worse = sum((other < value) if more else (other > value) for other in values)
            equal = sum(other == value for other in values) - 1
            assert rank == pytest.approx((worse + equal / 2) / others)
    for row in found.pairs.iter_rows(named=True):
        assert row["score"] == pytest.approx((2 * row["rank_stability"] + row["rank_correlation"] + row["rank_cost"]) / 4)
    assert found.pairs["rank"].to_list() == list(range(1, 16))
    assert found.pairs["score"].is_sorted(descending=True)


def test_a_pair_that_reverts_fast_with_a_steady_hedge_comes_before_walks_that_do_not() -> None:
    panel = walks()
    prices = prices_of(panel)
    rng = np.random.default_rng(8)
    noise = np.zeros(len(prices))
    for row in range(1, len(prices)):
        noise[row] = 0.85 * noise[row - 1] + rng.normal(0, 0.006)
    prices[:, 0] = prices[:, 1] ** 1.1 * np.exp(noise)
    best = search(panel_of(panel.sessions, panel.symbols, prices), panel.sessions[-1]).pairs.row(0, named=True)
    assert {best["leg_a"], best["leg_b"]} == {"BAC", "C"}
    # AR(1) with 0.85 has a half-life of -ln 2 / ln 0.85 = 4.3 sessions.
    assert best["half_life"] == pytest.approx(4.3, rel=0.35)
    assert best["pvalue"] < 0.01


def test_the_caveat_counts_what_would_pass_by_chance_and_adjusts_as_statsmodels_does() -> None:
    panel = walks()
    found = search(panel, panel.sessions[-1])
    assert found.tests.tests == 15
    assert found.tests.by_chance == pytest.approx(0.75)
    pvalues = found.pairs["pvalue"].to_list()
    assert found.tests.passed == sum(value < 0.05 for value in pvalues)
    for column, method in (("pvalue_bonferroni", "bonferroni"), ("pvalue_benjamini_hochberg", "fdr_bh")):
        assert found.pairs[column].to_list() == pytest.approx(multipletests(pvalues, method=method)[1].tolist())


def test_of_independent_walks_one_pair_in_twenty_passes_by_chance() -> None:
    # 400 pairs that share no leg: the count is binomial, mean 20, sd 4.4; the bounds are three of them.
    rng = np.random.default_rng(1)
    logs = np.cumsum(rng.normal(0, 0.01, (800, 252)), axis=1)
    pvalues = [engle_granger_pvalue(logs[place], logs[place + 1]) for place in range(0, 800, 2)]
    assert 20 - 13 <= sum(value < 0.05 for value in pvalues) <= 20 + 13
    assert sum(value < 0.05 for value in benjamini_hochberg(pvalues)) <= 1


def test_a_name_without_enough_bars_or_without_one_on_the_date_is_left_out_by_name() -> None:
    panel = walks()
    prices = prices_of(panel)
    prices[-40:-20, 0] = np.nan
    prices[-1, 1] = np.nan
    found = search(panel_of(panel.sessions, panel.symbols, prices), panel.sessions[-1])
    assert found.left_out == ("BAC", "C")
    assert found.pairs.height == 6


def test_a_few_missing_bars_are_skipped_not_filled() -> None:
    panel = walks()
    prices = prices_of(panel)
    prices[-30, 0] = np.nan
    holed = search(panel_of(panel.sessions, panel.symbols, prices), panel.sessions[-1])
    row = holed.pairs.filter(pl.col("pair_id").is_in(["BAC__C", "C__BAC"])).row(0, named=True)
    kept = [place for place in range(len(prices) - 252, len(prices)) if place != len(prices) - 30]
    logs = {leg: np.log(prices[kept, panel.column(leg)]) for leg in ("BAC", "C")}
    alone = formed(("BAC", "C"), (logs["BAC"], logs["C"]))
    assert row["half_life"] == pytest.approx(alone.half_life, rel=1e-9)


def test_names_that_stand_still_have_no_numbers_and_come_last() -> None:
    panel = walks()
    prices = prices_of(panel)
    prices[:, 2] = 20.0
    found = search(panel_of(panel.sessions, panel.symbols, prices), panel.sessions[-1])
    still = found.pairs.filter((pl.col("leg_a") == "FITB") | (pl.col("leg_b") == "FITB"))
    assert still["pvalue"].null_count() == still["half_life"].null_count() == still.height == 5
    assert found.tests.tests == 10
    assert still["rank"].min() > 10


def test_too_few_sessions_are_refused_with_what_is_there() -> None:
    panel = walks()
    with pytest.raises(InputError, match="101 sessions of bars"):
        search(panel, panel.sessions[100])
    with pytest.raises(InputError, match="at least two names"):
        search(panel, panel.sessions[-1], ("BAC",))


def test_the_whole_universe_is_ranked_in_seconds(real_bars_dir: Path) -> None:
    panel = real_panel(real_bars_dir)
    started = time.process_time()
    found = search(panel, date(2024, 12, 31), config().universe.tradable)
    assert time.process_time() - started < 10
    assert found.pairs.height == 276
    assert found.tests.by_chance == pytest.approx(13.8)
    # On the 252 sessions to the end of 2024, 20 pairs pass at 5%, where chance alone gives 14, and none after correction.
    assert (found.tests.passed, found.tests.passed_bonferroni, found.tests.passed_benjamini_hochberg) == (20, 0, 0)


def test_on_real_bars_the_best_pairs_of_a_year_did_not_earn_more_in_the_next(real_bars_dir: Path) -> None:
    """Twelve banks ranked at the end of 2016, followed through 2017: the order told nothing, or the wrong thing."""
    names = ("BAC", "C", "CFG", "FITB", "HBAN", "JPM", "KEY", "MTB", "PNC", "RF", "USB", "WFC")
    panel = real_panel(real_bars_dir).select(names)
    found = find_pairs(panel, names, config(), SETTINGS, date(2016, 12, 30))
    outcomes = pair_outcomes(panel, found, config(), 252, 0.05, 10)
    assert (outcomes.first, outcomes.last) == (date(2017, 1, 3), date(2018, 1, 2))
    assert outcomes.top.correlation == pytest.approx(0.797, abs=5e-4)
    assert outcomes.everyone.correlation == pytest.approx(0.792, abs=5e-4)
    assert outcomes.top.passed == 0.0
    assert outcomes.top.net_return == pytest.approx(-0.0198, abs=5e-5)
    assert outcomes.everyone.net_return == pytest.approx(0.0069, abs=5e-5)
    assert outcomes.rank_correlation == pytest.approx(-0.337, abs=5e-4)
    assert outcomes.rank_correlation == pytest.approx(spearmanr(outcomes.pairs["score"], outcomes.pairs["net_return"])[0])
    assert outcomes.everyone.passed == (outcomes.pairs["next_pvalue"] < 0.05).sum() / 66
    assert outcomes.everyone.gained == (outcomes.pairs["net_return"] > 0).sum() / 66
    assert outcomes.top.net_return == pytest.approx(outcomes.pairs["net_return"].head(10).mean())
    assert outcomes.pairs["rank"].to_list() == list(range(1, 67))


def test_a_trade_of_the_next_window_is_what_a_plain_loop_earns() -> None:
    names = ("BAC", "C")
    panel = walks(5, 400, names)
    start, count = 300, 80
    always = config()
    for name, value in (
        ("controller.exit_z", 0.0),
        ("controller.entry_z", 0.0),
        ("features.breakdown_z", 100.0),
        ("costs.default_borrow_bps", 500.0),
    ):
        always = changed(always, f"desk.{name}", value)
    found = find_pairs(panel, names, always, SETTINGS, panel.sessions[start - 1])
    row = pair_outcomes(panel, found, always, count, 0.05, 1).pairs.row(0, named=True)
    legs = found.pairs.select("leg_a", "leg_b").row(0)
    states = pair_state(panel, [legs], always.desk.features, "v1", panel.sessions[start - 1], panel.sessions[start + count - 2])
    prices = [panel.adj_close[:, panel.column(leg)] for leg in legs]
    spread = {"BAC": 1.5, "C": 1.0}  # config/universe.yaml
    earned, held, side, age = 0.0, (0.0, 0.0), 0, 0
    assert states.height == count
    for place, (z, beta) in enumerate(states.select("zscore", "beta").iter_rows()):
        now = -1 if z > 0 else 1
        age = age + 1 if now == side else 0
        assert age < 60, "choose other prices: this loop knows no time stop"
        side = now
        wanted = (side / (1 + abs(beta)), -side * beta / (1 + abs(beta)))
        today = start - 1 + place
        for leg, before, after, path in zip(legs, held, wanted, prices, strict=True):
            earned -= abs(after - before) * (1.0 + spread[leg]) * 1e-4
            earned += after * (path[today + 1] / path[today] - 1)
            earned -= max(0.0, -after) * 500e-4 / 252
        held = wanted
    earned -= sum(abs(size) * (1.0 + spread[leg]) * 1e-4 for leg, size in zip(legs, held, strict=True))
    assert row["sessions_held"] == count
    assert row["net_return"] == pytest.approx(earned * 252 / count, rel=1e-9)


def test_a_rule_that_never_enters_earns_nothing_and_costs_nothing() -> None:
    panel = walks(5, 400, ("BAC", "C"))
    never = changed(config(), "desk.controller.entry_z", 50.0)
    found = find_pairs(panel, ("BAC", "C"), never, SETTINGS, panel.sessions[299])
    outcomes = pair_outcomes(panel, found, never, 80, 0.05, 1)
    assert outcomes.pairs.select("net_return", "sessions_held").row(0) == (0.0, 0)
    assert outcomes.rank_correlation is None


def test_a_next_window_that_is_not_there_yet_is_refused() -> None:
    panel = walks()
    found = search(panel, panel.sessions[-50])
    with pytest.raises(InputError, match="49 sessions of bars follow"):
        pair_outcomes(panel, found, config(), 60, 0.05, 5)


def test_sessions_on_which_no_name_has_a_bar_do_not_lengthen_the_next_window() -> None:
    whole = walks()
    prices = prices_of(whole)
    prices[-2:] = np.nan
    panel = panel_of(whole.sessions, whole.symbols, prices)
    found = search(panel, panel.sessions[-80])
    with pytest.raises(InputError, match="77 sessions of bars follow"):
        pair_outcomes(panel, found, config(), 78, 0.05, 5)
    assert pair_outcomes(panel, found, config(), 77, 0.05, 5).last == panel.sessions[-3]


def test_what_happens_after_the_next_window_changes_no_outcome() -> None:
    panel = walks()
    found = search(panel, panel.sessions[300])
    before = pair_outcomes(panel, found, config(), 60, 0.05, 5)
    spoilt = prices_of(panel)
    spoilt[361:] = 1e6
    after = pair_outcomes(panel_of(panel.sessions, panel.symbols, spoilt), found, config(), 60, 0.05, 5)
    assert after.pairs.equals(before.pairs)
    assert replace(after, pairs=before.pairs) == before
