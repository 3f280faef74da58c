"""How fast the REST gatekeeper answers, its journal committed first, beside an empty FastAPI endpoint on the same machine."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from threading import Thread
from time import perf_counter, sleep

from riskdesk_assets.interfaces.bench_client import Connection, Load, closed_load, connect, open_load

CONNECTIONS = 32
OFFERED = 2.0  # times what was measured
OVERLOAD_CONNECTIONS = 256
HALTS = 10
PROBE_PAUSE = 0.02
_TOKEN = "bench-" + "0" * 32
_PAIRS = ("EURUSD", "GBPUSD", "AUDUSD", "NZDUSD", "JPM", "BAC")
_START_SECONDS = 60
_WARM = 0.2  # of an overload run, at most _MOST_WARM seconds: caches fill, and memory is measured from then on
_MOST_WARM = 60.0
_LOOK_SECONDS = 0.5  # from one reading of the server's memory to the next
_GRACE_SECONDS = 60.0  # beyond what a phase takes: a server that hangs ends the bench with an error
MEMORY_MB = 20.0  # what a server may grow by while it turns the surplus away


@dataclass(frozen=True)
class HaltTimes:
    """Seconds from sending POST /halt to the first trade that was refused for it."""

    median: float
    worst: float


@dataclass(frozen=True)
class Overload:
    """Twice the measured load for a while: answers by status, and how much memory the server took in the meantime.

    Status 0 is surplus that found no free connection. ``memory_growth_mb`` at the end, ``memory_peak_mb`` at most on the way,
    both above what it was once warm; ``journal_mb``: the journal's file at the end.
    """

    seconds: float
    offered_per_second: float
    statuses: dict[str, int]
    p99_ms: float
    memory_growth_mb: float
    memory_peak_mb: float
    journal_mb: float

    @property
    def held(self) -> bool:
        """Everything was decided or turned away with 429, some of it was, and memory grew by less than MEMORY_MB."""
        known = set(self.statuses) <= {"0", "200", "429"} and {"200", "429"} <= set(self.statuses)
        return known and self.memory_peak_mb < MEMORY_MB


@dataclass(frozen=True)
class RestBench:
    """Figures of one run on one machine; ``ratio`` is decisions a second over empty answers a second."""

    connections: int
    seconds: float
    empty_per_second: float
    per_second: float
    ratio: float
    p50_ms: float
    p99_ms: float
    empty_p99_ms: float
    statuses: dict[str, int]
    halt_idle_ms: float
    halt_idle_worst_ms: float
    halt_loaded_ms: float
    halt_loaded_worst_ms: float
    overload: Overload | None = field(default=None)


def bench_rest(seconds: float = 4.0, overload: float = 0.0) -> RestBench:
    """Measure both servers in turns, each in a process of its own, from this one.

    Args:
        seconds: of load for each server in each of two turns.
        overload: seconds of twice the measured load; 0 leaves it out.
    """
    import uvloop

    with (
        tempfile.TemporaryDirectory(prefix="riskdesk-bench-") as folder,
        _serving(_serve_empty, folder) as (empty, _),
        _serving(_serve_gate, folder) as (gate, pid),
    ):
        return uvloop.run(_measured(empty, gate, pid, Path(folder), seconds, overload))


async def _measured(empty: int, gate: int, pid: int, folder: Path, seconds: float, overload: float) -> RestBench:
    trades, nothing = _trades(gate), _nothing(empty)
    to_empty, to_gate = await connect(empty, CONNECTIONS), await connect(gate, CONNECTIONS)
    async with asyncio.timeout(6 * seconds + _GRACE_SECONDS):
        for connections, request in ((to_empty, nothing), (to_gate, trades)):
            await closed_load(connections, request, min(1.0, seconds))
        found: dict[bool, list[Load]] = {True: [], False: []}
        for _ in range(2):
            found[False].append(await closed_load(to_empty, nothing, seconds))
            found[True].append(await closed_load(to_gate, trades, seconds))
    bare, full = _together(found[False]), _together(found[True])
    async with asyncio.timeout(_GRACE_SECONDS):
        idle = await _halts(gate, [], trades)
        loaded = await _halts(gate, to_gate[1:], trades)
    over = None
    if overload:
        async with asyncio.timeout(overload + _GRACE_SECONDS):
            over = await _overload(gate, pid, folder, full.per_second, overload)
    for connection in (*to_empty, *to_gate):
        connection.close()
    return RestBench(
        connections=CONNECTIONS,
        seconds=full.elapsed,
        empty_per_second=bare.per_second,
        per_second=full.per_second,
        ratio=full.per_second / bare.per_second,
        p50_ms=1000 * full.quantile(0.5),
        p99_ms=1000 * full.quantile(0.99),
        empty_p99_ms=1000 * bare.quantile(0.99),
        statuses={str(status): number for status, number in sorted(full.statuses.items())},
        halt_idle_ms=1000 * idle.median,
        halt_idle_worst_ms=1000 * idle.worst,
        halt_loaded_ms=1000 * loaded.median,
        halt_loaded_worst_ms=1000 * loaded.worst,
        overload=over,
    )


def _together(loads: list[Load]) -> Load:
    statuses = sum((load.statuses for load in loads), Counter[int]())
    return Load(sum(load.elapsed for load in loads), statuses, [one for load in loads for one in load.seconds])


async def _halts(port: int, loading: list[Connection], trades: Callable[[], bytes]) -> HaltTimes:
    """Halt and resume again and again while one connection asks for trades, and the others load the server."""
    switch, probe = await connect(port, 2)
    stop = asyncio.Event()

    async def load(connection: Connection) -> None:
        while not stop.is_set():
            await connection.ask(trades())

    tasks = [asyncio.create_task(load(connection)) for connection in loading]
    times = []
    for _ in range(HALTS):
        await asyncio.sleep(PROBE_PAUSE)
        began = perf_counter()
        halted = asyncio.create_task(switch.ask(_post(port, "/halt", {"reason": "bench"})))
        while True:
            _, body = await probe.ask(trades())
            if b'"rejection_reason":"MANUAL_HALT"' in body:
                break
        times.append(perf_counter() - began)
        await halted
        await switch.ask(_post(port, "/resume", {"reason": "bench"}))
    stop.set()
    await asyncio.gather(*tasks)
    switch.close()
    probe.close()
    return HaltTimes(median(times), max(times))


async def _overload(port: int, pid: int, folder: Path, measured: float, seconds: float) -> Overload:
    connections, trades = await connect(port, OVERLOAD_CONNECTIONS), _trades(port)
    rate, warm = OFFERED * measured, min(_WARM * seconds, _MOST_WARM)
    await open_load(connections, trades, rate, warm)
    before = peak = _resident_mb(pid)

    async def look() -> None:
        nonlocal peak
        while True:
            peak = max(peak, _resident_mb(pid))
            await asyncio.sleep(_LOOK_SECONDS)

    looking = asyncio.create_task(look())
    load = await open_load(connections, trades, rate, seconds - warm)
    looking.cancel()
    grown = _resident_mb(pid) - before
    for connection in connections:
        connection.close()
    return Overload(
        seconds=load.elapsed,
        offered_per_second=rate,
        statuses={str(status): number for status, number in sorted(load.statuses.items())},
        p99_ms=1000 * load.quantile(0.99),
        memory_growth_mb=grown,
        memory_peak_mb=max(peak - before, grown),
        journal_mb=sum(path.stat().st_size for path in folder.glob("journal.sqlite*")) / 2**20,
    )


def _trades(port: int) -> Callable[[], bytes]:
    """Trades on both sides of a few symbols, each with an order id of its own."""
    numbers = count()

    def one() -> bytes:
        number = next(numbers)
        symbol = _PAIRS[number % len(_PAIRS)]
        price = 1.1 if len(symbol) == 6 else 50.0
        body: dict[str, object] = {
            "symbol": symbol,
            "direction": 1 if (number // len(_PAIRS)) % 2 == 0 else -1,
            "confidence_score": 0.75,
            "regime": "RANGING",
            "atr": price * 0.02,
            "vol_percentile": 0.5,
            "current_price": price,
            "client_order_id": f"bench-{id(numbers):x}-{number}",
        }
        return _post(port, "/process_trade", body)

    return one


def _nothing(port: int) -> Callable[[], bytes]:
    request = _post(port, "/empty", {})
    return lambda: request


def _post(port: int, path: str, body: dict[str, object]) -> bytes:
    raw = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {_TOKEN}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw


def _resident_mb(pid: int) -> float:
    """Resident memory of a process, as Linux tells it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


