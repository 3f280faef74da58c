"""Drafts are written whole or not at all, promotion never overwrites, and nothing but promotion touches active/."""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.strategy.drafts import draft, lint, promote
from riskdesk_assets.strategy.loading import file_hashes, load_tickets
from riskdesk_tests.strategy.tickets import UNIVERSE, ticket_fields, write_ticket

TODAY = date(2026, 3, 2)


def test_a_draft_is_a_commented_file_that_reads_back_as_it_was_given(tmp_path: Path) -> None:
    note = "says 'this': a \"quote\" # no comment\nsecond line"
    path = draft(ticket_fields(note=note, entry_z=1.75, conviction="High", strategy="NO"), tmp_path / "drafts", UNIVERSE)
    assert path == tmp_path / "drafts" / "jpm-bac.yaml"
    assert "max_gross_notional: 800000  # dollars, |A| + |B|" in path.read_text()
    folder = load_tickets(path.parent, UNIVERSE)
    assert folder.problems == ()
    ticket = folder.tickets[0].ticket
    assert (ticket.note, ticket.entry_z, ticket.conviction, ticket.strategy) == (note, 1.75, "High", "NO")
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_draft_takes_words_as_a_command_line_gives_them(tmp_path: Path) -> None:
    words = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in ticket_fields().items()}
    path = draft(words | {"ticket_id": "007"}, tmp_path, UNIVERSE)
    assert path.name == "007.yaml"
    assert load_tickets(tmp_path, UNIVERSE).tickets[0].ticket.max_gross_notional == 800000.0


def test_an_unusable_draft_is_refused_with_every_problem_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        draft(ticket_fields(conviction=9, leg_b="JPM", ticket_id="../../x"), tmp_path / "drafts", UNIVERSE)
    assert sorted(problem.field for problem in caught.value.problems) == ["conviction", "ticket_id"]
    with pytest.raises(InputError, match="did you mean 'BAC'"):
        draft(ticket_fields(leg_b="BACC"), tmp_path / "drafts", UNIVERSE)
    assert list(tmp_path.iterdir()) == []


def test_a_draft_never_overwrites_another(tmp_path: Path) -> None:
    path = draft(ticket_fields(), tmp_path, UNIVERSE)
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        draft(ticket_fields(conviction=1), tmp_path, UNIVERSE)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["jpm-bac.yaml"]


def test_drafts_are_not_written_to_the_active_folder_under_any_name(tmp_path: Path) -> None:
    active = tmp_path / "active"
    active.mkdir()
    (tmp_path / "drafts").symlink_to(active)
    for folder in (active, tmp_path / "drafts", tmp_path / "x" / ".." / "active"):
        with pytest.raises(InputError, match="is no place for drafts"):
            draft(ticket_fields(), folder, UNIVERSE, active=active)
    with pytest.raises(InputError, match="is no place for drafts"):
        draft(ticket_fields(), tmp_path / "drafts", UNIVERSE)
    assert list(active.iterdir()) == []


def test_lint_reads_a_folder_or_single_files_and_tells_of_other_names(tmp_path: Path) -> None:
    write_ticket(tmp_path, "a.yaml", ticket_id="a")
    bad = write_ticket(tmp_path, "b.yaml", ticket_id="b", orientation="BOHT")
    (tmp_path / "notes.txt").write_text("x")
    report = lint(tmp_path, UNIVERSE)
    assert report.tickets == ("a",)
    assert "did you mean 'BOTH'?" in str(report.problems[0])
    assert [str(notice) for notice in report.notices] == ["INFO: notes.txt: is ignored: it does not end in .yaml or .yml"]
    assert lint(bad, UNIVERSE).problems == report.problems
    assert not lint([tmp_path / "a.yaml"], UNIVERSE).problems
    assert "does not exist" in str(lint([tmp_path / "no.yaml"], UNIVERSE).problems[0])
    assert "cannot be listed" in str(lint(tmp_path / "nowhere", UNIVERSE).problems[0])


def test_promotion_moves_the_draft_and_asks_first(tmp_path: Path) -> None:
    drafts, active = tmp_path / "drafts", tmp_path / "active"
    path = draft(ticket_fields(orientation="LONG_SPREAD"), drafts, UNIVERSE)
    write_ticket(active, "other.yaml", ticket_id="other", orientation="SHORT_SPREAD")
    content = path.read_bytes()
    asked: list[str] = []
    with pytest.raises(InputError, match="not confirmed"):
        promote("jpm-bac", drafts, active, UNIVERSE, TODAY, confirm=lambda text: asked.append(text) is not None)
    assert path.exists()
    target = promote("jpm-bac", drafts, active, UNIVERSE, TODAY, confirm=lambda text: True)
    assert target.read_bytes() == content
    assert not path.exists()
    assert sorted(entry.name for entry in active.iterdir()) == ["jpm-bac.yaml", "other.yaml"]
    assert asked[0].startswith("jpm-bac: LONG_SPREAD JPM against BAC, at most 800,000 dollars gross until 2027-12-31")
    assert "opposite sides of one pair" in asked[0]


