"""The workbook as it is written: the same bytes twice, inert text, locked outputs, dropdowns, live formulas."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from python_calamine import load_workbook

from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.reports.expected_pnl_engine import expected_pnl
from riskdesk_assets.reports.workbook.content import ExpectedLine, Library, TicketSize
from riskdesk_assets.reports.workbook.layout import (
    FIRST_ROW,
    HEADER_ROW,
    PLANNER_COLUMNS,
    SPARE_ROWS,
    STRATEGY_COLUMNS,
    cell_name,
    regime_fits,
)
from riskdesk_assets.reports.workbook.library import hash_of
from riskdesk_assets.reports.workbook.workbook import same_parts, workbook_bytes
from riskdesk_tests.reports.workbook.builder import BASE, BUCKETS, COLUMNS, FACTORS, REGIMES, ROWS, content
from riskdesk_tests.reports.workbook.edits import SHEETS, packed, part_of, parts_of

HOSTILE = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x")',
    "http://x.example",
    "mailto:a@b",
    "internal:A!A1",
)


@pytest.fixture(scope="module")
def book() -> bytes:
    return workbook_bytes(content())


def test_the_same_content_gives_the_same_bytes(book: bytes) -> None:
    assert workbook_bytes(content()) == book


def test_another_process_time_zone_and_hash_seed_give_the_same_bytes(book: bytes) -> None:
    told = (
        "import hashlib; from riskdesk_tests.reports.workbook.builder import content; "
        "from riskdesk_assets.reports.workbook.workbook import workbook_bytes; "
        "print(hashlib.sha256(workbook_bytes(content())).hexdigest())"
    )
    found = set()
    for seed, zone in (("1", "Asia/Tokyo"), ("2", "America/New_York")):
        environ = {"PYTHONHASHSEED": seed, "TZ": zone, "LANG": "C", "PYTHONPATH": str(ROOT), "PATH": "/usr/bin"}
        done = subprocess.run([sys.executable, "-c", told], env=environ, capture_output=True, text=True, check=True, cwd=ROOT)
        found.add(done.stdout.strip())
    assert found == {hashlib.sha256(book).hexdigest()}


def test_other_content_gives_other_bytes(book: bytes) -> None:
    assert workbook_bytes(content(run_id="20261127-ffffffffffffffff")) != book


def test_the_sheets_are_those_of_the_document_in_order_behind_a_first_page(book: bytes) -> None:
    found = load_workbook(io.BytesIO(book))
    assert tuple(found.sheet_names) == SHEETS
    hidden = {sheet.name for sheet in found.sheets_metadata if "Hidden" in str(sheet.visible)}
    assert hidden == {"Lists", "Base"}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_a_formula_or_a_link(text: str) -> None:
    row = tuple(text if column in ("Notes", "Theme", "Catalyst", "TimeHorizon", "StrategyName") else "" for column in COLUMNS)
    hostile = workbook_bytes(
        content(
            library=Library(COLUMNS, (row,), hash_of((COLUMNS, row))),
            ticket_sizes=[TicketSize(text, text, text, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, text)],
            run_id=text,
            status=text,
        )
    )
    parts = parts_of(hostile)
    formulas = {sheet: re.findall(r"<f>(.*?)</f>", parts[part_of(sheet)].decode()) for sheet in SHEETS}
    assert {sheet for sheet, found in formulas.items() if found} == {"ExpectedPnL"}
    assert all("INDEX(" in item or re.fullmatch(r"[A-Z0-9*/]+|SUM\([A-Z0-9:]+\)", item) for item in formulas["ExpectedPnL"])
    assert not any('TargetMode="External"' in raw.decode() for name, raw in parts.items() if name.endswith(".rels"))
    grid = load_workbook(io.BytesIO(hostile)).get_sheet_by_name("Strategy Input").to_python(skip_empty_area=False)
    assert grid[FIRST_ROW][0] == text


def test_input_cells_are_open_and_everything_else_is_locked(book: bytes) -> None:
    parts = parts_of(book)
    styles = parts["xl/styles.xml"].decode()
    formats = re.findall(r"<xf [^>]*?(?:/>|>.*?</xf>)", re.search("<cellXfs.*?</cellXfs>", styles, re.DOTALL)[0], re.DOTALL)  # type: ignore[index]
    open_styles = {str(number) for number, item in enumerate(formats) if 'locked="0"' in item}
    for sheet in SHEETS:
        text = parts[part_of(sheet)].decode()
        opened = set(re.findall(rf'<c r="([A-Z]+[0-9]+)" s="(?:{"|".join(open_styles)})"', text))
        if sheet in ("Strategy Input", "Trade Planner"):
            columns, rows = (STRATEGY_COLUMNS if sheet == "Strategy Input" else PLANNER_COLUMNS), len(ROWS) + SPARE_ROWS
            expected = {cell_name(FIRST_ROW + row, column) for row in range(rows) for column in range(len(columns))}
            assert opened == expected
        else:
            assert opened == ({"B4"} if sheet == "ExpectedPnL" else set())
        if sheet not in ("Lists", "Base"):
            assert "<sheetProtection " in text


def test_every_choice_offers_its_words_and_refuses_others(book: bytes) -> None:
    words = load_workbook(io.BytesIO(book)).get_sheet_by_name("Lists").to_python(skip_empty_area=False)
    lists = {str(words[0][column]): [row[column] for row in words[1:] if row[column]] for column in range(len(words[0]))}
    assert lists["convictions"] == ["Low", "Medium", "High", "Exceptional"]
    assert lists["regime_fits"] == list(regime_fits(REGIMES))
    for sheet, columns in (("Strategy Input", STRATEGY_COLUMNS), ("Trade Planner", PLANNER_COLUMNS)):
        text = parts_of(book)[part_of(sheet)].decode()
        rules = re.findall(r"<dataValidation (.*?)>.*?<formula1>(.*?)</formula1>", text, re.DOTALL)
        assert len(rules) == len(columns)
        for number, column in enumerate(columns):
            rule, source = next(item for item in rules if f'sqref="{cell_name(FIRST_ROW, number)}:' in item[0])
            assert 'showErrorMessage="1"' in rule
            assert 'showInputMessage="1"' in rule
            if column.kind == "choice":
                at = list(lists).index(column.choices)
                letter = cell_name(0, at)[:-1]
                assert source == f"Lists!${letter}$2:${letter}${len(lists[column.choices]) + 1}"


def test_every_way_to_fit_one_regime_or_more_is_offered_once() -> None:
    assert regime_fits(("Calm", "Normal", "Event")) == (
        "Calm",
        "Normal",
        "Event",
        "Calm|Normal",
        "Calm|Event",
        "Normal|Event",
        "Calm|Normal|Event",
    )


def _expected_rows(regime: str) -> dict[str, list[Any]]:
    """The sheet's rows by their first cell; the table of formulas stands above the one of factors."""
    lines = [
        ExpectedLine(name, 1_000_000.0, BASE[name], dict(zip(REGIMES, FACTORS[name], strict=True))) for name in BUCKETS[1:]
    ]
    raw = workbook_bytes(content(regime=regime, expected=lines))
    grid = load_workbook(io.BytesIO(raw)).get_sheet_by_name("ExpectedPnL").to_python(skip_empty_area=False)
    return {str(row[0]): row for row in reversed(grid) if row[0]}


