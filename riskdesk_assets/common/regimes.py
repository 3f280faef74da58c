"""The market regime: one word per day, of the whole market. A name's tape regime is another axis (gatekeeper.config)."""

from __future__ import annotations

from typing import Literal, get_args

MarketRegime = Literal["Calm", "Normal", "Event"]
MARKET_REGIMES: tuple[MarketRegime, ...] = get_args(MarketRegime)
