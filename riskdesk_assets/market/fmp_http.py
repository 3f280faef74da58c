"""One HTTP call to FMP that ends: bounded in time, size and attempts, and with the key in nothing it says.

A call's attempt gives an answer or a failure; a failure that may pass (timeouts, resets, truncated bodies, a page that is no
JSON, 429, "Limit Reach", 5xx) is tried again as a whole. Library exceptions quote the URL, and the legacy endpoint has the key
in it: none is ever chained, and the library's own log lines are cleaned too.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import quote, quote_plus, urlsplit

import requests
import urllib3

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.market.deadline import Connections, TrackingAdapter
from riskdesk_assets.market.vendor import VendorError

LOG = logging.getLogger("riskdesk.market.fmp")
HIDDEN = "[FMP_API_KEY]"
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class UnavailableError(VendorError):
    """This endpoint, or this symbol on it, is not part of the plan: another endpoint may still answer."""


@dataclass(frozen=True)
class CallPolicy:
    """Patience with the vendor: seconds, bytes and attempts. It can change whether an answer comes, never what it says.

    That there is nothing at all in a range that ended ``settled_days`` ago is asked again only after ``nothing_stands_days``:
    a name that was not listed yet would cost a request a day otherwise.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    whole_call_seconds: float = 90.0
    largest_body_bytes: int = 64 * 1024 * 1024
    attempts: int = 4
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 60.0
    settled_days: int = 365
    nothing_stands_days: int = 30
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class _Answer:
    body: Json


@dataclass(frozen=True)
class _Failure:
    """``kind``: again (worth another attempt), unavailable (try another endpoint) or final."""

    kind: str
    text: str
    retry_after: float | None = None


class FmpClient:
    """Calls of one base URL with one key. The key stands in no representation of it."""

    def __init__(self, key: str, base_url: str, policy: CallPolicy) -> None:
        self._key = _checked_key(key)
        self._base = _checked_base(base_url)
        self._policy = policy
        self._secrets = re.compile(
            "|".join(re.escape(form) for form in sorted({key, quote(key, safe=""), quote_plus(key)}, key=len, reverse=True))
            + r"|(?<=apikey=)[^&\s\"'<>)]+",
            re.IGNORECASE,
        )
        self._connections = Connections()
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, TrackingAdapter(self._connections))

    def get(self, path: str, parameters: Mapping[str, str], *, key_in_query: bool = False) -> Json:
        """The JSON answer of one endpoint.

        Args:
            path: path below the base URL.
            parameters: query parameters, without the key.
            key_in_query: the legacy endpoint takes the key in the query; the stable one in the header ``apikey``.

        Raises:
            UnavailableError: the plan does not include the endpoint or symbol.
            VendorError: any other refusal, or no usable answer within the attempts.
        """
        failure = _Failure("again", "not asked")
        for attempt in range(1, self._policy.attempts + 1):
            with _quiet_library(self.redacted):
                outcome = self._attempt(path, parameters, key_in_query=key_in_query)
            if isinstance(outcome, _Answer):
                return outcome.body
            failure = outcome
            if failure.kind != "again":
                break
            if attempt < self._policy.attempts:
                wait = self._wait(attempt, failure)
                LOG.warning(
                    "FMP %s, attempt %d of %d: %s; again in %.1f s", path, attempt, self._policy.attempts, failure.text, wait
                )
                self._policy.sleep(wait)
        raise self._error(path, failure)

    def redacted(self, text: str) -> str:
        """The text without the key in any spelling, nor anything else that follows ``apikey=``."""
        return self._secrets.sub(HIDDEN, text)

    def _error(self, path: str, failure: _Failure) -> VendorError:
        tries = f" after {self._policy.attempts} attempts" if failure.kind == "again" else ""
        kind = UnavailableError if failure.kind == "unavailable" else VendorError
        return kind(f"FMP {path}: {failure.text}{tries}")

    def _wait(self, attempt: int, failure: _Failure) -> float:
        usual = self._policy.first_wait_seconds * 2.0 ** (attempt - 1)
        return min(max(usual, failure.retry_after or 0.0), self._policy.longest_wait_seconds)

    def _attempt(self, path: str, parameters: Mapping[str, str], *, key_in_query: bool) -> _Answer | _Failure:
        query = {**parameters, "apikey": self._key} if key_in_query else dict(parameters)
        headers = {"Accept": "application/json"} if key_in_query else {"Accept": "application/json", "apikey": self._key}
        policy = self._policy
        with self._connections.closed_after(policy.whole_call_seconds) as late:
            try:
                response = self._session.get(
                    f"{self._base}{path}",
                    params=query,
                    headers=headers,
                    timeout=(policy.connect_seconds, policy.read_seconds),
                    stream=True,
                    # A redirect would carry the key's header to another host.
                    allow_redirects=False,
                )
                with response:
                    body = _body(response, policy.largest_body_bytes)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                # Only the kind of error leaves this block: its text and its chain quote the URL.
                failed = type(error).__name__
            else:
                failed = ""
        if late.is_set():
            return _Failure("again", f"no whole answer within {policy.whole_call_seconds:g} s")
        if failed:
            return _Failure("again", f"the connection failed ({failed}): check the network and FMP_BASE_URL")
        if body is None:
            return _Failure("final", f"the answer is larger than {policy.largest_body_bytes} bytes")
        return self._judged(response, body)

    def _judged(self, response: requests.Response, body: bytes) -> _Answer | _Failure:
        status = response.status_code
        parsed = _json(body)
        said = self._said(parsed, body)
        outcome: _Answer | _Failure
        if status == 429 or "limit reach" in said.lower():
            pause = _retry_after(response.headers.get("Retry-After"), self._policy.clock())
            outcome = _Failure("again", f"the plan's request limit is reached ({said}): wait, or use a larger plan", pause)
        elif status == 401 or "invalid api key" in said.lower():
            outcome = _Failure("final", f"the key is refused ({status}): set FMP_API_KEY to a valid key")
        elif status in {402, 403} or _is_plan_message(said):
            outcome = _Failure(
                "unavailable", f"not in the key's plan ({status}: {said}): use another plan, or leave the symbol out"
            )
        elif status == 404:
            empty = isinstance(parsed, _Answer) and parsed.body in ([], {})
            outcome = _Answer([]) if empty else _Failure("unavailable", f"no such endpoint (404: {said})")
        elif status == 408 or status >= 500:
            pause = _retry_after(response.headers.get("Retry-After"), self._policy.clock())
            outcome = _Failure("again", f"the service failed ({status})", pause)
        elif status != 200:
            outcome = _Failure("final", f"unexpected answer ({status}: {said}): check FMP_BASE_URL")
        elif isinstance(parsed, _Failure):
            outcome = parsed
        elif isinstance(parsed.body, dict) and "Error Message" in parsed.body:
            outcome = _Failure("final", f"refused: {said}")
        else:
            outcome = parsed
        return outcome

    def _said(self, parsed: _Answer | _Failure, body: bytes) -> str:
        """What a refusal says, in one redacted line; nothing for data and for web pages."""
        text = ""
        if isinstance(parsed, _Answer):
            if isinstance(parsed.body, dict):
                text = str(parsed.body.get("Error Message", ""))
        elif not body.lstrip().startswith((b"<", b"[", b"{")):
            text = body[:2000].decode("utf-8", "replace")
        return " ".join(self.redacted(text).split())[:200]


