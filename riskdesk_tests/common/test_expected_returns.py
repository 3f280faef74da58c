"""config/env_factors.csv and config/base_returns.csv: what ships, and what is refused with file, row and column."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.expected_returns import (
    BASE_RETURNS,
    ENV_FACTORS,
    ExpectedReturns,
    load_expected_returns,
)
from riskdesk_assets.common.settings import ROOT, Config, load_config, load_paths
from riskdesk_tests.desk_builder import desk_config
from riskdesk_tests.desk_on_disk import edit

# Document 002, sections 9.3 and 9.4, as printed there.
SECTION_9_3 = {
    "Calm": {"Discretionary": 0.7, "Spread": 1.1, "RV": 1.3, "Volatility": 0.6, "Systematic": 1.2},
    "Normal": {"Discretionary": 1.0, "Spread": 1.0, "RV": 1.0, "Volatility": 1.0, "Systematic": 1.0},
    "Event": {"Discretionary": 1.4, "Spread": 1.1, "RV": 0.9, "Volatility": 1.5, "Systematic": 0.8},
}
SECTION_9_4 = {"Discretionary": 0.0035, "Spread": 0.0020, "RV": 0.0025, "Volatility": 0.0030, "Systematic": 0.0020}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (ENV_FACTORS, BASE_RETURNS):
        shutil.copy(ROOT / "config" / name, tmp_path)
    return tmp_path


def refused(folder: Path, name: str, old: str, new: str) -> str:
    """What is said of a file in which ``old`` became ``new``."""
    edit(folder / name, old, new)
    with pytest.raises(InputError) as error:
        load_expected_returns(folder)
    said = str(error.value)
    assert str(folder / name) in said
    return said


def test_the_shipped_tables_are_the_documents() -> None:
    shipped = load_expected_returns(ROOT / "config")
    assert shipped.env_factors == SECTION_9_3
    assert shipped.base_returns == SECTION_9_4


def test_directional_borrows_discretionarys_row_until_it_has_its_own(folder: Path) -> None:
    shipped = load_expected_returns(folder)
    assert shipped.expected_return("Directional", "Event") == shipped.expected_return("Discretionary", "Event")
    with (folder / BASE_RETURNS).open("a") as file:
        file.write("Directional,0.01\n")
    with (folder / ENV_FACTORS).open("a") as file:
        file.write("Event,Directional,2\n")
    own = load_expected_returns(folder)
    assert own.expected_return("Directional", "Event") == pytest.approx(0.02)
    assert own.expected_return("Directional", "Calm") == pytest.approx(0.01 * 0.7)  # its own base, the borrowed factor
    assert own.expected_return("Discretionary", "Event") == shipped.expected_return("Discretionary", "Event")


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "words"),
    [
        (
            ENV_FACTORS,
            "Calm,RV,1.3",
            "calm,RV,1.3",
            4,
            "regime: is 'calm'; did you mean 'Calm'? (allowed: Calm, Normal, Event)",
        ),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,Spred,1.3", 4, "bucket: is 'Spred'; did you mean 'Spread'?"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,NaN", 4, "factor: is 'NaN' (allowed: a number from 0 to 10)"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,inf", 4, "factor: is 'inf'"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,1e999", 4, "factor: is '1e999'"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,-0.1", 4, "factor: is '-0.1'"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,10.01", 4, "factor: is '10.01'"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,", 4, "factor: is ''"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,true", 4, "factor: is 'true'"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,0x1", 4, "factor: is '0x1'"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,١", 4, "factor: is '١'"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV", 4, "factor: the row has 2 cells"),
        (ENV_FACTORS, "Calm,RV,1.3", 'Calm,RV,"1,3"', 4, "factor: is '1,3'"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,1.3,4", 4, "the row has 4 cells"),
        (ENV_FACTORS, "Calm,RV,1.3", "Calm,Spread,1.3", 4, "bucket: Calm, Spread has a row already"),
        (ENV_FACTORS, "regime,bucket,factor", "bucket,regime,factor", 1, "the first line is 'bucket,regime,factor'"),
        (ENV_FACTORS, "regime,bucket,factor", "regime;bucket;factor", 1, "did you mean 'regime,bucket,factor'?"),
        (ENV_FACTORS, "Calm,RV,1.3", '"Calm\n",RV,x', 4, "factor: is 'x'"),  # a row's line is the one it begins on
        (ENV_FACTORS, "Calm,RV,1.3", 'Calm,"RV"x,1.3', 4, "is no CSV"),
        (BASE_RETURNS, "Spread,0.0020", "Spread,1.5", 3, "weekly_return: is '1.5' (allowed: a number from -1 to 1)"),
        (BASE_RETURNS, "Spread,0.0020", "Spreed,0.002", 3, "bucket: is 'Spreed'; did you mean 'Spread'?"),
    ],
)
def test_an_unusable_row_is_told_with_file_row_and_column(
    folder: Path, name: str, old: str, new: str, line: int, words: str
) -> None:
    said = refused(folder, name, old, new)
    assert f"{name}:{line}: " in said
    assert words in said


@pytest.mark.parametrize(
    ("name", "row", "words"),
    [
        (ENV_FACTORS, "Event,RV,0.9\n", "there is no row for Event, RV"),
        (ENV_FACTORS, "Calm,Discretionary,0.7\n", "there is no row for Calm, Directional"),  # nothing to borrow either
        (BASE_RETURNS, "Volatility,0.0030\n", "there is no row for Volatility"),
    ],
)
def test_a_missing_row_is_named(folder: Path, name: str, row: str, words: str) -> None:
    assert words in refused(folder, name, row, "")


def test_every_unusable_row_is_told_not_only_the_first(folder: Path) -> None:
    edit(folder / ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,x")
    said = refused(folder, ENV_FACTORS, "Event,RV,0.9", "Even,RV,y")
    assert said.count("\n") == 2


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"regime,bucket,factor\n\x00", b"regime,bucket,factor\n" + b"x" * 70_000])
def test_a_file_that_is_no_small_text_is_refused(folder: Path, raw: bytes) -> None:
    (folder / ENV_FACTORS).write_bytes(raw)
    with pytest.raises(InputError, match=ENV_FACTORS):
        load_expected_returns(folder)


def test_what_a_spreadsheet_saves_is_read_all_the_same(folder: Path) -> None:
    text = (folder / ENV_FACTORS).read_text().replace("\n", "\r\n")
    (folder / ENV_FACTORS).write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n")
    assert load_expected_returns(folder) == load_expected_returns(ROOT / "config")


def test_a_missing_file_and_a_link_are_refused(folder: Path) -> None:
    (folder / BASE_RETURNS).rename(folder / "elsewhere.csv")
    with pytest.raises(InputError, match="does not exist"):
        load_expected_returns(folder)
    (folder / BASE_RETURNS).symlink_to(folder / "elsewhere.csv")
    with pytest.raises(InputError, match="symbolic link"):
        load_expected_returns(folder)


def test_the_tables_are_part_of_the_configuration_and_of_its_hash(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    paths = load_paths({"RISKDESK_CONFIG_DIR": str(tmp_path / "config")})
    before = load_config(paths, {})
    assert before.expected_returns.env_factors == SECTION_9_3
    assert Config.model_validate_json(before.model_dump_json()).hash == before.hash == desk_config().hash
    edit(tmp_path / "config" / ENV_FACTORS, "Calm,RV,1.3", "Calm,RV,1.31")
    assert load_config(paths, {}).hash != before.hash


def test_a_model_without_a_bucket_or_a_regime_is_none() -> None:
    with pytest.raises(ValueError, match="regime Event has no row for"):
        ExpectedReturns(env_factors={"Calm": SECTION_9_3["Calm"], "Normal": SECTION_9_3["Normal"]}, base_returns=SECTION_9_4)  # type: ignore[arg-type, dict-item]
    with pytest.raises(ValueError, match="the base returns has no row for RV"):
        ExpectedReturns(env_factors=SECTION_9_3, base_returns={b: 0.0 for b in BUCKETS if b != "RV"})  # type: ignore[arg-type, dict-item]
