"""``riskdesk tickets``: lint changes nothing, drafts stay drafts, and promotion asks first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from riskdesk_assets.common.settings import ROOT
from riskdesk_tests.desk_on_disk import edit
from riskdesk_tests.interfaces.conftest import DeskFolder

Hash = Callable[[Path], dict[str, bytes]]


def test_the_shipped_tickets_are_clean(empty: DeskFolder) -> None:
    result = empty.run("tickets", "lint", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["clean"] is True
    assert len(told["tickets"]) == 12
    assert told["warnings"] == []


def test_a_fat_finger_is_a_warning_with_what_is_usual_and_stops_nothing(empty: DeskFolder) -> None:
    text = (empty.active / "jpm-bac-reversion.yaml").read_text()
    odd = empty.root / "odd.yaml"
    changed = {
        "ticket_id": "odd",
        "max_gross_notional": "50_000_000",
        "max_leg_notional": "60_000_000",
        "time_stop_days": "5",
        "expires_on": "2020-01-02",
    }
    kept = [line for line in text.splitlines() if line.partition(":")[0] not in changed]
    odd.write_text("\n".join([*kept, *(f"{name}: {value}" for name, value in changed.items())]) + "\n")
    result = empty.run("tickets", "lint", str(odd))
    assert result.exit_code == 0
    place = len(kept) + 1
    said = result.stdout
    assert f"WARNING: odd.yaml:{place + 1}: max_gross_notional: is 50,000,000, 20.0 times the desk's nav of 2,500,000" in said
    assert "(usual: about 800,000, 0.32 of nav)" in said
    assert "above max_gross_notional 50,000,000: it never binds (usual: about 0.7 of it, 35,000,000)" in said
    assert "1 usable ticket, 4 warnings" in said
    found = json.loads(empty.run("tickets", "lint", str(odd), "--json").stdout)
    assert found["clean"] is True
    assert [(each["field"], each["line"]) for each in found["warnings"]] == [
        ("max_gross_notional", place + 1),
        ("max_leg_notional", place + 2),
        ("time_stop_days", place + 3),
        ("expires_on", place + 4),
    ]
    assert all(each["file"] == "odd.yaml" and each["usual"] for each in found["warnings"])


def test_lint_tells_who_will_have_no_budget_and_which_file_of_the_library_is_wrong(empty: DeskFolder) -> None:
    text = (empty.active / "jpm-bac-reversion.yaml").read_text()
    idea = empty.root / "idea.yaml"
    idea.write_text(text.replace("jpm-bac-reversion", "idea").replace("strategy: Money-center", "strategy: Money-centre"))
    found = json.loads(empty.run("tickets", "lint", str(idea), "--json").stdout)
    assert found["clean"] is True
    assert found["notices"] == [
        "WARNING: idea.yaml: idea will have no budget: strategy 'Money-centre reversion' is not in the library; "
        "did you mean 'Money-center reversion'?"
    ]
    config = empty.root / "config"
    shutil.copytree(ROOT / "config", config)
    edit(config / "strategies.csv", "Card lag,Systematic", "Card lag,Systemic")
    result = empty.run("tickets", "lint", str(idea), RISKDESK_CONFIG_DIR=str(config))
    assert result.exit_code == 2
    assert "strategies.csv:8: Bucket: is 'Systemic'; did you mean 'Systematic'?" in result.stderr


def test_lint_names_file_line_field_and_what_is_allowed(empty: DeskFolder) -> None:
    good = (empty.active / "jpm-bac-reversion.yaml").read_text()
    bad = empty.root / "bad.yaml"
    bad.write_text(
        good.replace("ticket_id: jpm-bac-reversion", "ticket_id: bad").replace("orientation: BOTH", "orientation: BOHT")
    )
    result = empty.run("tickets", "lint", str(bad))
    assert result.exit_code == 2
    assert "error: bad.yaml:5: orientation:" in result.stderr
    assert "did you mean 'BOTH'?" in result.stderr
    assert "0 usable tickets, 1 problem" in result.stdout
    told = json.loads(empty.run("tickets", "lint", str(bad), str(empty.active), "--json").stdout)
    assert [(problem["file"], problem["line"], problem["field"]) for problem in told["problems"]] == [
        ("bad.yaml", 5, "orientation")
    ]
    assert len(told["tickets"]) == 12


def test_a_draft_is_written_beside_the_active_folder_and_never_into_it(empty: DeskFolder, folder_hash: Hash) -> None:
    before = folder_hash(empty.active)
    result = empty.run("tickets", "draft", "--leg-a", "jpm", "--leg-b", "MS", "--conviction", "High", "--note", "Wide: look.")
    assert result.exit_code == 0, result.output
    draft = empty.root / "tickets" / "drafts" / "jpm-ms-reversion.yaml"
    assert draft.is_file()
    # 0.32 of the desk's nav of 2,500,000, and 0.7 of that (methods.md section 14).
    assert "max_gross_notional: 800000" in draft.read_text()
    assert "max_leg_notional: 560000" in draft.read_text()
    assert empty.run("tickets", "lint", str(draft)).exit_code == 0
    assert folder_hash(empty.active) == before


def test_a_draft_that_exists_is_not_overwritten(empty: DeskFolder) -> None:
    arguments = ("tickets", "draft", "--leg-a", "JPM", "--leg-b", "MS")
    assert empty.run(*arguments, "--json").exit_code == 0
    again = empty.run(*arguments)
    assert again.exit_code == 2
    assert "nothing was overwritten" in again.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--conviction", "Hihg"], "did you mean 'High'?"),
        (["--max-gross-notional", "lots"], "max_gross_notional: is 'lots'"),
        (["--orientation", "LONG"], "LONG_SPREAD"),
        (["--expires-on", "2027-13-01"], "allowed: YYYY-MM-DD"),
        (["--exit-z", "3", "--entry-z", "2"], "above entry_z"),
        (["--leg-b", "ZZZ"], "is not in the universe"),
    ],
)
def test_an_unusable_draft_is_refused_and_leaves_no_file(empty: DeskFolder, options: list[str], said: str) -> None:
    result = empty.run("tickets", "draft", "--leg-a", "JPM", "--leg-b", "MS", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (empty.root / "tickets" / "drafts").exists()


def test_promotion_asks_first_and_a_no_changes_nothing(empty: DeskFolder, folder_hash: Hash) -> None:
    empty.run("tickets", "draft", "--leg-a", "JPM", "--leg-b", "MS")
    before = folder_hash(empty.active)
    result = empty.run("tickets", "promote", "jpm-ms-reversion", input="n\n")
    assert result.exit_code == 1
    assert "BOTH JPM against MS, at most 800,000 dollars gross" in result.stderr
    assert "Nothing was changed." in result.stderr
    assert folder_hash(empty.active) == before
    silent = empty.run("tickets", "promote", "jpm-ms-reversion", input="")
    assert silent.exit_code == 1
    assert folder_hash(empty.active) == before


def test_a_promoted_draft_is_in_force_and_no_draft_any_more(empty: DeskFolder) -> None:
    empty.run("tickets", "draft", "--leg-a", "JPM", "--leg-b", "MS")
    result = empty.run("tickets", "promote", "jpm-ms-reversion", "--yes", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["ticket_id"] == "jpm-ms-reversion"
    assert (empty.active / "jpm-ms-reversion.yaml").is_file()
    assert not (empty.root / "tickets" / "drafts" / "jpm-ms-reversion.yaml").exists()


def test_promotion_of_what_is_not_there_is_refused(empty: DeskFolder) -> None:
    result = empty.run("tickets", "promote", "../active/jpm-bac-reversion", "--yes")
    assert result.exit_code == 2
    assert empty.run("tickets", "promote", "nothing", "--yes").exit_code == 2
    assert empty.run("tickets", "promote", "nothing", "--json").exit_code == 2
