"""Which command a backtest of the console is."""

from __future__ import annotations

from datetime import date

from riskdesk_assets.interfaces.console.plan import Command


def backtest_commands(first: date, last: date) -> tuple[Command, ...]:
    """The commands of a backtest from the session ``first`` to ``last``."""
    return (("backtest", "--start", str(first), "--end", str(last)),)
