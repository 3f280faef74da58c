"""Document 004's guards over a stored session: from a holdings file toward its ideal portfolio. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.guards.config import DEFAULT_GROUP, load_policy
from riskdesk_assets.guards.holdings import read_holdings
from riskdesk_assets.guards.holdings_decisions import HoldingsDecisions, decide_holdings, desk_policy, groups_of
from riskdesk_assets.reports.books import no_book_of
from riskdesk_assets.reports.reconciliation import session_prices


@dataclass(frozen=True)
class StoredDecisions:
    """The decisions of one session; ``source``: where its bars come from; ``idle``: groups of the policy that no name is in."""

    session: date
    source: str
    decided: HoldingsDecisions
    idle: tuple[str, ...]


def stored_decisions(
    warehouse: Warehouse,
    calendar: SessionCalendar,
    config: Config,
    holdings: Path,
    asof: date | None = None,
    policy: Path | None = None,
) -> StoredDecisions:
    """Ask the guards from real holdings toward the ideal portfolio of a session, at its close.

    Args:
        warehouse: the stored sessions.
        calendar: for the time of the close.
        config: the universe, and the guards where there is no policy file.
        holdings: CSV of symbol, shares.
        asof: the session; None: the newest with a released book.
        policy: a file of document 004's; None: desk.guards.

    Raises:
        InputError: the holdings or the policy cannot be used.
        StateError: no book was released, or a name that is held has no price.
    """
    held = read_holdings(holdings, config.universe)
    session = _released(warehouse, asof)
    book = warehouse.read("ideal_portfolio", session, session).filter(~pl.col("is_cash"))
    targets = {symbol: cents / 100 for symbol, cents in book.select("symbol", "notional_cents").iter_rows()}
    prices = session_prices(warehouse, session)
    names = sorted({*targets, *(symbol for symbol, shares in held.items() if shares)})
    unpriced = [symbol for symbol in names if symbol not in prices]
    if unpriced:
        raise StateError(f"{', '.join(unpriced)} has no price on {session}: what is held of it cannot be valued")
    given = None if policy is None else load_policy(policy)
    policies = {symbol: given or desk_policy(config, symbol) for symbol in names}
    groups = groups_of(config.universe, "sector" if given else config.desk.guards.group_by)
    capped = given.risk.groups.cap_by_group if given else config.desk.guards.group.overrides
    return StoredDecisions(
        session,
        str(warehouse.read("daily_bars", session, session)["source"][0]),
        decide_holdings(held, targets, prices, policies, groups, calendar.close_of(session)),
        tuple(sorted({*capped} - {*groups.values(), DEFAULT_GROUP})),
    )


def _released(warehouse: Warehouse, asof: date | None) -> date:
    states = warehouse.read("desk_state", asof, asof) if asof else warehouse.read("desk_state")
    released: list[date] = states.filter("released")["as_of_date"].to_list()
    if not released:
        if asof is not None:
            raise no_book_of(asof, kind="released book")
        raise StateError("there is no released book yet: `riskdesk run` makes one")
    return max(released)
