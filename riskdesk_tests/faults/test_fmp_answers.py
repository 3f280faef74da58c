"""Every answer FMP is known to give, over real HTTP: the cache stays as it was, and the key is nowhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.market.fmp import FmpVendor
from riskdesk_assets.market.vendor import VendorError
from riskdesk_tests.market.fmp_stub import (
    ADJUSTED,
    FULL,
    INVALID_KEY,
    KEY,
    LEGACY,
    LEGACY_GONE,
    LIMIT,
    PREMIUM,
    Sleeps,
    adjusted,
    full,
    legacy,
    vendor,
    weekday_calendar,
)

FIRST, LAST = date(2024, 1, 8), date(2024, 1, 19)
SPELLINGS = (KEY, quote(KEY, safe=""), "canary7f3a")


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
def filled(tmp_path: Path, httpserver: HTTPServer, sleeps: Sleeps) -> Path:
    """A cache that one good pull has filled; the stub forgets that pull."""
    good(httpserver)
    vendor(httpserver.url_for(""), tmp_path / "cache", sleeps).bars(["JPM"], FIRST, LAST)
    httpserver.clear()
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def key_in_no_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    # The stub's own server logs the URLs it is asked; everything else is ours or the HTTP library's.
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    records = [record for record in records if not record.name.startswith("werkzeug")]
    assert records, "the HTTP library logs at DEBUG: without a line the test could not fail"
    for record in records:
        said = f"{record.getMessage()} {record.args!r} {record.exc_info!r}"
        assert not any(spelling in said for spelling in SPELLINGS), said


def good(server: HTTPServer) -> None:
    server.expect_request(FULL).respond_with_json(full(FIRST, LAST))
    server.expect_request(ADJUSTED).respond_with_json(adjusted(FIRST, LAST))


def bars_of(cache: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(cache.rglob("*.parquet"))}


def chain(error: BaseException | None) -> str:
    """All an error says: its own text and that of everything it came from, as tracebacks print it."""
    said, seen = "", set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        said += f"{error!s} {error!r} {error.args!r} {getattr(error, '__notes__', '')}\n"
        error = error.__cause__ or error.__context__
    return said


def refused(server: HTTPServer, cache: Path, sleeps: Sleeps) -> str:
    """The pull fails; the cache's bars are unchanged, the key stands nowhere. Returns what the error says."""
    before = bars_of(cache)
    asked = vendor(server.url_for(""), cache, sleeps)
    with pytest.raises(VendorError) as caught:
        asked.bars(["JPM"], FIRST, LAST)
    assert bars_of(cache) == before
    assert not list(cache.rglob(".writing-*"))
    said = chain(caught.value) + repr(asked) + repr(vars(asked)) + (cache / "pull_log.jsonl").read_text()
    assert not any(spelling in said for spelling in SPELLINGS), said
    return str(caught.value)


def test_the_stable_endpoints_are_joined_on_date_and_asked_once_each_with_the_key_in_the_header(
    tmp_path: Path, httpserver: HTTPServer, sleeps: Sleeps
) -> None:
    good(httpserver)
    frame = vendor(httpserver.url_for(""), tmp_path, sleeps).bars(["JPM"], FIRST, LAST)
    assert frame["as_of_date"].to_list() == list(weekday_calendar().between(FIRST, LAST))  # newest first was put in order
    newest = frame.row(-1, named=True)
    assert newest["close"] == 171.9
    assert newest["adj_close"] == pytest.approx(171.9 * 0.97, abs=1e-12)
    assert (newest["volume"], newest["source"], newest["symbol"]) == (9_000_019, "FMP", "JPM")
    requests = [request for request, _ in httpserver.log]
    assert [request.path for request in requests] == [FULL, ADJUSTED]
    for request in requests:
        assert request.headers["apikey"] == KEY
        assert dict(request.args) == {"symbol": "JPM", "from": "2024-01-08", "to": "2024-01-19"}
    assert sleeps == []


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, json.dumps(INVALID_KEY), "set FMP_API_KEY to a valid key"),
        (200, json.dumps(INVALID_KEY), "set FMP_API_KEY to a valid key"),
        (402, PREMIUM, "not in the key's plan"),
        (200, json.dumps({"Error Message": PREMIUM}), "not in the key's plan"),
        (403, json.dumps(LEGACY_GONE), "not in the key's plan"),
        (404, "<html>no such page</html>", "no such endpoint"),
        (302, "", "check FMP_BASE_URL"),
        (400, json.dumps({"Error Message": f"bad query apikey={KEY}"}), "check FMP_BASE_URL"),
        (200, json.dumps({"Error Message": f"something else about {KEY}"}), "refused: something else"),
    ],
)
def test_a_refusal_is_not_tried_again_and_says_what_to_do(
    filled: Path, httpserver: HTTPServer, sleeps: Sleeps, status: int, body: str, says: str
) -> None:
    headers = {"Location": "http://127.0.0.1:9/elsewhere"} if status == 302 else None
    httpserver.expect_request(FULL).respond_with_data(body, status=status, headers=headers)
    httpserver.expect_request(LEGACY).respond_with_json(LEGACY_GONE, status=403)
    assert says in refused(httpserver, filled, sleeps)
    assert sleeps == []
    assert len([1 for request, _ in httpserver.log if request.path == FULL]) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, json.dumps(LIMIT)),
        (200, json.dumps(LIMIT)),
        (200, json.dumps({"Error Message": "Bandwidth Limit Reach . Please upgrade your plan"})),
        (500, "oops"),
        (503, json.dumps(LIMIT)),
        (200, f"<html>blocked: GET {LEGACY}?apikey={KEY} and {quote(KEY, safe='')}</html>"),
        (200, json.dumps(full(FIRST, LAST))[:-40]),
        (200, ""),
        (200, '[{"symbol":"JPM","date":"2024-01-08","open":NaN}]'),
        (200, '[{"symbol":"JPM","symbol":"JPM"}]'),
        (200, "[" * 200_000),
    ],
)
def test_a_failure_that_may_pass_is_tried_four_times_and_waits_longer_each_time(
    filled: Path, httpserver: HTTPServer, sleeps: Sleeps, status: int, body: str
) -> None:
    httpserver.expect_request(FULL).respond_with_data(body, status=status)
    assert "after 4 attempts" in refused(httpserver, filled, sleeps)
    assert sleeps == [0.5, 1.0, 2.0]
    assert len(httpserver.log) == 4


