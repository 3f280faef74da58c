"""The console as a person meets it: prompts, Tab, history, Ctrl-C and Ctrl-D, at a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from riskdesk_tests.interfaces.conftest import DeskFolder
from riskdesk_tests.interfaces.console.terminal import CTRL_D, TAB, Terminal

PROMPT = "riskdesk> "
CONFIRM = "go ahead? [y/N] "


@pytest.fixture
def terminal(empty: DeskFolder) -> Iterator[Terminal]:
    found = Terminal(["console"], empty.environ)
    yield found
    found.close()


def test_a_session_at_a_terminal(
    terminal: Terminal, empty: DeskFolder, folder_hash: Callable[[Path], dict[str, bytes]]
) -> None:
    before = folder_hash(empty.active)
    drafts = empty.root / "tickets" / "drafts"
    terminal.see(PROMPT)
    # Ctrl-C at the confirmation leaves the plan; nothing is written.
    terminal.type("MS vs SCHW, 500k, high conviction\n")
    terminal.see(CONFIRM)
    terminal.interrupt()
    terminal.see("left it; nothing was done")
    terminal.see(PROMPT)
    assert not drafts.exists()
    # Ctrl-C at a question, too; and at the prompt it only says how to leave.
    terminal.type("draft a ticket\n")
    terminal.see("Which pair?")
    terminal.see("> ")
    terminal.type("MS vs")
    terminal.see("MS vs")
    terminal.interrupt()
    terminal.see("left it; nothing was done")
    terminal.see(PROMPT)
    terminal.interrupt()
    terminal.see("`quit` leaves")
    terminal.see(PROMPT)
    # A misspelt line is guessed, asked about, and planned.
    terminal.type("lnit my tickets\n")
    terminal.see("did you mean `lint my tickets`?")
    terminal.see("[y/N] ")
    terminal.type("y\n")
    terminal.see("go ahead? [Y/n] ")
    terminal.type("\n")
    terminal.see("12 usable tickets")
    terminal.see(PROMPT)
    # Tab completes; Enter on a plan that writes is a no.
    terminal.type(f"headroom JP{TAB}")
    terminal.see("headroom JPM")
    terminal.type("\n")
    terminal.see("go ahead? [Y/n] ")
    terminal.type("y\n")
    terminal.see("there is no book yet")
    terminal.see(PROMPT)
    terminal.type("MS vs SCHW, 500k, high conviction\n")
    terminal.see(CONFIRM)
    terminal.type("\n")
    terminal.see("left it; nothing was done")
    assert not drafts.exists()
    # A yes writes the draft; the arrow up brings the last request back, not the yes.
    terminal.see(PROMPT)
    terminal.type("MS vs SCHW, 500k, high conviction\n")
    terminal.see(CONFIRM)
    terminal.type("y\n")
    terminal.see("1 usable ticket")
    terminal.see(PROMPT)
    terminal.type("\x1b[A")
    terminal.see("MS vs SCHW, 500k, high conviction")
    terminal.interrupt()
    terminal.see(PROMPT)
    # At a terminal somebody saw what went wrong: the end of the input leaves with 0.
    terminal.type("gibberish\n")
    terminal.see("not understood: gibberish")
    terminal.see(PROMPT)
    terminal.type(CTRL_D)
    assert terminal.left() == 0
    assert [path.name for path in drafts.iterdir()] == ["ms-schw-reversion.yaml"]
    assert folder_hash(empty.active) == before
    history = (empty.root / "data" / "console_history").read_text().splitlines()
    assert "headroom JPM" in history
    assert not {"y", "n", ""} & set(history)
    assert (empty.root / "data" / "console_history").stat().st_mode & 0o077 == 0
