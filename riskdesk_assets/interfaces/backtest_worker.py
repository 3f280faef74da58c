"""A process that runs backtests one after the other, told one per line of standard input; what they share it computes once.

Each line in is ``{"label": ..., "request": {...}}``, the request as the asset's run config; each line out is
``{"progress": [done, total]}``, ``{"done": {...}}`` or ``{"failed": [lines], "unusable": bool}``. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import IO, Any


def main() -> None:
    """Serve until standard input ends."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # Whatever a library prints must not come between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from riskdesk_assets.interfaces.instance import open_instance
    from riskdesk_assets.research.backtest_run import sharing

    with open_instance() as instance, sharing():
        for line in sys.stdin:
            _say(out, _answer(instance, json.loads(line), out))


def _answer(instance: Any, asked: Mapping[str, Any], out: IO[str]) -> dict[str, object]:
    from riskdesk_assets.interfaces.backtest_run import finished, run_partition
    from riskdesk_assets.interfaces.desk_run import require_finished
    from riskdesk_assets.interfaces.failures import Unusable, failure_of
    from riskdesk_assets.research.assets import BacktestAsked

    try:
        request = BacktestAsked(**asked["request"]).request()
        outcome = run_partition(instance, request, asked["label"], _Told(out), verbose=bool(asked.get("verbose")))
        require_finished(outcome)
        return {"done": finished(instance, outcome).as_json()}
    except Exception as error:  # noqa: BLE001  told to whoever started this process
        failure = failure_of(error)
        return {"failed": failure.lines, "unusable": isinstance(failure, Unusable)}


class _Told:
    """Progress as lines, at most one per hundredth of the work."""

    def __init__(self, out: IO[str]) -> None:
        self._out, self._last = out, -1

    def step(self, name: str, place: int, total: int) -> None:
        """A run of one step has nothing to tell here."""

    def work(self, task: str, done: int, total: int) -> None:
        """Sessions walked."""
        hundredth = 100 * done // max(total, 1)
        if hundredth != self._last:
            self._last = hundredth
            _say(self._out, {"progress": [done, total]})


def _say(out: IO[str], answer: Mapping[str, object]) -> None:
    out.write(json.dumps(answer, default=str) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
