from __future__ import annotations

import ast
import json
from datetime import date
from pathlib import Path

import riskdesk_assets
from riskdesk_assets.common.hashing import digest_bytes
from riskdesk_assets.controllers.baseline import CONTROLLER_VERSION
from riskdesk_assets.limits.register import engine_configs, model_register, model_rows, portfolios
from riskdesk_assets.risk_model.estimators import MODEL_VERSIONS
from riskdesk_tests.desk_builder import changed, desk_config

PACKAGE = Path(riskdesk_assets.__file__).parent
ROOMS = ("riskdesk_assets.limits.", "riskdesk_assets.optimizer.", "riskdesk_assets.features.")
YEAR = "common/sample_statistics.py"
DAYS = [date(2026, 3, 2), date(2026, 3, 3)]


def hashes(path: str, value: object) -> set[str]:
    """The models whose hash a changed setting changes."""
    before = {model.model_id: model.content_hash for model in model_register(desk_config())}
    after = {model.model_id: model.content_hash for model in model_register(changed(desk_config(), path, value))}
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_every_portfolio_is_registered_on_every_session_and_the_desks_own_has_the_desks_nav() -> None:
    rows = portfolios(desk_config(), DAYS).rows_by_key(["as_of_date", "portfolio_id"], named=True)
    assert sorted(rows) == [(day, name) for day in DAYS for name in ("bank_long_only", "bank_market_neutral", "bank_pairs")]
    (own,) = rows[DAYS[0], "bank_pairs"]
    (mandate,) = rows[DAYS[0], "bank_long_only"]
    assert (own["nav"], json.loads(own["metadata"])["research"]) == (2_500_000.0, False)
    assert (mandate["nav"], json.loads(mandate["metadata"])["research"]) == (25_000_000.0, True)
    assert json.loads(mandate["strategies"]) == ["pair_reversion"]
    assert json.loads(mandate["markets"]) == ["US"]


def test_a_configuration_is_kept_whole_and_hashed() -> None:
    rows = {(row["engine_name"], row["portfolio_id"]): row for row in engine_configs(desk_config(), DAYS[:1]).to_dicts()}
    assert set(rows) == {("LIMITS", "bank_pairs"), *(("PORTFOLIO", name) for name in desk_config().portfolios)}
    for row in rows.values():
        assert digest_bytes(row["config"].encode()) == row["config_hash"]
    kept = rows["PORTFOLIO", "bank_long_only"]
    assert type(desk_config().own).model_validate_json(kept["config"]) == desk_config().portfolios["bank_long_only"]
    assert kept["config_hash"] == desk_config().portfolios["bank_long_only"].hash
    assert json.loads(rows["LIMITS", "bank_pairs"]["config"])["limits"]["mandate"]["max_gross_notional"] == 5_000_000


def test_who_approved_what_changes_no_hash_but_whether_it_is_asked_for_does() -> None:
    entry = {"limit": "group", "from": 0.4, "to": 0.5, "author": "Ann", "approved_by": "Bob", "reason": "why"}
    named = changed(desk_config(), "limits.approval", {"required": "none", "changes": [entry]})
    asked = changed(desk_config(), "limits.approval", {"required": "all", "changes": []})
    assert named.hash == desk_config().hash
    assert engine_configs(named, DAYS).equals(engine_configs(desk_config(), DAYS))
    assert asked.hash != desk_config().hash
    assert type(named).model_validate_json(named.model_dump_json()) == named


def test_the_register_holds_every_risk_model_the_controller_the_constructions_and_the_costs() -> None:
    rows = {row["model_id"]: row["kind"] for row in model_rows(desk_config(), DAYS[:1]).to_dicts()}
    assert {name for name, kind in rows.items() if kind == "risk_model"} == set(MODEL_VERSIONS.values())
    assert {name for name, kind in rows.items() if kind == "controller"} == {CONTROLLER_VERSION}
    assert {name for name, kind in rows.items() if kind == "construction"} == {
        "governor_1",
        "ticket_qp_ledoit_wolf_1",
        "portfolio_qp_factor_1",
        "portfolio_socp_factor_1",
    }
    assert {name for name, kind in rows.items() if kind == "cost"} == {"cost_linear", "cost_three_halves"}
    assert {name for name, kind in rows.items() if kind == "risk_report"} == {
        f"risk_{version}" for version in MODEL_VERSIONS.values()
    }
    assert all(row["description"].endswith(".") for row in model_rows(desk_config(), DAYS[:1]).to_dicts())


