"""Document 004's structured log of the guards: one ``POLICY_DECISION`` line per ticket leg, from stored rows alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.guards.telemetry import policy_line
from riskdesk_assets.guards.types import Action, Layer, PolicyDecision

TABLES_READ = ("guard_decisions", "trading_sessions", "desk_positions", "daily_bars")


def policy_lines(frames: Mapping[str, pl.DataFrame], config: Config) -> dict[date, list[str]]:
    """The lines of every session that has decisions, in key order; the same rows give the same lines.

    The timestamp is the session's close. Metadata: the ticket, the guards' mode, ``current_val`` (the shares before, in dollars
    at today's price; null where none is known), ``target_val`` (the ideal ones), ``band_pct``, and what the decision kept.

    Args:
        frames: rows of TABLES_READ of the sessions.
        config: the guards' mode and band.
    """
    closes = {
        day: datetime.fromisoformat(at) for day, at in frames["trading_sessions"].select("as_of_date", "close_utc").rows()
    }
    prices: dict[tuple[date, str], float] = {}
    # Last the marks of what is held: those of a silent name are no bar of the session's.
    for name, column in (("daily_bars", "close"), ("desk_positions", "price")):
        prices |= {(day, symbol): at for day, symbol, at in frames[name].select("as_of_date", "symbol", column).iter_rows()}
    guards = config.desk.guards
    found: dict[date, list[str]] = {}
    for row in frames["guard_decisions"].iter_rows(named=True):
        day, symbol, before = row["as_of_date"], row["symbol"], row["shares_before"]
        price = prices.get((day, symbol))
        decision = PolicyDecision(
            Action(row["action"]),
            row["shares_after"] - before,
            row["reason"],
            None if row["layer"] is None else Layer(row["layer"]),
            {
                "ticket_id": row["ticket_id"],
                "mode": guards.mode,
                "current_val": 0.0 if not before else None if price is None else round(before * price, 2),
                "target_val": round(row["target_notional"], 2) + 0.0,
                "band_pct": guards.band,
                **json.loads(row["metadata"]),
            },
        )
        found.setdefault(day, []).append(policy_line(symbol, decision, closes[day]))
    return found
