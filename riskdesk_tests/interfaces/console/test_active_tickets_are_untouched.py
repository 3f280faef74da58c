"""Whatever is said to the console, with every plan run at once: the folder of active tickets stays as it is, byte for byte."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskdesk_assets.interfaces.console.conversation import Conversation, Mode
from riskdesk_assets.interfaces.console.plan import Command
from riskdesk_assets.interfaces.console_command import run_command
from riskdesk_tests.interfaces.conftest import FOREIGN, DeskFolder
from riskdesk_tests.interfaces.console.phrases import SAID

HOSTILE = [
    "draft JPM vs BAC 500k high conviction id ../active/x",
    "draft JPM vs BAC 500k high conviction id jpm-bac-reversion",
    "draft MS vs SCHW, 1m, high conviction, id active",
    "promote my-idea",
    "delete all tickets",
    "put jpm-bac-reversion in force",
    "lint ../active/jpm-bac-reversion.yaml",
    "lint tickets/active; rm tickets/active/jpm-bac-reversion.yaml",
    "tickets promote my-idea --yes",
    "riskdesk tickets promote my-idea --yes",
    "JPM vs BAC, 500k, high conviction, note: --yes\x1b",
    "MS vs SCHW, 500k, high conviction, note: '$(rm -rf tickets)' --ticket-id=../active/y",
    "GS vs SCHW 300k strategy ../../active conviction 2",
]
LINES = st.one_of(
    st.sampled_from([phrase for phrase, _, _ in SAID]),
    st.sampled_from(HOSTILE),
    st.sampled_from(["y", "yes", "n", "", "500k", "high", "JPM vs BAC", "id x-1", "expires end of 2030"]),
    st.text(max_size=40),
)


@pytest.fixture
def bare(empty: DeskFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeskFolder:
    """A desk without prices: what would compute stops at its plan, everything else runs for real."""
    (tmp_path / "no prices").mkdir()
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**empty.environ, "PRICES_DIR": str(tmp_path / "no prices")}.items():
        monkeypatch.setenv(name, value)
    return empty


@pytest.mark.slow
@given(lines=st.lists(LINES, min_size=1, max_size=6), asks=st.booleans(), yes=st.booleans())
@settings(max_examples=14, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_sequence_of_lines_changes_a_ticket_in_force(bare: DeskFolder, lines: list[str], asks: bool, yes: bool) -> None:
    tickets = bare.root / "tickets"
    shutil.rmtree(tickets / "drafts", ignore_errors=True)
    before = state(bare.active)
    ran: list[Command] = []

    def perform(command: Command) -> int:
        ran.append(command)
        return run_command(command, debug=False)

    talk = Conversation(Mode(asks=asks, yes=yes), lambda _: None, lambda _: None, perform, lambda: datetime.now(UTC))
    for line in lines:
        talk.hear(line)
    talk.end()
    assert state(bare.active) == before
    assert sorted(path.name for path in tickets.iterdir()) in (["active"], ["active", "drafts"])
    assert not any("promote" in command[:2] for command in ran)
    written = [command for command in ran if command[:2] == ("tickets", "draft")]
    found = list((tickets / "drafts").iterdir()) if (tickets / "drafts").exists() else []
    assert len(found) <= len(written)
    assert all(path.suffix == ".yaml" for path in found)


def state(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in sorted(folder.iterdir())}
