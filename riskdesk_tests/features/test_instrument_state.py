"""instrument_state against plain loops over one name's bars, and its classes at their edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.feature_settings import FeatureSettings, FragilitySettings
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.features.instrument_state import fragility_class, instrument_state, tape_regime
from riskdesk_assets.features.panel import build_panel
from riskdesk_tests.features.market import (
    COSTS,
    DESK,
    SHORT,
    bars_from_prices,
    made_up_bars,
    needs_real_bars,
    real_bars,
    universe,
    weekdays,
)

DAYS = weekdays(140)


def calm(sessions: Sequence[date], regime: str | None = "Calm") -> pl.DataFrame:
    return pl.DataFrame(
        {"as_of_date": list(sessions), "regime": [regime] * len(sessions)}, schema={"as_of_date": pl.Date, "regime": pl.String}
    )


def states(
    bars: pl.DataFrame,
    sessions: Sequence[date] = DAYS,
    names: Universe | None = None,
    settings: FeatureSettings = SHORT,
    regime: pl.DataFrame | None = None,
) -> pl.DataFrame:
    names = names or universe()
    panel = build_panel(bars, sessions, names.tradable)
    market = regime if regime is not None else calm(sessions)
    return instrument_state(panel, names, settings, COSTS, market, "v1", sessions[0], sessions[-1])


def column(bars: pl.DataFrame, symbol: str, name: str) -> list[float]:
    return bars.filter(pl.col("symbol") == symbol)[name].to_list()


def vol(prices: list[float], window: int) -> float:
    returns = [math.log(b / a) for a, b in zip(prices[-window - 1 : -1], prices[-window:], strict=True)]
    return float(np.std(returns, ddof=1)) * math.sqrt(252)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_the_windowed_columns_equal_plain_loops_over_the_names_own_bars(missing: float) -> None:
    bars = made_up_bars(DAYS, missing=missing)
    frame = states(bars)
    for symbol in ("AAA", "DDD"):
        got = frame.filter(pl.col("symbol") == symbol).tail(1).to_dicts()[0]
        day = got["as_of_date"]
        oldest = DAYS[max(DAYS.index(day) - SHORT.lookback_sessions + 1, 0)]
        own = bars.filter((pl.col("symbol") == symbol) & pl.col("as_of_date").is_between(oldest, day))
        high, low, close, adj, volume = (own[name].to_list() for name in ("high", "low", "close", "adj_close", "volume"))
        vols = [vol(adj[: len(adj) - k], 5) for k in range(60)]
        assert got["vol_20"] == pytest.approx(vols[0], rel=1e-10)
        assert got["vol_baseline"] == pytest.approx(np.median(vols), rel=1e-10)
        assert got["vol_percentile"] == pytest.approx(sum(v < vols[0] for v in vols) / 59, rel=1e-12)
        traded = [c * v for c, v in zip(close, volume, strict=True)]
        advs = [float(np.mean(traded[len(traded) - k - 5 : len(traded) - k])) for k in range(60)]
        assert got["adv_20"] == pytest.approx(advs[0], rel=1e-12)
        assert got["stability_liquidity"] == pytest.approx(advs[0] / np.median(advs), rel=1e-10)
        assert got["stability_volatility"] == pytest.approx(vols[0] / np.median(vols), rel=1e-10)
        moves = [abs(adj[i] - adj[i - 1]) for i in range(len(adj) - 5, len(adj))]
        assert got["efficiency_ratio"] == pytest.approx(abs(adj[-1] - adj[-6]) / sum(moves), rel=1e-10)
        assert got["drawdown_20"] == pytest.approx(1 - adj[-1] / max(adj[-5:]), abs=1e-12)
        assert got["drawdown_252"] == pytest.approx(1 - adj[-1] / max(adj[-60:]), abs=1e-12)
        ranges = [
            max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
            for i in range(len(close) - 60, len(close))
        ]
        atr = sum(ranges[:5]) / 5
        for value in ranges[5:]:
            atr = (atr * 4 + value) / 5
        assert got["atr"] == pytest.approx(atr, rel=1e-12)


def test_fragility_is_the_weighted_mean_of_four_percentiles_worked_from_the_bars() -> None:
    weights = {"volatility_weight": 1.0, "correlation_weight": 2.0, "liquidity_weight": 3.0, "drawdown_weight": 4.0}
    settings = SHORT.model_copy(update={"fragility": SHORT.fragility.model_copy(update=weights)})
    bars = made_up_bars(DAYS)
    got = states(bars, settings=settings).filter((pl.col("symbol") == "EEE") & (pl.col("as_of_date") == DAYS[-1])).to_dicts()[0]
    adj = {s: np.array(column(bars, s, "adj_close")) for s in ("AAA", "BBB", "CCC", "DDD", "EEE")}
    returns = {s: np.diff(np.log(path)) for s, path in adj.items()}
    rest = np.mean([returns[s] for s in ("AAA", "BBB", "CCC", "DDD")], axis=0)  # EEE is alone in its group
    ends = [len(rest) - k for k in range(60)]
    corr = [float(np.corrcoef(returns["EEE"][e - 20 : e], rest[e - 20 : e])[0, 1]) for e in ends]
    departures = [abs(c - np.mean(corr)) for c in corr]
    assert got["stability_correlation"] == pytest.approx(corr[0] - np.mean(corr), abs=1e-10)
    path = adj["EEE"][-60:]
    drawdowns = [1 - path[i] / max(path[: i + 1]) for i in range(60)]
    traded = [c * v for c, v in zip(column(bars, "EEE", "close"), column(bars, "EEE", "volume"), strict=True)]
    advs = [float(np.mean(traded[len(traded) - k - 5 : len(traded) - k])) for k in range(60)]
    parts = [
        got["vol_percentile"],
        sum(d < departures[0] for d in departures) / 59,
        1 - sum(a < advs[0] for a in advs) / 59,
        sum(d < drawdowns[-1] for d in drawdowns) / 59,
    ]
    assert got["fragility"] == pytest.approx(float(np.dot([1, 2, 3, 4], parts)) / 10, abs=1e-12)


def test_a_name_with_peers_is_measured_against_its_industry_group() -> None:
    bars = made_up_bars(DAYS)
    got = states(bars).filter((pl.col("symbol") == "CCC") & (pl.col("as_of_date") == DAYS[-1])).to_dicts()[0]
    own, peer = (np.diff(np.log(column(bars, s, "adj_close"))) for s in ("CCC", "DDD"))
    corr = [float(np.corrcoef(own[e - 20 : e], peer[e - 20 : e])[0, 1]) for e in range(len(own) - 59, len(own) + 1)]
    assert got["stability_correlation"] == pytest.approx(corr[-1] - np.mean(corr), abs=1e-10)


def test_columns_without_enough_history_are_null_and_never_zero() -> None:
    frame = states(made_up_bars(DAYS)).filter(pl.col("symbol") == "AAA")
    first_day = {
        "close": 0, "adv_20": 4, "drawdown_20": 4, "vol_20": 5, "efficiency_ratio": 5, "corwin_schultz_bps": 5,
        "drawdown_252": 59, "atr": 60, "stability_liquidity": 63, "vol_baseline": 64, "vol_percentile": 64, "tape_regime": 64,
        "stability_correlation": 79, "fragility": 79, "fragility_class": 79,
    }  # fmt: skip
    for name, position in first_day.items():
        known = frame.filter(pl.col(name).is_not_null())["as_of_date"].to_list()
        assert known == DAYS[position:], name


def test_a_name_without_a_bar_today_has_no_row_today() -> None:
    bars = made_up_bars(DAYS).filter(~((pl.col("symbol") == "BBB") & (pl.col("as_of_date") == DAYS[100])))
    frame = states(bars)
    assert sorted(frame.filter(pl.col("as_of_date") == DAYS[100])["symbol"]) == ["AAA", "CCC", "DDD", "EEE"]
    assert frame.filter((pl.col("as_of_date") == DAYS[101]) & (pl.col("symbol") == "BBB"))["vol_percentile"].null_count() == 0


def test_a_name_that_stands_still_has_nulls_where_a_ratio_does_not_exist() -> None:
    bars = bars_from_prices(DAYS, dict.fromkeys(("AAA", "BBB", "CCC", "DDD", "EEE"), [10.0] * len(DAYS)))
    got = states(bars).tail(1).to_dicts()[0]
    assert (got["vol_20"], got["atr"], got["corwin_schultz_bps"], got["drawdown_252"]) == (0.0, 0.0, 0.0, 0.0)
    assert [got[name] for name in ("efficiency_ratio", "stability_volatility", "stability_correlation", "tape_regime")] == [
        None
    ] * 4


def test_the_half_spread_is_the_names_own_or_the_desks() -> None:
    frame = states(made_up_bars(DAYS))
    spreads = dict(frame.select("symbol", "half_spread_bps").unique().iter_rows())
    assert spreads == {"AAA": 3.0, **dict.fromkeys(("BBB", "CCC", "DDD", "EEE"), COSTS.default_half_spread_bps)}


def test_a_fragility_class_in_the_universe_wins_over_the_measured_one() -> None:
    frame = states(made_up_bars(DAYS), names=universe(BBB="FRAGILE"))
    assert frame.filter(pl.col("symbol") == "BBB")["fragility_class"].unique().to_list() == ["FRAGILE"]
    assert frame.filter(pl.col("symbol") == "AAA")["fragility_class"].n_unique() > 1


def test_fragility_classes_change_exactly_at_their_thresholds() -> None:
    values = [0.0, 0.4999999, 0.5, 0.6999999, 0.7, 0.8499999, 0.85, 1.0, None]
    classes = pl.DataFrame({"f": values}).select(fragility_class(pl.col("f"), DESK.features.fragility)).to_series().to_list()
    assert classes == ["NONE", "NONE", "WATCH", "WATCH", "SOFT", "SOFT", "FRAGILE", "FRAGILE", None]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"watch_from": 0.8}, "do not rise"),
        (
            {f"{part}_weight": 0.0 for part in ("volatility", "correlation", "liquidity", "drawdown")},
            "at least one of the four",
        ),
    ],
)
def test_fragility_settings_that_make_no_sense_are_refused(changes: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FragilitySettings(**{**DESK.features.fragility.model_dump(), **changes})


@pytest.mark.parametrize(
    ("changes", "regime"),
    [
        ({}, "RANGING"),
        ({"efficiency_ratio": 0.30}, "RANGING"),
        ({"efficiency_ratio": 0.3000001}, "TRENDING"),
        ({"vol_percentile": 0.80, "efficiency_ratio": 0.9}, "TRENDING"),
        ({"vol_percentile": 0.8000001, "efficiency_ratio": 0.9}, "VOLATILE"),
        ({"market": "Event"}, "VOLATILE"),
        ({"market": "Event", "drawdown_20": 0.10}, "VOLATILE"),
        ({"market": "Event", "drawdown_20": 0.1000001}, "STRESSED"),
        ({"market": "Normal", "drawdown_20": 0.5}, "RANGING"),
        ({"vol_20": 0.25}, "STRESSED"),
        ({"vol_20": 0.2499999}, "RANGING"),
        ({"market": None}, None),
        ({"vol_percentile": None}, None),
        ({"vol_20": 0.9, "efficiency_ratio": None}, None),
    ],
)
def test_the_tape_regime_is_the_first_match(changes: dict[str, object], regime: str | None) -> None:
    base = {
        "vol_20": 0.1,
        "vol_baseline": 0.1,
        "vol_percentile": 0.5,
        "drawdown_20": 0.0,
        "efficiency_ratio": 0.1,
        "market": "Calm",
    }
    types = {**dict.fromkeys(base, pl.Float64), "market": pl.String}
    frame = pl.DataFrame([{**base, **changes}], schema=types)
    assert frame.select(tape_regime(DESK.features)).item() == regime


def test_the_days_market_regime_reaches_the_tape_regime() -> None:
    bars = made_up_bars(DAYS)
    assert states(bars, regime=calm(DAYS, None))["tape_regime"].null_count() == len(DAYS) * 5
    event = states(bars, regime=calm(DAYS, "Event"))["tape_regime"].drop_nulls()
    assert set(event) <= {"VOLATILE", "STRESSED"}
    assert states(bars, regime=calm(DAYS[:100]))["tape_regime"].drop_nulls().len() == 5 * (100 - 64)


def test_the_high_low_spread_recovers_a_spread_put_into_the_ranges() -> None:
    # Highs are struck at the ask and lows at the bid. When every day has the same high H and low L, the two-day range is the
    # one-day range x = ln(H / L): beta = 2 x^2, gamma = x^2, alpha = x, and S = 2 (H - L) / (H + L).
    days = weekdays(30)
    flat = bars_from_prices(days, dict.fromkeys(("AAA", "BBB", "CCC", "DDD", "EEE"), [100.0] * 30))
    wide = flat.with_columns(high=pl.col("close") * 1.001, low=pl.col("close") * 0.999)
    got = states(wide, days)["corwin_schultz_bps"].drop_nulls()
    assert got.to_list() == pytest.approx([20.0] * len(got), rel=1e-9)


@needs_real_bars
def test_the_high_low_spread_reads_tens_of_basis_points_on_jpm() -> None:
    bars = real_bars()
    sessions = bars["as_of_date"].unique().sort().to_list()
    names = universe().model_copy(update={"symbols": {"JPM": universe().symbols["AAA"]}})
    panel = build_panel(bars, sessions, ["JPM"])
    frame = instrument_state(panel, names, DESK.features, COSTS, calm(sessions), "v1", date(2018, 1, 2), date(2024, 12, 31))
    assert 30 < frame["corwin_schultz_bps"].median() < 70
