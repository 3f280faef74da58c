from __future__ import annotations

import contextlib
import shutil
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.market.files import FilesVendor

FIRST, LAST = date(2024, 3, 4), date(2024, 3, 28)
HEADER = "symbol,date,open,high,low,close,adj_close,volume"
JPM = "JPM,2024-03-20,195.5,197.0,195.0,196.62,195.1,8000000"
BAC = "BAC,2024-03-20,36.5,37.0,36.0,36.82,36.4,40000000"


def write(folder: Path, name: str, *lines: str, ending: str = "\n", start: str = "") -> Path:
    path = folder / name
    path.write_bytes((start + ending.join((HEADER, *lines)) + ending).encode())
    return path


def read(folder: Path, calendar: SessionCalendar, *symbols: str) -> pl.DataFrame:
    return FilesVendor(folder, calendar).bars(symbols or ("JPM", "BAC"), FIRST, LAST)


def problems(folder: Path, calendar: SessionCalendar, *symbols: str) -> list[tuple[str, int | None, str, str]]:
    with pytest.raises(InputError) as caught:
        read(folder, calendar, *symbols)
    return [(Path(p.file).name, p.line, p.field, p.message) for p in caught.value.problems]


def test_csv_and_parquet_give_the_same_bars(tmp_path: Path, calendar: SessionCalendar) -> None:
    (tmp_path / "csv").mkdir()
    (tmp_path / "parquet").mkdir()
    source = write(tmp_path / "csv", "bars.csv", JPM, BAC)
    pl.read_csv(source, try_parse_dates=True).write_parquet(tmp_path / "parquet" / "bars.parquet")
    from_csv = read(tmp_path / "csv", calendar)
    assert from_csv.equals(read(tmp_path / "parquet", calendar))
    assert dict(from_csv.schema) == TABLES["daily_bars"].schema
    assert from_csv.rows() == [
        ("BAC", date(2024, 3, 20), 36.5, 37.0, 36.0, 36.82, 36.4, 40_000_000, "FILES"),
        ("JPM", date(2024, 3, 20), 195.5, 197.0, 195.0, 196.62, 195.1, 8_000_000, "FILES"),
    ]


def test_a_bom_crlf_other_columns_spaces_and_another_order_do_no_harm(tmp_path: Path, calendar: SessionCalendar) -> None:
    write(tmp_path, "a.csv", JPM, ending="\r\n", start="\ufeff")
    (tmp_path / "b.csv").write_text(
        "volume,note,close,adj_close,low,high,open,date,symbol\n 4.0e7 ,x, 36.82,36.4,36,37,36.5, 2024-03-20 ,BAC\n"
    )
    assert read(tmp_path, calendar).select("symbol", "close", "volume").rows() == [
        ("BAC", 36.82, 40_000_000),
        ("JPM", 196.62, 8_000_000),
    ]


def test_other_files_and_other_symbols_disturb_nothing(tmp_path: Path, calendar: SessionCalendar) -> None:
    write(tmp_path, "bars.csv", JPM, "ODD,not a date,x,y,z,,,-1")
    (tmp_path / "README.md").write_text("# bars")
    (tmp_path / "notes.csv").write_text("who,what\nme,nothing\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "vix.csv").write_text("symbol,date,close\n^VIX,2024-03-20,13.04\n^VIX,2024-03-23,13.1\n")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / ".hidden.csv").write_text(f"{HEADER}\nJPM,2024-03-21,x,x,x,x,x,x\n")
    vendor = FilesVendor(tmp_path, calendar)
    assert vendor.bars(["JPM"], FIRST, LAST).height == 1
    index = vendor.volatility_index("^VIX", FIRST, LAST)
    assert index.rows() == [(date(2024, 3, 20), "^VIX", 13.04, "FILES")]  # 2024-03-23 is a Saturday
    assert vendor.volatility_index("^VXN", FIRST, LAST).is_empty()


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("JPM,2024-03-21,,1,1,1,1,1", "open", "None"),
        ("JPM,2024-03-21,1,NaN,1,1,1,1", "high", "'NaN'"),
        ("JPM,2024-03-21,1,1,inf,1,1,1", "low", "'inf'"),
        ("JPM,2024-03-21,1,1,1,$1,1,1", "close", "'$1'"),
        ("JPM,2024-03-21,1,1,1,1,\"1,5\",1", "adj_close", "'1,5'"),
        ("JPM,2024-03-21,1,1,1,1,1,-1", "volume", "'-1'"),
        ("JPM,2024-03-21,1,1,1,1,1,true", "volume", "'true'"),
        ("JPM,21/03/2024,1,1,1,1,1,1", "date", "'21/03/2024'"),
        ("JPM,2024-02-30,1,1,1,1,1,1", "date", "'2024-02-30'"),
        ("JPM,,1,1,1,1,1,1", "date", "None"),
    ],
)  # fmt: skip
def test_an_unusable_value_names_file_row_and_column(
    tmp_path: Path, calendar: SessionCalendar, line: str, field: str, value: str
) -> None:
    write(tmp_path, "bars.csv", BAC, JPM, line)
    assert problems(tmp_path, calendar) == [("bars.csv", 4, field, f"row 4 holds {value}")]


def test_a_null_in_parquet_names_its_row(tmp_path: Path, calendar: SessionCalendar) -> None:
    table = pl.read_csv(write(tmp_path, "bars.csv", JPM, BAC), try_parse_dates=True)
    (tmp_path / "bars.csv").unlink()
    table.with_columns(close=pl.when(pl.col("symbol") == "JPM").then("close")).write_parquet(tmp_path / "bars.parquet")
    assert problems(tmp_path, calendar) == [("bars.parquet", 2, "close", "row 2 holds None")]


