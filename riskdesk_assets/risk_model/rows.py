"""Factor models as table rows, and back: together the three tables hold every number of B, F and D.

B: instrument_factors_daily, exposures other than to SPECIFIC; a factor without a row has exposure 0.
F: factors_daily.factor_volatility and the panel FACTORS of correlation_panels.
D: instrument_factors_daily, the exposure to SPECIFIC squared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.features.panel import nullable
from riskdesk_assets.features.windows import Array, ratio
from riskdesk_assets.risk_model.estimators import FACTOR, MODEL_VERSIONS
from riskdesk_assets.risk_model.factors import FactorModel

SPECIFIC = "specific"
"""A name's exposure to its own specific factor, of variance 1: its daily specific volatility."""
INSTRUMENTS, FACTORS = "instrument", "factor"
PANELS = (INSTRUMENTS, FACTORS)
_MODEL_ID = pl.lit(MODEL_VERSIONS[FACTOR])
Places = npt.NDArray[np.intp]


def instrument_factors_daily(models: Sequence[FactorModel]) -> pl.DataFrame:
    """TABLES["instrument_factors_daily"]: each name's exposures that are not 0, and its specific volatility a day."""
    names, factors, values, counts = [], [], [], []
    for model in models:
        every = np.hstack([model.exposures, np.sqrt(model.specific_variance)[:, None]]) if model.symbols else np.empty((0, 1))
        name, factor = np.nonzero(every)
        names.append(name)
        factors.append(factor)
        values.append(every[name, factor])
        counts.append(len(name))
    frame = pl.DataFrame(
        {
            "as_of_date": _sessions(models, counts),
            "instrument_id": _ids([model.symbols for model in models], names),
            "factor_id": _ids([(*model.factors, SPECIFIC) for model in models], factors),
            "exposure": pl.Series(_joined(values), dtype=pl.Float64),
        }
    )
    return TABLES["instrument_factors_daily"].conform(frame.with_columns(model_id=_MODEL_ID))


def factors_daily(models: Sequence[FactorModel]) -> pl.DataFrame:
    """TABLES["factors_daily"]: each factor's return on the session, null where it has none, and its volatility a day."""
    frame = pl.DataFrame(
        {
            "as_of_date": _sessions(models, [len(model.factors) for model in models]),
            "factor_id": pl.Series(list(chain.from_iterable(model.factors for model in models)), dtype=pl.String),
            "factor_return": nullable(_joined([model.factor_returns for model in models])),
            "factor_volatility": pl.Series(
                _joined([_volatilities(model.factor_covariance) for model in models]), dtype=pl.Float64
            ),
        }
    )
    return TABLES["factors_daily"].conform(frame.with_columns(model_id=_MODEL_ID))


def correlation_panels(models: Sequence[FactorModel], panels: Collection[str] = PANELS) -> pl.DataFrame:
    """TABLES["correlation_panels"]: correlations of names (in Sigma) and of factors (in F), id_a < id_b.

    Args:
        models: of the sessions.
        panels: those wanted; ``models_of`` reads FACTORS alone.
    """
    of_panel = {
        INSTRUMENTS: lambda: _panel(INSTRUMENTS, models, ((model.symbols, model.covariance().matrix) for model in models)),
        FACTORS: lambda: _panel(FACTORS, models, ((model.factors, model.factor_covariance) for model in models)),
    }
    return TABLES["correlation_panels"].conform(pl.concat(of_panel[panel]() for panel in PANELS if panel in panels))


def models_of(
    instrument_factors: pl.DataFrame, factors: pl.DataFrame, panels: pl.DataFrame, sessions: Sequence[date] | None = None
) -> dict[date, FactorModel]:
    """The factor models the three tables describe, session by session: the inverse of the functions above.

    Live and replay both read the model from its rows, so both have the same bits; they agree with the model the rows were made
    of to rounding. How many sessions it was estimated from is in no table: ``observations`` is 0.

    Args:
        instrument_factors, factors, panels: rows of instrument_factors_daily, factors_daily and correlation_panels, any order.
        sessions: the sessions wanted; None for every one with a name.

    Returns:
        A model per session, ascending; a session without rows has none.

    Raises:
        StateError: rows of another version of the model.
    """
    _require_version(instrument_factors, factors)
    wanted = pl.lit(True) if sessions is None else pl.col("as_of_date").is_in(list(sessions))
    exposures = _by_session(instrument_factors.filter(wanted), ("instrument_id", "factor_id"))
    of_factors = _by_session(factors.filter(wanted), ("factor_id",))
    correlations = _by_session(panels.filter(wanted & (pl.col("panel_id") == FACTORS)), ("id_a", "id_b"))
    nothing = pl.DataFrame(schema=panels.schema)
    return {
        session: _model(session, rows, of_factors.get(session, factors.clear()), correlations.get(session, nothing))
        for session, rows in sorted(exposures.items())
    }


