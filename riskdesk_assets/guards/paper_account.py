"""An account in memory that follows the guards: both managers of document 004 in one, filled at the price given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from riskdesk_assets.guards.config import DEFAULT_GROUP, PolicyConfig
from riskdesk_assets.guards.types import GroupState, PortfolioState, PositionIntent


class PaperAccount:
    """Positions, prices, groups and a clock that only moves when it is told to. Orders are filled at once."""

    def __init__(
        self,
        config: PolicyConfig,
        at: datetime,
        groups: Mapping[str, str],
        shares: Mapping[str, int] | None = None,
        prices: Mapping[str, float] | None = None,
        realized_daily_vol: float | None = None,
    ) -> None:
        self.policy_config = config
        self.at = at
        self.shares: dict[str, int] = dict(shares or {})
        self.prices: dict[str, float] = dict(prices or {})
        self.realized_daily_vol = realized_daily_vol
        self.intents: dict[str, PositionIntent] = {}
        self._groups = dict(groups)

    def portfolio_state(self) -> PortfolioState:
        """Gross and net of the positions in dollars."""
        values = [self._value(symbol) for symbol in sorted(self.shares)]
        return {
            "gross_exposure": math.fsum(abs(value) for value in values),
            "net_exposure": math.fsum(values),
            "realized_daily_vol": self.realized_daily_vol,
        }

    def group_state(self, symbol: str) -> GroupState:
        """The symbol's group and the sum of |position| in it."""
        group = self._groups.get(symbol, DEFAULT_GROUP)
        members = [name for name in sorted(self.shares) if self._groups.get(name, DEFAULT_GROUP) == group]
        return {"group": group, "exposure": math.fsum(abs(self._value(name)) for name in members)}

    def now(self) -> datetime:
        """The account's clock."""
        return self.at

    def pending_shares(self, symbol: str) -> int:
        """0: orders are filled at once."""
        return 0

    def position_intent(self, symbol: str) -> PositionIntent | None:
        """What was committed last for the symbol."""
        return self.intents.get(symbol)

    def commit_intent(self, intent: PositionIntent) -> None:
        """Remember a new intent."""
        self.intents[intent.symbol] = intent

    def place(self, symbol: str, qty_delta: int) -> None:
        """Fill an order."""
        self.shares[symbol] = self.shares.get(symbol, 0) + qty_delta

    def _value(self, symbol: str) -> float:
        return self.shares[symbol] * self.prices[symbol]
