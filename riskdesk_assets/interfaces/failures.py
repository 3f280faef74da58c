"""What a person is told when something fails: one line per problem, an exit code, and never a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import IO

import click

from riskdesk_assets.common.errors import InputError, RiskDeskError, StateError

SECRETS = ("FMP_API_KEY", "RISKDESK_API_TOKEN", "RISKDESK_ALERT_URLS", "RISKDESK_JOURNAL_URL")
HIDDEN = "[redacted]"
FAILED = 1
UNUSABLE = 2
_BUSY = "WriterBusyError"  # by name: importing it would load the settings for --help
_SHORTEST_SECRET = 4  # a shorter value would blot out ordinary words


class Failure(click.ClickException):
    """Ends a command with each of ``lines`` on stderr, and exit code 1; nothing secret survives in the lines."""

    exit_code = FAILED

    def __init__(self, *lines: str) -> None:
        self.lines = [redact(line) for line in lines]
        super().__init__("\n".join(self.lines))

    def show(self, file: IO[str] | None = None) -> None:
        """Each line for itself, on stderr."""
        for line in self.lines:
            click.echo(f"{click.style('error:', fg='red')} {line}", file=file, err=file is None)


class Unusable(Failure):
    """A failure of what was asked for: exit code 2."""

    exit_code = UNUSABLE


def failure_of(error: BaseException) -> Failure:
    """How an exception is told: input and state exit 2, anything else 1.

    A lock that another process holds is a state too, but nothing the caller wrote is wrong with it: 1.
    """
    if isinstance(error, Failure):
        return error
    if isinstance(error, InputError):
        return Unusable(*(str(problem) for problem in error.problems))
    if isinstance(error, RiskDeskError):
        kinds = [cls.__name__ for cls in type(error).__mro__]
        return failure_named(kinds, str(error).splitlines() or [type(error).__name__])
    reason = (str(error).splitlines() or [""])[0]
    return Failure(f"{type(error).__name__}: {reason}; `riskdesk --debug ...` shows where")


def failure_named(kinds: Sequence[str], lines: Sequence[str]) -> Failure:
    """As :func:`failure_of`, from the names of an error's classes: all that a run's events keep of it."""
    lock = _BUSY in kinds
    state = {InputError.__name__, StateError.__name__} & set(kinds)
    return Unusable(*lines) if state and not lock else Failure(*lines)


def redact(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The text without the value of any secret variable, whole or, for a list of URLs, any one of it."""
    values: set[str] = set()
    for name in SECRETS:
        value = environ.get(name, "")
        values.update((value, value.strip(), *re.split(r"[\s,;]+", value)))
    for value in sorted(values, key=lambda item: (-len(item), item)):
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, HIDDEN)
    return text
