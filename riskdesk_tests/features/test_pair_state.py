"""pair_state against hand arithmetic, and against a reference written straight from methods.md section 2."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.feature_settings import FeatureSettings
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import build_panel
from riskdesk_tests.features.market import (
    DESK,
    PAIRS,
    SHORT,
    SYMBOLS,
    bars_from_prices,
    bits,
    made_up_bars,
    needs_real_bars,
    real_bars,
    weekdays,
)

NO_COINT = {"coint_refresh": "never"}


def states(
    bars: pl.DataFrame,
    sessions: Sequence[date],
    settings: FeatureSettings,
    first: date | None = None,
    pairs: Sequence[tuple[str, str]] = PAIRS,
) -> pl.DataFrame:
    panel = build_panel(bars, sessions, sorted({leg for pair in pairs for leg in pair}))
    return pair_state(panel, pairs, settings, "v1", first or sessions[0], sessions[-1])


def row(frame: pl.DataFrame, session: date, pair_id: str) -> dict[str, object]:
    found = frame.filter((pl.col("as_of_date") == session) & (pl.col("pair_id") == pair_id)).to_dicts()
    assert len(found) == 1
    return found[0]


def reference(a: list[float], b: list[float], settings: FeatureSettings) -> dict[str, float | int | bool | None]:
    """The last row's numbers from log prices on the common sessions, with plain loops and statistics of whole windows."""
    wh, wz, wl = settings.window_hedge, settings.window_z, settings.half_life_window

    def beta_at(end: int) -> float:
        ra = [a[i] - a[i - 1] for i in range(end - wh + 1, end + 1)]
        rb = [b[i] - b[i - 1] for i in range(end - wh + 1, end + 1)]
        ma, mb = math.fsum(ra) / wh, math.fsum(rb) / wh
        return math.fsum((x - ma) * (y - mb) for x, y in zip(ra, rb, strict=True)) / math.fsum((y - mb) ** 2 for y in rb)

    t = len(a) - 1
    beta = beta_at(t)
    spread = [x - beta * y for x, y in zip(a, b, strict=True)]

    def z_at(end: int) -> float:
        window = spread[end - wz + 1 : end + 1]
        mean = math.fsum(window) / wz
        return (spread[end] - mean) / math.sqrt(math.fsum((s - mean) ** 2 for s in window) / (wz - 1))

    days, earlier = 0, t
    while earlier - wz + 1 >= 0 and days < 252 and z_at(earlier) * z_at(t) > 0:
        days, earlier = days + 1, earlier - 1
    half_life = None
    if len(a) >= wl:
        window = np.array(spread[-wl:])
        phi = np.polyfit(window[:-1], np.diff(window), 1)[0]
        half_life = None if phi >= 0 else 1.0 if phi <= -1 else -math.log(2) / math.log(1 + phi)
    return {
        "beta": beta,
        "spread": spread[-1],
        "zscore": z_at(t),
        "spread_mean": float(np.mean(spread[-wz:])),
        "spread_sd": float(np.std(spread[-wz:], ddof=1)),
        "beta_stability": float(np.std([beta_at(t - k) for k in range(wh)], ddof=1)) if len(a) >= 2 * wh else None,
        "no_mean_cross_days": days,
        "extreme_z": abs(z_at(t)) >= settings.breakdown_z,
        "half_life_days": half_life,
        "corr_60": float(np.corrcoef(np.diff(a[-61:]), np.diff(b[-61:]))[0, 1]) if len(a) >= 61 else None,
    }


def assert_matches(got: dict[str, object], wanted: dict[str, float | int | bool | None], rel: float) -> None:
    for name, value in wanted.items():
        assert got[name] == (value if value is None or isinstance(value, (bool, int)) else pytest.approx(value, rel=rel)), name


