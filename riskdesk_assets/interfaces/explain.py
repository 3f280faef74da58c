"""Why a position is what it is, as plain data: a ticket from its intent to its shares, a symbol from its tickets to its net.

Everything comes from tables, of the warehouse or of a run directory, so it says what was decided then, not what today's code
would decide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from riskdesk_assets.book.clips import of_whole_ticket
from riskdesk_assets.common.buckets import LONE_BUCKET
from riskdesk_assets.common.errors import InputError, Problem, StateError, nearest
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.universe import pair_id
from riskdesk_assets.features.pair_health import PairHealth, pair_warnings
from riskdesk_assets.interfaces.explain_stages import HeldLine, Row, Stage, guards_said, share_stages, stages
from riskdesk_assets.interfaces.held import pnl_of
from riskdesk_assets.interfaces.run_summary import LimitLine, Tables, axes_of, clip_unit, limit_line
from riskdesk_assets.limits.bucket_limits import LABEL as BUCKET
from riskdesk_assets.limits.catalogue import OWN
from riskdesk_assets.reports.books import no_book_of
from riskdesk_assets.reports.ticket_pnl import TicketPnl, sessions_left

CENTS_PER_DOLLAR = 100
BOOK_WIDE = ("portfolio_gross", "portfolio_net", "mandate_gross", "turnover", "position_count")


@dataclass(frozen=True)
class ClipRow:
    """One row of the clip ledger; values in ``unit``, the bound in dollars (a fraction of NAV for the volatility target).

    ``symbol`` is the leg touched alone, or the one that decided for the whole ticket (ticket caps, gatekeeper).
    """

    ticket_id: str
    symbol: str
    stage: str
    limit: str
    bound: float | None
    value_in: float
    value_out: float
    unit: str
    reason: str


@dataclass(frozen=True)
class GateLine:
    """One check of the gatekeeper: outcome, dollars of gross before and after it, and why."""

    check: str
    outcome: str
    gross_before: float
    gross_after: float
    note: str


@dataclass(frozen=True)
class TicketStory:
    """One ticket on one session: its signal, the controller's answer, what each stage left of it, and what it holds.

    ``sizing`` is its row of strategy_budgets: every multiplier of its strategy, its share, its bucket. ``market_regime`` is the
    session's (None: not known), ``tape_regimes`` those of its legs, by symbol, ``stress_bps`` beside them. ``health`` is its
    pair's (None: no state that session), ``warnings`` what is wrong with it in words. ``pnl`` is of the position it holds
    (None: it holds none), ``sessions_left`` on the how-manyth session from now its time stop closes it.
    """

    session: date
    run_id: str
    status: str
    released: bool
    release_reason: str
    source: str
    market_regime: str | None
    tape_regimes: Mapping[str, str]
    stress_bps: Mapping[str, float]
    ticket_id: str
    leg_a: str
    leg_b: str
    intent: Row
    sizing: Row
    zscore: float | None
    beta: float | None
    health: PairHealth | None
    warnings: tuple[str, ...]
    units: float
    reason: str
    stages: tuple[Stage, ...]
    clips: tuple[ClipRow, ...]
    limits: tuple[LimitLine, ...]
    held: tuple[HeldLine, ...]
    gate: tuple[GateLine, ...]
    halt: str
    guards: str = ""
    pnl: TicketPnl | None = None
    sessions_left: int | None = None


@dataclass(frozen=True)
class TicketAnswer:
    """What one ticket says about a symbol it may hold: its units and why, and the leg it holds (None: nothing)."""

    ticket_id: str
    leg: str
    units: float
    reason: str
    held: HeldLine | None


@dataclass(frozen=True)
class SymbolStory:
    """One symbol on one session: every ticket on it, how they net, the limits that touch it, and what clipped its tickets.

    ``market_regime`` is the session's (None: not known), ``tape_regimes`` the symbol's own, ``stress_bps`` beside it.
    ``shares`` are what the desk holds, ``ideal_shares`` those of the ideal portfolio (None: none was released).
    """

    session: date
    run_id: str
    status: str
    released: bool
    release_reason: str
    source: str
    market_regime: str | None
    tape_regimes: Mapping[str, str]
    stress_bps: Mapping[str, float]
    symbol: str
    name: str
    group: str
    price: float | None
    shares: int
    net: float
    gross: float
    tickets: tuple[TicketAnswer, ...]
    limits: tuple[LimitLine, ...]
    clips: tuple[ClipRow, ...]
    ideal_shares: int | None = None


def explain(word: str, asof: date | None, warehouse: Tables, config: Config) -> TicketStory | SymbolStory:
    """The story of a symbol or ticket on a session, by default the newest.

    Raises:
        StateError: the session has no book; says which command makes one.
        InputError: the day is no session that has closed, or the word neither a symbol of the universe nor a ticket of that
            session; names the nearest.
    """
    state = _state(asof, warehouse)
    session: date = state["as_of_date"]
    proposals = warehouse.read("proposals", session, session)
    known_ids = {*proposals["ticket_id"], *warehouse.read("ticket_snapshots", session, session)["ticket_id"].drop_nulls()}
    tickets = sorted(known_ids - {""})
    symbol = word.upper()
    if word in tickets:
        return _ticket(word, state, proposals, warehouse, config)
    if symbol in config.universe.symbols:
        return _symbol(symbol, state, proposals, warehouse, config)
    message = f"{word!r} is neither a symbol nor a ticket of {session}{_near(word, tickets, config.universe.tradable)}"
    raise InputError(Problem("", None, "", message, f"{', '.join(config.universe.tradable)}; {', '.join(tickets)}"))


def _near(word: str, tickets: Sequence[str], symbols: Sequence[str]) -> str:
    """The ticket that begins with the word, else the nearest: symbols of the same first letter before others."""
    for ticket in tickets:
        if ticket.startswith(word.lower()):
            return f"; did you mean '{ticket}'?"
    symbol = word.upper()
    alike = [known for known in symbols if known[:1] == symbol[:1]]
    return nearest(symbol, alike) or nearest(word.lower(), tickets) or nearest(symbol, symbols)


def _state(asof: date | None, warehouse: Tables) -> Row:
    states = warehouse.read("desk_state").sort("as_of_date")
    if states.is_empty():
        raise StateError("there is no book yet: `riskdesk run` makes one")
    chosen = states if asof is None else states.filter(pl.col("as_of_date") == asof)
    if asof is not None and chosen.is_empty():
        raise no_book_of(asof, states["as_of_date"].to_list())
    return chosen.row(-1, named=True)


def _source(warehouse: Tables, session: date) -> str:
    return ", ".join(warehouse.read("daily_bars", session, session)["source"].unique().sort().to_list())


def _regimes(warehouse: Tables, session: date, symbols: Sequence[str]) -> dict[str, Any]:
    """Both axes, each by its own name: the market's of the session, the tape's of the symbols."""
    axes = axes_of(warehouse, session)
    stress = {symbol: axes.stress_bps[symbol] for symbol in symbols if symbol in axes.stress_bps}
    return {"market_regime": axes.market, "tape_regimes": axes.tape_of(symbols), "stress_bps": stress}


def _ticket(ticket_id: str, state: Row, proposals: pl.DataFrame, warehouse: Tables, config: Config) -> TicketStory:
    session: date = state["as_of_date"]
    snapshot = _one(warehouse.read("ticket_snapshots", session, session), ticket_id)
    proposal = _one(proposals, ticket_id)
    held = _held(warehouse, session, pl.col("ticket_id") == ticket_id)
    positions = warehouse.read("desk_positions", session, session).filter(pl.col("ticket_id") == ticket_id)
    leg_a, leg_b = _legs(snapshot, proposal)
    health = _health(warehouse, session, (leg_a, leg_b))
    fields = ("file", "status", "change", "orientation", "max_gross_notional", "max_leg_notional", "horizon_days", "conviction")
    more = ("time_stop_days", "flatten_on_breakdown", "effective_from", "expires_on", "entry_z", "exit_z", "note")
    decision = _one(warehouse.read("decisions", session, session), ticket_id)
    gate = _one(warehouse.read("gate_decisions", session, session), ticket_id)
    budget = _one(warehouse.read("strategy_budgets", session, session), ticket_id)
    guards = _of_ticket(warehouse.read("guard_decisions", session, session), ticket_id)
    names = {f"ticket_gross:{ticket_id}", f"{BUCKET}:{budget.get('bucket') or LONE_BUCKET}"}
    names |= {*_limit_names([leg_a, leg_b], [ticket_id], config)}
    names |= _fact_limit_names([leg_a, leg_b], session, warehouse, config)
    return TicketStory(
        session=session,
        run_id=state["run_id"],
        status=state["release_status"],
        released=state["released"],
        release_reason=state["release_reason"],
        source=_source(warehouse, session),
        **_regimes(warehouse, session, (leg_a, leg_b)),
        ticket_id=ticket_id,
        leg_a=leg_a,
        leg_b=leg_b,
        intent={name: snapshot[name] for name in (*fields, *more) if snapshot.get(name) is not None},
        sizing={name: value for name, value in budget.items() if value is not None and name not in ("as_of_date", "ticket_id")},
        zscore=proposal.get("zscore"),
        beta=proposal.get("beta"),
        health=health,
        warnings=tuple(pair_warnings(health, snapshot.get("horizon_days"), config.desk).values()) if health else (),
        units=proposal.get("units", 0.0),
        reason=proposal.get("reason", snapshot.get("status", "")),
        stages=(
            *stages(snapshot, budget, proposal, gate, decision, released=state["released"]),
            *share_stages(guards, held, (leg_a, leg_b), asked=bool(proposal), released=state["released"]),
        ),
        clips=_clips(warehouse, session, [ticket_id]),
        limits=_limits(warehouse, session, names),
        held=held,
        gate=tuple(
            GateLine(item["check"], item["outcome"], item["gross_before"], item["gross_after"], item["note"])
            for item in json.loads(gate.get("checks") or "[]")
        ),
        halt=_halt_said(state, ticket_id),
        guards=guards_said(guards, held, (leg_a, leg_b), config.desk.guards.mode),
        pnl=pnl_of(warehouse, positions, session).get(ticket_id),
        sessions_left=sessions_left(snapshot.get("time_stop_days"), max(line.age_sessions for line in held)) if held else None,
    )


def _health(warehouse: Tables, session: date, legs: tuple[str, str]) -> PairHealth | None:
    """The pair's figures; None where it has no state on the session."""
    rows = warehouse.read("pair_state", session, session).filter(pl.col("pair_id") == pair_id(*legs))
    return PairHealth.of_row(rows.row(0, named=True)) if rows.height else None


