"""The factor model: Sigma = B F B' + D (methods.md section 7)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.settings import Config, RiskModelSettings
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.features.name_windows import name_of
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.features.windows import Array, ewma_weights, log
from riskdesk_assets.risk_model.covariance import Covariance, check_psd, last_rows_padded, simple_returns
from riskdesk_assets.risk_model.exposures import fit, standardized

SIZE, MOMENTUM = "size", "momentum"
STYLES = (MOMENTUM, SIZE)
_SESSIONS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class FactorModel:
    """Sigma = B F B' + D of daily simple returns of ``symbols`` at the close of ``session``.

    Attributes:
        symbols: the n names, sorted.
        factors: ids of the k factors, sorted: groups ("group:regional"), market, momentum, size.
        exposures: B, shape (n, k).
        factor_covariance: F, shape (k, k), a day.
        specific_variance: D, shape (n,), a day, above 0.
        factor_returns: shape (k,), of the session itself; NaN where a factor has none.
        observations: sessions of the window with a market return.
    """

    session: date
    symbols: tuple[str, ...]
    factors: tuple[str, ...]
    exposures: Array
    factor_covariance: Array
    specific_variance: Array
    factor_returns: Array
    observations: int

    def covariance(self) -> Covariance:
        """Sigma, shape (n, n), daily; StateError when it is not positive semidefinite."""
        return self._covariance

    def systematic_risk(self, weights: Mapping[str, float]) -> float:
        """sqrt(x'F x), x = B'w: the daily volatility that comes from factors, in the unit of the weights."""
        exposed = np.array(list(self.factor_exposures(weights).values()))
        terms = exposed[:, None] * self.factor_covariance * exposed[None, :]
        return math.sqrt(max(math.fsum(terms.ravel().tolist()), 0.0))

    def residual_risk(self, weights: Mapping[str, float]) -> float:
        """sqrt(sum of w^2 D): the daily volatility that is the names' own, in the unit of the weights."""
        held = self._held(weights)
        return math.sqrt(math.fsum(held[symbol] ** 2 * self._specific[symbol] for symbol in held))

    def factor_exposures(self, weights: Mapping[str, float]) -> dict[str, float]:
        """B'w by factor, in the unit of the weights; StateError for a weight other than 0 on a name not covered."""
        held = self._held(weights)
        rows = {symbol: self.exposures[row].tolist() for row, symbol in enumerate(self.symbols) if symbol in held}
        return {
            factor: math.fsum(held[symbol] * row[column] for symbol, row in rows.items())
            for column, factor in enumerate(self.factors)
        }

    @cached_property
    def _covariance(self) -> Covariance:
        systematic = self.exposures @ self.factor_covariance @ self.exposures.T
        matrix = (systematic + systematic.T) / 2.0 + np.diag(self.specific_variance)
        check_psd(matrix)
        return Covariance(self.symbols, matrix, 0.0, self.observations)

    @cached_property
    def _specific(self) -> dict[str, float]:
        return dict(zip(self.symbols, self.specific_variance.tolist(), strict=True))

    def _held(self, weights: Mapping[str, float]) -> dict[str, float]:
        held = {symbol: weight for symbol, weight in weights.items() if weight != 0.0}
        missing = sorted(held.keys() - self._specific.keys())
        if missing:
            raise StateError(f"no factor model for {', '.join(missing)}: too few returns in the window")
        return held


def factor_models(panel: Panel, config: Config, sessions: Sequence[date]) -> Iterator[FactorModel]:
    """The factor model of the tradable names at each of ``sessions``.

    A name is in the model when it has a return on ``min_coverage`` of the ``window`` sessions; a gap in its bars is left out of
    its own sums and of the factors' means, never filled. Size is the logarithm of adv_20, for want of market capitalisation;
    momentum is the return from the window's start to ``momentum_skip`` sessions ago; both are z-scores across the names at the
    session, held fixed over its window, and 0 where unknown.

    The residuals are M r, M = I - B P, with P the weights that make factor returns out of returns. So that a name's share in
    its own factors does not count as factor risk twice, nor hide half of a pair's spread, D is the EWMA variance of a residual
    over the sum of its squared row of M, and F is the EWMA covariance of factor returns less P D P', without its negative part.

    Args:
        panel: bars of at least the tradable names, reaching ``window`` sessions back from the first of ``sessions``.
        config: universe and industry groups, desk.risk_model, desk.features.
        sessions: the sessions wanted, ascending.

    Raises:
        StateError: a session is not in the panel, or a covariance is worse conditioned than ``max_condition``.

    Source: methods.md section 7; MacKinnon and White (1985), "Some heteroskedasticity-consistent covariance matrix estimators
    with improved finite sample properties", for the correction of D (their HC2, for M that need not be a projection).
    """
    names = panel.select(config.universe.tradable)
    settings = config.desk.risk_model
    returns = simple_returns(names)
    size = log(_traded_value(names, config))
    row_of = {session: row for row, session in enumerate(names.sessions)}
    for start in range(0, len(sessions), _SESSIONS_AT_ONCE):
        done: list[FactorModel] = []
        # The limit is lifted before anything is handed out: a caller's own work is not this function's to slow down.
        with single_threaded():
            for session in sessions[start : start + _SESSIONS_AT_ONCE]:
                if session not in row_of:
                    raise StateError(f"no bars for {session}, so no factor model")
                row = row_of[session]
                prices = last_rows_padded(names.adj_close, row, settings.window + 1)
                window = last_rows_padded(returns, row, settings.window)
                done.append(_model(session, names.symbols, config, window, prices, size[row]))
        yield from done


def _traded_value(panel: Panel, config: Config) -> Array:
    """adv_20 as instrument_state has it, shape (sessions, names)."""
    features = config.desk.features
    names = [name_of(panel, symbol, features, features.lookback_sessions) for symbol in panel.symbols]
    return np.column_stack([name.bars.on_sessions(name.adv) for name in names])


def _model(session: date, symbols: Sequence[str], config: Config, returns: Array, prices: Array, size: Array) -> FactorModel:
    settings = config.desk.risk_model
    kept = np.flatnonzero(np.isfinite(returns).sum(axis=0) >= settings.min_coverage * len(returns))
    names = tuple(symbols[column] for column in kept.tolist())
    if not names:
        return FactorModel(session, (), (), np.empty((0, 0)), np.empty((0, 0)), np.empty(0), np.empty(0), 0)
    momentum = _momentum(np.ascontiguousarray(prices[: len(prices) - settings.momentum_skip, kept]))
    styles = np.column_stack([standardized(values, settings.style_clip) for values in (momentum, size[kept])])
    groups = [config.universe.symbols[symbol].industry_group for symbol in names]
    found = fit(np.ascontiguousarray(returns[:, kept]), groups, STYLES, styles, settings.min_group_names)
    leftover = np.eye(len(names)) - found.exposures @ found.estimator
    share = (leftover**2).sum(axis=1)
    own = _ewma_variance(found.residuals, settings.specific_half_life)
    specific = np.where(share > _NOTHING, own / np.where(share > _NOTHING, share, 1.0), 0.0)
    factor_covariance = _factor_covariance(found.factor_returns, found.estimator, specific, settings)
    systematic = float(((found.exposures @ factor_covariance) * found.exposures).sum())
    floor = max(settings.specific_vol_floor**2, (systematic + float(specific.max())) / settings.max_condition)
    model = FactorModel(
        session=session,
        symbols=names,
        factors=found.factors,
        exposures=found.exposures,
        factor_covariance=factor_covariance,
        specific_variance=np.maximum(specific, floor),
        # A copy: a view would keep the whole window's returns for every session.
        factor_returns=found.factor_returns[-1].copy(),
        observations=int(np.isfinite(found.factor_returns[:, len(found.factors) - len(STYLES) - 1]).sum()),
    )
    _check_condition(model, settings.max_condition)
    return model


_NOTHING = 1e-9
"""A squared row of M below this is what rounding leaves of a name that is its own factor."""


def _momentum(prices: Array) -> Array:
    """Simple return from the first to the last price of each column, shape (names,)."""
    seen = np.isfinite(prices)
    columns = np.arange(prices.shape[1])
    first, last = seen.argmax(axis=0), len(prices) - 1 - seen[::-1].argmax(axis=0)
    returned: Array = prices[last, columns] / prices[first, columns] - 1.0
    return returned


def _ewma_variance(values: Array, half_life: float) -> Array:
    """Unbiased EWMA variance about the EWMA mean of each column's own values, shape (columns,)."""
    seen = np.isfinite(values)
    weights = np.where(seen, np.array(ewma_weights(half_life, len(values)))[:, None], 0.0)
    weights /= weights.sum(axis=0)
    known = np.where(seen, values, 0.0)
    deviations = np.where(seen, known - (weights * known).sum(axis=0), 0.0)
    variance: Array = (weights * deviations**2).sum(axis=0) / (1.0 - (weights**2).sum(axis=0))
    return variance


def _factor_covariance(factor_returns: Array, estimator: Array, specific: Array, settings: RiskModelSettings) -> Array:
    complete = np.flatnonzero(np.isfinite(factor_returns).all(axis=1))
    if len(complete) < 2:
        raise StateError(f"only {len(complete)} sessions on which every factor of the model has a return")
    known = factor_returns[complete]
    weights = np.array(ewma_weights(settings.factor_half_life, len(factor_returns)))
    observed = ewma_covariance(known, weights[complete])
    cleaned = observed - (estimator * specific) @ estimator.T
    values, vectors = np.linalg.eigh((cleaned + cleaned.T) / 2.0)
    positive = (vectors * np.maximum(values, 0.0)) @ vectors.T
    shrunk: Array = (1.0 - settings.factor_shrinkage) * positive + settings.factor_shrinkage * np.diag(np.diag(positive))
    symmetric: Array = (shrunk + shrunk.T) / 2.0
    return symmetric


def ewma_covariance(values: Array, weights: Array) -> Array:
    """Unbiased weighted covariance about the weighted mean; values (rows, columns) without NaN, weights (rows,)."""
    shares = weights / weights.sum()
    deviations = values - shares @ values
    covariance = (deviations * shares[:, None]).T @ deviations / (1.0 - float(shares @ shares))
    symmetric: Array = (covariance + covariance.T) / 2.0
    return symmetric


def _check_condition(model: FactorModel, largest: float) -> None:
    eigenvalues = np.linalg.eigvalsh(model.covariance().matrix)
    # A hundredth more than the bound the floor was made for, because eigenvalues are rounded too.
    if not (eigenvalues[0] > 0 and eigenvalues[-1] <= 1.01 * largest * eigenvalues[0]):
        raise StateError(
            f"the factor model of {model.session} has eigenvalues from {eigenvalues[0]:.3g} to {eigenvalues[-1]:.3g}: "
            f"its condition number may be {largest:.0e} at most"
        )
