"""What the commands share: the group that tells failures, the session options, and JSON on stdout."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import click

from riskdesk_assets.interfaces.failures import Unusable, failure_of, redact

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
DEBUG = "riskdesk.debug"


class DeskGroup(click.Group):
    """A group whose commands may raise the desk's own errors; they are told in one place, with the documented exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were registered: that of the work."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; any error but click's own becomes a Failure."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            if ctx.find_root().meta.get(DEBUG):
                raise
            failure = failure_of(error)
        # Raised outside the except block: an error that keeps its traceback alive keeps DuckDB's objects alive to the end.
        raise failure


class Session(click.ParamType[date]):
    """A day written YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date, or a usage error that shows what is allowed."""
        if isinstance(value, date):
            return value
        text = str(value)
        try:
            if len(text) == len("YYYY-MM-DD"):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self.fail(f"{text!r} is not a day (allowed: YYYY-MM-DD, such as 2026-01-26)", param, ctx)


SESSION = Session()


def session_options(command: CommandT) -> CommandT:
    """--asof, or --start with --end."""
    for option in (
        click.option("--end", type=SESSION, help="Last day of a range; a day without a session counts as the one before it."),
        click.option("--start", type=SESSION, help="First day of a range; a day without a session counts as the one after it."),
        click.option("--asof", type=SESSION, help="Exactly this session."),
    ):
        command = option(command)
    return command


def json_option(command: CommandT) -> CommandT:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else there.")(command)


def require_one_way(asof: date | None, start: date | None, end: date | None, *, required: bool) -> None:
    """Refuse --asof together with a range, half a range, one that ends before it starts, and, if required, none at all."""
    if asof is not None and (start is not None or end is not None):
        raise Unusable("--asof stands alone: give it, or --start and --end")
    if (start is None) != (end is None):
        raise Unusable(f"{'--start' if start is None else '--end'} is missing: a range needs both")
    if start is not None and end is not None and end < start:
        raise Unusable(f"--end {end} is before --start {start}")
    if required and asof is None and start is None:
        raise Unusable("which sessions? Give --asof D, or --start D --end D")


def echo_json(value: object) -> None:
    """The value as indented JSON on stdout; NaN and infinity have no place in it."""
    click.echo(redact(json.dumps(value, indent=2, default=str, ensure_ascii=False, allow_nan=False)))
