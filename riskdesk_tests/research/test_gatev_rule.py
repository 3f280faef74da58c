"""Gatev, Goetzmann and Rouwenhorst's pairs rule as an oracle of sign and size, on real bars.

Their rule (2006, "Pairs Trading: Performance of a Relative-Value Arbitrage Rule", section 2): total-return indices normalized
at the start of a 12-month formation period; a pair opens when the indices are more than two formation standard deviations
apart, one dollar long the lower and one short the higher, and closes when they cross, or at the end of six months of trading.
The desk's rule differs in hedge ratio and window, so the two must agree in direction, size and most of their P&L, not in every
cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.research.backtest import Backtest
from riskdesk_tests.desk_builder import make_ticket, sessions_from
from riskdesk_tests.research.backtests import backtested, quiet, real_bars

Array = npt.NDArray[np.float64]
FORMATION, TRADING, OPEN = 252, 126, 2.0
PAIRS = (("BAC", "WFC"), ("FITB", "HBAN"), ("GS", "MS"), ("KEY", "RF"), ("NTRS", "STT"), ("PNC", "USB"))
SESSIONS = sessions_from(date(2021, 1, 4), 4 * TRADING)


@dataclass(frozen=True)
class Rule:
    """Per session and pair: side held (1 long A), and P&L to the next session of a dollar of gross held."""

    sides: Array
    pnl: Array


@cache
def gatev(folder: Path) -> Rule:
    wide = real_bars(folder).pivot(on="symbol", index="as_of_date", values="adj_close").sort("as_of_date")
    start = wide["as_of_date"].to_list().index(SESSIONS[0])
    sides, pnl = np.zeros((len(SESSIONS), len(PAIRS))), np.zeros((len(SESSIONS), len(PAIRS)))
    for k, (a, b) in enumerate(PAIRS):
        pa, pb = wide[a].to_numpy(), wide[b].to_numpy()
        for first in range(0, len(SESSIONS), TRADING):
            begin = start + first - FORMATION
            gap = pa[begin : start + first + TRADING + 1] / pa[begin] - pb[begin : start + first + TRADING + 1] / pb[begin]
            gap = gap - gap[:FORMATION].mean()
            sigma, side = gap[:FORMATION].std(ddof=1), 0
            for day in range(TRADING):
                apart = gap[FORMATION + day]
                if side and np.sign(apart) != -side:
                    side = 0
                if not side and abs(apart) > OPEN * sigma:
                    side = -int(np.sign(apart))
                sides[first + day, k] = side
                at = start + first + day
                pnl[first + day, k] = side * ((pa[at + 1] / pa[at] - 1) - (pb[at + 1] / pb[at] - 1)) / 2
    return Rule(sides, pnl)


@cache
def desk(folder: Path) -> Backtest:
    changes = {
        "desk.features.window_hedge": 126,
        "desk.features.window_z": 252,
        "desk.features.breakdown_z": 50.0,
        "desk.controller.entry_z": OPEN,
        "desk.controller.exit_z": 0.0,
    }
    tickets = [
        make_ticket(f"{a}-{b}".lower(), a, b, max_gross_notional=100_000.0, max_leg_notional=100_000.0, time_stop_days=126)
        for a, b in PAIRS
    ]
    return backtested(quiet("classic", changes), tickets, SESSIONS[0], SESSIONS[-1], real_bars(folder))


@cache
def ours(folder: Path) -> Rule:
    done = desk(folder)
    sides, pnl = np.zeros((len(SESSIONS), len(PAIRS))), np.zeros((len(SESSIONS), len(PAIRS)))
    place = {day: number for number, day in enumerate(SESSIONS)}
    column = {f"{a}-{b}".lower(): k for k, (a, b) in enumerate(PAIRS)}
    held = done.frames["desk_positions"].filter(pl.col("leg") == "A")
    for day, ticket_id, shares in held.select("as_of_date", "ticket_id", "shares").iter_rows():
        sides[place[day], column[ticket_id]] = np.sign(shares)
    gross = done.frames["desk_positions"].group_by("as_of_date", "ticket_id").agg(pl.col("notional_cents").abs().sum() / 100)
    earned = done.frames["realized_pnl"].group_by("as_of_date", "ticket_id").agg(pl.col("pnl_gross").sum())
    both = earned.join(gross, on=["as_of_date", "ticket_id"])
    for day, ticket_id, amount, size in both.select("as_of_date", "ticket_id", "pnl_gross", "notional_cents").iter_rows():
        pnl[place[day], column[ticket_id]] = amount / size
    return Rule(sides, pnl)


def test_both_rules_take_the_same_side_where_both_hold_a_pair(real_bars_dir: Path) -> None:
    theirs, found = gatev(real_bars_dir), ours(real_bars_dir)
    both = (theirs.sides != 0) & (found.sides != 0)
    assert both.sum() > 500
    assert (theirs.sides == found.sides)[both].mean() > 0.85
    # a coin would agree half of the time, and a turned sign almost never


def test_a_dollar_of_gross_earns_what_theirs_does_in_size_and_direction(real_bars_dir: Path) -> None:
    theirs, found = gatev(real_bars_dir), ours(real_bars_dir)
    same = (theirs.sides != 0) & (theirs.sides == found.sides)
    expected, earned = theirs.pnl[same], found.pnl[same]
    assert np.corrcoef(expected, earned)[0, 1] > 0.8
    assert 0.8 < earned.std() / expected.std() < 1.25
    assert np.sign(earned.sum()) == np.sign(expected.sum())
    assert 0.5 < earned.sum() / expected.sum() < 2.0


def test_the_backtest_never_holds_more_than_a_tickets_dollars(real_bars_dir: Path) -> None:
    """100,000 a ticket, truncated to whole shares, and drifting by nothing: a held pair is sized anew at every close."""
    positions = desk(real_bars_dir).frames["desk_positions"]
    gross = positions.group_by("as_of_date", "ticket_id").agg(pl.col("notional_cents").abs().sum() / 100)["notional_cents"]
    assert gross.max() <= 100_000.0  # type: ignore[operator]
    assert gross.min() > 99_000.0  # type: ignore[operator]
