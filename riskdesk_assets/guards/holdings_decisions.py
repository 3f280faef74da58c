"""Document 004's guards over what is really held: each name from its real shares toward the ideal portfolio.

Per symbol, as the document has it: real holdings are shares of names, and several tickets share a name, so that there is no way
from them to tickets but a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.guard_settings import GuardBound
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.guards.config import (
    DEFAULT_GROUP,
    GroupPolicy,
    PerSymbolPolicy,
    PerTradePolicy,
    PolicyConfig,
    PortfolioPolicy,
    RebalancePolicy,
    RiskPolicy,
    TriggerPolicy,
    VolTargetPolicy,
)
from riskdesk_assets.guards.evaluate import HierarchicalPolicyIntegration
from riskdesk_assets.guards.paper_account import PaperAccount
from riskdesk_assets.guards.telemetry import PolicyTelemetry, policy_line
from riskdesk_assets.guards.types import PolicyDecision


@dataclass(frozen=True)
class NameDecision:
    """What the guards let through of one name: dollars a share, signed whole shares, target in dollars, and the log line."""

    symbol: str
    price: float
    held_shares: int
    target_notional: float
    decision: PolicyDecision
    line: str

    @property
    def shares_after(self) -> int:
        """Shares once the order is filled."""
        return self.held_shares + self.decision.qty_delta


@dataclass(frozen=True)
class HoldingsDecisions:
    """Every name's decision in the order in which they were asked for, and document 004's counters."""

    decisions: tuple[NameDecision, ...]
    counters: Mapping[str, float]


def desk_policy(config: Config, symbol: str) -> PolicyConfig:
    """desk.guards as document 004's policy, for one symbol: its lots and its order's bound.

    The volatility target is off: the ideal portfolio is scaled already (stage 3). A session is a day.

    Raises:
        InputError: its bounds are no policy of document 004's: no order fits between the smallest and the largest.
    """
    try:
        return _policy(config, symbol)
    except ValidationError as error:
        said = "; ".join(one["msg"] for one in error.errors())
        raise InputError(Problem("desk.yaml", None, "guards", f"is no policy of document 004: {said}")) from None


def groups_of(universe: Universe, group_by: str) -> dict[str, str]:
    """Each tradable name's sector, or its industry group."""
    by_sector = group_by == "sector"
    return {symbol: item.sector if by_sector else item.industry_group for symbol, item in sorted(universe.symbols.items())}


def decide_holdings(
    held: Mapping[str, int],
    targets: Mapping[str, float],
    prices: Mapping[str, int],
    policies: Mapping[str, PolicyConfig],
    groups: Mapping[str, str],
    at: datetime,
) -> HoldingsDecisions:
    """Ask the guards for every name that is held or wanted; what one decision trades counts in the next.

    What reduces is asked first; of what adds, next comes a name on the side that the net leaves room on; else by symbol. So
    room that one order frees is there for the others, and a book that is balanced in the end is not denied half of it on the
    way. Nothing is remembered of earlier sessions: a real account has no committed targets, and no name waits for its cadence.

    Args:
        held: signed whole shares really held.
        targets: signed dollars of the ideal portfolio; a name that is held and not there is to be closed.
        prices: ticks of 1e-4 dollars, of every name held or wanted.
        policies: the policy of each name held or wanted.
        groups: the group of each name; Default where there is none.
        at: timezone-aware time of the decisions.
    """
    names = sorted({*targets, *(symbol for symbol, shares in held.items() if shares)})
    if not names:
        return HoldingsDecisions((), {})
    dollars = {symbol: prices[symbol] / TICKS_PER_DOLLAR for symbol in names}

    def adds(symbol: str) -> bool:
        now, then = held.get(symbol, 0) * dollars[symbol], targets.get(symbol, 0.0)
        return abs(then) > abs(now) or then * now < 0

    account = PaperAccount(policies[names[0]], at, groups, {symbol: held.get(symbol, 0) for symbol in names}, dollars)
    telemetry = PolicyTelemetry()
    guards = HierarchicalPolicyIntegration(account, account, "paper", telemetry)
    found: list[NameDecision] = []
    rest = names
    while rest:
        net = account.portfolio_state()["net_exposure"]
        symbol = min(rest, key=lambda name: (adds(name), targets.get(name, 0.0) * net > 0, name))
        rest = [name for name in rest if name != symbol]
        account.policy_config = policies[symbol]
        shares, target = account.shares[symbol], targets.get(symbol, 0.0)
        decision = guards.process(symbol, dollars[symbol], shares, target)
        found.append(NameDecision(symbol, dollars[symbol], shares, target, decision, policy_line(symbol, decision, at)))
    return HoldingsDecisions(tuple(found), telemetry.counters)


def _policy(config: Config, symbol: str) -> PolicyConfig:
    guards, nav = config.desk.guards, config.desk.nav
    instrument = config.universe.symbols.get(symbol)
    return PolicyConfig(
        risk=RiskPolicy(
            per_trade=PerTradePolicy(
                max_notional=_dollars(guards.per_trade, nav, symbol),
                lot_size=max(guards.lot_size, 1 if instrument is None else instrument.lot_size),
                min_order_notional=_dollars(guards.min_order, nav),
            ),
            per_symbol=PerSymbolPolicy(
                default_cap=_dollars(guards.per_symbol, nav),
                overrides=_overrides(guards.per_symbol, nav),
                band_pct=guards.band,
                rebalance_cadence=f"{guards.cadence_sessions}d",
            ),
            groups=GroupPolicy(
                type="sector",
                cap_by_group={**_overrides(guards.group, nav), DEFAULT_GROUP: _dollars(guards.group, nav)},
            ),
            portfolio=PortfolioPolicy(
                gross_cap=_dollars(guards.portfolio_gross, nav),
                net_cap=_dollars(guards.portfolio_net, nav),
                vol_target=VolTargetPolicy(enabled=False, target_daily_vol=config.desk.vol_target.target_daily_vol),
            ),
        ),
        policy=RebalancePolicy(
            rebalance_triggers=TriggerPolicy(
                on_signal_change=True,
                on_cadence_tick=True,
                on_threshold_breach=True,
                signal_change_threshold=guards.signal_change,
            )
        ),
    )


def _dollars(bound: GuardBound, nav: float, member: str = "") -> float:
    value = bound.overrides.get(member, bound.max)
    return value * nav if bound.unit == "nav" else value


def _overrides(bound: GuardBound, nav: float) -> dict[str, float]:
    return {member: _dollars(bound, nav, member) for member in sorted(bound.overrides)}
