"""Append-only logs of one JSON object a line; a line torn by a crash is left out, never believed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from riskdesk_assets.common.hashing import canonical_json

Scalar = str | int | None


def append_record(path: Path, record: Mapping[str, Scalar | list[str] | Mapping[str, Scalar]]) -> None:
    """Append one record in a single write; starts a new line first where a crash left half a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = canonical_json(dict(record)).encode() + b"\n"
    with path.open("ab+") as log:
        if log.seek(0, os.SEEK_END) > 0:
            log.seek(-1, os.SEEK_END)
            if log.read(1) != b"\n":
                line = b"\n" + line
        log.write(line)
        log.flush()
        os.fsync(log.fileno())


def read_records(path: Path) -> list[dict[str, object]]:
    """Every whole record, oldest first; an absent log has none."""
    if not path.is_file():
        return []
    records: list[dict[str, object]] = []
    for line in path.read_bytes().split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue  # a crash tore it: what it would have said was never finished
        if isinstance(record, dict):
            records.append(record)
    return records
