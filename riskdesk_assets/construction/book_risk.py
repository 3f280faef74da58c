"""What a book may lose: its volatility by the desk's risk model, and what today's positions would have lived through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from riskdesk_assets.common.settings import RiskReportSettings
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.features.windows import Array
from riskdesk_assets.risk_model.covariance import Covariance, simple_returns
from riskdesk_assets.risk_model.tail_risk import historical_tail_risk

LEVELS = (0.95, 0.99)


@dataclass(frozen=True)
class BookRisk:
    """Fractions of nav a day: ``ex_ante_volatility``, and losses (positive) that are exceeded on 5% and 1% of days.

    None where there is too little to say: a held name the risk model does not cover, too few sessions of returns.
    """

    ex_ante_volatility: float | None
    var_95: float | None
    var_99: float | None


@dataclass(frozen=True, eq=False)
class ReturnHistory:
    """Daily simple returns of ``symbols`` (columns) by session (rows), NaN where there is none."""

    rows: Mapping[date, int]
    columns: Mapping[str, int]
    returns: Array

    @cached_property
    def _known(self) -> npt.NDArray[np.bool_]:
        return np.isfinite(self.returns)

    @classmethod
    def of(cls, panel: Panel) -> ReturnHistory:
        """The returns of a panel of bars."""
        rows = {session: row for row, session in enumerate(panel.sessions)}
        columns = {symbol: column for column, symbol in enumerate(panel.symbols)}
        return cls(rows, columns, simple_returns(panel))

    def lived_through(self, weights: Mapping[str, float], session: date, sessions: int) -> Array:
        """P&L of the weights on each of the ``sessions`` returns ending at ``session`` on which every held name has one."""
        last = self.rows[session]
        window = slice(max(last - sessions + 1, 0), last + 1)
        held = [(self.columns[symbol], weights[symbol]) for symbol in sorted(weights) if weights[symbol] != 0.0]
        kept = self.returns[window]
        whole = self._known[window][:, [column for column, _ in held]].all(axis=1)
        if not whole.all():
            kept = kept[whole]
        pnl = np.zeros(len(kept))
        # Name by name in one order: a matrix product may round differently from one shape or alignment to the next.
        for column, weight in held:
            pnl += weight * kept[:, column]
        return pnl


def book_risk(
    weights: Mapping[str, float],
    session: date,
    covariance: Covariance | None,
    history: ReturnHistory,
    settings: RiskReportSettings,
) -> BookRisk:
    """Volatility by the covariance, and historical simulation of the book over ``settings.var_sessions``.

    Args:
        weights: net per symbol, fractions of nav.
        session: the close the numbers are of.
        covariance: the desk's risk model at that close.
        history: returns reaching ``var_sessions`` back.
        settings: desk.risk_report.

    Source: methods.md section 10.
    """
    held = {symbol: weight for symbol, weight in weights.items() if weight != 0.0}
    if not held:
        return BookRisk(0.0, 0.0, 0.0)
    covered = covariance is not None and held.keys() <= set(covariance.symbols)
    volatility = covariance.volatility(held) if covariance is not None and covered else None
    days = history.lived_through(held, session, settings.var_sessions)
    if len(days) < settings.check_minimum:
        return BookRisk(volatility, None, None)
    var_95, var_99 = (tail.value_at_risk for tail in historical_tail_risk(days, LEVELS))
    return BookRisk(volatility, var_95, var_99)
