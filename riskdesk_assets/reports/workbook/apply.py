"""An import done: drafts first, then the strategies file in one step; a failure leaves the last good state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from riskdesk_assets.common.errors import InputError, Problem, StateError
from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.reports.workbook.drafting import DraftPlan
from riskdesk_assets.reports.workbook.plan import ImportPlan
from riskdesk_assets.strategy.drafts import draft

KEPT = "workbooks/replaced"


@dataclass(frozen=True)
class Places:
    """Where an import writes: the strategies file, the folder of drafts and DATA_DIR; the active folder only to stay out of."""

    library: Path
    drafts: Path
    active: Path
    data: Path


@dataclass(frozen=True)
class Imported:
    """What was done: the strategies file where it changed, the copy of the one before, and the drafts written."""

    library: Path | None
    kept: Path | None
    drafts: tuple[Path, ...]


def apply_import(plan: ImportPlan, places: Places, universe: Universe) -> Imported:
    """Do what a plan says.

    Drafts do nothing by themselves, so they are written first; the file that counts is replaced last, as a whole. If
    anything fails before, the drafts are taken back.

    Raises:
        StateError: the strategies file is not the one the plan was made for.
        InputError: a draft cannot be written; nothing was changed.
    """
    standing = places.library.read_bytes()
    if digest_bytes(standing) != plan.standing_hash:
        raise StateError(f"{places.library} changed while the import was being confirmed: nothing was done; import again")
    written: list[tuple[Path, DraftPlan]] = []
    try:
        for item in (item for item in plan.drafts if not item.there):
            path = draft(item.fields, places.drafts, universe, places.active)
            written.append((path, item))
        if plan.library is None:
            return Imported(None, None, tuple(path for path, _ in written))
        kept = places.data / KEPT / f"{places.library.stem}-{plan.standing_hash[:16]}{places.library.suffix}"
        replace_file(kept, standing)
        replace_file(places.library, plan.library)
    except BaseException as error:
        _take_back(written)
        if isinstance(error, OSError):
            message = f"cannot be written: {error.strerror}; nothing was changed"
            raise InputError(Problem(str(places.library), None, "", message)) from error
        raise
    return Imported(places.library, kept, tuple(path for path, _ in written))


def _take_back(written: Sequence[tuple[Path, DraftPlan]]) -> None:
    """Remove drafts of a failed import, but for one that somebody has edited since."""
    for path, item in written:
        try:
            if path.read_bytes() == item.content:
                path.unlink()
        except OSError:
            continue
