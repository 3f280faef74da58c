"""Parquet files that are either the old one or the new one, never half of either."""

from __future__ import annotations

import os
import tempfile
from io import BytesIO
from pathlib import Path

import polars as pl

from riskdesk_assets.common.hashing import digest_bytes


def write_parquet(path: Path, frame: pl.DataFrame) -> str:
    """Write a frame beside its place and move it there in one step.

    Returns: SHA-256 (64 hex digits) of the file's bytes.
    """
    buffer = BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    raw = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    return digest_bytes(raw)
