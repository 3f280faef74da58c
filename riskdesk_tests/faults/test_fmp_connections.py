"""Servers that hang, reset, truncate and drip, on raw sockets: every call ends, nothing half-read is believed."""

from __future__ import annotations

import json
import logging
import threading
import time
from datetime import date
from pathlib import Path
from socket import socket

import pytest

from riskdesk_assets.market.vendor import VendorError
from riskdesk_tests.faults.test_fmp_answers import SPELLINGS, chain
from riskdesk_tests.market.fmp_stub import Sleeps, full, raw_server, reset, vendor

FIRST, LAST = date(2024, 1, 8), date(2024, 1, 19)
BODY = json.dumps(full(FIRST, LAST)).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def hang(connection: socket) -> None:
    time.sleep(0.6)


def reset_at_once(connection: socket) -> None:
    reset(connection)


def reset_in_the_body(connection: socket) -> None:
    connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:300])
    time.sleep(0.02)
    reset(connection)


def stop_short_of_the_length(connection: socket) -> None:
    connection.sendall(HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY) + BODY[:-300])


def stop_without_a_length(connection: socket) -> None:
    connection.sendall(HEAD + b"Connection: close\r\n\r\n" + BODY[:-300])


def stop_inside_a_chunk(connection: socket) -> None:
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n400\r\n" + BODY[:200])


def speak_no_http(connection: socket) -> None:
    connection.sendall(b"220 mail.example ready\r\n")


def send_broken_gzip(connection: socket) -> None:
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!")


def drip_the_body(connection: socket) -> None:
    connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY))
    for byte in BODY[:60]:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def drip_the_headers(connection: socket) -> None:
    for byte in (HEAD * 20)[:60]:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def drip_spaces_for_ever(connection: socket) -> None:
    # Whole JSON, and no end: cut at the deadline it would look complete.
    connection.sendall(HEAD + b"Connection: close\r\n\r\n" + BODY)
    while True:
        connection.sendall(b" " * 10)
        time.sleep(0.05)


@pytest.mark.parametrize(
    "behave",
    [
        hang,
        reset_at_once,
        reset_in_the_body,
        stop_short_of_the_length,
        stop_without_a_length,
        stop_inside_a_chunk,
        speak_no_http,
        send_broken_gzip,
        drip_the_body,
        drip_the_headers,
        drip_spaces_for_ever,
    ],
)
def test_a_broken_connection_is_tried_four_times_then_named_and_nothing_is_kept(
    tmp_path: Path, behave: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sleeps = Sleeps()
    assert callable(behave)
    with raw_server(behave) as (url, seen):
        started = time.monotonic()
        with pytest.raises(VendorError, match="after 4 attempts") as caught:
            vendor(url, tmp_path, sleeps, whole=0.35, read=0.25).bars(["JPM"], FIRST, LAST)
        took = time.monotonic() - started
    assert len(seen) == 4
    assert sleeps == [0.5, 1.0, 2.0]
    assert took < 4 * 0.35 + 1.5  # four whole-call deadlines and some slack: a drip alone would take 3 s and more a call
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["pull_log.jsonl"]
    said = chain(caught.value) + (tmp_path / "pull_log.jsonl").read_text() + caplog.text
    assert not any(spelling in said for spelling in SPELLINGS)


def test_a_refused_connection_on_the_legacy_path_does_not_show_the_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def no_plan_then_reset(connection: socket) -> None:
        if len(connections) == 1:
            text = b"Premium Query Parameter"
            connection.sendall(
                b"HTTP/1.1 402 Payment Required\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                % len(text)
                + text
            )
        else:
            reset(connection)

    with raw_server(no_plan_then_reset) as (url, connections):
        with pytest.raises(VendorError, match="historical-price-full") as caught:
            vendor(url, tmp_path, Sleeps()).bars(["JPM"], FIRST, LAST)
        assert len(connections) == 5
    said = chain(caught.value) + (tmp_path / "pull_log.jsonl").read_text() + caplog.text
    assert not any(spelling in said for spelling in SPELLINGS)


def test_the_deadline_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = threading.active_count()
    with raw_server(drip_the_body) as (url, _), pytest.raises(VendorError):
        vendor(url, tmp_path, Sleeps(), whole=0.2, read=0.15).bars(["JPM"], FIRST, LAST)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before
