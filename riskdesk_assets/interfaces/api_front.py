"""What stands before the application: who may ask, how much, and how fast. Nothing is parsed for somebody who may not ask.

In order: the Host header (a page elsewhere must not reach a server on this machine by another name), the rate, the token of a
write, its content type, how many writes wait already, its size and the time it takes. Each refusal is an answer of its own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from time import monotonic
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskdesk_assets.interfaces.api_errors import Refusal, refused
from riskdesk_assets.interfaces.api_settings import ApiSettings

ROUTE = "riskdesk.route"
FORMS = ("/form/halt", "/form/resume")
URGENT = ("/halt", "/resume", *FORMS)
LOCAL = ("127.0.0.1", "localhost", "[::1]")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


@dataclass
class Bucket:
    """So many requests a second, and as many at once."""

    rate: float
    level: float = field(init=False)
    seen: float = field(init=False)

    def __post_init__(self) -> None:
        self.level, self.seen = self.rate, monotonic()

    def take(self) -> bool:
        """Whether one more may pass now."""
        now = monotonic()
        self.level = min(self.rate, self.level + (now - self.seen) * self.rate)
        self.seen = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class Reply(NamedTuple):
    """A JSON answer of status 200, and headers of its own."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


Handler = Callable[[bytes], Awaitable[Reply]]


class Front:
    """ASGI middleware of one application.

    Args:
        app: what answers requests that may ask.
        settings: bounds.
        token: what a write must carry; None refuses every write.
        handlers: by path, of the writes that the front calls itself.
        failed: the refusal an error of a handler leads to.
        hosts: further names a Host header may hold.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ApiSettings,
        token: str | None,
        handlers: Mapping[str, Handler],
        failed: Callable[[Exception], Refusal],
        hosts: tuple[str, ...] = (),
    ) -> None:
        self._app = app
        self._settings = settings
        self._bearer = None if token is None else b"Bearer " + token.encode()
        self._handlers = handlers
        self._failed = failed
        self._hosts = frozenset((*LOCAL, *(host.lower() for host in hosts)))
        self._reads, self._writes = Bucket(settings.reads_per_second), Bucket(settings.writes_per_second)
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on with its whole body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope, _once(scope["headers"]))
        if refusal is not None:
            await refuse(send, refusal)
            return
        if scope["method"] != "POST":
            await self._app(scope, receive, _secured(send))
            return
        counted = scope["path"] not in URGENT
        self._inside += counted
        try:
            body = await self._body(receive)
            if isinstance(body, Refusal):
                await refuse(send, body)
            elif body is not None:
                await self._write(scope, body, receive, send)
        finally:
            self._inside -= counted

    async def _write(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        handler = self._handlers.get(scope["path"])
        if handler is None:
            await self._app(scope, _replayed(body, receive), _secured(send))
            return
        scope[ROUTE] = scope["path"]
        try:
            reply = await handler(body)
        except Exception as error:  # noqa: BLE001 - an answer is owed, whatever it is
            await refuse(send, self._failed(error))
            return
        await _send(send, 200, reply.body, reply.headers)

    def _refusal(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> Refusal | None:
        method, path = scope["method"], scope["path"]
        if method != "POST" and path in self._handlers:
            return refused(405, "", f"{method} is not for {path}", "POST", Allow="POST")
        host = self._host_refusal(scope, headers.get(b"host", []))
        if host is not None:
            return host
        wait = str(self._settings.retry_after_seconds)
        write = method == "POST"
        if path not in URGENT and not (self._writes if write else self._reads).take():
            limit = self._settings.writes_per_second if write else self._settings.reads_per_second
            return refused(429, "", "too many requests", f"{limit:g} a second", Retry_After=wait)
        if not write:
            return None
        form = path in FORMS
        token = None if form else self._token_refusal(headers.get(b"authorization", []))
        if token is not None:
            return token
        wanted = FORM if form else JSON
        given = headers.get(b"content-type", [b""])
        if len(given) != 1 or given[0].split(b";")[0].strip().lower() != wanted.encode():
            return refused(415, "Content-Type", f"is {_text(b', '.join(given)) or 'missing'}", wanted, Connection="close")
        if headers.get(b"content-encoding", [b"identity"]) != [b"identity"]:
            return refused(415, "Content-Encoding", "a body is not compressed", "no Content-Encoding", Connection="close")
        length = headers.get(b"content-length", [b"0"])[0]
        if not length.isdigit() or len(length) > 12 or int(length) > self._settings.body_bytes:
            return self._too_large()
        if path not in URGENT and self._inside >= self._settings.waiting_writes:
            message = f"{self._inside} writes wait for the journal already"
            return refused(429, "", message, f"at most {self._settings.waiting_writes}", Retry_After=wait)
        return None

    def _host_refusal(self, scope: Scope, given: list[bytes]) -> Refusal | None:
        found = _HOST.fullmatch(_text(given[0]).lower()) if len(given) == 1 else None
        port = (scope.get("server") or ("", None))[1]
        if found is not None and found[1] in self._hosts and found[2] in (None, str(port)):
            return None
        allowed = ", ".join(f"{name}:{port}" for name in sorted(self._hosts))
        return refused(400, "Host", "is not a name of this server", allowed, Connection="close")

    def _token_refusal(self, given: list[bytes]) -> Refusal | None:
        if self._bearer is None:
            message = "writes are off: no RISKDESK_API_TOKEN was set when this server started"
            allowed = f"RISKDESK_API_TOKEN of at least {self._settings.token_min_length} characters; start again"
            return refused(503, "Authorization", message, allowed, Connection="close")
        if len(given) == 1 and compare_digest(given[0], self._bearer):
            return None
        message = "is not this server's token" if given else "is missing"
        allowed = "Authorization: Bearer <RISKDESK_API_TOKEN>"
        return refused(401, "Authorization", message, allowed, WWW_Authenticate='Bearer realm="riskdesk"', Connection="close")

    async def _body(self, receive: Receive) -> bytes | Refusal | None:
        """The whole body; a refusal when it is too large or too slow; None when the client went away."""
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    part = message.get("body", b"")
                    size += len(part)
                    if size > self._settings.body_bytes:
                        return self._too_large()
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            seconds = f"{self._settings.body_seconds:g} seconds"
            return refused(408, "", f"the body did not come within {seconds}", seconds, Connection="close")

    def _too_large(self) -> Refusal:
        most = f"at most {self._settings.body_bytes} bytes"
        return refused(413, "Content-Length", "the body is too large", most, Connection="close")


async def refuse(send: Send, refusal: Refusal) -> None:
    """Send a refusal."""
    headers = tuple((name.lower().encode(), value.encode()) for name, value in refusal.headers.items())
    await _send(send, refusal.status, refusal.body, headers)


async def _send(send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    given = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers, *_SECURITY]
    await send({"type": "http.response.start", "status": status, "headers": given})
    await send({"type": "http.response.body", "body": body})


def _once(headers: list[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once more, in one piece; after it whatever the connection says."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _secured(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            names = {name for name, _ in headers}
            message["headers"] = [*headers, *(pair for pair in _SECURITY if pair[0] not in names)]
        await send(message)

    return sent