def test_a_second_attempt_that_succeeds_gives_the_bars(tmp_path: Path, httpserver: HTTPServer, sleeps: Sleeps) -> None:
    httpserver.expect_ordered_request(FULL).respond_with_json(LIMIT, status=429)
    httpserver.expect_ordered_request(FULL).respond_with_json(full(FIRST, LAST))
    httpserver.expect_ordered_request(ADJUSTED).respond_with_data("<html>", status=502)
    httpserver.expect_ordered_request(ADJUSTED).respond_with_json(adjusted(FIRST, LAST))
    assert vendor(httpserver.url_for(""), tmp_path, sleeps).bars(["JPM"], FIRST, LAST).height == 10
    assert sleeps == [0.5, 0.5]


@pytest.mark.parametrize(
    ("header", "waited"),
    [("7", 7.0), ("86400", 60.0), ("Sat, 20 Jan 2024 12:00:09 GMT", 9.0), ("soon", 0.5), ("-3", 0.5), ("0", 0.5)],
)
def test_retry_after_is_honoured_up_to_a_minute(
    tmp_path: Path, httpserver: HTTPServer, sleeps: Sleeps, header: str, waited: float
) -> None:
    httpserver.expect_ordered_request(FULL).respond_with_json(LIMIT, status=429, headers={"Retry-After": header})
    httpserver.expect_ordered_request(FULL).respond_with_json(full(FIRST, LAST))
    httpserver.expect_ordered_request(ADJUSTED).respond_with_json(adjusted(FIRST, LAST))
    vendor(httpserver.url_for(""), tmp_path, sleeps).bars(["JPM"], FIRST, LAST)
    assert sleeps == [waited]


def test_an_endless_body_is_refused_at_the_size_limit(filled: Path, httpserver: HTTPServer, sleeps: Sleeps) -> None:
    httpserver.expect_request(FULL).respond_with_data(b" " * 300_000)
    assert "larger than 200000 bytes" in refused(httpserver, filled, sleeps)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"date": "2024-01-08"}, "2024-01-08 is there twice"),
        ({"date": "08/01/2024"}, "is no date"),
        ({"date": "2024-02-30"}, "is no date"),
        ({"date": 20240108}, "is no date"),
        ({"close": "170.8"}, "close is '170.8', not a number"),
        ({"close": None}, "close is 'None', not a number"),
        ({"open": True}, "open is 'True', not a number"),
        ({"volume": -1}, "volume is -1, below 0"),
        ({"symbol": "BAC"}, "the answer is about 'BAC'"),
    ],
)
def test_a_row_of_another_shape_is_refused_and_named(
    filled: Path, httpserver: HTTPServer, sleeps: Sleeps, broken: dict[str, object], says: str
) -> None:
    rows = full(FIRST, LAST)
    rows[0].update(broken)
    httpserver.expect_request(FULL).respond_with_json(rows)
    httpserver.expect_request(ADJUSTED).respond_with_json(adjusted(FIRST, LAST))
    assert says in refused(httpserver, filled, sleeps)


def test_a_number_too_large_for_a_float_is_refused(filled: Path, httpserver: HTTPServer, sleeps: Sleeps) -> None:
    body = json.dumps(full(FIRST, LAST)).replace("9000019", "1e400")
    httpserver.expect_request(FULL).respond_with_data(body)
    httpserver.expect_request(ADJUSTED).respond_with_json(adjusted(FIRST, LAST))
    assert "volume is 'inf'" in refused(httpserver, filled, sleeps)


