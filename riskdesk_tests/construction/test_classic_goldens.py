"""The classic profile against document 000's arithmetic, written again here in plain loops from methods.md sections 2 and 4.

Nothing of the reference is the desk's own code: z and beta from the bars, units, leg notionals, ticket caps, name gross
scaling whole tickets, portfolio gross on the sum of |net|.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.construction.walk import walk
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.desk_builder import (
    changed,
    day_of,
    desk_config,
    inputs_of,
    make_ticket,
    marks,
    run_day,
    sample_bars,
    sessions_from,
    signal,
    state_of,
)

WINDOW = 60
ENTRY = 1.5
BREAKDOWN = 3.0
Pairs = Mapping[str, tuple[float, float]]


@dataclass
class Book:
    side: int = 0
    age: int = 0
    armed: bool = True


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def beta_and_z(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """From the log prices up to today: beta over 60 returns, then today's beta on 60 spreads, sd with ddof 1."""
    returns_a = [a[i] - a[i - 1] for i in range(len(a) - WINDOW, len(a))]
    returns_b = [b[i] - b[i - 1] for i in range(len(b) - WINDOW, len(b))]
    mean_a, mean_b = mean(returns_a), mean(returns_b)
    covariance = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(returns_a, returns_b, strict=True))
    variance = math.fsum((y - mean_b) ** 2 for y in returns_b)
    beta = covariance / variance
    spreads = [x - beta * y for x, y in zip(a[-WINDOW:], b[-WINDOW:], strict=True)]
    center = mean(spreads)
    sd = math.sqrt(math.fsum((s - center) ** 2 for s in spreads) / (WINDOW - 1))
    return beta, (spreads[-1] - center) / sd


def units_of(ticket: Ticket, book: Book, z: float, today: date) -> float:
    """exit_z = entry_z, orientation BOTH: on beyond entry, off inside it; a broken pair is flat, and may be back tomorrow."""
    size = 0.5 if isinstance(ticket.conviction, int) and ticket.conviction <= 2 else 1.0
    if abs(z) < ENTRY:
        book.armed = True
    wanted = 0 if abs(z) < ENTRY else (-1 if z > 0 else 1)
    stopped = book.side != 0 and book.age + 1 >= ticket.time_stop_days
    if today > ticket.expires_on:
        side = 0
    elif stopped:
        side = 0
        book.armed = abs(z) < ENTRY
    elif abs(z) >= BREAKDOWN:
        side = 0
    elif wanted and (wanted == book.side or book.armed):
        side = wanted
    else:
        side = 0
    book.age = book.age + 1 if side and side == book.side else 0
    book.side = side
    return side * size


def capped(ticket: Ticket, units: float, beta: float) -> tuple[float, float]:
    n = abs(units) * ticket.max_gross_notional / (1 + abs(beta))
    a = n if units > 0 else (-n if units < 0 else 0.0)
    b = -beta * a
    over = max(abs(a), abs(b)) / ticket.max_leg_notional
    if over > 1:
        a, b = a / over, b / over
    if abs(a) + abs(b) > ticket.max_gross_notional:
        ratio = ticket.max_gross_notional / (abs(a) + abs(b))
        a, b = a * ratio, b * ratio
    return a, b


def governed(
    tickets: Sequence[Ticket], legs: Pairs, name_cap: float, gross_cap: float
) -> tuple[dict[str, tuple[float, float]], set[str]]:
    """Name gross, whole tickets by their tightest name; then portfolio gross on the sum over names of |net|."""
    bound = set()
    gross: dict[str, float] = {}
    for ticket in tickets:
        for symbol, leg in zip((ticket.leg_a, ticket.leg_b), legs[ticket.ticket_id], strict=True):
            gross[symbol] = gross.get(symbol, 0.0) + abs(leg)
    found = {}
    for ticket in tickets:
        ratio = 1.0
        for symbol, leg in zip((ticket.leg_a, ticket.leg_b), legs[ticket.ticket_id], strict=True):
            if leg and gross[symbol] > name_cap:
                ratio = min(ratio, name_cap / gross[symbol])
                bound.add("name")
        found[ticket.ticket_id] = (legs[ticket.ticket_id][0] * ratio, legs[ticket.ticket_id][1] * ratio)
    net: dict[str, float] = {}
    for ticket in tickets:
        for symbol, leg in zip((ticket.leg_a, ticket.leg_b), found[ticket.ticket_id], strict=True):
            net[symbol] = net.get(symbol, 0.0) + leg
    total = math.fsum(abs(value) for value in net.values())
    if total > gross_cap:
        bound.add("gross")
        found = {name: (a * gross_cap / total, b * gross_cap / total) for name, (a, b) in found.items()}
    return found, bound


