"""CSV as people and spreadsheets write it: taken whole with its lines, or refused by file, line and column."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskdesk_assets.common.csv_file import MAX_BYTES, parse_csv, read_csv
from riskdesk_assets.common.errors import InputError


def rows(raw: bytes) -> list[tuple[int, dict[str, str]]]:
    return [(row.line, row.cells) for row in parse_csv(raw, "f.csv", ("a",), ("b", "c")).rows]


def refused(raw: bytes) -> list[str]:
    with pytest.raises(InputError) as caught:
        rows(raw)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "raw",
    [
        b"a,b\n1,x\n2,y\n",
        b"\xef\xbb\xbfa,b\r\n1,x\r\n2,y\r\n",
        b" a , b\n1, x\n2 ,y",
        b'"a","b"\n"1","x"\n"2","y"\n',
    ],
    ids=["plain", "BOM and CRLF", "spaces, no last line end", "quoted"],
)
def test_a_spreadsheets_habits_are_accepted(raw: bytes) -> None:
    assert rows(raw) == [(2, {"a": "1", "b": "x"}), (3, {"a": "2", "b": "y"})]


def test_columns_come_in_any_order_and_a_row_keeps_the_line_it_begins_on() -> None:
    found = rows(b'b,a\n\n"two\r\nlines, and ""quotes""",1\n , \n,2\n')
    assert found == [(3, {"a": "1", "b": 'two\nlines, and "quotes"'}), (6, {"a": "2", "b": ""})]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "f.csv:1: is empty"),
        (b"b\n1\n", "f.csv:1: a: is a required column and missing (allowed: a, b, c)"),
        (b"a,bb\n1,2\n", "f.csv:1: bb: is not a known column; did you mean 'b'?"),
        (b"a,\n1,2\n", "f.csv:1: column 2 has no name"),
        (b"a,b,a\n1,2,3\n", "f.csv:1: a: is a column twice"),
        (b"a,b\n1\n", "f.csv:2: has 1 cells (allowed: 2, one for each column)"),
        (b"a,b\n1,2,3\n", "f.csv:2: has 3 cells"),
        (b'a,b\n"1"x,2\n', "f.csv:2: is not CSV"),
        (b'a,b\n1,"2\n', "f.csv:2: is not CSV: unexpected end of data"),
        (b"a,b\n1\r2,3\n", "f.csv:2: is not CSV"),
        (b"a,b\n1,\x00\n", "f.csv:2: b: holds characters that do not print"),
        (b"a,b\n1,\xe2\x80\xae\n", "f.csv:2: b: holds characters that do not print"),
        (b"a,b\n1,\xff\n", "f.csv:2: is not UTF-8 text"),
        (b"a,b\n1," + b"x" * 140_000 + b"\n", "f.csv:2: is not CSV: field larger than field limit"),
    ],
)
def test_what_cannot_be_read_is_named_by_line_and_column(raw: bytes, said: str) -> None:
    assert any(problem.startswith(said) for problem in refused(raw)), refused(raw)


def test_every_problem_is_told_not_only_the_first() -> None:
    assert len(refused(b"a,x\n1\n1,\x07\n")) == 3


def test_a_file_of_more_than_a_megabyte_a_link_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    path.write_bytes(b"a\n" + b"1\n" * (MAX_BYTES // 2))
    with pytest.raises(InputError, match="at most 1048576 bytes"):
        read_csv(path, ("a",))
    path.write_bytes(b"a\n1\n")
    (tmp_path / "link.csv").symlink_to(path)
    with pytest.raises(InputError, match="symbolic link"):
        read_csv(tmp_path / "link.csv", ("a",))
    with pytest.raises(InputError, match="does not exist"):
        read_csv(tmp_path / "none.csv", ("a",))


@given(st.binary(max_size=60))
def test_whatever_the_bytes_they_are_rows_or_problems(raw: bytes) -> None:
    # Anything but rows or InputError fails the test.
    with suppress(InputError):
        found = parse_csv(b"a,b\n" + raw, "f.csv", ("a",), ("b", "c"))
        assert all(set(row.cells) == {"a", "b"} and row.line > 1 for row in found.rows)