@pytest.mark.parametrize(("regime", "week"), [("Calm", 12_100.0), ("Normal", 13_000.0), ("Event", 15_450.0)])
def test_the_formulas_carry_the_expected_pnl_of_document_002(regime: str, week: float) -> None:
    """Section 9 with a million in each of the document's five buckets (features PM-77, by hand from its tables)."""
    rows = _expected_rows(regime)
    assert rows["Total"][5] == pytest.approx(week, abs=1e-9)
    assert rows["Total"][6] == pytest.approx(week / 5, abs=1e-9)
    engine = expected_pnl(dict.fromkeys(BUCKETS[1:], 1_000_000.0), regime)
    for name, value in engine.select("bucket", "expected_pnl_week").iter_rows():
        assert rows[name][5] == pytest.approx(value, abs=1e-9)


def test_what_was_realized_stands_beside_both_expectations_and_is_judged_on_employed_capital(book: bytes) -> None:
    grid = load_workbook(io.BytesIO(book)).get_sheet_by_name("ExpectedPnL").to_python(skip_empty_area=False)
    place = next(number for number, row in enumerate(grid) if str(row[0]).startswith("What was expected lately"))
    assert str(grid[place + 1][0]).startswith("Judged on the capital employed")
    assert [str(cell).strip() for cell in grid[place + 2][1:7]] == [
        "Sessions compared",
        "Expected on allocated",
        "Expected on employed",
        "Realized",
        "Realized / expected on employed",
        "Judged on employed",
    ]
    # 1,000 is 40% of the 2,500 expected of what was employed, of a budget of which 10,000 was expected.
    assert grid[place + 3][:7] == ["RV", 20.0, 10_000.0, 2_500.0, 1_000.0, 0.4, "underperforming"]