def close_to(expected: float) -> object:
    """To 1e-9 of a position of a dollar or more."""
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


def compare(tickets: Sequence[Ticket], first: date, count: int, bars: pl.DataFrame, name_cap: float, gross_cap: float) -> None:
    limits = {"PORTFOLIO_MAX_GROSS_NOTIONAL": str(gross_cap), "PORTFOLIO_MAX_NAME_GROSS_NOTIONAL": str(name_cap)}
    config = changed(desk_config("classic", limits), "desk.controller.exit_z", ENTRY)
    sessions = sessions_from(first, count)
    inputs = inputs_of(config, tickets, sessions[0], sessions[-1], bars)
    done = walk(inputs)
    states = {(row["as_of_date"], row["pair_id"]): row for row in inputs.pair_state.to_dicts()}
    decisions = {(row["as_of_date"], row["ticket_id"]): row for row in done.frames["decisions"].to_dicts()}
    logs: dict[str, list[float]] = {}
    days: dict[str, list[date]] = {}
    for symbol, day, price in bars.sort("symbol", "as_of_date").select("symbol", "as_of_date", "adj_close").iter_rows():
        logs.setdefault(symbol, []).append(math.log(price))
        days.setdefault(symbol, []).append(day)
    books = {ticket.ticket_id: Book() for ticket in tickets}
    seen = {"name": 0, "gross": 0, "leg": 0, "half": 0, "stop": 0, "long": 0, "short": 0, "flat": 0}
    for session in sessions:
        legs = {}
        for ticket in tickets:
            place = days[ticket.leg_a].index(session) + 1
            assert days[ticket.leg_a][place - 130 : place] == days[ticket.leg_b][place - 130 : place]
            beta, z = beta_and_z(logs[ticket.leg_a][place - 130 : place], logs[ticket.leg_b][place - 130 : place])
            state = states[(session, ticket.pair_id)]
            assert state["beta"] == close_to(beta)
            assert state["zscore"] == pytest.approx(z, rel=1e-9, abs=1e-8)
            units = units_of(ticket, books[ticket.ticket_id], z, session)
            legs[ticket.ticket_id] = capped(ticket, units, beta)
            row = decisions[(session, ticket.ticket_id)]
            assert row["proposed_units"] == units, (session, ticket.ticket_id, z)
            assert row["notional_a"] == close_to(legs[ticket.ticket_id][0])
            assert row["notional_b"] == close_to(legs[ticket.ticket_id][1])
            seen["long"] += units > 0
            seen["short"] += units < 0
            seen["flat"] += units == 0
            seen["half"] += abs(units) == 0.5
            seen["leg"] += "LEG_CLAMP" in row["clamp_codes"]
        released, bound = governed(tickets, legs, name_cap, gross_cap)
        for ticket in tickets:
            row = decisions[(session, ticket.ticket_id)]
            assert row["released_notional_a"] == close_to(released[ticket.ticket_id][0]), (session, ticket.ticket_id)
            assert row["released_notional_b"] == close_to(released[ticket.ticket_id][1]), (session, ticket.ticket_id)
        for name in bound:
            seen[name] += 1
    seen["stop"] = sum(1 for row in done.frames["proposals"]["reason"].to_list() if row == "TIME_STOP")
    assert all(day.release.status == "RELEASED" for day in done.days)
    # every branch of the arithmetic was really taken
    assert min(seen.values()) >= 1, seen
    assert seen["name"] >= 5
    assert seen["gross"] >= 5


