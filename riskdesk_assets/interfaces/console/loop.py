"""Where lines come from: a terminal with history and completion, or a pipe without prompts."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import click

from riskdesk_assets.interfaces.console.completion import completions
from riskdesk_assets.interfaces.console.conversation import Conversation

HISTORY = "console_history"
HISTORY_LINES = 1000


def read_pipe(conversation: Conversation, lines: TextIO) -> None:
    """Hear every line of a pipe or file, until it ends or says quit."""
    with contextlib.suppress(AttributeError):
        lines.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]
    for raw in lines:
        conversation.hear(raw)
        if conversation.over:
            break
    conversation.end()


def read_terminal(conversation: Conversation, history: Path, words: Callable[[], tuple[str, ...]]) -> None:
    """Hear what a person types, until quit or the end of the input; Ctrl-C leaves what is pending."""
    click.echo("riskdesk console: say `help`, or `quit` to leave. Every action shows its plan first.")
    with _editing(history, words) as forget:
        while not conversation.over:
            idle = conversation.idle
            try:
                raw = input(conversation.prompt)
                if not idle:
                    forget()
                conversation.hear(raw)
            except EOFError:
                click.echo()
                break
            except KeyboardInterrupt:
                click.echo()
                if conversation.idle:
                    click.echo("`quit` leaves")
                conversation.drop()
            except UnicodeDecodeError:
                click.echo("error: that line is no text (allowed: UTF-8)", err=True)
        conversation.end()


@contextlib.contextmanager
def _editing(history: Path, words: Callable[[], tuple[str, ...]]) -> Iterator[Callable[[], None]]:
    """Line editing with history and completion, where the platform has readline; gives what forgets the last line."""
    try:
        import readline
    except ImportError:
        yield lambda: None
        return
    with contextlib.suppress(OSError):
        readline.read_history_file(str(history))
    readline.set_history_length(HISTORY_LINES)
    readline.set_completer_delims("")
    found: list[str] = []

    def complete(text: str, state: int) -> str | None:
        if state == 0:
            found[:] = completions(text, words())
        return found[state] if state < len(found) else None

    def forget() -> None:
        """An answer is no line to come back to."""
        length = readline.get_current_history_length()
        if length:
            readline.remove_history_item(length - 1)

    before = readline.get_completer()
    readline.set_completer(complete)
    readline.parse_and_bind("tab: complete")
    try:
        yield forget
    finally:
        readline.set_completer(before)
        with contextlib.suppress(OSError):
            history.parent.mkdir(parents=True, exist_ok=True)
            history.touch(mode=0o600, exist_ok=True)
            readline.write_history_file(str(history))


def terminal() -> bool:
    """Whether a person is at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()