@pytest.mark.parametrize(
    ("standing", "changes", "says"),
    [
        ({"name": "jpm-bac.yaml", "ticket_id": "x"}, {}, "a file of that name is active already"),
        ({"name": "x.yaml"}, {}, "'jpm-bac' is active already, in x.yaml"),
        ({"name": "x.yaml", "ticket_id": "x", "conviction": 9}, {}, "x.yaml:9: conviction"),
        (
            {"name": "x.yaml", "ticket_id": "x"},
            {"expires_on": date(2026, 3, 1)},
            "expires_on: is 2026-03-01, before 2026-03-02",
        ),
        ({"name": "x.yaml", "ticket_id": "x"}, {"leg_a": "GONE"}, "leg_a: 'GONE' is not in the universe"),
    ],
)
def test_promotion_is_refused_by_name_and_leaves_both_folders_as_they_were(
    tmp_path: Path, standing: dict[str, str], changes: dict[str, object], says: str
) -> None:
    drafts, active = tmp_path / "drafts", tmp_path / "active"
    write_ticket(active, **standing)  # type: ignore[arg-type]
    write_ticket(drafts, **changes)  # type: ignore[arg-type]
    before = file_hashes(active), file_hashes(drafts)
    with pytest.raises(InputError) as caught:
        promote("jpm-bac.yaml", drafts, active, UNIVERSE, TODAY)
    assert says in str(caught.value)
    assert (file_hashes(active), file_hashes(drafts)) == before


def test_an_archived_id_is_promoted_only_when_it_says_the_same(tmp_path: Path) -> None:
    drafts, active = tmp_path / "drafts", tmp_path / "active"
    active.mkdir()
    write_ticket(drafts)
    write_ticket(tmp_path / "archived", "old.yaml", conviction=1)
    with pytest.raises(InputError, match="is the id of an archived ticket that says something else"):
        promote("jpm-bac", drafts, active, UNIVERSE, TODAY)
    write_ticket(tmp_path / "archived", "old.yaml")
    assert promote("jpm-bac", drafts, active, UNIVERSE, TODAY).exists()


@pytest.mark.parametrize(
    "name", ["../active/x", "/etc/passwd", "", ".", "..", ".hidden", "a/b.yaml", "a\x00b", "x" * 300, "nowhere"]
)
def test_a_name_that_is_no_draft_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "active").mkdir()
    with pytest.raises(InputError, match=r"is not the name of a draft|there is no such draft"):
        promote(name, tmp_path / "drafts", tmp_path / "active", UNIVERSE, TODAY)


def test_a_link_among_the_drafts_is_not_promoted(tmp_path: Path) -> None:
    (tmp_path / "active").mkdir()
    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts" / "jpm-bac.yaml").symlink_to(write_ticket(tmp_path / "elsewhere"))
    with pytest.raises(InputError, match="is a symbolic link"):
        promote("jpm-bac", tmp_path / "drafts", tmp_path / "active", UNIVERSE, TODAY)


def test_a_file_that_appears_during_the_question_is_not_overwritten(tmp_path: Path) -> None:
    drafts, active = tmp_path / "drafts", tmp_path / "active"
    active.mkdir()
    write_ticket(drafts)

    def meanwhile(_: str) -> bool:
        (active / "jpm-bac.yaml").write_text("another hand")
        return True

    with pytest.raises(InputError, match="nothing was overwritten"):
        promote("jpm-bac", drafts, active, UNIVERSE, TODAY, confirm=meanwhile)
    assert (active / "jpm-bac.yaml").read_text() == "another hand"
    assert [entry.name for entry in active.iterdir()] == ["jpm-bac.yaml"]
    assert (drafts / "jpm-bac.yaml").exists()


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.dates(),
    st.lists(st.text(max_size=3), max_size=2),
)
IDS = st.sampled_from(["fresh", "FRESH", "jpm-bac", "../active/jpm-bac", "active/x", "..", "x/../../active/y", "\x00", ".yaml"])
FIELDS = st.dictionaries(
    st.sampled_from([*ticket_fields(), "note", "strategy", "share", "entry_z", "bogus"]), VALUES, max_size=3
)


@given(FIELDS, st.one_of(IDS, st.text(max_size=10)))
@settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_active_folder_is_unchanged_by_any_draft_and_any_lint(
    tmp_path: Path, fields: dict[str, object], ticket_id: str
) -> None:
    active, drafts = tmp_path / "active", tmp_path / "drafts"
    write_ticket(active)
    before = {entry.name: (entry.read_bytes(), entry.stat().st_ino) for entry in active.iterdir()}
    with contextlib.suppress(InputError):
        path = draft(ticket_fields() | {"ticket_id": ticket_id} | fields, drafts, UNIVERSE, active=active)
        assert path.parent == drafts
        assert not lint(path, UNIVERSE).problems
        path.unlink()
    lint(drafts, UNIVERSE)
    lint(active, UNIVERSE)
    assert {entry.name: (entry.read_bytes(), entry.stat().st_ino) for entry in active.iterdir()} == before
    assert {entry.name for entry in tmp_path.iterdir()} <= {"active", "drafts"}


@given(st.text(max_size=60))
@settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_note_that_is_accepted_reads_back_letter_by_letter(tmp_path: Path, note: str) -> None:
    try:
        path = draft(ticket_fields() | {"note": note}, tmp_path, UNIVERSE)
    except InputError as error:
        assert not note.replace("\n", " ").isprintable(), error  # noqa: PT017
        return
    assert load_tickets(tmp_path, UNIVERSE).tickets[0].ticket.note == note
    path.unlink()
