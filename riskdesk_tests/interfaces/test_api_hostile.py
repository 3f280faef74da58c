"""What a hostile or broken client sends: always a 4xx of one shape, never a 5xx, and never a change."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from riskdesk_tests.interfaces.served import EXAMPLE, TOKEN, House, Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with House(tmp_path_factory.mktemp("hostile")).serve(header_seconds=1.0, body_seconds=1.0) as running:
        yield running


def changed(**fields: object) -> bytes:
    return json.dumps({**EXAMPLE, **fields}).encode()


def with_raw(field: str, raw: str) -> bytes:
    """The example with a field's value written as it is."""
    body = json.dumps({**EXAMPLE, field: "HERE"})
    return body.replace('"HERE"', raw).encode()


HOSTILE: list[tuple[str, bytes, int, str]] = [
    ("NaN", with_raw("atr", "NaN"), 400, "atr"),
    ("Infinity", with_raw("current_price", "Infinity"), 400, "current_price"),
    ("-Infinity", with_raw("confidence_score", "-Infinity"), 400, "confidence_score"),
    ("1e400", with_raw("atr", "1e400"), 400, "atr"),
    ("a lone surrogate in a value", with_raw("symbol", '"\\ud800"'), 400, "symbol"),
    ("a lone surrogate in a key", b'{"\\udfff": 1}', 400, "\\udfff"),
    ("an integer of 5,000 digits", with_raw("direction", "9" * 5000), 400, "direction"),
    ("an integer beyond a float", with_raw("current_price", "9" * 400), 400, "current_price"),
    ("50,000 open brackets", b"[" * 50_000, 400, ""),
    ("5,000 nested objects", b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400, ""),
    ("a key twice", b'{"atr": 1.0, "atr": 2.0}', 400, "atr"),
    ("true for 1", with_raw("direction", "true"), 422, "direction"),
    ("1.0 for 1", with_raw("direction", "1.0"), 422, "direction"),
    ("true for a float", with_raw("confidence_score", "true"), 422, "confidence_score"),
    ("a number as text", with_raw("atr", '"0.001"'), 422, "atr"),
    ("null", with_raw("symbol", "null"), 422, "symbol"),
    ("a list for a symbol", with_raw("symbol", '["EURUSD"]'), 422, "symbol"),
    ("an object for a price", with_raw("current_price", '{"$gt": 0}'), 422, "current_price"),
    ("an unknown field", changed(admin=True), 422, "admin"),
    ("direction 2", changed(direction=2), 422, "direction"),
    ("a price of zero", changed(current_price=0.0), 422, "current_price"),
    ("a negative ATR", changed(atr=-0.001), 422, "atr"),
    ("a price that products overflow", changed(current_price=1e308), 422, "current_price"),
    ("a regime that nearly exists", changed(regime="TREND"), 422, "regime"),
    ("a symbol with a path in it", changed(symbol="../../etc"), 422, "symbol"),
    ("an order id with a line end", changed(client_order_id="a\r\nX: y"), 422, "client_order_id"),
    ("half of the volatilities", changed(realized_vol=0.2), 422, ""),
    ("no JSON at all", b"symbol=EURUSD", 400, ""),
    ("an empty body", b"", 400, ""),
    ("a list", b"[1, 2]", 400, ""),
    ("bytes that are no UTF-8", b'{"symbol": "\xff\xfe"}', 400, ""),
    ("UTF-16", json.dumps(EXAMPLE).encode("utf-16"), 400, ""),
    ("a second document", json.dumps(EXAMPLE).encode() * 2, 400, ""),
]


