"""What the desk believes it holds after a session against a file of what is really held: rows of holdings_reconciliation.

Holdings are no input of a run: who corrects the file next morning has not made another run of the session. So the table is
beside the runs; it is not in their directories, and not computed again by a replay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.common.money import TICKS_PER_DOLLAR, price_ticks
from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.common.settings import Config, Paths
from riskdesk_assets.common.tables import STORED
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.guards.holdings import Reconciled, breaks, read_holdings, reconciled

RECONCILIATION = "holdings_reconciliation"
HOLDINGS_RECONCILED = "holdings_reconciled"
_TOLD = 12  # breaks that a message names


@dataclass(frozen=True)
class Reconciliation:
    """A session's positions beside a file's; ``prices`` in ticks; ``holdings_hash``: SHA-256 of the file."""

    session: date
    rows: tuple[Reconciled, ...]
    prices: dict[str, int]
    holdings_hash: str

    @property
    def breaks(self) -> tuple[Reconciled, ...]:
        """What differs."""
        return breaks(self.rows)

    @property
    def frame(self) -> pl.DataFrame:
        """STORED["holdings_reconciliation"] of the session."""
        return STORED[RECONCILIATION].frame(
            [
                {
                    "as_of_date": self.session,
                    "symbol": row.symbol,
                    "desk_shares": row.desk_shares,
                    "held_shares": row.held_shares,
                    "difference": row.difference,
                    "price": None if row.symbol not in self.prices else self.prices[row.symbol] / TICKS_PER_DOLLAR,
                    "dollars": row.dollars,
                    "status": row.standing.value,
                    "holdings_hash": self.holdings_hash,
                }
                for row in self.rows
            ]
        )


def holdings_path(paths: Paths, config: Config) -> Path | None:
    """The file of desk.guards.holdings_file, relative to DATA_DIR unless it is absolute; None where none is named."""
    named = config.desk.guards.holdings_file
    return None if named is None else paths.data / named


def reconcile(warehouse: Warehouse, universe: Universe, session: date, path: Path) -> Reconciliation:
    """The desk's shares after a session against a holdings file.

    Raises:
        InputError: the file cannot be used; every problem with line and field.
    """
    held, seal = read_holdings(path, universe), digest_file(path)
    prices = session_prices(warehouse, session)
    return Reconciliation(session, reconciled(desk_shares(warehouse, session), held, prices), prices, seal)


def desk_shares(warehouse: Warehouse, session: date) -> dict[str, int]:
    """The desk's signed shares per name after a session, its tickets netted."""
    positions = warehouse.read("desk_positions", session, session)
    return dict(positions.group_by("symbol").agg(pl.col("shares").sum()).sort("symbol").iter_rows())


def session_prices(warehouse: Warehouse, session: date) -> dict[str, int]:
    """Ticks per name: the session's close, else the mark of the desk's position."""
    bars = warehouse.read("daily_bars", session, session).filter(pl.col("close").is_finite() & (pl.col("close") > 0))
    marks = warehouse.read("desk_positions", session, session)
    found = {symbol: price_ticks(price) for symbol, price in marks.select("symbol", "price").iter_rows() if price}
    return found | {symbol: price_ticks(close) for symbol, close in bars.select("symbol", "close").iter_rows()}


def reconciled_check(
    sessions: Sequence[date], path: Path | None, found: Reconciliation | InputError | None
) -> tuple[SessionCheck, ...]:
    """The check ``holdings_reconciled`` of a run's newest session: a warning with its breaks, or with the file's problems.

    Earlier sessions of a range have passed: the file says what is held now.
    """
    if path is None or found is None:
        return ()
    session = sessions[-1]
    if isinstance(found, InputError):
        said = "; ".join(str(problem) for problem in found.problems)
        return (SessionCheck(HOLDINGS_RECONCILED, session, passed=False, message=said, hard=False, told=True),)
    if not found.breaks:
        return (SessionCheck(HOLDINGS_RECONCILED, session, passed=True, message=f"{len(found.rows)} names agree", hard=False),)
    told = [f"{row.symbol} {row.held_shares:+,} held, {row.desk_shares:+,} on the desk" for row in found.breaks[:_TOLD]]
    more = len(found.breaks) - len(told)
    said = f"{len(found.breaks)} of {len(found.rows)} names differ: {'; '.join(told)}{f'; and {more} more' if more else ''}"
    return (
        SessionCheck(
            HOLDINGS_RECONCILED,
            session,
            passed=False,
            message=said,
            measured=f"{len(found.breaks)} breaks",
            bound="0 breaks",
            hard=False,
            told=True,
        ),
    )
