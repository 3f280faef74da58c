"""Every table of a range computed again from a snapshot, tickets, configuration and starting state: no Dagster, no warehouse.

The assets call the same functions one by one; this is their composition. Replay computes everything again with it; the desk's
backtests and comparisons (research.shared_inputs) make with it what their walks decide on, ``decided_on``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.common.packed import Gathered
from riskdesk_assets.common.progress import report
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.single_thread import single_threaded
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.mandates import mandate_inputs, walk_mandates
from riskdesk_assets.construction.prepare import walk_inputs
from riskdesk_assets.construction.rows import joined
from riskdesk_assets.construction.state import DeskState
from riskdesk_assets.construction.walk import walk
from riskdesk_assets.controllers.policy_files import GivenPolicy
from riskdesk_assets.features.compute import distinct_pairs, pair_states, panel_of, watched_pairs
from riskdesk_assets.features.correlations import KINDS, PAIRS, return_correlations
from riskdesk_assets.features.instrument_state import instrument_state
from riskdesk_assets.features.market_regime import market_regime
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.limits.changes import session_changes
from riskdesk_assets.limits.register import engine_configs, model_rows, portfolios
from riskdesk_assets.market.history import History
from riskdesk_assets.market.ingest import bar_findings, trading_sessions
from riskdesk_assets.reports.expected_pnl_rows import EXPECTED_PNL, OWNER_TABLES, expected_pnl_rows
from riskdesk_assets.reports.model_check_rows import CHECKED_TABLES, MODEL_CHECKS, model_checks
from riskdesk_assets.reports.realized import realized_pnl
from riskdesk_assets.reports.risk_rows import EARLIER, RISK_TABLES, risk_rows
from riskdesk_assets.risk_model.factors import factor_models
from riskdesk_assets.risk_model.rows import FACTORS, PANELS, correlation_panels, factors_daily, instrument_factors_daily
from riskdesk_assets.risk_model.scenario_rows import scenario_rows
from riskdesk_assets.strategy.budgets import BUDGET_INPUTS, CORRELATIONS, SIZES, strategy_budgets
from riskdesk_assets.strategy.library import FROM_FILE, strategies_of, strategy_library
from riskdesk_assets.strategy.scores import FILE, instrument_scores
from riskdesk_assets.strategy.strategy_file import Strategy

_STRETCH = 21
"""Sessions whose rows are made together where rows are Python objects first; it changes no value."""
_READ_BY_STRETCH = (
    "ticket_snapshots",
    "market_regime",
    "pair_state",
    "instrument_state",
    "return_correlations",
    "instrument_factors_daily",
)


@dataclass(frozen=True)
class Inputs:
    """What a run was computed from; of ``scores`` (its instrument_scores) and ``library`` (its strategy_library) those from
    files count; ``policy``: its model.

    ``halts`` are its desk_halts, None where the journal said
    nothing. ``prior`` holds rows of earlier sessions of PRIOR_TABLES, but for ticket_snapshots.
    """

    history: History
    config: Config
    ticket_snapshots: pl.DataFrame
    start: DeskState
    prior: Mapping[str, pl.DataFrame]
    code_version: str
    library: pl.DataFrame
    scores: pl.DataFrame | None = None
    halts: pl.DataFrame | None = None
    policy: GivenPolicy | None = None


def recompute(inputs: Inputs) -> dict[str, pl.DataFrame]:
    """Table name -> frame, for every table of a run."""
    history, config, tickets = inputs.history, inputs.config, inputs.ticket_snapshots
    panel = panel_of(history, config)
    strategies = strategies_of(inputs.library, FROM_FILE)
    before = day_tables(history, panel, config, tickets, strategies, inputs.prior["engine_configs"], inputs.scores)
    if inputs.halts is not None:
        before["desk_halts"] = inputs.halts
    start, version = inputs.start, inputs.code_version
    prepared = walk_inputs(history, panel, config, before, start=start, code_version=version, policy=inputs.policy)
    with single_threaded():
        done = walk(prepared, lambda place, total: report("replay", place, total))
        ids = {day.session: day.run_id for day in done.days}
        beside = mandate_inputs(history, panel, config, before, run_ids=ids, prior=inputs.prior)
        frames = joined([done.frames, walk_mandates(beside)])
    books = {name: pl.concat([frame, done.frames[name]]) for name, frame in inputs.prior.items() if name in done.frames}
    tables = {
        **before,
        **frames,
        "realized_pnl": realized_pnl(
            history.wanted,
            books["desk_positions"],
            books["portfolio_blotter"],
            books["clip_ledger"],
            history.prints,
            desk_context(config),
        ),
    }
    owners = {name: pl.concat([inputs.prior[name], tables[name]]) for name in OWNER_TABLES}
    known = tables | owners | {EXPECTED_PNL: inputs.prior[EXPECTED_PNL]}
    tables[EXPECTED_PNL] = expected_pnl_rows(config, known, history.wanted, history.calendar.sessions)
    return tables | risk_tables(history, panel, config, tables, inputs.prior)


def risk_tables(
    history: History, panel: Panel, config: Config, tables: Mapping[str, pl.DataFrame], prior: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """portfolio_risk_reports, risk_contributions and model_checks, from the sessions' other tables and earlier rows."""
    wanted, sessions = history.wanted, history.calendar.sessions
    both = {
        name: pl.concat([prior[name], tables[name]]) if name in prior else tables[name] for name in (*EARLIER, *CHECKED_TABLES)
    }
    now = {name: tables[name] for name in RISK_TABLES}
    return {
        **risk_rows(panel, config, now | {name: both[name] for name in EARLIER}, wanted, sessions),
        MODEL_CHECKS: model_checks(config, both, wanted, sessions),
    }