def test_a_pair_worked_by_hand() -> None:
    # Log returns: B (0, 0, .01, -.01, 0), A (0, 0, .03, -.01, -.02). Over the last three: means 0, sum of products .0004, sum
    # of squares of B .0002, so beta = 2; the two windows before it give 3 and 2, whose sd is sqrt(1/3). The spread, less its
    # start ln 100 - 2 ln 50, is .01, .02, 0: mean .01, sd .01, z = -1. A session earlier, (0, .01, .02): z = +1, so z changed
    # sign today and the run is one session long.
    settings = SHORT.model_copy(update={"window_hedge": 3, "window_z": 3, "breakdown_z": 0.9, **NO_COINT})
    days = weekdays(6)
    log_a = np.log(100) + np.cumsum([0, 0, 0, 0.03, -0.01, -0.02])
    log_b = np.log(50) + np.cumsum([0, 0, 0, 0.01, -0.01, 0])
    frame = states(bars_from_prices(days, {"A": np.exp(log_a), "B": np.exp(log_b)}), days, settings, pairs=[("A", "B")])
    assert frame.height == 1
    got = frame.row(0, named=True)
    start = math.log(100) - 2 * math.log(50)
    assert got["beta"] == pytest.approx(2.0, abs=1e-10)
    assert got["spread"] == pytest.approx(start, abs=1e-9)
    assert got["spread_mean"] == pytest.approx(start + 0.01, abs=1e-9)
    assert got["spread_sd"] == pytest.approx(0.01, abs=1e-10)
    assert got["zscore"] == pytest.approx(-1.0, abs=1e-9)
    assert got["beta_stability"] == pytest.approx(math.sqrt(1 / 3), abs=1e-9)
    assert (got["no_mean_cross_days"], got["extreme_z"]) == (1, True)
    assert (got["pair_id"], got["leg_a"], got["leg_b"], got["feature_version"]) == ("A__B", "A", "B", "v1")
    assert (got["window_hedge"], got["window_z"]) == (3, 3)
    assert [got[name] for name in ("half_life_days", "corr_60", "coint_pvalue")] == [None, None, None]


@pytest.mark.parametrize("missing", [0.0, 0.08])
def test_every_column_follows_the_formulas_on_the_legs_common_sessions(missing: float) -> None:
    days = weekdays(180)
    settings = SHORT.model_copy(update={"breakdown_z": 1.5, **NO_COINT})
    bars = made_up_bars(days, missing=missing)
    frame = states(bars, days, settings)
    assert frame.height > 200
    assert frame["extreme_z"].n_unique() == 2
    for got in frame[::7].iter_rows(named=True):
        recent = [day for day in days if day <= got["as_of_date"]][-settings.lookback_sessions :]
        legs = [bars.filter(pl.col("symbol") == got[leg]) for leg in ("leg_a", "leg_b")]
        prices = [dict(leg.select("as_of_date", "adj_close").iter_rows()) for leg in legs]
        common = [day for day in recent if all(day in path for path in prices)]
        a, b = ([math.log(path[day]) for day in common] for path in prices)
        assert_matches(got, reference(a, b, settings), 1e-9)


def test_a_leg_without_a_bar_today_has_no_row_today_and_the_row_after_skips_it() -> None:
    days = weekdays(60)
    settings = SHORT.model_copy(update=NO_COINT)
    whole = made_up_bars(days)
    holed = whole.filter(~((pl.col("symbol") == "BBB") & (pl.col("as_of_date") == days[40])))
    frame = states(holed, days, settings, pairs=[("AAA", "BBB")])
    assert days[40] not in frame["as_of_date"].to_list()
    closed_up = states(
        holed.filter(pl.col("as_of_date") != days[40]),
        [day for day in days if day != days[40]],
        settings,
        pairs=[("AAA", "BBB")],
    )
    assert bits(frame) == bits(closed_up)


def test_a_row_needs_window_hedge_plus_window_z_common_bars_within_the_lookback() -> None:
    days = weekdays(130)
    settings = SHORT.model_copy(update=NO_COINT)
    frame = states(made_up_bars(days), days, settings)
    assert frame["as_of_date"].min() == days[settings.window_hedge + settings.window_z - 1]
    # 17 bars, a hole, and one bar exactly at, then one session past, the end of the lookback.
    for hole, rows in ((102, 1), (103, 0)):
        kept = [*days[:17], days[17 + hole]]
        bars = made_up_bars(days).filter(pl.col("as_of_date").is_in(kept))
        assert states(bars, days, settings, pairs=[("AAA", "BBB")]).height == rows


