"""A desk in memory: configuration, tickets and bars in, the walk's inputs or one day's out. No Dagster, no warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar

import numpy as np
import polars as pl

from riskdesk_assets.common.errors import Problem
from riskdesk_assets.common.model import StrictModel
from riskdesk_assets.common.money import TICKS_PER_DOLLAR, price_ticks
from riskdesk_assets.common.sessions import SessionCalendar, load_calendar
from riskdesk_assets.common.settings import ROOT, Config, load_config, load_paths
from riskdesk_assets.common.strategy_names import FILE
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.carry import Mark
from riskdesk_assets.construction.day_sources import WalkInputs
from riskdesk_assets.construction.desk_day import DayResult, desk_day
from riskdesk_assets.construction.inputs import DayInputs, NameState, PairSignal, desk_context
from riskdesk_assets.construction.prepare import WALK_TABLES, walk_inputs
from riskdesk_assets.construction.state import GENESIS, DeskState, HeldLeg, Position
from riskdesk_assets.features.compute import distinct_pairs, pair_states, panel_of, watched_pairs
from riskdesk_assets.features.correlations import return_correlations
from riskdesk_assets.features.instrument_state import instrument_state
from riskdesk_assets.features.market_regime import market_regime
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.market.history import History, lookback_start
from riskdesk_assets.market.print_panel import PrintPanel
from riskdesk_assets.market.sample import SampleMarket
from riskdesk_assets.market.snapshots import Snapshot
from riskdesk_assets.reports.run_artifacts import PRIOR_TABLES
from riskdesk_assets.risk_model.covariance import Covariance
from riskdesk_assets.strategy.budgets import BUDGET_INPUTS, strategy_budgets
from riskdesk_assets.strategy.library import strategy_library
from riskdesk_assets.strategy.loading import LoadedTicket, TicketFolder, load_tickets
from riskdesk_assets.strategy.snapshots import ticket_snapshots
from riskdesk_assets.strategy.strategy_file import Strategy, load_strategies
from riskdesk_assets.strategy.ticket import Ticket

CODE = "the tests' own code version"
PRIOR = tuple(name for name in PRIOR_TABLES if name != "ticket_snapshots")
ModelT = TypeVar("ModelT", bound=StrictModel)


@cache
def calendar() -> SessionCalendar:
    """NYSE sessions to the end of 2027."""
    return load_calendar(None, date(2027, 12, 31))


def sessions_from(first: date, count: int) -> tuple[date, ...]:
    """``count`` sessions from ``first`` on."""
    place = calendar().position(calendar().on_or_before(first))
    return calendar().sessions[place : place + count]


def desk_config(profile: str = "desk", environ: Mapping[str, str] | None = None) -> Config:
    """The repo's own configuration under a profile."""
    paths = load_paths({"RISKDESK_CONFIG_DIR": str(ROOT / "config")})
    return load_config(paths, {"RISKDESK_PROFILE": profile, **(environ or {})})


def changed(model: ModelT, path: str, value: object) -> ModelT:
    """A copy with one value changed: ``changed(config, "desk.controller.exit_z", 0.5)``; checked like the file itself."""
    raw = model.model_dump()
    place = raw
    *parents, last = path.split(".")
    for name in parents:
        place = place[name]
    place[last] = value
    return type(model).model_validate(raw)


def make_ticket(ticket_id: str = "jpm-bac", leg_a: str = "JPM", leg_b: str = "BAC", **fields: object) -> Ticket:
    """A usable ticket."""
    base: dict[str, object] = {
        "type": "PAIR",
        "orientation": "BOTH",
        "max_gross_notional": 800_000.0,
        "max_leg_notional": 560_000.0,
        "horizon_days": 30,
        "conviction": 3,
        "time_stop_days": 45,
        "flatten_on_breakdown": True,
        "expires_on": date(2027, 12, 31),
    }
    return Ticket.model_validate({"ticket_id": ticket_id, "leg_a": leg_a, "leg_b": leg_b, **base, **fields})


@cache
def shipped_tickets() -> tuple[Ticket, ...]:
    """The repo's own example tickets."""
    folder = load_tickets(ROOT / "tickets" / "active", desk_config().universe)
    assert not folder.problems, folder.problems
    return tuple(item.ticket for item in folder.tickets)


