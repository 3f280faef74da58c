"""What Dagster loads is the graph of the design, and what its sensor and schedule ask for really runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

import pytest
import yaml
from dagster import (
    AssetKey,
    DagsterInstance,
    Definitions,
    DynamicPartitionsDefinition,
    RunRequest,
    build_schedule_context,
    build_sensor_context,
)

from riskdesk_assets.common.sessions import NEW_YORK
from riskdesk_assets.interfaces.instance import open_instance
from riskdesk_tests.interfaces.conftest import BEHIND, FOREIGN, DeskFolder

# The asset table of the design, for the groups that exist by now.
DESIGNED = {
    "market": {"daily_bars", "volatility_index", "trading_sessions"},
    "features": {"pair_state", "instrument_state", "market_regime", "return_correlations"},
    "risk_model": {"instrument_factors_daily", "factors_daily", "correlation_panels", "scenarios"},
    "strategy": {"ticket_snapshots", "strategy_library", "strategy_budgets"},
    "construction": {
        "proposals",
        "gate_decisions",
        "target_portfolios",
        "decisions",
        "limit_audit",
        "ideal_portfolio",
        "portfolio_blotter",
        "desk_positions",
        "clip_ledger",
        "desk_state",
    },
    "reports": {"portfolio_risk_reports", "expected_pnl", "run_artifacts", "desk_report", "desk_workbook"},
    "research": {"realized_pnl", "policy_training_set", "policy_model", "backtests"},
}
REGISTER = {"portfolios", "engine_configs", "models", "limit_changes"}
COMPARISONS = "config_comparisons"
BACKTESTS = "backtests"
POLICY = ("policy_training_set", "policy_model", "policy_promotion")
ON_REQUEST = {COMPARISONS, BACKTESTS, *POLICY}  # of a range of their own, asked for by hand
OURS = {
    "market": {"bar_findings"},
    "strategy": {*REGISTER, "instrument_scores", "strategy_sizes", "strategy_correlations"},
    "construction": {"desk_halts", "engine_decisions", "portfolio_limits", "guard_decisions", "guard_counters"},
    "reports": {"risk_contributions", "model_checks", "published_book", "holdings_reconciliation"},
    "research": {COMPARISONS, "policy_promotion"},
}
JOBS = (
    "post_close",
    "ingest",
    "research",
    "features",
    "controller",
    "realize",
    "compare",
    "backtest",
    "M_engines_D",
    "monthly_policy",
)
FAMILIES = {
    "net_zero",
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
    "halt",
    "gate",
}


@pytest.fixture(scope="module")
def defs() -> Definitions:
    from riskdesk_assets.definitions import defs

    return defs


@pytest.fixture
def instance(desk: DeskFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    """The Dagster instance of a copy of the built desk, in whose environment this process is for the while."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name, value in desk.environ.items():
        monkeypatch.setenv(name, value)
    with open_instance() as opened:
        yield opened


