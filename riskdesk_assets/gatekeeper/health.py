"""The gatekeeper's health as GET /health shows it: ``current_pct`` is a PERCENT, ``approval_rate`` a fraction (X-10)."""

from __future__ import annotations

from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.kill_switches import (
    KillSwitchState,
    TradingState,
    VolatilityReading,
    is_volatility_shock,
    mean_confidence,
    measures,
)
from riskdesk_assets.gatekeeper.portfolio_state import PortfolioState
from riskdesk_assets.gatekeeper.schemas import RiskMetrics


def health_status(
    portfolio: PortfolioState, metrics: RiskMetrics, config: RPMConfig, volatility: VolatilityReading | None = None
) -> dict[str, object]:
    """The whole status: HEALTHY; WARNING from ``amber_fraction`` of a switch's limit; else REDUCING or HALTED.

    ``volatility``: the newest ratio held against the volatility shock; None: there was none yet.
    """
    switches = portfolio.switches
    return {
        "health": _health(switches, config),
        "kill_switches": _switches(switches, config, volatility),
        "portfolio_state": portfolio.to_dict(),
        "risk_metrics": metrics.to_dict(),
        "config_hash": config.hash,
    }


def _health(switches: KillSwitchState, config: RPMConfig) -> str:
    if switches.state is not TradingState.ACTIVE:
        return switches.state.value
    seen, capital = measures(switches), config.total_capital
    used = (
        seen.drawdown / config.max_drawdown,
        seen.daily_drawdown / config.max_daily_drawdown,
        -seen.daily_pnl / (config.daily_loss_limit * capital),
        -seen.weekly_pnl / (config.weekly_loss_limit * capital),
    )
    return "WARNING" if max(used) >= config.amber_fraction else "HEALTHY"


def _switches(switches: KillSwitchState, config: RPMConfig, volatility: VolatilityReading | None) -> dict[str, object]:
    seen, capital = measures(switches), config.total_capital
    daily, weekly = -config.daily_loss_limit * capital, -config.weekly_loss_limit * capital
    mean = mean_confidence(switches, config)
    return {
        "state": switches.state.value,
        "trigger": None if switches.trigger is None else switches.trigger.value,
        "reason": switches.reason,
        "by": switches.by,
        "automatic": switches.automatic,
        "since": None if switches.since is None else switches.since.isoformat(),
        "resume_from": None if switches.resume_from is None else switches.resume_from.isoformat(),
        "cooldown_seconds": config.cooldown_seconds,
        "drawdown": _percent(seen.drawdown, config.max_drawdown),
        "daily_drawdown": _percent(seen.daily_drawdown, config.max_daily_drawdown),
        "daily_loss": {"current": seen.daily_pnl, "limit": daily, "triggered": seen.daily_pnl < daily},
        "weekly_loss": {"current": seen.weekly_pnl, "limit": weekly, "triggered": seen.weekly_pnl < weekly},
        "volatility_shock": _volatility(volatility, config),
        "confidence": {
            "min_threshold": config.min_confidence_threshold,
            "latch": config.confidence_collapse_latch,
            "window": config.confidence_window,
            "mean": mean,
        },
        "stressed_regime": {"max_positions": min(config.stressed_max_positions, config.max_concurrent_positions)},
    }


def _volatility(seen: VolatilityReading | None, config: RPMConfig) -> dict[str, object]:
    """``symbol`` null: the account's own, as the whole market's volatility was reported."""
    return {
        "current_ratio": None if seen is None else seen.ratio,
        "limit_ratio": config.vol_shock_ratio,
        "triggered": seen is not None and is_volatility_shock(seen.ratio, config),
        "symbol": None if seen is None else seen.symbol or None,
        "at": None if seen is None or seen.at is None else seen.at.isoformat(),
        "source": None if seen is None else seen.source or None,
    }


def _percent(current: float, limit: float) -> dict[str, object]:
    return {"current_pct": 100 * current, "limit_pct": 100 * limit, "triggered": current > limit}
