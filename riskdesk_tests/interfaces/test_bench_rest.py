"""The measurement itself: both servers answer, every halt is seen, and the surplus of an overload is told 429."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.interfaces.bench_rest import Overload, bench_rest


def test_a_short_measurement_has_every_figure_and_no_failure() -> None:
    done = bench_rest(seconds=0.5, overload=1.0)
    assert set(done.statuses) == {"200"}
    assert done.per_second > 0
    assert done.ratio == done.per_second / done.empty_per_second
    assert 0 < done.p50_ms <= done.p99_ms
    assert 0 < done.halt_idle_ms <= done.halt_idle_worst_ms
    assert done.overload is not None
    assert set(done.overload.statuses) <= {"0", "200", "429"}
    assert done.overload.statuses["200"] > 0
    assert done.overload.memory_peak_mb >= done.overload.memory_growth_mb
    assert done.overload.journal_mb > 0


def test_an_overload_holds_when_the_surplus_is_told_429_and_memory_stays() -> None:
    def overload(memory: float, **statuses: int) -> Overload:
        named = {name.removeprefix("s"): number for name, number in statuses.items()}
        return Overload(1.0, 100.0, named, 5.0, 0.0, memory, 1.0)

    assert overload(19.9, s200=50, s429=50).held
    assert overload(19.9, s0=1, s200=50, s429=49).held
    assert not overload(20.0, s200=50, s429=50).held
    assert not overload(1.0, s200=50).held, "nothing was turned away: it was no overload"
    assert not overload(1.0, s200=50, s429=49, s503=1).held
    assert not overload(1.0, **{"s-1": 1}, s200=50, s429=49).held, "a connection was lost"


def test_the_measured_servers_end_with_whoever_measures() -> None:
    code = (
        "import os, time\n"
        "from riskdesk_assets.interfaces.bench_rest import _serve_empty, _serving\n"
        "with _serving(_serve_empty, '/tmp') as (port, pid):\n"
        "    print(port, pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    measuring = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert measuring.stdout is not None
    port, pid = map(int, measuring.stdout.readline().split())
    socket.create_connection(("127.0.0.1", port), timeout=10).close()
    measuring.kill()
    measuring.wait()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").is_dir() and _state(pid) != "Z" and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
