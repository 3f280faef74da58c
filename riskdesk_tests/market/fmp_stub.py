"""FMP's answers over real HTTP on loopback, in the shapes the service sends, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from socket import AF_INET, SO_LINGER, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from struct import pack
from threading import Event, Thread

from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.market.fmp import FmpVendor
from riskdesk_assets.market.fmp_http import CallPolicy

KEY = "canary7f3aKEY+/=9c1d"  # with characters that a URL spells otherwise
FULL = "/stable/historical-price-eod/full"
ADJUSTED = "/stable/historical-price-eod/dividend-adjusted"
LEGACY = "/api/v3/historical-price-full/JPM"
LEGACY_GONE = {"Error Message": "Legacy Endpoint : Due to Legacy endpoints being no longer supported - only for legacy users"}
INVALID_KEY = {
    "Error Message": "Invalid API KEY. Feel free to create a Free API Key or visit https://site.financialmodelingprep.com/faqs"
}
LIMIT = {"Error Message": "Limit Reach . Please upgrade your plan or visit our documentation for more details"}
PREMIUM = "Premium Query Parameter: This value set for 'symbol' is not available under your current subscription"
NOW = datetime(2024, 1, 20, 12, tzinfo=UTC)


def weekday_calendar() -> SessionCalendar:
    """Every weekday of 2024 a session that closes at 21:00 UTC: enough where holidays do not matter."""
    days = tuple(day for day in (date(2024, 1, 1) + timedelta(n) for n in range(366)) if day.weekday() < 5)
    closes = tuple(datetime(day.year, day.month, day.day, 21, tzinfo=UTC) for day in days)
    return SessionCalendar(date(2024, 1, 1), date(2024, 12, 31), days, closes)


def days(first: date, last: date) -> list[date]:
    """Sessions newest first, the order in which the service sends them."""
    return list(reversed(weekday_calendar().between(first, last)))


def full(first: date, last: date, symbol: str = "JPM", factor: float = 1.0) -> list[dict[str, object]]:
    """The stable endpoint with raw prices."""
    return [
        {"symbol": symbol, "date": str(day), "open": 170.0 * factor, "high": 172.5 * factor, "low": 169.25 * factor,
         "close": (170.0 + day.day / 10) * factor, "volume": 9000000 + day.day, "change": -0.5, "vwap": 170.63}
        for day in days(first, last)
    ]  # fmt: skip


def adjusted(first: date, last: date, symbol: str = "JPM", factor: float = 0.97) -> list[dict[str, object]]:
    """The stable endpoint with dividends taken out."""
    return [
        {"symbol": symbol, "date": str(day), "adjOpen": 165.0, "adjHigh": 167.0, "adjLow": 164.0,
         "adjClose": (170.0 + day.day / 10) * factor, "volume": 9000000}
        for day in days(first, last)
    ]  # fmt: skip


def legacy(first: date, last: date) -> dict[str, object]:
    """The legacy endpoint, which gives both at once."""
    rows = [
        {"date": str(day), "open": 170.0, "high": 172.5, "low": 169.25, "close": 170.0 + day.day / 10,
         "adjClose": (170.0 + day.day / 10) * 0.97, "volume": 9000000.0 + day.day, "unadjustedVolume": 9000000}
        for day in days(first, last)
    ]  # fmt: skip
    return {"symbol": "JPM", "historical": rows}


class Sleeps(list[float]):
    """Stands where time.sleep would: remembers the seconds and takes none."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def vendor(
    base_url: str, cache: Path, sleeps: Sleeps, *, now: datetime = NOW, whole: float = 5.0, read: float = 2.0
) -> FmpVendor:
    """A vendor that asks the stub and never really sleeps."""
    policy = CallPolicy(
        connect_seconds=2.0,
        read_seconds=read,
        whole_call_seconds=whole,
        largest_body_bytes=200_000,
        sleep=sleeps,
        clock=lambda: now,
    )
    return FmpVendor(KEY, cache, weekday_calendar(), base_url=base_url, policy=policy)


@contextmanager
def raw_server(behave: Callable[[socket], None]) -> Iterator[tuple[str, list[int]]]:
    """A TCP server on loopback that reads one request and hands the socket over; yields its URL and the connections seen."""
    seen: list[int] = []
    stopped = Event()
    listener = socket(AF_INET, SOCK_STREAM)
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    listener.settimeout(0.05)

    def one(connection: socket) -> None:
        with connection:
            try:
                connection.settimeout(5)
                connection.recv(65536)
                behave(connection)
            except OSError:
                pass

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                continue
            seen.append(1)
            Thread(target=one, args=(connection,), daemon=True).start()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        stopped.set()
        thread.join(2)
        listener.close()


def reset(connection: socket) -> None:
    """Close with RST in place of FIN."""
    connection.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    connection.close()
