"""How numbers and tables look on a terminal: aligned, grouped by thousands, coloured only where someone looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 100
LONGEST_TEXT = 280  # of a reason or message; --json has the whole of it
SIMULATED = "SIMULATED"


def console() -> Console:
    """Standard output, at most WIDTH columns; plain text unless it is a terminal."""
    from rich.console import Console

    found = Console(file=sys.stdout, highlight=False, emoji=False, markup=True)
    found.width = min(found.width, WIDTH) if found.is_terminal else WIDTH
    return found


@contextmanager
def progress_console() -> Iterator[Console | None]:
    """The terminal behind standard error, or None where nobody watches.

    A run diverts descriptor 2 into its log while its steps compute; this keeps a descriptor of its own to the terminal.
    """
    from rich.console import Console

    if not sys.stderr.isatty():
        yield None
        return
    with os.fdopen(os.dup(sys.stderr.fileno()), "w") as own:
        yield Console(file=own, highlight=False)


def table(*columns: str, title: str = "") -> Table:
    """A light table; a column whose name starts with ``>`` is aligned to the right."""
    from rich import box
    from rich.table import Table

    found = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1), pad_edge=False)
    found.title, found.title_justify, found.title_style = title or None, "left", "bold"
    for column in columns:
        right = column.startswith(">")
        found.add_column(column.removeprefix(">"), justify="right" if right else "left", no_wrap=right)
    return found


def escaped(text: object) -> str:
    """Text in which nothing is markup."""
    from rich.markup import escape

    return escape(str(text))


def shortened(text: str, most: int = LONGEST_TEXT) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= most else f"{text[:most].rstrip()}..."


def counted(count: int, what: str) -> str:
    """``1 session``, ``5 sessions``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def dollars(amount: float, places: int = 0) -> str:
    """``-$1,234``: the sign first, thousands grouped."""
    text = f"${abs(amount):,.{places}f}"
    return f"-{text}" if amount < 0 and any(digit in "123456789" for digit in text) else text


def signed(value: float) -> str:
    """``+$1,234`` or ``-$1,234``."""
    return dollars(value) if value < 0 else f"+{dollars(value)}"


def compact(value: float, *, plus: bool = False) -> str:
    """Dollars in at most seven characters: 17,104, 282k, 9,600k, 123.5m; ``plus``: a gain with its sign."""
    sign = "+" if plus and value >= 0 else ""
    if abs(value) < 1e5:
        return f"{value:{sign},.0f}"
    return f"{value / 1e3:{sign},.0f}k" if abs(value) < 1e7 else f"{value / 1e6:{sign},.1f}m"


def amount(value: float | None, unit: str) -> str:
    """A value in its unit: dollars, shares or a count; ``-`` where there is none."""
    if value is None:
        return "-"
    return dollars(value) if unit == "dollars" else f"{value:,.0f}"


def banner(source: str) -> str:
    """Where the prices come from, as markup: simulated ones cannot be overlooked."""
    if source == SIMULATED:
        return "[black on yellow] SIMULATED [/] [yellow]sample market, no real prices[/]"
    known = {"FILES": "[cyan]FILES[/] prices from PRICES_DIR", "FMP": "[cyan]FMP[/] live prices"}
    return known.get(source, escaped(source or "no prices"))


def release_style(status: str) -> str:
    """The colour of a release status."""
    return {"RELEASED": "bold green", "RELEASED_BY_GOVERNOR": "bold yellow"}.get(status, "bold red")
