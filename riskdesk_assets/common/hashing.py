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
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)


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
