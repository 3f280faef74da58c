"""Yesterday's positions brought to today's close: splits, marks, P&L, and names that stopped printing.

A leg without a print keeps its last real price; after ``frozen.close_after_sessions`` sessions without one it is closed at
the delisting return (a long loses it, a short gains nothing), and the ledger says so (design.md section 1). A session on which
no name printed is the vendor's silence and nobody's: it counts for no name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

import polars as pl

from riskdesk_assets.book.clips import FROZEN, SPLIT, Clip
from riskdesk_assets.common.money import TICKS_PER_CENT, TICKS_PER_DOLLAR, price_ticks
from riskdesk_assets.common.settings import FrozenSettings
from riskdesk_assets.construction.state import DeskState, HeldLeg, Position, reshared
from riskdesk_assets.market.corporate_actions import restatement_ratio

RESTATED = "restated"
"""A past close that the vendor changed by no split: the mark moves and the shares stay."""


@dataclass(frozen=True)
class Mark:
    """One usable print: close in ticks of 1e-4 dollars, adjusted close in dollars."""

    close: int
    adj_close: float


Prints = Mapping[date, Mapping[str, Mark]]


def prints_of(bars: pl.DataFrame) -> dict[date, dict[str, Mark]]:
    """Usable bars as marks, by session and symbol."""
    prints: dict[date, dict[str, Mark]] = {}
    for symbol, session, close, adj_close in bars.select("symbol", "as_of_date", "close", "adj_close").iter_rows():
        prints.setdefault(session, {})[symbol] = Mark(price_ticks(close), adj_close)
    return prints


@dataclass(frozen=True)
class Carried:
    """Positions at today's marks, the P&L that brought them there (cents), and what was done to them on the way."""

    positions: tuple[Position, ...]
    pnl_gross_cents: int
    clips: tuple[Clip, ...]
    messages: tuple[str, ...]


def carry(state: DeskState, session: date, prints: Prints, splits: Mapping[str, Fraction], settings: FrozenSettings) -> Carried:
    """Bring every held position to ``session``.

    Args:
        state: the desk after the session before.
        session: today.
        prints: usable prints by session and symbol; only today and the sessions of the last marks are looked at.
        splits: new shares per old share for the symbols that split today in unadjusted closes.
        settings: when a name without prints is closed, and at what return.
    """
    positions: list[Position] = []
    clips: list[Clip] = []
    told = bool(prints.get(session))
    messages = [] if told or not state.positions else [f"no name has a print on {session}: nothing is marked, and none is dead"]
    pnl = Fraction(0)
    for held in state.positions:
        position, rescaled = _after_splits(held, prints, splits)
        clips.extend(rescaled)
        legs: list[HeldLeg] = []
        for leg in position.legs:
            marked, gain = _marked(leg, session, prints) if told else (leg, Fraction(0))
            legs.append(marked)
            pnl += gain
        stopped = any(leg.shares and leg.priced_on != session for leg in legs)
        position = Position(held.ticket_id, legs[0], legs[1], held.entered_on, held.age + 1)
        silent = position.missing
        if silent >= settings.close_after_sessions:
            position, loss, closed = _close_dead_legs(position, settings)
            pnl += loss
            clips.extend(closed)
        messages.extend(f"ticket {held.ticket_id}: {clip.reason}" for clip in rescaled if clip.limit_name == RESTATED)
        if told and stopped:
            names = ", ".join(leg.symbol for leg in legs if leg.shares and leg.priced_on != session)
            messages.append(f"ticket {position.ticket_id} is frozen: no print of {names} for {silent} session(s)")
        positions.append(position)
    return Carried(tuple(positions), round(pnl / TICKS_PER_CENT), tuple(clips), tuple(messages))


def _after_splits(position: Position, prints: Prints, splits: Mapping[str, Fraction]) -> tuple[Position, list[Clip]]:
    """Shares rescaled where the vendor restated the last mark, or where today's unadjusted close splits."""
    clips: list[Clip] = []
    legs: list[HeldLeg] = []
    for leg in position.legs:
        restated = prints.get(leg.priced_on, {}).get(leg.symbol)
        new, kind, why = leg, "split", ""
        if restated is not None and restated.close != leg.price:
            ratio = restatement_ratio(leg.price / TICKS_PER_DOLLAR, restated.close / TICKS_PER_DOLLAR)
            kind = RESTATED if ratio is None else "split"
            new = reshared(leg, leg.shares if ratio is None else int(leg.shares * ratio), restated.close)
            prices = f"from {leg.price / TICKS_PER_DOLLAR:,.4f} to {restated.close / TICKS_PER_DOLLAR:,.4f}"
            why = f"the vendor restated the close of {leg.priced_on} {prices}"
        elif leg.symbol in splits:
            ratio = splits[leg.symbol]
            new = reshared(leg, int(leg.shares * ratio), round(leg.price / ratio))
            why = f"{leg.symbol} split {ratio.numerator} for {ratio.denominator}"
        if new.shares != leg.shares or new.price != leg.price:
            became = f"{leg.shares:,} shares became {new.shares:,}; the fraction is cash"
            stay = (
                f"{new.price / leg.price - 1:+.2%} is no split, so {leg.shares:,} shares stay; hold them against the broker's"
            )
            reason = f"{why}: {stay if kind == RESTATED else became}"
            clips.append(Clip(position.ticket_id, leg.symbol, SPLIT, kind, None, float(leg.shares), float(new.shares), reason))
        legs.append(new)
    return replace(position, leg_a=legs[0], leg_b=legs[1]) if clips else position, clips


def _marked(leg: HeldLeg, session: date, prints: Prints) -> tuple[HeldLeg, Fraction]:
    """The leg at today's print, and its gain in ticks: notional x simple return of adj_close since the last mark."""
    today = prints.get(session, {}).get(leg.symbol)
    if today is None:
        return replace(leg, silent=leg.silent + 1), Fraction(0)
    before = prints.get(leg.priced_on, {}).get(leg.symbol)
    if before is None or not leg.shares:
        gain = Fraction(leg.shares * (today.close - leg.price))
    else:
        # Fraction(value) x (now / then - 1) of the floats as they are, brought to its lowest terms once.
        now, now_unit = today.adj_close.as_integer_ratio()
        then, then_unit = before.adj_close.as_integer_ratio()
        gain = Fraction(leg.value * (now * then_unit - then * now_unit), then * now_unit)
    return HeldLeg(leg.symbol, leg.shares, today.close, session), gain


def _close_dead_legs(position: Position, settings: FrozenSettings) -> tuple[Position, Fraction, list[Clip]]:
    clips: list[Clip] = []
    loss = Fraction(0)
    legs: list[HeldLeg] = []
    for leg in position.legs:
        if leg.shares and leg.silent >= settings.close_after_sessions:
            value = leg.value / TICKS_PER_DOLLAR
            factor = Fraction(settings.delisting_return) if leg.shares > 0 else Fraction(0)
            loss += leg.value * factor
            reason = f"no print for {settings.close_after_sessions} sessions: closed at a return of {float(factor):.0%}"
            clips.append(Clip(position.ticket_id, leg.symbol, FROZEN, "delisted", None, value, 0.0, reason))
            leg = replace(leg, shares=0)  # noqa: PLW2901
        legs.append(leg)
    return replace(position, leg_a=legs[0], leg_b=legs[1]), loss, clips
