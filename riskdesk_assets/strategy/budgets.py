"""Stage 1: what each strategy may have and each of its tickets may use, session by session (methods.md section 5)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any

import polars as pl

from riskdesk_assets.common.buckets import LONE_BUCKET
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.strategy.library import FROM_FILE, regimes_of, strategies_of, tickets_by_day, why_no_capital
from riskdesk_assets.strategy.sizing import StrategySize, size_strategies
from riskdesk_assets.strategy.snapshots import IN_FORCE
from riskdesk_assets.strategy.strategy_file import Strategy
from riskdesk_assets.strategy.streams import (
    StrategyCovariance,
    TicketStream,
    side_of,
    spread_volatility,
    strategy_covariance,
)

BUDGETS, SIZES, CORRELATIONS = "strategy_budgets", "strategy_sizes", "strategy_correlations"
LONE_REASON = "stands alone: budget is the ticket's own max_gross_notional"
BUDGET_INPUTS = (
    "strategy_library",
    "ticket_snapshots",
    "market_regime",
    "pair_state",
    "instrument_state",
    "return_correlations",
)
"""What :func:`strategy_budgets` reads, in the order of its arguments."""
Row = Mapping[str, Any]
_MULTIPLIERS = (
    "base_size",
    "conviction_multiplier",
    "return_risk_multiplier",
    "kelly_multiplier",
    "strategy_cap_multiplier",
    "bucket_multiplier",
    "regime_adjustment",
    "regime_fit",
    "correlation_adjustment",
)


@dataclass(frozen=True)
class _Known:
    """What the features say of one session: betas and volatilities per pair, correlations of pairs, the regime."""

    pairs: Mapping[str, Row]
    volatilities: Mapping[str, float]
    correlations: Mapping[tuple[str, str], float]
    regime: str | None


@dataclass(frozen=True)
class _Library:
    """A session's strategies: ``filed`` are the file's, by name; ``every`` has those of the lone tickets, too."""

    every: Sequence[Strategy]
    filed: Mapping[str, Strategy]


_NOTHING_KNOWN, _EMPTY = _Known({}, {}, {}, None), _Library((), {})


def strategy_budgets(
    config: Config,
    library: pl.DataFrame,
    snapshots: pl.DataFrame,
    market_regime: pl.DataFrame,
    pair_state: pl.DataFrame,
    instrument_state: pl.DataFrame,
    return_correlations: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """The tables strategy_sizes, strategy_budgets and strategy_correlations of the sessions of ``snapshots``.

    strategy_budgets has a row for every ticket ever known, so that what is held of a ticket that is no longer in force has a
    bucket too; only a ticket in force has a budget. With budgets off (classic) a budget is the ticket's own
    max_gross_notional, and there are no sizes.

    Args:
        config: nav and the sizing rules.
        library: TABLES["strategy_library"] of the sessions.
        snapshots: TABLES["ticket_snapshots"].
        market_regime: TABLES["market_regime"].
        pair_state: TABLES["pair_state"], for betas, z-scores and the correlation of the legs.
        instrument_state: TABLES["instrument_state"], for vol_20.
        return_correlations: TABLES["return_correlations"]; those of kind "pair" count.
    """
    tickets = tickets_by_day(snapshots)
    if not config.desk.budgets.enabled:
        rows = [_passed_through(session, row) for session, found in tickets.items() for row in found]
        return {name: TABLES[name].frame(rows if name == BUDGETS else []) for name in (BUDGETS, SIZES, CORRELATIONS)}
    every, filed = strategies_of(library), strategies_of(library, FROM_FILE)
    known = _known_by_day(tickets, market_regime, pair_state, instrument_state, return_correlations)
    regimes = regimes_of(market_regime)
    frames: dict[str, list[dict[str, object]]] = {BUDGETS: [], SIZES: [], CORRELATIONS: []}
    for session in sorted({*tickets, *every}):
        strategies = _Library(every.get(session, ()), {item.strategy_name: item for item in filed.get(session, ())})
        today = known.get(session) or _Known({}, {}, {}, regimes.get(session))
        for name, found in _session(config, session, strategies, tickets.get(session, ()), today).items():
            frames[name] += found
    return {name: TABLES[name].frame(rows) for name, rows in frames.items()}


def ticket_shares(tickets: Sequence[tuple[str, float | None]]) -> dict[str, float]:
    """Ticket -> its part of a strategy's capital: as written, the rest in equal parts over those that say nothing.

    Shares that sum to more than 1 are scaled to 1. Where all say theirs and the sum is below 1, the rest stays unused: that
    one ticket ends does not enlarge another.
    """
    written = {ticket_id: share for ticket_id, share in tickets if share is not None}
    total = math.fsum(written.values())
    silent = [ticket_id for ticket_id, share in tickets if share is None]
    scale = 1 / total if total > 1 else 1.0
    equal = max(0.0, 1 - total * scale) / len(silent) if silent else 0.0
    return {ticket_id: written[ticket_id] * scale if ticket_id in written else equal for ticket_id, _ in tickets}


def _session(
    config: Config, session: date, library: _Library, tickets: Sequence[Row], known: _Known
) -> dict[str, list[dict[str, object]]]:
    why = {row["ticket_id"]: _why_none(row, library) for row in tickets}
    members: dict[str, list[Row]] = {}
    for row in tickets:
        if why[row["ticket_id"]] is None:
            members.setdefault(_strategy_name(row), []).append(row)
    shares = {name: ticket_shares([(row["ticket_id"], row["share"]) for row in rows]) for name, rows in members.items()}
    streams = {
        name: [(stream, shares[name][stream.ticket_id]) for row in rows if (stream := _stream(row, known)) is not None]
        for name, rows in members.items()
    }
    covariance = strategy_covariance(streams, known.correlations)
    counts = {name: len(rows) for name, rows in members.items()}
    sizes = size_strategies(library.every, counts, known.regime, covariance, config.sizing, config.desk.nav)
    of = {size.strategy.strategy_name: size for size in sizes}
    budgets: list[dict[str, object]] = []
    for row in tickets:
        name, reason = _strategy_name(row), why[row["ticket_id"]]
        if reason is None:
            budgets.append(_budget(session, row, of[name], shares[name][row["ticket_id"]], known))
        else:
            budgets.append(_without(session, row, library, known, reason))
    return {
        BUDGETS: budgets,
        SIZES: [_size(session, size, covariance) for size in sizes],
        CORRELATIONS: list(_correlations(session, sizes, covariance)),
    }


def _strategy_name(ticket: Row) -> str:
    return str(ticket["strategy"] or ticket["ticket_id"])


def _why_none(ticket: Row, library: _Library) -> str | None:
    if ticket["status"] != IN_FORCE:
        return f"not in force: {str(ticket['status']).replace('_', ' ').lower()}"
    return why_no_capital(str(ticket["ticket_id"]), ticket["strategy"], library.filed)


def _stream(ticket: Row, known: _Known) -> TicketStream | None:
    """A ticket's stream; None where its pair has no state today, or a leg no volatility."""
    pair = known.pairs.get(str(ticket["pair_id"]))
    legs = [known.volatilities.get(str(ticket[leg])) for leg in ("leg_a", "leg_b")]
    if pair is None or pair["corr_60"] is None or legs[0] is None or legs[1] is None:
        return None
    return TicketStream(
        str(ticket["ticket_id"]),
        str(ticket["pair_id"]),
        side_of(str(ticket["orientation"]), pair["zscore"]),
        spread_volatility(pair["beta"], legs[0], legs[1], pair["corr_60"]),
    )


