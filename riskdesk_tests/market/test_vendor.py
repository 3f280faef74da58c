from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Paths
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.market.vendor import choose_vendor


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "data", tmp_path / "runs", tmp_path / "tickets", tmp_path, tmp_path / "universe.yaml", None)


def test_the_key_wins_over_the_folder_and_the_folder_over_the_sample(
    paths: Paths, universe: Universe, calendar: SessionCalendar, tmp_path: Path
) -> None:
    with_folder = replace(paths, prices=tmp_path)
    assert choose_vendor(with_folder, universe, calendar, {"FMP_API_KEY": "k"}).source == "FMP"
    assert choose_vendor(with_folder, universe, calendar, {}).source == "FILES"
    assert choose_vendor(paths, universe, calendar, {}).source == "SIMULATED"


@pytest.mark.parametrize("key", ["", "  ", "\t\n"])
def test_a_key_that_is_set_but_empty_is_an_error_and_no_wish_for_simulated_prices(
    paths: Paths, universe: Universe, calendar: SessionCalendar, tmp_path: Path, key: str
) -> None:
    for place in (paths, replace(paths, prices=tmp_path)):
        with pytest.raises(InputError, match=r"FMP_API_KEY: is set, but empty \(allowed: a key; or unset it"):
            choose_vendor(place, universe, calendar, {"FMP_API_KEY": key})


def test_a_base_url_without_a_key_is_a_clear_error(paths: Paths, universe: Universe, calendar: SessionCalendar) -> None:
    with pytest.raises(InputError, match="FMP_API_KEY: is not set, although FMP_BASE_URL asks for live prices"):
        choose_vendor(paths, universe, calendar, {"FMP_BASE_URL": "http://127.0.0.1:1"})


def test_choosing_a_vendor_touches_no_folder(paths: Paths, universe: Universe, calendar: SessionCalendar) -> None:
    for environ in ({}, {"FMP_API_KEY": "k"}):
        choose_vendor(paths, universe, calendar, environ)
    assert not paths.data.exists()