def snapshots_of(
    tickets: Sequence[Ticket],
    sessions: Sequence[date],
    problems: Sequence[Problem] = (),
    previous: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The table ticket_snapshots of a folder that holds these tickets, one file each, and these unusable files."""
    loaded = tuple(LoadedTicket(item, f"{item.ticket_id}.yaml", item.content_hash) for item in tickets)
    folder = TicketFolder(loaded, tuple(problems), {}, "")
    before = TABLES["ticket_snapshots"].frame([]) if previous is None else previous
    return ticket_snapshots(folder, sessions, before, {})


@cache
def _sample(profile: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    universe, days = desk_config(profile).universe, calendar().sessions
    market = SampleMarket(universe, calendar())
    return market.bars(universe.watched, days[0], days[-1]), market.volatility_index("^VIX", days[0], days[-1])


def sample_bars() -> pl.DataFrame:
    """The whole sample market."""
    return _sample("desk")[0]


def sample_volatility() -> pl.DataFrame:
    """The whole sample market's volatility index."""
    return _sample("desk")[1]


def history_of_bars(
    config: Config, first: date, last: date, bars: pl.DataFrame | None = None, volatility: pl.DataFrame | None = None
) -> History:
    """Bars (the sample market's where none are given) cut to what the range may read."""
    bars = sample_bars() if bars is None else bars
    volatility = sample_volatility() if volatility is None else volatility
    start = lookback_start(calendar(), config, first)
    within = pl.col("as_of_date").is_between(start, last)
    source = "SIMULATED" if bars.is_empty() else str(bars["source"][0])
    snapshot = Snapshot("in-memory", start, last, source, ())
    return History(snapshot, calendar(), first, last, bars.filter(within), volatility.filter(within), config.desk.quality)


def inputs_of(
    config: Config,
    tickets: pl.DataFrame | Sequence[Ticket],
    first: date,
    last: date,
    bars: pl.DataFrame | None = None,
    start: DeskState = GENESIS,
    tables: Mapping[str, pl.DataFrame] | None = None,
) -> WalkInputs:
    """The walk's inputs for a range, with the features computed from the bars; tickets or a ready ticket_snapshots.

    Budgets are those of the shipped library. ``tables``: rows of other tables of WALK_TABLES, which are empty where none are
    given; the names are calm.
    """
    history = history_of_bars(config, first, last, bars)
    panel = panel_of(history, config)
    rows = tickets if isinstance(tickets, pl.DataFrame) else snapshots_of(tickets, history.wanted)
    rows = rows.filter(pl.col("as_of_date").is_between(first, last))
    pairs = watched_pairs(config, rows, history.wanted)
    quiet = config.model_copy(
        update={
            "desk": config.desk.model_copy(
                update={"features": config.desk.features.model_copy(update={"coint_refresh": "never"})}
            )
        }
    )
    states = pair_states(panel, quiet, pairs, first, last)
    return walk_inputs(
        history,
        panel,
        config,
        {
            **{name: TABLES[name].frame([]) for name in WALK_TABLES},
            "pair_state": states,
            "ticket_snapshots": rows,
            "instrument_state": calm_states(history.usable, first, last),
            **strategy_tables(config, history, panel, rows, states),
            **(tables or {}),
        },
        start=start,
        code_version=CODE,
    )


@cache
def shipped_strategies() -> tuple[Strategy, ...]:
    """The repo's own library."""
    return load_strategies(ROOT / "config" / FILE, desk_config().sizing)


def library_of(config: Config, sessions: Sequence[date]) -> pl.DataFrame:
    """The shipped library as strategy_library keeps it, without the tickets."""
    nothing = [TABLES[name].frame([]) for name in ("ticket_snapshots", "market_regime")]
    return strategy_library(config, dict.fromkeys(sessions, shipped_strategies()), *nothing)


def strategy_tables(
    config: Config, history: History, panel: Panel, tickets: pl.DataFrame, states: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """strategy_library and what stage 1 makes of it, from the bars."""
    first, last, features = history.first, history.last, config.desk.features
    regimes = market_regime(panel, history.volatility, config.universe, features, first, last)
    pairs = distinct_pairs(states.select("as_of_date", "leg_a", "leg_b"))
    given = {
        "strategy_library": strategy_library(config, dict.fromkeys(history.wanted, shipped_strategies()), tickets, regimes),
        "ticket_snapshots": tickets,
        "market_regime": regimes,
        "pair_state": states,
        "instrument_state": instrument_state(
            panel, config.universe, features, config.desk.costs, regimes, config.feature_version, first, last
        ),
        "return_correlations": return_correlations(panel, config.universe, pairs, states, features, first, last),
    }
    library = {"strategy_library": given["strategy_library"]}
    return library | strategy_budgets(config, *(given[name] for name in BUDGET_INPUTS))


def marks(**prices: float) -> dict[str, Mark]:
    """Prints of one session: close and adjusted close alike."""
    return {symbol: Mark(price_ticks(price), price) for symbol, price in prices.items()}


def print_panel(prints: Mapping[date, Mapping[str, Mark]]) -> PrintPanel:
    """Prints of several sessions, as history gives them."""
    rows = [(day, symbol, mark.close / 1e4, mark.adj_close) for day, today in prints.items() for symbol, mark in today.items()]
    schema = {"as_of_date": pl.Date, "symbol": pl.String, "close": pl.Float64, "adj_close": pl.Float64}
    return PrintPanel.of(pl.DataFrame(rows, schema=schema, orient="row"), calendar().sessions)


def signal(zscore: float, beta: float = 1.0, *, extreme: bool | None = None) -> PairSignal:
    """A pair's state; broken from |z| = 3 on."""
    return PairSignal(zscore, beta, abs(zscore) >= 3.0 if extreme is None else extreme, 0.02, 15.0)


def flat_covariance(symbols: Iterable[str], daily_vol: float = 0.015, correlation: float = 0.6) -> Covariance:
    """Every name as volatile as the next, every two as correlated as the next two."""
    names = tuple(sorted(symbols))
    matrix = np.full((len(names), len(names)), correlation)
    np.fill_diagonal(matrix, 1.0)
    return Covariance(names, matrix * daily_vol**2, 0.1, 252)


def day_of(
    session: date,
    tickets: Iterable[Ticket],
    signals: Mapping[str, PairSignal],
    prints: Mapping[date, Mapping[str, Mark]],
    *,
    covariance: Covariance | None = None,
    splits: Mapping[str, Fraction] | None = None,
    unreadable: tuple[str, ...] = (),
    names: Mapping[str, NameState] | None = None,
    **more: Any,
) -> DayInputs:
    """One close, by hand; every ticket's budget is its own cap, and the names are calm where nothing is said of them."""
    tickets = tuple(tickets)
    return DayInputs(
        session=session,
        run_id=f"{session:%Y%m%d}-test",
        tickets=tickets,
        unreadable=unreadable,
        budgets={item.ticket_id: item.max_gross_notional for item in tickets},
        signals=signals,
        prints=prints,
        splits=splits or {},
        covariance=covariance,
        names=calm_names(prints.get(session, {})) if names is None else names,
        **more,
    )


def calm_names(prints: Mapping[str, Mark]) -> dict[str, NameState]:
    """Names that move half a percent a day as they always did: the gatekeeper's ceiling is far above any ticket."""
    return {
        symbol: NameState(0.005 * mark.close / TICKS_PER_DOLLAR, 0.5, 1.0, "RANGING") for symbol, mark in sorted(prints.items())
    }


def calm_states(bars: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """The table instrument_state of such names."""
    rows = bars.filter(pl.col("as_of_date").is_between(first, last)).select("as_of_date", "symbol", "close")
    table = TABLES["instrument_state"]
    calm = {"vol_20": 0.2, "vol_baseline": 0.2, "vol_percentile": 0.5}
    return table.conform(
        rows.with_columns(
            *(pl.lit(value).alias(name) for name, value in calm.items()),
            (pl.col("close") * 0.005).alias("atr"),
            pl.lit("RANGING").alias("tape_regime"),
            *(
                pl.lit(None, dtype=dtype).alias(name)
                for name, dtype in table.schema.items()
                if name not in (*rows.columns, *calm, "atr", "tape_regime")
            ),
        )
    )


def held(ticket_id: str, legs: Mapping[str, tuple[int, float]], priced_on: date, age: int = 3, missing: int = 0) -> Position:
    """A held ticket: symbol -> (shares, price), leg A first."""
    first, second = (
        HeldLeg(symbol, shares, price_ticks(price), priced_on, missing) for symbol, (shares, price) in legs.items()
    )
    return Position(ticket_id, first, second, priced_on, age)


def state_of(session: date, *positions: Position) -> DeskState:
    """The desk after a session with these positions and nothing remembered."""
    return replace(GENESIS, session=session, positions=tuple(sorted(positions, key=lambda item: item.ticket_id)))


def run_day(day: DayInputs, state: DeskState, config: Config) -> DayResult:
    """The funnel for one hand-made day."""
    return desk_day(day, state, desk_context(config))
