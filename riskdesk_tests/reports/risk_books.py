"""Small books for the risk report, and nothing of a warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np

from riskdesk_assets.common.settings import Desk
from riskdesk_assets.reports.risk_measures import NameFacts
from riskdesk_assets.reports.risk_report import RiskInputs
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_tests.desk_builder import changed, desk_config

SESSION = date(2026, 3, 2)
QUICK = 1000  # Monte Carlo scenarios


@cache
def _quick_desk() -> Desk:
    return changed(desk_config().desk, "risk_report.monte_carlo_scenarios", QUICK)


def inputs_of_book(
    weights: Mapping[str, float],
    covariance: Sequence[Sequence[float]],
    symbols: Sequence[str],
    **more: object,
) -> RiskInputs:
    """A book of a million dollars: no factor model, no history, two groups (the first name is in one of its own)."""
    desk = _quick_desk()
    names = {
        symbol: NameFacts(
            "Financials",
            "card" if place == 0 else "regional",
            "US",
            "USD",
            "NONE" if place == 0 else "SOFT",
            1_000_000.0,
            {"volatility": 1.0 + place, "fragility": 0.4 + 0.4 * place},
        )
        for place, symbol in enumerate(sorted({*symbols, *weights}))
    }
    base = RiskInputs(
        portfolio_id="tiny",
        as_of_date=SESSION,
        nav=1_000_000.0,
        weights=weights,
        weights_source="what-if",
        risk_model="ledoit_wolf-v1",
        covariance=Covariance(tuple(symbols), np.array(covariance, dtype=float), 0.0, 250),
        factor_model=None,
        history=np.empty((0, len(symbols))),
        history_symbols=tuple(symbols),
        names=names,
        shocks={},
        correlations={},
        equity=(),
        settings=desk.risk_report,
        fragility=desk.features.fragility,
        min_coverage=0.9,
    )
    return replace(base, **more)  # type: ignore[arg-type]
