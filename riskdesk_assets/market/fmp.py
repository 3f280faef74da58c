"""Bars from Financial Modeling Prep: the stable endpoints, the legacy one where the plan knows only that, and a raw cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import polars as pl

from riskdesk_assets.common import progress
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.cache import Pull, RawCache
from riskdesk_assets.market.fmp_http import CallPolicy, FmpClient, Json, UnavailableError
from riskdesk_assets.market.fmp_wire import BAR_SCHEMA, CLOSE_SCHEMA, index_closes, legacy_bars, stable_bars
from riskdesk_assets.market.vendor import FMP, VendorError

BASE_URL = "https://financialmodelingprep.com"
STABLE_FULL = "/stable/historical-price-eod/full"
STABLE_ADJUSTED = "/stable/historical-price-eod/dividend-adjusted"
LEGACY = "/api/v3/historical-price-full"


class FmpVendor:
    """Vendor of FMP's daily bars: one request per symbol, endpoint and whole range; every answer cached and logged."""

    def __init__(
        self,
        key: str,
        cache: Path,
        calendar: SessionCalendar,
        *,
        base_url: str | None = None,
        policy: CallPolicy | None = None,
    ) -> None:
        self._policy = policy or CallPolicy()
        self._client = FmpClient(key, base_url or BASE_URL, self._policy)
        self._cache = RawCache(cache)
        self._calendar = calendar

    @property
    def source(self) -> str:
        """FMP."""
        return FMP

    def bars(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Bars of every symbol; the first symbol that fails ends the call (those before it are cached).

        Raises:
            VendorError: no usable answer; names the symbol's endpoint, never the key.
        """
        frames: list[pl.DataFrame] = []
        names = sorted(set(symbols))
        for done, symbol in enumerate(names):
            progress.report("prices", done, len(names))
            frame = self._served(Pull("daily_bars", symbol, first, last), self._pull_bars, BAR_SCHEMA)
            frames.append(frame.with_columns(symbol=pl.lit(symbol), source=pl.lit(FMP)))
        progress.report("prices", len(names), len(names))
        return TABLES["daily_bars"].conform(pl.concat(frames)) if frames else TABLES["daily_bars"].frame([])

    def volatility_index(self, symbol: str, first: date, last: date) -> pl.DataFrame:
        """Closing levels of an index, from one request; days without a session are left out.

        Raises:
            VendorError: no usable answer.
        """
        frame = self._served(Pull("volatility_index", symbol, first, last), self._pull_index, CLOSE_SCHEMA)
        sessions = list(self._calendar.between(first, last))
        named = frame.filter(pl.col("as_of_date").is_in(sessions)).with_columns(symbol=pl.lit(symbol), source=pl.lit(FMP))
        return TABLES["volatility_index"].conform(named)

    def _served(
        self, pull: Pull, ask: Callable[[Pull], tuple[str, pl.DataFrame]], schema: Mapping[str, pl.DataType]
    ) -> pl.DataFrame:
        now = self._policy.clock()
        sessions = self._calendar.between(pull.first, pull.last)
        if pull.last < self._calendar.newest_closed(now):
            kept = self._cache.covering(pull, sessions)
            if kept is not None:
                return kept
            settled = pull.last <= now.date() - timedelta(days=self._policy.settled_days)
            if settled and self._cache.had_nothing(pull, now - timedelta(days=self._policy.nothing_stands_days)):
                return pl.DataFrame(schema=dict(schema))
        try:
            endpoint, fresh = ask(pull)
        except VendorError as error:
            failure = self._client.redacted(str(error))
        else:
            self._cache.store(pull, endpoint, fresh, sessions, now)
            return fresh
        self._cache.log(pull, "", f"failed: {failure[:300]}", now)
        raise VendorError(failure)

    def _pull_bars(self, pull: Pull) -> tuple[str, pl.DataFrame]:
        def stable() -> pl.DataFrame:
            full = self._stable(STABLE_FULL, pull)
            return stable_bars(pull.symbol, full, self._stable(STABLE_ADJUSTED, pull), pull.first, pull.last)

        def legacy() -> pl.DataFrame:
            return legacy_bars(pull.symbol, self._legacy(pull), pull.first, pull.last)

        return _stable_else_legacy(stable, legacy)

    def _pull_index(self, pull: Pull) -> tuple[str, pl.DataFrame]:
        def stable() -> pl.DataFrame:
            return index_closes(pull.symbol, self._stable(STABLE_FULL, pull), pull.first, pull.last)

        def legacy() -> pl.DataFrame:
            return index_closes(pull.symbol, self._legacy(pull), pull.first, pull.last)

        return _stable_else_legacy(stable, legacy)

    def _stable(self, path: str, pull: Pull) -> Json:
        query = {"symbol": pull.symbol, "from": pull.first.isoformat(), "to": pull.last.isoformat()}
        return self._client.get(path, query)

    def _legacy(self, pull: Pull) -> Json:
        query = {"from": pull.first.isoformat(), "to": pull.last.isoformat()}
        return self._client.get(f"{LEGACY}/{quote(pull.symbol, safe='')}", query, key_in_query=True)


def _stable_else_legacy(stable: Callable[[], pl.DataFrame], legacy: Callable[[], pl.DataFrame]) -> tuple[str, pl.DataFrame]:
    """The stable endpoints' answer; where the plan lacks them, the legacy one's; where it lacks both, both refusals."""
    try:
        return "stable", stable()
    except UnavailableError as refusal:
        first = str(refusal)
    try:
        return "legacy", legacy()
    except UnavailableError as refusal:
        second = str(refusal)
    raise VendorError(f"{first}; {second}")
