"""An import's plan: what would change, field by field; nothing lost of what others changed meanwhile."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.reports.workbook.library import counted
from riskdesk_assets.strategy.strategy_file import Strategy, parse_strategies
from riskdesk_tests.reports.workbook.desk import BIG_FOUR, BROKERS, CONFIG, IDEA, LEGS, LIBRARY, SPARE, Desk, make, typed
from riskdesk_tests.reports.workbook.edits import Value, with_cells

NEW: dict[str, Value] = {f"A{SPARE}": "new", f"B{SPARE}": "active", f"C{SPARE}": "RV", f"D{SPARE}": "flow", f"E{SPARE}": "High"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make(tmp_path)


def refused(desk: Desk, raw: bytes, **how: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        desk.plan(raw, **how)  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


def library(raw: bytes | None) -> dict[str, Strategy]:
    assert raw is not None
    return {item.strategy_name: item for item in parse_strategies(raw, "new", CONFIG.sizing)}


def test_an_export_imported_at_once_changes_nothing(desk: Desk) -> None:
    """Levels, scores, quotes, two lines and a formula in the file notwithstanding."""
    plan = desk.plan(desk.export())
    assert plan.empty
    assert (plan.changes, plan.added, plan.removed, plan.changed_since) == ((), (), (), ())


def test_a_changed_cell_is_one_change_and_the_rest_of_the_file_stays_as_it_is_written(desk: Desk) -> None:
    plan = desk.plan(typed(desk.export(), {f"E{BROKERS}": "High"}))
    assert [str(change) for change in plan.changes] == ["brokers: Conviction 'Medium' -> 'High'"]
    assert plan.library is not None
    assert plan.library.decode() == LIBRARY.replace("flow,3,", "flow,High,").replace("=1+1", "'=1+1")


def test_what_is_typed_as_a_score_is_written_as_one(desk: Desk) -> None:
    plan = desk.plan(typed(desk.export(), {f"F{IDEA}": "Medium", f"G{IDEA}": 0.25}))
    assert [(change.field, change.before, change.after) for change in plan.changes] == [
        ("ExpectedReturn", "", "0.04"),
        ("ExpectedRisk", "", "0.25"),
    ]
    assert b"idea,Directional,macro,Low,Medium,0.25," in (plan.library or b"")


def test_a_new_row_is_a_new_strategy_and_an_emptied_one_is_taken_out(desk: Desk) -> None:
    gone: dict[str, Value] = dict.fromkeys([f"{letter}{IDEA}" for letter in "ABCDEFGHIJKL"])
    plan = desk.plan(typed(desk.export(), {**NEW, **gone}))
    assert (plan.added, plan.removed, plan.changes) == (("new",), ("idea",), ())
    assert list(library(plan.library)) == ["big-four", "brokers", "new"]


def test_active_tickets_that_would_lose_their_capital_are_named_before_anybody_confirms(desk: Desk) -> None:
    gone: dict[str, Value] = dict.fromkeys([f"{letter}{BROKERS}" for letter in "ABCDEFGHIJKL"])
    raw = typed(desk.export(), {**gone, f"B{BIG_FOUR}": "candidate", f"J{IDEA}": "Rates"})
    plan = desk.plan(raw, members={"brokers": ("gs-ms", "c-ms"), "big-four": ("jpm-bac",), "idea": ("x",), "": ("lone",)})
    assert plan.notices == (
        "strategy brokers is taken out: active tickets that name it will have no budget: c-ms, gs-ms",
        "strategy big-four is a candidate then: active tickets that name it will have no budget: jpm-bac",
    )
    assert desk.plan(raw).notices == ()


def test_a_field_the_file_has_no_column_for_gets_one(desk: Desk) -> None:
    plan = desk.plan(typed(desk.export(), {f"K{BROKERS}": "Results"}))
    assert [str(change) for change in plan.changes] == ["brokers: Catalyst nothing -> 'Results'"]
    assert (plan.library or b"").splitlines()[0].endswith(b",Status,Catalyst")
    assert library(plan.library)["brokers"].catalyst == "Results"


def test_text_that_begins_like_a_formula_is_inert_in_the_file(desk: Desk) -> None:
    plan = desk.plan(typed(desk.export(), {f"L{BROKERS}": "@SUM(A1)", f"J{BROKERS}": "-x"}))
    assert {change.field: change.after for change in plan.changes} == {"Notes": "'@SUM(A1)", "Theme": "'-x"}
    for line in (plan.library or b"").decode().splitlines()[1:]:
        assert not any(cell.startswith(("=", "+", "@")) for cell in line.split(","))


def test_a_negative_return_is_a_number_in_the_file(desk: Desk) -> None:
    plan = desk.plan(typed(desk.export(), {f"F{BROKERS}": -0.05}))
    assert library(plan.library)["brokers"].expected_return == -0.05


def test_the_librarys_own_rules_are_told_of_the_cell(desk: Desk) -> None:
    found = refused(desk, typed(desk.export(), {f"F{BROKERS}": None}))
    assert found == [
        "book.xlsx: Strategy Input!F6 Expected return: is empty, and ExpectedRisk is not (allowed: both, or neither)"
    ]
    assert "Strategy Input!G6 Expected risk" in refused(desk, typed(desk.export(), {f"G{BROKERS}": 0.0}))[0]


def test_problems_of_cells_library_and_tickets_come_together(desk: Desk) -> None:
    raw = typed(
        desk.export(),
        {f"E{BIG_FOUR}": "Hihg", f"G{BROKERS}": 0.0},
        {
            "A5": "yes",
            "C5": "JPM",
            "D5": "JPM",
            "A6": "yes",
            "C6": "JPM",
            "D6": "BAC",
            "F6": 1000,
            "G6": 2000,
            "L6": date(2026, 1, 2),
        },
    )
    found = "\n".join(refused(desk, raw))
    for place in (
        "Strategy Input!E5 Conviction",
        "Strategy Input!G6 Expected risk",
        "Trade Planner!D5 Leg B",
        "Trade Planner!L6 Expires on",
    ):
        assert place in found


def test_a_library_that_changed_since_is_named_and_refused(desk: Desk) -> None:
    raw = typed(desk.export(), {f"E{BROKERS}": "High"})
    desk.edit("six weeks", "eight weeks")
    desk.places.library.write_text(desk.places.library.read_text() + "late,RV,flow,Low,,,,,,,active\n")
    found = refused(desk, raw)
    assert found == [
        "strategies.csv: changed since the workbook was made: late was added "
        "(allowed: export the workbook again, or import with --force)",
        "strategies.csv: changed since the workbook was made: brokers: TimeHorizon 'six weeks' -> 'eight weeks' "
        "(allowed: export the workbook again, or import with --force)",
    ]


def test_by_force_both_changes_stand_and_only_the_same_field_is_the_workbooks(desk: Desk) -> None:
    raw = typed(desk.export(), {f"E{BROKERS}": "High", f"I{BIG_FOUR}": "one year"})
    desk.edit("six weeks", "eight weeks")
    desk.edit("one month", "two months")
    desk.places.library.write_text(desk.places.library.read_text() + "late,RV,flow,Low,,,,,,,active\n")
    plan = desk.plan(raw, force=True)
    assert len(plan.changed_since) == 3
    assert {str(change) for change in plan.changes} == {
        "big-four: TimeHorizon 'two months' -> 'one year'   (was 'one month' when the workbook was made)",
        "brokers: Conviction 'Medium' -> 'High'",
    }
    found = library(plan.library)
    assert found["brokers"].time_horizon == "eight weeks"
    assert found["big-four"].time_horizon == "one year"
    assert "late" in found


def test_by_force_a_strategy_that_others_removed_does_not_come_back_untouched(desk: Desk) -> None:
    raw = desk.export()
    changed = typed(raw, {f"J{IDEA}": "Rates"})
    desk.edit("idea,Directional,macro,Low,,,Event,,,,candidate\n", "")
    assert desk.plan(raw, force=True).empty
    assert desk.plan(changed, force=True).added == ("idea",)


def test_the_same_spelling_of_something_else_is_no_change(desk: Desk) -> None:
    raw = desk.export()
    desk.edit("0.05,0.10", "0.050,0.1")
    desk.edit("flow,3,", "flow,Medium,")
    assert desk.plan(raw).empty


def test_a_kept_library_that_is_not_the_one_named_is_refused(desk: Desk) -> None:
    raw = with_cells(desk.export(), "Base", {"D2": "Low"})
    assert refused(desk, raw) == [
        "book.xlsx: Base: is not the library that Read me names: one of the two was changed "
        "(allowed: the sheets as they were exported)"
    ]


def test_a_selected_row_is_drafted_with_an_id_of_its_own(desk: Desk) -> None:
    plan = desk.plan(typed(desk.export(), None, {"A5": "yes", **LEGS, "K5": "no", "Q5": "a wide\nspread", "O5": 0.5}))
    (draft,) = plan.drafts
    assert (draft.ticket_id, draft.name) == ("jpm-bac-big-four", "jpm-bac-big-four.yaml")
    text = draft.content.decode()
    for line in (
        "leg_a: JPM",
        "strategy: big-four",
        "flatten_on_breakdown: false",
        "expires_on: 2027-11-26",
        "share: 0.5",
        'note: "a wide\\nspread"',
    ):
        assert line in text
    assert plan.library is None
    assert not plan.empty


ORDERS: list[tuple[dict[str, Value], str]] = [
    ({"D5": "JPM"}, "Trade Planner!D5 Leg B: is JPM, the same as leg_a"),
    ({"M5": 1.0, "N5": 2.0}, "Trade Planner!N5 Exit |z|: is 2.0, above entry_z 1.0"),
    ({"P5": "no spaces"}, "Trade Planner!P5 Ticket id"),
    ({"P5": "taken"}, "Trade Planner!P5 Ticket id: 'taken' is the id of a ticket in active"),
    ({"P5": "drafted"}, "Trade Planner!P5 Ticket id: 'drafted' is drafted already, and that draft says something else"),
    (
        {"P5": "twin", "A6": "yes", "C6": "C", "D6": "WFC", "P6": "twin"},
        "Trade Planner!P6 Ticket id: 'twin' is also the id of row 5",
    ),
    ({"L5": date(2026, 11, 26)}, "Trade Planner!L5 Expires on: is 2026-11-26, before 2026-11-27"),
]


@pytest.mark.parametrize(("cells", "said"), ORDERS, ids=[said[15:40] for _, said in ORDERS])
def test_an_order_that_cannot_be_a_ticket_is_told_of_its_cell(desk: Desk, cells: dict[str, Value], said: str) -> None:
    desk.places.drafts.mkdir()
    (desk.places.drafts / "drafted.yaml").write_text("another\n")
    raw = typed(desk.export(), None, {"A5": "yes", **LEGS, **cells})
    found = refused(desk, raw, taken={"taken": "active"})
    assert any(said in item for item in found), found


def test_what_counts_of_a_strategy_does_not_depend_on_how_it_is_spelled() -> None:
    spelled = parse_strategies(LIBRARY.encode(), "a", CONFIG.sizing)
    plain = b"StrategyName,Bucket,SignalType,Conviction,ExpectedReturn,ExpectedRisk,RegimeFit,TimeHorizon,Notes,Theme,Status\n"
    plain += b"big-four,Spread,mean_reversion,Exceptional,0.06,0.05,Calm|Normal,one month,'=1+1,Deposits,active\n"
    (again,) = parse_strategies(plain, "b", CONFIG.sizing)
    assert counted(again) == counted(next(item for item in spelled if item.strategy_name == "big-four"))
