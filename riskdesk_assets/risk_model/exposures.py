"""What one window of returns says of factors: their returns, every name's exposures to them, and what is left over.

Market: the equal-weighted mean of the names. Industry group: the mean of its names less the market. A name's exposures to
the market and to its own group come from a regression over time; its style exposures are given; the returns of the styles come
from a regression across names, session by session, of what market and groups leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from riskdesk_assets.features.windows import ROUNDING, Array, ratio

MARKET = "market"
GROUP_PREFIX = "group:"
Seen = npt.NDArray[np.bool_]
_RCOND = 1e-10
"""A direction with less than this share of the largest variance counts as none."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Returns r (window, names) taken apart as r = f B' + residuals.

    Attributes:
        factors: ids of the k factors, in the order of the columns of ``exposures``.
        exposures: B, shape (names, k).
        factor_returns: f, shape (window, k), NaN on a session on which no name of a group has a return.
        residuals: shape (window, names), NaN where the name has no return.
        estimator: P, shape (k, names): f = P r on a session on which every name has a return.
    """

    factors: tuple[str, ...]
    exposures: Array
    factor_returns: Array
    residuals: Array
    estimator: Array


def fit(returns: Array, groups: Sequence[str], styles: tuple[str, ...], style_exposures: Array, min_group_names: int) -> Fit:
    """Factor returns, exposures and residuals of one window.

    Args:
        returns: daily simple returns, shape (window, names), NaN where there is none.
        groups: industry group of each name.
        styles: ids of the style factors.
        style_exposures: given exposures, shape (names, styles), no NaN, the same for the whole window.
        min_group_names: a group with fewer names has no factor.

    Returns:
        The fit; factors are the groups sorted, the market, the styles.

    Source: methods.md section 7; the regressions over time are ordinary least squares with an intercept, which stays in the
    residual.
    """
    seen = np.isfinite(returns)
    named = sorted({group for group in groups if groups.count(group) >= min_group_names})
    member = np.array([[group == name for name in named] for group in groups], dtype=np.float64).reshape(
        len(groups), len(named)
    )
    market, of_groups = _observed(returns, seen, member)
    exposures = np.column_stack([member, np.ones(len(groups)), style_exposures])
    exposures[:, : len(named) + 1] *= _betas(returns, seen, market, np.nan_to_num(of_groups) @ member.T, member)
    observed = np.column_stack([of_groups, market])
    exact = exposures[:, : len(named) + 1]
    left = np.where(seen, returns - np.nan_to_num(observed) @ exact.T, 0.0)
    of_styles = _across_names(left, seen, style_exposures)
    names = len(groups)
    mean = np.full((1, names), 1.0 / names)
    weights = np.vstack([(member / member.sum(axis=0)).T - mean, mean])
    style_weights = np.linalg.pinv(style_exposures, rcond=_RCOND) @ (np.eye(names) - exact @ weights)
    return Fit(
        factors=(*(f"{GROUP_PREFIX}{name}" for name in named), MARKET, *styles),
        exposures=exposures,
        factor_returns=np.column_stack([observed, of_styles]),
        residuals=np.where(seen, left - of_styles @ style_exposures.T, np.nan),
        estimator=np.vstack([weights, style_weights]),
    )


def standardized(values: Array, clip: float) -> Array:
    """Cross-sectional z-scores (ddof 1) within [-clip, clip], shape (names,); 0, the average name's, where a value is NaN."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return np.zeros(len(values))
    mean, sd = known.mean(), known.std(ddof=1)
    if not sd > ROUNDING * abs(mean):
        return np.zeros(len(values))
    scores: Array = np.clip((values - mean) / sd, -clip, clip)
    return np.where(np.isfinite(values), scores, 0.0)


def _observed(returns: Array, seen: Seen, member: Array) -> tuple[Array, Array]:
    """The market, shape (window,), and each group less it, shape (window, groups), over the names with a return."""
    known, present = np.where(seen, returns, 0.0), seen.astype(np.float64)
    market = ratio(known.sum(axis=1), present.sum(axis=1))
    of_groups: Array = ratio(known @ member, present @ member) - market[:, None]
    return market, of_groups


def _betas(returns: Array, seen: Seen, market: Array, own_group: Array, member: Array) -> Array:
    """Exposures to the own group, one column for each group, and to the market, shape (names, groups + 1)."""
    count = np.maximum(seen.sum(axis=0), 1)

    def centred(values: Array) -> Array:
        kept = np.where(seen, values, 0.0)
        return np.where(seen, kept - kept.sum(axis=0) / count, 0.0)

    regressors = np.stack([centred(np.broadcast_to(market[:, None], seen.shape)), centred(own_group)])
    moments = np.einsum("ati,bti->iab", regressors, regressors)
    products = np.einsum("ati,ti->ia", regressors, centred(returns))
    # A name without a group of its own has a regressor of zeros: the pseudoinverse gives it no exposure.
    solved = np.einsum("iab,ib->ia", np.linalg.pinv(moments, rcond=_RCOND, hermitian=True), products)
    return np.column_stack([np.repeat(solved[:, 1:], member.shape[1], axis=1), solved[:, 0]])


def _across_names(left: Array, seen: Seen, style_exposures: Array) -> Array:
    """Style returns of each session, shape (window, styles), by least squares over the names with a return."""
    styles = style_exposures.shape[1]
    squares = np.einsum("ia,ib->iab", style_exposures, style_exposures).reshape(-1, styles * styles)
    # The sessions without a gap share the first inverse.
    gaps = np.flatnonzero(~seen.all(axis=1))
    which = np.zeros(len(seen), dtype=np.intp)
    which[gaps] = np.arange(1, len(gaps) + 1)
    present = np.vstack([np.ones(seen.shape[1]), seen[gaps]])
    inverses = np.linalg.pinv((present @ squares).reshape(-1, styles, styles), rcond=_RCOND, hermitian=True)
    returned: Array = np.einsum("tab,tb->ta", inverses[which], left @ style_exposures)
    return returned
