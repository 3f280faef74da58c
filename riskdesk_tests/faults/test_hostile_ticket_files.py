"""Hostile and half-written ticket files: the folder always loads, the good ticket survives, each bad file is told by name."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.strategy.drafts import draft
from riskdesk_assets.strategy.loading import TicketFolder, file_hashes, load_tickets
from riskdesk_tests.strategy.tickets import UNIVERSE, ticket_fields, ticket_text, write_ticket

GOOD = ticket_text(ticket_id="bad", leg_b="C").encode()


def loaded(folder: Path) -> TicketFolder:
    """The folder beside one good ticket, which must survive whatever stands next to it; the sensor must read the same."""
    write_ticket(folder, "good.yaml", ticket_id="good")
    found = load_tickets(folder, UNIVERSE)
    assert "good.yaml" in [item.file for item in found.tickets]
    assert file_hashes(folder) == found.files
    return found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "bad.yaml:1: is empty"),
        (GOOD[:50], "bad.yaml"),
        (GOOD + b"leg_b: JPM\n", "bad.yaml:13: leg_b: is written twice (first on line 4)"),
        (GOOD.replace(b"conviction: 3", b"conviction: &c 3"), "bad.yaml:9: conviction: sets the YAML anchor &c"),
        (GOOD.replace(b"conviction: 3", b"conviction: *c"), "bad.yaml:9: conviction: uses the YAML alias *c"),
        (b"<<: {leg_a: JPM}\n" + GOOD, "bad.yaml:1: uses the YAML merge key <<"),
        (GOOD + b"note: !!python/object/apply:os.system ['true']\n", "bad.yaml:13: note: carries the YAML tag"),
        (GOOD + b"---\n" + GOOD, "bad.yaml:13: holds more than one document"),
        (GOOD + b"note: " + b"x" * 70_000, "bytes long (allowed: at most 65536 bytes)"),
        (GOOD + b"note: " + b"[" * 30_000, "is nested too deeply"),
        (GOOD + b"note: \xff\xfe\n", "bad.yaml:13: is not UTF-8 text"),
        (GOOD.decode().encode("utf-16"), "bad.yaml:1: is not UTF-8 text"),
        (GOOD + b"note: a\x00b\n", "bad.yaml:13: holds the control character U+0000"),
        (b"\x00" * 4096, "bad.yaml:1: holds the control character U+0000"),
        (b"%PDF-1.7\n", "bad.yaml"),
        (b"PK\x03\x04" + b"\x00" * 100, "bad.yaml:1: holds the control character U+0003"),
        (b"ticket_id: ../../etc/passwd\n", "bad.yaml:1: ticket_id: is '../../etc/passwd'"),
        (GOOD.replace(b"800000", b"9" * 40), "bad.yaml:6: max_gross_notional: is '9999"),
        (GOOD.replace(b"800000", b"1e999"), "bad.yaml:6: max_gross_notional: is '1e999' (allowed: a number)"),
        (GOOD.replace(b"JPM", b"null"), "bad.yaml:3: leg_a: is None"),
        (b"a: " * 20_000, "bad.yaml:1: is not valid YAML"),
        (b"'" * 60_000, "bad.yaml"),
        (b"x: {" + b"a," * 30_000, "bad.yaml"),
        (b"- " * 30_000, "is nested too deeply"),
    ],
)
def test_a_hostile_file_is_told_and_the_good_ticket_survives(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    started = time.perf_counter()
    found = loaded(tmp_path)
    assert time.perf_counter() - started < 5
    assert len(found.tickets) == 1
    assert says in "\n".join(str(problem) for problem in found.problems)
    assert {problem.file for problem in found.problems} == {"bad.yaml"}


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"", b"# head\r\n"])
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path, prefix: bytes) -> None:
    (tmp_path / "bad.yaml").write_bytes(prefix + GOOD.replace(b"\n", b"\r\n"))
    found = loaded(tmp_path)
    assert found.problems == ()
    (tmp_path / "bad.yaml").write_bytes(GOOD)
    assert found.tickets[0].content_hash == loaded(tmp_path).tickets[0].content_hash


def test_links_folders_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(GOOD)
    folder = tmp_path / "active"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(outside / "secret")
    (folder / "dangling.yaml").symlink_to(outside / "nowhere")
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    (folder / "endless.yaml").symlink_to("/dev/zero")
    (folder / "folder.yaml").mkdir()
    os.mkfifo(folder / "pipe.yaml")
    started = time.perf_counter()
    told = {problem.file: problem.message for problem in loaded(folder).problems}
    assert time.perf_counter() - started < 5
    link, other = "is a symbolic link", "is not a regular file"
    assert told == {
        "link.yaml": link,
        "dangling.yaml": link,
        "loop.yaml": link,
        "endless.yaml": link,
        "folder.yaml": other,
        "pipe.yaml": other,
    }


@pytest.mark.parametrize(
    "name",
    [
        b"two words.yaml",
        b"-x.yaml",
        b"x.YAML",
        b"a.b.yaml",
        b"caf\xc3\xa9.yaml",
        b"\xff.yaml",
        b"new\nline.yaml",
        b"x" * 80 + b".yml",
    ],
)
def test_an_odd_file_name_is_refused_by_a_name_that_can_be_printed(tmp_path: Path, name: bytes) -> None:
    with open(os.fsencode(tmp_path) + b"/" + name, "wb") as handle:
        handle.write(GOOD)
    (problem,) = loaded(tmp_path).problems
    assert problem.message == "is not a ticket file name"
    assert problem.file.isascii()
    assert problem.file.isprintable()


def test_a_file_nobody_may_read_is_told(tmp_path: Path) -> None:
    del tmp_path  # its parents are closed to other users, and this test becomes one
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        write_ticket(folder, "good.yaml", ticket_id="good")
        write_ticket(folder, "bad.yaml", ticket_id="bad").chmod(0)
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        try:
            found = load_tickets(folder, UNIVERSE)
        finally:
            os.seteuid(was)
    assert [str(problem) for problem in found.problems] == ["bad.yaml: cannot be read: Permission denied"]
    assert [item.file for item in found.tickets] == ["good.yaml"]


def test_a_draft_that_cannot_be_written_whole_leaves_nothing_behind(tmp_path: Path) -> None:
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, was[1]))
    try:
        with pytest.raises(InputError, match=r"jpm-bac.yaml: cannot be written to drafts: File too large"):
            draft(ticket_fields(), tmp_path / "drafts", UNIVERSE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
    assert list((tmp_path / "drafts").iterdir()) == []
    assert draft(ticket_fields(), tmp_path / "drafts", UNIVERSE).exists()


def test_every_prefix_of_a_ticket_loads_or_is_told(tmp_path: Path) -> None:
    """A writer may be interrupted at any byte: only what holds every required field whole is a ticket."""
    whole = GOOD.rstrip(b"\n")
    for length in range(len(whole)):
        (tmp_path / "bad.yaml").write_bytes(whole[:length])
        assert [item.file for item in loaded(tmp_path).tickets] == ["good.yaml"], whole[:length]
    (tmp_path / "bad.yaml").write_bytes(whole)
    assert len(loaded(tmp_path).tickets) == 2


@given(st.binary(max_size=300), st.integers(0, len(GOOD)), st.integers(0, 40))
@settings(derandomize=True, deadline=None, max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_anywhere_in_a_file_never_stop_the_folder(tmp_path: Path, junk: bytes, place: int, cut: int) -> None:
    (tmp_path / "bad.yaml").write_bytes(GOOD[:place] + junk + GOOD[place + cut :])
    found = loaded(tmp_path)
    assert (len(found.tickets) == 2) == (found.problems == ())