def test_windows_of_different_lengths_are_honoured() -> None:
    days = weekdays(90)
    bars = made_up_bars(days)
    settings = SHORT.model_copy(update={"window_hedge": 25, "window_z": 5, **NO_COINT})
    frame = states(bars, days, settings)
    assert frame["as_of_date"].min() == days[29]
    assert frame.filter(pl.col("as_of_date") < days[49])["beta_stability"].null_count() == 60
    assert frame.filter(pl.col("as_of_date") >= days[49])["beta_stability"].null_count() == 0
    got = row(frame, days[-1], "AAA__BBB")
    a, b = ([math.log(p) for p in bars.filter(pl.col("symbol") == leg)["adj_close"]] for leg in ("AAA", "BBB"))
    assert_matches(got, reference(a, b, settings), 1e-9)


def test_a_second_leg_or_a_spread_that_stands_still_has_no_row() -> None:
    days = weekdays(60)
    path = made_up_bars(days).filter(pl.col("symbol") == "AAA")["adj_close"].to_list()
    settings = SHORT.model_copy(update=NO_COINT)
    bars = bars_from_prices(days, {"A": path, "FLAT": [20.0] * 60, "SAME": path})
    assert states(bars, days, settings, pairs=[("A", "FLAT")]).height == 0
    assert states(bars, days, settings, pairs=[("A", "SAME")]).height == 0
    flat_first = states(bars, days, settings, pairs=[("FLAT", "A")])
    assert flat_first.height == 0


def test_a_spread_that_does_not_revert_has_no_half_life_and_one_that_overshoots_has_one_session() -> None:
    days = weekdays(40)
    settings = SHORT.model_copy(update={"half_life_window": 20, **NO_COINT})
    rng = np.random.default_rng(5)
    log_b = np.cumsum(rng.normal(0, 0.01, 40))
    noise = rng.normal(0, 1e-5, 40)
    growing = log_b + 0.001 * 1.2 ** np.arange(40) / 1.2**20 + noise
    flipping = log_b + 0.01 * (-1.05) ** np.arange(40) / 1.05**20 + noise
    bars = bars_from_prices(days, {"B": np.exp(log_b), "G": np.exp(growing), "F": np.exp(flipping)})
    for leg, half_life in (("G", None), ("F", 1.0)):
        assert row(states(bars, days, settings, pairs=[(leg, "B")]), days[-1], f"{leg}__B")["half_life_days"] == half_life


@pytest.mark.parametrize(("lookback", "longest"), [(380, 252), (120, 120 - 8 + 1)])
def test_no_mean_cross_days_never_counts_past_its_window_or_the_lookback(lookback: int, longest: int) -> None:
    days = weekdays(400)
    rng = np.random.default_rng(2)
    log_b = np.cumsum(rng.normal(0, 0.01, 400))
    # A spread that always accelerates: it is above its trailing mean on every session.
    log_a = log_b + 1e-6 * np.arange(400) ** 2
    settings = SHORT.model_copy(update={"lookback_sessions": lookback, **NO_COINT})
    frame = states(bars_from_prices(days, {"A": np.exp(log_a), "B": np.exp(log_b)}), days, settings, pairs=[("A", "B")])
    assert frame["no_mean_cross_days"].max() == longest
    assert frame["no_mean_cross_days"][-1] == longest


def test_the_order_of_pairs_and_a_pair_given_twice_change_nothing() -> None:
    days = weekdays(60)
    bars, settings = made_up_bars(days), SHORT.model_copy(update=NO_COINT)
    assert bits(states(bars, days, settings)) == bits(states(bars, days, settings, pairs=[*PAIRS[::-1], PAIRS[0]]))


def test_an_empty_range_and_no_pairs_give_no_rows() -> None:
    days = weekdays(30)
    panel = build_panel(made_up_bars(days), days, SYMBOLS)
    assert pair_state(panel, PAIRS, SHORT, "v1", date(2030, 1, 1), date(2030, 2, 1)).height == 0
    assert pair_state(panel, PAIRS, SHORT, "v1", date(2000, 1, 1), date(2000, 2, 1)).height == 0
    assert pair_state(panel, [], SHORT, "v1", days[0], days[-1]).height == 0


