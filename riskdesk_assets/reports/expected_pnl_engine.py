"""Document 002, section 9: market regime -> environment -> expected return -> expected P&L, as four functions.

They need no data: tables and thresholds are those of the effective configuration (RISKDESK_CONFIG_DIR, RISKDESK_PROFILE,
else the checkout's own) unless they are given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.expected_returns import (
    BASE_RETURNS,
    ENV_FACTORS,
    ExpectedReturns,
    load_expected_returns,
)
from riskdesk_assets.common.feature_settings import FeatureSettings
from riskdesk_assets.common.regimes import MarketRegime
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.common.strict_yaml import read_bytes
from riskdesk_assets.features.market_regime import regime_of
from riskdesk_assets.features.windows import Array, windowed_zscore

SESSIONS_A_WEEK = 5
SCHEMA: Mapping[str, pl.DataType] = {
    "bucket": pl.String(),
    "capital": pl.Float64(),
    "base_return": pl.Float64(),
    "env_factor": pl.Float64(),
    "expected_return": pl.Float64(),
    "expected_pnl_week": pl.Float64(),
    "expected_pnl_day": pl.Float64(),
}
_SOURCE = "expected_pnl"
_LEAST_VALUES = 2
Series = pl.Series | Sequence[float]


def classify_regime(
    vol_series: Series,
    dispersion_series: Series,
    *,
    window: int | None = None,
    calm_below: float | None = None,
    event_above: float | None = None,
) -> MarketRegime:
    """The market regime of the newest values: Calm, Normal or Event; a z-score of exactly 0 or 1 is Normal.

    Args:
        vol_series: values of a volatility index, oldest first, at least two that differ.
        dispersion_series: cross-sectional dispersion of returns, alike; the desk smooths its own over
            dispersion_mean_sessions, here it is taken as given.
        window: each newest value is compared with the last ``window`` ones, itself included, or with as many as there
            are; by default long_window of config/desk.yaml. The standard deviation has ddof 1.
        calm_below, event_above: thresholds on the z-scores; by default those of config/desk.yaml.

    Raises:
        InputError: fewer than two values, one within the window that is not a finite number, or none that differs.

    Source: document 002, sections 9.2 and 9.7; methods.md section 3.
    """
    if window is None or calm_below is None or event_above is None:
        desk = _features()
        window = desk.long_window if window is None else window
        calm_below = desk.calm_below if calm_below is None else calm_below
        event_above = desk.event_above if event_above is None else event_above
    if window < _LEAST_VALUES:
        raise InputError(Problem(_SOURCE, None, "window", f"is {window}", "at least 2 values"))
    v_z = _newest_zscore("vol_series", vol_series, window)
    d_z = _newest_zscore("dispersion_series", dispersion_series, window)
    return regime_of(v_z, d_z, calm_below=calm_below, event_above=event_above)


def expected_return(bucket: str, regime: str, *, tables: ExpectedReturns | None = None) -> float:
    """Weekly return expected of a bucket in a market regime, a fraction of its capital: base return x environment factor.

    Args:
        bucket: one of BUCKETS; Directional has Discretionary's expectations unless the tables give it its own (X-11).
        regime: Calm, Normal or Event.
        tables: other tables than those of the configuration.

    Raises:
        InputError: an unknown bucket or regime, with the nearest match; a table that cannot be used.

    Source: document 002, section 9.5.
    """
    return (tables or _tables()).expected_return(bucket, regime)


def expected_pnl(capital_by_bucket: Mapping[str, float], regime: str, *, tables: ExpectedReturns | None = None) -> pl.DataFrame:
    """Expected P&L of each bucket, a week and a day, in dollars.

    Args:
        capital_by_bucket: dollars given to each bucket, at least 0; in any order.
        regime: Calm, Normal or Event.
        tables: other tables than those of the configuration.

    Returns:
        One row per bucket in the order of BUCKETS: bucket, capital, base_return and expected_return (fractions of capital a
        week), env_factor, expected_pnl_week, and expected_pnl_day, a fifth of it.

    Raises:
        InputError: an unknown bucket or regime, capital that is negative or no finite number, an unusable table.

    Source: document 002, section 9.6.
    """
    known = tables or _tables()
    _require_capital(capital_by_bucket)
    rows = []
    for bucket in BUCKETS:
        if bucket not in capital_by_bucket:
            continue
        capital = float(capital_by_bucket[bucket])
        weekly = known.expected_return(bucket, regime)
        week = capital * weekly
        base, factor = known.base_return(bucket), known.env_factor(bucket, regime)
        rows.append((bucket, capital, base, factor, weekly, week, week / SESSIONS_A_WEEK))
    if not rows:
        known.env_factor(BUCKETS[0], regime)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def total_expected_pnl(df: pl.DataFrame) -> float:
    """Expected P&L of the whole portfolio a week, in dollars: the sum over the buckets of :func:`expected_pnl`'s rows.

    Raises:
        InputError: the frame has no column expected_pnl_week of finite numbers.

    Source: document 002, section 9.6.
    """
    column = "expected_pnl_week"
    if column not in df.columns or not df.schema[column].is_numeric():
        raise InputError(Problem(_SOURCE, None, column, "is no column of numbers of the frame", ", ".join(SCHEMA)))
    values = df[column].cast(pl.Float64).to_list()
    if any(value is None or not math.isfinite(value) for value in values):
        raise InputError(Problem(_SOURCE, None, column, "holds a value that is no finite number", "what expected_pnl gives"))
    # The exact sum, rounded once: no order of rows can change a bit of it.
    return math.fsum(values)


def _newest_zscore(field: str, series: Series, window: int) -> float:
    values = _numbers(field, series)[-window:]
    if len(values) < _LEAST_VALUES:
        raise InputError(Problem(_SOURCE, None, field, f"has {len(values)} values", "at least 2"))
    if not np.isfinite(values).all():
        place = len(values) - int(np.flatnonzero(~np.isfinite(values))[-1])
        said = "the newest value" if place == 1 else f"value {place} from the end"
        raise InputError(Problem(_SOURCE, None, field, f"{said} is no finite number", "finite numbers: a NaN is no regime"))
    score = float(windowed_zscore(values, len(values))[-1])
    if not math.isfinite(score):
        raise InputError(Problem(_SOURCE, None, field, "does not move, so it has no z-score", "values that differ"))
    return score


def _numbers(field: str, series: Series) -> Array:
    found = series if isinstance(series, pl.Series) else pl.Series(_plain(field, series), strict=False)
    if found.dtype == pl.Null:
        return np.full(len(found), np.nan)
    if not found.dtype.is_numeric():
        raise InputError(Problem(_SOURCE, None, field, f"is a series of {found.dtype}", "numbers"))
    return found.cast(pl.Float64).fill_null(math.nan).to_numpy().astype(np.float64)


def _plain(field: str, series: Sequence[float]) -> list[float | None]:
    try:
        given = list(series)
        return [None if value is None else _number(value) for value in given]
    except (TypeError, ValueError, OverflowError):
        raise InputError(Problem(_SOURCE, None, field, "is no series of numbers", "a polars Series or a sequence")) from None


def _number(value: object) -> float:
    if isinstance(value, bool | str | bytes):
        raise TypeError
    return float(value)  # type: ignore[arg-type]


def _require_capital(capital_by_bucket: Mapping[str, float]) -> None:
    problems = []
    for bucket, capital in capital_by_bucket.items():
        if bucket not in BUCKETS:
            message = f"is {bucket!r}{nearest(str(bucket), BUCKETS)}"
            problems.append(Problem(_SOURCE, None, "bucket", message, ", ".join(BUCKETS)))
        elif isinstance(capital, bool) or not isinstance(capital, int | float) or not math.isfinite(capital) or capital < 0:
            problems.append(Problem(_SOURCE, None, f"capital of {bucket}", f"is {capital!r}", "dollars, at least 0"))
    if problems:
        raise InputError(problems)


def _features() -> FeatureSettings:
    return load_config(load_paths()).desk.features


def _tables() -> ExpectedReturns:
    """The configuration's tables; the files are read every time, and parsed when they have changed."""
    folder = load_paths().config
    return _parsed(str(folder), read_bytes(folder / ENV_FACTORS), read_bytes(folder / BASE_RETURNS))


@lru_cache(maxsize=8)
def _parsed(folder: str, _factors: bytes, _returns: bytes) -> ExpectedReturns:
    return load_expected_returns(Path(folder))
