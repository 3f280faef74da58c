from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from pytest_httpserver import HTTPServer

from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.market.vendor import VendorError
from riskdesk_tests.market.fmp_stub import ADJUSTED, FULL, KEY, Sleeps, adjusted, full, vendor, weekday_calendar

NOW = datetime(2024, 1, 20, 12, tzinfo=UTC)  # a Saturday: the newest closed session is Friday the 19th
A, B, C, D = date(2024, 1, 2), date(2024, 1, 8), date(2024, 1, 12), date(2024, 1, 19)


def answer(server: HTTPServer, first: date, last: date, symbol: str = "JPM", factor: float = 0.97) -> None:
    server.clear()
    server.expect_request(FULL).respond_with_json(full(first, last, symbol))
    server.expect_request(ADJUSTED).respond_with_json(adjusted(first, last, symbol, factor))


def pull(server: HTTPServer, folder: Path, first: date, last: date, now: datetime = NOW) -> pl.DataFrame:
    return vendor(server.url_for(""), folder, Sleeps(), now=now).bars(["JPM"], first, last)


def log(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "pull_log.jsonl").read_text().splitlines()]


def test_each_pull_is_logged_with_the_checksum_of_the_file_it_left(tmp_path: Path, httpserver: HTTPServer) -> None:
    answer(httpserver, B, D)
    pull(httpserver, tmp_path, B, D)
    assert log(tmp_path) == [
        {
            "when": "2024-01-20T12:00:00+00:00",
            "endpoint": "stable",
            "kind": "daily_bars",
            "symbol": "JPM",
            "first": "2024-01-08",
            "last": "2024-01-19",
            "rows": 10,
            "sha256": digest_file(tmp_path / "daily_bars" / "JPM.parquet"),
            "outcome": "stored",
        }
    ]
    assert KEY not in (tmp_path / "pull_log.jsonl").read_text()


def test_a_past_range_that_is_all_there_is_served_without_a_call(tmp_path: Path, httpserver: HTTPServer) -> None:
    answer(httpserver, B, D)
    pulled = pull(httpserver, tmp_path, B, D)
    httpserver.clear()
    assert pull(httpserver, tmp_path, B, C).equals(pulled.filter(pl.col("as_of_date") <= C))
    assert httpserver.log == []


def test_a_range_with_the_newest_session_is_always_asked_again(tmp_path: Path, httpserver: HTTPServer) -> None:
    answer(httpserver, B, D)
    pull(httpserver, tmp_path, B, D)
    answer(httpserver, B, D, factor=0.96)
    assert pull(httpserver, tmp_path, B, D)["adj_close"][0] == pytest.approx(170.8 * 0.96, abs=1e-12)
    assert len(httpserver.log) == 2


def test_a_range_with_one_session_missing_is_asked_again_and_not_filled(tmp_path: Path, httpserver: HTTPServer) -> None:
    answer(httpserver, B, C)
    pull(httpserver, tmp_path, B, C)
    answer(httpserver, A, C)
    assert pull(httpserver, tmp_path, A, C).height == 9
    assert len(httpserver.log) == 2


def test_when_the_call_fails_nothing_stale_is_served(tmp_path: Path, httpserver: HTTPServer) -> None:
    answer(httpserver, B, D)
    pull(httpserver, tmp_path, B, D)
    httpserver.clear()
    httpserver.expect_request(FULL).respond_with_data("no", status=500)
    with pytest.raises(VendorError):
        pull(httpserver, tmp_path, B, D)


def test_pulls_that_agree_where_they_overlap_are_served_together(tmp_path: Path, httpserver: HTTPServer) -> None:
    answer(httpserver, A, C)
    pull(httpserver, tmp_path, A, C)
    answer(httpserver, C, D)
    pull(httpserver, tmp_path, C, D)
    httpserver.clear()
    later = datetime(2024, 1, 27, tzinfo=UTC)
    assert pull(httpserver, tmp_path, A, D, later)["as_of_date"].to_list() == list(weekday_calendar().between(A, D))
    assert httpserver.log == []


@pytest.mark.parametrize(("start", "factor"), [(C, 0.96), (date(2024, 1, 15), 0.97)])
def test_pulls_that_a_dividend_lies_between_or_that_do_not_overlap_are_never_served_together(
    tmp_path: Path, httpserver: HTTPServer, start: date, factor: float
) -> None:
    answer(httpserver, A, C)
    pull(httpserver, tmp_path, A, C)
    answer(httpserver, start, D, factor=factor)
    pull(httpserver, tmp_path, start, D)
    answer(httpserver, A, D, factor=factor)
    whole = pull(httpserver, tmp_path, A, D, datetime(2024, 1, 27, tzinfo=UTC))
    assert len(httpserver.log) == 2, "the two pulls' prices do not fit together: the range is asked again"
    assert (whole["adj_close"] / whole["close"]).to_list() == pytest.approx([factor] * whole.height, abs=1e-12)


def test_a_damaged_file_is_not_believed_but_pulled_again(tmp_path: Path, httpserver: HTTPServer) -> None:
    answer(httpserver, B, D)
    pulled = pull(httpserver, tmp_path, B, D)
    path = tmp_path / "daily_bars" / "JPM.parquet"
    changed = pl.read_parquet(path).with_columns(close=pl.col("close") + 1)
    changed.write_parquet(path)
    assert pull(httpserver, tmp_path, B, C).equals(pulled.filter(pl.col("as_of_date") <= C))
    assert len(httpserver.log) == 4
    path.write_bytes(b"PAR1")
    assert pull(httpserver, tmp_path, B, D).equals(pulled)


def test_symbols_that_came_before_a_failure_are_kept(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request(FULL, query_string={"symbol": "BAC", "from": str(B), "to": str(D)}).respond_with_json(
        full(B, D, "BAC")
    )
    httpserver.expect_request(ADJUSTED, query_string={"symbol": "BAC", "from": str(B), "to": str(D)}).respond_with_json(
        adjusted(B, D, "BAC")
    )
    httpserver.expect_request(FULL).respond_with_json({"Error Message": "Invalid API KEY."}, status=401)
    with pytest.raises(VendorError):
        vendor(httpserver.url_for(""), tmp_path, Sleeps()).bars(["JPM", "BAC"], B, D)
    assert [path.name for path in tmp_path.rglob("*.parquet")] == ["BAC.parquet"]
    assert log(tmp_path)[0]["outcome"] == "stored"
    assert str(log(tmp_path)[1]["outcome"]).startswith("failed: ")
