"""What a controller alone would have held and earned: tickets one by one, at their full budgets, before every later stage.

It calls the controllers' own functions. Stages 3 to 7 are left out on both sides of the comparison: what is judged is the
choice of units, not what limits, optimizer and guards make of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.controllers.baseline import Proposal, Rules, Signal, Stance, leg_notionals
from riskdesk_assets.features.panel import Panel

Array = npt.NDArray[np.float64]
Controller = Callable[["SimulatedTicket", int, Signal | None, Stance, date], Proposal]
"""(ticket, place of the session among the simulated ones, signal, stance, session) -> the proposal."""


@dataclass(frozen=True)
class SimulatedTicket:
    """One ticket's rules on one pair; ``own_entry_z`` is the threshold it gives itself, if any."""

    ticket_id: str
    pair_id: str
    leg_a: str
    leg_b: str
    rules: Rules
    own_entry_z: float | None

    @property
    def lasting(self) -> SimulatedTicket:
        """The same ticket without a first or last day: it stands for its kind in sessions before it was written."""
        return replace(self, rules=replace(self.rules, effective_from=None, expires_on=date.max))


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a controller came to, per session, shape (sessions,), as fractions of the tickets' summed budgets.

    ``gross``: P&L of the positions of the session before; ``costs``: of the session's trades, and borrow since the one before;
    ``units``: sum of |units|; ``held``: tickets held; ``traded``: notional traded.
    """

    gross: Array
    costs: Array
    units: Array
    held: npt.NDArray[np.int64]
    traded: Array

    def net(self, cost_multiple: float = 1.0) -> Array:
        """P&L after costs, all of them multiplied."""
        result: Array = self.gross - cost_multiple * self.costs
        return result


def signals_by_pair(pair_state: pl.DataFrame, sessions: Sequence[date]) -> dict[str, list[Signal | None]]:
    """Pair -> its signal at each session; None where it has no state."""
    place = {session: number for number, session in enumerate(sessions)}
    found: dict[str, list[Signal | None]] = {}
    for session, pair, zscore, beta, extreme in pair_state.select(
        "as_of_date", "pair_id", "zscore", "beta", "extreme_z"
    ).iter_rows():
        if session in place:
            found.setdefault(pair, [None] * len(sessions))[place[session]] = Signal(zscore, beta, extreme)
    return found


def simulate(
    tickets: Sequence[SimulatedTicket],
    signals: Mapping[str, Sequence[Signal | None]],
    panel: Panel,
    sessions: Sequence[date],
    controller: Controller,
    cost_rates: Mapping[str, float],
    borrow_rates: Mapping[str, float],
) -> Outcome:
    """Walk every ticket over the sessions, flat at first, each with an equal share of one unit of capital.

    Args:
        tickets: in any order; what they come to does not depend on it.
        signals: pair -> one signal a session.
        panel: bars of all legs over the sessions and the one before the first.
        sessions: consecutive sessions of the panel.
        controller: what decides.
        cost_rates: symbol -> one-way cost per dollar traded.
        borrow_rates: symbol -> cost per dollar short and session.
    """
    rows = panel.rows(sessions[0], sessions[-1])
    ordered = sorted(tickets, key=lambda ticket: ticket.ticket_id)
    gross, costs, units, traded = (np.zeros(len(sessions)) for _ in range(4))
    held = np.zeros(len(sessions), dtype=np.int64)
    for ticket in ordered:
        returns = np.stack([_returns(panel, leg, rows) for leg in (ticket.leg_a, ticket.leg_b)])
        weights, sizes = _weights(ticket, signals.get(ticket.pair_id), sessions, returns, 1.0 / len(ordered), controller)
        before = np.concatenate([np.zeros((2, 1)), weights[:, :-1]], axis=1)
        trades = np.abs(weights - before * (1.0 + returns))
        for leg, name in enumerate((ticket.leg_a, ticket.leg_b)):
            gross += before[leg] * returns[leg]
            costs += trades[leg] * cost_rates[name] + np.maximum(-before[leg], 0.0) * borrow_rates[name]
            traded += trades[leg]
        units += np.abs(sizes)
        held += sizes != 0
    return Outcome(gross, costs, units, held, traded)


def _weights(
    ticket: SimulatedTicket,
    signals: Sequence[Signal | None] | None,
    sessions: Sequence[date],
    returns: Array,
    budget: float,
    controller: Controller,
) -> tuple[Array, Array]:
    """Weights of both legs after each session's trades, shape (2, sessions), and the units behind them."""
    weights, sizes = np.zeros((2, len(sessions))), np.zeros(len(sessions))
    side, age, armed = 0, 0, True
    held = (0.0, 0.0)
    for place, session in enumerate(sessions):
        if side:
            age += 1
            held = (held[0] * (1.0 + returns[0, place]), held[1] * (1.0 + returns[1, place]))
        signal = None if signals is None else signals[place]
        proposal = controller(ticket, place, signal, Stance(side, age, armed), session)
        armed = proposal.armed
        now = (proposal.units > 0) - (proposal.units < 0)
        held = _taken(proposal, signal, held, budget)
        age = age if now == side else 0
        side = now
        weights[:, place], sizes[place] = held, proposal.units
    return weights, sizes


def _taken(proposal: Proposal, signal: Signal | None, held: tuple[float, float], budget: float) -> tuple[float, float]:
    """The legs a proposal asks for; held ones stay as they are without a signal, and do not grow where they may not."""
    if not proposal.units:
        return 0.0, 0.0
    if signal is None:
        return held
    leg_a, leg_b = leg_notionals(proposal.units, budget, signal.beta)
    size, most = abs(leg_a) + abs(leg_b), abs(held[0]) + abs(held[1])
    if proposal.never_add and size > most:
        return leg_a * most / size, leg_b * most / size
    return leg_a, leg_b


def _returns(panel: Panel, symbol: str, rows: range) -> Array:
    """Simple returns of adj_close into each of the rows, shape (rows,); 0 where a bar is missing: nothing is known to move."""
    prices = panel.adj_close[:, panel.column(symbol)]
    before = np.concatenate([[np.nan], prices[:-1]])
    found = (prices / before - 1.0)[rows.start : rows.stop]
    result: Array = np.where(np.isfinite(found), found, 0.0)
    return result
