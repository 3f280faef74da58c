"""Twenty pairs over five years of real bars against document 000's arithmetic, written again here in numpy from methods.md.

Nothing of the reference is the desk's own code: hedge ratios and z-scores from adjusted closes, units, leg notionals, ticket
caps, name gross scaling whole tickets, shares truncated toward zero, cents, next sessions, costs on what changes hands.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from riskdesk_assets.research.backtest import Backtest
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.desk_builder import make_ticket, sessions_from
from riskdesk_tests.research.backtests import PAIRS, backtested, quiet, real_bars

Array = npt.NDArray[np.float64]
SESSIONS = 1257
FIRST = date(2020, 1, 2)
WINDOW, ENTRY, BROKEN = 60, 1.5, 3.0
NAME_CAP = 400_000.0
COST = 1e-4


def tickets() -> list[Ticket]:
    """Twenty tickets that differ in conviction, time stop and caps."""
    return [
        make_ticket(
            f"{a}-{b}".lower(),
            a,
            b,
            max_gross_notional=300_000.0 + 25_000.0 * place,
            max_leg_notional=170_000.0 + 15_000.0 * place,
            conviction=1 + place % 5,
            time_stop_days=(5, 20, 45)[place % 3],
            flatten_on_breakdown=True,
        )
        for place, (a, b) in enumerate(PAIRS)
    ]


def betas_and_zs(a: Array, b: Array) -> tuple[Array, Array]:
    """For every session from the 120th on: beta of the last 60 returns, z of the last 60 spreads with that beta."""
    ra, rb = sliding_window_view(np.diff(a), WINDOW), sliding_window_view(np.diff(b), WINDOW)
    ca, cb = ra - ra.mean(axis=1, keepdims=True), rb - rb.mean(axis=1, keepdims=True)
    beta = (ca * cb).sum(axis=1) / (cb * cb).sum(axis=1)
    spreads = sliding_window_view(a, WINDOW)[1:] - beta[:, None] * sliding_window_view(b, WINDOW)[1:]
    z = (spreads[:, -1] - spreads.mean(axis=1)) / spreads.std(axis=1, ddof=1)
    return beta, z


def units(ticket: Ticket, zs: Array) -> Array:
    """exit_z = entry_z, both directions: held beyond 1.5 and inside 3, for as long as the time stop allows."""
    size = 0.5 if ticket.conviction_level <= 2 else 1.0
    found, side, age, armed = np.zeros(len(zs)), 0, 0, True
    for place, z in enumerate(zs):
        inside, broken, wanted = abs(z) < ENTRY, abs(z) >= BROKEN, -int(np.sign(z))
        if side and age + 1 >= ticket.time_stop_days:
            new, armed = 0, inside
        else:
            armed = armed or inside
            new = 0 if inside or broken or (wanted != side and not armed) else wanted
        age = age + 1 if new and new == side else 0
        side = new
        found[place] = side * size
    return found


class Reference:
    """Dollars per session: what every book earned to the next session, and what it cost."""

    def __init__(self, bars: pl.DataFrame) -> None:
        self.sessions = sessions_from(FIRST, SESSIONS)
        wide = bars.pivot(on="symbol", index="as_of_date", values=["close", "adj_close"]).sort("as_of_date")
        wide = wide.filter(pl.col("as_of_date") <= self.sessions[-1])
        start = wide["as_of_date"].to_list().index(FIRST)
        names = sorted({name for pair in PAIRS for name in pair})
        close = {name: wide[f"close_{name}"].to_numpy() for name in names}
        adjusted = {name: wide[f"adj_close_{name}"].to_numpy() for name in names}
        desk = tickets()
        legs = np.zeros((SESSIONS, len(desk), 2))
        for k, ticket in enumerate(desk):
            a, b = np.log(adjusted[ticket.leg_a]), np.log(adjusted[ticket.leg_b])
            beta, z = (values[-SESSIONS:] for values in betas_and_zs(a, b))
            u = units(ticket, z)
            n = np.abs(u) * ticket.max_gross_notional / (1 + np.abs(beta))
            pair = np.stack([np.sign(u) * n, -np.sign(u) * beta * n], axis=1)
            over = np.maximum(np.abs(pair).max(axis=1) / ticket.max_leg_notional, 1.0)[:, None]
            pair = pair / over
            gross = np.maximum(np.abs(pair).sum(axis=1) / ticket.max_gross_notional, 1.0)[:, None]
            legs[:, k] = pair / gross
        name_gross = {name: np.zeros(SESSIONS) for name in names}
        for k, ticket in enumerate(desk):
            name_gross[ticket.leg_a] += np.abs(legs[:, k, 0])
            name_gross[ticket.leg_b] += np.abs(legs[:, k, 1])
        self.capped = sum(int((values > NAME_CAP).sum()) for values in name_gross.values())
        ratio = {name: np.minimum(1.0, NAME_CAP / np.maximum(values, 1e-9)) for name, values in name_gross.items()}
        self.gross, self.costs = np.zeros(SESSIONS), np.zeros(SESSIONS)
        self.holds = np.zeros(SESSIONS, dtype=bool)
        for k, ticket in enumerate(desk):
            scale = np.minimum(ratio[ticket.leg_a], ratio[ticket.leg_b])
            for place, name in enumerate((ticket.leg_a, ticket.leg_b)):
                price, value = np.round(close[name][start:], 4), adjusted[name][start:]
                shares = np.trunc(np.round(legs[:, k, place] * scale, 6) / price)
                self.holds |= shares != 0
                cents = np.round(shares * price, 2)
                self.gross[:-1] += cents[:-1] * (value[1:] / value[:-1] - 1)
                traded = np.round(np.abs(np.diff(shares, prepend=0.0)) * price, 2)
                self.costs += COST * traded


@cache
def reference(folder: Path) -> Reference:
    return Reference(real_bars(folder))


@cache
def classic(folder: Path) -> Backtest:
    limits = {"PORTFOLIO_MAX_GROSS_NOTIONAL": "100000000", "PORTFOLIO_MAX_NAME_GROSS_NOTIONAL": str(NAME_CAP)}
    config = quiet("classic", {"desk.controller.exit_z": ENTRY}, limits)
    sessions = sessions_from(FIRST, SESSIONS)
    return backtested(config, tickets(), sessions[0], sessions[-1], real_bars(folder))


def test_every_session_agrees_to_the_cent_before_costs_and_after(real_bars_dir: Path) -> None:
    series, expected = classic(real_bars_dir).frames["timeseries"], reference(real_bars_dir)
    assert series["as_of_date"].to_list() == list(expected.sessions)
    # Half a cent a leg is what rounding a notional to cents can be worth at a daily return of 100%.
    assert np.abs(series["pnl_gross"].to_numpy() - expected.gross).max() < 0.005
    assert np.abs(series["costs"].to_numpy() - expected.costs).max() < 0.005
    assert np.abs(series["pnl_net"].to_numpy() - (expected.gross - expected.costs)).max() < 0.01
    # what was compared is not nothing: every session but a few traded, and names were really capped
    assert expected.capped > 500
    assert (expected.costs > 0).sum() > SESSIONS * 0.9


def test_the_totals_are_those_of_the_sessions(real_bars_dir: Path) -> None:
    metrics, expected = classic(real_bars_dir).metrics, reference(real_bars_dir)
    net = expected.gross - expected.costs
    returns = net[:-1] / 5_000_000
    equity = 5_000_000 + np.cumsum(net)
    peak = np.maximum.accumulate(np.maximum(equity, 5_000_000))
    assert metrics["total_pnl_net"] == pytest.approx(net.sum(), abs=0.5)
    assert metrics["total_costs"] == pytest.approx(expected.costs.sum(), abs=0.5)
    assert metrics["volatility"] == pytest.approx(returns.std(ddof=1) * np.sqrt(252), rel=1e-6)
    assert metrics["sharpe_ratio"] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(252), rel=1e-4)
    assert metrics["max_drawdown"] == pytest.approx(((peak - equity) / peak).max(), rel=1e-6)
    moved = (expected.gross[:-1] != 0) | (expected.costs[:-1] != 0)
    assert metrics["hit_rate"] == pytest.approx((net[:-1][expected.holds[:-1]] > 0).mean(), abs=1e-9)
    assert (metrics["days_with_pnl"], metrics["days_flat"]) == (moved.sum(), SESSIONS - 1 - moved.sum())
    assert metrics["days_pending"] == 1


def test_every_row_of_the_attribution_sums_to_what_was_realized(real_bars_dir: Path) -> None:
    done = classic(real_bars_dir)
    rows = done.frames["attribution"]
    parts = rows.select("intent", "sizing", "clipping", "optimizer", "delisting", "costs").sum_horizontal()
    assert (parts == rows["pnl_net"]).all()
    realized = done.frames["realized_pnl"].group_by("as_of_date", "ticket_id").agg(pl.col("pnl_net").sum())
    both = rows.join(realized, on=["as_of_date", "ticket_id"], suffix="_realized")
    assert both.height == realized.height
    # three roundings to a millionth of a dollar
    assert (both["pnl_net"] / 1_000_000 - both["pnl_net_realized"]).abs().max() <= 1.6e-6  # type: ignore[operator]
    # classic has no budgets, no volatility scale and no gatekeeper: a ticket's caps and the governor are all that clips
    assert rows["sizing"].abs().sum() == 0
    assert rows["clipping"].abs().sum() > 0
    assert rows["optimizer"].abs().sum() > 0


def test_equity_is_the_desks_own_where_no_day_is_skipped(real_bars_dir: Path) -> None:
    series = classic(real_bars_dir).frames["timeseries"]
    # the desk rounds every session to whole cents
    assert series["equity"][-1] == pytest.approx(series["desk_equity"][-1], abs=0.01 * SESSIONS)
    assert (series["equity_net"] + series["cash_notional"]).abs().max() == 0
