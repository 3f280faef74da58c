"""Content hashes: the same content gives the same hex digest on any machine, in any order of keys or rows."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


def canonical_json(value: Any) -> str:
    """Text form with sorted keys, no spaces, shortest round-trip floats; NaN and infinity are refused (ValueError)."""
    return _CANONICAL.encode(value)


def digest(value: Any) -> str:
    """SHA-256 (64 hex digits) of the canonical JSON of a value."""
    return digest_bytes(canonical_json(value).encode())


def digest_bytes(raw: bytes) -> str:
    """SHA-256 (64 hex digits) of bytes."""
    return hashlib.sha256(raw).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 (64 hex digits) of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest_frame(frame: pl.DataFrame, sort_by: Sequence[str]) -> str:
    """SHA-256 over a frame's columns, types and values, rows sorted first; floats enter by their exact bits."""
    import polars as pl

    ordered = frame.sort(sort_by) if sort_by else frame
    hasher = hashlib.sha256(canonical_json([[name, str(dtype)] for name, dtype in ordered.schema.items()]).encode())
    for name, dtype in ordered.schema.items():
        column = ordered.get_column(name)
        if dtype == pl.Float64:
            hasher.update(column.is_null().to_numpy().tobytes())
            hasher.update(column.fill_null(0.0).to_numpy().tobytes())
        elif dtype.is_integer():
            hasher.update(column.is_null().to_numpy().tobytes())
            hasher.update(column.fill_null(0).cast(pl.Int64).to_numpy().tobytes())
        elif dtype == pl.Date:
            hasher.update(canonical_json(column.dt.to_string("%Y-%m-%d").to_list()).encode())
        elif dtype in (pl.String, pl.Boolean):
            hasher.update(canonical_json(column.to_list()).encode())
        else:
            hasher.update(canonical_json([_plain(item) for item in column.to_list()]).encode())
    return hasher.hexdigest()


def digests_by(frame: pl.DataFrame, by: str, sort_by: Sequence[str]) -> dict[Any, str]:
    """SHA-256 of the rows under each value of a column, hashed alike whatever other values the frame holds.

    Args:
        frame: whole numbers, floats (by their exact bits), dates, texts and booleans; any may be null.
        by: the column whose values tell the digests apart.
        sort_by: the order of the rows under one value; a frame's own order of rows says nothing.
    """
    import polars as pl
    import polars.selectors as cs

    ordered = frame.sort(by, *sort_by)
    if ordered.is_empty():
        return {}
    exact = ordered.select(cs.numeric() | cs.boolean() | cs.date())
    numbers = exact.select(
        *(pl.col(name).is_null().cast(pl.Int64).alias(f"{name} is null") for name in exact.columns),
        *(_whole_number(name, dtype) for name, dtype in exact.schema.items()),
    )
    texts = ordered.drop(exact.columns)
    words = ordered.select(texts=pl.struct(texts.columns).struct.json_encode() if texts.columns else pl.lit(""))
    packed, said = numbers.to_numpy(order="c"), words["texts"].to_list()
    heading = canonical_json([[name, str(dtype)] for name, dtype in ordered.schema.items()]).encode()
    found: dict[Any, str] = {}
    start = 0
    for value, count in ordered[by].rle().struct.unnest().select("value", "len").iter_rows():
        end = start + count
        hasher = hashlib.sha256(heading)
        hasher.update(packed[start:end].tobytes())
        hasher.update("\n".join(said[start:end]).encode())
        found[value] = hasher.hexdigest()
        start = end
    return found


def _whole_number(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column as 64-bit whole numbers: a float's by its bits, 0 where there is none."""
    import polars as pl

    column = pl.col(name).fill_null(strategy="zero") if dtype.is_numeric() else pl.col(name).to_physical()
    return column.reinterpret(signed=True) if dtype == pl.Float64 else column.cast(pl.Int64).fill_null(0)


def digest_sources(package: Path, suffixes: Iterable[str] = (".py",)) -> str:
    """SHA-256 over the source files below a folder: the code version a manifest records."""
    wanted = tuple(suffixes)
    files = sorted(path for path in package.rglob("*") if path.suffix in wanted and "__pycache__" not in path.parts)
    return digest([[path.relative_to(package).as_posix(), digest_file(path)] for path in files])


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no place in hashed content")
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no canonical form")


# One encoder for every call: json.dumps builds a new one each time its options are not the usual ones.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)