def test_the_cointegration_p_value_is_statsmodels_as_of_the_first_session_of_the_week() -> None:
    from statsmodels.tsa.stattools import coint

    days = [day for day in weekdays(60) if day != date(2021, 3, 1)]  # that week starts on a Tuesday
    bars = made_up_bars(days)
    frame = states(bars, days, SHORT, pairs=[("AAA", "BBB")])
    paths = {s: np.log(bars.filter(pl.col("symbol") == s)["adj_close"].to_numpy()) for s in ("AAA", "BBB")}
    for session, as_of in (
        (date(2021, 3, 5), date(2021, 3, 2)),
        (date(2021, 3, 2), date(2021, 3, 2)),
        (date(2021, 3, 10), date(2021, 3, 8)),
    ):
        end = days.index(as_of) + 1
        wanted = coint(paths["AAA"][end - 30 : end], paths["BBB"][end - 30 : end], maxlag=1, autolag=None)[1]
        assert row(frame, session, "AAA__BBB")["coint_pvalue"] == pytest.approx(wanted, rel=1e-12)
    assert frame.filter(pl.col("coint_pvalue").is_not_null())["as_of_date"].min() == date(
        2021, 2, 15
    )  # the 31st session's week
    assert states(bars, days, SHORT.model_copy(update=NO_COINT))["coint_pvalue"].null_count() == frame.height * 3


@needs_real_bars
def test_real_bars_agree_with_statsmodels() -> None:
    import statsmodels.api as sm
    from statsmodels.tsa.stattools import coint

    bars = real_bars().filter(pl.col("symbol").is_in(["FITB", "HBAN"]))
    sessions = bars["as_of_date"].unique().sort().to_list()
    panel = build_panel(bars, sessions, ["FITB", "HBAN"])
    session = date(2023, 3, 15)
    frame = pair_state(panel, [("FITB", "HBAN")], DESK.features, "v1", session, session)
    end = sessions.index(session) + 1
    a, b = (panel.log_adj[:end, panel.column(leg)] for leg in ("FITB", "HBAN"))
    got = row(frame, session, "FITB__HBAN")
    beta = sm.OLS(np.diff(a)[-60:], sm.add_constant(np.diff(b)[-60:])).fit().params[1]
    assert got["beta"] == pytest.approx(beta, rel=1e-9)
    spread = (a - beta * b)[-252:]
    phi = sm.OLS(np.diff(spread), sm.add_constant(spread[:-1])).fit().params[1]
    assert got["half_life_days"] == pytest.approx(-np.log(2) / np.log(1 + phi), rel=1e-9)
    monday = sessions.index(date(2023, 3, 13)) + 1
    assert got["coint_pvalue"] == pytest.approx(
        coint(a[monday - 252 : monday], b[monday - 252 : monday], maxlag=1, autolag=None)[1]
    )


@needs_real_bars
@pytest.mark.parametrize(
    ("pair", "hedge", "pvalue", "sessions_to_halve"),
    [  # the reference numbers that come with the real bars: log adj_close 2020-01-02..2024-12-31, statsmodels
        (("FITB", "HBAN"), 1.321036, 0.0392, 31.8),
        (("JPM", "BAC"), 0.993719, 0.9673, 682),
        (("GS", "MS"), 0.957203, 0.3944, 73.7),
        (("KEY", "RF"), 0.695516, 0.6331, 128),
    ],
)
def test_the_half_life_and_the_test_reproduce_the_reference_numbers(
    pair: tuple[str, str], hedge: float, pvalue: float, sessions_to_halve: float
) -> None:
    from riskdesk_assets.features.cointegration import engle_granger_pvalue
    from riskdesk_assets.features.spread import half_life

    bars = real_bars().filter(
        pl.col("symbol").is_in(pair), pl.col("as_of_date").is_between(date(2020, 1, 2), date(2024, 12, 31))
    )
    panel = build_panel(bars, bars["as_of_date"].unique().to_list(), pair)
    a, b = (np.ascontiguousarray(panel.log_adj[:, panel.column(leg)]) for leg in pair)
    days = half_life(a, b, np.full(len(a), hedge), len(a))[-1]
    assert days == pytest.approx(sessions_to_halve, rel=0.003)
    # Theirs may have chosen another lag; ours is fixed at 1.
    assert engle_granger_pvalue(a, b) == pytest.approx(pvalue, abs=0.05)
