"""Strategies by calendar quarter, by hand."""

from __future__ import annotations

from datetime import date

import pytest

from riskdesk_assets.reports.strategy_quarters import quarter_of, strategy_quarters
from riskdesk_tests.desk_builder import desk_config, sessions_from
from riskdesk_tests.reports.expected_frames import RV_TICKET, SPREAD_TICKET, computed, tables_of

DAYS = sessions_from(date(2026, 3, 27), 8)  # three sessions of the first quarter, five of the second


def test_a_quarter_adds_up_what_was_earned_and_expected_and_counts_hits_of_active_days_only() -> None:
    realized = {
        DAYS[1]: {RV_TICKET: 10.0, SPREAD_TICKET: -1.0},
        DAYS[4]: {RV_TICKET: -30.0},
        DAYS[5]: {RV_TICKET: 5.0},
        DAYS[7]: {RV_TICKET: 7.0},
    }
    held = {DAYS[3]: {RV_TICKET: 100_000.0}}
    tables = tables_of(DAYS, budgets={RV_TICKET: 1e6, SPREAD_TICKET: 5e5}, realized=realized, held=held)
    found = {(one.quarter, one.strategy): one for one in strategy_quarters(computed(desk_config(), tables, DAYS))}
    assert list(found) == [
        *[("2026-Q2", name) for name in ("banks", "brokers", "TOTAL")],
        *[("2026-Q1", name) for name in ("banks", "brokers", "TOTAL")],
    ]
    banks = found["2026-Q2", "banks"]
    assert (banks.bucket, banks.sessions, banks.active) == ("RV", 5, 3)
    assert (banks.realized, banks.best, banks.worst) == (-18.0, 7.0, -30.0)
    assert banks.expected == pytest.approx(5 * 500.0)  # 1,000,000 x 0.0025 / 5 a day
    assert banks.expected_employed == pytest.approx(100_000 * 0.0025 / 5)
    assert banks.ratio == pytest.approx(-18 / 2_500)
    assert banks.employed_ratio == pytest.approx(-18 / 50)  # 100,000 x 0.0025 / 5, held for one session
    assert banks.hit_rate == pytest.approx(2 / 3)
    brokers = found["2026-Q2", "brokers"]
    assert (brokers.active, brokers.hit_rate, brokers.realized, brokers.employed_ratio) == (0, None, 0.0, None)
    first = found["2026-Q1", "TOTAL"]
    assert (first.sessions, first.realized, first.expected) == (
        3,
        9.0,
        pytest.approx(2 * 700.0),
    )  # the first day looks ahead only


def test_no_rows_no_quarters() -> None:
    assert strategy_quarters(computed(desk_config(), tables_of(DAYS), [])) == ()


@pytest.mark.parametrize(
    ("day", "quarter"), [((2025, 1, 1), "2025-Q1"), ((2025, 3, 31), "2025-Q1"), ((2025, 12, 31), "2025-Q4")]
)
def test_quarters_are_those_of_the_calendar(day: tuple[int, int, int], quarter: str) -> None:
    assert quarter_of(date(*day)) == quarter
