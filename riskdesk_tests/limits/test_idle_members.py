"""A limit on a set the universe does not have is allowed and told."""

from __future__ import annotations

import pytest

from riskdesk_assets.limits.idle_members import idle_members
from riskdesk_tests.desk_builder import changed, desk_config


@pytest.mark.parametrize("profile", ["desk", "classic"])
def test_the_limits_that_ship_all_bind_something(profile: str) -> None:
    assert idle_members(desk_config(profile)) == ()


def test_a_misspelt_set_is_told_with_the_nearest_one_and_the_place_it_stands() -> None:
    config = changed(desk_config(), "portfolios.bank_long_only.sector_limits", {"Financial": 0.1})
    config = changed(config, "limits.group.overrides", {"regionl": 0.2, "regional": 0.3})
    assert idle_members(config) == (
        "portfolios.bank_long_only.sector_limits.Financial binds nothing: no sector of the universe is called so; "
        "did you mean 'Financials'?",
        "limits.group.overrides.regionl binds nothing: no group of the universe is called so; did you mean 'regional'?",
    )
