"""The scenarios table: shocks and replays per name, with a note wherever something moves nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.scenarios import Scenarios
from riskdesk_assets.common.settings import Config, load_config, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.files import FilesVendor
from riskdesk_assets.market.replays import REPLAY_SCHEMA, no_replays, replay_rows
from riskdesk_assets.risk_model.scenario_rows import scenario_rows
from riskdesk_tests.desk_builder import calendar

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
DAY, NEXT = date(2024, 3, 4), date(2024, 3, 5)


def config_with(scenarios: dict[str, object]) -> Config:
    return load_config(load_paths({})).model_copy(update={"scenarios": Scenarios.model_validate(scenarios)})


def states(classes: dict[str, str], *days: date) -> pl.DataFrame:
    schema = TABLES["instrument_state"].schema
    rows = [{"as_of_date": day, "symbol": symbol, "fragility_class": name} for day in days for symbol, name in classes.items()]
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema, orient="row")


def exposures(rows: dict[str, float], *days: date) -> pl.DataFrame:
    return TABLES["instrument_factors_daily"].frame(
        [
            {"as_of_date": day, "instrument_id": symbol, "factor_id": "market", "exposure": size, "model_id": "m"}
            for day in days
            for symbol, size in rows.items()
        ]
    )


def returns(frame: pl.DataFrame) -> dict[str, float]:
    return dict(frame.select("symbol", "shocked_return").iter_rows())


def test_a_names_own_shock_wins_and_the_shocks_of_its_sets_add_up() -> None:
    config = config_with(
        {
            "parametric": [
                {
                    "scenario_id": "mix",
                    "description": "x",
                    "factors": {"market": -0.1},
                    "groups": {"money_center": -0.02},
                    "fragility": {"SOFT": -0.15},
                    "names": {"BAC": -0.5},
                }
            ]
        }
    )
    beta = dict.fromkeys(config.universe.tradable, 1.0) | {"JPM": 1.2}
    found = returns(scenario_rows(config, exposures(beta, DAY), states({"JPM": "SOFT"}, DAY), no_replays(), [DAY]))
    # JPM: 1.2 x -0.1 - 0.02 - 0.15 = -0.29, by hand.
    assert found["JPM"] == pytest.approx(-0.29, abs=1e-12)
    assert found["BAC"] == -0.5
    assert set(found) == set(config.universe.tradable)


def test_an_unknown_target_moves_nothing_and_names_the_nearest() -> None:
    config = config_with({"parametric": [{"scenario_id": "typo", "description": "x", "sectors": {"Financialz": -0.2}}]})
    rows = scenario_rows(config, exposures({}, DAY), states({}, DAY), no_replays(), [DAY])
    assert set(rows["shocked_return"]) == {0.0}
    assert set(rows["note"]) == {"no sector 'Financialz' here; did you mean 'Financials'?"}


def test_a_class_nobody_is_in_today_says_so() -> None:
    config = config_with({"parametric": [{"scenario_id": "soft", "description": "x", "fragility": {"SOFT": -0.2}}]})
    rows = scenario_rows(config, exposures({}, DAY), states({"JPM": "NONE"}, DAY), no_replays(), [DAY])
    assert set(rows["note"]) == {"no name is SOFT today"}


def test_a_correlation_scenario_has_one_row_without_a_return() -> None:
    spec = {"scenario_id": "one", "description": "x", "correlation_to_one": 1.0, "volatility_multiple": 2.33}
    rows = scenario_rows(config_with({"parametric": [spec]}), exposures({}, DAY), states({}, DAY), no_replays(), [DAY])
    assert rows.select("kind", "symbol", "shocked_return").rows() == [("CORRELATION", "", None)]


def test_a_day_alone_equals_the_same_day_in_a_range() -> None:
    config = load_config(load_paths({}))
    facts = exposures({"JPM": 1.1, "BAC": 0.9}, DAY, NEXT), states({"JPM": "SOFT"}, DAY, NEXT)
    alone = scenario_rows(config, facts[0].filter(pl.col("as_of_date") == NEXT), facts[1], no_replays(), [NEXT])
    both = scenario_rows(config, *facts, no_replays(), [DAY, NEXT])
    assert alone.equals(both.filter(pl.col("as_of_date") == NEXT))


def past(prices: dict[str, tuple[float, float]]) -> pl.DataFrame:
    """Adjusted closes before and at the end of the crash of 2020."""
    days = (date(2020, 2, 19), date(2020, 3, 23))
    rows = [
        ("crash", day, symbol, price, "FILES") for symbol, both in prices.items() for day, price in zip(days, both, strict=True)
    ]
    return pl.DataFrame(rows, schema=dict(REPLAY_SCHEMA), orient="row")


CRASH: dict[str, object] = {
    "historical": [{"scenario_id": "crash", "description": "x", "start": "2020-02-20", "end": "2020-03-23"}]
}


def test_a_name_without_bars_of_those_days_moves_with_its_group_and_one_whose_group_has_none_with_everybody() -> None:
    config = config_with(CRASH)
    groups = {symbol: instrument.industry_group for symbol, instrument in config.universe.symbols.items()}
    replays = past({"JPM": (100.0, 70.0), "BAC": (50.0, 30.0), "KEY": (20.0, 9.0)})
    rows = scenario_rows(config, exposures({}, DAY), states({}, DAY), replays, [DAY])
    found = {str(row["symbol"]): row for row in rows.iter_rows(named=True)}
    assert set(found) == set(config.universe.tradable)
    for symbol, row in found.items():
        if symbol in {"JPM", "BAC", "KEY"}:
            assert (row["proxied"], row["note"]) == (False, "")
        elif groups[symbol] == "money_center":
            # (-30% - 40%) / 2, by hand.
            assert row["shocked_return"] == pytest.approx(-0.35, abs=1e-15)
            assert (row["proxied"], row["note"]) == (True, "no bars of these days: the mean of group money_center")
        elif groups[symbol] != groups["KEY"]:
            # (-30% - 40% - 55%) / 3, by hand.
            assert row["shocked_return"] == pytest.approx(-1.25 / 3, abs=1e-15)
            assert (row["proxied"], row["note"]) == (True, "no bars of these days: the mean of all names")
    assert {groups[symbol] for symbol, row in found.items() if "all names" in row["note"]} >= {"trust", "card"}
    assert "group money_center" in found["WFC"]["note"]


def test_a_name_with_only_one_end_or_a_price_that_is_none_is_proxied_too() -> None:
    config = config_with(CRASH)
    replays = past({"JPM": (100.0, 70.0), "BAC": (float("nan"), 30.0), "KEY": (0.0, 9.0), "C": (10.0, 5.0)})
    replays = replays.filter((pl.col("symbol") != "C") | (pl.col("as_of_date") < date(2020, 3, 1)))
    rows = scenario_rows(config, exposures({}, DAY), states({}, DAY), replays, [DAY])
    own = rows.filter(~pl.col("proxied"))
    assert own.select("symbol", "shocked_return").rows() == [("JPM", pytest.approx(-0.3, abs=1e-15))]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real bars are not here")
def test_the_crash_of_2020_is_lived_through_again_from_real_bars_and_2008_has_none() -> None:
    config = load_config(load_paths({}))
    vendor = FilesVendor(SHARED, calendar())
    bars = vendor.bars(config.universe.tradable, date(2023, 12, 1), DAY)
    replays = replay_rows(vendor, config.universe.tradable, bars, date(2023, 12, 1), DAY, config.scenarios, calendar())
    sessions = [date(2020, 3, 20), DAY]
    rows = scenario_rows(config, exposures({}, DAY), states({}, DAY), replays, sessions)
    now = rows.filter(pl.col("as_of_date") == DAY)
    crash = returns(now.filter(pl.col("scenario_id") == "march_2020"))
    prices = dict(
        pl.read_parquet(SHARED / "bank_bars_2015_2025.parquet")
        .filter((pl.col("symbol") == "JPM") & pl.col("date").is_in([date(2020, 2, 19), date(2020, 3, 23)]))
        .select(pl.col("date").cast(pl.Date), "adj_close")
        .iter_rows()
    )
    assert crash["JPM"] == prices[date(2020, 3, 23)] / prices[date(2020, 2, 19)] - 1.0
    assert -0.6 < crash["JPM"] < -0.3
    assert now.filter(pl.col("scenario_id") == "march_2023").height == len(config.universe.tradable)
    assert now.filter(pl.col("scenario_id") == "september_2008")["note"].to_list() == ["no bars of these days"]
    # Not over yet on 20 March 2020: the session may not know how it ends.
    early = rows.filter(pl.col("as_of_date") == sessions[0])
    assert "march_2020" not in set(early["scenario_id"])