def _halt_said(state: Row, ticket_id: str) -> str:
    """What stops the desk or the ticket on the session; empty where nothing does."""
    if (state.get("trading_state") or "ACTIVE") != "ACTIVE":
        return f"the desk is {state['trading_state']} since {state['halt_since']}: {state['halt_reason']}"
    return "the ticket is halted" if ticket_id in (state.get("halted_tickets") or "").split(",") else ""


def _symbol(symbol: str, state: Row, proposals: pl.DataFrame, warehouse: Tables, config: Config) -> SymbolStory:
    session: date = state["as_of_date"]
    held = {line.ticket_id: line for line in _held(warehouse, session, pl.col("symbol") == symbol)}
    budgets = warehouse.read("strategy_budgets", session, session).filter(pl.col("ticket_id").is_in(list(held)))
    buckets = {f"{BUCKET}:{bucket or LONE_BUCKET}" for bucket in budgets["bucket"]}
    answers: list[TicketAnswer] = []
    for row in proposals.iter_rows(named=True):
        legs = row["pair_id"].split("__")
        if symbol in legs:
            line = held.get(row["ticket_id"])
            answers.append(TicketAnswer(row["ticket_id"], "AB"[legs.index(symbol)], row["units"], row["reason"], line))
    bars = warehouse.read("daily_bars", session, session).filter(pl.col("symbol") == symbol)
    instrument = config.universe.symbols[symbol]
    return SymbolStory(
        session=session,
        run_id=state["run_id"],
        status=state["release_status"],
        released=state["released"],
        release_reason=state["release_reason"],
        source=_source(warehouse, session),
        **_regimes(warehouse, session, (symbol,)),
        symbol=symbol,
        name=instrument.name,
        group=instrument.industry_group,
        price=bars["close"][0] if bars.height else None,
        shares=sum(line.shares for line in held.values()),
        net=sum(round(line.notional * CENTS_PER_DOLLAR) for line in held.values()) / CENTS_PER_DOLLAR,
        gross=sum(round(abs(line.notional) * CENTS_PER_DOLLAR) for line in held.values()) / CENTS_PER_DOLLAR,
        tickets=tuple(sorted(answers, key=lambda answer: (answer.held is None, answer.ticket_id))),
        limits=_limits(
            warehouse,
            session,
            _limit_names([symbol], held, config) | _fact_limit_names([symbol], session, warehouse, config) | buckets,
        ),
        clips=_clips(warehouse, session, [answer.ticket_id for answer in answers], symbol),
        ideal_shares=_ideal_shares(warehouse, session, symbol) if state["released"] else None,
    )


