"""Where bars come from: one interface, three vendors, and the rule that picks one (design.md section 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem, RiskDeskError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Paths
from riskdesk_assets.common.universe import Universe

FMP = "FMP"
FILES = "FILES"
SIMULATED = "SIMULATED"
ALLOWED_KEY = "a key; or unset it, for the files of PRICES_DIR or the sample market"


class VendorError(RiskDeskError):
    """A vendor gave no usable answer; the message holds no secret and says what to do."""


class Vendor(Protocol):
    """A source of daily bars; ``source`` is written into every row it gives."""

    @property
    def source(self) -> str:
        """FMP, FILES or SIMULATED."""
        ...

    def bars(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Bars of ``symbols`` from ``first`` to ``last``, both included.

        Returns: the columns of TABLES["daily_bars"], sorted by as_of_date and symbol; a symbol or a session the vendor
        does not have is simply not there (nothing is ever filled).

        Raises: VendorError when the vendor does not answer; InputError when its data cannot be read.
        """
        ...

    def volatility_index(self, symbol: str, first: date, last: date) -> pl.DataFrame:
        """Closing levels of a volatility index, in points; sessions only (it is also quoted on days the exchange is closed).

        Returns: the columns of TABLES["volatility_index"], sorted; empty when the vendor does not have the symbol.
        """
        ...


def choose_vendor(paths: Paths, universe: Universe, calendar: SessionCalendar, environ: Mapping[str, str]) -> Vendor:
    """FMP when FMP_API_KEY is set; else the files of PRICES_DIR; else the built-in sample market.

    A key that is set but empty is no wish for simulated prices: more likely a secret that did not arrive.

    Raises:
        InputError: an empty or unusable key, base URL or folder; or FMP_BASE_URL without a key, where nothing else was asked.
    """
    key = environ.get("FMP_API_KEY", "").strip()
    if "FMP_API_KEY" in environ and not key:
        raise InputError(Problem("FMP_API_KEY", None, "", "is set, but empty", ALLOWED_KEY))
    if key:
        from riskdesk_assets.market.fmp import FmpVendor

        return FmpVendor(key, paths.cache, calendar, base_url=environ.get("FMP_BASE_URL") or None)
    if paths.prices is not None:
        from riskdesk_assets.market.files import FilesVendor

        return FilesVendor(paths.prices, calendar)
    if environ.get("FMP_BASE_URL"):
        message = "is not set, although FMP_BASE_URL asks for live prices"
        raise InputError(Problem("FMP_API_KEY", None, "", message, "a key, or neither of the two for the sample market"))
    from riskdesk_assets.market.sample import SampleMarket

    return SampleMarket(universe, calendar)
