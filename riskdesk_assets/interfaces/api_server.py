"""Everything the server's routes share, made once when the application is: nothing is global, no clock is read elsewhere."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.journal import FILE, Journal
from riskdesk_assets.common.journal_tables import JOURNAL_URL
from riskdesk_assets.common.settings import Paths
from riskdesk_assets.gatekeeper.engine import RiskPortfolioManager
from riskdesk_assets.interfaces.api_changes import time_passes
from riskdesk_assets.interfaces.api_desk import NOTHING, DeskNow, desk_now
from riskdesk_assets.interfaces.api_gate import REST, Gate
from riskdesk_assets.interfaces.api_memory import remembered, restore
from riskdesk_assets.interfaces.api_settings import ApiSettings

LOOK_SECONDS = 1.0
_LOG = logging.getLogger("riskdesk.api")


def api_journal(data: Path, settings: ApiSettings, environ: Mapping[str, str] = os.environ) -> Journal:
    """The desk's journal, opened by a server: somebody waits for each answer, so a lock is waited for a short while only."""
    return Journal(environ.get(JOURNAL_URL) or data / FILE, settings.journal_seconds)


class Server:
    """One account, its writer, and where the desk's runs are.

    Args:
        paths: runs are read there.
        journal: decisions, halts and resumes.
        settings: config/api.yaml.
        token: what writes must carry; None: no writes.
        clock: the time in UTC.

    Raises:
        JournalError: the journal cannot be read.
        StateError: what it holds of this account cannot be understood.
    """

    def __init__(
        self,
        paths: Paths,
        journal: Journal,
        settings: ApiSettings,
        token: str | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.paths = paths
        self.settings = settings
        self.token = token
        self.journal = journal
        self.config = settings.gatekeeper
        self.desk: DeskNow = desk_now(paths.runs, NOTHING)
        self._manager = RiskPortfolioManager(
            settings.gatekeeper,
            correlations=self.desk.correlations,
            currencies=self.desk.currencies,
            rates=settings.rates,
            volatility_ratios=self.desk.volatility_ratios,
            volatility_source=self.desk.volatility_source,
        )
        self.memory = remembered(journal, REST, settings.remembered_orders, settings.shown_decisions)
        restore(journal, REST, self._manager)
        self.gate = Gate(journal, self.memory, self._manager, settings, clock)
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to take writes, and to look for what others do."""
        self.gate.start()
        self._looking = asyncio.get_running_loop().create_task(self._look(), name="look")

    async def stop(self) -> None:
        """Commit what waits, and end."""
        if self._looking is not None:
            self._looking.cancel()
        await self.gate.stop()

    async def _look(self) -> None:
        """Once a second: halts that others wrote, a new day, a new run."""
        while True:
            try:
                await self.gate.change(time_passes, urgent=True)
                found = await asyncio.to_thread(desk_now, self.paths.runs, self.desk)
                if found.run_id != self.desk.run_id:
                    self._manager.update_correlations(found.correlations)
                    self._manager.update_volatility_ratios(found.volatility_ratios, found.volatility_source)
                self.desk = found
            except StateError as error:
                _LOG.warning("%s", error)
            except Exception:  # noqa: BLE001 - whatever it is, halts of others must go on being looked for
                _LOG.exception("looking for runs and halts failed")
            await asyncio.sleep(LOOK_SECONDS)
