"""The book a person picks up: the newest released ideal portfolio as one CSV, replaced only when every hard limit passed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.session_halts import UnboundHalt
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.common.whole_file import replace_file

FOLDER = "published"
BOOK = "ideal_portfolio.csv"
FACTS = "ideal_portfolio.json"


def publish_book(
    data: Path, book: pl.DataFrame, session: date, run_id: str, source: str, halts: Sequence[UnboundHalt] = ()
) -> Path | None:
    """Write DATA_DIR/published/ideal_portfolio.csv and .json, unless a newer session's book stands there already.

    Args:
        book: ideal_portfolio rows of the session, CASH included.
        halts: those that stand now and that the book was not bound by. They are of this moment, so they are said here, and
            never in the run directory, which is the same whenever it is made.

    Returns:
        The CSV's path; None when a newer book stands.
    """
    folder = data / FOLDER
    standing = published_session(data)
    if standing is not None and standing > session:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"session": session.isoformat(), "run_id": run_id, "source": source, "rows": book.height}
    told = {**facts, "halts_not_binding": [halt.fields for halt in halts]}
    replace_file(folder / BOOK, book.sort("is_cash", "symbol").write_csv().encode())
    replace_file(folder / FACTS, (json.dumps(told, indent=1) + "\n").encode())
    return folder / BOOK


def published_session(data: Path) -> date | None:
    """The session of the published book, if there is one."""
    try:
        facts = json.loads((data / FOLDER / FACTS).read_bytes())
        return date.fromisoformat(facts["session"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def newest_source(warehouse: Warehouse, session: date) -> str:
    """Where the newest bars up to a session come from: a session of its own may have none; empty where there never was one."""
    query = "SELECT source FROM daily_bars WHERE as_of_date <= ? ORDER BY as_of_date DESC, symbol LIMIT 1"
    found = warehouse.query(query, [session])
    return str(found["source"][0]) if found.height else ""