def _ideal_shares(warehouse: Tables, session: date, symbol: str) -> int:
    rows = warehouse.read("ideal_portfolio", session, session).filter(pl.col("symbol") == symbol)
    return int(rows["shares"].sum())


def _limit_names(symbols: Iterable[str], tickets: Iterable[str], config: Config) -> set[str]:
    """Every limit that holds for the symbols, for the tickets, or for the whole book."""
    names = set(BOOK_WIDE)
    own, on = list(tickets), list(symbols)
    for symbol in on:
        names |= {f"name_gross:{symbol}", f"symbol_net:{symbol}", f"mandate_name_gross:{symbol}"}
        names |= {f"leg_notional:{ticket}:{symbol}" for ticket in own}
        item = config.universe.symbols.get(symbol)
        if item is not None:
            names |= {
                f"group:{item.industry_group}",
                f"sector:{item.sector}",
                f"country:{item.country}",
                f"currency:{item.currency}",
            }
    return names


def _fact_limit_names(symbols: Sequence[str], session: date, warehouse: Tables, config: Config) -> set[str]:
    """The limits of factors and scenarios that move one of the symbols, and of fragility where one is soft or of no class."""
    names: set[str] = set()
    exposed = warehouse.read("instrument_factors_daily", session, session).filter(
        pl.col("instrument_id").is_in(symbols) & (pl.col("exposure") != 0.0)
    )
    names |= {f"factor:{factor}" for factor in exposed["factor_id"]}
    shocked = warehouse.read("scenarios", session, session).filter(
        pl.col("symbol").is_in(symbols) & (pl.col("shocked_return") != 0.0)
    )
    names |= {f"scenario_loss:{scenario}" for scenario in shocked["scenario_id"]}
    hard = warehouse.read("instrument_state", session, session).filter(
        pl.col("symbol").is_in(symbols) & ~pl.col("fragility_class").is_in(config.own.soft_classes)
    )
    return names if set(symbols) <= set(hard["symbol"]) else names | {"fragility"}