@dataclass(frozen=True)
class Wanted:
    """What nothing is decided on and only people read, and whether it is wanted: kinds of return_correlations beside pairs,
    panels of correlation_panels beside the factors', tables beside strategy_budgets.
    """

    kinds: Sequence[str] = (PAIRS,)
    panels: Sequence[str] = (FACTORS,)
    beside_budgets: Sequence[str] = ()


_DECISIONS = Wanted()


def day_tables(
    history: History,
    panel: Panel,
    config: Config,
    tickets: pl.DataFrame,
    strategies: Mapping[date, Sequence[Strategy]],
    earlier_configs: pl.DataFrame,
    scores: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """Every table that does not come from the walk: bars, features, risk model, register; the walk's own are empty.

    Args:
        history, panel, config, tickets, strategies, earlier_configs, scores: as for ``decided_on``.
    """
    every = Wanted(KINDS, PANELS, (SIZES, CORRELATIONS))
    return {
        **{name: table.frame([]) for name, table in TABLES.items()},
        **decided_on(history, panel, config, tickets, strategies, earlier_configs, scores, every),
        "daily_bars": history.session_bars,
        "volatility_index": history.session_volatility,
        "trading_sessions": trading_sessions(history, config.universe.watched),
        "bar_findings": bar_findings(history, tickets, config),
        "portfolios": portfolios(config, history.wanted),
        "engine_configs": engine_configs(config, history.wanted),
        "models": model_rows(config, history.wanted),
    }


def decided_on(
    history: History,
    panel: Panel,
    config: Config,
    tickets: pl.DataFrame,
    strategies: Mapping[date, Sequence[Strategy]],
    earlier_configs: pl.DataFrame,
    scores: pl.DataFrame | None = None,
    wanted: Wanted = _DECISIONS,
) -> dict[str, pl.DataFrame]:
    """The tables that a walk's days are decided on: features, risk model, scenarios, scores, budgets, changed limits.

    Args:
        history: bars with their lookback.
        panel: the same bars, aligned (all watched symbols).
        config: the effective configuration.
        tickets: TABLES["ticket_snapshots"] of the sessions.
        strategies: session -> the strategies of the library's file.
        earlier_configs: TABLES["engine_configs"] of earlier sessions.
        scores: TABLES["instrument_scores"] of the run; rows from files are taken from it, those from pairs computed again.
        wanted: rows and tables beside them.
    """
    first, last, features = history.first, history.last, config.desk.features
    pairs = watched_pairs(config, tickets, history.wanted)
    states = pair_states(panel, config, pairs, first, last)
    regimes = market_regime(panel, history.volatility, config.universe, features, first, last)
    models = list(factor_models(panel, config, history.wanted))
    measured = {
        "ticket_snapshots": tickets,
        "market_regime": regimes,
        "pair_state": states,
        "instrument_state": instrument_state(
            panel, config.universe, features, config.desk.costs, regimes, config.feature_version, first, last
        ),
        "return_correlations": return_correlations(
            panel, config.universe, distinct_pairs(pairs), states, features, first, last, wanted.kinds
        ),
        "instrument_factors_daily": instrument_factors_daily(models),
        "factors_daily": factors_daily(models),
        "correlation_panels": correlation_panels(models, wanted.panels),
    }
    del models
    rows = _by_stretch(history, config, measured, strategies, wanted.beside_budgets)
    given = [] if scores is None else [scores.filter(pl.col("source") == FILE)]
    rows["instrument_scores"] = TABLES["instrument_scores"].conform(pl.concat([rows["instrument_scores"], *given]))
    changes = session_changes(
        config, earlier_configs, engine_configs(config, history.wanted[:1]), history.calendar.before(first)
    )
    return {**measured, **rows, "limit_changes": changes, "desk_halts": TABLES["desk_halts"].frame([])}


def _by_stretch(
    history: History,
    config: Config,
    measured: Mapping[str, pl.DataFrame],
    strategies: Mapping[date, Sequence[Strategy]],
    beside_budgets: Sequence[str],
) -> dict[str, pl.DataFrame]:
    """Scenarios, scores, strategies and budgets: tables whose rows are Python objects before they are a frame.

    They are made some sessions at a time, for the objects take twenty times the memory of the frame.
    """
    sessions = history.wanted
    names = ("scenarios", "instrument_scores", "strategy_library", "strategy_budgets", *beside_budgets)
    gathered = {name: Gathered(TABLES[name]) for name in names}
    for start in range(0, len(sessions), _STRETCH):
        some = sessions[start : start + _STRETCH]
        here = pl.col("as_of_date").is_between(some[0], some[-1])
        cut = {name: measured[name].filter(here) for name in _READ_BY_STRETCH}
        tickets, states = cut["ticket_snapshots"], cut["instrument_state"]
        filed = {session: strategies[session] for session in some if session in strategies}
        library = strategy_library(config, filed, tickets, cut["market_regime"])
        cut["strategy_library"] = library
        scored, _ = instrument_scores(config, None, cut["pair_state"], states, tickets, some, history.calendar.sessions)
        made = {
            "scenarios": scenario_rows(config, cut["instrument_factors_daily"], states, history.replay_bars, some),
            "instrument_scores": scored,
            "strategy_library": library,
            **strategy_budgets(config, *(cut[name] for name in BUDGET_INPUTS)),
        }
        for name, rows in gathered.items():
            rows.add(made[name])
    return {name: rows.frame() for name, rows in gathered.items()}
