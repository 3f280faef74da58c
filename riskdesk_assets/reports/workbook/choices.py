"""The words that input cells may hold, by the name of their list: the same for the writer and the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.regimes import MARKET_REGIMES
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.sizing import TIERS
from riskdesk_assets.reports.workbook.layout import NO, YES, regime_fits
from riskdesk_assets.strategy.strategy_file import SIGNAL_TYPES, Status
from riskdesk_assets.strategy.ticket import ORIENTATIONS


def choices_of(config: Config) -> Mapping[str, tuple[str, ...]]:
    """List name -> its words, of a desk."""
    return {
        "statuses": get_args(Status),
        "buckets": BUCKETS,
        "signal_types": SIGNAL_TYPES,
        "convictions": TIERS,
        "return_scores": _by_size(config.sizing.expected_return_score),
        "risk_scores": _by_size(config.sizing.expected_risk_score),
        "regimes": MARKET_REGIMES,
        "regime_fits": regime_fits(MARKET_REGIMES),
        "symbols": config.universe.tradable,
        "orientations": ORIENTATIONS,
        "yes_no": (YES, NO),
    }


def _by_size(scores: Mapping[str, float]) -> tuple[str, ...]:
    """Score words from the least to the most: an order that does not depend on how the configuration was read."""
    return tuple(sorted(scores, key=lambda word: (scores[word], word)))
