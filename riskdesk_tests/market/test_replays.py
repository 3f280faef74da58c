"""Days of scenarios from history: which ones are asked of whom, what prices their ends, and what is remembered."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from riskdesk_assets.common.scenarios import Scenarios
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, Paths, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.market.fmp import FmpVendor
from riskdesk_assets.market.fmp_http import CallPolicy
from riskdesk_assets.market.history import History, lookback_start
from riskdesk_assets.market.ingest import ingest
from riskdesk_assets.market.replays import replay_rows, windows
from riskdesk_assets.market.vendor import VendorError
from riskdesk_assets.risk_model.scenario_rows import NO_BARS, scenario_rows
from riskdesk_tests.desk_builder import desk_config
from riskdesk_tests.market.bar_rows import frame, plain_rows
from riskdesk_tests.market.fmp_stub import ADJUSTED, FULL, INVALID_KEY, KEY, LEGACY_GONE, PREMIUM, Sleeps

SESSION = date(2025, 6, 2)
NOW = datetime(2025, 6, 4, 12, tzinfo=UTC)
NAMES = ("BAC", "C", "JPM", "WFC")
LISTED = {"WFC": date(2010, 1, 4)}
SPEC = {
    "historical": [
        {"scenario_id": "y2008", "description": "x", "start": "2008-09-15", "end": "2008-09-29"},
        {"scenario_id": "y2020", "description": "x", "start": "2020-02-20", "end": "2020-03-23"},
    ]
}
SCENARIOS = Scenarios.model_validate(SPEC)


def small_config() -> Config:
    config = desk_config()
    symbols = {name: config.universe.symbols[name] for name in NAMES}
    universe = Universe(symbols=symbols, volatility_index="^VIX")
    return config.model_copy(update={"universe": universe, "scenarios": SCENARIOS})


def paths_in(folder: Path) -> Paths:
    return load_paths({"DATA_DIR": str(folder / "data"), "RUNS_DIR": str(folder / "runs")})


def price(symbol: str, day: date) -> float:
    return 50.0 + NAMES.index(symbol) + day.toordinal() % 97 / 10 if symbol in NAMES else 20.0


class Fmp:
    """FMP over loopback with every session of ``calendar``, but for names that were not listed yet."""

    def __init__(self, server: HTTPServer, calendar: SessionCalendar) -> None:
        self.server, self.calendar = server, calendar
        self.refuses_before: dict[date, tuple[int, str]] = {}
        server.expect_request(FULL).respond_with_handler(self._answer)
        server.expect_request(ADJUSTED).respond_with_handler(self._answer)
        server.expect_request(re.compile("/api/v3/.*")).respond_with_json(LEGACY_GONE, status=403)

    def _answer(self, request: Request) -> Response:
        symbol, first, last = (request.args[name] for name in ("symbol", "from", "to"))
        for day, (status, body) in self.refuses_before.items():
            if date.fromisoformat(first) < day:
                return Response(body, status)
        days = self.calendar.between(date.fromisoformat(first), date.fromisoformat(last))
        rows = [self._row(symbol, day) for day in reversed(days) if day >= LISTED.get(symbol, date.min)]
        return Response(json.dumps(rows), 200, content_type="application/json")

    def _row(self, symbol: str, day: date) -> dict[str, object]:
        close = price(symbol, day)
        values = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1000}
        return {"symbol": symbol, "date": str(day), **values, "adjClose": close}

    def asked(self) -> list[tuple[str, str]]:
        """Symbol and first day of every request to the stable endpoints since the last time, and forget them."""
        stable = [request for request, _ in self.server.log if request.path in (FULL, ADJUSTED)]
        found = [(request.args["symbol"], request.args["from"]) for request in stable]
        self.server.log.clear()
        return found

    def ingest(self, folder: Path, now: datetime = NOW) -> History:
        paths, config = paths_in(folder), small_config()
        policy = CallPolicy(connect_seconds=2, read_seconds=5, sleep=Sleeps(), clock=lambda: now)
        vendor = FmpVendor(KEY, paths.cache, self.calendar, base_url=self.server.url_for(""), policy=policy)
        return ingest(vendor, paths, self.calendar, config, SESSION, SESSION, set())


@pytest.fixture
def fmp(httpserver: HTTPServer, calendar: SessionCalendar) -> Fmp:
    return Fmp(httpserver, calendar)


def of_scenario(history: History, scenario_id: str) -> pl.DataFrame:
    tables = (TABLES["instrument_factors_daily"].frame([]), pl.DataFrame(schema=TABLES["instrument_state"].schema))
    rows = scenario_rows(small_config(), *tables, history.replay_bars, [SESSION])
    return rows.filter(pl.col("scenario_id") == scenario_id)


def test_the_days_of_2008_are_asked_of_fmp_once_and_a_name_that_was_not_listed_is_remembered(tmp_path: Path, fmp: Fmp) -> None:
    first = fmp.ingest(tmp_path)
    asked = fmp.asked()
    # 2008-09-12 is the session before, and 2008-09-05 five sessions earlier; two endpoints a name.
    assert [each for each in asked if each[1] < "2010"] == [(name, "2008-09-05") for name in NAMES for _ in range(2)]
    assert fmp.ingest(tmp_path).snapshot == first.snapshot
    assert fmp.asked() == [], "the second ingest of the same session has nothing to ask"
    rows = of_scenario(first, "y2008")
    own = {symbol: price(symbol, date(2008, 9, 29)) / price(symbol, date(2008, 9, 12)) - 1.0 for symbol in NAMES}
    mean = sum(own[name] for name in ("BAC", "C", "JPM")) / 3
    found = {
        symbol: (size, proxied) for symbol, size, proxied in rows.select("symbol", "shocked_return", "proxied").iter_rows()
    }
    assert {name: found[name] for name in ("BAC", "C", "JPM")} == {name: (own[name], False) for name in ("BAC", "C", "JPM")}
    assert found["WFC"] == (pytest.approx(mean, abs=1e-15), True)
    assert rows.filter(pl.col("symbol") == "WFC")["note"].to_list() == [f"{NO_BARS}: the mean of group money_center"]


def test_after_a_month_the_vendor_may_have_learnt_and_is_asked_again_about_that_name_only(tmp_path: Path, fmp: Fmp) -> None:
    fmp.ingest(tmp_path)
    fmp.asked()
    fmp.ingest(tmp_path, NOW + timedelta(days=30))
    assert fmp.asked() == []
    fmp.ingest(tmp_path, NOW + timedelta(days=31))
    assert fmp.asked() == [("WFC", "2008-09-05")] * 2


def test_an_empty_answer_about_days_that_are_not_long_past_is_asked_again(
    tmp_path: Path, fmp: Fmp, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = CallPolicy(sleep=Sleeps(), clock=lambda: NOW)
    vendor = FmpVendor(KEY, tmp_path, fmp.calendar, base_url=fmp.server.url_for(""), policy=policy)
    monkeypatch.setitem(LISTED, "NEW", date(2026, 1, 2))
    for _ in range(2):
        assert vendor.bars(["NEW"], date(2024, 12, 2), date(2024, 12, 31)).is_empty()
    assert len(fmp.asked()) == 4


@pytest.mark.parametrize(
    ("status", "body"), [(402, PREMIUM), (500, "no"), (401, json.dumps(INVALID_KEY))], ids=["plan", "broken", "key"]
)
def test_a_vendor_that_fails_on_the_days_of_a_replay_leaves_the_day_running_and_the_scenario_says_so(
    tmp_path: Path, fmp: Fmp, status: int, body: str
) -> None:
    fmp.refuses_before[date(2010, 1, 1)] = (status, body)
    history = fmp.ingest(tmp_path)
    assert history.session_bars.height == len(NAMES)
    assert of_scenario(history, "y2008").select("symbol", "shocked_return", "note").rows() == [("", None, NO_BARS)]
    assert set(of_scenario(history, "y2020")["symbol"]) == set(NAMES), "what the plan covers is there"
    # It is not asked name by name once it has refused.
    assert {symbol for symbol, first in fmp.asked() if first < "2010"} == {"BAC"}


class Shelf:
    """A vendor that gives what it holds, and remembers what it was asked."""

    source = "FILES"

    def __init__(self, bars: pl.DataFrame) -> None:
        self.held, self.asked = bars, list[tuple[date, date]]()

    def bars(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        self.asked.append((first, last))
        return self.held.filter(pl.col("symbol").is_in(list(symbols)), pl.col("as_of_date").is_between(first, last))

    def volatility_index(self, symbol: str, first: date, last: date) -> pl.DataFrame:
        raise VendorError(f"no {symbol} from {first} to {last}")


def one_window(calendar: SessionCalendar, bars: pl.DataFrame, start: date) -> tuple[pl.DataFrame, Shelf]:
    march = Scenarios.model_validate({"historical": [SPEC["historical"][1]]})
    shelf = Shelf(bars)
    found = replay_rows(shelf, NAMES, bars.filter(pl.col("as_of_date") >= start), start, SESSION, march, calendar)
    return found, shelf


def without(bars: pl.DataFrame, symbol: str, first: date, last: date) -> pl.DataFrame:
    return bars.filter((pl.col("symbol") != symbol) | ~pl.col("as_of_date").is_between(first, last))


def test_an_end_is_priced_by_the_last_usable_bar_within_five_sessions_and_by_none_that_is_older(
    calendar: SessionCalendar,
) -> None:
    bars = frame([row for name in NAMES for row in plain_rows(calendar, name, date(2020, 1, 2), date(2020, 4, 1))])
    before, end = date(2020, 2, 19), date(2020, 3, 23)
    # Five sessions before 2020-02-19 is 2020-02-11 (Washington's birthday is none); before 2020-03-23 it is 2020-03-16.
    bars = without(bars, "BAC", date(2020, 2, 12), before)
    bars = without(bars, "C", date(2020, 2, 11), before)
    bars = without(bars, "JPM", date(2020, 3, 17), end)
    bars = without(bars, "WFC", date(2020, 3, 16), end)
    bad = (pl.col("symbol") == "JPM") & (pl.col("as_of_date") == before)
    bars = bars.with_columns(adj_close=pl.when(bad).then(float("nan")).otherwise("adj_close"))
    found, shelf = one_window(calendar, bars, date(2024, 1, 2))
    assert shelf.asked == [(date(2020, 2, 11), end)]
    assert {(symbol, day) for symbol, day in found.select("symbol", "as_of_date").iter_rows()} == {
        ("BAC", date(2020, 2, 11)), ("BAC", end), ("C", end), ("JPM", date(2020, 2, 18)), ("JPM", date(2020, 3, 16)),
        ("WFC", before),
    }  # fmt: skip


def test_a_price_from_before_the_start_is_no_end_of_a_short_stretch(calendar: SessionCalendar) -> None:
    spec = {"scenario_id": "short", "description": "x", "start": "2023-03-09", "end": "2023-03-13"}
    (window,) = windows(Scenarios.model_validate({"historical": [spec]}), calendar, SESSION)
    assert (window.before, window.closes, window.end) == (date(2023, 3, 8), date(2023, 3, 9), date(2023, 3, 13))


def test_a_stretch_within_the_bars_already_pulled_is_asked_of_nobody_and_gives_the_same_rows(calendar: SessionCalendar) -> None:
    bars = frame([row for name in NAMES for row in plain_rows(calendar, name, date(2020, 1, 2), date(2020, 4, 1))])
    inside, shelf = one_window(calendar, bars, date(2020, 2, 11))
    assert shelf.asked == []
    # With the margin's first session before the bars, the vendor is asked: the rows may not depend on where bars begin.
    outside, shelf = one_window(calendar, bars, date(2020, 2, 12))
    assert shelf.asked == [(date(2020, 2, 11), date(2020, 3, 23))]
    assert inside.equals(outside)


def test_a_stretch_that_is_not_over_or_older_than_the_calendar_is_left_out(calendar: SessionCalendar) -> None:
    old = {"scenario_id": "old", "description": "x", "start": "1987-10-14", "end": "1987-10-19"}
    first = {"scenario_id": "first", "description": "x", "start": "2000-01-01", "end": "2000-01-07"}
    scenarios = Scenarios.model_validate({"historical": [*SPEC["historical"], old, first]})
    assert [each.scenario_id for each in windows(scenarios, calendar, date(2020, 3, 20))] == ["y2008"]
    assert [each.scenario_id for each in windows(scenarios, calendar, date(2020, 3, 23))] == ["y2008", "y2020"]


def test_the_bars_of_the_lookback_do_not_reach_the_stretches_of_this_file() -> None:
    """Else the tests above would not ask the vendor at all."""
    from riskdesk_tests.desk_builder import calendar as desk_calendar

    assert lookback_start(desk_calendar(), small_config(), SESSION) > date(2020, 4, 1)
