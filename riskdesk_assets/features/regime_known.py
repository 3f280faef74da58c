"""Sessions whose market regime is not known: a NaN is an error, not a regime (methods.md section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.feature_settings import FeatureSettings
from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.features.market_regime import MEAN_VOLATILITY_SOURCE

MARKET_REGIME_KNOWN = "market_regime_known"


def unknown_regimes(
    rows: pl.DataFrame, universe: Universe, settings: FeatureSettings, sessions: Sequence[date]
) -> Iterator[SessionCheck]:
    """One result per session: failed, as a warning to be told, where the session has no market regime.

    It blocks nothing: budgets take the smallest adjustment, the gatekeeper lets nothing grow, and a history that is too short
    is no fault of the session.

    Args:
        rows: TABLES["market_regime"] of the sessions.
        universe: the volatility index's symbol.
        settings: the window of the z-scores, in sessions.
        sessions: the sessions of the run.
    """
    found = {row["as_of_date"]: row for row in rows.iter_rows(named=True)}
    for session in sessions:
        row = found.get(session)
        known = row is not None and row["regime"] is not None
        message = "" if known else f"the market regime of {session} is unknown: {_why(row, universe, settings)}"
        yield SessionCheck(MARKET_REGIME_KNOWN, session, passed=known, message=message, hard=False, told=True)


def _why(row: dict[str, object] | None, universe: Universe, settings: FeatureSettings) -> str:
    if row is None:
        return "it was not computed"
    sources = [name for name in (universe.volatility_index, MEAN_VOLATILITY_SOURCE) if name]
    reasons = []
    if row["volatility_z"] is None:
        reasons.append(f"volatility ({' or '.join(sources)})")
    if row["dispersion_z"] is None:
        reasons.append("dispersion of the names' returns")
    return f"no z-score over {settings.long_window} values of {' and of '.join(reasons)}"
