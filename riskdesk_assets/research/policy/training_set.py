"""What a policy learns from: every pair at every session, with its features and what a unit reversion position then earned.

Nobody has to have held the position: for a price taker the P&L of every size is computable (full information, methods.md
section 12), so no row is missing because the desk happened to be flat.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.controllers.policy_features import FEATURES, KEYS
from riskdesk_assets.controllers.policy_features import SCHEMA as FEATURE_SCHEMA
from riskdesk_assets.features.panel import Panel, nullable

OUTCOMES = ("gross_return", "cost", "net_return")
SCHEMA: dict[str, pl.DataType] = {**FEATURE_SCHEMA, "beta": pl.Float64(), **dict.fromkeys(OUTCOMES, pl.Float64())}
ROW_KEY = ("as_of_date", "pair_id")


def training_set(
    features: pl.DataFrame,
    pair_state: pl.DataFrame,
    panel: Panel,
    horizon: int,
    cost_rates: Mapping[str, float],
    borrow_rates: Mapping[str, float],
) -> pl.DataFrame:
    """Features of each pair and session, and the outcome of a unit reversion position.

    Args:
        features: controllers.policy_features.SCHEMA.
        pair_state: TABLES["pair_state"], of the same rows.
        panel: bars of all legs; the last session of the panel is the last anything is known of.
        horizon: sessions the position is held.
        cost_rates: symbol -> one-way cost per dollar traded, half spread included.
        borrow_rates: symbol -> cost per dollar short and session.

    Returns:
        Columns SCHEMA, sorted by as_of_date and pair_id. All three outcomes are fractions of the gross at entry, of a
        position of gross 1 on the reversion side (leg A: side / (1 + |beta|), leg B: -side beta / (1 + |beta|)), whole for
        ``horizon`` sessions: gross_return from adj_close; cost: the way in at today's, the way out at the later price, and
        borrow on what is short; net_return their difference. They are null where a leg has no bar at either end or the horizon
        ends after the panel. The values at a session depend on no bar later than ``horizon`` sessions after it, its features
        on none later than itself.
    """
    rows = features.join(pair_state.select(*ROW_KEY, "beta"), on=ROW_KEY, how="left").sort(ROW_KEY)
    place_of = {session: place for place, session in enumerate(panel.sessions)}
    places = np.array([place_of[session] for session in rows["as_of_date"]], dtype=np.intp)
    later = np.minimum(places + horizon, len(panel.sessions) - 1)
    known = places + horizon < len(panel.sessions)
    side, beta = rows["side"].cast(pl.Float64).to_numpy(), rows["beta"].to_numpy()
    unit = 1.0 / (1.0 + np.abs(beta))
    gross, cost = np.zeros(rows.height), np.zeros(rows.height)
    for leg, weight in (("leg_a", side * unit), ("leg_b", -side * beta * unit)):
        names = rows[leg].to_list()
        columns = np.array([panel.column(name) for name in names], dtype=np.intp)
        rate = np.array([cost_rates[name] for name in names])
        borrow = np.array([borrow_rates[name] for name in names])
        growth = panel.adj_close[later, columns] / panel.adj_close[places, columns]
        gross += weight * (growth - 1.0)
        cost += np.abs(weight) * rate * (1.0 + growth) + np.maximum(-weight, 0.0) * borrow * horizon
    gross, cost = np.where(known, gross, np.nan), np.where(known, cost, np.nan)
    found = {"gross_return": gross, "cost": cost, "net_return": gross - cost}
    outcomes = pl.DataFrame({name: nullable(found[name]) for name in OUTCOMES})
    return pl.concat([rows, outcomes], how="horizontal").select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def learnable(rows: pl.DataFrame, through: date | None = None) -> pl.DataFrame:
    """The rows a fit may use: every feature and the outcome known, a side to take, and not after ``through``."""
    usable = rows.drop_nulls([*FEATURES, "net_return"]).filter(pl.col("side") != 0)
    return usable if through is None else usable.filter(pl.col("as_of_date") <= through)


def rows_hash(rows: pl.DataFrame) -> str:
    """SHA-256 of rows, in whatever order they come."""
    return digest_frame(rows.select(*KEYS, *(name for name in SCHEMA if name not in KEYS)), ROW_KEY)
