"""A walk in numbers and in a few lines of markdown: what the UI plots and shows."""

from __future__ import annotations

from collections import Counter
from datetime import date

from riskdesk_assets.book.clips import WHOLE_LOTS, enlarges
from riskdesk_assets.common.money import TICKS_PER_CENT, TICKS_PER_DOLLAR
from riskdesk_assets.common.session_metadata import Value
from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.desk_day import DayResult, equity
from riskdesk_assets.construction.walk import Walk
from riskdesk_assets.controllers.vol_target import shared_scale
from riskdesk_assets.limits.limit import net_by_symbol

Numbers = dict[date, dict[str, Value | None]]
_RISK = ("ex_ante_volatility", "var_95", "var_99")


def session_numbers(walk: Walk, nav: float) -> dict[str, Numbers]:
    """Per construction table and session: the numbers worth plotting. Dollars unless the name says otherwise."""
    tables: dict[str, Numbers] = {name: {} for name in walk.frames}
    for day in walk.days:
        gross, net = book_size(day)
        audit = day.release.audit
        proposed = sum(1 for item in day.items if item.proposal.units)
        tables["proposals"][day.session] = {"tickets": len(day.items), "proposed": proposed, "vol_scale": _scale(day)}
        rejected = sum(1 for item in day.items if item.gate and item.gate.status == "REJECTED")
        tables["gate_decisions"][day.session] = {"decisions": len(day.items), "rejected": rejected}
        tables["target_portfolios"][day.session] = {
            "names": len(net_by_symbol(day.release.legs)),
            "builder": day.release.builder,
        }
        tables["decisions"][day.session] = {
            "clipped_tickets": len({clip.ticket_id for clip in day.clips if clip.limit_name != WHOLE_LOTS})
        }
        tables["limit_audit"][day.session] = {
            "limits": len(audit),
            "binding": len(day.release.prices),
            "amber": sum(1 for row in audit if row.status == "AMBER"),
            "breached": sum(1 for row in audit if row.status == "BREACH"),
        }
        tables["ideal_portfolio"][day.session] = {
            "released": int(day.release.released),
            "status": day.release.status,
            "gross": gross,
            "net": net,
            "gross_of_nav": gross / nav,
        }
        traded = sum(abs(fill.traded) for fill in day.fills) / TICKS_PER_DOLLAR
        tables["portfolio_blotter"][day.session] = {
            "orders": sum(1 for fill in day.orders if fill.before != fill.after),
            "traded": traded,
        }
        if day.guards.result:
            decided = Counter(item.action.value for item in day.guards.result.decisions)
            tables["guard_decisions"][day.session] = {
                "tickets": len(day.guards.result.decisions),
                **dict(sorted(decided.items())),
            }
            tables["guard_counters"][day.session] = dict(sorted(day.guards.result.counters.items()))
        tables["desk_positions"][day.session] = {"tickets": len(day.state.positions)}
        tables["clip_ledger"][day.session] = {"clips": sum(1 for clip in day.clips if clip.limit_name != WHOLE_LOTS)}
        tables["desk_state"][day.session] = {
            "equity": equity(day.state, nav),
            "pnl_gross": day.pnl_gross_cents * TICKS_PER_CENT / TICKS_PER_DOLLAR,
            "costs": day.costs_cents * TICKS_PER_CENT / TICKS_PER_DOLLAR,
        }
        tables["engine_decisions"][day.session] = {
            "status": day.release.status,
            "solver": day.release.solution.solver if day.release.solution else None,
            "attempts": len(day.release.solution.attempts) if day.release.solution else 0,
        }
    for row in walk.frames["desk_state"].select("as_of_date", *_RISK).iter_rows(named=True):
        tables["desk_state"][row.pop("as_of_date")].update(row)
    return tables


def book_size(day: DayResult) -> tuple[float, float]:
    """Gross (sum of |net per name|) and net of the day's desk positions, in dollars."""
    values = list(net_by_symbol(day.state.legs).values())
    return sum(abs(value) for value in values) / TICKS_PER_DOLLAR, sum(values) / TICKS_PER_DOLLAR


def walk_digest(walk: Walk, config: Config) -> str:
    """Markdown: the newest book, what clipped it, and which limits are close."""
    day = walk.days[-1]
    gross, net = book_size(day)
    nav = config.desk.nav
    lines = [
        f"### {day.session}: {day.release.status}",
        f"Gross ${gross:,.0f} ({gross / nav:.1%} of nav), net {'-' if net < 0 else ''}${abs(net):,.0f}, "
        f"{len(day.state.positions)} tickets held.",
        "",
        "| ticket | z | units | leg A | leg B | clipped by |",
        "|---|---|---|---|---|---|",
    ]
    held = {position.ticket_id: position for position in day.state.positions}
    clipped: dict[str, list[str]] = {}
    for clip in day.clips:
        if clip.limit_name == WHOLE_LOTS or enlarges(clip.stage, clip.value_in, clip.value_out):
            continue
        clipped.setdefault(clip.ticket_id, []).append(clip.limit_name)
    busy = [item for item in day.items if item.proposal.units or item.ticket_id in held or item.ticket_id in clipped]
    for item in busy:
        position = held.get(item.ticket_id)
        z = f"{item.signal.zscore:+.2f}" if item.signal else "-"
        legs = [f"{leg.shares:+,} {leg.symbol}" for leg in position.legs] if position else ["-", "-"]
        names = ", ".join(dict.fromkeys(clipped.get(item.ticket_id, ())))
        lines.append(f"| {item.ticket_id} | {z} | {item.proposal.units:+g} | {legs[0]} | {legs[1]} | {names} |")
    flat = ", ".join(item.ticket_id for item in day.items if item not in busy)
    lines += ["", f"Flat: {flat}"] if flat else []
    close = [row for row in day.release.audit if row.status != "OK"]
    lines += ["", *(f"- {row.status}: {row.sentence()}" for row in sorted(close, key=lambda row: row.limit.name)[:12])]
    if len(walk.days) > 1:
        statuses = Counter(result.release.status for result in walk.days)
        lines += ["", "Sessions of this run: " + ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))]
    return "\n".join(lines)


def _scale(day: DayResult) -> float | None:
    return shared_scale(item.vol_scale for item in day.items if item.proposal.units and not item.fixed)
