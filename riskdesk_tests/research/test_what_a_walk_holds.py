"""What a process that only walks loads and holds: hundreds of megabytes, and nobody would notice them come back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date

import polars as pl
from polars.testing import assert_frame_equal

from riskdesk_assets.common.packed import unpacked
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.state import GENESIS
from riskdesk_assets.research.long_walk import cut
from riskdesk_assets.research.range_inputs import standing_tickets
from riskdesk_assets.risk_model.factors import factor_models
from riskdesk_assets.strategy.loading import LoadedTicket, TicketFolder
from riskdesk_assets.strategy.snapshots import ticket_snapshots
from riskdesk_tests.desk_builder import calendar, desk_config, history_of_bars, sessions_from, shipped_tickets
from riskdesk_tests.research.backtests import prepared, quiet

DAYS = sessions_from(date(2024, 9, 3), 12)
HEAVY = ("dagster", "duckdb", "sqlalchemy", "pandas", "statsmodels", "sklearn", "scipy", "cvxpy", "exchange_calendars")


def test_the_program_of_a_walk_loads_no_library_it_may_not_need() -> None:
    code = f"import sys, riskdesk_assets.interfaces.bench_backtest_child; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_features_risk_model_and_budgets_are_computed_without_statsmodels_or_scikit_learn() -> None:
    code = """
import sys
from riskdesk_tests.desk_builder import *
from riskdesk_tests.research.backtests import prepared
from riskdesk_tests.research.test_what_a_walk_holds import DAYS
ready = prepared(desk_config(), shipped_tickets(), DAYS[0], DAYS[-1])
assert ready.walk.pair_state["coint_pvalue"].null_count() == 0 and len(ready.walk.covariances) == len(DAYS)
print([m for m in ("statsmodels", "sklearn") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_stretch_holds_its_own_sessions_packed_and_what_its_covariances_keep_goes_with_it() -> None:
    inputs = prepared(quiet(), shipped_tickets(), DAYS[0], DAYS[-1]).walk
    assert inputs.stream_correlations.schema["id_a"] == pl.Categorical
    piece = cut(inputs, DAYS[3:6], GENESIS)
    assert unpacked(piece.stream_correlations).schema == TABLES["return_correlations"].schema
    assert set(piece.stream_correlations["as_of_date"]) == set(DAYS[3:6])
    assert list(piece.covariances) == list(DAYS[3:6])
    for session, covariance in piece.covariances.items():
        assert covariance is not inputs.covariances[session]
        assert covariance.matrix is inputs.covariances[session].matrix


def test_a_factor_model_holds_the_returns_of_its_own_session_alone() -> None:
    config = desk_config()
    history = history_of_bars(config, DAYS[0], DAYS[1])
    panel = prepared(quiet(), shipped_tickets(), DAYS[0], DAYS[1]).walk.panel
    for model in factor_models(panel, config, history.wanted):
        assert model.factor_returns.base is None


def test_tickets_listed_some_sessions_at_a_time_are_those_listed_at_once() -> None:
    one, *others = shipped_tickets()
    first, last = date(2024, 1, 2), date(2024, 10, 31)
    expiring = one.model_copy(update={"expires_on": date(2024, 5, 15)})
    loaded = tuple(LoadedTicket(item, f"{item.ticket_id}.yaml", item.content_hash) for item in (expiring, *others))
    folder = TicketFolder(loaded, (), {}, "")
    history = history_of_bars(desk_config(), first, last)
    assert len(history.wanted) > 200
    wanted = ticket_snapshots(folder, history.wanted, TABLES["ticket_snapshots"].frame([]), {})
    assert set(wanted["change"]) == {"NEW", "UNCHANGED"}
    assert set(wanted["status"]) == {"IN_FORCE", "EXPIRED"}
    assert_frame_equal(standing_tickets(folder, history), wanted)
    nothing = replace(history, first=calendar().after(last), last=last)
    assert standing_tickets(folder, nothing).height == 0
