"""Books small enough to add up by hand: what a range came to, and every metric counted from it."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.research.attribution import attribution
from riskdesk_assets.research.backtest_metrics import backtest_metrics
from riskdesk_assets.research.buckets import Buckets
from riskdesk_assets.research.performance import annual_volatility, drawdown, hit_rate, rolling, sharpe_ratio
from riskdesk_assets.research.timeseries import realized_rows, timeseries
from riskdesk_tests.desk_builder import changed, desk_config, make_ticket, marks, print_panel, sessions_from, snapshots_of

DAYS = sessions_from(date(2026, 3, 2), 6)
# 1 bp of what is traded, and nothing else
CONFIG = changed(changed(desk_config(), "desk.costs.use_half_spread", False), "desk.costs.charge_borrow", False)
CONTEXT = desk_context(CONFIG)
NAV = 2_500_000.0
TICKET = make_ticket("t", "JPM", "BAC", max_gross_notional=40_000.0, max_leg_notional=20_000.0)
# JPM does not print on the fourth session
PRINTS: dict[date, dict[str, Mark]] = {
    DAYS[0]: marks(JPM=100.0, BAC=50.0),
    DAYS[1]: marks(JPM=101.0, BAC=50.0),
    DAYS[2]: marks(JPM=101.0, BAC=51.0),
    DAYS[3]: marks(BAC=51.0),
    DAYS[4]: marks(JPM=103.02, BAC=51.0),
    DAYS[5]: marks(JPM=103.02, BAC=51.0),
}
# 100 JPM against 200 BAC from the first session to the fifth, on which it is closed
HELD = DAYS[:4]


def frames() -> dict[str, pl.DataFrame]:
    positions, moves = [], []
    for day in HELD:
        for leg, symbol, shares in (("A", "JPM", 100), ("B", "BAC", -200)):
            last = next(
                PRINTS[known][symbol].close for known in reversed(DAYS[: DAYS.index(day) + 1]) if symbol in PRINTS[known]
            )
            positions.append(
                {
                    "run_id": "r",
                    "as_of_date": day,
                    "ticket_id": "t",
                    "leg": leg,
                    "symbol": symbol,
                    "shares": shares,
                    "price": last / 1e4,
                    "notional_cents": shares * last // 100,
                    "entered_on": DAYS[0],
                    "age_sessions": DAYS.index(day),
                    "frozen": symbol not in PRINTS[day],
                }
            )
    for day, symbol, before, after, price, cents in (
        (DAYS[0], "JPM", 0, 100, 100.0, 1_000_000),
        (DAYS[0], "BAC", 0, -200, 50.0, -1_000_000),
        (DAYS[4], "JPM", 100, 0, 103.02, -1_030_200),
        (DAYS[4], "BAC", -200, 0, 51.0, 1_020_000),
    ):
        row: dict[str, object] = dict.fromkeys(TABLES["portfolio_blotter"].columns, 0)
        text = {"run_id": "r", "side": "BUY" if cents > 0 else "SELL", "reason": "", "ticket_id": "t", "symbol": symbol}
        shares = {"shares_before": before, "shares_after": after, "shares_delta": after - before}
        moves.append({**row, **text, **shares, "as_of_date": day, "price": price, "notional_delta_cents": cents})
    states = [
        {
            **dict.fromkeys(TABLES["desk_state"].columns),
            "as_of_date": day,
            "release_status": "RELEASED",
            "released": True,
            "equity": NAV,
        }
        for day in DAYS
    ]
    budgets = [
        {
            **dict.fromkeys(TABLES["strategy_budgets"].columns),
            "as_of_date": day,
            "strategy_name": "s",
            "ticket_id": "t",
            "bucket": "Spread",
            "max_gross_notional": 40_000.0,
            "budget": 20_000.0,
            "reason": "",
        }
        for day in DAYS
    ]
    library = [
        {
            **dict.fromkeys(TABLES["strategy_library"].columns),
            "as_of_date": day,
            "strategy_name": "s",
            "bucket": "Spread",
            "signal_type": "",
            "status": "active",
            "conviction": "Medium",
            "ticket_count": 1,
        }
        for day in DAYS
    ]
    return {
        "desk_positions": TABLES["desk_positions"].frame(positions),
        "portfolio_blotter": TABLES["portfolio_blotter"].frame(moves),
        "clip_ledger": TABLES["clip_ledger"].frame([]),
        "limit_audit": TABLES["limit_audit"].frame([]),
        "desk_state": TABLES["desk_state"].frame(states),
        "strategy_budgets": TABLES["strategy_budgets"].frame(budgets),
        "strategy_library": TABLES["strategy_library"].frame(library),
        "ticket_snapshots": snapshots_of([TICKET], DAYS),
        "pair_state": pair_states(),
        **asked(),
    }


def pair_states() -> pl.DataFrame:
    """A z-score on every session but the first and the one without a print."""
    rows = []
    for day in (DAYS[1], DAYS[2], DAYS[4], DAYS[5]):
        row: dict[str, object] = dict.fromkeys(TABLES["pair_state"].columns, 0)
        rows.append(
            {
                **row,
                "as_of_date": day,
                "pair_id": "JPM__BAC",
                "leg_a": "JPM",
                "leg_b": "BAC",
                "extreme_z": False,
                "feature_version": "v1",
            }
        )
    return TABLES["pair_state"].frame(rows)


def asked() -> dict[str, pl.DataFrame]:
    """The controller wants one unit at beta 1 while it is held; budget 20,000 of 40,000, volatility scale 1.5, caps and gate at
    24,000 of 30,000; what is held is 20,000."""
    proposals, gates = [], []
    for day in HELD:
        proposals.append(
            {
                **dict.fromkeys(TABLES["proposals"].columns),
                "run_id": "r",
                "as_of_date": day,
                "ticket_id": "t",
                "pair_id": "JPM__BAC",
                "units": 1.0,
                "zscore": -2.0,
                "beta": 1.0,
                "budget": 20_000.0,
                "notional_a": 10_000.0,
                "notional_b": -10_000.0,
                "vol_scale": 1.5,
                "capped_a": 15_000.0,
                "capped_b": -15_000.0,
                "reason": "HOLD",
                "clamp_codes": "",
            }
        )
        gates.append(
            {
                **dict.fromkeys(TABLES["gate_decisions"].columns),
                "run_id": "r",
                "as_of_date": day,
                "ticket_id": "t",
                "status": "ADJUSTED",
                "requested_gross": 30_000.0,
                "held_gross": 0.0,
                "approved_gross": 24_000.0,
                "reason": "",
            }
        )
    return {"proposals": TABLES["proposals"].frame(proposals), "gate_decisions": TABLES["gate_decisions"].frame(gates)}


def found() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, dict[str, pl.DataFrame]]:
    tables, prints = frames(), print_panel(PRINTS)
    realized = realized_rows(DAYS, tables, prints, CONTEXT)
    series = timeseries(DAYS, tables, realized, prints, CONTEXT)
    buckets = Buckets.of(tables["strategy_library"], tables["strategy_budgets"])
    return series, realized, attribution(series, tables, realized, prints, buckets), tables


def test_every_session_of_the_series_by_hand() -> None:
    series = found()[0]
    rows = {row["as_of_date"]: row for row in series.iter_rows(named=True)}
    assert [rows[day]["status"] for day in DAYS] == ["OK", "OK", "OK", "SKIPPED_NO_PRICE", "OK", "PENDING"]
    # the third book waits over the session on which JPM is silent
    assert [rows[day]["next_date"] for day in DAYS] == [DAYS[1], DAYS[2], DAYS[4], None, DAYS[5], None]
    assert rows[DAYS[3]]["missing_symbols"] == "JPM"
    # JPM +1%, then BAC +2% against 10,000 short of it, then JPM +2% on 10,100
    assert [rows[day]["pnl_gross"] for day in DAYS] == pytest.approx([100.0, -200.0, 202.0, 0.0, 0.0, 0.0])
    # 1 bp of 20,000, and of 20,502 on the way out
    assert [rows[day]["costs"] for day in DAYS] == pytest.approx([2.0, 0.0, 0.0, 0.0, 2.0502, 0.0])
    assert [rows[day]["turnover"] for day in DAYS] == [20_000.0, 0.0, 0.0, 0.0, 20_502.0, 0.0]
    assert [rows[day]["cumulative_pnl_net"] for day in DAYS] == pytest.approx([98.0, -102.0, 100.0, 100.0, 97.9498, 97.9498])
    assert [rows[day]["equity_gross"] for day in DAYS] == [20_000.0, 20_100.0, 20_300.0, 20_300.0, 0.0, 0.0]
    assert [rows[day]["equity_net"] for day in DAYS] == [0.0, 100.0, -100.0, -100.0, 0.0, 0.0]
    assert [rows[day]["cash_notional"] for day in DAYS] == [0.0, -100.0, 100.0, 100.0, 0.0, 0.0]
    assert rows[DAYS[1]]["drawdown"] == pytest.approx(-200.0)
    assert rows[DAYS[2]]["drawdown"] == pytest.approx(0.0)


def test_every_metric_by_hand() -> None:
    series, realized, attributed, tables = found()
    buckets = Buckets.of(tables["strategy_library"], tables["strategy_budgets"])
    metrics = backtest_metrics(series, tables, realized, attributed, CONTEXT, buckets)
    assert metrics["total_trading_days"] == 6
    assert metrics["days_with_features"] == 4
    assert metrics["days_skipped_due_to_prices"] == 1
    assert metrics["days_with_pnl"] == 4
    assert metrics["days_flat"] == 0
    assert metrics["days_pending"] == 1
    assert metrics["total_pnl_gross"] == pytest.approx(102.0)
    assert metrics["total_costs"] == pytest.approx(4.0502)
    assert metrics["total_pnl_net"] == pytest.approx(97.9498)
    assert metrics["total_turnover"] == 40_502.0
    daily = np.array([98.0, -200.0, 202.0, 0.0, -2.0502]) / NAV
    assert metrics["volatility"] == pytest.approx(daily.std(ddof=1) * math.sqrt(252))
    assert metrics["sharpe_ratio"] == pytest.approx(daily.mean() / daily.std(ddof=1) * math.sqrt(252))
    assert metrics["max_drawdown"] == pytest.approx(200.0 / (NAV + 98.0))
    assert metrics["max_drawdown_dollars"] == pytest.approx(200.0)
    assert metrics["return_over_drawdown"] == pytest.approx(97.9498 / 200.0)
    assert metrics["hit_rate"] == 2 / 3  # of the three sessions with a book; the exit only cost something
    assert metrics["skipped_days"] == [{"as_of_date": DAYS[3], "status": "SKIPPED_NO_PRICE", "missing_symbols": "JPM"}]
    ticket = metrics["by_ticket"]["t"]  # type: ignore[index]
    assert (ticket["pair"], ticket["bucket"], ticket["days_held"], ticket["entries"]) == ("JPM/BAC", "Spread", 4, 1)
    assert ticket["hit_rate"] == 2 / 3
    assert (ticket["pnl_gross"], ticket["costs"], ticket["turnover"]) == (pytest.approx(102.0), pytest.approx(4.0502), 40_502.0)
    bucket = metrics["by_bucket"]["Spread"]  # type: ignore[index]
    assert (bucket["pnl_gross"], bucket["pnl_net"], bucket["tickets"]) == (pytest.approx(102.0), pytest.approx(97.9498), 1)
    assert bucket["hit_rate"] == 2 / 3
    names = metrics["by_name"]
    assert names["JPM"]["pnl_gross"] == pytest.approx(302.0)  # type: ignore[index]
    assert names["BAC"]["pnl_gross"] == pytest.approx(-200.0)  # type: ignore[index]


def test_a_buckets_hit_rate_is_over_its_sessions_with_a_position_and_all_its_tickets_earned_on_them() -> None:
    series, realized, attributed, tables = found()
    # A second ticket of the bucket, flat since before: on the first session its exit costs 200, on the fifth it earns.
    paid = {DAYS[0]: -200_000_000, DAYS[4]: 9_000_000}
    beside = attributed.filter(pl.col("as_of_date").is_in(list(paid))).with_columns(
        ticket_id=pl.lit("u"), pnl_net=pl.col("as_of_date").replace_strict(paid, return_dtype=pl.Int64)
    )
    buckets = Buckets.of(tables["strategy_library"], tables["strategy_budgets"])
    both = pl.concat([attributed, beside.select(attributed.columns)])
    metrics = backtest_metrics(series, tables, realized, both, CONTEXT, buckets)
    # 98 - 200, -200 and 202; the fifth session has no position.
    assert metrics["by_bucket"]["Spread"]["hit_rate"] == 1 / 3  # type: ignore[index]
    assert metrics["by_ticket"]["t"]["hit_rate"] == 2 / 3  # type: ignore[index]


def test_the_attribution_of_every_session_by_hand() -> None:
    rows = {row["as_of_date"]: row for row in found()[2].iter_rows(named=True)}
    # A dollar of each leg earned 1%, -2%, then 2% over two sessions: intent holds 20,000 a leg, sized 15,000, approved 12,000
    for day, earned, held in ((DAYS[0], 0.01, 100.0), (DAYS[1], -0.02, -200.0), (DAYS[2], 0.02, 202.0)):
        row = rows[day]
        assert row["intent"] == round(20_000 * earned * 1e6)
        assert row["sizing"] == round(-5_000 * earned * 1e6)
        assert row["clipping"] == round(-3_000 * earned * 1e6)
        assert row["optimizer"] == round((held - 12_000 * earned) * 1e6)
        assert row["bucket"] == "Spread"
    assert rows[DAYS[0]]["costs"] == -2_000_000
    # nothing is earned on a session that is skipped, whatever was asked for, and an exit costs what it costs
    assert {rows[DAYS[3]][name] for name in ("intent", "sizing", "clipping", "optimizer", "costs", "pnl_net")} == {0}
    assert (rows[DAYS[4]]["costs"], rows[DAYS[4]]["pnl_net"]) == (-2_050_200, -2_050_200)


@pytest.mark.parametrize("count", [2, 3, 40])
def test_ratios_against_their_textbook_formulas(count: int) -> None:
    values = np.sin(np.arange(count) * 1.7) * 1e-3 + 1e-4
    returns = values.tolist()
    assert annual_volatility(returns) == pytest.approx(np.sqrt(252) * values.std(ddof=1))
    assert sharpe_ratio(returns) == pytest.approx(np.sqrt(252) * values.mean() / values.std(ddof=1))
    equity = 1_000 + np.cumsum(values * 1e6)
    peak = np.maximum.accumulate(np.maximum(equity, 1_000))
    fall = drawdown((values * 1e6).tolist(), 1_000)
    assert fall.dollars == pytest.approx((peak - equity).max())
    assert fall.fraction == pytest.approx(((peak - equity) / peak).max())
    assert hit_rate(returns) == pytest.approx((values > 0).mean())


def test_ratios_of_too_little_are_nothing() -> None:
    assert sharpe_ratio([]) is None
    assert sharpe_ratio([0.1]) is None
    assert sharpe_ratio([0.0, 0.0]) is None
    assert annual_volatility([0.1]) is None
    assert hit_rate([]) is None
    assert drawdown([5.0, 5.0], 100.0).dollars == 0.0


def test_a_rolling_ratio_is_that_of_its_own_window() -> None:
    values = [0.01, -0.02, 0.03, 0.005, -0.01]
    found = rolling(values, 3, "sharpe")
    assert found[:2] == [None, None]
    assert found[2:] == [sharpe_ratio(values[at - 3 : at]) for at in (3, 4, 5)]
    assert all(one != other for one, other in pairwise(found[2:]))
