"""Parquet files written whole, with the hash of their bytes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl

from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.common.whole_file import replace_file


def write_parquet(path: Path, frame: pl.DataFrame) -> str:
    """Write a frame beside its place and move it there in one step.

    Returns: SHA-256 (64 hex digits) of the file's bytes.
    """
    buffer = BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    raw = buffer.getvalue()
    replace_file(path, raw)
    return digest_bytes(raw)
