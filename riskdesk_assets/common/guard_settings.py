"""What the guards of stage 7 are told: bands, cadence, orders and caps of the desk's tickets (methods.md sections 9 and 14)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from riskdesk_assets.common.model import StrictModel


class GuardBound(StrictModel, strict=True):
    """The largest value of something, as a fraction of nav or in dollars, and overrides per member (a symbol, a group)."""

    max: float = Field(ge=0)
    unit: Literal["nav", "dollars"] = "nav"
    overrides: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _not_negative(self) -> GuardBound:
        for member, bound in self.overrides.items():
            if bound < 0:
                raise ValueError(f"override {member} is {bound}: a bound is at least 0")
        return self


class GuardSettings(StrictModel, strict=True):
    """``mode`` shadow: decisions are only logged; paper: the desk's positions follow them; enforce: so does the blotter.

    ``band``: a share of the ticket's gross. ``cadence_sessions``: sessions from one rebalancing to the next one that prices
    alone may cause. ``signal_change``: how far a target must move from the last committed one to count as a change.
    ``per_trade``: one order of one leg. ``min_order``: one ticket's order, both legs together. ``per_symbol``: the tickets'
    |notionals| in one name before they net. ``lot_size``: shares; a name's own lot size is kept where it is larger.
    ``stop_dollars``: a ticket that has lost more since entry goes flat; null: no stop. ``holdings_file``: a CSV of what is
    really held, absolute or in DATA_DIR, that each run's newest session is reconciled against; it changes no number of a run.
    """

    mode: Literal["shadow", "paper", "enforce"]
    band: float = Field(ge=0, lt=1)
    cadence_sessions: int = Field(ge=1, le=252)
    signal_change: float = Field(ge=0)
    lot_size: int = Field(ge=1)
    per_trade: GuardBound
    min_order: GuardBound
    per_symbol: GuardBound
    group_by: Literal["industry_group", "sector"]
    group: GuardBound
    portfolio_gross: GuardBound
    portfolio_net: GuardBound
    stop_dollars: float | None = Field(default=None, gt=0)
    holdings_file: str | None = Field(default=None, min_length=1)
