"""A session's workbook from rows of tables and configuration: what the report page is made of, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from riskdesk_assets.common.regimes import MARKET_REGIMES
from riskdesk_assets.common.settings import Config
from riskdesk_assets.reports.page.content import PageContent
from riskdesk_assets.reports.page.headline import state_of
from riskdesk_assets.reports.regime_axes import regime_axes
from riskdesk_assets.reports.workbook.book_lines import headline, limit_lines, name_rooms, scenario_lines
from riskdesk_assets.reports.workbook.choices import choices_of
from riskdesk_assets.reports.workbook.content import Library, Value, WorkbookContent
from riskdesk_assets.reports.workbook.expected_lines import actual_lines, expected_lines, expected_week
from riskdesk_assets.reports.workbook.layout import NO, SELECT, YES
from riskdesk_assets.reports.workbook.library import library_of
from riskdesk_assets.reports.workbook.size_lines import heat_map, regime_lines, strategy_sizes, ticket_sizes
from riskdesk_assets.strategy.allocation import bucket_lines, tier_lines
from riskdesk_assets.strategy.library import FROM_FILE, strategies_of
from riskdesk_assets.strategy.usual_terms import GROSS_OF_NAV, HORIZON_SESSIONS, LEG_OF_GROSS, TIME_STOP_SESSIONS

TABLES_SHOWN = (
    "clip_ledger",
    "decisions",
    "desk_positions",
    "desk_state",
    "expected_pnl",
    "gate_decisions",
    "ideal_portfolio",
    "instrument_state",
    "limit_audit",
    "market_regime",
    "portfolio_risk_reports",
    "proposals",
    "risk_contributions",
    "scenarios",
    "strategy_budgets",
    "strategy_correlations",
    "strategy_library",
    "strategy_sizes",
    "ticket_snapshots",
)
"""Tables whose rows a workbook is made of; another one's change nothing in it."""


def workbook_content(page: PageContent, library: Library | None = None) -> WorkbookContent:
    """Everything the workbook of a session shows.

    Args:
        page: the session's rows, configuration and source.
        library: the strategies file as it stands now; None: as the session's run read it.
    """
    config, state = page.config, state_of(page)
    axes = regime_axes(page.frame("market_regime"), page.frame("instrument_state"))
    library = _library(page) if library is None else library
    return WorkbookContent(
        session=page.session,
        run_id=str(state.get("run_id") or ""),
        profile=config.profile,
        source=page.source,
        desk=config.desk.portfolio_id,
        nav=config.desk.nav,
        status=str(state.get("release_status") or "no state").replace("_", " ").lower(),
        library=library,
        lists=choices_of(config),
        planned=[_planned(dict(zip(library.columns, row, strict=True)), config, page.session) for row in library.rows],
        regime=axes.market or "",
        regimes=MARKET_REGIMES,
        volatility_z=axes.volatility_z,
        dispersion_z=axes.dispersion_z,
        tape=axes.tape_counts,
        headline=headline(page),
        sizes=strategy_sizes(page),
        ticket_sizes=ticket_sizes(page),
        buckets=bucket_lines(page.rows("strategy_sizes"), config.sizing, config.desk.nav),
        tiers=tier_lines(page.rows("strategy_sizes"), page.rows("strategy_library")),
        regime_exposure=regime_lines(page),
        heat_map=heat_map(page),
        expected=expected_lines(page),
        expected_week=expected_week(page),
        actual=actual_lines(page),
        scenarios=scenario_lines(page),
        limits=limit_lines(page),
        rooms=name_rooms(page),
    )


def _library(page: PageContent) -> Library:
    """The strategies file as the session's run read it."""
    found = strategies_of(page.frame("strategy_library"), FROM_FILE)
    return library_of(found.get(page.session, ()))


def _planned(strategy: Mapping[str, str], config: Config, session: date) -> dict[str, Value]:
    """A planner's row for a strategy, with the desk's usual answers; its legs are for a person to choose."""
    gross = round(GROSS_OF_NAV * config.desk.nav)
    return {
        SELECT: NO,
        "strategy": strategy["StrategyName"],
        "orientation": "BOTH",
        "max_gross_notional": gross,
        "max_leg_notional": round(LEG_OF_GROSS * gross),
        "horizon_days": HORIZON_SESSIONS,
        "conviction": strategy["Conviction"],
        "time_stop_days": TIME_STOP_SESSIONS,
        "flatten_on_breakdown": YES,
        "expires_on": date(session.year + 1, session.month, min(session.day, 28)),
    }
