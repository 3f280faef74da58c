"""Challengers over any prints, splits and wishes, against the rule walked day by day in plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.reports.realized import patience_sessions
from riskdesk_assets.research.backtest_tables import CHALLENGERS, TIMESERIES
from riskdesk_assets.research.challengers import challengers
from riskdesk_tests.desk_builder import changed, desk_config, marks, print_panel, sessions_from

CONFIG = changed(changed(desk_config(), "desk.frozen.close_after_sessions", 2), "desk.costs.default_borrow_bps", 300.0)
CONTEXT = desk_context(CONFIG)
PATIENCE, CLOSED_AFTER = patience_sessions(CONFIG), 2
SESSIONS = sessions_from(date(2026, 3, 2), 16)
VOL_SESSIONS = 4
DAYS = SESSIONS[VOL_SESSIONS:]
NAMES = ("BAC", "C", "JPM")
PAIRS = {"one": ("BAC", "JPM"), "two": ("C", "JPM")}
GROSS = 1_000.0
Prints = Mapping[date, Mapping[str, Mark]]
Wishes = Mapping[date, Mapping[str, tuple[float, float | None]]]  # session -> ticket -> units, hedge ratio
Splits = Mapping[tuple[date, str], float]


@dataclass
class Leg:
    symbol: str
    shares: float
    close: int
    silent: int = 0

    @property
    def value(self) -> float:
        return self.shares * self.close


@st.composite
def markets(draw: st.DrawFn) -> tuple[Prints, Wishes, Splits]:
    prints = {
        day: marks(**{name: draw(st.sampled_from((10.0, 10.7, 99.37))) for name in NAMES if draw(st.integers(0, 3))})
        for day in SESSIONS
    }
    wish = st.tuples(st.sampled_from((-1.0, 0.0, 0.5, 1.0)), st.sampled_from((None, 0.0, 0.8, -1.3)))
    wishes = {day: {ticket: draw(wish) for ticket in PAIRS if draw(st.integers(0, 4))} for day in DAYS}
    splits = draw(
        st.dictionaries(st.tuples(st.sampled_from(SESSIONS), st.sampled_from(NAMES)), st.sampled_from((2.0, 0.1)), max_size=2)
    )
    return prints, wishes, splits


def by_definition(name: str, prints: Prints, wishes: Wishes, splits: Splits) -> list[dict[str, object]]:
    days = list(walked(name, prints, wishes, splits))
    whole = math.fsum(math.fsum(map(abs, day["values"].values())) for day in days)
    scale = math.fsum([GROSS] * len(DAYS)) / whole if whole else 0.0
    rows, earned = [], []
    for number, (session, day) in enumerate(zip(DAYS, days, strict=True)):
        status, following = outcome(day, number, prints)
        gross = [day["lost"] * scale]
        if status == "OK" and following is not None:
            for symbol, value in day["values"].items():
                gross.append(value * scale * (prints[following][symbol].adj_close / prints[session][symbol].adj_close - 1))
        earned.append(math.fsum(gross) - day["costs"] * scale)
        rows.append(
            {
                "challenger": name,
                "as_of_date": session,
                "next_date": following,
                "status": status,
                "tickets": day["tickets"],
                "gross": math.fsum(map(abs, day["values"].values())) * scale,
                "turnover": day["turnover"] * scale,
                "costs": day["costs"] * scale,
                "pnl_gross": math.fsum(gross),
                "pnl_net": earned[-1],
                "cumulative_pnl_net": math.fsum(earned),
            }
        )
    return rows


def walked(name: str, prints: Prints, wishes: Wishes, splits: Splits) -> Iterator[dict]:  # type: ignore[type-arg]
    held: dict[str, tuple[float, list[Leg]]] = {}
    for session in DAYS:
        today = prints[session]
        everything = [leg for _, (_, legs) in sorted(held.items()) for leg in legs]
        borrowed = math.fsum(-leg.value * CONTEXT.borrow_rates[leg.symbol] for leg in everything if leg.shares < 0)
        lost = []
        for leg in everything:
            leg.shares *= splits.get((session, leg.symbol), 1.0)
            if leg.symbol in today:
                leg.close, leg.silent = today[leg.symbol].close, 0
                continue
            leg.silent += 1
            if leg.shares and leg.silent >= CLOSED_AFTER:
                lost.append(leg.value * CONFIG.desk.frozen.delisting_return if leg.shares > 0 else 0.0)
                leg.shares = 0.0
        traded = []
        for ticket, (units, beta) in wishes[session].items():
            before, legs = held.get(ticket, (0.0, []))
            if before == units or any(leg.shares and leg.silent for leg in legs):
                continue
            entered = legs_of(name, ticket, units, beta, session, prints)
            if ticket in held and units and not entered:
                continue
            for place, symbol in enumerate(PAIRS[ticket]):
                out, into = (-legs[place].value if legs else 0.0), (entered[place].value if entered else 0.0)
                if legs or entered:
                    traded.append((symbol, 0.0 + out + into))
            held.pop(ticket, None)
            if entered:
                held[ticket] = (units, entered)
        values: dict[str, float] = {}
        for _, (_, legs) in sorted(held.items()):
            for leg in legs:
                if leg.shares:
                    values[leg.symbol] = values.get(leg.symbol, 0.0) + leg.value
        fees = math.fsum(abs(amount) * CONTEXT.cost_rates[symbol] for symbol, amount in traded)
        turnover = math.fsum(abs(amount) for _, amount in traded)
        yield {"values": values, "tickets": len(held), "turnover": turnover, "costs": fees + borrowed, "lost": math.fsum(lost)}


def legs_of(name: str, ticket: str, units: float, beta: float | None, session: date, prints: Prints) -> list[Leg]:
    today, (a, b) = prints[session], PAIRS[ticket]
    if not units or beta is None or a not in today or b not in today:
        return []
    volatility = 1.0 if name == "equal_weight" else pair_volatility(a, b, beta, session, prints)
    if not volatility:
        return []
    value = math.copysign(abs(units) * (1.0 / volatility) / (1 + abs(beta)), units)
    legs = ((a, value), (b, -beta * value))
    return [Leg(symbol, dollars / today[symbol].close, today[symbol].close) for symbol, dollars in legs]


def pair_volatility(a: str, b: str, beta: float, session: date, prints: Prints) -> float | None:
    end = SESSIONS.index(session)
    window = SESSIONS[end - VOL_SESSIONS : end + 1]
    both = [(prints[day][a].adj_close, prints[day][b].adj_close) for day in window if a in prints[day] and b in prints[day]]
    returns = [((x1 / x0 - 1) - beta * (y1 / y0 - 1)) / (1 + abs(beta)) for (x0, y0), (x1, y1) in pairwise(both)]
    if 2 * len(returns) < VOL_SESSIONS or len(returns) < 2:
        return None
    center = math.fsum(returns) / len(returns)
    return math.sqrt(math.fsum((value - center) ** 2 for value in returns) / (len(returns) - 1))


def outcome(day: dict, number: int, prints: Prints) -> tuple[str, date | None]:  # type: ignore[type-arg]
    names, later = day["values"].keys(), DAYS[number + 1 : number + 1 + PATIENCE]
    if not names <= prints[DAYS[number]].keys():
        return "SKIPPED_NO_PRICE", None
    following = next((session for session in later if names <= prints[session].keys()), None)
    if following is not None:
        return ("OK" if names or day["turnover"] or day["costs"] else "FLAT"), following
    return ("SKIPPED_NO_COMMON_SESSION" if len(later) == PATIENCE else "PENDING"), None


@given(markets())
def test_challengers_are_the_rule_walked_day_by_day_to_the_last_bit(market: tuple[Prints, Wishes, Splits]) -> None:
    prints, wishes, splits = market
    blank: dict[str, object] = dict.fromkeys(TIMESERIES.columns)
    series = TIMESERIES.frame([{**blank, "as_of_date": day, "equity_gross": GROSS} for day in DAYS])
    empty: dict[str, object] = dict.fromkeys(TABLES["proposals"].columns)
    proposals = TABLES["proposals"].frame(
        [
            {**empty, "as_of_date": day, "ticket_id": ticket, "pair_id": "__".join(PAIRS[ticket]), "units": units, "beta": beta}
            for day, wanted in wishes.items()
            for ticket, (units, beta) in wanted.items()
        ]
    )
    schema = {"symbol": pl.String, "as_of_date": pl.Date, "ratio": pl.Float64}
    ratios = pl.DataFrame([(symbol, day, ratio) for (day, symbol), ratio in splits.items()], schema=schema, orient="row")
    found = challengers(series, proposals, print_panel(prints), ratios, CONTEXT, VOL_SESSIONS)
    expected = [row for name in ("equal_weight", "inverse_volatility") for row in by_definition(name, prints, wishes, splits)]
    assert found.to_dicts() == CHALLENGERS.frame(expected).to_dicts()
