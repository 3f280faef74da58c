"""A limit on a member that is misspelt would bound nothing; the configuration that holds one is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.limit_members import FACTORS
from riskdesk_assets.common.settings import ROOT, Config, load_config, load_paths
from riskdesk_assets.risk_model.exposures import MARKET
from riskdesk_assets.risk_model.factors import STYLES
from riskdesk_tests.desk_builder import desk_config


def loaded(folder: Path, profile: str = "desk") -> Config:
    return load_config(load_paths({"RISKDESK_CONFIG_DIR": str(folder)}), {"RISKDESK_PROFILE": profile})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))


@pytest.mark.parametrize(
    ("file", "written", "instead", "field", "meant"),
    [
        ("portfolios/bank_market_neutral.yaml", "{market: 0.05", "{markt: 0.05", "factor_limits.markt", "market"),
        ("limits.yaml", "{market: 0.06", "{markt: 0.06", "factor.overrides.markt", "market"),
        ("limits.yaml", "{banks_down_20:", "{bank_down_20:", "scenario_loss.overrides.bank_down_20", "banks_down_20"),
        ("scenarios.yaml", "factors: {market:", "factors: {markt:", "parametric.4.factors.markt", "market"),
        ("scenarios.yaml", "fragility: {SOFT:", "fragility: {SOFTT:", "parametric.3.fragility.SOFTT", "SOFT"),
    ],
)
def test_a_misspelt_member_is_refused_with_its_line_and_the_one_that_was_meant(
    folder: Path, file: str, written: str, instead: str, field: str, meant: str
) -> None:
    path = folder / file
    text = path.read_text()
    assert text.count(written) == 1
    path.write_text(text.replace(written, instead))
    line = text[: text.index(written)].count("\n") + 1
    with pytest.raises(InputError) as told:
        loaded(folder)
    (problem,) = told.value.problems
    assert (problem.file, problem.line) == (str(path), line)
    assert problem.field.endswith(field)
    assert f"did you mean '{meant}'?" in problem.message


def test_a_universe_that_calls_its_sets_otherwise_is_no_mistake(folder: Path) -> None:
    path = folder / "universe.yaml"
    path.write_text(
        path.read_text().replace("sector: Financials", "sector: Financial").replace("group: regional,", "group: regionals,")
    )
    for profile in ("desk", "seed"):
        assert {item.sector for item in loaded(folder, profile).universe.symbols.values()} == {"Financial"}


def test_a_group_that_only_another_universe_has_is_no_mistake(folder: Path) -> None:
    path = folder / "portfolios" / "bank_long_only.yaml"
    path.write_text(path.read_text().replace("{regional: 0.30", "{insurance: 0.30"))
    assert loaded(folder).portfolios["bank_long_only"].group_limits["insurance"] == 0.30


@pytest.mark.parametrize("profile", ["desk", "seed", "classic"])
def test_the_shipped_profiles_name_known_members_only(profile: str) -> None:
    assert desk_config(profile).profile == profile


def test_the_factors_are_those_of_the_factor_model() -> None:
    assert tuple(sorted((MARKET, *STYLES))) == FACTORS
