"""One small desk, computed once through the command line; tests that write get a copy of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskdesk_assets.common.sessions import SessionCalendar, calendar_end, load_calendar
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.interfaces.cli import cli

BEHIND = 2  # sessions the built desk is behind the newest one
BUILT = 5
FOREIGN = (
    "PRICES_DIR",
    "FMP_API_KEY",
    "FMP_BASE_URL",
    "RISKDESK_CONFIG_DIR",
    "UNIVERSE_FILE",
    "RISKDESK_PROFILE",
    "DAGSTER_HOME",
)


@dataclass(frozen=True)
class DeskFolder:
    """A desk in a folder: data, runs, tickets."""

    root: Path
    first: date
    last: date
    calendar: SessionCalendar

    @property
    def environ(self) -> dict[str, str]:
        return {
            "DATA_DIR": str(self.root / "data"),
            "RUNS_DIR": str(self.root / "runs"),
            "TICKETS_DIR": str(self.root / "tickets" / "active"),
        }

    @property
    def active(self) -> Path:
        return self.root / "tickets" / "active"

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.root / "data" / "riskdesk.duckdb")

    def run(self, *arguments: str, input: str | None = None, **environ: str) -> Result:
        """The command line in this process, on this desk."""
        cleared: dict[str, str | None] = dict.fromkeys(FOREIGN)
        return CliRunner().invoke(cli, list(arguments), input=input, env={**cleared, **self.environ, **environ})


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> DeskFolder:
    """A desk of a few sessions that ends shortly before the newest one. Never written to by a test."""
    root = tmp_path_factory.mktemp("desk")
    shutil.copytree(ROOT / "tickets" / "active", root / "tickets" / "active")
    now = datetime.now(UTC)
    calendar = load_calendar(root / "data" / "calendar", calendar_end(now))
    last = calendar.before(calendar.newest_closed(now), BEHIND)
    first = calendar.before(last, BUILT - 1)
    desk = DeskFolder(root, first, last, calendar)
    result = desk.run("run", "--start", str(first), "--end", str(last), "--json")
    assert result.exit_code == 0, result.output
    (root / "first_run.json").write_text(result.stdout)
    return desk


@pytest.fixture(scope="session")
def first_run(built: DeskFolder) -> dict[str, object]:
    """What the run that built the desk printed."""
    told: dict[str, object] = json.loads((built.root / "first_run.json").read_text())
    return told


@pytest.fixture
def desk(built: DeskFolder, tmp_path: Path) -> DeskFolder:
    """A copy of the built desk, to write to."""
    shutil.copytree(built.root, tmp_path / "desk")
    return DeskFolder(tmp_path / "desk", built.first, built.last, built.calendar)


@pytest.fixture
def empty(built: DeskFolder, tmp_path: Path) -> DeskFolder:
    """A desk that has computed nothing yet."""
    shutil.copytree(built.root / "tickets", tmp_path / "empty" / "tickets")
    shutil.copytree(built.root / "data" / "calendar", tmp_path / "empty" / "data" / "calendar")
    return DeskFolder(tmp_path / "empty", built.first, built.last, built.calendar)


@pytest.fixture(autouse=True)
def nothing_left_in_the_environment() -> Iterator[None]:
    """The command line changes no variable of the process but Dagster's own batch size."""
    before = dict(os.environ)
    yield
    assert {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER_", "PYTEST_"))} == {
        name: value for name, value in before.items() if not name.startswith(("DAGSTER_", "PYTEST_"))
    }


@pytest.fixture
def folder_hash() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a folder with its bytes."""
    return lambda folder: {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
