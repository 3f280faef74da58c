"""The numbers of a backtest (methods.md section 11), each counted from the rows of its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

import polars as pl

from riskdesk_assets.common.universe import PAIR_SEPARATOR
from riskdesk_assets.construction.inputs import DeskContext
from riskdesk_assets.reports.realized import OK, traded
from riskdesk_assets.research.attribution import MILLIONTHS, PARTS
from riskdesk_assets.research.buckets import Buckets
from riskdesk_assets.research.exact_sums import exact_sums
from riskdesk_assets.research.performance import hit_rate
from riskdesk_assets.research.series_metrics import Metrics, series_metrics
from riskdesk_assets.strategy.snapshots import IN_FORCE

_AMOUNTS = (*PARTS, "pnl_net")
_EARNED = ("pnl_gross", "costs", "pnl_net")


def backtest_metrics(
    series: pl.DataFrame,
    frames: Mapping[str, pl.DataFrame],
    realized: pl.DataFrame,
    attributed: pl.DataFrame,
    context: DeskContext,
    buckets: Buckets,
) -> Metrics:
    """Every metric by name, those of ``series_metrics`` first; dollars, but for what is named otherwise.

    ``days_with_features``: sessions with a z-score for a ticket in force. A ticket's ``hit_rate`` is among the sessions it was
    held on, a bucket's among those on which one of its tickets was.

    Args:
        series, realized, attributed: TIMESERIES, TABLES["realized_pnl"] and ATTRIBUTION of the range.
        frames: pair_state, ticket_snapshots, proposals, desk_positions, portfolio_blotter, limit_audit and desk_state of the
            range.
        context: nav.
        buckets: of the tickets.
    """
    return {
        **series_metrics(series, context.config.desk.nav),
        "days_with_features": _days_with_features(frames),
        "final_desk_equity": series["desk_equity"][-1],
        "release_statuses": dict(sorted(Counter(frames["desk_state"]["release_status"]).items())),
        "released_breaches": _released_breaches(frames["limit_audit"]),
        "attribution": _parts(attributed),
        "by_ticket": _by_ticket(frames, realized, attributed, buckets, series["as_of_date"][-1]),
        "by_bucket": _by_bucket(frames["desk_positions"], attributed),
        "by_name": _earned_by(realized, "symbol"),
    }


def _days_with_features(frames: Mapping[str, pl.DataFrame]) -> int:
    in_force = frames["ticket_snapshots"].filter(pl.col("status") == IN_FORCE).select("as_of_date", "pair_id")
    return in_force.join(frames["pair_state"], on=["as_of_date", "pair_id"], how="semi")["as_of_date"].n_unique()


def _released_breaches(audit: pl.DataFrame) -> int:
    """Rows of limits that a released book breached: none, by construction; counted all the same."""
    return audit.filter((pl.col("status") == "BREACH") & pl.col("released")).height


def _parts(rows: pl.DataFrame) -> dict[str, float]:
    """The attribution's parts over all rows, in dollars; integers until the last step, so the parts sum to pnl_net."""
    return _dollars(rows.select(pl.col(_AMOUNTS).sum()).row(0, named=True))


def _parts_by(rows: pl.DataFrame, key: str) -> dict[str, dict[str, float]]:
    """The same per ticket or bucket, in order of the key."""
    sums = rows.group_by(key).agg(pl.col(_AMOUNTS).sum()).sort(key)
    return {row.pop(key): _dollars(row) for row in sums.iter_rows(named=True)}


def _dollars(amounts: Mapping[str, int]) -> dict[str, float]:
    return {name: amount / MILLIONTHS for name, amount in amounts.items()}


def _earned_by(realized: pl.DataFrame, key: str) -> dict[str, dict[str, float]]:
    """pnl_gross, costs and pnl_net per ticket or symbol, in order of the key."""
    sums = exact_sums(realized, [key], _EARNED).sort(key)
    return {row.pop(key): row for row in sums.iter_rows(named=True)}


def _by_ticket(
    frames: Mapping[str, pl.DataFrame],
    realized: pl.DataFrame,
    attributed: pl.DataFrame,
    buckets: Buckets,
    last: date,
) -> dict[str, Metrics]:
    positions = _held(frames["desk_positions"]).group_by("ticket_id")
    sessions = pl.col("as_of_date")
    held = dict(positions.agg(sessions.n_unique()).iter_rows())
    # The sessions on which a ticket's position was new.
    entries = dict(positions.agg(sessions.filter(pl.col("age_sessions") == 0).n_unique()).iter_rows())
    moves = traded(frames["portfolio_blotter"], frames["desk_positions"])
    turnover = dict(moves.group_by("ticket_id").agg(pl.col("notional_delta_cents").abs().sum()).iter_rows())
    pairs = dict(frames["proposals"].group_by("ticket_id").agg(pl.col("pair_id").sort_by("as_of_date").last()).iter_rows())
    daily = _daily_by("ticket_id", frames["desk_positions"], attributed)
    earned, parts = _earned_by(realized, "ticket_id"), _parts_by(attributed, "ticket_id")
    return {
        ticket_id: {
            "pair": pairs.get(ticket_id, "").replace(PAIR_SEPARATOR, "/"),
            "bucket": buckets.of_ticket(ticket_id, last),
            "days_held": held.get(ticket_id, 0),
            "entries": entries.get(ticket_id, 0),
            "turnover": turnover.get(ticket_id, 0) / 100,
            "hit_rate": hit_rate(daily.get(ticket_id, [])),
            **earned.get(ticket_id, dict.fromkeys(_EARNED, 0.0)),
            "attribution": parts.get(ticket_id, dict.fromkeys(_AMOUNTS, 0.0)),
        }
        for ticket_id in sorted({*pairs, *earned})
    }


def _held(positions: pl.DataFrame) -> pl.DataFrame:
    return positions.filter(pl.col("shares") != 0)


def _daily_by(key: str, positions: pl.DataFrame, attributed: pl.DataFrame) -> dict[str, list[int]]:
    """Per ticket or bucket, all its net P&L of each session whose P&L is known and on which it had a position."""
    known = attributed.filter(pl.col("status") == OK)
    with_position = known.join(_held(positions), on=["as_of_date", "ticket_id"], how="semi")
    sessions = known.group_by(key, "as_of_date").agg(pl.col("pnl_net").sum())
    return dict(sessions.join(with_position, on=[key, "as_of_date"], how="semi").group_by(key).agg("pnl_net").iter_rows())


def _by_bucket(positions: pl.DataFrame, attributed: pl.DataFrame) -> dict[str, Metrics]:
    before_costs = (pl.col("pnl_net") - pl.col("costs")).sum()
    told = attributed.group_by("bucket").agg(pl.col("ticket_id").n_unique(), pnl_gross=before_costs)
    counts = {bucket: (tickets, amount) for bucket, tickets, amount in told.iter_rows()}
    daily = _daily_by("bucket", positions, attributed)
    found: dict[str, Metrics] = {}
    for bucket, parts in _parts_by(attributed, "bucket").items():
        found[bucket] = {
            "tickets": counts[bucket][0],
            "hit_rate": hit_rate(daily.get(bucket, [])),
            "pnl_gross": counts[bucket][1] / MILLIONTHS,
            "costs": -parts["costs"],
            "pnl_net": parts["pnl_net"],
            "attribution": parts,
        }
    return found
