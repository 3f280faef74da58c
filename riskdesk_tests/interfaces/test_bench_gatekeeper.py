from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from riskdesk_assets.interfaces.bench_command import bench


def test_the_bench_decides_a_real_mix_with_every_check() -> None:
    result = CliRunner().invoke(bench, ["gatekeeper", "--decisions", "1000", "--rounds", "2", "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.output)
    assert sum(said["shares"].values()) == pytest.approx(1.0)
    assert min(said["shares"].values()) > 0.05
    assert said["per_second_median_round"] >= said["per_second_worst_round"] > 0
    assert said["p50_ms"] <= said["p99_ms"]
    assert said["p99_ms_median_round"] <= said["p99_ms_worst_round"]
    assert said["per_second"] == pytest.approx(said["per_second_median_round"], rel=0.9)
    shown = CliRunner().invoke(bench, ["gatekeeper", "--decisions", "200", "--rounds", "1"])
    assert "1 rounds of 200 decisions with 23 checks each" in shown.output
