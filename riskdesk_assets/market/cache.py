"""What the vendor answered, kept per symbol as Parquet, and a log of every pull. The desk computes from snapshots only.

- A pull that fails changes no file but the log.
- A vendor restates all past adj_close at every dividend, so rows of two pulls may not fit together: each row carries the
  number of the pull whose prices it agrees with (``basis``), and only rows of one basis are ever served together.
- A range is served from here, without a call, only when every session of it is present on one basis and it ends before the
  newest closed session. When a call fails nothing is served: a stale price is never mistaken for a fresh one.
- An answer without a single row is remembered in the log; how long it stands is the vendor's to say.
- A file counts only while its checksum stands in the log: one that was damaged or half replaced is simply pulled again.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import quote

import polars as pl

from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.market.append_log import append_record, read_records
from riskdesk_assets.market.parquet_file import write_parquet
from riskdesk_assets.market.vendor import VendorError

PULL_LOG = "pull_log.jsonl"
BASIS = "basis"
_EMPTY, _STORED = "empty", "stored"


@dataclass(frozen=True)
class Pull:
    """One request for a symbol's range: ``kind`` is the table it serves (daily_bars or volatility_index)."""

    kind: str
    symbol: str
    first: date
    last: date


class RawCache:
    """Raw answers below one folder: ``<kind>/<symbol>.parquet`` and pull_log.jsonl."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log_size = -1
        self._checksums: dict[tuple[str, str], str] = {}
        self._nothing: dict[Pull, datetime] = {}

    def path(self, pull: Pull) -> Path:
        """The file of a symbol; characters a file name should not hold (^VIX) are percent-encoded."""
        return self._folder / pull.kind / f"{quote(pull.symbol, safe='')}.parquet"

    def covering(self, pull: Pull, sessions: tuple[date, ...]) -> pl.DataFrame | None:
        """The cached rows of the range when every session is there on one basis; None otherwise."""
        kept = self._read(pull)
        if kept is None or not sessions:
            return None
        rows = kept.filter(pl.col("as_of_date").is_between(pull.first, pull.last))
        whole = set(sessions) <= set(rows.get_column("as_of_date").to_list())
        return rows.drop(BASIS) if whole and rows.get_column(BASIS).n_unique() == 1 else None

    def had_nothing(self, pull: Pull, since: datetime) -> bool:
        """The newest answer to exactly this pull was an empty one, and was given at ``since`` (timezone-aware) or later."""
        self._read_log()
        when = self._nothing.get(pull)
        return when is not None and when >= since

    def store(self, pull: Pull, endpoint: str, fresh: pl.DataFrame, sessions: tuple[date, ...], when: datetime) -> None:
        """Merge a pull into the symbol's file, its values winning, and log it.

        Args:
            pull: what was asked.
            endpoint: which endpoint answered.
            fresh: column as_of_date and the vendor's values; may be empty.
            sessions: the calendar's sessions in the range.
            when: time of the pull, timezone-aware.

        Raises:
            VendorError: the answer lacks sessions that an earlier answer had; the file is left as it is.
        """
        kept = self._read(pull)
        if kept is not None:
            before = set(kept.get_column("as_of_date").to_list())
            lost = sorted((before & set(sessions)) - set(fresh.get_column("as_of_date").to_list()))
            if lost:
                text = (
                    f"{pull.symbol}: the vendor no longer gives {len(lost)} sessions it gave before ({lost[0]} to {lost[-1]})"
                )
                self.log(pull, endpoint, "refused: lost sessions", when)
                raise VendorError(f"{text}: pull again later, or delete {self.path(pull)} to accept it")
        if fresh.is_empty():
            self.log(pull, endpoint, _EMPTY, when)
            return
        path = self.path(pull)
        merged = _merged(kept, fresh, pull)
        checksum = write_parquet(path, merged)
        self.log(pull, endpoint, _STORED, when, rows=fresh.height, checksum=checksum)

    def log(
        self, pull: Pull, endpoint: str, outcome: str, when: datetime, *, rows: int = 0, checksum: str | None = None
    ) -> None:  # fmt: skip
        """Append one line: when, what was asked of which endpoint, how many rows came, the file's checksum, the outcome."""
        append_record(
            self._folder / PULL_LOG,
            {
                "when": when.isoformat(),
                "endpoint": endpoint,
                "kind": pull.kind,
                "symbol": pull.symbol,
                "first": pull.first.isoformat(),
                "last": pull.last.isoformat(),
                "rows": rows,
                "sha256": checksum,
                "outcome": outcome,
            },
        )

    def _read(self, pull: Pull) -> pl.DataFrame | None:
        path = self.path(pull)
        if not path.is_file():
            return None
        return pl.read_parquet(path) if digest_file(path) == self._checksum(pull) else None

    def _checksum(self, pull: Pull) -> str | None:
        """The checksum the log vouches for."""
        self._read_log()
        return self._checksums.get((pull.kind, pull.symbol))

    def _read_log(self) -> None:
        """What the log says, read again only when it has grown."""
        log = self._folder / PULL_LOG
        size = log.stat().st_size if log.is_file() else 0
        if size == self._log_size:
            return
        self._checksums, self._nothing = {}, {}
        for record in read_records(log):
            kind, symbol = str(record.get("kind")), str(record.get("symbol"))
            if record.get("sha256"):
                self._checksums[kind, symbol] = str(record["sha256"])
            if record.get("outcome") in (_EMPTY, _STORED):
                # A line somebody mangled vouches for nothing.
                with contextlib.suppress(ValueError):
                    days = (date.fromisoformat(str(record.get(field))) for field in ("first", "last"))
                    pull, when = Pull(kind, symbol, *days), datetime.fromisoformat(str(record.get("when")))
                    self._nothing.pop(pull, None)
                    if record["outcome"] == _EMPTY and when.tzinfo is not None:
                        self._nothing[pull] = when
        self._log_size = size


def _merged(kept: pl.DataFrame | None, fresh: pl.DataFrame, pull: Pull) -> pl.DataFrame:
    """Old rows outside the pulled range and the new ones; old rows join the new basis when both agree where they overlap."""
    if kept is None:
        return fresh.with_columns(pl.lit(1, dtype=pl.Int64).alias(BASIS)).sort("as_of_date")
    newest = int(kept.get_column(BASIS).to_numpy().max()) + 1
    stamped = fresh.with_columns(pl.lit(newest, dtype=pl.Int64).alias(BASIS))
    outside = kept.filter(~pl.col("as_of_date").is_between(pull.first, pull.last))
    overlap = kept.join(stamped, on="as_of_date", suffix="_new")
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_new") for name in ("close", "adj_close") if name in kept.columns)
    for basis in overlap.get_column(BASIS).unique().sort().to_list():
        if overlap.filter(pl.col(BASIS) == basis).select(same.all()).item():
            on_this = pl.when(pl.col(BASIS) == basis).then(newest).otherwise(pl.col(BASIS))
            outside = outside.with_columns(on_this.cast(pl.Int64).alias(BASIS))
    return pl.concat([outside, stamped.select(outside.columns)]).sort("as_of_date")
