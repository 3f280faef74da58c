"""The sample market: bank-like bars simulated from a fixed seed, for a desk without a price vendor. Never real prices.

One market factor with volatility clusters and one crisis, one factor per industry group, and a mean-reverting residual per
name. A name's log total return level is a + k (b M + G) + x: names of one group differ only in the scale k and in x, so the
spread of two of them really reverts. Every series draws from its own generator, keyed by the seed and the series' name, in
the order of sessions: neither the end date, nor the symbols asked for, nor their order can change a price.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.market.vendor import SIMULATED

SEED = 20160104
FIRST_SESSION = date(2016, 1, 4)
CRISIS_FIRST = date(2020, 2, 20)
CRISIS_LAST = date(2020, 4, 16)
NO_GROUP = "none"
"""Group of a symbol the universe does not trade (an index fund): the market and little else."""

Levels = NDArray[np.float64]


@dataclass(frozen=True)
class MarketModel:
    """Daily numbers of the market factor; the crisis triples its volatility and adds a fall, then part of a recovery."""

    drift: float = 0.00024
    volatility: float = 0.0085
    shock_weight: float = 0.08
    persistence: float = 0.90
    crisis_scale: float = 3.0
    crisis_onset: float = 0.4
    crisis_fade: float = 0.1
    crisis_fall: float = -0.022
    crisis_fall_sessions: int = 24
    crisis_rise: float = 0.009
    group_volatility: float = 0.0045
    fear_premium: float = 1.15


MODEL = MarketModel()


@dataclass(frozen=True)
class NameModel:
    """What distinguishes one name; all of it follows from its group and a hash of its symbol."""

    first_price: float
    group_beta: float
    scale: float
    half_life: float
    residual_volatility: float
    dividend_yield: float
    ex_dividend_day: int
    median_volume: float


class SampleMarket:
    """Vendor of simulated bars for the names of any universe, from 2016-01-04 to the calendar's end."""

    def __init__(self, universe: Universe, calendar: SessionCalendar) -> None:
        self._groups = {symbol: instrument.industry_group for symbol, instrument in universe.symbols.items()}
        # The whole path at once, whatever is asked: a day's bars are a slice of it, and it is simulated once a process.
        self._sessions = calendar.between(FIRST_SESSION, calendar.last_day)

    @property
    def source(self) -> str:
        """SIMULATED: what every row, report and page says."""
        return SIMULATED

    def bars(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Simulated bars of ``symbols`` from ``first`` to ``last``; none before 2016-01-04."""
        sessions = self._sessions
        frames = [_name_bars(symbol, self._groups.get(symbol, NO_GROUP), sessions) for symbol in sorted(set(symbols))]
        if not frames:
            return TABLES["daily_bars"].frame([])
        table = pl.concat(frames).filter(pl.col("as_of_date").is_between(first, last))
        return TABLES["daily_bars"].conform(table.with_columns(source=pl.lit(SIMULATED)))

    def volatility_index(self, symbol: str, first: date, last: date) -> pl.DataFrame:
        """The market factor's expected annual volatility with a premium, in points, under the name ``symbol``."""
        sessions = self._sessions
        noise = 0.0
        levels: list[float] = []
        for expected, draw in zip(
            _market(sessions).expected_volatility, _draws("fear", (len(sessions),)).tolist(), strict=True
        ):
            noise = 0.9 * noise + 0.025 * draw
            levels.append(round(100 * MODEL.fear_premium * expected * math.sqrt(SESSIONS_A_YEAR) * math.exp(noise), 2))
        frame = pl.DataFrame(
            {"as_of_date": list(sessions), "close": levels}, schema={"as_of_date": pl.Date(), "close": pl.Float64()}
        )
        named = frame.with_columns(symbol=pl.lit(symbol), source=pl.lit(SIMULATED)).filter(
            pl.col("as_of_date").is_between(first, last)
        )
        return TABLES["volatility_index"].conform(named)


@dataclass(frozen=True)
class _Market:
    """Cumulated log return of the market at each session; the volatility scale of each, and the one expected next."""

    level: list[float]
    scale: list[float]
    expected_volatility: list[float]


@lru_cache(maxsize=4)
def _market(sessions: tuple[date, ...]) -> _Market:
    base = MODEL.volatility**2
    variance, level = base, 0.0
    levels: list[float] = []
    scales: list[float] = []
    expected: list[float] = []
    in_crisis, excess = 0, 0.0
    for session, draw in zip(sessions, _draws("market", (len(sessions),)).tolist(), strict=True):
        drift = MODEL.drift
        if CRISIS_FIRST <= session <= CRISIS_LAST:
            excess += MODEL.crisis_onset * (MODEL.crisis_scale - 1.0 - excess)
            drift = MODEL.crisis_fall if in_crisis < MODEL.crisis_fall_sessions else MODEL.crisis_rise
            in_crisis += 1
        else:
            excess -= MODEL.crisis_fade * excess
        scale = 1.0 + excess
        shock = math.sqrt(variance) * draw
        level += drift + scale * shock
        levels.append(level)
        scales.append(scale * math.sqrt(variance / base))
        variance = (
            base * (1 - MODEL.shock_weight - MODEL.persistence) + MODEL.shock_weight * shock**2 + MODEL.persistence * variance
        )
        expected.append(scale * math.sqrt(variance))
    return _Market(levels, scales, expected)


@lru_cache(maxsize=64)
def _group_level(group: str, sessions: tuple[date, ...]) -> list[float]:
    """Cumulated log return of an industry group beyond the market; a symbol of no group has none."""
    if group == NO_GROUP:
        return [0.0] * len(sessions)
    level = 0.0
    levels: list[float] = []
    draws = _draws(f"group {group}", (len(sessions),)).tolist()
    for draw, scale in zip(draws, _market(sessions).scale, strict=True):
        level += MODEL.group_volatility * math.sqrt(scale) * draw
        levels.append(level)
    return levels


def name_model(symbol: str, group: str) -> NameModel:
    """The parameters of one name: its group's market beta, and the rest from a hash of its symbol."""
    if group == NO_GROUP:
        return NameModel(_between(symbol, "price", 25, 60), 1.0, 1.0, 15.0, 0.0015, 0.02, 15, 2e7)
    return NameModel(
        first_price=_between(symbol, "price", 28, 140),
        group_beta=_between(group, "beta", 0.9, 1.2),
        scale=_between(symbol, "scale", 0.9, 1.1),
        half_life=_between(symbol, "half life", 12, 25),
        residual_volatility=_between(symbol, "residual", 0.006, 0.009),
        dividend_yield=_between(symbol, "yield", 0.015, 0.035),
        ex_dividend_day=int(_between(symbol, "ex day", 3, 22)),
        median_volume=math.exp(_between(symbol, "volume", math.log(1.5e6), math.log(2.5e7))),
    )


@lru_cache(maxsize=256)
def _name_bars(symbol: str, group: str, sessions: tuple[date, ...]) -> pl.DataFrame:
    name = name_model(symbol, group)
    scales = _market(sessions).scale
    totals = _total_return_levels(symbol, group, name, sessions)
    draws = _draws(f"bar {symbol}", (len(sessions), 4)).tolist()
    rows: list[tuple[date, float, float, float, float, float, int]] = []
    typical = math.sqrt(
        (name.scale * name.group_beta * MODEL.volatility) ** 2 + MODEL.group_volatility**2 + name.residual_volatility**2
    )
    previous, close = totals[0] if totals else 0.0, name.first_price
    before = date.min
    for session, total, scale, (gap, up, down, activity) in zip(sessions, totals, scales, draws, strict=True):
        dividend = _dividend(name, before, session, close)
        start = close - dividend
        close = close * math.exp(total - previous) - dividend
        opened = start + (close - start) * 0.3 + start * 0.25 * typical * scale * gap
        reach = 0.35 * typical * scale
        cents = (_cents(opened), _cents(close))
        high = max(*cents, _cents(max(opened, close) * (1 + reach * abs(up))))
        low = max(0.01, min(*cents, _cents(min(opened, close) * (1 - reach * min(abs(down), 3.0)))))
        surprise = abs(total - previous) / typical
        volume = name.median_volume * math.exp(0.3 * activity + 0.25 * min(surprise, 6.0) - 0.2)
        adjusted = round(name.first_price * math.exp(total - totals[0]), 4)
        rows.append((session, cents[0], high, low, cents[1], adjusted, int(volume)))
        previous, before = total, session
    columns = ("as_of_date", "open", "high", "low", "close", "adj_close", "volume")
    schema = {column: TABLES["daily_bars"].schema[column] for column in columns}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(symbol=pl.lit(symbol))


def _total_return_levels(symbol: str, group: str, name: NameModel, sessions: tuple[date, ...]) -> list[float]:
    """Log total return level at each session: k (b M + G) + x, with x an AR(1) of the name's half-life."""
    market = _market(sessions)
    keep = 2.0 ** (-1.0 / name.half_life)
    residual = 0.0
    levels: list[float] = []
    draws = _draws(f"name {symbol}", (len(sessions),)).tolist()
    for draw, level, shared, scale in zip(draws, market.level, _group_level(group, sessions), market.scale, strict=True):
        residual = keep * residual + name.residual_volatility * math.sqrt(scale) * draw
        levels.append(name.scale * (name.group_beta * level + shared) + residual)
    return levels


def _dividend(name: NameModel, before: date, session: date, close: float) -> float:
    """Dollars a share paid at ``session``: a quarter of the year's yield, on the first session at or after the ex-day."""
    if before == date.min or session.month % 3 != 2:
        return 0.0
    already = before.month == session.month and before.day >= name.ex_dividend_day
    if session.day < name.ex_dividend_day or already:
        return 0.0
    return max(0.01, _cents(close * name.dividend_yield / 4))


def _cents(price: float) -> float:
    return max(0.01, round(price, 2))


def _between(name: str, parameter: str, low: float, high: float) -> float:
    """A number in [low, high) that depends on nothing but the two words and the seed."""
    raw = hashlib.sha256(f"{SEED} {parameter} {name}".encode()).digest()
    return low + (high - low) * int.from_bytes(raw[:6], "big") / 2.0**48


def _draws(series: str, shape: tuple[int, ...]) -> Levels:
    """Standard normal draws of one series; a longer shape begins with the same numbers."""
    key = int.from_bytes(hashlib.sha256(f"{SEED} draws {series}".encode()).digest()[:16], "big")
    return np.random.Generator(np.random.Philox(key=key)).standard_normal(shape)