def _one(frame: pl.DataFrame, ticket_id: str) -> Row:
    found = frame.filter(pl.col("ticket_id") == ticket_id)
    return found.row(0, named=True) if found.height else {}


def _of_ticket(rows: pl.DataFrame, ticket_id: str) -> dict[str, Row]:
    """Symbol -> the ticket's row of it."""
    return {row["symbol"]: row for row in rows.filter(pl.col("ticket_id") == ticket_id).iter_rows(named=True)}


def _legs(snapshot: Row, proposal: Row) -> tuple[str, str]:
    if proposal:
        leg_a, leg_b = proposal["pair_id"].split("__")
        return leg_a, leg_b
    return snapshot.get("leg_a") or "?", snapshot.get("leg_b") or "?"


def _held(warehouse: Tables, session: date, which: pl.Expr) -> tuple[HeldLine, ...]:
    rows = warehouse.read("desk_positions", session, session).filter(which)
    return tuple(
        HeldLine(
            row["ticket_id"],
            row["leg"],
            row["symbol"],
            row["shares"],
            row["price"],
            row["notional_cents"] / CENTS_PER_DOLLAR,
            row["entered_on"],
            row["age_sessions"],
            row["frozen"],
        )
        for row in rows.iter_rows(named=True)
    )


def _clips(warehouse: Tables, session: date, tickets: list[str], symbol: str | None = None) -> tuple[ClipRow, ...]:
    """The ledger's rows of some tickets in the order they happened; those of one leg alone only where it is ``symbol``."""
    rows = warehouse.read("clip_ledger", session, session).filter(pl.col("ticket_id").is_in(tickets))
    return tuple(
        ClipRow(
            row["ticket_id"],
            row["symbol"],
            row["stage"],
            row["limit_name"],
            row["bound"],
            row["value_in"],
            row["value_out"],
            clip_unit(row["stage"]),
            row["reason"],
        )
        for row in rows.sort("sequence").iter_rows(named=True)
        if symbol is None or row["symbol"] == symbol or of_whole_ticket(row["stage"], row["symbol"])
    )


def _limits(warehouse: Tables, session: date, names: set[str]) -> tuple[LimitLine, ...]:
    # A limit of the desk's own portfolio is called like the one of config/limits.yaml that it is tighter than.
    known = sorted(names | {f"{OWN}{name}" for name in names})
    rows = warehouse.read("limit_audit", session, session).filter(pl.col("limit_name").is_in(known))
    lines = [limit_line(row) for row in rows.iter_rows(named=True)]
    return tuple(sorted(lines, key=lambda line: (-(line.utilization if line.utilization is not None else 2.0), line.name)))
