"""The very bytes of every ticket a session was computed from, kept under the hash of what they say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.strategy.loading import TicketFolder

FOLDER = "tickets"


def keep(folder: TicketFolder, snapshots: Path) -> None:
    """Store each usable ticket file as ``snapshots/tickets/<content hash>.yaml``; one already stored stays as it is."""
    for item in folder.tickets:
        path = snapshots / FOLDER / f"{item.content_hash}.yaml"
        if not path.exists():
            replace_file(path, folder.raw[item.file])


def stored(rows: pl.DataFrame, snapshots: Path) -> dict[str, bytes]:
    """File name -> bytes of every ticket of the rows that is in the archive.

    A file whose content changed within the rows appears once per content, the later ones with part of their hash in the name.
    """
    files: dict[str, bytes] = {}
    known = rows.filter(pl.col("content_hash").is_not_null()).sort("as_of_date", "file")
    for file, content_hash in known.select("file", "content_hash").unique(maintain_order=True).iter_rows():
        path = snapshots / FOLDER / f"{content_hash}.yaml"
        if path.is_file():
            name = str(file)
            files[name if name not in files else f"{Path(name).stem}.{content_hash[:8]}.yaml"] = path.read_bytes()
    return files


def content_hashes(files: Mapping[str, bytes]) -> set[str]:
    """Content hash of every archived file, read again from its bytes; raises InputError for one that is no ticket."""
    from riskdesk_assets.strategy.loading import parse_ticket

    return {parse_ticket(raw, name, None).content_hash for name, raw in files.items()}
