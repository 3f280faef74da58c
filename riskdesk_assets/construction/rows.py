"""A day's result as rows of the construction tables (columns: common/tables.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from riskdesk_assets.book.clips import ledger_rows
from riskdesk_assets.book.portfolio import ideal_portfolio, net_zero
from riskdesk_assets.common.errors import ReleaseError
from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.money import TICKS_PER_CENT, TICKS_PER_DOLLAR, notional_cents
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.book_risk import BookRisk
from riskdesk_assets.construction.desk_day import DayResult, Fill, equity
from riskdesk_assets.construction.engine_rows import engine_decision
from riskdesk_assets.construction.inputs import DayInputs, DeskContext
from riskdesk_assets.construction.order_reasons import order_reasons
from riskdesk_assets.construction.proposal import TicketDay, gross
from riskdesk_assets.controllers.baseline import CONTROLLER_VERSION
from riskdesk_assets.gatekeeper.desk_switches import SwitchMemory
from riskdesk_assets.guards.guard_counters import counter_rows, decision_rows
from riskdesk_assets.limits.limit import net_by_symbol

Row = dict[str, object]


def day_rows(
    result: DayResult, day: DayInputs, context: DeskContext, inputs: Mapping[str, object], risk: BookRisk
) -> dict[str, list[Row]]:
    """Rows per construction table for one session.

    Args:
        result: what the session produced.
        day: what it was produced from.
        context: configuration.
        inputs: the hashes the run id was derived from.
        risk: of the desk positions after the session.
    """
    config = context.config
    return {
        "proposals": [_proposal(item, result) for item in result.items],
        "gate_decisions": [_gate(item, result, day) for item in result.items],
        "target_portfolios": _targets(result, context),
        "decisions": _decisions(result, day, context),
        "limit_audit": _audit(result),
        "ideal_portfolio": _ideal(result, config.desk.portfolio_id) if result.release.released else [],
        "portfolio_blotter": _blotter(result),
        "guard_decisions": _guard_decisions(result),
        "guard_counters": _guard_counters(result),
        "desk_positions": _positions(result, day),
        "clip_ledger": ledger_rows(result.run_id, result.session, result.clips),
        "desk_state": [_state(result, config.desk.nav, inputs, risk)],
        "engine_decisions": [engine_decision(result, day, context, risk)],
    }


def _proposal(item: TicketDay, result: DayResult) -> Row:
    return {
        "run_id": result.run_id,
        "as_of_date": result.session,
        "ticket_id": item.ticket_id,
        "pair_id": item.pair_id,
        "units": item.proposal.units,
        "zscore": item.signal.zscore if item.signal else None,
        "beta": item.signal.beta if item.signal else None,
        "budget": item.budget,
        "notional_a": item.proposed[0],
        "notional_b": item.proposed[1],
        "vol_scale": item.vol_scale,
        "capped_a": item.capped[0],
        "capped_b": item.capped[1],
        "reason": item.proposal.reason,
        "clamp_codes": ",".join(item.clamp_codes),
        "predicted_return": item.predicted_return,
        "confidence": item.confidence,
    }


def _gate(item: TicketDay, result: DayResult, day: DayInputs) -> Row:
    gate = item.gate
    if gate is None:
        raise ReleaseError(f"ticket {item.ticket_id} did not pass the gatekeeper: there is no decision on it")
    return {
        "run_id": gate.run_id,
        "as_of_date": result.session,
        "ticket_id": item.ticket_id,
        "status": gate.status,
        "requested_gross": gate.requested_gross,
        "held_gross": gate.held_gross,
        "approved_gross": gate.approved_gross,
        "reason": gate.reason,
        "rejection": gate.rejection.value if gate.rejection else None,
        "binding_check": gate.binding.value if gate.binding else None,
        "tape_regime": gate.tape_regime,
        "market_regime": day.market_regime,
        "confidence": gate.confidence,
        "ceiling_ratio": gate.ceiling_ratio,
        "checks": canonical_json([check.to_dict() for check in gate.checks]),
    }


def _targets(result: DayResult, context: DeskContext) -> list[Row]:
    net = net_by_symbol(result.release.legs)
    metadata = canonical_json({"run_id": result.run_id, "builder": result.release.builder, "status": result.release.status})
    return [
        {
            "portfolio_id": context.config.desk.portfolio_id,
            "as_of_date": result.session,
            "instrument_id": symbol,
            "target_weight": notional / context.config.desk.nav,
            "model_id": result.release.model_id,
            "metadata": metadata,
        }
        for symbol, notional in net.items()
    ]


def _decisions(result: DayResult, day: DayInputs, context: DeskContext) -> list[Row]:
    notionals = result.release.notionals
    fills: dict[str, list[Fill]] = {}
    for fill in result.fills:
        fills.setdefault(fill.ticket_id, []).append(fill)
    return [
        _decision(item, notionals.get(item.ticket_id, (0.0, 0.0)), fills.get(item.ticket_id, []), result, day, context)
        for item in result.items
    ]


def _decision(
    item: TicketDay,
    released: tuple[float, float],
    fills: Sequence[Fill],
    result: DayResult,
    day: DayInputs,
    context: DeskContext,
) -> Row:
    base = gross(item.proposed)
    volatility = None
    if day.covariance is not None and day.covariance.covers(item.leg_a, item.leg_b):
        volatility = day.covariance.volatility({item.leg_a: released[0], item.leg_b: released[1]})
    return {
        "run_id": result.run_id,
        "as_of_date": result.session,
        "ticket_id": item.ticket_id,
        "pair_id": item.pair_id,
        "proposed_units": item.proposal.units,
        "final_units": item.proposal.units * gross(released) / base if base else 0.0,
        "clamp_codes": ",".join((*item.clamp_codes, *result.release.codes.get(item.ticket_id, ()))),
        "notional_a": item.capped[0],
        "notional_b": item.capped[1],
        "released_notional_a": released[0],
        "released_notional_b": released[1],
        "est_costs": sum(abs(fill.traded) / TICKS_PER_DOLLAR * context.cost_rates[fill.symbol] for fill in fills),
        "est_daily_vol_dollars": volatility,
        "feature_version": context.config.feature_version,
        "controller_version": CONTROLLER_VERSION if day.policy is None else day.policy.version,
    }


def _audit(result: DayResult) -> list[Row]:
    release = result.release
    return [
        {
            "run_id": result.run_id,
            "as_of_date": result.session,
            "limit_name": row.limit.name,
            "family": row.limit.family.value,
            "mode": row.limit.mode,
            "unit": row.limit.unit,
            "measured": row.measured,
            "bound": row.limit.bound,
            "utilization": row.utilization,
            "status": row.status,
            "price_of_limit": release.prices.get(row.limit.name),
            "released": release.released,
            "source": row.limit.source,
        }
        for row in release.audit
    ]


def _ideal(result: DayResult, portfolio_id: str) -> list[Row]:
    codes: dict[str, set[str]] = {}
    for item in result.items:
        for symbol in (item.leg_a, item.leg_b):
            codes.setdefault(symbol, set()).update((*item.clamp_codes, *result.release.codes.get(item.ticket_id, ())))
    rows = ideal_portfolio(result.session, portfolio_id, result.release.share_legs, codes)
    if net_zero(rows):
        raise ReleaseError(f"{result.session}: the book's notionals and CASH sum to {net_zero(rows)} cents, not 0")
    return rows


def _blotter(result: DayResult) -> list[Row]:
    reasons = order_reasons(result)
    return [
        {
            "run_id": result.run_id,
            "as_of_date": result.session,
            "ticket_id": fill.ticket_id,
            "symbol": fill.symbol,
            "side": "BUY" if fill.after > fill.before else "SELL",
            "shares_before": fill.before,
            "shares_after": fill.after,
            "shares_delta": fill.after - fill.before,
            "price": fill.price / TICKS_PER_DOLLAR,
            "notional_delta_cents": notional_cents(fill.after - fill.before, fill.price),
            "reason": reasons[fill.ticket_id],
        }
        for fill in result.orders
        if fill.after != fill.before
    ]


def _guard_decisions(result: DayResult) -> list[Row]:
    stage7 = result.guards
    return decision_rows(stage7.result, stage7.prices, result.session, result.run_id) if stage7.result else []


def _guard_counters(result: DayResult) -> list[Row]:
    return counter_rows(result.guards.result, result.session) if result.guards.result else []


def _positions(result: DayResult, day: DayInputs) -> list[Row]:
    return [
        {
            "run_id": result.run_id,
            "as_of_date": result.session,
            "ticket_id": position.ticket_id,
            "leg": name,
            "symbol": leg.symbol,
            "shares": leg.shares,
            "price": leg.price / TICKS_PER_DOLLAR,
            "notional_cents": notional_cents(leg.shares, leg.price),
            "entered_on": position.entered_on,
            "age_sessions": position.age,
            "frozen": leg.priced_on != day.session,
        }
        for position in result.state.positions
        for name, leg in zip("AB", position.legs, strict=True)
    ]


def _state(result: DayResult, nav: float, inputs: Mapping[str, object], risk: BookRisk) -> Row:
    return {
        "run_id": result.run_id,
        "as_of_date": result.session,
        "state_hash": result.state.hash,
        "previous_session": result.previous.session,
        "previous_state_hash": result.previous.hash,
        "released": result.release.released,
        "release_status": result.release.status,
        "release_reason": result.release.reason,
        "equity": equity(result.state, nav),
        "inputs_json": canonical_json(inputs),
        "state_json": result.state.json,
        "pnl_gross": result.pnl_gross_cents * TICKS_PER_CENT / TICKS_PER_DOLLAR,
        "ex_ante_volatility": risk.ex_ante_volatility,
        "var_95": risk.var_95,
        "var_99": risk.var_99,
        **_halts(result.state.switches),
    }


def _halts(memory: SwitchMemory) -> Row:
    """Whether the desk trades, and which tickets are stopped by themselves."""
    why = memory.why
    return {
        "trading_state": memory.state.value,
        "halt_trigger": why.trigger if why else None,
        "halt_reason": why.reason if why else None,
        "halt_since": why.since if why else None,
        "halted_tickets": ",".join(sorted(memory.halted_tickets)),
    }


def merged(days: Iterable[dict[str, list[Row]]]) -> dict[str, list[Row]]:
    """The rows of several days, table by table."""
    tables: dict[str, list[Row]] = {}
    for rows in days:
        for name, items in rows.items():
            tables.setdefault(name, []).extend(items)
    return tables


def joined(parts: Sequence[Mapping[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """The frames of several writers as one per table, in key order: what is written together in one transaction.

    Raises:
        ReleaseError: two writers have a row under one key.
    """
    tables: dict[str, list[pl.DataFrame]] = {}
    for part in parts:
        for name, frame in part.items():
            tables.setdefault(name, []).append(frame)
    whole = {name: TABLES[name].conform(pl.concat(frames)) for name, frames in tables.items()}
    for name, frame in whole.items():
        if len(tables[name]) > 1 and frame.select(TABLES[name].key).is_duplicated().any():
            raise ReleaseError(f"{name}: two writers have a row under the same {', '.join(TABLES[name].key)}")
    return whole
