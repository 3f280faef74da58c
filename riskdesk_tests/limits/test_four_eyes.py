from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import ROOT, load_config, load_paths
from riskdesk_assets.limits.changes import limit_changes, required_approval
from riskdesk_assets.limits.four_eyes import require_approved
from riskdesk_assets.limits.register import engine_configs
from riskdesk_tests.desk_builder import desk_config
from riskdesk_tests.desk_on_disk import edit

DAY = date(2026, 3, 2)
APPROVED = "{limit: name_gross, from: 0.24, to: 0.3, author: Ann, approved_by: Bob, reason: larger tickets}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration to edit."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config"


def line_of(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), start=1) if line.startswith(text))


def asked(folder: Path, required: str, *entries: str) -> None:
    edit(folder / "limits.yaml", "required: none", f"required: {required}")
    path = folder / "limits.yaml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("  changes: []")]
    path.write_text("\n".join([*kept, f"  changes: [{', '.join(entries)}]"]) + "\n")


def require(folder: Path, **environ: str) -> None:
    """As the asset does it, from yesterday with the shipped configuration."""
    paths = load_paths({"RISKDESK_CONFIG_DIR": str(folder)})
    config, earlier = load_config(paths, environ), engine_configs(desk_config(), [DAY])
    changes = limit_changes(earlier, engine_configs(config, [DAY]))
    require_approved(changes, required_approval(config.limits.approval, earlier), paths, config.profile, environ)


def refused(folder: Path, **environ: str) -> list[str]:
    with pytest.raises(InputError) as told:
        require(folder, **environ)
    return [str(problem) for problem in told.value.problems]


def name_gross(folder: Path, value: str) -> None:
    path = folder / "limits.yaml"
    head, tail = path.read_text().split("\nname_gross:", 1)
    path.write_text(head + "\nname_gross:" + tail.replace("max: 0.24", f"max: {value}", 1))


def test_nothing_is_asked_where_the_configuration_asks_for_nothing(folder: Path) -> None:
    name_gross(folder, "0.30")
    require(folder)


def test_a_loosened_limit_without_a_second_name_is_refused_with_file_line_field_and_what_is_allowed(folder: Path) -> None:
    asked(folder, "loosening")
    name_gross(folder, "0.30")
    (told,) = refused(folder)
    line = line_of(folder / "limits.yaml", "name_gross:") + 1
    assert told.startswith(f"{folder / 'limits.yaml'}:{line}: name_gross.max: name_gross LOOSENED from 0.24 to 0.3")
    assert told.endswith("(allowed: an entry in approval.changes with another name in approved_by)")


def test_a_tightened_limit_needs_a_second_name_only_where_all_changes_do(folder: Path) -> None:
    asked(folder, "loosening")
    name_gross(folder, "0.10")
    require(folder)
    edit(folder / "limits.yaml", "required: loosening", "required: all")
    told = refused(folder)
    assert [line.split(": ")[1] for line in told] == ["approval.required", "name_gross.max"]


def test_an_entry_for_exactly_this_change_lets_it_through(folder: Path) -> None:
    asked(folder, "loosening", APPROVED)
    name_gross(folder, "0.30")
    require(folder)
    edit(folder / "limits.yaml", "to: 0.3,", "to: 0.31,")
    assert len(refused(folder)) == 1


@pytest.mark.parametrize("author", ["Ann", " ann ", "ANN"])
def test_nobody_approves_a_change_of_their_own(folder: Path, author: str) -> None:
    asked(folder, "loosening", APPROVED.replace("author: Ann", f'author: "{author}"').replace("Bob", "Ann"))
    with pytest.raises(InputError, match=r"approved_by: is 'Ann', who is also the author .*allowed: another name"):
        load_config(load_paths({"RISKDESK_CONFIG_DIR": str(folder)}), {})


def test_a_removed_limit_points_at_the_file_it_was_in(folder: Path) -> None:
    asked(folder, "loosening")
    path = folder / "limits.yaml"
    head, tail = path.read_text().split("\nturnover:", 1)
    path.write_text(head + "\n" + tail.split("\n", 2)[2])
    (told,) = refused(folder)
    assert told.startswith(f"{path}:")
    assert "turnover REMOVED from 0.6 to none" in told


def test_a_variable_of_the_environment_is_named_where_it_is_what_changed(folder: Path) -> None:
    asked(folder, "loosening")
    (told,) = refused(folder, PORTFOLIO_MAX_GROSS_NOTIONAL="6000000")
    assert told.startswith("PORTFOLIO_MAX_GROSS_NOTIONAL: mandate_gross LOOSENED")


def test_a_profile_that_lays_the_limit_over_is_named(folder: Path) -> None:
    asked(folder, "loosening")
    told = refused(folder, RISKDESK_PROFILE="classic")
    overlay = folder / "profiles" / "classic.yaml"
    line = line_of(overlay, "  turnover: null")
    assert any(text.startswith(f"{overlay}:{line}: limits.turnover.max: turnover REMOVED") for text in told)


def test_a_mandates_limit_points_at_its_own_file(folder: Path) -> None:
    asked(folder, "all")
    path = folder / "portfolios" / "bank_long_only.yaml"
    edit(path, "regional: 0.30", "regional: 0.35")
    told = [text for text in refused(folder) if "bank_long_only" in text]
    place = f"{path}:{line_of(path, 'group_limits')}: group_limits.regional: bank_long_only.group_limits.regional LOOSENED"
    assert told[0].startswith(place)
