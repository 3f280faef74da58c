"""A real server on loopback in a thread, over a folder of its own, with a clock that tests can set."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from riskdesk_assets.common.journal import Journal
from riskdesk_assets.common.settings import ROOT, Paths
from riskdesk_assets.interfaces.api import create_app
from riskdesk_assets.interfaces.api_listen import listening, server_of
from riskdesk_assets.interfaces.api_server import Server, api_journal
from riskdesk_assets.interfaces.api_settings import ApiSettings, load_api_settings

TOKEN = "a-token-for-tests-only-0123456789"
MONDAY = datetime(2026, 1, 26, 15, 0, tzinfo=UTC)
EXAMPLE: dict[str, object] = {  # document 003, "POST /process_trade"
    "symbol": "EURUSD",
    "direction": 1,
    "confidence_score": 0.75,
    "regime": "TRENDING",
    "atr": 0.0010,
    "vol_percentile": 0.50,
    "current_price": 1.1000,
}
WITHIN_CAPS = {**EXAMPLE, "atr": 0.0225}


@dataclass
class Watch:
    """A clock that stands still until it is moved."""

    now: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **passed: float) -> None:
        self.now += timedelta(**passed)


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.raw)
        return found

    @property
    def text(self) -> str:
        return self.raw.decode()

    @property
    def errors(self) -> list[dict[str, str]]:
        found = json.loads(self.raw)
        assert set(found) == {"errors"}
        assert found["errors"]
        assert all(set(line) == {"field", "message", "allowed"} for line in found["errors"])
        errors: list[dict[str, str]] = found["errors"]
        return errors


@dataclass
class Served:
    """A running server and its client."""

    port: int
    server: Server
    journal: Journal
    clock: Watch
    token: str | None
    uvicorn: uvicorn.Server
    paths: Paths

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; underscores in header names stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: object, **headers: str) -> Answer:
        """A write with the token, as JSON unless it is bytes already."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token or TOKEN}", "Content_Type": "application/json", **headers}
        return self.ask("POST", path, raw, **given)

    def form(self, path: str, body: str, **headers: str) -> Answer:
        """A form as a browser sends it from the status page."""
        given = {
            "Content_Type": "application/x-www-form-urlencoded",
            "Origin": f"http://127.0.0.1:{self.port}",
            "Sec_Fetch_Site": "same-origin",
            **headers,
        }
        return self.ask("POST", path, body.encode(), **given)

    def sent(self, raw: bytes, wait: float = 10.0) -> bytes:
        """Bytes as they are, and everything that comes back until the server closes or ``wait`` seconds pass."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            connection.sendall(raw)
            found = b""
            try:
                while part := connection.recv(65536):
                    found += part
            except TimeoutError:
                pass
            return found


@dataclass
class House:
    """A folder to serve from; the same one again is a restart. ``journal``: the URL of another journal than its file."""

    root: Path
    clock: Watch = field(default_factory=Watch)
    journal: str = ""

    @property
    def paths(self) -> Paths:
        return Paths(
            data=self.root / "data",
            runs=self.root / "runs",
            tickets=self.root / "tickets" / "active",
            config=ROOT / "config",
            universe=ROOT / "config" / "universe.yaml",
            prices=None,
        )

    @contextmanager
    def serve(self, token: str | None = TOKEN, **changed: object) -> Iterator[Served]:
        """The server while the block runs; ``changed`` are settings other than config/api.yaml's."""
        settings = ApiSettings.model_validate({**load_api_settings(ROOT / "config").model_dump(), **changed})
        journal = api_journal(self.paths.data, settings, {"RISKDESK_JOURNAL_URL": self.journal})
        server = Server(self.paths, journal, settings, token, self.clock)
        with listening("127.0.0.1", 0) as place:
            running = server_of(create_app(server), settings)
            thread = threading.Thread(target=running.run, args=([place],), daemon=True)
            thread.start()
            deadline = time.monotonic() + 20
            while not running.started and time.monotonic() < deadline:
                time.sleep(0.01)
            assert running.started
            try:
                yield Served(place.getsockname()[1], server, journal, self.clock, token, running, self.paths)
            finally:
                running.should_exit = True
                thread.join(20)
                assert not thread.is_alive()
                journal.close()