def _budget(session: date, ticket: Row, size: StrategySize, share: float, known: _Known) -> dict[str, object]:
    most, name = float(ticket["max_gross_notional"]), size.strategy.strategy_name
    capital = size.final_size * share
    said = (
        f"{share:.1%} of the ${size.final_size:,.0f} of {name}" if ticket["strategy"] else f"stands alone with ${capital:,.0f}"
    )
    if capital > most:
        said += f", at most its own ${most:,.0f}"
    if size.reason:
        said += f": {size.reason}"
    return {
        **_ticket(session, ticket, size.strategy.bucket, known),
        "share": share,
        **{name: getattr(size, name) for name in _MULTIPLIERS},
        "capital": size.final_size,
        "budget": min(capital, most),
        "reason": said,
    }


def _without(session: date, ticket: Row, library: _Library, known: _Known, reason: str) -> dict[str, object]:
    """A ticket without a budget. Its bucket is that of the strategy it names, for what is held of it."""
    strategy = library.filed.get(ticket["strategy"] or "")
    bucket = LONE_BUCKET if strategy is None else strategy.bucket
    nothing = dict.fromkeys(("share", *_MULTIPLIERS, "capital"))
    return {**_ticket(session, ticket, bucket, known), **nothing, "budget": 0.0, "reason": f"no budget: {reason}"}


