"""Stored predictions against outcomes: which days count, what each check says of them, and when it says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.model_check_rows import CHECKED_TABLES, LimitDays, Prediction, checks, model_checks
from riskdesk_tests.desk_builder import calendar, changed, desk_config, sessions_from

DAYS = sessions_from(date(2025, 1, 2), 300)
NONE = LimitDays(0, 0, {})
SETTINGS = desk_config().desk.risk_report


def judged(
    pnl: Sequence[float], volatility: float = 0.01, var_95: float = 0.016, var_99: float = 0.023
) -> dict[str, dict[str, object]]:
    """The checks after days of these P&L, each predicted alike the session before."""
    window = DAYS[: len(pnl) + 1]
    known = {day: Prediction(value, volatility, var_95, var_99) for day, value in zip(window, [0.0, *pnl], strict=True)}
    return {str(row["check_name"]): row for row in checks(known, window, NONE, SETTINGS)}


def alternating(count: int, size: float = 0.01) -> list[float]:
    return [size if place % 2 else -size for place in range(count)]


def test_a_model_with_the_right_volatility_has_a_ratio_of_one() -> None:
    row = judged(alternating(200))["bias_ratio"]
    assert row["statistic"] == pytest.approx((200 / 199) ** 0.5)
    assert (row["outcome"], row["observations"]) == ("OK", 200)
    assert judged(alternating(200, 0.02))["bias_ratio"]["outcome"] == "REJECTED"
    assert judged(alternating(200, 0.005))["bias_ratio"]["outcome"] == "REJECTED"


def test_exceptions_are_losses_larger_than_the_var_of_the_session_before() -> None:
    pnl = alternating(250)
    for place in range(0, 250, 25):
        pnl[place] = -0.03
    rows = judged(pnl)
    assert (rows["kupiec_99"]["exceptions"], rows["kupiec_99"]["expected"]) == (10, 2.5)
    # Basel (1996): ten exceptions of 250 at 99% are red.
    assert rows["traffic_light_99"]["outcome"] == "RED"
    # Kupiec (1995): 2 ln(0.04^10 0.96^240 / (0.01^10 0.99^240)) = 12.955, far in the tail of chi-square with one degree.
    assert rows["kupiec_99"]["statistic"] == pytest.approx(12.9555, abs=1e-3)
    assert rows["kupiec_99"]["outcome"] == "REJECTED"
    assert rows["kupiec_95"]["exceptions"] == 10
    assert rows["kupiec_95"]["outcome"] == "OK"
    assert rows["christoffersen_99"]["outcome"] == "OK"
    assert "traffic_light_95" not in rows


def test_a_loss_of_exactly_the_var_is_none() -> None:
    pnl = alternating(100, 0.01)
    pnl[10] = -0.023
    assert judged(pnl)["kupiec_99"]["exceptions"] == 0


def test_exceptions_in_a_row_are_told_from_scattered_ones() -> None:
    pnl = alternating(250)
    pnl[100:105] = [-0.03] * 5
    assert judged(pnl)["christoffersen_99"]["outcome"] == "REJECTED"


def test_with_too_few_sessions_no_check_says_anything() -> None:
    rows = judged(alternating(SETTINGS.check_minimum - 1))
    said = {name: row["outcome"] for name, row in rows.items() if name != "limit_adherence"}
    assert set(said.values()) == {"TOO_FEW"}
    assert all(row["observations"] == SETTINGS.check_minimum - 1 for name, row in rows.items() if name in said)
    assert judged(alternating(SETTINGS.check_minimum))["bias_ratio"]["outcome"] != "TOO_FEW"


def test_sessions_without_a_position_are_left_out_and_counted() -> None:
    window = DAYS[:201]
    held = [place < 100 for place in range(201)]
    known = {
        day: Prediction(0.01 if place % 2 else -0.01, 0.01 if held[place] else 0.0, 0.016, 0.023)
        for place, day in enumerate(window)
    }
    row = next(row for row in checks(known, window, NONE, SETTINGS) if row["check_name"] == "bias_ratio")
    assert row["observations"] == 100
    assert "100 sessions without a position are left out" in str(row["message"])


def test_the_largest_fall_stands_beside_the_one_to_be_expected() -> None:
    pnl = [0.01] * 50 + [-0.01] * 20 + [0.01] * 30
    row = judged(pnl)["drawdown"]
    assert row["statistic"] == pytest.approx(0.2)
    assert row["expected"] == pytest.approx(1.2533141 * 0.01 * 10.0, rel=1e-6)
    # The risk report's largest drawdown, on the same page, is of the equity after costs.
    assert str(row["message"]).startswith("the largest fall before costs was 20.00% of nav")


def frames(**rows: list[Mapping[str, object]]) -> dict[str, pl.DataFrame]:
    return {
        name: pl.DataFrame(
            [dict.fromkeys(TABLES[name].columns) | dict(row) for row in rows.get(name, [])],
            schema=TABLES[name].schema,
            orient="row",
        )
        for name in CHECKED_TABLES
    }


def desk_row(day: date, pnl: float, **more: object) -> dict[str, object]:
    values = {"pnl_gross": pnl * 2_500_000, "ex_ante_volatility": 0.01, "var_95": 0.016, "var_99": 0.023, "released": True}
    return {"as_of_date": day, **values, **more}


def test_a_breached_limit_of_a_released_book_is_told_and_one_of_a_blocked_book_is_not() -> None:
    states = [desk_row(day, 0.0, released=day != DAYS[3]) for day in DAYS[:10]]
    audit = [
        {"as_of_date": DAYS[2], "limit_name": "name_gross:C", "family": "name_gross", "status": "BREACH"},
        {"as_of_date": DAYS[3], "limit_name": "name_gross:C", "family": "name_gross", "status": "BREACH"},
        {
            "as_of_date": DAYS[4],
            "limit_name": "portfolio_net",
            "family": "portfolio_net",
            "status": "OK",
            "price_of_limit": 1e-5,
        },
    ]
    found = model_checks(desk_config(), frames(desk_state=states, limit_audit=audit), [DAYS[9]], calendar().sessions)
    rows = {row["check_name"]: row for row in found.iter_rows(named=True)}
    assert (rows["limit_adherence"]["exceptions"], rows["limit_adherence"]["observations"]) == (1, 9)
    assert rows["limit_adherence"]["outcome"] == "BREACHED"
    assert rows["binding:portfolio_net"]["exceptions"] == 1


def test_a_session_sees_the_window_before_it_and_nothing_later() -> None:
    config = changed(desk_config(), "desk.risk_report.check_window", 60)
    states = [desk_row(day, pnl) for day, pnl in zip(DAYS[:200], alternating(200), strict=True)]
    whole = model_checks(config, frames(desk_state=states), DAYS[100:200], calendar().sessions)
    for place in (100, 150, 199):
        alone = model_checks(config, frames(desk_state=states[place - 60 : place + 1]), [DAYS[place]], calendar().sessions)
        assert alone.equals(whole.filter(pl.col("as_of_date") == DAYS[place]))
        assert alone.filter(pl.col("check_name") == "bias_ratio")["observations"][0] == 60


def test_a_mandate_is_checked_by_its_own_decisions() -> None:
    config = desk_config()
    decisions = [
        {
            "as_of_date": day,
            "engine_name": "PORTFOLIO",
            "portfolio_id": "bank_long_only",
            "status": "OPTIMAL",
            "pnl": pnl,
            "expected_volatility": 0.01,
            "var_95": 0.016,
            "var_99": 0.023,
        }
        for day, pnl in zip(DAYS[:100], alternating(100), strict=True)
    ]
    found = model_checks(config, frames(engine_decisions=decisions), [DAYS[99]], calendar().sessions)
    ratio = found.filter((pl.col("portfolio_id") == "bank_long_only") & (pl.col("check_name") == "bias_ratio"))
    assert ratio["observations"].to_list() == [99]
    assert ratio["outcome"].to_list() == ["OK"]
