"""The first guard: the signal's target, the symbol's cap, the buffer zone, and whether to move now."""

from __future__ import annotations

from datetime import datetime

from riskdesk_assets.guards.types import (
    Action,
    Layer,
    MetadataValue,
    PolicyContext,
    PolicyDecision,
    PositionIntent,
    Proposal,
    Reason,
)


def capped_target(context: PolicyContext) -> float:
    """Dollars: the signal's target times the volatility scale, within the symbol's cap (document 004; reading X-18)."""
    cap = context.config.risk.per_symbol.cap(context.symbol)
    return _within(_scaled_signal(context), cap)


class PerSymbolGuard:
    """Symbol cap, buffer zone, cadence and triggers (document 004; readings X-15, X-18).

    A position inside the band around its target stays. Outside it, a target that moved by more than the threshold from the
    last committed one acts at once; a drift of price alone waits for the tick. What reduces does not wait: a target nearer
    to zero than the committed one, a closing, and a position above the cap, which between ticks is reduced to the cap and no
    further. A drift inside the band around a target that stands at its cap is no breach of the cap.
    """

    def evaluate(self, context: PolicyContext, intent: PositionIntent | None, now: datetime) -> Proposal | PolicyDecision:
        """The move to the nearest edge of the band, or NOOP.

        Args:
            context: what is asked.
            intent: what was committed last for the symbol; None: nothing yet.
            now: timezone-aware time of the decision.
        """
        policy = context.config.risk.per_symbol
        signal, cap = _scaled_signal(context), policy.cap(context.symbol)
        target, current = _within(signal, cap), context.current_notional
        edge = _edge(current, target, policy.band_pct)
        if edge is None:
            return PolicyDecision(
                Action.NOOP, 0, Reason.WITHIN_BAND, Layer.PER_SYMBOL, _metadata(current, target, policy.band_pct)
            )
        waits = _waits(context, intent, target, now)
        only_cap = waits is not None
        if waits is not None and not (abs(current) > cap and context.config.policy.rebalance_triggers.on_hard_cap_breach):
            return PolicyDecision(Action.NOOP, 0, waits, Layer.PER_SYMBOL, _metadata(current, target, policy.band_pct))
        aim = _within(current, cap) if only_cap else _within(edge, cap)
        adds = abs(aim) > abs(current) or aim * current < 0
        capped = adds and target != signal
        raw = _edge(current, signal, policy.band_pct)
        wanted = (aim if raw is None or not capped else raw) - current
        return Proposal(
            wanted=wanted / context.price,
            edge=aim,
            floor=capped or only_cap or aim != edge,
            reason=Reason.SYMBOL_CAP if capped else _reason(current, aim, cap),
            clipped_by=Layer.PER_SYMBOL if capped else None,
            metadata=_metadata(current, aim, policy.band_pct),
        )


def _waits(context: PolicyContext, intent: PositionIntent | None, target: float, now: datetime) -> Reason | None:
    """Why a position outside its band is left alone for now; None: it moves."""
    triggers, current = context.config.policy.rebalance_triggers, context.current_notional
    closes = current != 0 and target * current <= 0
    if intent is None or closes:
        return None
    committed = intent.target_notional
    if abs(target) < abs(committed) and abs(current) > abs(target):
        return None
    if triggers.on_signal_change and abs(target - committed) > triggers.signal_change_threshold * abs(committed):
        return None
    if not triggers.on_threshold_breach:
        return Reason.NO_TRIGGER
    elapsed = now - intent.last_rebalance_time >= context.config.risk.per_symbol.cadence
    return None if elapsed or not triggers.on_cadence_tick else Reason.CADENCE_NOT_ELAPSED


def _scaled_signal(context: PolicyContext) -> float:
    scale = context.config.risk.portfolio.vol_target.scale(context.portfolio_state.get("realized_daily_vol"))
    return context.signal_target_notional * scale


def _within(amount: float, cap: float) -> float:
    return max(-cap, min(cap, amount))


def _edge(current: float, target: float, band_pct: float) -> float | None:
    """The edge of the band that a position outside it is nearest to; None inside."""
    width = abs(target) * band_pct
    lower, upper = target - width, target + width
    if lower <= current <= upper:
        return None
    return lower if current < lower else upper


def _reason(current: float, aim: float, cap: float) -> Reason:
    if aim == 0:
        return Reason.CLOSE_POSITION
    if abs(current) > cap and abs(aim) == cap:
        return Reason.REDUCE_TO_CAP
    return Reason.BUY_TO_LOWER_BOUND if current < aim else Reason.SELL_TO_UPPER_BOUND


def _metadata(current: float, target: float, band_pct: float) -> dict[str, MetadataValue]:
    return {"current_val": current, "target_val": target, "band_pct": band_pct}