def test_the_formulas_look_the_regime_up_among_the_very_words_of_its_dropdown(book: bytes) -> None:
    grid = load_workbook(io.BytesIO(book)).get_sheet_by_name("ExpectedPnL").to_python(skip_empty_area=False)
    factors = next(number for number, row in enumerate(grid) if str(row[0]).startswith("Environment factors"))
    assert tuple(grid[factors + 1][1:4]) == REGIMES
    formula = re.findall(r"<f>(INDEX.*?)</f>", parts_of(book)[part_of("ExpectedPnL")].decode())[0]
    assert formula.endswith(f"MATCH($B$4,$B${factors + 2}:$D${factors + 2},0))")


def test_a_session_without_a_regime_shows_the_one_in_which_nothing_is_scaled() -> None:
    rows = _expected_rows("")
    assert rows["Market regime"][1] == "Normal"
    assert rows["Total"][5] == pytest.approx(13_000.0)


def test_the_first_page_says_when_prices_are_simulated_and_names_the_run() -> None:
    def page(source: str) -> list[object]:
        raw = workbook_bytes(content(source=source))
        return [cell for row in load_workbook(io.BytesIO(raw)).get_sheet_by_name("Read me").to_python() for cell in row if cell]

    assert "SIMULATED" in page("SIMULATED")
    assert "SIMULATED" not in page("FMP")
    assert "20261127-0f3a5c7e9b1d2468" in page("FMP")


def test_a_session_of_no_rows_at_all_still_makes_a_workbook() -> None:
    nothing: list[Any] = []
    bare = content(
        rows=(),
        sizes=nothing,
        ticket_sizes=nothing,
        scenarios=nothing,
        limits=nothing,
        rooms=nothing,
        actual=nothing,
        headline=nothing,
        planned=nothing,
        tape={},
        regime="",
        expected_week=None,
    )
    found = load_workbook(io.BytesIO(workbook_bytes(bare)))
    assert "No scenario was measured" in str(found.get_sheet_by_name("Scenarios").to_python())
    assert "no limit was measured" in str(found.get_sheet_by_name("Limits").to_python())


def test_two_packings_of_the_same_parts_are_the_same_workbook(book: bytes) -> None:
    again = packed(parts_of(book))
    assert again != book
    assert same_parts(again, book)
    assert not same_parts(book, workbook_bytes(content(nav=1.0)))
    assert not same_parts(book, book[:-40])


def test_the_input_header_stands_where_the_reader_looks(book: bytes) -> None:
    grid = load_workbook(io.BytesIO(book)).get_sheet_by_name("Trade Planner").to_python(skip_empty_area=False)
    assert [str(title).strip() for title in grid[HEADER_ROW]] == [column.title for column in PLANNER_COLUMNS]
    assert grid[FIRST_ROW][11] == date(2027, 11, 26)
