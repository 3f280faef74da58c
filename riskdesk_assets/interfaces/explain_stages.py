"""A ticket's waterfall as plain data: what each stage leaves of it, from what it allows to the shares that stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """One stage of a ticket's waterfall: what it leaves of gross and of each leg, in signed dollars (None: of no leg)."""

    name: str
    gross: float
    leg_a: float | None
    leg_b: float | None
    note: str


@dataclass(frozen=True)
class HeldLine:
    """One leg of one ticket as held; notional in dollars."""

    ticket_id: str
    leg: str
    symbol: str
    shares: int
    price: float
    notional: float
    entered_on: date
    age_sessions: int
    frozen: bool


def stages(snapshot: Row, sizing: Row, proposal: Row, gate: Row, decision: Row, *, released: bool) -> Iterable[Stage]:
    """The waterfall, from what the ticket allows to what the optimizer takes."""
    if snapshot.get("max_gross_notional") is not None:
        most = snapshot["max_gross_notional"]
        yield Stage("intent", most, None, None, f"at most {most:,.0f} gross, {snapshot['max_leg_notional']:,.0f} a leg")
    if not proposal:
        return
    budget, units = proposal["budget"], proposal["units"]
    yield Stage("budget", budget, None, None, str(sizing.get("reason") or "what its strategy may use"))
    proposed = (proposal["notional_a"], proposal["notional_b"])
    yield Stage(
        "controller", _gross(proposed), *proposed, f"{units_said(units)} units: {proposal['reason']}{_predicted(proposal)}"
    )
    scale = proposal["vol_scale"]
    scaled = (proposed[0] * scale, proposed[1] * scale)
    yield Stage("vol target", _gross(scaled), *scaled, f"times {scale:.3f}")
    capped = (proposal["capped_a"], proposal["capped_b"])
    yield Stage("ticket caps", _gross(capped), *capped, proposal["clamp_codes"] or "within the ticket's own caps")
    ratio = gate["approved_gross"] / _gross(capped) if gate and _gross(capped) else 0.0
    approved = (capped[0] * min(1.0, ratio), capped[1] * min(1.0, ratio))
    yield Stage("gatekeeper", _gross(approved), *approved, " ".join(filter(None, (gate.get("status"), gate.get("reason")))))
    if released and decision:
        taken = (decision["released_notional_a"], decision["released_notional_b"])
        share = _gross(taken) / _gross(approved) if _gross(approved) else 0.0
        yield Stage("optimizer", _gross(taken), *taken, f"takes {share:.1%} of what was approved" if _gross(approved) else "")


def share_stages(
    guards: Mapping[str, Row], held: tuple[HeldLine, ...], legs: tuple[str, str], *, asked: bool, released: bool
) -> Iterable[Stage]:
    """The end of the waterfall: the ideal portfolio's whole shares, and what the guards left where that is something else.

    Args:
        guards: the ticket's rows of guard_decisions, by symbol; none where it neither held nor was to hold anything.
        held: what the desk holds of it.
        legs: leg A, leg B.
        asked: whether the controller was asked for it at all.
        released: whether a book was released.
    """
    if not asked:
        return
    notionals = {line.leg: line.notional for line in held}
    first, second = notionals.get("A", 0.0), notionals.get("B", 0.0)
    holds = " ".join(f"{line.shares:+,} {line.symbol}" for line in held) or "nothing held"
    if not released:
        yield Stage("held before", _gross((first, second)), first, second, holds)
        return
    wanted = [guards[symbol]["shares_wanted"] if symbol in guards else 0 for symbol in legs]
    ideal = [round(guards[symbol]["target_notional"], 2) if symbol in guards else 0.0 for symbol in legs]
    said = " ".join(f"{shares:+,} {symbol}" for shares, symbol in zip(wanted, legs, strict=True) if shares) or "nothing held"
    yield Stage("whole shares", _gross((ideal[0], ideal[1])), ideal[0], ideal[1], said)
    shares = {line.leg: line.shares for line in held}
    if [shares.get("A", 0), shares.get("B", 0)] != wanted:
        why = _decision_said(guards.get(legs[0], {}))
        yield Stage("guards", _gross((first, second)), first, second, f"{why}: {holds}")


def guards_said(guards: Mapping[str, Row], held: tuple[HeldLine, ...], legs: tuple[str, str], mode: str) -> str:
    """What the guards decided of the ticket, and whether anything follows it; empty where they were not asked."""
    if not set(legs) <= set(guards):
        return ""
    rows = [guards[symbol] for symbol in legs]
    said = _decision_said(rows[0])
    shares = {line.symbol: line.shares for line in held}
    if mode != "shadow" or any(shares.get(row["symbol"], 0) != row["shares_wanted"] for row in rows):
        return said
    left = " ".join(f"{row['shares_after']:+,} {row['symbol']}" for row in rows if row["shares_after"]) or "nothing"
    would = "" if all(row["shares_after"] == row["shares_wanted"] for row in rows) else f", would leave {left}"
    return f"{said}{would} (shadow: nothing follows it)"


def _decision_said(row: Row) -> str:
    return " ".join(str(row[name]) for name in ("action", "layer", "reason") if row.get(name))


def units_said(units: float) -> str:
    """Units with their sign; 0 has none."""
    return f"{units:+g}" if units else "0"


def _gross(legs: tuple[float, float]) -> float:
    return abs(legs[0]) + abs(legs[1])


def _predicted(proposal: Row) -> str:
    """What the learned policy rests its units on; nothing where the baseline decided."""
    value, sure = proposal.get("predicted_return"), proposal.get("confidence")
    if value is None or sure is None:
        return ""
    return f"; the learned policy expects {value:+.2%} of a full unit after costs, confidence {sure:.2f}"
