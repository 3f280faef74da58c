"""Real holdings from a file, and where they break from the desk's own positions."""

from __future__ import annotations

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.guards.holdings import Reconciled, Standing, breaks, read_holdings, reconciled
from riskdesk_tests.desk_builder import desk_config

UNIVERSE = desk_config().universe


def test_holdings_are_read_whatever_the_order_of_columns_and_rows(tmp_path):
    path = tmp_path / "holdings.csv"
    path.write_bytes("\ufeffshares, symbol\r\n-250,JPM\r\n\r\n+100, BAC\r\n0,C\r\n".encode())
    assert read_holdings(path, UNIVERSE) == {"BAC": 100, "C": 0, "JPM": -250}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("symbol,shares\nJPN,5\n", "holdings.csv:2: symbol: is 'JPN'; did you mean 'JPM'? (allowed: a symbol of the universe)"),
        ("symbol,shares\nJPM,5.5\n", "holdings.csv:2: shares: is '5.5' (allowed: a whole number of shares"),
        ("symbol,shares\nJPM,\n", "holdings.csv:2: shares: is ''"),
        ("symbol,shares\nJPM,1e3\n", "holdings.csv:2: shares: is '1e3'"),
        ("symbol,shares\nJPM,٣\n", "holdings.csv:2: shares: is '٣'"),
        ("symbol,shares\nJPM,5\nBAC,1\nJPM,5\n", "holdings.csv:4: symbol: JPM is listed twice (first on line 2)"),
        ("symbol,shares\nJPM,5,6\n", "holdings.csv:2: has 3 values (allowed: 2: symbol, shares)"),
        (
            "symbol,share\nJPM,5\n",
            "holdings.csv:1: has the columns symbol, share; did you mean 'shares'? (allowed: symbol,shares)",
        ),
        ("", "holdings.csv:1: has the columns none"),
        ('symbol,shares\n"JPM,5\n', "is not a CSV file"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(tmp_path, text, said):
    path = tmp_path / "holdings.csv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_holdings(path, UNIVERSE)
    assert said in str(error.value)


def test_every_problem_of_a_file_is_told_at_once(tmp_path):
    path = tmp_path / "holdings.csv"
    path.write_text("symbol,shares\nXXX,1\nJPM,many\n")
    with pytest.raises(InputError) as error:
        read_holdings(path, UNIVERSE)
    assert [problem.line for problem in error.value.problems] == [2, 3]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_holdings(tmp_path / "none.csv", UNIVERSE)


def test_breaks_are_the_names_whose_shares_differ_in_dollars_at_todays_price():
    desk = {"JPM": 100, "BAC": -200, "C": 50, "WFC": 0}
    held = {"JPM": 100, "BAC": -150, "GS": 10, "MS": 3}
    prices = {"BAC": 400_000, "C": 700_000, "GS": 5_000_000}
    rows = reconciled(desk, held, prices)
    assert breaks(rows) == (
        Reconciled("BAC", -200, -150, 50, 2_000.0),
        Reconciled("C", 50, 0, -50, -3_500.0),
        Reconciled("GS", 0, 10, 10, 5_000.0),
        Reconciled("MS", 0, 3, 3, None),
    )
    assert [row.symbol for row in rows] == ["BAC", "C", "GS", "JPM", "MS", "WFC"]
    assert breaks(reconciled(desk, desk, prices)) == ()


def test_a_row_says_which_kind_of_break_it_is():
    pairs = [(100, 100), (0, 0), (-200, -150), (-200, 150), (50, 0), (0, 10)]
    rows = [Reconciled("JPM", desk, held, held - desk, None) for desk, held in pairs]
    assert [row.standing for row in rows] == [
        Standing.AGREES,
        Standing.AGREES,
        Standing.DIFFERS,
        Standing.OPPOSITE,
        Standing.NOT_HELD,
        Standing.NOT_ON_DESK,
    ]
