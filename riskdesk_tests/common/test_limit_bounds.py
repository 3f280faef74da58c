"""A slip of the decimal point in a limit is refused before it holds nothing back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import MOST_OF_NAV, ROOT, LimitSpec, load_config, load_paths
from riskdesk_tests.desk_on_disk import edit


@pytest.mark.parametrize(
    ("written", "slip", "field", "said"),
    [
        ("  max: 0.24", "  max: 24", "name_gross.max", "is 24, a fraction of nav that no book comes near"),
        ("size: 0.25", "size: 25", "factor.overrides", "size: is 25, a fraction of nav that no book comes near"),
    ],
)
def test_a_limit_a_hundred_times_too_large_is_refused_by_file_line_and_field(
    tmp_path: Path, written: str, slip: str, field: str, said: str
) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    file = tmp_path / "config" / "limits.yaml"
    edit(file, written, slip)
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if slip in text)
    with pytest.raises(InputError) as refused:
        load_config(load_paths({"RISKDESK_CONFIG_DIR": str(tmp_path / "config")}), {})
    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.field) == (str(file), line, field)
    assert said in problem.message
    assert problem.allowed.startswith(f"0 to {MOST_OF_NAV:g}, such as ")


def test_dollars_and_counts_are_no_fraction_and_have_no_such_bound() -> None:
    assert LimitSpec(max=15_000.0, unit="dollars").max == 15_000.0
    assert LimitSpec(max=40.0, unit="count").max == 40.0
    assert LimitSpec(max=MOST_OF_NAV).max == MOST_OF_NAV
