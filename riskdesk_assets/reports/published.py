"""The book a person picks up: the newest released ideal portfolio as one CSV, replaced only when every hard limit passed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from riskdesk_assets.common.hashing import digest_bytes, digest_file
from riskdesk_assets.common.session_halts import UnboundHalt
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.common.whole_file import replace_file

FOLDER = "published"
BOOK = "ideal_portfolio.csv"
FACTS = "ideal_portfolio.json"
_NEXT = "ideal_portfolio.next.csv"


def publish_book(
    data: Path, book: pl.DataFrame, session: date, run_id: str, source: str, halts: Sequence[UnboundHalt] = ()
) -> Path | None:
    """Write DATA_DIR/published/ideal_portfolio.csv and .json, unless a newer session's book stands there already.

    The facts say which bytes are their book's. They are replaced first, while those bytes lie ready beside: whoever is stopped
    in between leaves an older book that its facts disown, and the next one here puts the right one in its place.

    Args:
        book: ideal_portfolio rows of the session, CASH included.
        halts: those that stand now and that the book was not bound by. They are of this moment, so they are said here, and
            never in the run directory, which is the same whenever it is made.

    Returns:
        The CSV's path; None when a newer book stands.
    """
    folder = data / FOLDER
    finish_publication(data)
    standing = published_session(data)
    if standing is not None and standing > session:
        return None
    content = book.sort("is_cash", "symbol").write_csv().encode()
    facts = {"session": session.isoformat(), "run_id": run_id, "source": source, "rows": book.height}
    told = {**facts, "sha256": digest_bytes(content), "halts_not_binding": [halt.fields for halt in halts]}
    replace_file(folder / _NEXT, content)
    replace_file(folder / FACTS, (json.dumps(told, indent=1) + "\n").encode())
    (folder / _NEXT).replace(folder / BOOK)
    return folder / BOOK


def finish_publication(data: Path) -> str:
    """Put right what a publication that was stopped half way left.

    Returns:
        What was found, in words; empty where the facts are those of the book beside them, or say nothing of its bytes.
    """
    folder, facts = data / FOLDER, _facts(data)
    wanted = facts.get("sha256")
    if not isinstance(wanted, str) or _digest(folder / BOOK) == wanted:
        (folder / _NEXT).unlink(missing_ok=True)
        return ""
    session = facts.get("session")
    if _digest(folder / _NEXT) == wanted:
        (folder / _NEXT).replace(folder / BOOK)
        return f"the publication of {session} had been stopped half way: {BOOK} is now that session's book"
    return f"{BOOK} is not the book of {session} that {FACTS} describes: `riskdesk run --asof {session}` writes it anew"


def published_session(data: Path) -> date | None:
    """The session of the published book, if there is one."""
    try:
        return date.fromisoformat(_facts(data)["session"])
    except (KeyError, TypeError, ValueError):
        return None


def _facts(data: Path) -> dict[str, Any]:
    try:
        found = json.loads((data / FOLDER / FACTS).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty where there is none."""
    return digest_file(path) if path.is_file() else ""


def newest_source(warehouse: Warehouse, session: date) -> str:
    """Where the newest bars up to a session come from: a session of its own may have none; empty where there never was one."""
    query = "SELECT source FROM daily_bars WHERE as_of_date <= ? ORDER BY as_of_date DESC, symbol LIMIT 1"
    found = warehouse.query(query, [session])
    return str(found["source"][0]) if found.height else ""
