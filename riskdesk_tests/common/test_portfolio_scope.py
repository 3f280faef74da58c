"""A portfolio's currency, markets, strategies and costs: followed, or refused where they are written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.settings import ROOT, Config, load_config, load_paths

OWN, LONG = "portfolios/bank_pairs.yaml", "portfolios/bank_long_only.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))


def loaded(folder: Path, profile: str = "desk") -> Config:
    return load_config(load_paths({"RISKDESK_CONFIG_DIR": str(folder)}), {"RISKDESK_PROFILE": profile})


def edited(path: Path, written: str, instead: str) -> int:
    """Replace what stands once in a file; the line it stands on."""
    text = path.read_text()
    assert text.count(written) == 1
    path.write_text(text.replace(written, instead))
    return text[: text.index(written)].count("\n") + 1


def refused(folder: Path, profile: str = "desk") -> Problem:
    with pytest.raises(InputError) as told:
        loaded(folder, profile)
    (problem,) = told.value.problems
    return problem


@pytest.mark.parametrize(
    ("file", "written", "instead", "field", "said", "allowed"),
    [
        (OWN, "currency: USD", "currency: EUR", "base_currency", "is 'EUR', and no name of the universe is quoted", "USD"),
        (LONG, "currency: USD", "currency: EUR", "base_currency", "nothing is converted", "USD"),
        (OWN, "id: linear", "id: three_halves", "cost_model_id", "impact is charged to research mandates alone", "linear"),
        (OWN, "[US]", "[DE]", "markets", "leaves out AXP, BAC, BEN and 21 more, which tickets may", "every country.*: US"),
        (OWN, "[tickets]", "[ticket]", "strategies.0", "'ticket' is not known; did you mean 'tickets'?", "tickets"),
        (OWN, "[tickets]", "[tickets, Card lag]", "strategies.1", "takes every ticket in force", "tickets"),
        (LONG, "[pair_reversion]", "[pair_reversal]", "strategies.0", "did you mean 'pair_reversion'?", "Card lag, .*pair_rev"),
        (LONG, "[pair_reversion]", "[Card lagg]", "strategies.0", "is not known; did you mean 'Card lag'?", "Card lag"),
        (LONG, "[pair_reversion]", "[tickets]", "strategies.0", "'tickets' is not known", "Card lag"),
        (LONG, "[pair_reversion]", "[no_such]", "strategies.0", "'no_such' is not known", "Card lag"),
        (LONG, "[pair_reversion]", "[Card lag, pair_reversion]", "strategies.0", "adds nothing to pair_reversion", "alone, or"),
    ],
)  # fmt: skip
def test_a_word_that_nothing_follows_is_refused_with_its_line_and_what_is_allowed(
    folder: Path, file: str, written: str, instead: str, field: str, said: str, allowed: str
) -> None:
    line = edited(folder / file, written, instead)
    problem = refused(folder)
    assert (problem.file, problem.line, problem.field) == (str(folder / file), line, field)
    assert said in problem.message
    assert re.search(allowed, problem.allowed)


def test_a_word_that_a_profile_lays_over_is_refused_on_the_profiles_line(folder: Path) -> None:
    profile = folder / "profiles" / "desk.yaml"
    text = profile.read_text()
    profile.write_text(f"{text}portfolios:\n  bank_pairs:\n    cost_model_id: three_halves\n")
    problem = refused(folder)
    assert (problem.file, problem.line) == (str(profile), text.count("\n") + 3)
    assert problem.field == "portfolios.bank_pairs.cost_model_id"


def test_every_such_word_of_every_portfolio_is_told_at_once(folder: Path) -> None:
    edited(folder / OWN, "currency: USD", "currency: EUR")
    edited(folder / LONG, "currency: USD", "currency: EUR")
    edited(folder / LONG, "[pair_reversion]", "[nothing, at all]")
    with pytest.raises(InputError) as told:
        loaded(folder)
    assert [item.field for item in told.value.problems] == ["base_currency", "strategies.0", "strategies.1", "base_currency"]


def test_a_universe_of_two_countries_and_currencies_needs_both_markets_and_either_currency(folder: Path) -> None:
    card, dollars, elsewhere = "industry_group: card, ", "country: US, currency: USD", "country: CA, currency: CAD"
    edited(folder / "universe.yaml", f"{card}{dollars}, half_spread_bps: 1.0", f"{card}{elsewhere}, half_spread_bps: 1.0")
    problem = refused(folder)
    assert (problem.field, problem.message) == ("markets", "leaves out AXP, which tickets may trade")
    assert problem.allowed == "every country of the universe: CA, US"
    edited(folder / OWN, "[US]", "[US, CA, DE]")
    assert loaded(folder).own.markets == ["US", "CA", "DE"]
    edited(folder / LONG, "currency: USD", "currency: CAD")
    assert loaded(folder).portfolios["bank_long_only"].base_currency == "CAD"


def test_a_cost_model_of_no_impact_is_as_good_as_linear_whatever_its_name_and_linear_with_one_is_not(folder: Path) -> None:
    edited(folder / "desk.yaml", "linear: {impact: 0.0}", "linear: {impact: 0.5}\n  none_at_all: {impact: 0.0}")
    problem = refused(folder)
    assert (problem.field, problem.allowed) == ("cost_model_id", "none_at_all")
    edited(folder / OWN, "cost_model_id: linear", "cost_model_id: none_at_all")
    assert loaded(folder).own.cost_model_id == "none_at_all"


def test_a_mandate_may_name_strategies_of_the_library_candidates_too(folder: Path) -> None:
    edited(folder / LONG, "[pair_reversion]", "[Card lag, Rate-path beta]")
    assert loaded(folder).portfolios["bank_long_only"].strategies == ["Card lag", "Rate-path beta"]


def test_while_the_library_cannot_be_read_its_names_are_not_judged(folder: Path) -> None:
    """The library's own refusal stops the run, and the workbook that mends it has to be imported with this configuration."""
    edited(folder / LONG, "[pair_reversion]", "[Card lag]")
    (folder / "strategies.csv").write_text("StrategyName\n")
    assert loaded(folder).portfolios["bank_long_only"].strategies == ["Card lag"]


@pytest.mark.parametrize("profile", ["desk", "seed", "classic"])
def test_the_shipped_portfolios_say_what_is_followed(folder: Path, profile: str) -> None:
    assert loaded(folder, profile).own.strategies == ["tickets"]
