"""A mandate's P&L, costs, drawdown and Sharpe ratio, computed a second time from its weights and the bars alone, with numpy.

Nothing of the project but its configuration is used: prices are a matrix, weights another, and a session is a row.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.settings import Config
from riskdesk_assets.research.mandates.backtest import MandateBacktest
from riskdesk_tests.desk_builder import desk_config, sample_bars
from riskdesk_tests.research.mandates.mandate_backtests import DAYS, MANDATES, plain

CLOSE = 1e-10


def matrix(frame: pl.DataFrame, value: str, name: str, symbols: list[str]) -> np.ndarray:
    """Sessions of DAYS down, symbols across; 0 where there is no row."""
    wide = frame.filter(pl.col("as_of_date").is_in(list(DAYS))).pivot(on=name, index="as_of_date", values=value)
    missing = [pl.lit(0.0).alias(symbol) for symbol in symbols if symbol not in wide.columns]
    return wide.sort("as_of_date").with_columns(*missing).select(symbols).fill_null(0.0).to_numpy()


class Reference:
    """Everything in fractions of nav, from weights (sessions, names), adjusted closes and the raw bars."""

    def __init__(self, done: MandateBacktest, config: Config) -> None:
        symbols = sorted(config.universe.tradable)
        mandate = done.mandate
        weights = matrix(done.frames["target_portfolios"], "target_weight", "instrument_id", symbols)
        bars = sample_bars().filter(pl.col("symbol").is_in(symbols)).sort("as_of_date", "symbol")
        prices = matrix(bars, "adj_close", "symbol", symbols)
        returns = prices[1:] / prices[:-1] - 1
        self.gross = (weights[:-1] * returns).sum(axis=1)
        drifted = np.zeros_like(weights)
        drifted[1:] = weights[:-1] * (1 + returns) / (1 + self.gross)[:, None]
        trades = np.abs(weights - drifted)
        self.turnover = trades.sum(axis=1)
        # config/desk.yaml: cost_bps + half spread; config/universe.yaml names the spread of most names
        costs = config.desk.costs
        spreads = [config.universe.symbols[name].half_spread_bps for name in symbols]
        rate = np.array([costs.cost_bps + (costs.default_half_spread_bps if item is None else item) for item in spreads]) * 1e-4
        borrow = [config.universe.symbols[name].borrow_bps for name in symbols]
        night = np.array([costs.default_borrow_bps if item is None else item for item in borrow]) * 1e-4 / 252
        # daily volatility x sqrt(nav / adv_20) x |trade|^1.5: sd of 20 log returns (ddof 1), mean of close x volume over 20
        history = bars.with_columns(pl.col("adj_close").log().diff().over("symbol").alias("step"))
        history = history.with_columns(
            pl.col("step").rolling_std(20, ddof=1).over("symbol").alias("sd"),
            (pl.col("close") * pl.col("volume")).rolling_mean(20).over("symbol").alias("adv"),
        )
        sd, adv = (matrix(history, name, "symbol", symbols) for name in ("sd", "adv"))
        self.impact = (sd * np.sqrt(mandate.own_nav / adv) * trades**1.5).sum(axis=1)
        self.borrow = np.zeros(len(DAYS))
        self.borrow[1:] = (np.maximum(-weights[:-1], 0.0) * night).sum(axis=1)
        self.costs = (trades * rate).sum(axis=1) + self.impact + self.borrow


@pytest.mark.parametrize("mandate", MANDATES)
def test_every_session_is_the_reference_to_the_tenth_decimal(mandate: str) -> None:
    done, nav = plain(mandate), plain(mandate).mandate.own_nav
    reference = Reference(done, desk_config())
    series = done.frames["timeseries"]
    found = {name: series[name].to_numpy() / nav for name in ("pnl_gross", "turnover", "costs", "impact_costs", "borrow_costs")}
    assert np.abs(found["pnl_gross"][:-1] - reference.gross).max() < CLOSE
    assert found["pnl_gross"][-1] == 0.0
    assert np.abs(found["turnover"] - reference.turnover).max() < CLOSE
    assert np.abs(found["impact_costs"] - reference.impact).max() < CLOSE
    assert np.abs(found["borrow_costs"] - reference.borrow).max() < CLOSE
    assert np.abs(found["costs"] - reference.costs).max() < CLOSE
    assert np.abs(reference.gross).max() > 1e-4
    assert reference.impact.min() >= 0 < reference.impact.max()
    assert (reference.borrow.max() > 0) == (mandate != MANDATES[0])


@pytest.mark.parametrize("mandate", MANDATES)
def test_metrics_are_the_reference(mandate: str) -> None:
    done, nav = plain(mandate), plain(mandate).mandate.own_nav
    reference = Reference(done, desk_config())
    net = reference.gross - reference.costs[:-1]
    equity = np.concatenate(([1.0], 1.0 + np.cumsum(net)))
    equity = np.append(equity, equity[-1] - reference.costs[-1])
    fall = ((np.maximum.accumulate(equity) - equity) / np.maximum.accumulate(equity)).max()
    expected = {
        "total_pnl_gross": reference.gross.sum() * nav,
        "total_costs": reference.costs.sum() * nav,
        "total_pnl_net": (reference.gross.sum() - reference.costs.sum()) * nav,
        "volatility": net.std(ddof=1) * math.sqrt(252),
        "sharpe_ratio": net.mean() / net.std(ddof=1) * math.sqrt(252),
        "max_drawdown": fall,
        "compounded_return": np.prod(1 + net) - 1,
        "mean_turnover": reference.turnover.mean(),
        "hit_rate": (net > 0).mean(),
    }
    for name, value in expected.items():
        assert done.metrics[name] == pytest.approx(value, rel=1e-9), name


def test_the_benchmark_is_equal_weight_of_the_universe_and_pays_for_being_put_back() -> None:
    done, config = plain(MANDATES[0]), desk_config()
    symbols = sorted(config.universe.tradable)
    prices = matrix(sample_bars().filter(pl.col("symbol").is_in(symbols)), "adj_close", "symbol", symbols)
    returns = prices[1:] / prices[:-1] - 1
    earned = returns.mean(axis=1)
    drifted = (1 + returns) / (1 + earned)[:, None] / len(symbols)
    traded = np.concatenate(([1.0], np.abs(1 / len(symbols) - drifted).sum(axis=1)))
    rows, nav = done.frames["benchmark"], done.mandate.own_nav
    assert set(rows["benchmark"]) == {"equal_weight"}
    assert np.abs(rows["pnl_gross"].to_numpy()[:-1] / nav - earned).max() < CLOSE
    assert np.abs(rows["turnover"].to_numpy() / nav - traded).max() < CLOSE
    assert (rows["costs"] > 0).all()
    mine = done.frames["timeseries"]["pnl_net"].to_numpy()[:-1] / nav
    theirs = rows["pnl_net"].to_numpy()[:-1] / nav
    active = mine - theirs
    metrics = done.metrics
    assert metrics["tracking_error"] == pytest.approx(active.std(ddof=1) * math.sqrt(252))
    assert metrics["information_ratio"] == pytest.approx(active.mean() / active.std(ddof=1) * math.sqrt(252))
    assert metrics["beta"] == pytest.approx(np.cov(mine, theirs)[0, 1] / np.var(theirs, ddof=1))


def test_beside_a_market_neutral_mandate_nothing_is_held() -> None:
    rows = plain(MANDATES[1]).frames["benchmark"]
    assert set(rows["benchmark"]) == {"nothing_held"}
    assert rows.select("gross", "turnover", "costs", "pnl_gross", "pnl_net").sum_horizontal().sum() == 0.0
    assert plain(MANDATES[1]).metrics["beta"] is None
    assert plain(MANDATES[1]).metrics["active_pnl_net"] == plain(MANDATES[1]).metrics["total_pnl_net"]