@pytest.mark.parametrize(("body", "status", "field"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_body_is_refused_by_field(served: Served, body: bytes, status: int, field: str) -> None:
    decided = served.get("/metrics").json["total_decisions"]
    answer = served.post("/process_trade", body)
    assert answer.status == status
    assert field in [line["field"] for line in answer.errors]
    assert served.get("/metrics").json["total_decisions"] == decided


def test_a_missing_field_is_named_with_all_others_that_are_missing(served: Served) -> None:
    answer = served.post("/process_trade", {"symbol": "EURUSD"})
    assert answer.status == 422
    assert {line["field"] for line in answer.errors} == set(EXAMPLE) - {"symbol"}


def test_a_body_of_one_megabyte_is_refused_before_it_is_read(served: Served) -> None:
    head = f"POST /process_trade HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 1048576\r\n\r\n"
    answer = served.sent(head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"errors"' in answer


def test_a_chunked_body_beyond_64_kilobytes_is_refused_while_it_comes(served: Served) -> None:
    head = f"POST /process_trade HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 5  # 80 kB, and no end
    assert served.sent(head.encode() + chunks).startswith(b"HTTP/1.1 413 ")


def test_a_body_of_just_64_kilobytes_is_read(served: Served) -> None:
    body = json.dumps(EXAMPLE).encode()
    assert served.post("/process_trade", body + b" " * (65_536 - len(body))).status == 200
    assert served.post("/process_trade", body + b" " * (65_537 - len(body))).status == 413


def test_a_body_that_dribbles_is_cut_off(served: Served) -> None:
    head = f"POST /process_trade HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    began = time.monotonic()
    assert served.sent(head.encode()).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 5


def test_a_head_that_dribbles_or_never_ends_is_cut_off(served: Served) -> None:
    assert served.sent(b"GET /health HTTP/1.1\r\nHost: ").startswith(b"HTTP/1.1 408 ")
    endless = b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 40_000
    assert served.sent(endless).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "raw", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"NONSENSE\r\n\r\n"]
)
def test_what_is_no_http_is_a_400_of_the_same_shape(served: Served, raw: bytes) -> None:
    answer = served.sent(raw)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"errors": [' in answer


def test_two_lengths_or_a_length_and_chunks_are_refused(served: Served) -> None:
    start = f"POST /halt HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nAuthorization: Bearer {TOKEN}\r\n"
    start += "Content-Type: application/json\r\n"
    for lengths in ("Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"):
        assert served.sent(f"{start}{lengths}\r\n{{}}".encode()).startswith(b"HTTP/1.1 400 ")
    assert served.get("/health").json["health"] == "HEALTHY"


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:1", "", "localhost@evil.example", "[::2]"]
)
def test_another_host_name_is_refused(served: Served, name: str) -> None:
    assert served.get("/health", Host=name).status == 400
    assert served.post("/halt", {"reason": "x"}, Host=name).status == 400


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_this_machines_own_names_are_served_with_and_without_the_port(served: Served, name: str) -> None:
    assert served.get("/health", Host=name).status == 200
    assert served.get("/health", Host=f"{name}:{served.port}").status == 200


def test_a_request_without_a_host_or_with_two_is_refused(served: Served) -> None:
    assert served.sent(b"GET /health HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    both = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nHost: evil.example\r\n\r\n"
    assert served.sent(both.encode()).startswith(b"HTTP/1.1 400 ")


WRITES = ("/process_trade", "/halt", "/resume", "/fills", "/cancels", "/marks")


@pytest.mark.parametrize("path", WRITES)
def test_a_write_without_the_token_is_refused_before_its_body_counts(served: Served, path: str) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        answer = served.post(path, b"not even JSON", **headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.errors[0]["field"] == "Authorization"
        assert TOKEN not in answer.text
    assert served.ask("POST", path, b"{}", Content_Type="application/json").status == 401
    assert served.post(path, {}, Authorization=f"Bearer {TOKEN}x").status == 401


@pytest.mark.parametrize("path", WRITES)
def test_a_write_that_is_not_declared_json_is_refused(served: Served, path: str) -> None:
    assert served.post(path, EXAMPLE, Content_Type="text/plain").status == 415  # what a form elsewhere could send
    assert served.post(path, EXAMPLE, Content_Encoding="gzip").status == 415


def test_wrong_methods_and_places_have_the_same_shape(served: Served) -> None:
    for method, path, status in (
        ("GET", "/process_trade", 405),
        ("DELETE", "/portfolio", 405),
        ("OPTIONS", "/halt", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/health/", 404),
        ("POST", "/nowhere", 404),
    ):
        answer = served.post(path, {}) if method == "POST" else served.ask(method, path)
        assert (answer.status, bool(answer.errors)) == (status, True)


def test_no_answer_may_be_framed_sniffed_or_kept(served: Served) -> None:
    for path in ("/", "/docs", "/health", "/nowhere", "/prometheus"):
        headers = served.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_without_a_token_reads_work_and_writes_say_what_to_set(tmp_path: Path) -> None:
    with House(tmp_path).serve(token=None) as served:
        assert served.get("/health").status == 200
        for path in WRITES:
            answer = served.post(path, EXAMPLE, Authorization="Bearer None")
            assert answer.status == 503
            assert "RISKDESK_API_TOKEN" in answer.errors[0]["message"]
        page = served.get("/").text
        assert "Read only" in page
        assert served.form("/form/halt", "account=rest&reason=x&by=y&token=").status == 503
        assert served.get("/metrics").json["total_decisions"] == 0


def test_beyond_the_rate_reads_and_trades_are_told_when_to_come_back_and_a_halt_never_is(tmp_path: Path) -> None:
    with House(tmp_path).serve(reads_per_second=3.0, writes_per_second=3.0) as served:
        reads = [served.get("/health") for _ in range(8)]
        assert {answer.status for answer in reads} == {200, 429}
        late = next(answer for answer in reads if answer.status == 429)
        assert late.headers["retry-after"] == "1"
        assert late.errors[0]["allowed"] == "3 a second"
        assert {served.post("/process_trade", EXAMPLE).status for _ in range(8)} == {200, 429}
        assert [served.post("/halt", {"reason": "stop"}).status for _ in range(8)] == [200] * 8


def test_more_writes_than_may_wait_are_told_to_come_back_and_change_nothing(tmp_path: Path) -> None:
    with House(tmp_path).serve(waiting_writes=2, batch_entries=1) as served, ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(lambda _: served.post("/process_trade", EXAMPLE), range(120)))
        counted = [answer.status for answer in answers]
        assert set(counted) == {200, 429}
        assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status == 429)
        assert served.get("/metrics").json["total_decisions"] == counted.count(200)


def test_more_connections_than_allowed_are_closed_with_a_word(tmp_path: Path) -> None:
    with House(tmp_path).serve(connections=3) as served:
        held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(3)]
        time.sleep(0.2)
        assert served.sent(b"").startswith(b"HTTP/1.1 503 ")
        for connection in held:
            connection.close()
        time.sleep(0.2)
        assert served.get("/health").status == 200