@contextmanager
def _serving(target: Callable[[Pipe, str], None], folder: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own: its port and pid."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, folder), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(_START_SECONDS):
            raise TimeoutError("the measured server did not start")
        port = ours.recv()
        sleep(0.1)
        yield port, process.pid or 0
    finally:
        process.terminate()
        process.join()


def _end_with(pipe: Pipe) -> None:
    """End this process once the one that measures is gone, however it went."""

    def wait() -> None:
        with suppress(EOFError, OSError):
            pipe.recv()
        os._exit(0)

    Thread(target=wait, daemon=True).start()


def _serve_empty(pipe: Pipe, _folder: str) -> None:
    import uvicorn
    from fastapi import FastAPI

    from riskdesk_assets.interfaces.api_listen import listening

    app = FastAPI()

    @app.post("/empty")
    async def empty() -> dict[str, str]:
        return {}

    with listening("127.0.0.1", 0) as place:
        pipe.send(place.getsockname()[1])
        _end_with(pipe)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([place])


def _serve_gate(pipe: Pipe, folder: str) -> None:
    from riskdesk_assets.common.settings import load_paths
    from riskdesk_assets.interfaces.api import create_app
    from riskdesk_assets.interfaces.api_listen import listening, server_of, settle
    from riskdesk_assets.interfaces.api_server import Server, api_journal
    from riskdesk_assets.interfaces.api_settings import load_api_settings

    paths = load_paths({"DATA_DIR": folder, "RUNS_DIR": f"{folder}/runs"})
    settings = load_api_settings(paths.config)
    app = create_app(Server(paths, api_journal(paths.data, settings, {}), settings, _TOKEN))
    with listening("127.0.0.1", 0) as place:
        pipe.send(place.getsockname()[1])
        _end_with(pipe)
        settle()
        server_of(app, settings).run([place])
