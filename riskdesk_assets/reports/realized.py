"""What each book earned: from its session to the ONE next session on which every name of it has a price.

A book with a name that did not print on its own session, or that finds no common next session in time, is skipped whole and
counted; nothing is ever half a day (methods.md section 11). A row belongs to the session on which it became known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.money import TICKS_PER_DOLLAR, notional_cents
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.inputs import DeskContext
from riskdesk_assets.market.print_panel import NO_COMMON_SESSION, NOT_PRICED, PrintPanel

OK = "OK"
SKIPPED_NO_PRICE = "SKIPPED_NO_PRICE"
SKIPPED_NO_COMMON_SESSION = "SKIPPED_NO_COMMON_SESSION"
DELISTED = "DELISTED"
PENDING = "PENDING"

_LINE = ("as_of_date", "ticket_id", "symbol")


def realized_pnl(
    sessions: Sequence[date],
    positions: pl.DataFrame,
    blotter: pl.DataFrame,
    clips: pl.DataFrame,
    prints: PrintPanel,
    context: DeskContext,
) -> pl.DataFrame:
    """TABLES["realized_pnl"] for the sessions on which P&L became known.

    Args:
        sessions: the sessions to report on.
        positions, blotter, clips: desk_positions, portfolio_blotter and clip_ledger from ``history_sessions`` sessions
            before the first session on.
        prints: usable prints.
        context: cost and borrow rates, and how long a name may stay silent.
    """
    return Books.of(positions, blotter, prints, context).known(sessions, clips)


def patience_sessions(config: Config) -> int:
    """How many sessions a book may wait for a common next session: twice what a silent name is given."""
    return 2 * config.desk.frozen.close_after_sessions


def history_sessions(config: Config) -> int:
    """How many sessions before the first one are read: the oldest book that may still wait paid borrow on the one before it."""
    return patience_sessions(config) + 1


@dataclass(frozen=True)
class Books:
    """The desk's books and what they cost.

    ``lines``: one row per session, ticket and symbol that was ``held`` or only paid for: ``notional_cents``, 0 where it was not
    held, and ``costs`` in dollars: trading on the session, and borrow on what was short overnight into it.
    """

    lines: pl.DataFrame
    prints: PrintPanel
    context: DeskContext

    @classmethod
    def of(cls, positions: pl.DataFrame, blotter: pl.DataFrame, prints: PrintPanel, context: DeskContext) -> Books:
        """From rows of desk_positions and portfolio_blotter."""
        held = positions.filter(pl.col("shares") != 0).select(*_LINE, "notional_cents")
        trades = traded(blotter, positions).select(*_LINE, "notional_delta_cents")
        lines = (
            held.with_columns(held=True)
            .join(_trading_costs(trades, context), on=_LINE, how="full", coalesce=True)
            .join(_borrow_costs(held, prints, context), on=_LINE, how="full", coalesce=True)
            .select(
                *_LINE,
                pl.col("held").fill_null(value=False),
                pl.col("notional_cents").fill_null(0),
                costs=pl.col("trading").fill_null(0.0) + pl.col("borrow").fill_null(0.0),
            )
        )
        return cls(lines, prints, context)

    def known(self, sessions: Sequence[date], clips: pl.DataFrame) -> pl.DataFrame:
        """TABLES["realized_pnl"] of what became known on the sessions; ``clips``: clip_ledger, of these sessions at least."""
        table, frozen = TABLES["realized_pnl"], self.context.config.desk.frozen
        rows = self._marked(sessions)
        closed = _delisted(clips.filter(pl.col("as_of_date").is_in(sessions)), frozen.delisting_return)
        # The last borrow of a name closed today, on a day skipped for another name, belongs to the one row of its closing.
        costs = rows.select(*table.key, "costs")
        closed = closed.join(costs, on=table.key, how="left").with_columns(pl.col("costs").fill_null(0.0))
        rows = rows.join(closed, on=table.key, how="anti")
        both = pl.concat([rows, closed.select(rows.columns)])
        return table.conform(both.with_columns(pnl_net=pl.col("pnl_gross") - pl.col("costs")))

    def pending(self, sessions: Sequence[date], known: pl.DataFrame) -> pl.DataFrame:
        """Rows of the books whose P&L no session of a range made known: status PENDING, no P&L yet, but what they cost.

        Args:
            sessions: the range, ascending, from the first book on; the rows are known on its last one.
            known: what ``known`` gave for these sessions.
        """
        table, last = TABLES["realized_pnl"], sessions[-1]
        told = known.filter(pl.col("status") != DELISTED).select("as_of_date").unique()
        waiting = self.lines.filter(pl.col("as_of_date").is_in(sessions)).join(told, on="as_of_date", how="anti")
        rows = waiting.with_columns(
            realized_on=pl.lit(last),
            next_date=None,
            status=pl.lit(PENDING),
            simple_return=None,
            pnl_gross=0.0,
            pnl_net=0.0 - pl.col("costs"),
        )
        # A name closed on the very last session has its row.
        return table.conform(rows.join(known, on=table.key, how="anti"))

    def _marked(self, sessions: Sequence[date]) -> pl.DataFrame:
        """The lines of the books that become known on the sessions, with what became of them; no pnl_net yet."""
        prints, patience = self.prints, patience_sessions(self.context.config)
        places, columns = prints.places(self.lines["as_of_date"]), prints.columns(self.lines["symbol"])
        held = self.lines["held"].to_numpy()
        days, book = np.unique(places, return_inverse=True)
        waits = prints.waits(days, places[held], columns[held], patience)[book]
        fates = [waits == NOT_PRICED, waits == NO_COMMON_SESSION]
        known_on = places + np.select(fates, [0, patience], waits)
        wanted = np.isin(known_on, prints.places(pl.Series(sessions, dtype=pl.Date)))
        status = np.select(fates, [SKIPPED_NO_PRICE, SKIPPED_NO_COMMON_SESSION], OK)[wanted]
        lines = self.lines.filter(wanted)
        places, known_on, columns, held = places[wanted], known_on[wanted], columns[wanted], held[wanted]
        earning = status == OK
        before, after = prints.adj_close[prints.rows(places), columns], prints.adj_close[prints.rows(known_on), columns]
        simple = np.where(held, after / before - 1, 0.0)
        gross = np.where(earning, lines["notional_cents"].to_numpy() / 100 * simple, 0.0)
        realized_on = pl.Series(prints.calendar[known_on])
        return lines.select(
            *_LINE,
            "notional_cents",
            "costs",
            realized_on=realized_on,
            status=pl.Series(status.tolist(), dtype=pl.String),
            next_date=pl.when(pl.lit(pl.Series(earning))).then(pl.lit(realized_on)),
            simple_return=pl.when(pl.lit(pl.Series(earning))).then(pl.lit(pl.Series(simple))),
            pnl_gross=pl.Series(gross),
        )


def traded(blotter: pl.DataFrame, positions: pl.DataFrame) -> pl.DataFrame:
    """The blotter's rows on which a position moved, with what it moved by: a row of paper mode asks for the ideal portfolio's.

    What stood before is the blotter's own, what stood after the position's: both were stored with their session, so no later
    change of the guards' mode can change what an order of that session cost.

    Args:
        blotter: rows of portfolio_blotter.
        positions: rows of desk_positions, of every session of the blotter's; a leg without one ended with no shares.

    Returns:
        The blotter's columns, notional_delta_cents of the shares that moved at the order's price; no row where none did.
    """
    rows = blotter.join(positions.select(*_LINE, after="shares"), on=_LINE, how="left", maintain_order="left")
    moved = rows.with_columns(pl.col("after").fill_null(0)).filter(pl.col("after") != pl.col("shares_before"))
    cents = [
        notional_cents(after - before, round(price * TICKS_PER_DOLLAR))
        for after, before, price in moved.select("after", "shares_before", "price").iter_rows()
    ]
    return moved.with_columns(pl.Series("notional_delta_cents", cents, pl.Int64)).drop("after")


def _trading_costs(trades: pl.DataFrame, context: DeskContext) -> pl.DataFrame:
    """Dollars of ``trading`` per line."""
    paid = _dollars(trades["notional_delta_cents"].abs()) * _rates(trades["symbol"], context.cost_rates)
    return trades.select(*_LINE, trading=pl.Series(paid))


def _borrow_costs(held: pl.DataFrame, prints: PrintPanel, context: DeskContext) -> pl.DataFrame:
    """Dollars of ``borrow`` per line: what a session's shorts pay on the next one."""
    paid = 0.0 - _dollars(held["notional_cents"]) * _rates(held["symbol"], context.borrow_rates)
    mornings = prints.calendar[prints.places(held["as_of_date"]) + 1]
    lines = held.select(pl.Series("as_of_date", mornings), *_LINE[1:], borrow=pl.Series(paid))
    return lines.filter(pl.col("borrow") > 0.0)


def _delisted(clips: pl.DataFrame, delisting_return: float) -> pl.DataFrame:
    """The names closed at the delisting return, of rows of clip_ledger: columns of TABLES["realized_pnl"] but for costs."""
    closed = clips.filter(pl.col("limit_name") == "delisted")
    value = closed["value_in"].to_numpy()
    simple = np.where(value > 0, delisting_return, 0.0)
    return closed.select(
        *_LINE,
        realized_on=pl.col("as_of_date"),
        next_date=pl.col("as_of_date"),
        status=pl.lit(DELISTED),
        notional_cents=pl.Series(np.rint(value * 100).astype(np.int64)),
        simple_return=pl.Series(simple),
        pnl_gross=pl.Series(value * simple),
    )


def _dollars(cents: pl.Series) -> npt.NDArray[np.float64]:
    """Divided by NumPy: Polars multiplies by 1 / 100 instead, which is another number in the last bit."""
    return cents.to_numpy() / 100


def _rates(symbols: pl.Series, rates: Mapping[str, float]) -> npt.NDArray[np.float64]:
    return symbols.replace_strict(rates, return_dtype=pl.Float64).to_numpy()
