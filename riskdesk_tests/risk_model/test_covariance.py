"""The Ledoit-Wolf covariance against scikit-learn's own estimator, and its bits against threads and ranges."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.features.panel import build_panel
from riskdesk_assets.risk_model.covariance import Covariance, covariances, ledoit_wolf
from riskdesk_tests.features.market import DESK, SYMBOLS, made_up_bars, weekdays

RETURNS = np.random.default_rng(1).normal(0, 0.01, (252, 5)) + np.random.default_rng(2).normal(0, 0.01, (252, 1))
NAMES = list(SYMBOLS)
ROOT = Path(__file__).resolve().parents[2]

THREADS = """
import hashlib, numpy as np, threadpoolctl
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.risk_model.covariance import covariances
from riskdesk_tests.features.market import DESK, weekdays
rng = np.random.default_rng(5)
returns = rng.normal(0, 0.01, (505, 300)) + rng.normal(0, 0.01, (505, 1))
days, prices = weekdays(505), 50.0 * np.exp(np.cumsum(returns, axis=0))
panel = Panel(tuple(days), tuple(f"S{i:03}" for i in range(300)), *[prices] * 6)
settings = DESK.optimizer.model_copy(update={"covariance_window": 504})
((_, covariance),) = covariances(panel, settings, days[-1:])
print(hashlib.sha256(covariance.matrix.tobytes()).hexdigest(), covariance.shrinkage.hex())
print(max(pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"))
"""


def estimated(returns: np.ndarray, names: Sequence[str], min_coverage: float) -> Covariance:
    with single_threaded():
        return ledoit_wolf(returns, names, min_coverage)


def test_it_is_scikit_learns_estimator() -> None:
    from sklearn.covariance import LedoitWolf

    wanted = LedoitWolf().fit(RETURNS)
    got = estimated(RETURNS, NAMES, 0.9)
    assert (got.symbols, got.observations) == (SYMBOLS, 252)
    np.testing.assert_allclose(got.matrix, wanted.covariance_, rtol=1e-12, atol=0)
    assert got.shrinkage == pytest.approx(wanted.shrinkage_, rel=1e-12)
    assert 0 < got.shrinkage < 1


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(2, 260),
    names=st.integers(1, 40),
    scale=st.sampled_from([1e-6, 0.01, 1.0]),
    twins=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_it_is_scikit_learns_estimator_to_the_bit(seed: int, rows: int, names: int, scale: float, twins: bool) -> None:
    from sklearn.covariance import ledoit_wolf as wanted_of

    rng = np.random.default_rng(seed)
    returns = rng.normal(0, scale, (rows, names)) + rng.normal(0, scale, (rows, 1))
    if twins:
        returns[:, 0] = returns[:, -1]
    with single_threaded():
        matrix, shrinkage = wanted_of(returns)
    got = estimated(returns, [f"S{name:02}" for name in range(names)], 1.0)
    assert got.matrix.tobytes() == ((matrix + matrix.T) / 2.0).tobytes()
    assert got.shrinkage.hex() == float(shrinkage).hex()


def test_returns_that_never_move_are_not_shrunk() -> None:
    still = estimated(np.zeros((252, 3)), NAMES[:3], 0.9)
    assert (still.shrinkage, still.matrix.any()) == (0.0, False)


def test_a_name_below_the_coverage_is_left_out_and_the_others_drop_its_gaps_no_more() -> None:
    holed = RETURNS.copy()
    holed[:30, 2] = np.nan  # 222 of 252 is 0.881
    holed[:25, 4] = np.nan  # 227 of 252 is 0.901
    got = estimated(holed, NAMES, 0.9)
    assert (got.symbols, got.observations) == (("AAA", "BBB", "DDD", "EEE"), 227)
    np.testing.assert_array_equal(got.matrix, estimated(RETURNS[25:, [0, 1, 3, 4]], ["AAA", "BBB", "DDD", "EEE"], 0.9).matrix)


def test_no_name_with_enough_returns_gives_a_covariance_of_nothing() -> None:
    got = estimated(np.full((252, 2), np.nan), ["AAA", "BBB"], 0.9)
    assert (got.symbols, got.matrix.shape, got.observations) == ((), (0, 0), 0)
    assert got.volatility({}) == 0.0


def test_names_that_never_trade_on_the_same_sessions_are_refused_by_name() -> None:
    returns = np.array([[0.01, np.nan], [np.nan, 0.02]] * 10)
    with pytest.raises(StateError, match="only 0 sessions on which all of AAA, BBB"):
        estimated(returns, ["AAA", "BBB"], 0.4)


def test_the_matrix_is_symmetric_and_positive_semidefinite_even_when_two_names_are_one() -> None:
    twins = np.column_stack([RETURNS, RETURNS[:, 0], np.zeros(252)])
    matrix = estimated(twins, [*NAMES, "TWIN", "FLAT"], 0.9).matrix
    assert np.array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix)[0] >= 0
    flat = estimated(np.zeros((252, 3)), NAMES[:3], 0.9)
    assert flat.volatility(dict.fromkeys(NAMES[:3], 1.0)) == 0.0


def test_a_portfolios_volatility_worked_by_hand() -> None:
    # w = (0.5, -0.25): 0.25 x 0.0004 + 2 x 0.5 x -0.25 x 0.0001 + 0.0625 x 0.0009 = 0.00013125.
    covariance = Covariance(("A", "B"), np.array([[0.0004, 0.0001], [0.0001, 0.0009]]), 0.0, 252)
    assert covariance.volatility({"A": 0.5, "B": -0.25}) == pytest.approx(math.sqrt(0.00013125), rel=1e-14)
    assert covariance.volatility({"B": -0.25, "A": 0.5}) == covariance.volatility({"A": 0.5, "B": -0.25, "GONE": 0.0})
    assert covariance.submatrix(["B", "A"]).tolist() == [[0.0009, 0.0001], [0.0001, 0.0004]]
    with pytest.raises(StateError, match="no covariance for GONE"):
        covariance.volatility({"A": 0.5, "GONE": 0.1})
    with pytest.raises(StateError, match="no covariance for GONE"):
        covariance.submatrix(["A", "GONE"])


def test_the_order_of_weights_changes_no_bit_of_the_volatility() -> None:
    covariance = estimated(RETURNS, NAMES, 0.9)
    weights = dict(zip(NAMES, (0.31, -0.17, 0.23, -0.41, 0.07), strict=True))
    backwards = dict(reversed(weights.items()))
    assert covariance.volatility(weights).hex() == covariance.volatility(backwards).hex()


def test_a_session_alone_equals_the_session_in_a_range() -> None:
    days = weekdays(330)
    bars = made_up_bars(days, missing=0.02)
    whole = dict(covariances(build_panel(bars, days, SYMBOLS), DESK.optimizer, days[230:]))
    assert len(whole) == 100
    for row in (230, 251, 260, 329):
        known = days[max(row - 252, 0) : row + 1]
        ((session, alone),) = covariances(build_panel(bars, known, SYMBOLS), DESK.optimizer, [days[row]])
        assert session == days[row]
        assert alone.symbols == whole[session].symbols
        assert alone.matrix.tobytes() == whole[session].matrix.tobytes()
        assert alone.shrinkage.hex() == whole[session].shrinkage.hex()


def test_the_returns_are_simple_returns_of_adj_close_over_the_window() -> None:
    days = weekdays(260)
    bars = made_up_bars(days)
    ((_, got),) = covariances(build_panel(bars, days, SYMBOLS), DESK.optimizer, days[-1:])
    paths = np.stack([bars.filter(pl.col("symbol") == s)["adj_close"].to_numpy() for s in SYMBOLS], axis=1)
    np.testing.assert_array_equal(got.matrix, estimated((paths[1:] / paths[:-1] - 1.0)[-252:], NAMES, 0.9).matrix)


def test_a_session_without_bars_is_refused() -> None:
    days = weekdays(30)
    panel = build_panel(made_up_bars(days), days[:-1], SYMBOLS)
    with pytest.raises(StateError, match=f"no bars for {days[-1]}"):
        list(covariances(panel, DESK.optimizer, days[-1:]))


def test_one_thread_and_two_give_the_same_bytes_and_the_limit_is_lifted_afterwards() -> None:
    answers = []
    for threads in ("1", "2"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", THREADS], env=environment, capture_output=True, text=True, check=True, cwd=ROOT
        )
        answers.append(done.stdout.splitlines())
    assert answers[0][0] == answers[1][0]
    assert answers[0][1] == "1"
    assert answers[1][1] == ("2" if (os.cpu_count() or 1) > 1 else "1")