def test_a_date_with_a_time_is_refused_unless_it_is_midnight(tmp_path: Path, calendar: SessionCalendar) -> None:
    table = pl.read_csv(write(tmp_path, "bars.csv", JPM), try_parse_dates=True)
    (tmp_path / "bars.csv").unlink()
    for zone in (None, "America/New_York"):
        midnight = pl.lit(datetime(2024, 3, 20)).dt.replace_time_zone(zone)
        table.with_columns(date=midnight).write_parquet(tmp_path / "bars.parquet")
        assert read(tmp_path, calendar)["as_of_date"].to_list() == [date(2024, 3, 20)]
        table.with_columns(date=midnight + pl.duration(hours=16)).write_parquet(tmp_path / "bars.parquet")
        assert problems(tmp_path, calendar)[0][:3] == ("bars.parquet", 1, "date")


def test_the_same_bar_in_two_files_counts_once_and_a_different_one_is_refused(
    tmp_path: Path, calendar: SessionCalendar
) -> None:
    write(tmp_path, "a.csv", JPM, BAC)
    write(tmp_path, "b.csv", JPM)
    assert read(tmp_path, calendar).height == 2
    write(tmp_path, "b.csv", BAC, JPM.replace("196.62", "196.63"))
    assert problems(tmp_path, calendar) == [
        (tmp_path.name, None, "JPM 2024-03-20", "different bars in a.csv row 2 and b.csv row 3")
    ]


def test_a_folder_that_is_none_or_holds_nothing_useful_is_refused(tmp_path: Path, calendar: SessionCalendar) -> None:
    assert problems(tmp_path / "absent", calendar)[0][2:] == ("PRICES_DIR", "is not a folder")
    assert problems(tmp_path, calendar)[0][3] == "holds no file of bars"
    write(tmp_path, "bars.csv", JPM)
    assert "none of the symbols WFC" in problems(tmp_path, calendar, "WFC")[0][3]


def test_a_half_written_or_mangled_file_is_refused_by_name(tmp_path: Path, calendar: SessionCalendar) -> None:
    table = pl.read_csv(write(tmp_path, "bars.csv", JPM), try_parse_dates=True)
    table.write_parquet(tmp_path / "whole.parquet")
    raw = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "whole.parquet").unlink()
    (tmp_path / "half.parquet").write_bytes(raw[: len(raw) // 2])
    assert problems(tmp_path, calendar)[0][0] == "half.parquet"
    for place in range(0, len(raw), 25):
        (tmp_path / "half.parquet").write_bytes(raw[:place] + bytes([raw[place] ^ 0x5A]) + raw[place + 1 :])
        with contextlib.suppress(InputError):  # a flip may go unseen in a foreign file, but nothing else may come of it
            read(tmp_path, calendar)
    (tmp_path / "half.parquet").unlink()
    (tmp_path / "latin.csv").write_bytes((HEADER + "\nJPM,2024-03-21,1,1,1,1,1,1\u00e9\n").encode("latin-1"))
    assert problems(tmp_path, calendar)[0][0] == "latin.csv"


def test_a_file_that_changes_is_seen(tmp_path: Path, calendar: SessionCalendar) -> None:
    write(tmp_path, "bars.csv", JPM)
    vendor = FilesVendor(tmp_path, calendar)
    assert vendor.bars(["JPM"], FIRST, LAST).height == 1
    write(tmp_path, "bars.csv", JPM, JPM.replace("-20", "-21"))
    assert vendor.bars(["JPM"], FIRST, LAST).height == 2


def test_the_shared_folder_is_read_whole(real_bars: Path, calendar: SessionCalendar, universe: Universe) -> None:
    # DATA.md: 24 names x 2,766 sessions = 66,384 bars; KRE and XLF end on 2024-04-11.
    vendor = FilesVendor(real_bars, calendar)
    bars = vendor.bars(universe.watched, date(2015, 1, 1), date(2025, 12, 31))
    assert bars.filter(pl.col("symbol").is_in(list(universe.tradable))).height == 66_384
    ends = dict(bars.group_by("symbol").agg(pl.col("as_of_date").max()).rows())
    assert {symbol: end for symbol, end in ends.items() if end != date(2025, 12, 31)} == dict.fromkeys(
        ["KRE", "XLF"], date(2024, 4, 11)
    )
    index = vendor.volatility_index("^VIX", date(2015, 1, 1), date(2025, 12, 31))
    assert set(index["as_of_date"]) <= set(calendar.between(date(2015, 1, 1), date(2025, 12, 31)))
    assert index.height > 2_750
    alone = vendor.bars(universe.watched, date(2020, 3, 16), date(2020, 3, 16))
    assert alone.equals(bars.filter(pl.col("as_of_date") == date(2020, 3, 16)))


def test_a_copy_of_the_shared_folder_under_other_file_names_gives_the_same_bars(
    tmp_path: Path, real_bars: Path, calendar: SessionCalendar
) -> None:
    for number, path in enumerate(sorted(real_bars.glob("*.parquet"), reverse=True)):
        shutil.copyfile(path, tmp_path / f"{number}.parquet")
    wanted = (["JPM", "SIVB"], date(2023, 3, 1), date(2023, 3, 31))
    assert FilesVendor(tmp_path, calendar).bars(*wanted).equals(FilesVendor(real_bars, calendar).bars(*wanted))