def executed(defs: Definitions, instance: DagsterInstance, request: RunRequest) -> None:
    """Run what was asked for, as the daemon would: the real job, one run."""
    before = instance.get_runs_count()
    result = defs.resolve_job_def("post_close").execute_in_process(
        instance=instance,
        partition_key=request.partition_key,
        tags=dict(request.tags),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    assert result.success
    assert instance.get_runs_count() == before + 1


def test_the_groups_hold_the_assets_of_the_design_and_our_own(defs: Definitions) -> None:
    groups: dict[str, set[str]] = {}
    for spec in defs.resolve_all_asset_specs():
        groups.setdefault(str(spec.group_name), set()).add(spec.key.to_user_string())
    assert groups == {group: names | OURS.get(group, set()) for group, names in DESIGNED.items()}


def test_every_asset_says_what_it_is_and_has_a_partition_per_session(defs: Definitions) -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.description, spec.key
        if spec.key.to_user_string() in (COMPARISONS, *POLICY):
            continue  # of a range of its own, asked for by hand
        if spec.key.to_user_string() in ON_REQUEST:
            continue
        assert spec.partitions_def is not None, spec.key
        assert spec.partitions_def.has_partition_key("2026-01-26"), spec.key
        assert not spec.partitions_def.has_partition_key("2026-01-19"), "Martin Luther King Jr. Day"


def test_every_limit_family_is_a_blocking_check_of_the_book_per_session(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    checks = {key.name: graph.get_check_spec(key) for key in graph.get_check_keys_for_assets({AssetKey("ideal_portfolio")})}
    assert checks.keys() >= FAMILIES
    assert all(checks[name].blocking and checks[name].partitions_def for name in FAMILIES)


def test_the_market_regime_has_a_check_per_session_that_blocks_nothing(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    (key,) = graph.get_check_keys_for_assets({AssetKey("market_regime")})
    spec = graph.get_check_spec(key)
    assert (key.name, spec.blocking, spec.partitions_def is not None) == ("market_regime_known", False, True)
    assert key in defs.resolve_job_def("post_close").asset_layer.asset_graph.asset_check_keys


def test_every_job_resolves_and_the_main_one_holds_every_asset(defs: Definitions) -> None:
    selected = {job: defs.resolve_job_def(job).asset_layer.selected_asset_keys for job in JOBS}
    asked = selected["compare"] | selected["backtest"]
    assert selected["post_close"] | asked | selected["monthly_policy"] == {spec.key for spec in defs.resolve_all_asset_specs()}
    assert selected["compare"] == {AssetKey(COMPARISONS)}
    assert selected["backtest"] == {AssetKey(BACKTESTS)}
    assert all(not asked & selected[job] for job in JOBS if job not in ("compare", "backtest"))
    assert all(selected.values())


@pytest.mark.parametrize("job", JOBS)
def test_a_job_that_releases_a_book_makes_its_features_its_directory_and_its_publication(defs: Definitions, job: str) -> None:
    selected = {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.selected_asset_keys}
    if "ideal_portfolio" in selected:
        assert selected >= {"pair_state", "return_correlations", "realized_pnl", "run_artifacts", "published_book"}


def test_backtests_are_independent_partitions_that_anybody_may_add(defs: Definitions) -> None:
    (spec,) = [item for item in defs.resolve_all_asset_specs() if item.key == AssetKey(BACKTESTS)]
    assert isinstance(spec.partitions_def, DynamicPartitionsDefinition)
    assert spec.partitions_def.name == BACKTESTS


def test_a_changed_ticket_makes_the_sensor_ask_for_a_run_that_runs(
    defs: Definitions, instance: DagsterInstance, desk: DeskFolder
) -> None:
    sensor = defs.resolve_sensor_def("ticket_folder_sensor")
    cursor: str | None = None
    requests: list[RunRequest] = []
    for tick in range(4):
        if tick == 1:
            path = desk.active / "jpm-bac-reversion.yaml"
            path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "max_gross_notional": 123_000}))
        with build_sensor_context(instance, cursor, repository_def=defs.get_repository_def()) as context:
            found = sensor.evaluate_tick(context)
        cursor = found.cursor
        requests += found.run_requests or []
    (request,) = requests
    before = desk.warehouse.read("desk_state")
    executed(defs, instance, request)
    after = desk.warehouse.read("desk_state")
    assert request.partition_key == str(desk.last)
    assert after["as_of_date"].to_list() == before["as_of_date"].to_list()
    assert after["run_id"].to_list()[:-1] == before["run_id"].to_list()[:-1]
    assert after["run_id"][-1] != before["run_id"][-1]
    snapshot = desk.warehouse.read("ticket_snapshots", desk.last, desk.last)
    edited = {row["ticket_id"]: row["change"] for row in snapshot.iter_rows(named=True) if row["change"] != "UNCHANGED"}
    assert edited == {"jpm-bac-reversion": "EDITED"}


def test_the_schedules_range_of_missed_sessions_is_one_run_that_runs(
    defs: Definitions, instance: DagsterInstance, desk: DeskFolder
) -> None:
    day = desk.calendar.after(desk.calendar.after(desk.last))
    assert len(desk.calendar.between(desk.calendar.after(desk.last), day)) == BEHIND
    at = datetime.combine(day, time(16, 45), NEW_YORK)
    with build_schedule_context(instance, at, repository_def=defs.get_repository_def()) as context:
        found = defs.resolve_schedule_def("post_close_schedule").evaluate_tick(context)
    (request,) = found.run_requests or []
    assert request.partition_key is None
    executed(defs, instance, request)
    assert desk.warehouse.read("desk_state")["as_of_date"].to_list()[-BEHIND - 1 :] == [
        desk.last,
        *desk.calendar.between(desk.calendar.after(desk.last), day),
    ]


def test_the_promotion_gate_blocks_what_would_publish_a_policy(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    (key,) = graph.get_check_keys_for_assets({AssetKey("policy_model")})
    assert (key.name, graph.get_check_spec(key).blocking) == ("policy_promotion_gate", True)
    assert graph.get(AssetKey("policy_promotion")).parent_keys == {AssetKey("policy_model")}


@pytest.mark.parametrize(
    ("tick", "end", "key"),
    [
        (datetime(2026, 3, 1, 6, tzinfo=NEW_YORK), "2026-02-27", "monthly_policy:2026-02"),
        (datetime(2026, 6, 1, 6, tzinfo=NEW_YORK), "2026-05-29", "monthly_policy:2026-05"),
        (datetime(2026, 4, 1, 6, tzinfo=NEW_YORK), "2026-03-31", "monthly_policy:2026-03"),
    ],
)
def test_once_a_month_a_policy_is_trained_through_the_month_that_has_ended(
    defs: Definitions, instance: DagsterInstance, tick: datetime, end: str, key: str
) -> None:
    with build_schedule_context(instance, tick, repository_def=defs.get_repository_def()) as context:
        found = defs.resolve_schedule_def("monthly_policy_schedule").evaluate_tick(context)
    assert found.run_requests is not None
    (request,) = found.run_requests
    assert request.run_key == key
    assert request.run_config == {"ops": {"policy_training_set": {"config": {"end": end}}}}
