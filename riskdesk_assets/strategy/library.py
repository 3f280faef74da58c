"""The table strategy_library: every strategy of a session, from the file, and one for each ticket that stands alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from riskdesk_assets.common.buckets import LONE_BUCKET
from riskdesk_assets.common.errors import nearest
from riskdesk_assets.common.regimes import MARKET_REGIMES
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.strategy_names import FILE
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.strategy.sizing import score
from riskdesk_assets.strategy.snapshots import IN_FORCE
from riskdesk_assets.strategy.strategy_file import ACTIVE, Strategy, load_strategies
from riskdesk_assets.strategy.ticket import TIER_NAMES

FROM_FILE, FROM_TICKET = "file", "ticket"
LONE_SIGNAL = "mean_reversion"
Regimes = Mapping[date, str | None]


def strategy_library(
    config: Config,
    strategies: Mapping[date, Sequence[Strategy]],
    snapshots: pl.DataFrame,
    market_regime: pl.DataFrame,
) -> pl.DataFrame:
    """TABLES["strategy_library"]: the file's strategies on each session, and a strategy of its own for each lone ticket.

    A ticket in force stands alone where it names no strategy, in bucket RV, with its own conviction; with budgets off every
    ticket does. One whose id is the name of a strategy of the file is no strategy: nobody could tell the two apart.

    Args:
        config: the sizing rules, and whether budgets are on.
        strategies: session -> the file's strategies; a session that is not there has none.
        snapshots: TABLES["ticket_snapshots"] of the sessions.
        market_regime: TABLES["market_regime"] of the sessions, for who fits today.
    """
    rows: list[dict[str, object]] = []
    regimes = regimes_of(market_regime)
    tickets = tickets_by_day(snapshots)
    for session in sorted({*strategies, *tickets}):
        filed = strategies.get(session, ()) if config.desk.budgets.enabled else ()
        in_force = [row for row in tickets.get(session, ()) if row["status"] == IN_FORCE]
        counts: dict[str, int] = {}
        for row in in_force:
            counts[row["strategy"] or ""] = counts.get(row["strategy"] or "", 0) + 1
        by_name = {item.strategy_name: item for item in filed}
        regime = regimes.get(session)
        rows += [_row(session, item, FROM_FILE, counts.get(item.strategy_name, 0), regime, config) for item in filed]
        rows += [
            _row(session, lone_strategy(row), FROM_TICKET, 1, regime, config)
            for row in in_force
            if stands_alone(row, config) and why_no_capital(row["ticket_id"], None, by_name) is None
        ]
    return TABLES["strategy_library"].frame(rows)


def filed_strategies(config: Config, folder: Path) -> tuple[Strategy, ...]:
    """The strategies of the configuration folder's file; none with budgets off, and the file is not read.

    Raises:
        InputError: the file is missing or anything in it is wrong.
    """
    return load_strategies(folder / FILE, config.sizing) if config.desk.budgets.enabled else ()


def lone_strategy(ticket: Mapping[str, Any]) -> Strategy:
    """The strategy a lone ticket is (methods.md section 5), from its row of ticket_snapshots."""
    fields = {
        "strategy_name": ticket["ticket_id"],
        "bucket": LONE_BUCKET,
        "signal_type": LONE_SIGNAL,
        "conviction": TIER_NAMES[ticket["conviction"]],
    }
    return Strategy.model_validate(fields)


def stands_alone(ticket: Mapping[str, Any], config: Config) -> bool:
    """Whether a ticket is a strategy of its own."""
    return not ticket["strategy"] or not config.desk.budgets.enabled


def why_no_capital(ticket_id: str, strategy: str | None, library: Mapping[str, Strategy]) -> str | None:
    """Why a ticket can have no budget, in words; None where it can.

    Args:
        ticket_id: the ticket's id.
        strategy: the strategy it names; None where it stands alone.
        library: the file's strategies by name.
    """
    if not strategy:
        taken = ticket_id in library
        return f"its id is the name of a strategy, and it names none: say `strategy: {ticket_id}`" if taken else None
    found = library.get(strategy)
    if found is None:
        return f"strategy {strategy!r} is not in the library{nearest(strategy, library)}"
    return None if found.status == ACTIVE else f"strategy {strategy!r} is a candidate: it has no capital yet"


def strategies_of(library: pl.DataFrame, source: str | None = None) -> dict[date, tuple[Strategy, ...]]:
    """Session -> its strategies read back from strategy_library, in order of name; of one source if given."""
    known: dict[tuple[object, ...], Strategy] = {}
    found: dict[date, list[Strategy]] = {}
    fields = list(Strategy.model_fields)
    rows = library if source is None else library.filter(pl.col("source") == source)
    for session, *values in rows.sort("as_of_date", "strategy_name").select("as_of_date", *fields).iter_rows():
        key = tuple(values)
        if key not in known:
            known[key] = Strategy.model_validate(dict(zip(fields, values, strict=True)))
        found.setdefault(session, []).append(known[key])
    return {session: tuple(strategies) for session, strategies in found.items()}


def regimes_of(market_regime: pl.DataFrame) -> Regimes:
    """Session -> its market regime; None where it is not known."""
    return dict(market_regime.select("as_of_date", "regime").iter_rows())


def tickets_by_day(snapshots: pl.DataFrame) -> dict[date, list[dict[str, Any]]]:
    """Session -> the rows of ticket_snapshots that name a ticket, in order of id."""
    days: dict[date, list[dict[str, Any]]] = {}
    for row in snapshots.filter(pl.col("ticket_id") != "").sort("as_of_date", "ticket_id", "file").iter_rows(named=True):
        days.setdefault(row["as_of_date"], []).append(row)
    return days


def _row(
    session: date, item: Strategy, source: str, ticket_count: int, regime: str | None, config: Config
) -> dict[str, object]:
    return {
        "as_of_date": session,
        "strategy_name": item.strategy_name,
        "bucket": item.bucket,
        "signal_type": item.signal_type,
        "conviction": item.conviction,
        "expected_return": item.expected_return,
        "expected_risk": item.expected_risk,
        "regime_fit": "|".join(regime for regime in MARKET_REGIMES if regime in item.regime_fit),
        "time_horizon": item.time_horizon,
        "notes": item.notes,
        "theme": item.theme,
        "catalyst": item.catalyst,
        "status": item.status,
        "source": source,
        "ticket_count": ticket_count,
        "fits_regime": item.fits(regime),
        "score": score(item, regime, config.sizing),
    }