def _is_plan_message(said: str) -> bool:
    lowered = said.lower()
    return any(
        words in lowered for words in ("premium", "special endpoint", "exclusive endpoint", "legacy endpoint", "subscription")
    )


def _body(response: requests.Response, largest: int) -> bytes | None:
    """The whole decoded body, or None when it is larger than allowed."""
    received = bytearray()
    for chunk in response.iter_content(64 * 1024):
        received += chunk
        if len(received) > largest:
            return None
    return bytes(received)


def _json(body: bytes) -> _Answer | _Failure:
    """Strict JSON: UTF-8, no NaN or Infinity, no key twice. Anything else is worth another attempt."""
    try:
        parsed: Json = json.loads(body.decode(), parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError):
        return _Failure("again", f"the answer is not whole JSON ({len(body)} bytes)")
    return _Answer(parsed)


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key twice")
    return mapping


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds to wait, from a Retry-After of seconds or of a date; None when there is none or it makes no sense."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header.strip()[:6])
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until.astimezone(UTC) - now).total_seconds())


def _checked_key(key: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{1,512}", key):
        raise InputError(
            Problem("FMP_API_KEY", None, "", "holds characters that no key has", "printable characters without spaces")
        )
    return key


def _checked_base(base_url: str) -> str:
    allowed = "such as https://financialmodelingprep.com"
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username:
        raise InputError(Problem("FMP_BASE_URL", None, "", "is not the address of a service", allowed))
    return base_url.rstrip("/")


@contextmanager
def _quiet_library(redacted: Callable[[str], str]) -> Iterator[None]:
    """While inside, the HTTP library's own log lines (the URL at DEBUG, the headers' faults at WARNING) lose the key."""

    class Cleaning(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.msg, record.args = redacted(record.getMessage()), None
            if record.exc_info:
                record.exc_info = None
            return True

    cleaning = Cleaning()
    loggers = [
        logging.getLogger(name) for name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.response", "urllib3")
    ]
    for logger in loggers:
        logger.addFilter(cleaning)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(cleaning)
