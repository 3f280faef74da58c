"""Copies of workbooks where people edit them: replaced by newer ones, but never over somebody's edits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from riskdesk_assets.common.hashing import canonical_json, digest_bytes, digest_file
from riskdesk_assets.common.whole_file import replace_file

FOLDER = "workbooks"
_WRITTEN = ".written.json"
_DIGITS = 8


@dataclass(frozen=True)
class Copied:
    """A workbook put in place, and where an edited one that stood there went (None: there was none)."""

    path: Path
    edited: Path | None


def workbook_copy(data: Path, session: date) -> Path:
    """Where the copy of a session's workbook lies."""
    return data / FOLDER / f"{session}.xlsx"


def place_workbook(data: Path, session: date, content: bytes) -> Copied:
    """Put a session's workbook into DATA_DIR/workbooks/.

    A file there that is not as we wrote it was edited, and may hold what was not imported yet: it is kept under another name.

    Args:
        data: DATA_DIR.
        session: the workbook's session.
        content: its bytes.
    """
    path = workbook_copy(data, session)
    written = _written(path.parent)
    edited = None
    if path.is_file() and written.get(path.name) != (standing := digest_file(path)) and standing != digest_bytes(content):
        edited = path.with_name(f"{path.stem}.edited-{standing[:_DIGITS]}{path.suffix}")
        path.replace(edited)
    replace_file(path, content)
    replace_file(path.parent / _WRITTEN, canonical_json({**written, path.name: digest_bytes(content)}).encode())
    return Copied(path, edited)


def _written(folder: Path) -> dict[str, str]:
    """File name -> hash of what we last wrote there; empty where nobody remembers."""
    try:
        found = json.loads((folder / _WRITTEN).read_bytes())
        return {str(name): str(value) for name, value in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}
