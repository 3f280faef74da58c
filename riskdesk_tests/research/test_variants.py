from __future__ import annotations

from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.research.variants import Variant, load_variants, parse_variant, require_distinct, variant_config
from riskdesk_tests.desk_builder import changed, desk_config


def refused(path: str, value: object) -> str:
    with pytest.raises(InputError) as told:
        variant_config(desk_config(), Variant("bold", {path: value}, "variant bold"))
    return str(told.value)


def test_a_variant_is_a_name_and_values_read_as_yaml_words() -> None:
    variant = parse_variant("bold: limits.group.max=0.5, limits.turnover=null, desk.vol_target.enabled=false")
    assert variant.name == "bold"
    assert dict(variant.overrides) == {"limits.group.max": 0.5, "limits.turnover": None, "desk.vol_target.enabled": False}


def test_a_variant_without_values_is_the_configuration_as_it_is() -> None:
    assert variant_config(desk_config(), parse_variant("shipped:")) == desk_config()


@pytest.mark.parametrize("text", ["", "limits.group.max=0.5", ": limits.group.max=0.5", "a: limits.group.max", "a: x=1, x=2"])
def test_what_is_no_variant_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_variant(text)


def test_values_are_laid_over_each_in_its_place() -> None:
    values = {"portfolios.bank_pairs.risk_aversion_lambda": 5, "desk.optimizer.tracking_bp": 10, "limits.group.max": 0.3}
    by_hand = changed(desk_config(), "portfolios.bank_pairs.risk_aversion_lambda", 5.0)
    by_hand = changed(changed(by_hand, "desk.optimizer.tracking_bp", 10.0), "limits.group.max", 0.3)
    assert variant_config(desk_config(), Variant("all", values)) == by_hand


def test_a_family_that_has_no_limit_can_be_given_one_and_a_symbol_may_hold_a_dot() -> None:
    assert desk_config().limits.country is None
    found = variant_config(desk_config(), Variant("v", {"limits.country.max": 0.9, "limits.name_gross.overrides.BRK.B": 0.1}))
    assert found.limits.country is not None
    assert found.limits.country.max == 0.9
    assert found.limits.name_gross is not None
    assert found.limits.name_gross.overrides == {"BRK.B": 0.1}


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("portfolios.bank_pairs.risk_aversion_lamda", "'risk_aversion_lambda'"),
        ("portfolios.bank_pair.risk_aversion_lambda", "'bank_pairs'"),
        ("limits.groop.max", "'group'"),
        ("desk.optimiser.tracking_bp", "'optimizer'"),
        ("limit.group.max", "'limits'"),
    ],
)
def test_an_unknown_path_is_told_with_the_nearest_known_one(path: str, nearest: str) -> None:
    told = refused(path, 1)
    assert f"variant bold: {path}: " in told
    assert f"did you mean {nearest}" in told


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("limits.group.max", "wide", "is 'wide' (allowed: a number)"),
        ("limits.group.max", -1, "is -1 (allowed: at least 0"),
        ("portfolios.bank_pairs.risk_model_id", "ledoit", "ledoit_wolf"),
        ("limits.country.mox", 1, "did you mean 'max'"),
        ("portfolios.bank_pairs.cost_model_id", "three_halves", "impact is charged to research mandates alone"),
        ("portfolios.bank_pairs.cost_model_id", "linera", "did you mean 'linear'"),
        ("portfolios.bank_pairs.base_currency", "EUR", "portfolios.bank_pairs.base_currency: is 'EUR'"),
        ("limits.group.max.more", 1, "is one value"),
        ("desk.portfolio_id", "bank_long_only", "is not a value"),
        ("limits", None, "is not a value"),
        ("universe.pairs", None, "allowed: desk, limits, sizing, portfolios"),
        ("portfolios.bank_long_only.risk_aversion_lambda", 50, "nothing in it would change"),
    ],
)
def test_a_value_that_is_not_allowed_is_told_with_what_is(path: str, value: object, said: str) -> None:
    assert said in refused(path, value)


def test_variants_come_from_a_file_too_and_its_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "variants.yaml"
    path.write_text("shipped: {}\nbold:\n  limits.group.max: 0.5\n")
    shipped, bold = load_variants(path)
    assert (shipped.name, dict(shipped.overrides)) == ("shipped", {})
    assert (bold.name, dict(bold.overrides), bold.where) == ("bold", {"limits.group.max": 0.5}, f"{path}:2")
    path.write_text("shipped: {}\nbold:\n  limits.group.max: 0.5\n  limits.groop.max: 1\n  limits.sector.max: -1\n")
    with pytest.raises(InputError, match=r"variants\.yaml:4: variant bold: limits\.groop\.max: groop is not a known field"):
        variant_config(desk_config(), load_variants(path)[1])
    path.write_text("shipped: {}\nbold:\n  limits.group.max: 0.5\n  limits.sector.max: -1\n")
    with pytest.raises(InputError, match=r"variants\.yaml:4: variant bold: limits\.sector\.max: "):
        variant_config(desk_config(), load_variants(path)[1])
    path.write_text("shipped: {}\nbold: 7\n")
    with pytest.raises(InputError, match=r"variants\.yaml:2: bold: is 7"):
        load_variants(path)


def test_two_variants_of_one_name_and_a_comparison_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="bold: is the name of two variants"):
        require_distinct([Variant("bold", {}), Variant("bold", {"limits.group.max": 1})])
    with pytest.raises(InputError, match="nothing to compare"):
        require_distinct([])
