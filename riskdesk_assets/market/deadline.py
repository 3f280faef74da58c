"""HTTP connections that can be cut when a call has run too long: a server that drips never trips a read timeout."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3
from requests.adapters import HTTPAdapter


class Connections:
    """The open sockets of a session, so that a call past its deadline can be cut: per-read timeouts do not end a slow drip."""

    def __init__(self) -> None:
        self._open: list[socket.socket] = []

    def add(self, opened: socket.socket | None) -> None:
        """Remember an open socket; forget those that are closed."""
        self._open = [known for known in self._open if known.fileno() >= 0]
        if opened is not None:
            self._open.append(opened)

    @contextmanager
    def closed_after(self, seconds: float) -> Iterator[threading.Event]:
        """Cut every open socket once the block has run so long; the event says that it happened."""
        late = threading.Event()
        timer = threading.Timer(seconds, self._cut, [late])
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def _cut(self, late: threading.Event) -> None:
        late.set()
        for opened in self._open:
            try:
                # The plain socket's shutdown, also under TLS: the reader is woken and sees the end.
                socket.socket.shutdown(opened, socket.SHUT_RDWR)
            except OSError:
                continue  # it was closed meanwhile, which is all that was wanted


class TrackingAdapter(HTTPAdapter):
    """requests' adapter whose connections report their sockets."""

    def __init__(self, connections: Connections) -> None:
        self._tracked = connections
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object) -> None:
        """As the library's, with pools of reporting connections."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = _tracking_pools(self._tracked)

    def proxy_manager_for(self, proxy: str, **kwargs: object) -> urllib3.ProxyManager:
        """As the library's, with pools of reporting connections."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _tracking_pools(self._tracked)
        return manager


def _tracking_pools(connections: Connections) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    class Plain(urllib3.connection.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            connections.add(self.sock)

    class Secure(urllib3.connection.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            connections.add(self.sock)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
