"""The progress bar of a run: which step, and how far the work inside it is; nothing where nobody watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from riskdesk_assets.interfaces.terminal import progress_console


class RunProgress:
    """Draws steps and the work inside them on one line."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._step = ""

    @contextmanager
    def shown(self) -> Iterator[RunProgress | None]:
        """Draw for as long as the block runs; None when standard error is no terminal."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        with progress_console() as console:
            if console is None:
                yield None
                return
            detail = TextColumn("{task.fields[detail]}")
            columns = (TextColumn("[cyan]{task.description}"), BarColumn(24), MofNCompleteColumn(), detail, TimeElapsedColumn())
            with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bar:
                self._bar = bar
                self._task = bar.add_task(self._title, total=None, detail="")
                yield self

    def step(self, name: str, place: int, total: int) -> None:
        """A step of the run begins."""
        self._step = name.replace("_", " ")
        self._bar.update(self._task, completed=place - 1, total=total, detail=self._step)

    def work(self, task: str, done: int, total: int) -> None:
        """Part of a step is done."""
        self._bar.update(self._task, detail=f"{task} {done:,}/{total:,}")