def tickets(expires_on: date) -> list[Ticket]:
    return [
        make_ticket("a-jpm-bac", "JPM", "BAC", max_gross_notional=800_000.0, max_leg_notional=410_000.0),
        make_ticket("b-jpm-wfc", "JPM", "WFC", max_gross_notional=600_000.0, conviction=5, time_stop_days=4),
        make_ticket("c-c-wfc", "C", "WFC", max_gross_notional=700_000.0, conviction=2),
        make_ticket("d-gs-ms", "GS", "MS", max_gross_notional=500_000.0, max_leg_notional=300_000.0, expires_on=expires_on),
    ]


def test_three_hundred_simulated_sessions_agree_with_document_000_to_1e_9() -> None:
    first = date(2020, 1, 2)
    compare(tickets(sessions_from(first, 200)[-1]), first, 300, sample_bars(), 450_000.0, 900_000.0)


def test_three_hundred_real_sessions_agree_with_document_000_to_1e_9(real_bars_dir: Path) -> None:
    bars = (
        pl.read_parquet(real_bars_dir / "bank_bars_2015_2025.parquet")
        .rename({"date": "as_of_date"})
        .with_columns(source=pl.lit("FILES"), volume=pl.col("volume").cast(pl.Int64))
    )
    first = date(2019, 6, 3)
    compare(tickets(sessions_from(first, 200)[-1]), first, 300, bars, 450_000.0, 900_000.0)


def test_one_day_by_hand() -> None:
    """Document 000's chain in numbers a person can follow.

    Ticket x: z 2, beta 0.6, G 800,000: N = 800,000 / 1.6 = 500,000; A = -500,000, B = +300,000; leg cap 400,000: x 0.8:
    A = -400,000, B = +240,000 (LEG_CLAMP_A). Ticket y on the same A: z -2, conviction 2, beta 1, G 600,000:
    N = 0.5 x 600,000 / 2 = 150,000; A = +150,000, B = -150,000.
    Name gross of JPM: 400,000 + 150,000 = 550,000, cap 440,000: both tickets x 0.8:
    x = (-320,000, +192,000), y = (+120,000, -120,000).
    Nets: JPM -200,000, BAC +192,000, WFC -120,000: gross 512,000; cap 256,000: x 0.5:
    x = (-160,000, +96,000), y = (+60,000, -60,000).
    """
    limits = {"PORTFOLIO_MAX_GROSS_NOTIONAL": "256000", "PORTFOLIO_MAX_NAME_GROSS_NOTIONAL": "440000"}
    config = changed(desk_config("classic", limits), "desk.controller.exit_z", ENTRY)
    before, today = sessions_from(date(2026, 3, 2), 2)
    x = make_ticket("x", "JPM", "BAC", max_gross_notional=800_000.0, max_leg_notional=400_000.0)
    y = make_ticket("y", "JPM", "WFC", max_gross_notional=600_000.0, conviction=2)
    day = day_of(
        today,
        [x, y],
        {"JPM__BAC": signal(2.0, 0.6), "JPM__WFC": signal(-2.0, 1.0)},
        {today: marks(JPM=100.0, BAC=50.0, WFC=30.0)},
    )
    result = run_day(day, state_of(before), config)
    assert {item.ticket_id: item.capped for item in result.items} == {
        "x": pytest.approx((-400_000.0, 240_000.0)),
        "y": pytest.approx((150_000.0, -150_000.0)),
    }
    assert result.items[0].clamp_codes == ("LEG_CLAMP_A",)
    assert result.release.notionals == {
        "x": pytest.approx((-160_000.0, 96_000.0), abs=1e-6),
        "y": pytest.approx((60_000.0, -60_000.0), abs=1e-6),
    }
    # 160,000 / 100 and 96,000 / 50; 60,000 / 100 and 60,000 / 30 - or one share less where a bit was lost on the way
    shares = {position.ticket_id: [leg.shares for leg in position.legs] for position in result.state.positions}
    assert shares["x"] == [pytest.approx(-1600, abs=1), pytest.approx(1920, abs=1)]
    assert shares["y"] == [pytest.approx(600, abs=1), pytest.approx(-2000, abs=1)]
