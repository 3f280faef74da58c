"""Immutable, content-addressed copies of the bars a run read, so that it can be replayed after the vendor restates them.

A snapshot is a folder named by the hash of its content, with bars.parquet, volatility.parquet, replays.parquet where there are
replays, and the checksums of these files in it; index.jsonl says, one line each, which range and symbols it holds. Nothing
here is ever changed, and nothing is believed unless its hash agrees: a file's bytes are checked before they are parsed, for a
damaged one can end the parser's process.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.hashing import canonical_json, digest, digest_bytes, digest_frame
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.append_log import append_record, read_records
from riskdesk_assets.market.parquet_file import write_parquet
from riskdesk_assets.market.replays import REPLAY_KEY, conform_replays, no_replays

INDEX = "index.jsonl"
_RESTORE = (
    "restore the snapshot folder from a backup, or pull the range again (the run that read it cannot be replayed without it)"
)
_CHECKSUMS = "checksums.json"
_MEMBERS = ("bars.parquet", "volatility.parquet")
_REPLAYS = "replays.parquet"
_BARS = TABLES["daily_bars"]
_VOLATILITY = TABLES["volatility_index"]


@dataclass(frozen=True)
class Snapshot:
    """One stored snapshot: the hash of its content, the range and symbols asked for, and where its bars came from."""

    snapshot_id: str
    first: date
    last: date
    source: str
    symbols: tuple[str, ...]


def write_snapshot(
    folder: Path,
    bars: pl.DataFrame,
    volatility: pl.DataFrame,
    first: date,
    last: date,
    source: str,
    replays: pl.DataFrame | None = None,
) -> Snapshot:
    """Store bars and volatility index under the hash of their content; the same content again changes nothing.

    Args:
        folder: where snapshots are kept.
        bars: TABLES["daily_bars"]; the snapshot's symbols are those with a bar.
        volatility: TABLES["volatility_index"]; may be empty.
        first: first day asked for.
        last: last day asked for.
        source: FMP, FILES or SIMULATED.
        replays: market.replays.REPLAY_SCHEMA, days of scenarios from history, of any date; none when left out.

    Raises:
        StateError: rows of another source, or outside the range.
    """
    bars, volatility = _BARS.conform(bars), _VOLATILITY.conform(volatility)
    _require_consistent(bars, volatility, first, last, source)
    past = no_replays() if replays is None else conform_replays(replays)
    require_one_source(set(past.get_column("source").to_list()), source)
    snapshot_id = _content_hash(bars, volatility, past)
    symbols = tuple(bars.get_column("symbol").unique().sort().to_list())
    snapshot = Snapshot(snapshot_id, first, last, source, symbols)
    if not _intact(folder, snapshot_id):
        _store(folder, snapshot_id, bars, volatility, past)
    if find_snapshot(folder, first, last, ()) != snapshot:
        append_record(
            folder / INDEX,
            {
                "snapshot_id": snapshot_id,
                "first": first.isoformat(),
                "last": last.isoformat(),
                "source": source,
                "symbols": list(symbols),
            },
        )
    return snapshot


def find_snapshot(folder: Path, first: date, last: date, symbols: Iterable[str]) -> Snapshot | None:
    """The newest snapshot in the index that holds every symbol and was asked for at least ``first`` to ``last``."""
    wanted = set(symbols)
    for snapshot in reversed(_index(folder)):
        if snapshot.first <= first and snapshot.last >= last and wanted <= set(snapshot.symbols):
            return snapshot
    return None


def read_snapshot(folder: Path, snapshot_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars and volatility index of a snapshot, exactly as written.

    Raises:
        StateError: a file of it is missing or damaged; names the file and says what to do.
    """
    bars, volatility, _ = read_members(folder, snapshot_id)
    return bars, volatility


