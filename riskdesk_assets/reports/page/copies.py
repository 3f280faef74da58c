"""Copies of the pages where a person looks for them: by session, and the latest."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from urllib.parse import quote

from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.reports.page.page import PAGE, linked_from

FOLDER = "reports"
LATEST = "latest.html"


def page_copy(data: Path, session: date) -> Path:
    """Where the copy of a session's page lies."""
    return data / FOLDER / f"{session}.html"


def copy_page(data: Path, run: Path, session: date) -> Path:
    """Copy a run's page to DATA_DIR/reports/, its links leading back to the run; the newest session's is also latest.html.

    Args:
        data: DATA_DIR.
        run: the run directory; its last session is ``session``.

    Returns:
        The copy by session.
    """
    place = page_copy(data, session)
    back = quote(Path(os.path.relpath(run, place.parent)).as_posix()) + "/"
    page = linked_from((run / PAGE).read_text(encoding="utf-8"), back).encode()
    replace_file(place, page)
    if max(_sessions(place.parent)) == session:
        replace_file(place.parent / LATEST, page)
    return place


def _sessions(folder: Path) -> list[date]:
    """Sessions that have a copy."""
    found = []
    for path in folder.glob("????-??-??.html"):
        try:
            found.append(date.fromisoformat(path.stem))
        except ValueError:
            continue
    return found
