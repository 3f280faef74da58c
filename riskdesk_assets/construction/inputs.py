"""Everything one desk day is a function of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR
from riskdesk_assets.common.session_halts import NO_HALTS, SessionHalts
from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.carry import Prints
from riskdesk_assets.controllers.policy import SessionPolicy
from riskdesk_assets.gatekeeper.config import RPMConfig, TapeRegime
from riskdesk_assets.gatekeeper.desk_switches import rpm_config
from riskdesk_assets.guards.guard_rules import guard_rules
from riskdesk_assets.guards.ticket_types import GuardRules
from riskdesk_assets.limits.catalogue import book_limits
from riskdesk_assets.limits.fact_limits import NO_FACTS, SessionFacts
from riskdesk_assets.limits.limit import Limit
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_assets.strategy.ticket import Ticket


@dataclass(frozen=True)
class PairSignal:
    """One row of pair_state as the funnel reads it; ``spread_sd`` and ``half_life_days`` may be unknown."""

    zscore: float
    beta: float
    extreme_z: bool
    spread_sd: float | None
    half_life_days: float | None


@dataclass(frozen=True)
class NameState:
    """One row of instrument_state as the gatekeeper reads it; None where too few bars tell.

    ``atr`` in dollars a share, ``vol_percentile`` in [0, 1], ``volatility_ratio`` realised over baseline volatility.
    """

    atr: float | None
    vol_percentile: float | None
    volatility_ratio: float | None
    tape_regime: TapeRegime | None


@dataclass(frozen=True)
class DayInputs:
    """What is known at one close.

    ``prints`` maps session -> symbol -> mark; a day looks at its own session and at those of its held marks, never later.
    ``unreadable`` holds the problem of every ticket file that cannot be used, ``gone`` the tickets known to have no file any
    more: whatever else is away may be one of the unreadable files. ``facts`` are what limits beyond notionals measure with.
    ``names``, ``streams`` (correlations of the tickets' P&L streams, by pair of pair ids), ``market_regime`` and ``halts``
    (what the journal says) are the gatekeeper's.
    ``buckets`` maps ticket -> bucket, ``budget_rows`` ticket -> its row of strategy_budgets.
    ``policy``: the learned controller where it decides, None where the baseline does.
    """

    session: date
    run_id: str
    tickets: tuple[Ticket, ...]
    unreadable: tuple[str, ...]
    budgets: Mapping[str, float]
    signals: Mapping[str, PairSignal]
    prints: Prints
    splits: Mapping[str, Fraction]
    covariance: Covariance | None
    gone: frozenset[str] = frozenset()
    facts: SessionFacts = NO_FACTS
    names: Mapping[str, NameState] = field(default_factory=dict)
    streams: Mapping[tuple[str, str], float] = field(default_factory=dict)
    market_regime: str | None = None
    halts: SessionHalts = NO_HALTS
    buckets: Mapping[str, str] = field(default_factory=dict)
    budget_rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    policy: SessionPolicy | None = None

    def may_be_unreadable(self, ticket_id: str) -> bool:
        """Whether a ticket that is not among ``tickets`` may be a file that cannot be used."""
        return bool(self.unreadable) and ticket_id not in self.gone


@dataclass(frozen=True)
class DeskContext:
    """What stays the same from day to day: the configuration and what is derived from it once."""

    config: Config
    limits: tuple[Limit, ...]
    cost_rates: Mapping[str, float]
    borrow_rates: Mapping[str, float]
    lot_sizes: Mapping[str, int]
    guards: GuardRules
    rpm: RPMConfig

    @property
    def needs_risk_model(self) -> bool:
        """Whether any stage of this profile reads the covariance."""
        desk = self.config.desk
        return desk.vol_target.enabled or desk.optimizer.construction == "optimizer"


def desk_context(config: Config) -> DeskContext:
    """Limits, the guards' rules; one-way cost per dollar traded, borrow per dollar and session, and lot sizes, by symbol."""
    costs, instruments = config.desk.costs, config.universe.symbols
    half_spreads = {
        symbol: costs.default_half_spread_bps if item.half_spread_bps is None else item.half_spread_bps
        for symbol, item in instruments.items()
    }
    return DeskContext(
        config=config,
        limits=book_limits(config),
        cost_rates={
            symbol: (costs.cost_bps + (half_spreads[symbol] if costs.use_half_spread else 0.0)) * 1e-4
            for symbol in sorted(instruments)
        },
        borrow_rates={
            symbol: (costs.default_borrow_bps if item.borrow_bps is None else item.borrow_bps) * 1e-4 / SESSIONS_A_YEAR
            if costs.charge_borrow
            else 0.0
            for symbol, item in sorted(instruments.items())
        },
        lot_sizes={symbol: item.lot_size for symbol, item in sorted(instruments.items())},
        guards=guard_rules(config),
        rpm=rpm_config(config.desk.gatekeeper, config.desk.nav),
    )
