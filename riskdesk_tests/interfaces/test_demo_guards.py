"""`riskdesk demo guards` and the guards' names for other people's programs."""

from __future__ import annotations

import json

from click.testing import CliRunner

import riskdesk_assets
from riskdesk_assets.guards.demo import SCENARIOS
from riskdesk_assets.interfaces.demo_command import demo


def test_the_demo_answers_every_scenario_as_document_004_does():
    shown = CliRunner().invoke(demo, ["guards", "--json"])
    assert shown.exit_code == 0, shown.output
    answers = json.loads(shown.output)["scenarios"]
    assert [item["as_expected"] for item in answers] == [True] * len(SCENARIOS)


def test_the_demo_is_a_table_for_people():
    shown = CliRunner().invoke(demo, ["guards"])
    assert shown.exit_code == 0, shown.output
    assert "ALLOW +5 (per_symbol: buy_to_lower_bound)" in " ".join(shown.output.split())


def test_the_documents_names_are_importable_from_the_package():
    assert riskdesk_assets.evaluate_trading_decision.__module__ == "riskdesk_assets.guards.evaluate"
    assert {riskdesk_assets.PolicyDecision.__name__, riskdesk_assets.PolicyContext.__name__} == {
        "PolicyDecision",
        "PolicyContext",
    }
