"""A folder of tickets: what loads, what is told, and that the order of files changes nothing."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.strategy.loading import archived_ids, file_hashes, load_tickets
from riskdesk_tests.strategy.tickets import UNIVERSE, write_ticket

ROOT = Path(__file__).resolve().parents[2]


def test_the_twelve_example_tickets_load_without_a_problem_and_are_in_force_since_2015() -> None:
    universe = load_config(load_paths({"RISKDESK_CONFIG_DIR": str(ROOT / "config")}), {}).universe
    folder = load_tickets(ROOT / "tickets" / "active", universe)
    assert (folder.problems, folder.notices, folder.ignored) == ((), (), ())
    assert len(folder.tickets) == 12
    for item in folder.tickets:
        assert item.file == f"{item.ticket.ticket_id}.yaml"
        assert item.ticket.in_force(date(2015, 1, 2))
        assert item.ticket.in_force(date(2027, 12, 31))
        assert item.ticket.note
    legs = [leg for item in folder.tickets for leg in (item.ticket.leg_a, item.ticket.leg_b)]
    assert len(set(legs)) < len(legs), "some names stand in more than one ticket"


def test_tickets_come_in_order_of_id_whatever_the_files_are_called(tmp_path: Path) -> None:
    write_ticket(tmp_path, "z.yaml", ticket_id="a")
    write_ticket(tmp_path, "a.yml", ticket_id="b", leg_b="C")
    folder = load_tickets(tmp_path, UNIVERSE)
    assert [(item.ticket.ticket_id, item.file) for item in folder.tickets] == [("a", "z.yaml"), ("b", "a.yml")]
    assert folder.tickets[0].lines["leg_b"] == 4
    assert folder.raw["z.yaml"] == (tmp_path / "z.yaml").read_bytes()


def test_the_order_in_which_files_were_made_changes_nothing(tmp_path: Path) -> None:
    legs = [("JPM", "BAC"), ("C", "WFC"), ("BAC", "JPM"), ("JPM", "WFC")]
    folders = []
    for seed in range(4):
        order = list(enumerate(legs))
        random.Random(seed).shuffle(order)
        for place, (leg_a, leg_b) in order:
            write_ticket(tmp_path / str(seed), f"t{place}.yaml", ticket_id=f"t{place % 3}", leg_a=leg_a, leg_b=leg_b)
        folders.append(load_tickets(tmp_path / str(seed), UNIVERSE))
    assert all(folder == folders[0] for folder in folders)
    assert len(folders[0].problems) == 2


def test_one_bad_file_leaves_the_others_usable_and_its_problems_are_all_told(tmp_path: Path) -> None:
    write_ticket(tmp_path, "good.yaml", ticket_id="good")
    write_ticket(tmp_path, "bad.yaml", ticket_id="bad", leg_a="JMP", horizon_days=0)
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    (tmp_path / "list.yaml").write_text("- a\n")
    folder = load_tickets(tmp_path, UNIVERSE)
    assert [item.file for item in folder.tickets] == ["good.yaml"]
    assert [str(problem).split(" (")[0] for problem in folder.problems] == [
        "bad.yaml:3: leg_a: 'JMP' is not in the universe; did you mean 'JPM'?",
        "bad.yaml:8: horizon_days: is 0",
        "empty.yaml:1: is empty",
        "list.yaml:1: is not a mapping",
    ]
    assert sorted(folder.files) == ["bad.yaml", "empty.yaml", "good.yaml", "list.yaml"]


def test_one_id_in_two_files_is_told_in_both_and_neither_counts(tmp_path: Path) -> None:
    write_ticket(tmp_path, "one.yaml", ticket_id="same")
    write_ticket(tmp_path, "two.yaml", ticket_id="same", leg_b="C")
    write_ticket(tmp_path, "three.yaml", ticket_id="other", leg_b="WFC")
    folder = load_tickets(tmp_path, UNIVERSE)
    assert [item.ticket.ticket_id for item in folder.tickets] == ["other"]
    assert [str(problem) for problem in folder.problems] == [
        "one.yaml:1: ticket_id: 'same' is also the id of two.yaml:1 (allowed: an id of its own)",
        "two.yaml:1: ticket_id: 'same' is also the id of one.yaml:1 (allowed: an id of its own)",
    ]


def test_opposite_tickets_on_one_pair_are_a_warning_and_still_load(tmp_path: Path) -> None:
    write_ticket(tmp_path, "a.yaml", ticket_id="a", orientation="LONG_SPREAD", expires_on="2026-06-30")
    write_ticket(tmp_path, "b.yaml", ticket_id="b", orientation="SHORT_SPREAD", effective_from="2026-06-30")
    write_ticket(tmp_path, "c.yaml", ticket_id="c", leg_a="BAC", leg_b="JPM", effective_from="2027-01-04")
    folder = load_tickets(tmp_path, UNIVERSE)
    assert len(folder.tickets) == 3
    assert folder.problems == ()
    assert [str(notice) for notice in folder.notices] == [
        "WARNING: a.yaml: a (JPM__BAC LONG_SPREAD) and b (JPM__BAC SHORT_SPREAD) in b.yaml are opposite sides of one pair; "
        "in force together from 2026-06-30 until 2026-06-30",
        "WARNING: b.yaml: b (JPM__BAC SHORT_SPREAD) and c (BAC__JPM BOTH) in c.yaml are one pair in opposite order; "
        "in force together from 2027-01-04 until 2027-12-31",
    ]


def test_tickets_on_one_pair_that_never_meet_or_agree_are_no_warning(tmp_path: Path) -> None:
    write_ticket(tmp_path, "a.yaml", ticket_id="a", orientation="LONG_SPREAD", expires_on="2026-06-29")
    write_ticket(tmp_path, "b.yaml", ticket_id="b", orientation="SHORT_SPREAD", effective_from="2026-06-30")
    write_ticket(tmp_path, "c.yaml", ticket_id="c", orientation="BOTH")
    assert load_tickets(tmp_path, UNIVERSE).notices == ()


def test_scratch_files_are_passed_over_and_other_names_are_listed_as_ignored(tmp_path: Path) -> None:
    write_ticket(tmp_path)
    for name in (".jpm.yaml.swp", ".hidden.yaml", "jpm.yaml~", "jpm.yaml.swp", "#jpm.yaml#", ".#jpm.yaml", "4913.tmp"):
        (tmp_path / name).write_text("not: a ticket")
    for name in ("README.md", "jpm.yaml.bak", "jpm.json", "noname"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder").mkdir()
    folder = load_tickets(tmp_path, UNIVERSE)
    assert folder.problems == ()
    assert list(folder.files) == ["jpm-bac.yaml"]
    assert folder.ignored == ("README.md", "folder", "jpm.json", "jpm.yaml.bak", "noname")


def test_the_hash_follows_names_and_bytes_and_equals_what_the_sensor_reads(tmp_path: Path) -> None:
    path = write_ticket(tmp_path)
    before = load_tickets(tmp_path, UNIVERSE)
    (tmp_path / "README.md").write_text("x")
    assert load_tickets(tmp_path, UNIVERSE).tickets_hash == before.tickets_hash
    assert file_hashes(tmp_path) == before.files
    path.write_text(path.read_text() + "# a word\n")
    commented = load_tickets(tmp_path, UNIVERSE)
    assert commented.tickets_hash != before.tickets_hash
    assert commented.tickets[0].content_hash == before.tickets[0].content_hash
    path.rename(tmp_path / "other.yaml")
    assert load_tickets(tmp_path, UNIVERSE).tickets_hash != commented.tickets_hash


def test_a_missing_folder_is_a_problem_and_not_an_empty_desk(tmp_path: Path) -> None:
    folder = load_tickets(tmp_path / "nowhere", UNIVERSE)
    assert folder.tickets == ()
    assert not folder.listed
    assert "cannot be listed" in str(folder.problems[0])


def test_the_archive_gives_ids_even_of_names_that_left_the_universe(tmp_path: Path) -> None:
    write_ticket(tmp_path, "old.yaml", ticket_id="old", leg_a="SIVB")
    (tmp_path / "broken.yaml").write_text("{")
    assert list(archived_ids(tmp_path)) == ["old"]
    assert archived_ids(tmp_path / "nowhere") == {}


def test_fields_that_contradict_each_other_are_told_beside_a_field_that_is_wrong(tmp_path: Path) -> None:
    write_ticket(
        tmp_path, leg_b="JPM", entry_z=1.0, exit_z=2.0, effective_from=date(2028, 1, 3), conviction="Hihg", horizon_days=0
    )
    found = [(problem.field, problem.line) for problem in load_tickets(tmp_path, UNIVERSE).problems]
    assert [name for name, _ in found] == ["leg_b", "horizon_days", "conviction", "exit_z", "effective_from"]
    assert all(line is not None for _, line in found)


def test_a_field_that_is_wrong_itself_contradicts_no_other(tmp_path: Path) -> None:
    write_ticket(tmp_path, entry_z=-1.0, exit_z=2.0, expires_on="soon", effective_from=date(2028, 1, 3))
    assert [problem.field for problem in load_tickets(tmp_path, UNIVERSE).problems] == ["expires_on", "entry_z"]


def test_contradictions_alone_are_all_told_at_once(tmp_path: Path) -> None:
    write_ticket(tmp_path, leg_b="JPM", entry_z=1.0, exit_z=2.0)
    assert [problem.field for problem in load_tickets(tmp_path, UNIVERSE).problems] == ["leg_b", "exit_z"]
