"""A workbook read back: the plan first, and once confirmed all of it or nothing, while nobody else writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.csv_file import MAX_BYTES
from riskdesk_assets.common.sessions import NEW_YORK
from riskdesk_assets.common.settings import Config, Paths, load_config, load_paths
from riskdesk_assets.common.strategy_names import FILE
from riskdesk_assets.common.writer_lock import single_writer
from riskdesk_assets.reports.workbook.apply import Imported, Places, apply_import
from riskdesk_assets.reports.workbook.choices import choices_of
from riskdesk_assets.reports.workbook.drafting import Folders
from riskdesk_assets.reports.workbook.plan import ImportPlan, Standing, plan_import
from riskdesk_assets.reports.workbook.reader import read_workbook
from riskdesk_assets.strategy.loading import archived_ids, load_tickets

_DRAFT_SUFFIX = ".yaml"


@dataclass(frozen=True)
class Prepared:
    """A plan, and the desk it was made for."""

    plan: ImportPlan
    paths: Paths
    config: Config


def read_plan(file: Path, *, force: bool) -> Prepared:
    """Read a workbook and work out what its import would change.

    Raises:
        InputError: every problem of the workbook, of the library that stands, or of a changed library without ``force``.
    """
    paths = load_paths()
    config = load_config(paths)
    book = read_workbook(file, choices_of(config))
    library = paths.config / FILE
    standing = Standing(str(library), strict_yaml.read_bytes(library, MAX_BYTES), config.sizing)
    today = datetime.now(NEW_YORK).date()
    return Prepared(plan_import(book, standing, config.universe, _folders(paths, config), today, force=force), paths, config)


def do_import(prepared: Prepared, wait_seconds: float) -> Imported:
    """Do what was confirmed, holding the desk's writer lock, so that no run reads half of it.

    Raises:
        StateError: the library changed since the plan was made, or another writer does not finish.
        InputError: something cannot be written; nothing was changed.
    """
    paths = prepared.paths
    places = Places(paths.config / FILE, paths.drafts, paths.tickets, paths.data)
    with single_writer(paths, wait_seconds, "riskdesk workbook import"):
        return apply_import(prepared.plan, places, prepared.config.universe)


def _folders(paths: Paths, config: Config) -> Folders:
    """Drafts that stand, and ids that are taken."""
    taken = dict.fromkeys(archived_ids(paths.archived), paths.archived.name)
    members: dict[str, list[str]] = {}
    for item in load_tickets(paths.tickets, config.universe).tickets:
        taken[item.ticket.ticket_id] = paths.tickets.name
        members.setdefault(item.ticket.strategy or "", []).append(item.ticket.ticket_id)
    drafts = sorted(paths.drafts.glob(f"*{_DRAFT_SUFFIX}")) if paths.drafts.is_dir() else []
    return Folders({path.name: strict_yaml.read_bytes(path) for path in drafts if not path.is_symlink()}, taken, members)
