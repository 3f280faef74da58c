"""The shadow report by hand: what guarded and naive books trade, pay and earn."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.guards.shadow_report import ShadowSession, shadow_report
from riskdesk_tests.guards.tickets import DAY, PRICES, pair, rules

RATES = dict.fromkeys(PRICES, 0.0002)


def day(number: int, *tickets, returns=None, **fields) -> ShadowSession:
    return ShadowSession(DAY + timedelta(days=number), tickets, fields.pop("prices", PRICES), returns or {}, **fields)


def test_what_the_band_saves_is_measured_leg_by_leg():
    # 2% up and down every session: the naive book trades 4,000 dollars a day, the guarded one stands still.
    days = [day(number, pair((1000 + 20 * (number % 2), -1000 - 20 * (number % 2)))) for number in range(5)]
    own = replace(rules(), min_order=5_000 * TICKS_PER_DOLLAR)
    report = shadow_report(days, own, RATES)
    assert (report.sessions, report.turnover_naive, report.turnover_guarded) == (4, 16_000.0, 0.0)
    assert (report.turnover_reduction, report.cost_reduction) == (1.0, 1.0)
    assert report.cost_naive == pytest.approx(3.2)
    assert report.mean_distance == pytest.approx((2 * 4_000 / 204_000) / 4)


def test_pnl_is_yesterdays_book_times_todays_return_and_tracking_its_difference():
    days = [
        day(0, pair((1000, -1000))),
        day(1, pair((1040, -1000))),  # the guarded book keeps 1,000
        day(2, pair((1040, -1000)), returns={"JPM": 0.01}),
        day(3, pair((1040, -1000)), returns={"JPM": -0.02, "BAC": 0.01}),
    ]
    report = shadow_report(days, rules(), RATES)
    assert [row.pnl_naive for row in report.rows] == pytest.approx([0, 1_040.0, -3_080.0])
    assert [row.pnl_guarded for row in report.rows] == pytest.approx([0, 1_000.0, -3_000.0])
    assert report.pnl_difference == pytest.approx(40.0)
    assert report.net_difference == pytest.approx(40.0 + 4_000 * 0.0002)
    # Differences 0, -40, 80: mean 40/3, squared deviations sum to 7,466.67
    assert report.tracking_per_session == pytest.approx((7_466.666666666667 / 2) ** 0.5)


def test_a_split_is_no_trade():
    before = day(0, pair((1000, -1000)))
    after = day(1, pair((2000, -1000)), prices={**PRICES, "JPM": 50 * TICKS_PER_DOLLAR}, splits={"JPM": Fraction(2)})
    report = shadow_report([before, after], rules(), RATES)
    assert (report.turnover_naive, report.turnover_guarded, report.mean_distance) == (0.0, 0.0, 0.0)


def test_where_nothing_is_traded_nothing_is_claimed():
    report = shadow_report([day(0, pair((1000, -1000))), day(1, pair((1000, -1000)))], rules(), RATES)
    assert (report.turnover_reduction, report.cost_reduction, report.tracking_per_session) == (None, None, None)
    empty = shadow_report([day(0)], rules(), RATES)
    assert (empty.sessions, empty.mean_distance, empty.turnover_reduction) == (0, None, None)


def test_entries_and_exits_are_followed_so_that_the_books_meet_again():
    days = [day(0), *(day(number, pair((4000, -4000))) for number in range(1, 4)), day(4)]
    report = shadow_report(days, rules(), RATES)
    # In: 800,000 at once, or 500,000 and 300,000; out: 800,000 for both.
    assert [row.turnover_naive for row in report.rows] == [800_000.0, 0.0, 0.0, 800_000.0]
    assert [row.turnover_guarded for row in report.rows] == [500_000.0, 300_000.0, 0.0, 800_000.0]
    assert [row.distance for row in report.rows] == [300_000.0, 0.0, 0.0, 0.0]


def test_sessions_have_to_ascend():
    with pytest.raises(ValueError, match="ascending"):
        shadow_report([day(1), day(0)], rules(), RATES)
    with pytest.raises(ValueError, match="ascending"):
        shadow_report([], rules(), RATES)
    assert day(0).session == date(2026, 3, 2)
