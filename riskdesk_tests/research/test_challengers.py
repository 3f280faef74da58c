"""Challengers on two tickets and a few sessions, added up by hand."""

from __future__ import annotations

import math
from datetime import date

import polars as pl
import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.research.backtest_tables import TIMESERIES
from riskdesk_assets.research.challengers import EQUAL_WEIGHT, INVERSE_VOLATILITY, challengers
from riskdesk_tests.desk_builder import changed, desk_config, marks, print_panel, sessions_from

DAYS = sessions_from(date(2026, 3, 2), 10)
START = 5
CONFIG = changed(changed(desk_config(), "desk.costs.use_half_spread", False), "desk.costs.charge_borrow", False)
NO_SPLITS = pl.DataFrame(schema={"symbol": pl.String, "as_of_date": pl.Date, "ratio": pl.Float64})

# JPM swings by 2% and WFC by 1% around still partners before the range; in it JPM rises 10% once, WFC falls 10% once.
PRICES = {
    "JPM": [100.0, 102.0, 100.0, 102.0, 100.0, 100.0, 110.0, 110.0, 110.0, 110.0],
    "WFC": [50.0, 50.5, 50.0, 50.5, 50.0, 50.0, 50.0, 45.0, 45.0, 45.0],
    "BAC": [40.0] * 10,
    "C": [60.0] * 10,
}
PRINTS: dict[date, dict[str, Mark]] = {
    day: marks(**{symbol: values[place] for symbol, values in PRICES.items()}) for place, day in enumerate(DAYS)
}
# long JPM/BAC at beta 1 for three sessions; long WFC/C at beta 0 for three, from the second on, in half units
UNITS = {"one": [1.0, 1.0, 1.0, 0.0, 0.0], "two": [0.0, 0.5, 0.5, 0.5, 0.0]}
PAIRS = {"one": ("JPM__BAC", 1.0), "two": ("WFC__C", 0.0)}


def rows(gross: float, config: object = CONFIG, prints: dict[date, dict[str, Mark]] = PRINTS) -> pl.DataFrame:
    """Challengers of a desk whose gross is the same on every session of the range."""
    blank: dict[str, object] = dict.fromkeys(TIMESERIES.columns)
    series = TIMESERIES.frame([{**blank, "as_of_date": day, "equity_gross": gross} for day in DAYS[START:]])
    empty: dict[str, object] = dict.fromkeys(TABLES["proposals"].columns)
    proposals = TABLES["proposals"].frame(
        [
            {
                **empty,
                "as_of_date": DAYS[START + place],
                "ticket_id": ticket,
                "pair_id": PAIRS[ticket][0],
                "units": units,
                "beta": PAIRS[ticket][1],
            }
            for ticket, wanted in UNITS.items()
            for place, units in enumerate(wanted)
        ]
    )
    return challengers(series, proposals, print_panel(prints), NO_SPLITS, desk_context(config), 5)  # type: ignore[arg-type]


def of(frame: pl.DataFrame, name: str) -> dict[str, list[float]]:
    found = frame.filter(pl.col("challenger") == name).sort("as_of_date")
    return {column: found[column].to_list() for column in found.columns}


def test_equal_weight_by_hand() -> None:
    # Relative gross: 1 for ticket one, 0.5 for two. One is 0.5 JPM against 0.5 BAC; on its second day JPM is 0.55.
    # Day gross 1, 1.05 + 0.5, 1.05 + 0.45, 0.45, 0: mean 0.9; the desk's is 900, so a unit is 1,000 dollars.
    found = of(rows(900.0), EQUAL_WEIGHT)
    assert found["gross"] == pytest.approx([1_000.0, 1_550.0, 1_500.0, 450.0, 0.0])
    assert found["pnl_gross"] == pytest.approx([50.0, -50.0, 0.0, 0.0, 0.0])
    # in with 1,000; in with 500; out with 1,050; out with 450
    assert found["turnover"] == pytest.approx([1_000.0, 500.0, 0.0, 1_050.0, 450.0])
    assert found["costs"] == pytest.approx([0.1, 0.05, 0.0, 0.105, 0.045])
    assert found["tickets"] == [1, 2, 2, 1, 0]
    assert found["status"] == ["OK", "OK", "OK", "OK", "PENDING"]
    assert found["cumulative_pnl_net"][-1] == pytest.approx(0.0 - 0.3)


def test_inverse_volatility_by_hand() -> None:
    """One's pair moves +-2% in half of its gross, two's +-1% in all of it: the same volatility, so gross 1 to 0.5 as before,
    but for two's window, which is a session later and begins with a fall."""
    one = [0.02 / 2, (100 / 102 - 1) / 2, 0.02 / 2, (100 / 102 - 1) / 2, 0.0]
    two = [50 / 50.5 - 1, 0.01, 50 / 50.5 - 1, 0.0, 0.0]
    weights = [1 / sd(one), 0.5 / sd(two)]
    found = of(rows(900.0), INVERSE_VOLATILITY)
    gross = [weights[0], weights[0] * 1.05 + weights[1], weights[0] * 1.05 + weights[1] * 0.9, weights[1] * 0.9, 0.0]
    unit = 900.0 * 5 / sum(gross)
    assert found["gross"] == pytest.approx([value * unit for value in gross])
    assert found["pnl_gross"][:2] == pytest.approx([weights[0] * unit * 0.05, -weights[1] * unit * 0.1])


def test_the_mean_gross_is_the_desks_own() -> None:
    frame = rows(123_456.0)
    for name in (EQUAL_WEIGHT, INVERSE_VOLATILITY):
        assert sum(of(frame, name)["gross"]) / 5 == pytest.approx(123_456.0)


def test_borrow_is_paid_on_what_was_short_overnight() -> None:
    free = changed(
        changed(changed(CONFIG, "desk.costs.cost_bps", 0.0), "desk.costs.charge_borrow", True),
        "desk.costs.default_borrow_bps",
        252.0,
    )
    found = of(rows(900.0, free), EQUAL_WEIGHT)
    # 500 of BAC short over three nights at 1 bp a session
    assert found["costs"] == pytest.approx([0.0, 0.05, 0.05, 0.05, 0.0])


def test_a_session_without_a_price_is_skipped_whole_and_the_one_before_waits() -> None:
    silent = {
        day: {symbol: mark for symbol, mark in today.items() if (day, symbol) != (DAYS[7], "C")}
        for day, today in PRINTS.items()
    }
    silent[DAYS[7]].pop("BAC")
    found = of(rows(900.0, prints=silent), EQUAL_WEIGHT)
    assert found["status"] == ["OK", "OK", "SKIPPED_NO_PRICE", "OK", "PENDING"]
    assert found["next_date"][1] == DAYS[8]
    # what waits over the gap earns the whole of it
    assert found["pnl_gross"][1] == pytest.approx(-50.0, rel=0.2)


def sd(values: list[float]) -> float:
    center = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - center) ** 2 for value in values) / (len(values) - 1))
