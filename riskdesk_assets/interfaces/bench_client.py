"""A small HTTP client for measuring servers: many connections from one thread, prepared requests, times of every answer."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast


class Connection(asyncio.Protocol):
    """One kept-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        """Gather an answer until its length is there."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        start = head.lower().find(b"content-length:")
        length = int(head[start + 15 :].split(b"\r\n", 1)[0])
        if len(body) >= length and self._answer is not None:
            answer, self._answer, self._received = self._answer, None, body[length:]
            if not answer.done():
                answer.set_result((int(head[9:12]), body[:length]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


@dataclass
class Load:
    """What a stretch of load came to; ``seconds`` of every answer of status 200."""

    elapsed: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers of status 200 a second."""
        return self.statuses[200] / self.elapsed if self.elapsed else 0.0

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


async def connect(port: int, count: int) -> list[Connection]:
    """That many connections to a server on this machine."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)]


async def closed_load(connections: list[Connection], request: Callable[[], bytes], seconds: float) -> Load:
    """Each connection asks again as soon as it was answered."""
    load = Load()
    began = perf_counter()
    end = began + seconds

    async def one(connection: Connection) -> None:
        while (started := perf_counter()) < end:
            status, _ = await connection.ask(request())
            load.statuses[status] += 1
            if status == 200:
                load.seconds.append(perf_counter() - started)

    await asyncio.gather(*(one(connection) for connection in connections))
    load.elapsed = perf_counter() - began
    return load


async def open_load(connections: list[Connection], request: Callable[[], bytes], rate: float, seconds: float) -> Load:
    """Requests begin at a fixed rate, whatever was answered so far; those that find no free connection count as status 0."""
    load, free, running = Load(), deque(connections), set[asyncio.Task[None]]()
    began = perf_counter()
    sent = 0

    async def one(connection: Connection) -> None:
        started = perf_counter()
        try:
            status, _ = await connection.ask(request())
        except ConnectionError:
            load.statuses[-1] += 1
            return
        load.statuses[status] += 1
        if status == 200:
            load.seconds.append(perf_counter() - started)
        free.append(connection)

    while (now := perf_counter()) < began + seconds:
        due = int((now - began) * rate)
        while sent < due:
            sent += 1
            if not free:
                load.statuses[0] += 1
                continue
            task = asyncio.create_task(one(free.popleft()))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.sleep(0.002)
    await asyncio.gather(*running)
    load.elapsed = perf_counter() - began
    return load
