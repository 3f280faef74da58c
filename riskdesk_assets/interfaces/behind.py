"""What keeps the newest book behind the newest closed session, in one sentence, and kept for the morning after."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.common.words import first_few
from riskdesk_assets.market.newest import Reach

KEPT = "newest_bars.json"
NAMED = 5


@dataclass(frozen=True)
class Behind:
    """A book of ``session`` although ``newest_closed`` has closed.

    ``source_ends``: the newest session with a bar of any needed name, None where nobody has looked; ``missing``: names
    without a usable bar on it, none where the source as a whole ends there; ``faults``: what is wrong with the bars they have.
    """

    session: date
    newest_closed: date
    source_ends: date | None
    missing: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Which session is missing, and who stands in its way."""
        said = f"newest closed session {self.newest_closed}; this book is of {self.session}"
        if self.source_ends is None:
            return f"{said}: `riskdesk run` brings the desk up to date"
        if not self.missing:
            return f"{said}: the price source ends on {self.source_ends}"
        return f"{said}: no usable bar of {first_few(self.missing, NAMED)} on {self.source_ends}"

    def fields(self) -> dict[str, object]:
        """As JSON, with the sentence."""
        return {
            "session": self.session,
            "newest_closed": self.newest_closed,
            "source_ends": self.source_ends,
            "missing": list(self.missing),
            "faults": list(self.faults),
            "message": self.sentence,
        }


def behind_of(session: date, reach: Reach) -> Behind | None:
    """What keeps a book of ``session`` behind; None where it is of the newest closed session."""
    if session >= reach.closed:
        return None
    return Behind(session, reach.closed, reach.ends, reach.missing, reach.faults)


def keep(folder: Path, behind: Behind | None) -> None:
    """Keep for the morning what the last run without dates found, in the desk's data folder."""
    place = folder / KEPT
    if behind is None:
        place.unlink(missing_ok=True)
    else:
        replace_file(place, json.dumps(behind.fields(), default=str).encode())


def behind_on(folder: Path, session: date, newest_closed: date) -> Behind | None:
    """What keeps the newest book, of ``session``, behind now: as the last run found it, where that is of the same two days."""
    if session >= newest_closed:
        return None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads((folder / KEPT).read_bytes())
        found = Behind(
            date.fromisoformat(kept["session"]),
            date.fromisoformat(kept["newest_closed"]),
            date.fromisoformat(kept["source_ends"]),
            tuple(map(str, kept["missing"])),
            tuple(map(str, kept["faults"])),
        )
        if (found.session, found.newest_closed) == (session, newest_closed):
            return found
    return Behind(session, newest_closed, None, (), ())