def _model(session: date, exposures: pl.DataFrame, factors: pl.DataFrame, correlations: pl.DataFrame) -> FactorModel:
    specific = exposures.filter(pl.col("factor_id") == SPECIFIC)
    symbols, ids = tuple(specific["instrument_id"]), tuple(factors["factor_id"])
    row_of, column_of = _places(symbols), _places(ids)
    shared = exposures.filter(pl.col("factor_id") != SPECIFIC)
    matrix = np.zeros((len(symbols), len(ids)))
    rows, columns = _found(shared["instrument_id"], row_of), _found(shared["factor_id"], column_of)
    matrix[rows, columns] = shared["exposure"].to_numpy()
    correlation = np.eye(len(ids))
    left, right = _found(correlations["id_a"], column_of), _found(correlations["id_b"], column_of)
    correlation[left, right] = correlation[right, left] = correlations["correlation"].to_numpy()
    volatility = factors["factor_volatility"].to_numpy()
    return FactorModel(
        session=session,
        symbols=symbols,
        factors=ids,
        exposures=matrix,
        factor_covariance=volatility[:, None] * correlation * volatility[None, :],
        specific_variance=specific["exposure"].to_numpy() ** 2,
        factor_returns=factors["factor_return"].fill_null(float("nan")).to_numpy(),
        observations=0,
    )


def _by_session(frame: pl.DataFrame, key: tuple[str, ...]) -> dict[date, pl.DataFrame]:
    days = frame.sort("as_of_date", *key).partition_by("as_of_date", as_dict=True, maintain_order=True)
    return {session: rows for (session,), rows in days.items()}


def _places(ids: Sequence[str]) -> Mapping[str, int]:
    return {name: place for place, name in enumerate(ids)}


def _found(ids: pl.Series, places: Mapping[str, int]) -> Places:
    return np.array([places[name] for name in ids], dtype=np.intp)


def _require_version(*frames: pl.DataFrame) -> None:
    own = MODEL_VERSIONS[FACTOR]
    for frame in frames:
        others = frame.filter(pl.col("model_id") != own).sort("as_of_date")
        if others.height:
            session, version = others["as_of_date"][0], others["model_id"][0]
            raise StateError(
                f"the factor model of {session} is of version {version}, this desk reads {own}: "
                f"run `riskdesk run --start {session} --end {others['as_of_date'][-1]}`"
            )


def _panel(panel: str, models: Sequence[FactorModel], covariances: Iterator[tuple[tuple[str, ...], Array]]) -> pl.DataFrame:
    """Rows of one panel; ``covariances`` gives each model's sorted ids and their matrix. What never moves has no row."""
    ids, lefts, rights, values, counts = [], [], [], [], []
    for names, covariance in covariances:
        left, right = np.triu_indices(len(names), 1)
        spread = _volatilities(covariance)
        correlation = np.clip(ratio(covariance[left, right], spread[left] * spread[right]), -1.0, 1.0)
        known = np.isfinite(correlation)
        ids.append(names)
        lefts.append(left[known])
        rights.append(right[known])
        values.append(correlation[known])
        counts.append(int(known.sum()))
    frame = pl.DataFrame(
        {
            "as_of_date": _sessions(models, counts),
            "id_a": _ids(ids, lefts),
            "id_b": _ids(ids, rights),
            "correlation": pl.Series(_joined(values), dtype=pl.Float64),
        }
    )
    return frame.with_columns(panel_id=pl.lit(panel))


def _sessions(models: Sequence[FactorModel], counts: Sequence[int]) -> pl.Series:
    """Each model's session as often as it has rows."""
    sessions = pl.Series([model.session for model in models], dtype=pl.Date)
    return sessions.gather(np.repeat(np.arange(len(models)), np.array(counts, dtype=np.intp)))


def _ids(ids: Sequence[Sequence[str]], places: Sequence[Places]) -> pl.Series:
    """Each model's ids at its places, one model after the other."""
    starts = np.cumsum([0, *(len(of_model) for of_model in ids)])
    every = pl.Series(list(chain.from_iterable(ids)), dtype=pl.String)
    shifted = [here + start for here, start in zip(places, starts.tolist(), strict=False)]
    return every.gather(np.concatenate([np.empty(0, dtype=np.intp), *shifted]))


def _joined(values: Sequence[Array]) -> Array:
    return np.concatenate([np.empty(0), *values])


def _volatilities(covariance: Array) -> Array:
    deviations: Array = np.sqrt(np.diag(covariance))
    return deviations
