from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from riskdesk_assets.common.settings import ROOT
from riskdesk_tests.desk_on_disk import edit
from riskdesk_tests.interfaces.conftest import DeskFolder

ENTRY = "{limit: name_gross, from: 0.24, to: 0.3, author: Ann, approved_by: Bob, reason: larger tickets}"


@pytest.fixture
def loosened(tmp_path: Path) -> Path:
    """A configuration that asks for a second name, with a limit loosened since the desk was built."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    edit(folder / "limits.yaml", "required: none", "required: loosening")
    head, tail = (folder / "limits.yaml").read_text().split("\nname_gross:", 1)
    (folder / "limits.yaml").write_text(head + "\nname_gross:" + tail.replace("max: 0.24", "max: 0.3", 1))
    return folder


def test_every_limit_is_listed_most_used_first(built: DeskFolder) -> None:
    told = json.loads(built.run("limits", "--json").stdout)
    rows = built.warehouse.read("limit_audit", built.last, built.last)
    assert told["session"] == str(built.last)
    assert {line["name"] for line in told["limits"]} == set(rows["limit_name"])
    used = [line["utilization"] for line in told["limits"]]
    assert used == sorted(used, reverse=True)
    plain = built.run("limits")
    assert plain.exit_code == 0
    assert all(name in plain.output for name in ("portfolio_gross", "position_count", "turnover (additions)"))


def test_a_session_that_was_not_computed_is_refused_with_the_newest(built: DeskFolder, empty: DeskFolder) -> None:
    day = built.calendar.before(built.first)
    result = built.run("limits", "--asof", str(day))
    assert result.exit_code == 2
    assert f"the newest is {built.last}" in result.output
    assert empty.run("limits").exit_code == 2


def test_an_unapproved_loosening_stops_before_a_book_and_an_approved_one_is_told_with_both_names(
    desk: DeskFolder, loosened: Path
) -> None:
    told = {"RISKDESK_CONFIG_DIR": str(loosened)}
    day = str(desk.calendar.after(desk.last))
    published = (desk.root / "data" / "published" / "ideal_portfolio.csv").read_bytes()
    refused = desk.run("run", "--asof", day, **told)
    assert refused.exit_code == 2
    assert f"{loosened / 'limits.yaml'}:" in refused.output
    assert "name_gross.max: name_gross LOOSENED from 0.24 to 0.3" in refused.output.replace("\n", " ")
    assert "an entry in approval.changes with another name in approved_by" in refused.output.replace("\n", " ")
    assert desk.warehouse.read("desk_state")["as_of_date"].max() == desk.last
    assert desk.warehouse.read("engine_configs")["as_of_date"].max() == desk.last
    assert (desk.root / "data" / "published" / "ideal_portfolio.csv").read_bytes() == published

    edit(loosened / "limits.yaml", "  changes: []", f"  changes: [{ENTRY}]\n  #")
    done = desk.run("run", "--asof", day, "--json", **told)
    assert done.exit_code == 0, done.output
    change, stricter = json.loads(done.stdout)["limits_changed"]
    assert (stricter["limit"], stricter["change"]) == ("approval.required", "TIGHTENED")
    assert (change["limit"], change["change"], change["before"], change["after"]) == ("name_gross", "LOOSENED", 6e5, 7.5e5)
    said = "1 loosened: name_gross $600,000 to $750,000"
    assert f"limits     {said}" in desk.run("morning", **told).stdout
    assert f"limits {said}" in desk.run("run", "--asof", day, **told).stdout
    assert (
        f"Limits changed</strong> {said}; 1 tightened: approval.required none to loosening."
        in (desk.root / "data" / "reports" / f"{day}.html").read_text()
    )
    changes = json.loads(desk.run("limits", "--changes", "--json", **told).stdout)["changes"]
    (row,) = (row for row in changes if row["limit_name"] == "name_gross")
    assert (row["as_of_date"], row["change"], row["from_bound"], row["to_bound"]) == (day, "LOOSENED", 600_000.0, 750_000.0)
    assert (row["author"], row["approved_by"], row["reason"]) == ("Ann", "Bob", "larger tickets")
    assert "Bob" in desk.run("limits", "--changes", **told).output

    run_id = json.loads(done.stdout)["run_id"]
    replayed = desk.run("replay", run_id, **told)
    assert replayed.exit_code == 0, replayed.output


def test_a_desk_whose_limits_never_changed_says_so(built: DeskFolder) -> None:
    assert "No limit was changed" in built.run("limits", "--changes").output
