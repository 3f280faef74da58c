"""A sweep's table on a terminal tells its variants apart, however long their names are and however narrow it is."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from riskdesk_assets.interfaces.sweep_run import SweepRun
from riskdesk_assets.research.sweep import COLUMNS

GRID = [f"risk_aversion_lambda={first}, group.max={second}" for first in (1, 5) for second in (0.2, 0.4)]
_SHOWN = "from riskdesk_tests.interfaces.test_sweep_table import swept, GRID; swept(GRID).show()"


def swept(names: list[str]) -> SweepRun:
    base: dict[str, Any] = {"first": "2024-01-02", "last": "2024-12-31", "source": "SIMULATED", "overrides": {}}
    metrics = {name: -0.1234 if unit in ("nav", "ratio") else -1_234_567.0 for name, unit in COLUMNS}
    said = {name: {**base, "metrics": {**metrics, "mean_gross": 1000.0 + place}} for place, name in enumerate(names)}
    return SweepRun(Path("sweeps/0123456789abcdef"), said)


def rows(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if "$1,00" in line]


def test_long_names_stand_whole_in_a_legend_and_their_numbers_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    swept(GRID).show()
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if "lambda" in line] == [f"  {n}  {name}" for n, name in enumerate(GRID, 1)]
    assert [line.split()[0] for line in rows(text)] == ["1", "2", "3", "4"]


def test_short_names_stand_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    swept(["shipped", "tight"]).show()
    text = capsys.readouterr().out
    assert [line.split()[0] for line in rows(text)] == ["shipped", "tight"]
    assert text.count("shipped") == 1


def test_a_terminal_of_80_columns_shows_every_number_whole() -> None:
    """A real terminal: what is wider than it is cut, or broken over two lines."""
    main, side = pty.openpty()
    environ = {**os.environ, "COLUMNS": "80", "LINES": "40", "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen([sys.executable, "-c", _SHOWN], stdout=side, env=environ) as process:
        os.close(side)
        text = b""
        while process.poll() is None or b"kept in" not in text:
            try:
                text += os.read(main, 65_536)
            except OSError:
                break
    os.close(main)
    found = rows(text.decode())
    assert len(found) == len(GRID)
    assert all(
        line.split()[1:] == ["-$1,234,567", "-0.12", "-12.34%", "-12.34%", "-$1,234,567", f"$1,00{n}"]
        for n, line in enumerate(found)
    )
    assert "…" not in text.decode()
