from __future__ import annotations

import json

import pytest

from riskdesk_tests.interfaces.conftest import DeskFolder

TIGHT = "tight: limits.portfolio_gross.max=0.1, limits.turnover=null"


def test_configurations_are_compared_through_dagster_and_kept(desk: DeskFolder) -> None:
    before = desk.warehouse.read("desk_state")
    days = ("--start", str(desk.first), "--end", str(desk.last))
    result = desk.run("compare", *days, "--variant", "shipped:", "--variant", TIGHT, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    gross = {row["variant"]: row["value"] for row in told["measures"] if row["measure"] == "gross, most"}
    assert gross["tight"] <= 0.1 < gross["shipped"]
    place = desk.root / "data" / "comparisons" / told["id"]
    assert {path.name for path in place.iterdir()} == {"comparison.parquet", "comparison.md", "variants.json"}
    assert told["variants"][1]["overrides"] == {"limits.portfolio_gross.max": 0.1, "limits.turnover": None}
    assert desk.warehouse.read("desk_state").equals(before)
    assert "dagster_run_id" in told


def test_the_table_has_a_column_per_variant_of_line_and_file(desk: DeskFolder) -> None:
    path = desk.root / "variants.yaml"
    path.write_text("bold: {portfolios.bank_pairs.risk_aversion_lambda: 1}\n")
    days = ("--start", str(desk.first), "--end", str(desk.last))
    result = desk.run("compare", *days, "--variant", TIGHT, "--file", str(path))
    assert result.exit_code == 0, result.output
    assert all(word in result.output for word in ("tight", "bold", "SIMULATED", "gross, mean", "portfolio_gross"))


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("bad: limits.groop.max=1", "did you mean 'group'"),
        ("bad: limits.group.max=-1", "at least 0"),
        ("limits.group.max=1", "has no name"),
        ("a\x1bb: limits.group.max=1", "variant: holds the control character U+001B"),
    ],
)
def test_an_unusable_variant_exits_2_and_says_what_is_allowed(built: DeskFolder, variant: str, said: str) -> None:
    result = built.run("compare", "--start", str(built.first), "--end", str(built.last), "--variant", variant)
    assert result.exit_code == 2
    assert said in result.output


def test_nothing_to_compare_exits_2(built: DeskFolder) -> None:
    assert built.run("compare", "--start", str(built.first), "--end", str(built.last)).exit_code == 2
