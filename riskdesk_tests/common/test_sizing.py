"""sizing_rules.csv: the values of X-13 and methods.md section 14, a profile laid over, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import ROOT, Config, load_config, load_paths
from riskdesk_assets.common.sizing import BUCKETS
from riskdesk_tests.desk_builder import changed, desk_config
from riskdesk_tests.desk_on_disk import edit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config"


def loaded(folder: Path, profile: str = "desk") -> Config:
    return load_config(load_paths({"RISKDESK_CONFIG_DIR": str(folder)}), {"RISKDESK_PROFILE": profile})


def test_the_desks_numbers_are_those_of_methods_section_14() -> None:
    rules = desk_config().sizing
    assert rules.base_fraction == 0.20
    assert rules.base_size_multiplier == {"Low": 0.5, "Medium": 1, "High": 1.5, "Exceptional": 2}
    assert rules.regime_adjustment == {"Calm": 1, "Normal": 1, "Event": 0.8}
    assert {name: rules.max_allocation_pct[name] for name in ("RV", "Spread")} == {"RV": 1.5, "Spread": 1.5}
    assert {rules.max_allocation_pct[name] for name in BUCKETS if name not in ("RV", "Spread")} == {0.75}
    assert (rules.kelly_fraction, rules.correlation_penalty, rules.max_strategy_pct) == (0.25, 0.5, None)
    assert (rules.reference_ratio, rules.ratio_floor, rules.ratio_cap) == (0.5, 0.5, 1.5)


def test_the_seed_profile_has_the_values_of_x13_and_classic_has_no_budgets() -> None:
    seed = desk_config("seed").sizing
    assert seed.regime_adjustment == {"Calm": 1, "Normal": 1, "Event": 0.6}
    assert seed.max_allocation_pct == dict.fromkeys(BUCKETS, 0.4)
    assert seed.base_size_multiplier == {"Low": 0.5, "Medium": 1, "High": 1.5, "Exceptional": 2}
    assert seed.kelly_fraction == 0.25
    assert [desk_config(name).desk.budgets.enabled for name in ("desk", "seed", "classic")] == [True, True, False]


def test_a_rule_is_part_of_the_configurations_hash() -> None:
    other = changed(desk_config(), "sizing.regime_adjustment.Event", 0.7)
    assert other.hash != desk_config().hash
    assert Config.model_validate_json(desk_config().model_dump_json()) == desk_config()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("RegimeAdjustment,Event,0.8", "RegimeAdjustement,Event,0.8", ":8: rule: is 'RegimeAdjustement'; did you mean"),
        ("RegimeAdjustment,Event,0.8", "RegimeAdjustment,Evnt,0.8", ":8: key: is 'Evnt'; did you mean 'Event'?"),
        ("RegimeAdjustment,Event,0.8", "RegimeAdjustment,Event,80%", ":8: value: is '80%' (allowed: a number)"),
        ("RegimeAdjustment,Event,0.8", "RegimeAdjustment,Event,1.2", ":8: regime_adjustment.Event: is 1.2 (allowed: at most 1"),
        ("RegimeAdjustment,Event,0.8\n", "", "regime_adjustment has no value for Event"),
        ("RegimeAdjustment,Event,0.8", "RegimeAdjustment,Normal,0.8", ":8: RegimeAdjustment Normal: is written twice"),
        ("KellyFraction,,0.25", "KellyFraction,all,0.25", ":15: key: is 'all', and KellyFraction has no keys"),
        ("BaseSizeMultiplier,High,1.5", "BaseSizeMultiplier,High,0.7", "base_size_multiplier does not rise with conviction"),
        ("MaxAllocationPct,RV,1.5", "MaxAllocationPct,RV,-1", ":12: max_allocation_pct.RV: is -1.0 (allowed: at least 0"),
        ("BaseFraction,,0.2\n", "", "base_fraction: is required and missing"),
        ("ExpectedRiskScore,Low,0.05", "ExpectedRiskScore,1,0.05", "key: is '1' (allowed: a word that is no number)"),
        ("rule,key,value", "rule,key,valeu", ":1: valeu: is not a known column; did you mean 'value'?"),
    ],
)
def test_a_wrong_rule_is_named_with_its_line(folder: Path, old: str, new: str, said: str) -> None:
    edit(folder / "sizing_rules.csv", old, new)
    with pytest.raises(InputError) as caught:
        loaded(folder)
    assert said in str(caught.value)
    assert "sizing_rules.csv" in str(caught.value)


def test_a_profile_lays_its_numbers_over_and_is_named_where_they_are_wrong(folder: Path) -> None:
    with (folder / "profiles" / "desk.yaml").open("a") as profile:
        profile.write("sizing:\n  max_strategy_pct: 0.4\n  kelly_fraction: null\n")
    assert loaded(folder).sizing.max_strategy_pct == 0.4
    assert loaded(folder).sizing.kelly_fraction is None
    edit(folder / "profiles" / "desk.yaml", "max_strategy_pct: 0.4", "max_strategy_pct: -1")
    with pytest.raises(InputError, match=r"desk\.yaml:3: sizing\.max_strategy_pct: is -1"):
        loaded(folder)
    edit(folder / "profiles" / "desk.yaml", "max_strategy_pct: -1", "max_strategie_pct: 1")
    with pytest.raises(InputError, match=r"did you mean 'max_strategy_pct'\?"):
        loaded(folder)
