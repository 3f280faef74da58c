"""A small made-up market, and the settings the tests shorten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.common.feature_settings import FeatureSettings
from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.settings import CostSettings, load_config, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import Instrument, Universe

ROOT = Path(__file__).resolve().parents[2]
REAL_BARS = ROOT.parent / "shared" / "data"
needs_real_bars = pytest.mark.skipif(
    not (REAL_BARS / "bank_bars_2015_2025.parquet").is_file(), reason="the real bars are not on this machine"
)
DESK = load_config(load_paths({"RISKDESK_CONFIG_DIR": str(ROOT / "config")}), {}).desk
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE")
PAIRS = (("AAA", "BBB"), ("CCC", "AAA"), ("EEE", "DDD"))
COSTS: CostSettings = DESK.costs
# Windows short enough that 300 sessions hold several of each; everything fits in the lookback of 120.
SHORT: FeatureSettings = DESK.features.model_copy(
    update={
        "window_hedge": 10,
        "window_z": 8,
        "half_life_window": 30,
        "lookback_sessions": 120,
        "atr_window": 5,
        "vol_window": 5,
        "long_window": 60,
        "efficiency_window": 5,
        "fragility": DESK.features.fragility.model_copy(update={"correlation_window": 20}),
    }
)


def weekdays(count: int, start: date = date(2021, 1, 4)) -> list[date]:
    days = (start + timedelta(days=day) for day in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]


def universe(groups: Sequence[str] = ("x", "x", "y", "y", "z"), **classes: str) -> Universe:
    return Universe(
        symbols={
            symbol: Instrument(
                name=symbol,
                sector="Financials",
                industry_group=group,
                country="US",
                currency="USD",
                half_spread_bps=3.0 if symbol == "AAA" else None,
                fragility_class=classes.get(symbol),
            )
            for symbol, group in zip(SYMBOLS, groups, strict=True)
        },
        volatility_index="^VIX",
    )


def bars_from_prices(sessions: Sequence[date], prices: dict[str, Sequence[float]]) -> pl.DataFrame:
    """Bars that open, trade and close at one price."""
    rows = [
        {
            "symbol": symbol,
            "as_of_date": session,
            **dict.fromkeys(("open", "high", "low", "close", "adj_close"), float(price)),
            "volume": 1000,
            "source": "test",
        }
        for symbol, path in prices.items()
        for session, price in zip(sessions, path, strict=True)
    ]
    return TABLES["daily_bars"].frame(rows)


def made_up_bars(sessions: Sequence[date], seed: int = 7, missing: float = 0.0) -> pl.DataFrame:
    """Correlated random walks with plausible ranges, dividends and volumes; a share of the bars left out."""
    rng = np.random.default_rng(seed)
    count, width = len(sessions), len(SYMBOLS)
    common = rng.normal(0, 0.01, (count, 1))
    log_close = np.log(50.0) + np.cumsum(common + rng.normal(0, 0.008, (count, width)), axis=0)
    close = np.exp(log_close)
    stretch = np.abs(rng.normal(0.006, 0.003, (count, width))) + 0.001
    adjusted = close * np.linspace(0.9, 1.0, count)[:, None]
    volume = rng.integers(100_000, 900_000, (count, width))
    kept = rng.random((count, width)) >= missing
    rows = [
        {
            "symbol": symbol,
            "as_of_date": session,
            "open": close[i, j] * (1 + 0.3 * stretch[i, j]),
            "high": close[i, j] * (1 + stretch[i, j]),
            "low": close[i, j] * (1 - stretch[i, j]),
            "close": close[i, j],
            "adj_close": adjusted[i, j],
            "volume": int(volume[i, j]),
            "source": "test",
        }
        for i, session in enumerate(sessions)
        for j, symbol in enumerate(SYMBOLS)
        if kept[i, j]
    ]
    return TABLES["daily_bars"].frame(rows)


def made_up_volatility(sessions: Sequence[date], seed: int = 11) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    values = 18 + 4 * np.sin(np.arange(len(sessions)) / 15) + rng.normal(0, 2, len(sessions))
    return pl.DataFrame(
        {"as_of_date": list(sessions), "symbol": "^VIX", "close": values, "source": "test"},
        schema=TABLES["volatility_index"].schema,
    )


def real_bars() -> pl.DataFrame:
    frame = pl.read_parquet(REAL_BARS / "bank_bars_2015_2025.parquet")
    return frame.rename({"date": "as_of_date"}).with_columns(source=pl.lit("files"))


def bits(frame: pl.DataFrame) -> str:
    """A digest in which two frames are equal only when every float has the same bits."""
    return digest_frame(frame, [])
