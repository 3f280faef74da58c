"""What is typed into a workbook comes back as it was meant, or is told with its sheet, its cell and what is allowed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.reports.workbook.cells import inert, number_text
from riskdesk_assets.reports.workbook.reader import WorkbookInput, read_workbook
from riskdesk_assets.reports.workbook.workbook import workbook_bytes
from riskdesk_tests.reports.workbook.builder import CHOICES, COLUMNS, ROWS, content
from riskdesk_tests.reports.workbook.edits import Formula, Raw, Value, replaced, with_cells

STRATEGIES, PLANNER = "Strategy Input", "Trade Planner"
SPARE = "9"  # the first empty row of both sheets


@pytest.fixture(scope="module")
def book() -> bytes:
    return workbook_bytes(content())


def read(tmp_path: Path, raw: bytes) -> WorkbookInput:
    path = tmp_path / "book.xlsx"
    path.write_bytes(raw)
    return read_workbook(path, CHOICES)


def told(tmp_path: Path, raw: bytes) -> list[str]:
    """Every problem as a person reads it, whether it refuses the whole file or a cell."""
    try:
        return [str(problem) for problem in read(tmp_path, raw).problems]
    except InputError as error:
        return [str(problem) for problem in error.problems]


def test_what_was_written_is_read_back(book: bytes, tmp_path: Path) -> None:
    found = read(tmp_path, book)
    assert not found.problems
    assert not found.orders
    assert found.base == (COLUMNS, *ROWS)
    for row, texts in zip(found.strategies, ROWS, strict=True):
        for column, text in zip(COLUMNS, texts, strict=True):
            value = row.values[column]
            shown = "" if value is None else number_text(value) if isinstance(value, float) else value
            assert shown == inert(text), column


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.floats(-1, 2, allow_nan=False),
            st.floats(1e-9, 5, allow_nan=False),
            st.text(st.characters(blacklist_categories=("C", "Z")), max_size=40),
        ),
        max_size=4,
    )
)
def test_any_number_and_any_text_comes_back_in_the_digits_a_spreadsheet_keeps(
    tmp_path_factory: pytest.TempPathFactory, typed: list[tuple[float, float, str]]
) -> None:
    rows = tuple(
        (f"s{place}", "RV", "flow", "Low", number_text(earned), number_text(risk), "Calm", "", note, "", "", "active")
        for place, (earned, risk, note) in enumerate(typed)
    )
    found = read(tmp_path_factory.mktemp("book"), workbook_bytes(content(rows=rows)))
    assert not found.problems
    for row, (earned, risk, note) in zip(found.strategies, typed, strict=True):
        assert number_text(float(str(row.values["ExpectedReturn"]))) == number_text(earned)
        assert number_text(float(str(row.values["ExpectedRisk"]))) == number_text(risk)
        assert (row.values["Notes"] or "") == inert(note)


def test_a_new_row_and_an_emptied_one_are_read(book: bytes, tmp_path: Path) -> None:
    new: dict[str, Value] = {"A9": "new", "B9": "candidate", "C9": "RV", "D9": "flow", "E9": "High", "F9": 0.05, "G9": "Low"}
    gone: dict[str, Value] = dict.fromkeys([f"{letter}6" for letter in "ABCDEFGHIJKL"])
    found = read(tmp_path, with_cells(book, STRATEGIES, {**new, **gone}))
    assert not found.problems
    assert [row.values["StrategyName"] for row in found.strategies] == ["big-four", "regionals", "carry", "new"]
    last = found.strategies[-1]
    assert (last.values["ExpectedReturn"], last.values["ExpectedRisk"], last.values["RegimeFit"]) == (0.05, "Low", None)
    assert last.where("ExpectedReturn") == "Strategy Input!F9 Expected return"


def test_a_selected_row_of_the_planner_is_an_order_and_the_others_are_not_looked_at(book: bytes, tmp_path: Path) -> None:
    raw = with_cells(book, PLANNER, {"A5": "yes", "C5": "JPM", "D5": "BAC", "N5": 0.25, "C6": "nonsense", "L7": "no date"})
    found = read(tmp_path, raw)
    assert not found.problems
    (order,) = found.orders
    assert order.values["leg_a"] == "JPM"
    assert order.values["horizon_days"] == 40
    assert order.values["expires_on"] == date(2027, 11, 26)
    assert order.values["exit_z"] == 0.25


CELLS = [
    # sheet, cell, value, what is said
    (
        STRATEGIES,
        "E5",
        "Hihg",
        "Strategy Input!E5 Conviction: is 'Hihg'; did you mean 'High'? (allowed: Low, Medium, High, Exceptional)",
    ),
    (
        STRATEGIES,
        "E5",
        "high",
        "Strategy Input!E5 Conviction: is 'high'; did you mean 'High'? (allowed: Low, Medium, High, Exceptional)",
    ),
    (STRATEGIES, "E5", 3.0, "Strategy Input!E5 Conviction: is '3'"),
    (STRATEGIES, "C5", "Macro", "Strategy Input!C5 Bucket: is 'Macro'"),
    (STRATEGIES, "H5", "Calm,Normal", "Strategy Input!H5 Regime fit: is 'Calm,Normal'; did you mean 'Calm|Normal'?"),
    (
        STRATEGIES,
        "F5",
        "8 %",
        "Strategy Input!F5 Expected return: is '8 %' (allowed: a number from -1 to 2, or Low, Medium, High, Exceptional)",
    ),
    (STRATEGIES, "F5", date(2026, 1, 1), "Strategy Input!F5 Expected return: is 46023 (allowed: a number from -1 to 2)"),
    (STRATEGIES, "F5", 8.0, "Strategy Input!F5 Expected return: is 8 (allowed: a number from -1 to 2)"),
    (STRATEGIES, "F5", True, "Strategy Input!F5 Expected return: is TRUE, not a number"),
    (STRATEGIES, "F5", Raw("n", "<v>NaN</v>"), "Strategy Input!F5 Expected return: is not a finite number"),
    (STRATEGIES, "F5", Raw("n", "<v>1e400</v>"), "Strategy Input!F5 Expected return: is not a finite number"),
    (STRATEGIES, "F5", Raw("n", "<v>-inf</v>"), "Strategy Input!F5 Expected return: is not a finite number"),
    (STRATEGIES, "F5", Raw("e", "<v>#DIV/0!</v>"), "Strategy Input!F5 Expected return: holds an error (allowed: a value)"),
    (
        STRATEGIES,
        "F5",
        Formula("0.04+0.02", 0.06),
        "Strategy Input!F5 Expected return: holds a formula: what it would give is not read",
    ),
    (STRATEGIES, "A5", Formula('"big-four"', 0.0), "Strategy Input!A5 Strategy: holds a formula"),
    (STRATEGIES, "A5", None, "Strategy Input!A5 Strategy: is empty"),
    (STRATEGIES, "A5", "x" * 65, "Strategy Input!A5 Strategy: is 65 characters long (allowed: at most 64)"),
    (STRATEGIES, "A5", "two\nlines", "Strategy Input!A5 Strategy: holds a line break (allowed: one line)"),
    (STRATEGIES, "A5", "be\u202ell", "Strategy Input!A5 Strategy: holds characters that do not print"),
    (STRATEGIES, "A5", "brokers", "Strategy Input!A6 Strategy: is 'brokers', as in A5 (allowed: a name of its own)"),
    (STRATEGIES, "A5", "BROKERS", "Strategy Input!A6 Strategy: is 'brokers', as in A5 (allowed: a name of its own)"),
    (STRATEGIES, "N5", "look here", "Strategy Input!N5: stands outside the table (allowed: nothing there)"),
    (STRATEGIES, "L300", "alone", "Strategy Input!A300 Strategy: is empty"),
    (PLANNER, "A5", "maybe", "Trade Planner!A5 Draft it?: is 'maybe' (allowed: yes, no)"),
    (PLANNER, "A5", True, "Trade Planner!A5 Draft it?: is 'TRUE'"),
]


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "said"), CELLS, ids=[f"{cell}-{value!r}"[:40] for _, cell, value, _ in CELLS]
)
def test_a_cell_that_cannot_be_taken_is_named(
    book: bytes, tmp_path: Path, sheet: str, cell: str, value: Value, said: str
) -> None:
    found = told(tmp_path, with_cells(book, sheet, {cell: value}))
    assert any(said in item for item in found), found


ORDERS = [
    ("C5", "JPN", "Trade Planner!C5 Leg A: is 'JPN'; did you mean 'JPM'?"),
    ("C5", None, "Trade Planner!C5 Leg A: is empty"),
    (
        "B5",
        "big-for",
        "Trade Planner!B5 Strategy: is 'big-for', which no row of Strategy Input names; did you mean 'big-four'?",
    ),
    ("F5", "800,000", "Trade Planner!F5 Max gross $: is the text '800,000', not a number"),
    ("H5", 40.5, "Trade Planner!H5 Horizon, sessions: is 40.5 (allowed: a whole number from 1 to 2520)"),
    ("H5", 0, "Trade Planner!H5 Horizon, sessions: is 0"),
    (
        "L5",
        "2027-12-31",
        "Trade Planner!L5 Expires on: is the text '2027-12-31', not a date (allowed: a date, typed such as 2027-12-31)",
    ),
    ("L5", 46023.5, "Trade Planner!L5 Expires on: is a date with a time of day"),
]


@pytest.mark.parametrize(("cell", "value", "said"), ORDERS, ids=[f"{cell}-{value!r}" for cell, value, _ in ORDERS])
def test_a_planned_ticket_that_cannot_be_taken_is_named(
    book: bytes, tmp_path: Path, cell: str, value: Value, said: str
) -> None:
    good: dict[str, Value] = {"A5": "yes", "C5": "JPM", "D5": "BAC"}
    found = told(tmp_path, with_cells(book, PLANNER, {**good, cell: value}))
    assert any(said in item for item in found), found


def test_every_problem_is_told_at_once(book: bytes, tmp_path: Path) -> None:
    raw = with_cells(book, STRATEGIES, {"E5": "Hihg", "C6": "Macro", "F7": Formula("1", 1.0)})
    raw = with_cells(raw, PLANNER, {"A5": "yes", "C5": "JPN", "D5": "BAC"})
    assert [item.partition(": ")[2].partition(" ")[0] for item in told(tmp_path, raw)] == ["Strategy"] * 3 + ["Trade"]


def test_a_hidden_row_or_column_with_content_is_refused(book: bytes, tmp_path: Path) -> None:
    row = replaced(book, "xl/worksheets/sheet2.xml", '<row r="6"', '<row r="6" hidden="1"')
    assert told(tmp_path, row) == [
        "book.xlsx: Strategy Input!A6: is hidden (allowed: show the row and its columns, or empty them)"
    ]
    column = replaced(book, "xl/worksheets/sheet2.xml", '<col min="5"', '<col hidden="1" min="5"')
    assert "Strategy Input!E5: is hidden" in told(tmp_path, column)[0]
    flat = replaced(book, "xl/worksheets/sheet2.xml", '<row r="6"', '<row r="6" ht="0"')
    assert "Strategy Input!A6: is hidden" in told(tmp_path, flat)[0]
    empty = replaced(book, "xl/worksheets/sheet2.xml", '<row r="12"', '<row r="12" hidden="1"')
    assert told(tmp_path, empty) == []


def test_a_renamed_or_a_missing_column_is_named_with_the_nearest(book: bytes, tmp_path: Path) -> None:
    found = told(tmp_path, with_cells(book, STRATEGIES, {"E4": "Convction"}))
    assert "Strategy Input!E4: is 'Convction'; did you mean 'Conviction'?" in found[0]
    assert "Strategy Input: has no column Conviction in row 4" in found[1]
    twice = told(tmp_path, with_cells(book, STRATEGIES, {"E4": "Bucket"}))
    assert "'Bucket' is there twice" in twice[0]


def test_columns_may_stand_in_another_order(book: bytes, tmp_path: Path) -> None:
    swapped = {"J4": "Catalyst", "K4": "Theme", "J5": "Q3", "K5": "Deposits"}
    found = read(tmp_path, with_cells(book, STRATEGIES, swapped))
    assert not found.problems
    assert (found.strategies[0].values["Theme"], found.strategies[0].values["Catalyst"]) == ("Deposits", "Q3")
    assert found.strategies[0].where("Theme") == "Strategy Input!K5 Theme"


def test_the_library_it_was_made_from_has_to_be_named_in_a_plain_cell(book: bytes, tmp_path: Path) -> None:
    place = next(f"C{row}" for row in range(1, 30) if _is_hash(book, tmp_path, f"C{row}"))
    assert "does not name the Library" in told(tmp_path, with_cells(book, "Read me", {place: None}))[0]
    assert "holds a formula" in told(tmp_path, with_cells(book, "Read me", {place: Raw("str", "<f>1</f><v>abc</v>")}))[0]
    assert "Base: holds something else than text" in told(tmp_path, with_cells(book, "Base", {"E2": 0.06}))[0]


def _is_hash(book: bytes, tmp_path: Path, cell: str) -> bool:
    try:
        return read(tmp_path, with_cells(book, "Read me", {cell: "changed"})).library_hash == "changed"
    except InputError:
        return False
