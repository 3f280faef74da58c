"""What a walked range came to, session by session, in whole-day-skip semantics (methods.md section 11)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from riskdesk_assets.construction.carry import Prints
from riskdesk_assets.construction.inputs import DeskContext
from riskdesk_assets.reports.realized import DELISTED, OK, PENDING, SKIPPED_NO_PRICE, pending_pnl, realized_pnl, traded
from riskdesk_assets.research.backtest_tables import TIMESERIES

FLAT = "FLAT"


def realized_rows(
    sessions: Sequence[date],
    all_sessions: Sequence[date],
    frames: Mapping[str, pl.DataFrame],
    prints: Prints,
    context: DeskContext,
) -> pl.DataFrame:
    """TABLES["realized_pnl"] of a range that starts from nothing: what became known in it, and what was still pending.

    Args:
        sessions: the range, ascending.
        all_sessions: the exchange's sessions, ascending.
        frames: desk_positions, portfolio_blotter and clip_ledger of the range.
        prints: usable prints of the range.
        context: cost and borrow rates.
    """
    positions, blotter = frames["desk_positions"], frames["portfolio_blotter"]
    known = realized_pnl(sessions, all_sessions, positions, blotter, frames["clip_ledger"], prints, context)
    waiting = pending_pnl(known, sessions, all_sessions, positions, blotter, context)
    return pl.concat([known, waiting]).sort("realized_on", "as_of_date", "ticket_id", "symbol")


def timeseries(
    sessions: Sequence[date],
    all_sessions: Sequence[date],
    frames: Mapping[str, pl.DataFrame],
    realized: pl.DataFrame,
    prints: Prints,
    context: DeskContext,
) -> pl.DataFrame:
    """TIMESERIES of the range.

    Args:
        sessions, all_sessions, frames, prints, context: as for ``realized_rows``; of frames also desk_state.
        realized: what ``realized_rows`` gave.
    """
    nav = context.config.desk.nav
    books = _books(frames["desk_positions"])
    turnover = _turnover(frames["portfolio_blotter"], frames["desk_positions"], context)
    states = {row["as_of_date"]: row for row in frames["desk_state"].iter_rows(named=True)}
    rows_of = {day: group.to_dicts() for (day,), group in realized.partition_by("as_of_date", as_dict=True).items()}
    place = {session: number for number, session in enumerate(all_sessions)}
    rows: list[dict[str, object]] = []
    earned: list[float] = []
    peak = nav
    for session in sessions:
        found, nets = rows_of.get(session, []), books.get(session, {})
        tomorrow = all_sessions[place[session] + 1]
        status, following = _outcome(found, None if tomorrow > sessions[-1] else tomorrow)
        earned.append(math.fsum(row["pnl_net"] for row in found))
        total = math.fsum(earned)
        equity = nav + total
        peak = max(peak, equity)
        net = sum(nets.values())
        state = states[session]
        rows.append(
            {
                "as_of_date": session,
                "next_date": following,
                "equity_gross": sum(map(abs, nets.values())) / 100,
                "equity_net": net / 100,
                "cash_notional": -net / 100,
                "turnover": turnover.get(session, 0) / 100,
                "costs": math.fsum(row["costs"] for row in found),
                "pnl_gross": math.fsum(row["pnl_gross"] for row in found),
                "pnl_net": earned[-1],
                "cumulative_pnl_net": total,
                "status": status,
                "missing_symbols": _missing(status, nets, prints.get(session if status == SKIPPED_NO_PRICE else tomorrow, {})),
                "delisting_pnl": math.fsum(row["pnl_gross"] for row in found if row["status"] == DELISTED),
                "equity": equity,
                "drawdown": equity - peak,
                "desk_equity": state["equity"],
                **{name: state[name] for name in ("ex_ante_volatility", "var_95", "var_99")},
            }
        )
    return TIMESERIES.frame(rows)


def _outcome(rows: Sequence[Mapping[str, object]], tomorrow: date | None) -> tuple[str, date | None]:
    """How a session's book fared, and the session its P&L was known on; ``tomorrow`` None: the range ends here."""
    for row in rows:
        status, following = row["status"], row["next_date"]
        if status != DELISTED:
            return str(status), following if status == OK and isinstance(following, date) else None
    return (PENDING, None) if tomorrow is None else (FLAT, tomorrow)


def _missing(status: str, nets: Mapping[str, int], prints: Mapping[str, object]) -> str:
    """The held symbols whose missing print cost the day, with commas."""
    if status in (OK, FLAT, PENDING):
        return ""
    return ",".join(symbol for symbol in nets if symbol not in prints)


def _books(positions: pl.DataFrame) -> dict[date, dict[str, int]]:
    """Session -> symbol -> net cents held, in order of the symbol; nothing for a symbol without shares."""
    books: dict[date, dict[str, int]] = {}
    held = positions.filter(pl.col("shares") != 0).sort("as_of_date", "symbol", "ticket_id")
    for session, symbol, cents in held.select("as_of_date", "symbol", "notional_cents").iter_rows():
        book = books.setdefault(session, {})
        book[symbol] = book.get(symbol, 0) + cents
    return books


def _turnover(blotter: pl.DataFrame, positions: pl.DataFrame, context: DeskContext) -> dict[date, int]:
    """Cents traded by the desk's positions, per session."""
    found: dict[date, int] = {}
    moves = traded(blotter, positions, context)
    for session, cents in moves.select("as_of_date", "notional_delta_cents").iter_rows():
        found[session] = found.get(session, 0) + abs(cents)
    return found