def read_members(folder: Path, snapshot_id: str) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Bars, volatility index and replays of a snapshot; one written without replays has none.

    Raises:
        StateError: a file of it is missing or damaged; names the file and says what to do.
    """
    place = folder / snapshot_id
    checksums = _checksums(place)
    bars, volatility = (pl.read_parquet(_sound_bytes(place / name, checksums.get(name))) for name in _MEMBERS)
    replays = pl.read_parquet(_sound_bytes(place / _REPLAYS, checksums[_REPLAYS])) if _REPLAYS in checksums else no_replays()
    if _content_hash(bars, volatility, replays) != snapshot_id:
        raise StateError(f"{place}: the content does not match its name: a file in it was changed: {_RESTORE}")
    return bars, volatility, replays


def _checksums(place: Path) -> dict[str, str]:
    path = place / _CHECKSUMS
    try:
        stored = json.loads(path.read_bytes())
    except OSError as error:
        raise StateError(f"{path} is missing ({type(error).__name__}): {_RESTORE}") from error
    except ValueError as error:
        raise StateError(f"{path} is damaged: {_RESTORE}") from error
    if not isinstance(stored, dict):
        raise StateError(f"{path} is damaged: {_RESTORE}")
    return stored


def _sound_bytes(path: Path, checksum: str | None) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StateError(f"{path} is missing ({type(error).__name__}): {_RESTORE}") from error
    if digest_bytes(raw) != checksum:
        raise StateError(f"{path} is damaged (its bytes are not those written): {_RESTORE}")
    return raw


def day_digests(bars: pl.DataFrame, volatility: pl.DataFrame) -> dict[date, str]:
    """SHA-256 of each day's rows, bars and volatility index together; a day's digest does not depend on the other days.

    Args:
        bars: TABLES["daily_bars"], any order of rows.
        volatility: TABLES["volatility_index"], any order of rows.
    """
    hashers = {day: hashlib.sha256() for day in sorted({*bars.get_column("as_of_date"), *volatility.get_column("as_of_date")})}
    for table, frame, floats in (
        (_BARS, bars, ("open", "high", "low", "close", "adj_close")),
        (_VOLATILITY, volatility, ("close",)),
    ):
        rows = table.conform(frame)
        numbers = rows.select(floats).fill_null(float("nan")).to_numpy(order="c")
        integers = rows.get_column("volume").fill_null(-1).to_list() if "volume" in rows.columns else [0] * rows.height
        words = rows.select("symbol", "source").rows()
        ends = rows.group_by("as_of_date", maintain_order=True).len()
        start = 0
        for day, count in ends.rows():
            text = repr((table.name, words[start : start + count], integers[start : start + count]))
            hashers[day].update(text.encode())
            hashers[day].update(numbers[start : start + count].tobytes())
            start += count
    return {day: hasher.hexdigest() for day, hasher in hashers.items()}


def require_one_source(existing: Set[str], incoming: str) -> None:
    """Raise StateError unless a warehouse that holds bars of ``existing`` sources may take bars of ``incoming``."""
    others = sorted(existing - {incoming})
    if others:
        raise StateError(
            f"this warehouse holds {' and '.join(others)} bars; {incoming} bars never mix with them: use another DATA_DIR "
            f"for {incoming} bars, or go back to the vendor of the first (FMP_API_KEY for FMP, PRICES_DIR for FILES, "
            "neither for SIMULATED)"
        )


def _require_consistent(bars: pl.DataFrame, volatility: pl.DataFrame, first: date, last: date, source: str) -> None:
    for frame in (bars, volatility):
        require_one_source(set(frame.get_column("source").to_list()), source)
        outside = frame.filter(~pl.col("as_of_date").is_between(first, last))
        if not outside.is_empty():
            raise StateError(f"a snapshot of {first} to {last} cannot hold a row of {outside.get_column('as_of_date')[0]}")


def _content_hash(bars: pl.DataFrame, volatility: pl.DataFrame, replays: pl.DataFrame) -> str:
    """Hash of all members; without replays it is that of the two others, as before there were any."""
    parts = [digest_frame(_BARS.conform(bars), _BARS.key), digest_frame(_VOLATILITY.conform(volatility), _VOLATILITY.key)]
    if not replays.is_empty():
        parts.append(digest_frame(conform_replays(replays), REPLAY_KEY))
    return digest(parts)


def _intact(folder: Path, snapshot_id: str) -> bool:
    try:
        read_snapshot(folder, snapshot_id)
    except StateError:
        return False
    return True


def _store(folder: Path, snapshot_id: str, bars: pl.DataFrame, volatility: pl.DataFrame, replays: pl.DataFrame) -> None:
    """Write the members aside and move the folder into place in one step; a damaged one of that name gives way."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder, prefix=".writing-"))
    try:
        fresh = aside / "fresh"
        members = dict(zip(_MEMBERS, (bars, volatility), strict=True))
        if not replays.is_empty():
            members[_REPLAYS] = replays
        checksums = {name: write_parquet(fresh / name, frame) for name, frame in members.items()}
        (fresh / _CHECKSUMS).write_text(canonical_json(checksums))
        for member in fresh.iterdir():
            member.chmod(0o444)
        place = folder / snapshot_id
        if place.exists():
            place.rename(aside / "damaged")
        try:
            fresh.rename(place)
        except OSError:
            # Another process stored the same content first; anything but an intact copy is a real failure.
            if not _intact(folder, snapshot_id):
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _index(folder: Path) -> list[Snapshot]:
    """Snapshots of the index, oldest first."""
    found: list[Snapshot] = []
    for record in read_records(folder / INDEX):
        snapshot = _from_record(record)
        if snapshot is not None:
            found.append(snapshot)
    return found


def _from_record(record: dict[str, object]) -> Snapshot | None:
    symbols = record.get("symbols")
    words = [record.get(field) for field in ("snapshot_id", "first", "last", "source")]
    if not isinstance(symbols, list) or not all(isinstance(word, str) for word in (*words, *symbols)):
        return None
    snapshot_id, first, last, source = map(str, words)
    try:
        return Snapshot(snapshot_id, date.fromisoformat(first), date.fromisoformat(last), source, tuple(map(str, symbols)))
    except ValueError:
        return None
