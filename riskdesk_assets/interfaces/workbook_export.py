"""The workbook of a stored session, made on demand: nothing is computed, so nothing runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.sessions import calendar_end, load_calendar
from riskdesk_assets.common.settings import Paths, load_config, load_paths
from riskdesk_assets.common.strategy_names import FILE
from riskdesk_assets.common.version import code_version
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.common.whole_file import replace_file
from riskdesk_assets.reports.page.content import EARLIER_SESSIONS, page_content
from riskdesk_assets.reports.risk_reading import stored_session
from riskdesk_assets.reports.workbook.copies import place_workbook
from riskdesk_assets.reports.workbook.library import library_of
from riskdesk_assets.reports.workbook.session_content import TABLES_SHOWN, workbook_content
from riskdesk_assets.reports.workbook.workbook import workbook_bytes
from riskdesk_assets.strategy.strategy_file import load_strategies

SUFFIX = ".xlsx"


@dataclass(frozen=True)
class Exported:
    """Where the workbook went, of which session, how many strategies it holds, and where an edited copy went."""

    path: Path
    session: date
    strategies: int
    edited: Path | None


def export_workbook(file: Path | None, asof: date | None, *, force: bool) -> Exported:
    """Write the workbook of a session with the library as it stands.

    Args:
        file: where to; None: DATA_DIR/workbooks/<session>.xlsx.
        asof: the session; None: the newest that was computed.
        force: write over ``file``.

    Raises:
        InputError: no such session, an unusable library, a file that exists or is no .xlsx.
    """
    paths = load_paths()
    if file is not None:
        _require_free(file, force=force)
    session, content, strategies = _content(paths, asof)
    if file is None:
        copied = place_workbook(paths.data, session, content)
        return Exported(copied.path, session, strategies, copied.edited)
    replace_file(file.resolve(), content)
    return Exported(file.resolve(), session, strategies, None)


def _require_free(file: Path, *, force: bool) -> None:
    if file.suffix.lower() != SUFFIX:
        raise InputError(Problem(str(file), None, "", "is no name for a workbook", f"a name that ends in {SUFFIX}"))
    if file.exists() and not force:
        raise InputError(Problem(str(file), None, "", "exists already", "another name, or --force to write over it"))


def _content(paths: Paths, asof: date | None) -> tuple[date, bytes, int]:
    config, warehouse = load_config(paths), Warehouse(paths.warehouse)
    session = stored_session(warehouse, asof)
    calendar = load_calendar(paths.data / "calendar", calendar_end(datetime.now(UTC)))
    library = library_of(load_strategies(paths.config / FILE, config.sizing))
    frames = warehouse.read_all(TABLES_SHOWN, session, session)
    bars = warehouse.read("daily_bars", session, session)
    earlier = {name: reach for name, reach in EARLIER_SESSIONS.items() if name in TABLES_SHOWN}
    before = calendar.before(session)
    prior = warehouse.read_spans({name: (calendar.before(session, reach), before) for name, reach in earlier.items()})
    page = page_content(
        config=config,
        source=str(bars["source"][0]) if bars.height else "",
        snapshot_id="",
        code_version=code_version(),
        session=session,
        frames=frames,
        prior=prior,
    )
    return session, workbook_bytes(workbook_content(page, library)), len(library.rows)
