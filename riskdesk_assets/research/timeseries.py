"""What a walked range came to, session by session, in whole-day-skip semantics (methods.md section 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl

from riskdesk_assets.construction.inputs import DeskContext
from riskdesk_assets.market.print_panel import PrintPanel
from riskdesk_assets.reports.realized import DELISTED, PENDING, SKIPPED_NO_COMMON_SESSION, SKIPPED_NO_PRICE, Books, traded
from riskdesk_assets.research.backtest_tables import TIMESERIES
from riskdesk_assets.research.exact_sums import exact_sums, running_sums

FLAT = "FLAT"


def realized_rows(
    sessions: Sequence[date], frames: Mapping[str, pl.DataFrame], prints: PrintPanel, context: DeskContext
) -> pl.DataFrame:
    """TABLES["realized_pnl"] of a range that starts from nothing: what became known in it, and what was still pending.

    Args:
        sessions: the range, ascending.
        frames: desk_positions, portfolio_blotter and clip_ledger of the range.
        prints: usable prints of the range.
        context: cost and borrow rates.
    """
    books = Books.of(frames["desk_positions"], frames["portfolio_blotter"], prints, context)
    known = books.known(sessions, frames["clip_ledger"])
    return pl.concat([known, books.pending(sessions, known)]).sort("realized_on", "as_of_date", "ticket_id", "symbol")


def timeseries(
    sessions: Sequence[date],
    frames: Mapping[str, pl.DataFrame],
    realized: pl.DataFrame,
    prints: PrintPanel,
    context: DeskContext,
) -> pl.DataFrame:
    """TIMESERIES of the range.

    Args:
        sessions, frames, prints, context: as for ``realized_rows``; of frames also desk_state.
        realized: what ``realized_rows`` gave.
    """
    nets = _nets(frames["desk_positions"])
    books = nets.group_by("as_of_date").agg(gross=pl.col("cents").abs().sum(), net=pl.col("cents").sum())
    fates = _fates(sessions, realized, prints)
    states = frames["desk_state"].select("as_of_date", "ex_ante_volatility", "var_95", "var_99", desk_equity="equity")
    days = (
        fates.join(books, on="as_of_date", how="left")
        .join(_turnover(frames["portfolio_blotter"], frames["desk_positions"]), on="as_of_date", how="left")
        .join(_earned(realized), on="as_of_date", how="left")
        .join(_missing(fates, nets, prints), on="as_of_date", how="left")
        .join(states, on="as_of_date", how="left")
        .sort("as_of_date")
        .with_columns(
            pl.col("gross", "net", "traded").fill_null(0),
            pl.col("pnl_gross", "pnl_net", "costs", "delisting_pnl").fill_null(0.0),
            pl.col("missing_symbols").fill_null(""),
        )
    )
    # Divided by NumPy: Polars multiplies by 1 / 100 instead, which is another number in the last bit.
    gross, net, moved = (days[name].to_numpy() / 100 for name in ("gross", "net", "traded"))
    total = np.array(running_sums(days["pnl_net"].to_list()), dtype=np.float64)
    equity = context.config.desk.nav + total
    peak = np.maximum.accumulate(np.maximum(equity, context.config.desk.nav))
    return TIMESERIES.conform(
        days.with_columns(
            equity_gross=pl.Series(gross),
            equity_net=pl.Series(net),
            cash_notional=pl.Series(0.0 - net),
            turnover=pl.Series(moved),
            cumulative_pnl_net=pl.Series(total),
            equity=pl.Series(equity),
            drawdown=pl.Series(equity - peak),
        )
    )


def _fates(sessions: Sequence[date], realized: pl.DataFrame, prints: PrintPanel) -> pl.DataFrame:
    """as_of_date, status and next_date: how every session's book fared, and the session its P&L was known on."""
    told = realized.filter(pl.col("status") != DELISTED).group_by("as_of_date").agg(pl.col("status", "next_date").first())
    days = pl.Series("as_of_date", sessions, pl.Date)
    tomorrow = pl.Series(prints.calendar[prints.places(days) + 1])
    in_range = pl.col("tomorrow") <= sessions[-1]
    return (
        days.to_frame()
        .with_columns(tomorrow=tomorrow)
        .join(told, on="as_of_date", how="left")
        .select(
            "as_of_date",
            next_date=pl.when(pl.col("status").is_null() & in_range).then("tomorrow").otherwise("next_date"),
            status=pl.col("status").fill_null(pl.when(in_range).then(pl.lit(FLAT)).otherwise(pl.lit(PENDING))),
        )
    )


def _missing(fates: pl.DataFrame, nets: pl.DataFrame, prints: PrintPanel) -> pl.DataFrame:
    """as_of_date and missing_symbols of the skipped sessions: the held symbols whose missing print cost the day, with commas.

    A book that found no common session is asked for the prints of the next one.
    """
    held = nets.join(fates.filter(pl.col("status").is_in([SKIPPED_NO_PRICE, SKIPPED_NO_COMMON_SESSION])), on="as_of_date")
    asked = prints.places(held["as_of_date"]) + (held["status"] == SKIPPED_NO_COMMON_SESSION).to_numpy()
    silent = np.isnan(prints.adj_close[prints.rows(asked), prints.columns(held["symbol"])])
    return held.filter(silent).group_by("as_of_date").agg(missing_symbols=pl.col("symbol").sort().str.join(","))


def _nets(positions: pl.DataFrame) -> pl.DataFrame:
    """as_of_date, symbol and net cents held; nothing for a symbol without shares."""
    held = positions.filter(pl.col("shares") != 0)
    return held.group_by("as_of_date", "symbol").agg(cents=pl.col("notional_cents").sum())


def _turnover(blotter: pl.DataFrame, positions: pl.DataFrame) -> pl.DataFrame:
    """as_of_date and traded: cents traded by the desk's positions."""
    moves = traded(blotter, positions)
    return moves.group_by("as_of_date").agg(traded=pl.col("notional_delta_cents").abs().sum())


def _earned(realized: pl.DataFrame) -> pl.DataFrame:
    """Dollars per session: pnl_gross, of it delisting_pnl, costs and pnl_net."""
    closed = pl.when(pl.col("status") == DELISTED).then("pnl_gross").otherwise(0.0)
    columns = ("pnl_gross", "costs", "pnl_net", "delisting_pnl")
    return exact_sums(realized.with_columns(delisting_pnl=closed), ["as_of_date"], columns)
