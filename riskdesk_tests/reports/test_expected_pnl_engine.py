"""Document 002's four functions: the document's own numbers, the boundaries, and what holds for any capital."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import riskdesk_assets
from riskdesk_assets import classify_regime, expected_pnl, expected_return, total_expected_pnl
from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.expected_returns import ExpectedReturns, load_expected_returns
from riskdesk_assets.common.regimes import MARKET_REGIMES
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.reports.expected_pnl_engine import SCHEMA

FIVE = ("Discretionary", "Spread", "RV", "Volatility", "Systematic")
MILLION_EACH = dict.fromkeys(FIVE, 1_000_000.0)
# Products of document 002's sections 9.3 and 9.4, by hand (features PM-77 and PM-78), in the order of FIVE.
WEEKLY = {
    "Calm": (0.00245, 0.0022, 0.00325, 0.0018, 0.0024),
    "Normal": (0.0035, 0.0020, 0.0025, 0.0030, 0.0020),
    "Event": (0.0049, 0.0022, 0.00225, 0.0045, 0.0016),
}
TOTALS = {"Calm": 12_100.00, "Normal": 13_000.00, "Event": 15_450.00}
CAPITALS = st.dictionaries(st.sampled_from(BUCKETS), st.just(0.0) | st.floats(0.01, 1e12))
REGIMES = st.sampled_from(MARKET_REGIMES)
TABLES = load_expected_returns(ROOT / "config")


@pytest.mark.parametrize("regime", MARKET_REGIMES)
def test_a_million_in_each_bucket_earns_what_the_document_says(regime: str) -> None:
    frame = expected_pnl(MILLION_EACH, regime)
    assert round(total_expected_pnl(frame), 2) == TOTALS[regime]
    assert dict(frame.select("bucket", "expected_pnl_week").iter_rows()) == pytest.approx(
        dict(zip(FIVE, (1e6 * weekly for weekly in WEEKLY[regime]), strict=True)), rel=1e-12
    )
    assert math.fsum(frame["expected_pnl_day"]) == pytest.approx(TOTALS[regime] / 5, rel=1e-12)


@pytest.mark.parametrize("regime", MARKET_REGIMES)
@pytest.mark.parametrize(("place", "bucket"), list(enumerate(FIVE)))
def test_each_of_the_fifteen_products(regime: str, place: int, bucket: str) -> None:
    assert expected_return(bucket, regime) == pytest.approx(WEEKLY[regime][place], rel=1e-12)


def test_the_frame_says_where_each_figure_comes_from() -> None:
    frame = expected_pnl({"RV": 2_000_000}, "Calm")
    assert frame.schema == pl.Schema(SCHEMA)
    (row,) = frame.to_dicts()
    assert (row["bucket"], row["capital"], row["base_return"], row["env_factor"]) == ("RV", 2_000_000.0, 0.0025, 1.3)
    assert row["expected_pnl_week"] == pytest.approx(6_500.0)
    assert row["expected_pnl_day"] == pytest.approx(1_300.0)


def test_directional_capital_is_expected_to_earn_what_discretionary_does() -> None:
    for regime in MARKET_REGIMES:
        one, other = (expected_pnl({bucket: 3e6}, regime).drop("bucket") for bucket in ("Directional", "Discretionary"))
        assert one.equals(other)


@given(CAPITALS, REGIMES)
def test_twice_the_capital_is_expected_to_earn_exactly_twice_as_much(capital: dict[str, float], regime: str) -> None:
    once = expected_pnl(capital, regime, tables=TABLES)
    twice = expected_pnl({bucket: 2 * amount for bucket, amount in capital.items()}, regime, tables=TABLES)
    for column in ("expected_pnl_week", "expected_pnl_day"):
        assert twice[column].to_list() == [2 * value for value in once[column]]
    assert total_expected_pnl(twice) == 2 * total_expected_pnl(once)


@given(CAPITALS, REGIMES, st.randoms(use_true_random=False))
def test_the_order_of_buckets_changes_no_bit(capital: dict[str, float], regime: str, random: Any) -> None:
    names = list(capital)
    random.shuffle(names)
    one, other = (
        expected_pnl(capital, regime, tables=TABLES),
        expected_pnl({n: capital[n] for n in names}, regime, tables=TABLES),
    )
    assert one.equals(other)
    assert total_expected_pnl(one) == total_expected_pnl(other.sample(fraction=1, shuffle=True, seed=1))


@given(CAPITALS, CAPITALS, REGIMES)
def test_expected_pnl_adds_up_over_books(one: dict[str, float], other: dict[str, float], regime: str) -> None:
    both = {bucket: one.get(bucket, 0.0) + other.get(bucket, 0.0) for bucket in {*one, *other}}
    apart = sum(total_expected_pnl(expected_pnl(capital, regime, tables=TABLES)) for capital in (one, other))
    assert total_expected_pnl(expected_pnl(both, regime, tables=TABLES)) == pytest.approx(apart, rel=1e-12, abs=1e-9)


@given(CAPITALS, REGIMES)
def test_a_day_is_a_fifth_of_a_week_and_every_figure_follows_from_its_row(capital: dict[str, float], regime: str) -> None:
    frame = expected_pnl(capital, regime, tables=TABLES)
    assert frame["bucket"].to_list() == [bucket for bucket in BUCKETS if bucket in capital]
    for row in frame.iter_rows(named=True):
        assert row["expected_return"] == row["base_return"] * row["env_factor"] == expected_return(row["bucket"], regime)
        assert row["expected_pnl_week"] == row["capital"] * row["expected_return"]
        assert row["expected_pnl_day"] == row["expected_pnl_week"] / 5


def test_no_capital_at_all_is_expected_to_earn_nothing() -> None:
    assert total_expected_pnl(expected_pnl({}, "Calm")) == 0.0
    assert total_expected_pnl(expected_pnl(dict.fromkeys(BUCKETS, 0.0), "Event")) == 0.0


@pytest.mark.parametrize("bucket", ["rv", "Directionals", "", "RV "])
def test_an_unknown_bucket_is_an_error_and_never_a_factor_of_one(bucket: str) -> None:
    with pytest.raises(InputError, match="allowed: Directional, Discretionary, Spread, RV, Volatility, Systematic"):
        expected_return(bucket, "Calm")
    with pytest.raises(InputError, match="bucket: is "):
        expected_pnl({bucket: 1.0}, "Calm")


@pytest.mark.parametrize("regime", ["calm", "TRENDING", ""])
def test_an_unknown_regime_is_an_error_with_and_without_capital(regime: str) -> None:
    for capital in ({}, {"RV": 1.0}):
        with pytest.raises(InputError, match="allowed: Calm, Normal, Event"):
            expected_pnl(capital, regime)
    with pytest.raises(InputError, match="regime: is "):
        expected_return("RV", regime)


@pytest.mark.parametrize("capital", [math.nan, math.inf, -1.0, True, "1", None])
def test_capital_that_is_no_amount_is_refused(capital: Any) -> None:
    with pytest.raises(InputError, match=r"capital of RV: is .*at least 0"):
        expected_pnl({"RV": capital}, "Calm")


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"bucket": ["RV"]}),
        pl.DataFrame({"expected_pnl_week": ["1"]}),
        pl.DataFrame({"expected_pnl_week": [1.0, math.nan]}),
        pl.DataFrame({"expected_pnl_week": [1.0, None]}),
    ],
)
def test_a_frame_that_is_not_of_expected_pnl_has_no_total(frame: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="expected_pnl_week"):
        total_expected_pnl(frame)


def test_other_tables_may_be_given() -> None:
    other = ExpectedReturns(
        env_factors={regime: dict.fromkeys(FIVE, 2.0) for regime in MARKET_REGIMES},  # type: ignore[arg-type, dict-item]
        base_returns=dict.fromkeys(FIVE, 0.01),  # type: ignore[arg-type]
    )
    assert expected_return("RV", "Event", tables=other) == 0.02
    assert total_expected_pnl(expected_pnl(MILLION_EACH, "Calm", tables=other)) == pytest.approx(100_000.0)


def test_a_changed_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("env_factors.csv", "base_returns.csv"):
        (tmp_path / name).write_bytes((ROOT / "config" / name).read_bytes())
    monkeypatch.setenv("RISKDESK_CONFIG_DIR", str(tmp_path))
    assert expected_return("RV", "Normal") == 0.0025
    text = (tmp_path / "base_returns.csv").read_text()
    (tmp_path / "base_returns.csv").write_text(text.replace("RV,0.0025", "RV,0.0030"))
    assert expected_return("RV", "Normal") == 0.0030


# -- the regime


def with_zscore(score: float) -> list[float]:
    """Three values of mean 0 and standard deviation (ddof 1) 1, so that the newest is its own z-score, exactly."""
    return {0.0: [1.0, -1.0, 0.0], 1.0: [-1.0, 0.0, 1.0], -1.0: [1.0, 0.0, -1.0]}[score]


@pytest.mark.parametrize(
    ("v_z", "d_z", "regime"),
    [
        (-1.0, -1.0, "Calm"),
        (0.0, -1.0, "Normal"),
        (-1.0, 0.0, "Normal"),
        (0.0, 0.0, "Normal"),
        (1.0, -1.0, "Normal"),
        (-1.0, 1.0, "Normal"),
        (1.0, 1.0, "Normal"),
    ],
)
def test_a_zscore_of_exactly_0_or_1_is_normal(v_z: float, d_z: float, regime: str) -> None:
    assert classify_regime(with_zscore(v_z), with_zscore(d_z)) == regime


def test_a_hair_beyond_each_boundary_is_the_other_regime() -> None:
    calm, hair = with_zscore(-1.0), 1e-9
    assert classify_regime([-1.0, 0.0, 1.0 + hair], calm) == "Event"
    assert classify_regime(calm, [-1.0, 0.0, 1.0 + hair]) == "Event"
    assert classify_regime([1.0, -1.0, -hair], calm) == "Calm"
    assert classify_regime(calm, [1.0, -1.0, hair]) == "Normal"


def test_the_newest_value_is_compared_with_the_last_252_and_nothing_before() -> None:
    rng = np.random.default_rng(7)
    values = np.append(rng.normal(20, 3, 251), 30.0)
    z = (values[-1] - values.mean()) / values.std(ddof=1)  # numpy's own two-pass formula
    bounds = {"calm_below": -99.0, "event_above": float(z) - 1e-9}
    other = [1.0, 2.0, 1.5]
    assert classify_regime([*[9_000.0] * 50, *values], other, **bounds) == "Event"
    assert classify_regime([*[9_000.0] * 50, *values], other, **{**bounds, "event_above": float(z) + 1e-9}) == "Normal"
    assert classify_regime(values.tolist(), other, **bounds) == "Event"
    assert classify_regime([*[math.nan] * 9, *values], other, **bounds) == "Event"  # what is not looked at may be anything


def test_the_window_may_be_another() -> None:
    series = [100.0, 1.0, 2.0, 3.0]
    assert classify_regime(series, [3.0, 2.0, 1.0]) == "Calm"
    assert classify_regime(series, [3.0, 2.0, 1.0], window=3, event_above=0.99) == "Event"


@pytest.mark.parametrize("kind", [list, tuple, pl.Series, np.array])
def test_a_series_may_come_as_a_polars_series_an_array_or_a_sequence(kind: Any) -> None:
    assert classify_regime(kind([3.0, 2.0, 1.0]), kind([30, 20, 10])) == "Calm"


@pytest.mark.parametrize(
    "series",
    [
        [1.0, 2.0, math.nan],
        [math.nan, 1.0, 2.0],
        [1.0, None, 2.0],
        [1.0, math.inf],
        [1.0],
        [],
        [5.0, 5.0, 5.0],
        ["1", "2"],
        [True, False],
        5,
        pl.Series(["a", "b"]),
        pl.Series([None, None]),
        pl.Series([True, False]),
        pl.Series([1.0, None, 2.0]),
    ],
)
def test_what_has_no_zscore_is_an_error_and_no_regime(series: Any) -> None:
    fine: Sequence[float] = [1.0, 3.0, 2.0]
    for pair in ((series, fine), (fine, series)):
        with pytest.raises(InputError, match="vol_series" if pair[0] is series else "dispersion_series"):
            classify_regime(*pair)


def test_a_window_of_one_is_refused() -> None:
    with pytest.raises(InputError, match="window: is 1"):
        classify_regime([1.0, 2.0], [1.0, 2.0], window=1)


def test_the_four_functions_are_imported_from_the_package_and_need_no_data(tmp_path: Path) -> None:
    names = ("classify_regime", "expected_return", "expected_pnl", "total_expected_pnl")
    assert set(names) <= set(riskdesk_assets.__all__)
    said = (
        f"from riskdesk_assets import {', '.join(names)}\n"
        "print(classify_regime([3, 2, 1], [3, 2, 1]), round(expected_return('RV', 'Calm'), 12))\n"
        "print(f\"{total_expected_pnl(expected_pnl({'RV': 1e6}, 'Calm')):.2f}\")\n"
    )
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATA_DIR": str(tmp_path / "none")}
    done = subprocess.run([sys.executable, "-c", said], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Calm", "0.00325", "3250.00"]
    assert list(tmp_path.iterdir()) == []
