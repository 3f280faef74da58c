from __future__ import annotations

import json

from click.testing import CliRunner

from riskdesk_assets.gatekeeper.demo import SCENARIOS, run_demo
from riskdesk_assets.interfaces.cli import cli


def test_the_nine_scenarios_end_as_the_document_says() -> None:
    played = {scenario.number: [line.answer for line in scenario.lines] for scenario in run_demo()}
    assert played == {
        1: ["ADJUSTED", "APPROVED"],
        2: ["REJECTED (CONFIDENCE)", "APPROVED", "APPROVED", "ADJUSTED", "ADJUSTED"],  # 0.50 is below the threshold
        3: ["APPROVED"] * 4,
        4: ["REJECTED (DRAWDOWN)"],
        5: ["REJECTED (LOSS_LIMIT)"],
        6: ["REJECTED (CONFIDENCE)"],
        7: ["ADJUSTED", "REJECTED (EXPOSURE)"],
        8: ["REJECTED (MANUAL_HALT)", "APPROVED", "REFUSED", "ACTIVE"],
        9: ["WARNING"],
    }


def test_the_sizes_follow_confidence_and_regime() -> None:
    scenarios = run_demo()
    assert [round(line.formula_units or 0, 2) for line in scenarios[2].lines] == [26666.67, 22222.22, 15555.56, 6666.67]
    sizes = [line.units or 0.0 for line in scenarios[1].lines]
    assert sizes == sorted(sizes)


def test_the_demo_is_the_same_every_time_on_a_terminal_and_as_json() -> None:
    one, other = (CliRunner().invoke(cli, ["demo", "gatekeeper", "--json"]) for _ in range(2))
    assert (one.exit_code, one.output) == (0, other.output)
    assert len(json.loads(one.output)["scenarios"]) == len(SCENARIOS) == 9
    shown = CliRunner().invoke(cli, ["demo", "gatekeeper"]).output
    assert all(f"{number}  {title}" in shown for number, (title, _) in enumerate(SCENARIOS, start=1))
