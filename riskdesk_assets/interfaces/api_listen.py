"""Listening: uvicorn with bounds it does not have of its own, on how many may connect and how long a request's head may be."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from riskdesk_assets.interfaces.api_errors import refused
from riskdesk_assets.interfaces.api_settings import ApiSettings

_DRAIN_SECONDS = 10
_BACKLOG = 512
_SWITCH_SECONDS = 0.0005
_STATUS = {
    400: b"400 Bad Request",
    408: b"408 Request Timeout",
    431: b"431 Request Header Fields Too Large",
    503: b"503 Service Unavailable",
}


def server_of(app: ASGIApp, settings: ApiSettings) -> uvicorn.Server:
    """A server for one application; give it a socket of :func:`listening` to run."""
    config = uvicorn.Config(
        app,
        http=_bounded(settings),
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        backlog=_BACKLOG,
    )
    return uvicorn.Server(config)


def settle() -> None:
    """Make this process a server's: call it once, when everything is imported.

    The journal's thread gives up the interpreter at every call into SQLite and would wait five milliseconds to have it back
    each time; and what was imported need not be looked through at every collection of garbage.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


def listening(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        OSError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(_BACKLOG)  # from here on whoever connects waits, and is not refused
    except OSError:
        found.close()
        raise
    return found


def _bounded(settings: ApiSettings) -> type[HttpToolsProtocol]:
    class Bounded(HttpToolsProtocol):
        """One connection: closed when it is one too many, or when a head is too long or too slow."""

        _deadline: asyncio.TimerHandle | None = None
        _head = 0
        _in_head = True

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._in_head, self._head = True, 0
            if len(self.connections) > settings.connections:
                self._say(503, "too many connections", f"at most {settings.connections}")
                return
            self._deadline = self.loop.call_later(settings.header_seconds, self._too_slow)

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_deadline()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            if self._in_head:
                self._head += len(data)
                if self._deadline is None:
                    self._deadline = self.loop.call_later(settings.header_seconds, self._too_slow)
            super().data_received(data)
            # Data that ended a head may have brought its body along: only a head that goes on is too long.
            if self._in_head and self._head > settings.header_bytes and not self.transport.is_closing():
                self._say(431, "the request's head is too long", f"at most {settings.header_bytes} bytes")

        def on_headers_complete(self) -> None:
            self._in_head = False
            self._forget_deadline()
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._in_head, self._head = True, 0
            super().on_message_complete()

        def send_400_response(self, msg: str) -> None:
            self._say(400, "this is no HTTP request", "HTTP/1.1")

        def _too_slow(self) -> None:
            if self.transport.is_closing():
                return
            self._say(408, "the request's head did not come in time", f"{settings.header_seconds:g} seconds")

        def _forget_deadline(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _say(self, status: int, message: str, allowed: str) -> None:
            body = refused(status, "", message, allowed).body
            head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            self.transport.write(head % (_STATUS[status], len(body)) + body)
            self.transport.close()

    return Bounded
