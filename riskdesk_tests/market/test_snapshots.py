from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.market.parquet_file import write_parquet
from riskdesk_assets.market.replays import REPLAY_SCHEMA, no_replays
from riskdesk_assets.market.snapshots import (
    INDEX,
    Snapshot,
    day_digests,
    find_snapshot,
    read_members,
    read_snapshot,
    require_one_source,
    write_snapshot,
)
from riskdesk_tests.market.bar_rows import frame, index_frame, plain_rows
from riskdesk_tests.market.fmp_stub import weekday_calendar

FIRST, LAST = date(2024, 3, 4), date(2024, 3, 28)
CALENDAR = weekday_calendar()


@pytest.fixture
def bars() -> pl.DataFrame:
    return frame([*plain_rows(CALENDAR, "JPM", FIRST, LAST), *plain_rows(CALENDAR, "BAC", FIRST, LAST)])


@pytest.fixture
def index() -> pl.DataFrame:
    return index_frame([(day, 13.0 + day.day / 100) for day in CALENDAR.between(FIRST, LAST)])


@pytest.fixture
def stored(tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame) -> Snapshot:
    return write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES")


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_is_written_is_read_back_and_named_by_its_content(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, stored: Snapshot
) -> None:
    assert stored == Snapshot(stored.snapshot_id, FIRST, LAST, "FILES", ("BAC", "JPM"))
    assert len(stored.snapshot_id) == 64
    read_bars, read_index = read_snapshot(tmp_path, stored.snapshot_id)
    assert read_bars.equals(bars.select(read_bars.columns).sort("as_of_date", "symbol"))
    assert read_index.equals(index.select(read_index.columns))


def test_the_same_content_in_another_order_of_rows_changes_no_byte(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, stored: Snapshot
) -> None:
    before = everything(tmp_path)
    again = write_snapshot(tmp_path, bars.reverse(), index.reverse(), FIRST, LAST, "FILES")
    assert again == stored
    assert everything(tmp_path) == before


def test_a_restated_price_is_another_snapshot_and_the_first_stays(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, stored: Snapshot
) -> None:
    before = everything(tmp_path / stored.snapshot_id)
    restated = bars.with_columns(pl.col("adj_close") * (1 - 1e-12))
    other = write_snapshot(tmp_path, restated, index, FIRST, LAST, "FILES")
    assert other.snapshot_id != stored.snapshot_id
    assert everything(tmp_path / stored.snapshot_id) == before
    assert find_snapshot(tmp_path, FIRST, LAST, ["JPM"]) == other
    assert write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES") == stored
    assert find_snapshot(tmp_path, FIRST, LAST, ["JPM"]) == stored, "what was written last is the newest"


def test_a_snapshot_is_found_when_it_covers_range_and_symbols(tmp_path: Path, stored: Snapshot) -> None:
    assert find_snapshot(tmp_path, FIRST, LAST, ["JPM", "BAC"]) == stored
    assert find_snapshot(tmp_path, date(2024, 3, 11), date(2024, 3, 12), []) == stored
    assert find_snapshot(tmp_path, date(2024, 3, 1), LAST, ["JPM"]) is None
    assert find_snapshot(tmp_path, FIRST, date(2024, 3, 29), ["JPM"]) is None
    assert find_snapshot(tmp_path, FIRST, LAST, ["WFC"]) is None
    assert find_snapshot(tmp_path / "absent", FIRST, LAST, []) is None


@pytest.fixture
def replays() -> pl.DataFrame:
    rows = [("lehman", day, "JPM", price, "FILES") for day, price in ((date(2008, 9, 12), 41.2), (date(2008, 9, 29), 41.0))]
    return pl.DataFrame(rows, schema=dict(REPLAY_SCHEMA), orient="row")


def test_replays_are_a_member_of_the_snapshot_and_read_back_as_written(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, stored: Snapshot, replays: pl.DataFrame
) -> None:
    with_them = write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES", replays.reverse())
    assert with_them.snapshot_id != stored.snapshot_id
    assert read_members(tmp_path, with_them.snapshot_id)[2].equals(replays)
    assert read_snapshot(tmp_path, with_them.snapshot_id)[0].equals(read_snapshot(tmp_path, stored.snapshot_id)[0])
    restated = replays.with_columns(pl.col("adj_close") * (1 - 1e-12))
    assert write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES", restated).snapshot_id != with_them.snapshot_id


