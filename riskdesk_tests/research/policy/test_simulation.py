from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from riskdesk_assets.controllers.baseline import Proposal, Rules, Signal, Stance
from riskdesk_assets.features.panel import build_panel
from riskdesk_assets.research.policy.simulation import SimulatedTicket, signals_by_pair, simulate
from riskdesk_tests.features.market import bars_from_prices, weekdays

DAYS = tuple(weekdays(6))
RULES = Rules("BOTH", 1.0, 1.5, 0.2, 30, True, True, None, date(2021, 1, 5), date(2021, 1, 6))
TICKET = SimulatedTicket("t", "A__B", "A", "B", RULES, None)
PRICES = {"A": [100, 100, 110, 99, 99, 99], "B": [50, 50, 50, 60, 60, 60]}
PANEL = build_panel(bars_from_prices(DAYS, PRICES), DAYS, ("A", "B"))
RATES, BORROW = {"A": 0.001, "B": 0.002}, {"A": 0.0001, "B": 0.0002}
SIGNAL = Signal(2.0, 1.0, extreme_z=False)


def scripted(*units: float, never_add: bool = False):  # type: ignore[no-untyped-def]
    def controller(ticket: SimulatedTicket, place: int, signal: Signal | None, stance: Stance, session: date) -> Proposal:
        return Proposal(units[place], "SCRIPT", never_add, armed=True)

    return controller


def test_pnl_and_costs_by_hand() -> None:
    """A unit short of A against long of B from the second session to the fourth, beta 1: half the capital a leg."""
    found = simulate([TICKET], {"A__B": [SIGNAL] * 6}, PANEL, DAYS, scripted(0, -1, -1, 0, 0, 0), RATES, BORROW)
    # Third session: A +10% on -0.5, B 0%. Fourth: A -10% on -0.5, B +20% on 0.5 (both brought back to 0.5 in between).
    assert found.gross.tolist() == pytest.approx([0, 0, -0.05, 0.05 + 0.1, 0, 0])
    entry = 0.5 * 0.001 + 0.5 * 0.002
    rebalanced = 0.05 * 0.001 + 0.5 * 0.0001
    leaving = 0.5 * 0.9 * 0.001 + 0.5 * 1.2 * 0.002 + 0.5 * 0.0001
    assert found.costs.tolist() == pytest.approx([0, entry, rebalanced, leaving, 0, 0])
    assert found.traded.tolist() == pytest.approx([0, 1.0, 0.05, 0.45 + 0.6, 0, 0])
    assert (found.units.tolist(), found.held.tolist()) == ([0, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0])
    assert found.net(2.0).tolist() == pytest.approx((found.gross - 2 * found.costs).tolist())


def test_without_a_signal_a_held_position_stays_untouched() -> None:
    signals = [SIGNAL, SIGNAL, None, None, SIGNAL, SIGNAL]
    found = simulate([TICKET], {"A__B": signals}, PANEL, DAYS, scripted(0, -1, -1, -1, 0, 0), RATES, BORROW)
    assert found.traded.tolist()[2:4] == [0, 0]
    assert found.gross.tolist()[2:4] == pytest.approx([-0.05, 0.055 + 0.1])


def test_what_may_not_grow_does_not() -> None:
    found = simulate([TICKET], {"A__B": [SIGNAL] * 6}, PANEL, DAYS, scripted(0, -0.5, -1, 0, 0, 0), RATES, BORROW)
    kept = simulate([TICKET], {"A__B": [SIGNAL] * 6}, PANEL, DAYS, scripted(0, 0, 0, -1, 0, 0, never_add=True), RATES, BORROW)
    assert found.traded[2] > 0.4
    assert kept.traded.tolist() == [0] * 6


def test_the_controller_is_told_what_it_holds_and_for_how_long() -> None:
    seen: list[Stance] = []

    def controller(ticket: SimulatedTicket, place: int, signal: Signal | None, stance: Stance, session: date) -> Proposal:
        seen.append(stance)
        return Proposal([1, 1, -1, -1, -1, 0][place], "SCRIPT", never_add=False, armed=place != 1)

    simulate([TICKET], {"A__B": [SIGNAL] * 6}, PANEL, DAYS, controller, RATES, BORROW)
    assert [(item.side, item.age, item.armed) for item in seen] == [
        (0, 0, True),
        (1, 1, True),
        (1, 2, False),
        (-1, 1, True),
        (-1, 2, True),
        (-1, 3, True),
    ]


def test_the_order_of_tickets_changes_no_bit_and_each_has_an_equal_share() -> None:
    other = replace(TICKET, ticket_id="u")
    one = simulate([TICKET], {"A__B": [SIGNAL] * 6}, PANEL, DAYS, scripted(0, -1, -1, 0, 0, 0), RATES, BORROW)
    both = [
        simulate(order, {"A__B": [SIGNAL] * 6}, PANEL, DAYS, scripted(0, -1, -1, 0, 0, 0), RATES, BORROW)
        for order in ([TICKET, other], [other, TICKET])
    ]
    assert np.array_equal(both[0].net(), both[1].net())
    assert both[0].net() == pytest.approx(one.net())


def test_a_lasting_ticket_has_no_first_or_last_day() -> None:
    assert TICKET.lasting.rules.effective_from is None
    assert TICKET.lasting.rules.expires_on == date.max


def test_signals_stand_on_their_sessions() -> None:
    frame = pl.DataFrame(
        {"as_of_date": [DAYS[1], DAYS[4]], "pair_id": "A__B", "zscore": [1.0, 2.0], "beta": 1.0, "extreme_z": False}
    )
    assert [item and item.zscore for item in signals_by_pair(frame, DAYS)["A__B"]] == [None, 1.0, None, None, 2.0, None]