def _passed_through(session: date, ticket: Row) -> dict[str, object]:
    """Document 000 knows no budgets: a ticket in force may use all it asks for."""
    in_force = ticket["status"] == IN_FORCE
    most = ticket["max_gross_notional"]
    return {
        **_ticket(session, {**ticket, "strategy": None}, LONE_BUCKET, _NOTHING_KNOWN),
        **dict.fromkeys(("share", *_MULTIPLIERS, "capital")),
        "budget": most if in_force else 0.0,
        "reason": LONE_REASON if in_force else f"no budget: {_why_none(ticket, _EMPTY)}",
    }


def _ticket(session: date, ticket: Row, bucket: str, known: _Known) -> dict[str, object]:
    pair = known.pairs.get(str(ticket["pair_id"]))
    return {
        "as_of_date": session,
        "strategy_name": _strategy_name(ticket),
        "ticket_id": ticket["ticket_id"],
        "bucket": bucket,
        "max_gross_notional": ticket["max_gross_notional"],
        "hedge_ratio": None if pair is None else pair["beta"],
    }


def _size(session: date, size: StrategySize, covariance: StrategyCovariance) -> dict[str, object]:
    item = size.strategy
    return {
        "as_of_date": session,
        "strategy_name": item.strategy_name,
        "recommended_size": size.recommended_size,
        "capital_allocation": size.capital_allocation,
        "risk_contribution": size.risk_contribution,
        "correlation_adjustment": size.correlation_adjustment,
        "regime_adjustment": size.regime_adjustment,
        "final_size": size.final_size,
        "bucket": item.bucket,
        "status": item.status,
        "ticket_count": size.ticket_count,
        "base_size": size.base_size,
        "conviction_multiplier": size.conviction_multiplier,
        "return_risk_multiplier": size.return_risk_multiplier,
        "kelly_size": size.kelly_size,
        "kelly_multiplier": size.kelly_multiplier,
        "strategy_cap_multiplier": size.strategy_cap_multiplier,
        "bucket_multiplier": size.bucket_multiplier,
        "regime_fit": size.regime_fit,
        "mean_correlation": size.mean_correlation,
        "daily_volatility": covariance.volatility(item.strategy_name),
        "reason": size.reason,
    }


def _correlations(session: date, sizes: Sequence[StrategySize], covariance: StrategyCovariance) -> Iterator[dict[str, object]]:
    """A row for every two strategies with tickets in force whose streams are known."""
    for one, other in combinations([size.strategy.strategy_name for size in sizes if size.takes_part], 2):
        found = covariance.correlation(one, other)
        if found is not None:
            yield {"as_of_date": session, "strategy_a": one, "strategy_b": other, "correlation": found}


def _known_by_day(
    tickets: Mapping[date, Sequence[Row]],
    market_regime: pl.DataFrame,
    pair_state: pl.DataFrame,
    instrument_state: pl.DataFrame,
    return_correlations: pl.DataFrame,
) -> dict[date, _Known]:
    """What is known of the tickets' pairs and names, by session; of a pair without a hedge ratio nothing is."""
    wanted = sorted({str(row["pair_id"]) for rows in tickets.values() for row in rows if row["pair_id"]})
    pairs: dict[date, dict[str, Row]] = {}
    columns = ("as_of_date", "pair_id", "beta", "zscore", "corr_60")
    states = pair_state.filter(pl.col("pair_id").is_in(wanted)).drop_nulls(["beta", "zscore"]).select(columns)
    for row in states.iter_rows(named=True):
        pairs.setdefault(row["as_of_date"], {})[row["pair_id"]] = row
    volatilities: dict[date, dict[str, float]] = {}
    for session, symbol, value in instrument_state.drop_nulls("vol_20").select("as_of_date", "symbol", "vol_20").iter_rows():
        volatilities.setdefault(session, {})[symbol] = value
    correlations: dict[date, dict[tuple[str, str], float]] = {}
    of_pairs = return_correlations.filter(
        (pl.col("kind") == "pair") & pl.col("id_a").is_in(wanted) & pl.col("id_b").is_in(wanted)
    )
    for session, id_a, id_b, value in of_pairs.select("as_of_date", "id_a", "id_b", "correlation").iter_rows():
        correlations.setdefault(session, {})[id_a, id_b] = value
    regimes = regimes_of(market_regime)
    return {
        session: _Known(
            pairs.get(session, {}), volatilities.get(session, {}), correlations.get(session, {}), regimes.get(session)
        )
        for session in tickets
    }