def test_a_snapshot_from_before_there_were_replays_keeps_its_name_and_has_none(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, stored: Snapshot
) -> None:
    assert "replays.parquet" not in {path.name for path in (tmp_path / stored.snapshot_id).iterdir()}
    assert read_members(tmp_path, stored.snapshot_id)[2].equals(no_replays())
    assert write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES", no_replays()) == stored


def test_a_flipped_or_lost_byte_of_the_replays_is_found_by_name_and_mended_by_the_same_content(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, replays: pl.DataFrame
) -> None:
    stored = write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES", replays)
    path = tmp_path / stored.snapshot_id / "replays.parquet"
    raw = path.read_bytes()
    path.chmod(0o644)
    step = max(1, len(raw) // 40)
    for place in range(0, len(raw), step):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x5A]) + raw[place + 1 :])
        with pytest.raises(StateError, match=r"replays\.parquet is damaged"):
            read_members(tmp_path, stored.snapshot_id)
    path.unlink()
    with pytest.raises(StateError, match=r"replays\.parquet is missing"):
        read_members(tmp_path, stored.snapshot_id)
    assert write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES", replays) == stored
    assert read_members(tmp_path, stored.snapshot_id)[2].equals(replays)


def test_replays_that_vanish_with_their_checksum_do_not_fit_the_name(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, replays: pl.DataFrame
) -> None:
    stored = write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES", replays)
    checksums = tmp_path / stored.snapshot_id / "checksums.json"
    kept = {name: value for name, value in json.loads(checksums.read_text()).items() if name != "replays.parquet"}
    checksums.chmod(0o644)
    checksums.write_text(json.dumps(kept))
    with pytest.raises(StateError, match="does not match its name"):
        read_members(tmp_path, stored.snapshot_id)


def test_replays_of_another_source_are_refused(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, replays: pl.DataFrame
) -> None:
    with pytest.raises(StateError, match="FMP bars; FILES bars never mix"):
        write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES", replays.with_columns(source=pl.lit("FMP")))


def delete_a_file(folder: Path) -> None:
    (folder / "volatility.parquet").unlink()


