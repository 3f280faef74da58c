"""The words the guards of document 004 share: what is asked, what is decided, what is remembered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NotRequired, TypedDict

from riskdesk_assets.guards.config import PolicyConfig

MetadataValue = str | int | float | bool | None


class Action(StrEnum):
    """What becomes of an order."""

    ALLOW = "ALLOW"
    CLIP = "CLIP"
    DENY = "DENY"
    NOOP = "NOOP"


class Layer(StrEnum):
    """Which guard decided, in the order in which they are asked."""

    PER_SYMBOL = "per_symbol"
    PER_TRADE = "per_trade"
    GROUP = "group"
    PORTFOLIO = "portfolio"


class Reason(StrEnum):
    """Why; one code for each way a decision can end."""

    BUY_TO_LOWER_BOUND = "buy_to_lower_bound"
    SELL_TO_UPPER_BOUND = "sell_to_upper_bound"
    CLOSE_POSITION = "close_position"
    REDUCE_TO_CAP = "reduce_to_cap"
    WITHIN_BAND = "within_band"
    CADENCE_NOT_ELAPSED = "cadence_not_elapsed"
    NO_TRIGGER = "no_trigger"
    LOT_ROUNDS_TO_ZERO = "lot_rounds_to_zero"
    SYMBOL_CAP = "symbol_cap"
    MAX_NOTIONAL = "max_notional"
    LOT_EXCEEDS_MAX_NOTIONAL = "lot_exceeds_max_notional"
    BELOW_MIN_ORDER = "below_min_order"
    GROUP_CAP = "group_cap"
    GROSS_CAP = "gross_cap"
    NET_CAP = "net_cap"


class PortfolioState(TypedDict):
    """Dollars, positions and pending orders alike: sum of |position|, sum of position; daily volatility as a fraction."""

    gross_exposure: float
    net_exposure: float
    realized_daily_vol: NotRequired[float | None]


class GroupState(TypedDict):
    """The symbol's group and the sum of |position| in it, in dollars, the symbol's own included."""

    group: str
    exposure: float


@dataclass(frozen=True)
class PolicyDecision:
    """What the guards decided of one symbol: signed shares to trade, why, and which layer had the last word."""

    action: Action
    qty_delta: int
    reason: str
    layer: Layer | None
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)


@dataclass(frozen=True)
class PolicyContext:
    """Everything a decision depends on but the memory and the time.

    Raises:
        ValueError: a price that is none, or an amount that is not finite.
    """

    symbol: str
    price: float
    current_shares: int
    signal_target_notional: float
    config: PolicyConfig
    portfolio_state: PortfolioState
    group_state: GroupState

    def __post_init__(self) -> None:
        if not (math.isfinite(self.price) and self.price > 0):
            raise ValueError(f"{self.symbol}: {self.price!r} is not a price")
        state = self.portfolio_state
        amounts = {
            "signal_target_notional": self.signal_target_notional,
            "gross_exposure": state["gross_exposure"],
            "net_exposure": state["net_exposure"],
            "group exposure": self.group_state["exposure"],
            "realized_daily_vol": state.get("realized_daily_vol") or 0.0,
        }
        for name, amount in amounts.items():
            if not math.isfinite(amount):
                raise ValueError(f"{self.symbol}: {name} is {amount!r}, which is not a finite number")
        for name in ("gross_exposure", "group exposure", "realized_daily_vol"):
            if amounts[name] < 0:
                raise ValueError(f"{self.symbol}: {name} is {amounts[name]!r}, which is negative")

    @property
    def current_notional(self) -> float:
        """Signed dollars of the position."""
        return self.current_shares * self.price


@dataclass(frozen=True)
class PositionIntent:
    """What was last decided for a symbol: the target in dollars (after scale and cap) and when (timezone-aware)."""

    symbol: str
    target_notional: float
    last_rebalance_time: datetime

    def __post_init__(self) -> None:
        if self.last_rebalance_time.tzinfo is None:
            raise ValueError(f"{self.symbol}: a time without a time zone")


@dataclass(frozen=True)
class Proposal:
    """An order on its way through the guards.

    ``wanted``: signed shares the signal asks for before any cap, not whole. ``edge``: dollars of position aimed at.
    ``floor``: a cap set the edge. ``lots``: signed lots to trade, from the per-trade guard on. ``reason``: why it is as large
    as it is. ``clipped_by``: the last layer that took something away.
    """

    wanted: float
    edge: float
    floor: bool
    reason: Reason
    clipped_by: Layer | None
    metadata: Mapping[str, MetadataValue]
    lots: int = 0
