"""Instrument scores: from pairs, and from a file that a person wrote."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.strategy.scores import instrument_scores, scores_of_file
from riskdesk_tests.desk_builder import calendar, changed

CONFIG = load_config(load_paths({}))
DAY, NEXT = date(2024, 3, 4), date(2024, 3, 5)
ALL = calendar().sessions


def frame(table: str, *rows: dict[str, object]) -> pl.DataFrame:
    schema = TABLES[table].schema
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema, orient="row")


def pair(a: str, b: str, z: float, *, beta: float = 1.0, extreme: bool = False) -> dict[str, object]:
    return {
        "as_of_date": DAY,
        "pair_id": f"{a}__{b}",
        "leg_a": a,
        "leg_b": b,
        "zscore": z,
        "beta": beta,
        "extreme_z": extreme,
    }


def scored(*pairs: dict[str, object]) -> dict[str, dict[str, object]]:
    state = frame("instrument_state", {"as_of_date": DAY, "symbol": "JPM", "vol_20": 0.252})
    tickets = frame("ticket_snapshots", {"as_of_date": DAY, "status": "IN_FORCE", "pair_id": "JPM__BAC", "conviction": 5})
    rows, unusable = instrument_scores(CONFIG, Path(), frame("pair_state", *pairs), state, tickets, [DAY], ALL)
    assert not unusable
    own = rows.filter(pl.col("portfolio_id") == CONFIG.mandates[0].portfolio_id)
    return {str(row["instrument_id"]): row for row in own.iter_rows(named=True)}


def test_a_high_spread_sells_its_first_leg_and_buys_its_second() -> None:
    rows = scored(pair("JPM", "BAC", 2.0))
    assert (rows["JPM"]["score"], rows["JPM"]["confidence"]) == (-2.0, 1.0)
    assert rows["BAC"]["score"] == 2.0
    # 0.05 x 0.252 / sqrt(252) x -2 / sqrt(20), by hand.
    assert rows["JPM"]["expected_return"] == pytest.approx(-3.5496e-4, rel=1e-3)
    assert (rows["WFC"]["score"], rows["WFC"]["confidence"]) == (0.0, 0.0)


def test_pairs_that_quarrel_leave_little_confidence_and_the_backed_one_weighs_more() -> None:
    rows = scored(pair("JPM", "BAC", 2.0), pair("JPM", "WFC", -1.0))
    # Pushes -2 at weight 1 and +1 at weight 0.2: sum -1.8, |.| 2.2, root of 1.04.
    assert rows["JPM"]["score"] == pytest.approx(-1.8 / 1.04**0.5)
    assert rows["JPM"]["confidence"] == pytest.approx(1.8 / 2.2)


def test_a_broken_pair_and_one_without_a_hedge_push_nothing() -> None:
    rows = scored(pair("JPM", "BAC", 4.0, extreme=True), pair("JPM", "WFC", 2.0, beta=0.1))
    assert rows["JPM"]["score"] == 0.0


def test_a_mandate_that_names_strategies_hears_the_pairs_of_their_tickets_in_force_alone() -> None:
    first, second = (mandate.portfolio_id for mandate in CONFIG.mandates)
    config = changed(CONFIG, f"portfolios.{first}.strategies", ["Card lag", "Custody reversion"])
    pairs = frame("pair_state", pair("JPM", "BAC", 2.0), pair("COF", "AXP", 1.0), pair("BK", "STT", 1.5), pair("GS", "MS", 2.5))
    tickets = frame(
        "ticket_snapshots",
        *(
            {"as_of_date": DAY, "status": status, "pair_id": name, "conviction": level, "strategy": strategy}
            for name, level, strategy, status in (
                ("JPM__BAC", 5, "Money-center reversion", "IN_FORCE"),
                ("COF__AXP", 3, "Card lag", "IN_FORCE"),
                ("COF__AXP", 5, "Money-center reversion", "IN_FORCE"),
                ("BK__STT", 4, "Custody reversion", "EXPIRED"),
                ("GS__MS", 4, None, "IN_FORCE"),
            )
        ),
    )
    state = frame("instrument_state", {"as_of_date": DAY, "symbol": "JPM", "vol_20": 0.252})
    rows, _ = instrument_scores(config, Path(), pairs, state, tickets, [DAY], ALL)
    heard = {
        name: set(rows.filter((pl.col("portfolio_id") == name) & (pl.col("confidence") > 0))["instrument_id"])
        for name in (first, second)
    }
    assert heard == {first: {"COF", "AXP"}, second: {"JPM", "BAC", "COF", "AXP", "BK", "STT", "GS", "MS"}}


def test_a_file_gives_the_newest_row_up_to_the_session_and_none_that_is_too_old(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("instrument,date,score,confidence\nJPM,2024-03-04,1,0.5\nJPM,2024-03-05,2,1\nBAC,2024-01-02,1,1\n")
    found = scores_of_file(path, CONFIG, [DAY, NEXT], ALL, horizon=20)
    assert found == {DAY: {"JPM": (1.0, 0.5)}, NEXT: {"JPM": (2.0, 1.0)}}


@pytest.mark.parametrize(
    ("row", "field"),
    [("JPN,2024-03-04,1,1", "instrument"), ("JPM,soon,1,1", "date"), ("JPM,2024-03-04,nan,1", "score"),
     ("JPM,2024-03-04,1,1.5", "confidence"), ("BAC,2024-03-04,2,1", "date")],
)  # fmt: skip
def test_an_unusable_value_is_told_with_its_line_and_field(tmp_path: Path, row: str, field: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(f"instrument,date,score,confidence\nBAC,2024-03-04,1,1\n{row}\n")
    with pytest.raises(InputError) as told:
        scores_of_file(path, CONFIG, [DAY], ALL, horizon=20)
    assert [(problem.line, problem.field) for problem in told.value.problems] == [(3, field)]


def parquet(path: Path, **columns: list[object]) -> Path:
    base: dict[str, list[object]] = {
        "instrument": ["JPM", "BAC"],
        "date": [DAY, DAY],
        "score": [1.5, -1.0],
        "confidence": [1.0, 0.5],
    }
    pl.DataFrame({**base, **columns}).write_parquet(path)
    return path


@pytest.mark.parametrize(
    "columns",
    [{}, {"date": ["2024-03-04", "2024-03-04"]}, {"date": [datetime(2024, 3, 4), datetime(2024, 3, 4)]},
     {"date": [datetime(2024, 3, 4, 21, tzinfo=UTC)] * 2}, {"comment": ["a column that means nothing to us", ""]}],
    ids=["dates", "text", "datetimes", "in-utc", "another-column"],
)  # fmt: skip
def test_a_parquet_file_says_what_a_csv_says(tmp_path: Path, columns: dict[str, list[object]]) -> None:
    path = parquet(tmp_path / "scores.parquet", **columns)
    found = scores_of_file(path, CONFIG, [DAY], ALL, horizon=20)
    assert found == {DAY: {"BAC": (-1.0, 0.5), "JPM": (1.5, 1.0)}}
    text = tmp_path / "scores.csv"
    text.write_text("instrument,date,score,confidence\nBAC,2024-03-04,-1,0.5\nJPM,2024-03-04,1.5,1\n")
    assert scores_of_file(text, CONFIG, [DAY], ALL, horizon=20) == found


@pytest.mark.parametrize(
    ("columns", "says"),
    [({"score": [1.5, None]}, "row 2: None is not a number"), ({"score": [True, False]}, "row 1: True is not a number"),
     ({"instrument": ["JPM", "JPN"]}, "row 2: 'JPN' is not in the universe"),
     ({"confidence": [0.5, float("nan")]}, "row 2: nan")],
    ids=["null", "booleans", "unknown", "nan"],
)  # fmt: skip
def test_an_unusable_value_of_a_parquet_file_is_told_with_its_row(
    tmp_path: Path, columns: dict[str, list[object]], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        scores_of_file(parquet(tmp_path / "scores.parquet", **columns), CONFIG, [DAY], ALL, horizon=20)


@pytest.mark.parametrize("name", ["scores.parquet", "scores.csv", "scores.xlsx", "absent.csv"])
def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name != "absent.csv":
        path.write_bytes(b"PAR1 \xff\x00 neither the one nor the other")
    with pytest.raises(InputError, match=name):
        scores_of_file(path, CONFIG, [DAY], ALL, horizon=20)


def test_every_byte_flipped_in_a_parquet_file_ends_in_scores_or_in_a_sentence(tmp_path: Path) -> None:
    path = parquet(tmp_path / "scores.parquet")
    raw, refused = path.read_bytes(), 0
    for place in range(0, len(raw), 11):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x5A]) + raw[place + 1 :])
        try:
            scores_of_file(path, CONFIG, [DAY], ALL, horizon=20)
        except InputError:
            refused += 1
    assert refused > 0