def test_every_word_a_portfolio_chooses_a_model_by_ends_the_description_of_one_of_that_kind() -> None:
    register = model_register(desk_config())
    for portfolio in desk_config().portfolios.values():
        for kind, word in (
            ("risk_model", f"risk_model_id: {portfolio.risk_model_id}"),
            ("risk_report", f"risk_model_id: {portfolio.risk_model_id}"),
            ("cost", f"cost_model_id: {portfolio.cost_model_id}"),
        ):
            assert (
                len([each for each in register if each.kind == kind and each.description.endswith(f"Answers to {word}.")]) == 1
            )


def test_a_risk_report_hashes_the_files_its_own_room_makes_it_of_and_the_numbers_it_reads() -> None:
    (report,) = (each for each in model_register(desk_config()) if each.model_id == "risk_factor-v1")
    rooms = ("riskdesk_assets.reports.", "riskdesk_assets.risk_model.")
    own_rows = {"risk_model/estimators.py", "risk_model/factors.py", "risk_model/rows.py"}  # the risk models' own
    for source in report.sources:
        for node in ast.walk(ast.parse((PACKAGE / source).read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(rooms):
                used = str(node.module).removeprefix("riskdesk_assets.").replace(".", "/") + ".py"
                assert used in {*report.sources, *own_rows}, source
    reports = {f"risk_{version}" for version in MODEL_VERSIONS.values()}
    assert hashes("desk.risk_report.monte_carlo_seed", 8) == reports
    assert hashes("desk.features.fragility.soft_from", 0.6) == reports


def test_a_models_sources_hold_every_file_of_the_rooms_it_is_made_in() -> None:
    """What a source imports of limits, optimizer or features makes the model's numbers, too."""
    for model in model_register(desk_config()):
        if model.kind not in ("construction", "risk_model", "risk_report"):
            continue
        for source in model.sources:
            for node in ast.walk(ast.parse((PACKAGE / source).read_text())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(ROOMS):
                    used = str(node.module).removeprefix("riskdesk_assets.").replace(".", "/") + ".py"
                    assert used in model.sources, (model.model_id, source)


def test_a_model_that_reads_the_trading_year_hashes_where_it_stands() -> None:
    for model in model_register(desk_config()):
        reads = [source for source in model.sources if "common.sample_statistics import" in (PACKAGE / source).read_text()]
        assert (YEAR in model.sources) == bool(reads), (model.model_id, reads)


def test_classic_has_no_program_for_the_tickets() -> None:
    assert not [model for model in model_register(desk_config("classic")) if model.model_id.startswith("ticket_")]


def test_a_models_hash_changes_with_the_settings_it_reads_and_with_no_other() -> None:
    assert hashes("desk.risk_model.ewma_half_life", 61.0) == {"ewma-v1", "factor-v1"}
    assert hashes("desk.risk_model.factor_half_life", 91.0) == {"factor-v1"}
    assert hashes("desk.controller.entry_z", 1.6) == {CONTROLLER_VERSION}
    assert hashes("desk.optimizer.tracking_bp", 21.0) == {"ticket_qp_ledoit_wolf_1"}
    assert hashes("desk.cost_models", {"linear": {"impact": 0.0}, "three_halves": {"impact": 2.0}}) == {
        "cost_three_halves",
        "portfolio_qp_factor_1",
        "portfolio_socp_factor_1",
    }
    assert hashes("portfolios.bank_pairs.risk_model_id", "oas") == {"ticket_qp_ledoit_wolf_1", "ticket_qp_oas_1"}
    assert hashes("desk.tickets.on_bad_ticket", "skip") == set()