def cut_a_file(folder: Path) -> None:
    raw = (folder / "bars.parquet").read_bytes()
    (folder / "bars.parquet").chmod(0o644)
    (folder / "bars.parquet").write_bytes(raw[: len(raw) // 2])


def change_a_price(folder: Path) -> None:
    table = pl.read_parquet(folder / "bars.parquet")
    (folder / "bars.parquet").chmod(0o644)
    table.with_columns(close=pl.col("close") + 0.01).write_parquet(folder / "bars.parquet")


def swap_both_files_of_another_snapshot(folder: Path) -> None:
    table = pl.read_parquet(folder / "bars.parquet").with_columns(close=pl.col("close") + 0.01)
    for path in folder.iterdir():
        path.chmod(0o644)
    checksums = {
        "bars.parquet": write_parquet(folder / "bars.parquet", table),
        "volatility.parquet": digest_file(folder / "volatility.parquet"),
    }
    (folder / "checksums.json").write_text(json.dumps(checksums))


def spoil_the_checksums(folder: Path) -> None:
    (folder / "checksums.json").chmod(0o644)
    (folder / "checksums.json").write_text("[]")


def drop_a_column(folder: Path) -> None:
    table = pl.read_parquet(folder / "volatility.parquet")
    (folder / "volatility.parquet").chmod(0o644)
    table.drop("source").write_parquet(folder / "volatility.parquet")


@pytest.mark.parametrize(
    "damage",
    [delete_a_file, cut_a_file, change_a_price, drop_a_column, spoil_the_checksums, swap_both_files_of_another_snapshot],
)
def test_damage_is_detected_named_and_mended_only_by_the_same_content(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, stored: Snapshot, damage: Callable[[Path], None]
) -> None:
    damage(tmp_path / stored.snapshot_id)
    with pytest.raises(StateError, match=stored.snapshot_id):
        read_snapshot(tmp_path, stored.snapshot_id)
    assert write_snapshot(tmp_path, bars, index, FIRST, LAST, "FILES") == stored
    assert read_snapshot(tmp_path, stored.snapshot_id)[0].height == bars.height
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([INDEX, stored.snapshot_id])


def test_every_flipped_byte_of_the_bars_is_detected(tmp_path: Path, stored: Snapshot) -> None:
    path = tmp_path / stored.snapshot_id / "bars.parquet"
    raw = path.read_bytes()
    path.chmod(0o644)
    detected = 0
    for place in range(0, len(raw), max(1, len(raw) // 60)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x5A]) + raw[place + 1 :])
        try:
            read_snapshot(tmp_path, stored.snapshot_id)
        except StateError:
            detected += 1
    assert detected == len(range(0, len(raw), max(1, len(raw) // 60)))


def test_a_line_torn_by_a_crash_is_left_out_and_the_next_one_is_whole(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame, stored: Snapshot
) -> None:
    with (tmp_path / INDEX).open("a") as log:
        log.write('{"first":"2024-03-04","last":"2024-')
    assert find_snapshot(tmp_path, FIRST, LAST, []) == stored
    later = write_snapshot(tmp_path, bars.head(5), index, FIRST, LAST, "FILES")
    assert find_snapshot(tmp_path, FIRST, LAST, []) == later


def test_a_process_killed_while_writing_leaves_no_snapshot_and_the_next_write_completes(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame
) -> None:
    bars.write_parquet(tmp_path / "in.parquet")
    index.write_parquet(tmp_path / "index.parquet")
    script = (
        "import os, sys, polars as pl\nfrom datetime import date\nfrom pathlib import Path\n"
        "from riskdesk_assets.market import snapshots\n"
        "real, calls = snapshots.write_parquet, []\n"
        "def dying(path, frame):\n"
        "    if calls: os._exit(9)\n"
        "    calls.append(1)\n"
        "    return real(path, frame)\n"
        "snapshots.write_parquet = dying\n"
        "here = Path(sys.argv[1])\n"
        "snapshots.write_snapshot(here / 'kept', pl.read_parquet(here / 'in.parquet'), pl.read_parquet(here / 'index.parquet'),"
        " date(2024, 3, 4), date(2024, 3, 28), 'FILES')\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 9
    assert find_snapshot(tmp_path / "kept", FIRST, LAST, []) is None
    stored = write_snapshot(tmp_path / "kept", bars, index, FIRST, LAST, "FILES")
    assert read_snapshot(tmp_path / "kept", stored.snapshot_id)[0].height == bars.height


def test_rows_of_another_source_or_outside_the_range_are_refused(
    tmp_path: Path, bars: pl.DataFrame, index: pl.DataFrame
) -> None:
    with pytest.raises(StateError, match="FILES bars; FMP bars never mix"):
        write_snapshot(tmp_path, bars, index, FIRST, LAST, "FMP")
    with pytest.raises(StateError, match="cannot hold a row of 2024-03-04"):
        write_snapshot(tmp_path, bars, index, date(2024, 3, 5), LAST, "FILES")
    assert list(tmp_path.iterdir()) == []


def test_a_day_s_digest_depends_on_its_own_rows_only(bars: pl.DataFrame, index: pl.DataFrame) -> None:
    whole = day_digests(bars, index)
    day = date(2024, 3, 20)
    one = pl.col("as_of_date") == day
    assert day_digests(bars.filter(one), index.filter(one)) == {day: whole[day]}
    assert day_digests(bars.reverse(), index.reverse()) == whole
    assert len(set(whole.values())) == len(whole) == 19


@pytest.mark.parametrize("column", ["open", "close", "adj_close", "volume", "source", "symbol"])
def test_a_day_s_digest_changes_with_each_column(bars: pl.DataFrame, index: pl.DataFrame, column: str) -> None:
    day = date(2024, 3, 20)
    here = (pl.col("as_of_date") == day) & (pl.col("symbol") == "JPM")
    other = pl.lit("OTHER") if column in {"source", "symbol"} else pl.col(column) + 1
    changed = day_digests(bars.with_columns(pl.when(here).then(other).otherwise(pl.col(column)).alias(column)), index)
    whole = day_digests(bars, index)
    assert {day for day in whole if whole[day] != changed[day]} == {day}
    moved = index.with_columns(close=pl.when(pl.col("as_of_date") == day).then(99.0).otherwise("close"))
    assert {day for day in whole if whole[day] != day_digests(bars, moved)[day]} == {day}


def test_sources_never_mix_and_the_error_says_what_to_do() -> None:
    require_one_source(set(), "SIMULATED")
    require_one_source({"FMP"}, "FMP")
    with pytest.raises(
        StateError, match=r"this warehouse holds SIMULATED bars; FILES bars never mix with them: use another DATA_DIR"
    ):
        require_one_source({"SIMULATED"}, "FILES")
    with pytest.raises(StateError, match="holds FMP and SIMULATED bars"):
        require_one_source({"SIMULATED", "FMP"}, "FILES")
