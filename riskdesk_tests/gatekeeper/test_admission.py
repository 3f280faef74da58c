from __future__ import annotations

from riskdesk_assets.gatekeeper.admission import Intent, admit


def intent(ticket_id: str, proposed: float = 100.0, held: float = 0.0, *, position: bool = False, z: float = 2.0) -> Intent:
    return Intent(ticket_id, proposed, held, position, z)


def approved(intents: list[Intent], places: int | None) -> dict[str, float]:
    return {decision.ticket_id: decision.approved_gross for decision in admit(intents, places)}


def test_as_many_tickets_as_there_are_places_are_approved_whole() -> None:
    assert approved([intent("a"), intent("b")], 2) == {"a": 100.0, "b": 100.0}
    assert approved([intent("a"), intent("b"), intent("c")], None) == {"a": 100.0, "b": 100.0, "c": 100.0}


def test_a_held_ticket_keeps_its_place_before_a_stronger_signal() -> None:
    found = admit([intent("a", z=2.9), intent("b", held=60.0, position=True, z=0.3)], 1)
    assert [(item.ticket_id, item.status, item.approved_gross) for item in found] == [
        ("a", "REJECTED", 0.0),
        ("b", "APPROVED", 100.0),
    ]
    assert found[0].reason == "all 1 places are taken"


def test_among_new_tickets_the_larger_z_wins_and_then_the_id() -> None:
    assert approved([intent("a", z=1.6), intent("b", z=2.0), intent("c", z=2.0)], 2) == {"a": 0.0, "b": 100.0, "c": 100.0}
    assert approved([intent("b"), intent("a")], 1) == {"a": 100.0, "b": 0.0}


def test_a_ticket_that_proposes_nothing_takes_no_place() -> None:
    assert approved([intent("a", proposed=0.0, held=50.0, position=True), intent("b")], 1) == {"a": 0.0, "b": 100.0}


def test_held_tickets_beyond_a_cut_limit_stay() -> None:
    held = [intent(name, held=80.0, position=True) for name in "abc"]
    assert approved([*held, intent("d", z=2.9)], 2) == {"a": 100.0, "b": 100.0, "c": 100.0, "d": 0.0}


def test_the_order_of_the_intents_changes_nothing() -> None:
    intents = [intent(name, z=z) for name, z in (("a", 1.7), ("b", 2.4), ("c", 2.4), ("d", 1.9))]
    assert admit(intents, 2) == admit(intents[::-1], 2)
