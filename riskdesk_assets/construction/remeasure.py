"""The hard limits measured again from the written tables, in integers, sharing no code with the walk's own audit.

Two books are measured. The ideal one, ticket by ticket as guard_decisions tells it at the prices of ideal_portfolio: the
audit's figure has to be the same to the tick. And what stands in desk_positions: the same book in shadow; in paper and enforce
another one, on the way to it. A family passes on a session when every limit of it, at the bound the audit recorded, holds on
both. A family whose limits are about facts of the names warns where the session knows none of them: it was not measured. Desk
positions beyond a bound beside a frozen leg are a warning: the guards could not trade what breaches it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.common.session_check import SessionCheck
from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.remeasure_gate import GATE, HALT, gate_checks

NET_ZERO = "net_zero"
RELEASE = "release"
FAMILIES = (
    "ticket_gross",
    "leg_notional",
    "name_gross",
    "bucket",
    "portfolio_gross",
    "portfolio_net",
    "group",
    "sector",
    "country",
    "currency",
    "factor",
    "fragility",
    "scenario_loss",
    "turnover",
    "position_count",
)
CHECKS = (NET_ZERO, *FAMILIES, HALT, GATE, RELEASE)
_TICKS_PER_DOLLAR = 10_000
_TICKS_PER_CENT = 100
_PARTS = 1_000_000  # an exposure or a shocked return of 1, in whole numbers
_DAY = "as_of_date"
_NO_BUCKET = "RV"
_UNAUDITED = "the session was released, but no limit of it was recorded"


@dataclass(frozen=True)
class Written:
    """The tables of a range of sessions, as they stand in the warehouse."""

    desk_positions: pl.DataFrame
    guard_decisions: pl.DataFrame
    portfolio_blotter: pl.DataFrame
    ideal_portfolio: pl.DataFrame
    limit_audit: pl.DataFrame
    desk_state: pl.DataFrame
    gate_decisions: pl.DataFrame
    instrument_factors_daily: pl.DataFrame
    instrument_state: pl.DataFrame
    scenarios: pl.DataFrame
    strategy_budgets: pl.DataFrame


def remeasure(written: Written, config: Config, sessions: Sequence[date]) -> Iterator[SessionCheck]:
    """One result per check and session, for every check in CHECKS.

    Args:
        written: the tables, the sessions' rows of each.
        config: the universe's sets, and which fragility classes are soft.
        sessions: the sessions to judge.
    """
    shadow = config.desk.guards.mode == "shadow"
    wanted, stood = _ideal_legs(written), _desk_legs(written)
    ideal, stands = _measured(wanted, written, config), _measured(stood, written, config)
    rows = written.limit_audit.join(ideal, on=[_DAY, "limit_name"], how="left").join(
        stands.rename({"again": "stands"}), on=[_DAY, "limit_name"], how="left"
    )
    # A book that is not there is told by net_zero alone.
    there = pl.col(_DAY).is_in(written.ideal_portfolio[_DAY].unique().implode())
    rows = rows.with_columns(pl.col("again", "stands").fill_null(0)).with_columns(
        again=pl.when(there).then("again").otherwise("stands")
    )
    by_key = {key: frame.to_dicts() for key, frame in rows.partition_by(_DAY, "family", as_dict=True).items()}
    books = {row[_DAY]: row for row in _books(written).to_dicts()}
    states = {row[_DAY]: row for row in written.desk_state.to_dicts()}
    yield from gate_checks(_by_ticket(wanted), _by_ticket(stood), written.gate_decisions, states, sessions)
    unmeasured = dict(_unmeasured(config))
    frozen = set() if shadow else set(written.desk_positions.filter("frozen")[_DAY])
    for session in sessions:
        state = states.get(session)
        if state is None:
            yield SessionCheck(RELEASE, session, passed=False, message=f"{session} has no desk state")
            continue
        run = str(state["run_id"])
        yield _net_zero(session, books.get(session), released=bool(state["released"]), run=run)
        released = bool(state["released"])
        if released and not any((session, family) in by_key for family in FAMILIES):
            families = [SessionCheck(family, session, passed=False, message=_UNAUDITED, run_hash=run) for family in FAMILIES]
            yield from families
            yield _release(session, state, explained=True, run=run)
            continue
        families = [
            _family(
                family,
                session,
                by_key.get((session, family), []),
                unmeasured.get(family),
                released=released,
                run=run,
                shadow=shadow,
                frozen=session in frozen,
            )
            for family in FAMILIES
        ]
        yield from families
        yield _release(session, state, explained=any(not result.passed for result in families), run=run)


def _release(session: date, state: dict[str, object], *, explained: bool, run: str) -> SessionCheck:
    """A session without a book fails; it is a warning where a limit's own check, or the tickets' own, already tells why."""
    message = str(state["release_reason"] or state["release_status"])
    told = explained or state["release_status"] == "FAILED_CLOSED"
    return SessionCheck(RELEASE, session, bool(state["released"]), message, run_hash=run, hard=not told)


def _net_zero(session: date, book: dict[str, object] | None, *, released: bool, run: str) -> SessionCheck:
    """A released book is there, every row is its shares at its price, and the whole sums to nothing."""
    if book is None:
        message = "the session was released, but it has no book" if released else "nothing was released"
        return SessionCheck(NET_ZERO, session, not released, message, run_hash=run)
    cents, wrong = book["cents"], str(book["wrong"])
    message = f"notionals and CASH sum to {cents} cents"
    if wrong:
        message += f"; the cents of {wrong} are not its shares at its price"
    if book["strays"]:
        message += f"; the shares of {book['strays']} are not those of its tickets"
    return SessionCheck(
        NET_ZERO, session, cents == 0 and not wrong and not book["strays"], message, NET_ZERO, str(cents), "0", run
    )


def _books(written: Written) -> pl.DataFrame:
    """as_of_date, cents (the sum of a session's notional_cents), wrong (symbols whose cents are not shares x price), strays
    (symbols whose shares are not the sum of what their tickets want)."""
    wanted = written.guard_decisions.group_by(_DAY, "symbol").agg(pl.col("shares_wanted").sum())
    ideal = written.ideal_portfolio.join(wanted, on=[_DAY, "symbol"], how="left")
    stray = ~pl.col("is_cash") & (pl.col("shares") != pl.col("shares_wanted").fill_null(0))
    ticks = pl.col("shares") * (pl.col("price") * _TICKS_PER_DOLLAR).round().cast(pl.Int64)
    low = ticks.floordiv(_TICKS_PER_CENT)
    rest = ticks - low * _TICKS_PER_CENT
    up = (rest * 2 > _TICKS_PER_CENT) | ((rest * 2 == _TICKS_PER_CENT) & ((low - low.floordiv(2) * 2) == 1))
    wrong = ~pl.col("is_cash") & (pl.col("notional_cents") != low + up.cast(pl.Int64))
    return ideal.group_by(_DAY).agg(
        pl.col("notional_cents").sum().alias("cents"),
        pl.col("symbol").filter(wrong).sort().str.join(", ").alias("wrong"),
        pl.col("symbol").filter(stray).sort().str.join(", ").alias("strays"),
    )


def _unmeasured(config: Config) -> Iterator[tuple[str, str]]:
    """What to say of a family that is set and has no row: its limits are about facts, and the session knows none of them."""
    limits, own = config.limits, config.own
    families = (
        ("factor", limits.factor, bool(own.factor_limits), "any name's exposure"),
        ("fragility", limits.fragility, own.fragility_exposure_limit is not None, "any name's class"),
        ("scenario_loss", limits.scenario_loss, False, "any name's loss in a scenario"),
    )
    for family, desk, owned, fact in families:
        if desk is not None or owned:
            place = f"portfolio {own.portfolio_id}" if desk is None else "limits.yaml"
            yield family, f"{family}: set in {place}, but nothing is known of {fact} on this session: not measured"


def _family(
    family: str,
    session: date,
    rows: list[dict[str, Any]],
    unmeasured: str | None,
    *,
    released: bool,
    run: str,
    shadow: bool,
    frozen: bool,
) -> SessionCheck:
    if not rows and released and unmeasured is not None:
        return SessionCheck(family, session, passed=False, message=unmeasured, run_hash=run, hard=False)
    if not rows:
        message = "no limit of this family is set" if released else "nothing was released"
        return SessionCheck(family, session, passed=True, message=message, run_hash=run)
    failed = [row for row in rows if (_larger(row) > row["bound"] if released else row["status"] == "BREACH")]
    differing = [
        row for row in rows if released and (row["again"] != row["measured"] or (shadow and row["stands"] != row["measured"]))
    ]
    worst = max(failed or differing or rows, key=_utilization)
    measured = _larger(worst) if released else worst["measured"]
    name, unit = str(worst["limit_name"]), str(worst["unit"])
    verb = "breaches" if failed else "is within"
    message = f"{name}: {_amount(measured, unit)} {verb} {_amount(worst['bound'], unit)} ({worst['source']})"
    if failed and not released:
        message += "; the book was not released"
    if differing and not failed:
        measured = worst["again"] if worst["again"] != worst["measured"] else worst["stands"]
        message = f"{name}: the audit recorded {_amount(worst['measured'], unit)}, the tables give {_amount(measured, unit)}"
    on_the_way = released and bool(failed) and all(row["again"] <= row["bound"] for row in failed)
    if on_the_way and not shadow:
        message = f"desk positions: {message}" + ("; a frozen leg stands in the book" if frozen else "")
    passed = not failed and not differing
    bound = int(worst["bound"])
    return SessionCheck(
        family,
        session,
        passed,
        message,
        name,
        str(measured),
        str(bound),
        run,
        hard=not (on_the_way and frozen and not differing),
        utilization=int(measured) / bound if bound else None,
    )


def _larger(row: dict[str, Any]) -> int:
    """Of the two books the one that uses more of a limit."""
    return max(int(row["again"]), int(row["stands"]))


def _utilization(row: dict[str, Any]) -> tuple[float, str]:
    bound, measured = int(row["bound"]), max(_larger(row), int(row["measured"]))
    return (measured / bound if bound else float(measured), str(row["limit_name"]))


def _amount(value: object, unit: str) -> str:
    number = int(str(value))
    return str(number) if unit == "count" else f"${number / _TICKS_PER_DOLLAR:,.2f}"


def _desk_legs(written: Written) -> pl.DataFrame:
    """as_of_date, ticket_id, symbol, value and before (today's and yesterday's shares in ticks at today's prices) of what
    stands where something was released."""
    released = written.desk_state.filter("released").select(_DAY)
    traded = written.portfolio_blotter.select(_DAY, "ticket_id", "symbol", "shares_before")
    legs = written.desk_positions.join(released, on=_DAY, how="semi").join(traded, on=[_DAY, "ticket_id", "symbol"], how="left")
    return _valued(legs, pl.col("shares"), pl.col("shares_before").fill_null(pl.col("shares")))


def _ideal_legs(written: Written) -> pl.DataFrame:
    """The same of the ideal portfolio."""
    tables = (written.ideal_portfolio, written.desk_positions, written.portfolio_blotter)
    prices = pl.concat([table.select(_DAY, "symbol", "price") for table in tables])
    prices = prices.unique([_DAY, "symbol"], keep="first", maintain_order=True)
    wanted = pl.col("shares_wanted")
    legs = written.guard_decisions.filter((wanted != 0).any().over(_DAY, "ticket_id"))
    legs = legs.join(prices, on=[_DAY, "symbol"], how="left").with_columns(pl.col("price").fill_null(0.0))
    return _valued(legs, wanted, pl.col("shares_before"))


def _valued(legs: pl.DataFrame, shares: pl.Expr, before: pl.Expr) -> pl.DataFrame:
    ticks = (pl.col("price") * _TICKS_PER_DOLLAR).round().cast(pl.Int64)
    return legs.select(_DAY, "ticket_id", "symbol", value=shares * ticks, before=before * ticks)


def _measured(legs: pl.DataFrame, written: Written, config: Config) -> pl.DataFrame:
    """as_of_date, limit_name, again: every quantity a limit may be about, in ticks (tickets for the count)."""
    names = pl.DataFrame(
        [
            (name, each.industry_group, each.sector, each.country, each.currency)
            for name, each in config.universe.symbols.items()
        ],
        schema=["symbol", "group", "sector", "country", "currency"],
        orient="row",
    )
    nets = legs.group_by(_DAY, "symbol").agg(pl.col("value").sum()).join(names, on="symbol", how="left")
    size, net = pl.col("value").abs().sum(), pl.col("value").sum().abs()
    by_name = legs.group_by(_DAY, "symbol").agg(size.alias("again"))
    parts = [
        _named(legs.select(_DAY, "ticket_id", "symbol", again=pl.col("value").abs()), "leg_notional", "ticket_id", "symbol"),
        _named(legs.group_by(_DAY, "ticket_id").agg(size.alias("again")), "ticket_gross", "ticket_id"),
        _named(_of_buckets(legs, written), "bucket", "bucket"),
        _named(by_name, "name_gross", "symbol"),
        _named(by_name, "mandate_name_gross", "symbol"),
        _named(nets.select(_DAY, "symbol", again=pl.col("value").abs()), "symbol_net", "symbol"),
        *(_named(nets.group_by(_DAY, key).agg(size.alias("again")), key, key) for key in ("group", "sector", "country")),
        _named(nets.group_by(_DAY, "currency").agg(net.alias("again")), "currency", "currency"),
        _named(nets.group_by(_DAY).agg(net.alias("again")), "portfolio_net"),
        _named(nets.group_by(_DAY).agg(size.alias("again")), "portfolio_gross"),
        _named(nets.group_by(_DAY).agg(size.alias("again")), "mandate_gross"),
        _named(legs.group_by(_DAY).agg(pl.col("ticket_id").n_unique().cast(pl.Int64).alias("again")), "position_count"),
        _named(_additions(legs), "turnover"),
        *_of_facts(nets.select(_DAY, "symbol", "value"), written, config),
    ]
    every = pl.concat(parts)
    # The own portfolio bounds the same quantities by names of its own.
    return pl.concat([every, every.with_columns(limit_name=pl.lit("own_") + pl.col("limit_name"))])


def _of_buckets(legs: pl.DataFrame, written: Written) -> pl.DataFrame:
    """as_of_date, bucket, again: gross of the tickets of each bucket; one that has none is in RV."""
    buckets = written.strategy_budgets.select(_DAY, "ticket_id", "bucket")
    known = legs.join(buckets, on=[_DAY, "ticket_id"], how="left").with_columns(pl.col("bucket").fill_null(_NO_BUCKET))
    return known.group_by(_DAY, "bucket").agg(pl.col("value").abs().sum().alias("again"))


def _of_facts(nets: pl.DataFrame, written: Written, config: Config) -> list[pl.DataFrame]:
    """What a session's facts of the names make of the book: exposure to each factor, soft names, loss in each scenario."""
    classes = written.instrument_state.select(_DAY, "symbol", "fragility_class")
    soft = pl.col("fragility_class").is_null() | pl.col("fragility_class").is_in(config.own.soft_classes)
    ours = nets.filter(pl.col("symbol").is_in(config.universe.tradable))
    fragile = ours.join(classes, on=[_DAY, "symbol"], how="left").filter(soft)
    exposures = written.instrument_factors_daily.select(
        _DAY, pl.col("instrument_id").alias("symbol"), pl.col("factor_id").alias("key"), pl.col("exposure").alias("share")
    )
    returns = written.scenarios.select(
        _DAY, "symbol", pl.col("scenario_id").alias("key"), pl.col("shocked_return").alias("share")
    )
    return [
        _named(fragile.group_by(_DAY).agg(pl.col("value").abs().sum().alias("again")), "fragility"),
        _named(_weighted(nets, exposures).with_columns(again=_parts_up(pl.col("total").abs())), "factor", "key"),
        _named(_weighted(nets, returns).with_columns(again=_parts_up(pl.col("total") * -1)), "scenario_loss", "key"),
    ]


def _weighted(nets: pl.DataFrame, shares: pl.DataFrame) -> pl.DataFrame:
    """as_of_date, key, total: value x share summed over the names, in ticks of _PARTS to one."""
    # A book of billions times a million to one leaves 64 bits.
    whole = (pl.col("share") * _PARTS).round(mode="half_to_even").cast(pl.Int64)
    terms = nets.join(shares.drop_nulls("share"), on=[_DAY, "symbol"]).with_columns(
        term=pl.col("value").cast(pl.Int128) * whole
    )
    return terms.group_by(_DAY, "key").agg(pl.col("term").sum().alias("total"))


def _parts_up(total: pl.Expr) -> pl.Expr:
    """Whole ticks of a total in _PARTS to one, rounded up; 0 where it is below nothing."""
    return pl.max_horizontal(pl.lit(0, dtype=pl.Int128), (total + (_PARTS - 1)).floordiv(_PARTS))


def _named(frame: pl.DataFrame, label: str, *keys: str) -> pl.DataFrame:
    name = pl.concat_str([pl.lit(label), *(pl.col(key) for key in keys)], separator=":")
    return frame.select(_DAY, name.alias("limit_name"), pl.col("again").cast(pl.Int64))


def _additions(legs: pl.DataFrame) -> pl.DataFrame:
    """Gross the tickets added, summed per session."""
    return _by_ticket(legs).group_by(_DAY).agg(pl.col("added").sum().alias("again"))


def _by_ticket(legs: pl.DataFrame) -> pl.DataFrame:
    """as_of_date, ticket_id, size (gross), held, added (to what was held in the same direction) and legs_added (leg by leg),
    all in ticks at today's prices."""
    leg = pl.col("value").abs() - pl.when(pl.col("before").sign() * pl.col("value").sign() < 0).then(0).otherwise(
        pl.col("before").abs()
    )
    tickets = legs.group_by(_DAY, "ticket_id").agg(
        size=pl.col("value").abs().sum(),
        held=pl.col("before").abs().sum(),
        turned=(pl.col("before").sign() * pl.col("value").sign() < 0).any(),
        legs_added=leg.clip(lower_bound=0).sum(),
    )
    kept = pl.when("turned").then(0).otherwise(pl.col("held"))
    added = pl.max_horizontal(pl.lit(0, dtype=pl.Int64), pl.col("size") - kept)
    return tickets.select(_DAY, "ticket_id", "size", "held", added.alias("added"), "legs_added")