def test_a_date_in_only_one_endpoint_is_refused_and_named(filled: Path, httpserver: HTTPServer, sleeps: Sleeps) -> None:
    httpserver.expect_request(FULL).respond_with_json(full(FIRST, LAST))
    httpserver.expect_request(ADJUSTED).respond_with_json(adjusted(FIRST, LAST)[1:])
    assert "2024-01-19 in only one of full and dividend-adjusted" in refused(httpserver, filled, sleeps)


def test_sessions_the_vendor_gave_before_and_no_longer_gives_are_not_forgotten(
    filled: Path, httpserver: HTTPServer, sleeps: Sleeps
) -> None:
    httpserver.expect_request(FULL).respond_with_json([])
    httpserver.expect_request(ADJUSTED).respond_with_json([])
    assert "no longer gives 10 sessions it gave before" in refused(httpserver, filled, sleeps)


@pytest.mark.parametrize(("status", "body"), [(200, []), (404, []), (404, {})])
def test_an_unknown_symbol_has_no_bars_and_leaves_no_file(
    tmp_path: Path, httpserver: HTTPServer, sleeps: Sleeps, status: int, body: object
) -> None:
    httpserver.expect_request(FULL).respond_with_json(body, status=status)
    httpserver.expect_request(ADJUSTED).respond_with_json(body, status=status)
    assert vendor(httpserver.url_for(""), tmp_path, sleeps).bars(["JPM"], FIRST, LAST).is_empty()
    assert bars_of(tmp_path) == {}
    assert json.loads((tmp_path / "pull_log.jsonl").read_text())["outcome"] == "empty"


def test_the_legacy_endpoint_answers_where_the_plan_lacks_the_stable_one_and_its_key_is_logged_nowhere(
    tmp_path: Path, httpserver: HTTPServer, sleeps: Sleeps, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request(FULL).respond_with_data(PREMIUM, status=402)
    httpserver.expect_request(LEGACY, query_string={"from": "2024-01-08", "to": "2024-01-19", "apikey": KEY}).respond_with_json(
        legacy(FIRST, LAST)
    )
    frame = vendor(httpserver.url_for(""), tmp_path, sleeps).bars(["JPM"], FIRST, LAST)
    assert frame.height == 10
    assert frame.row(-1, named=True)["adj_close"] == pytest.approx(171.9 * 0.97, abs=1e-12)
    assert frame.row(-1, named=True)["volume"] == 9_000_019  # sent as a float
    assert "apikey" not in dict(httpserver.log[-1][0].headers)
    assert any("apikey=[FMP_API_KEY]" in record.getMessage() for record in caplog.records)
    assert json.loads((tmp_path / "pull_log.jsonl").read_text())["endpoint"] == "legacy"


def test_the_legacy_endpoint_s_empty_object_means_no_bars(tmp_path: Path, httpserver: HTTPServer, sleeps: Sleeps) -> None:
    httpserver.expect_request(FULL).respond_with_data(PREMIUM, status=402)
    httpserver.expect_request(LEGACY).respond_with_json({})
    assert vendor(httpserver.url_for(""), tmp_path, sleeps).bars(["JPM"], FIRST, LAST).is_empty()


def test_a_page_from_the_legacy_endpoint_that_echoes_the_key_is_not_repeated(
    filled: Path, httpserver: HTTPServer, sleeps: Sleeps
) -> None:
    def echo(request: Request) -> Response:
        return Response(f"your request {request.url} was blocked", status=403)

    httpserver.expect_request(FULL).respond_with_data(PREMIUM, status=402)
    httpserver.expect_request(LEGACY).respond_with_handler(echo)
    assert "was blocked" in refused(httpserver, filled, sleeps)


def test_an_index_is_asked_once_and_days_without_a_session_are_left_out(
    tmp_path: Path, httpserver: HTTPServer, sleeps: Sleeps
) -> None:
    rows = [*full(FIRST, LAST, "^VIX"), {"symbol": "^VIX", "date": "2024-01-13", "close": 13.1}]
    httpserver.expect_request(FULL).respond_with_json(rows)
    frame = vendor(httpserver.url_for(""), tmp_path, sleeps).volatility_index("^VIX", FIRST, LAST)
    assert frame["as_of_date"].to_list() == list(weekday_calendar().between(FIRST, LAST))
    assert len(httpserver.log) == 1
    assert (tmp_path / "volatility_index" / "%5EVIX.parquet").is_file()


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "naïve"])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(tmp_path: Path, key: str) -> None:
    logging.getLogger("urllib3").debug("a line, so that the log check can fail")
    with pytest.raises(InputError, match="FMP_API_KEY") as caught:
        FmpVendor(key, tmp_path, weekday_calendar())
    assert key not in chain(caught.value)


@pytest.mark.parametrize(
    "base", ["ftp://x", "financialmodelingprep.com", "https://user:word@x", "http://[::1", "https://x?apikey=1"]
)
def test_a_base_url_that_is_no_service_is_refused(tmp_path: Path, base: str) -> None:
    logging.getLogger("urllib3").debug("a line, so that the log check can fail")
    with pytest.raises(InputError, match="FMP_BASE_URL"):
        FmpVendor(KEY, tmp_path, weekday_calendar(), base_url=base)
