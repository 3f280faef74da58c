"""Which sessions a run without dates is about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.settings import Config, load_config, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.interfaces.wanted_sessions import asked_sessions, catching_up, newest_session, prices_reach
from riskdesk_assets.market.files import FilesVendor
from riskdesk_assets.market.newest import Reach
from riskdesk_tests.interfaces.conftest import DeskFolder

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 1, day) for day in (26, 27, 28, 29))


@pytest.fixture
def calendar(built: DeskFolder) -> SessionCalendar:
    return built.calendar


def reach(session: date, ends: date | None = None, missing: tuple[str, ...] = ()) -> Reach:
    """Prices that reach to a session for all names, and to ``ends`` for those that are not missing."""
    return Reach(session, THURSDAY, ends or session, missing, ())


@pytest.fixture
def config(built: DeskFolder) -> Config:
    return load_config(load_paths(built.environ), {})


def warehouse_at(folder: Path, *sessions: date, rewritten: date | None = None) -> Warehouse:
    """A warehouse with a chain of desk states; the state of ``rewritten`` has changed since the next one was computed."""
    rows = []
    for place, session in enumerate(sessions):
        previous = sessions[place - 1] if place else None
        rows.append(
            {
                "run_id": "r",
                "as_of_date": session,
                "state_hash": f"new {session}" if session == rewritten else str(session),
                "previous_session": previous,
                "previous_state_hash": str(previous) if previous else "genesis",
                "released": True,
                "release_status": "RELEASED",
                "release_reason": "",
                "equity": 0.0,
                "inputs_json": "{}",
                "state_json": "{}",
                "pnl_gross": 0.0,
                "ex_ante_volatility": 0.0,
                "var_95": 0.0,
                "var_99": 0.0,
                "trading_state": "ACTIVE",
                "halt_trigger": None,
                "halt_reason": None,
                "halt_since": None,
                "halted_tickets": "",
            }
        )
    warehouse = Warehouse(folder / "w.duckdb")
    warehouse.write(sessions[0], sessions[-1], {"desk_state": TABLES["desk_state"].frame(rows)})
    return warehouse


def test_an_empty_desk_starts_as_many_sessions_back_as_the_config_says(
    tmp_path: Path, calendar: SessionCalendar, config: Config
) -> None:
    wanted = catching_up(reach(THURSDAY), Warehouse(tmp_path / "none.duckdb"), config, calendar)
    assert wanted.last == THURSDAY
    assert len(calendar.between(wanted.first, wanted.last)) == config.desk.genesis_sessions + 1
    assert "no book yet" in wanted.why


def test_a_desk_that_is_behind_catches_up_from_the_session_after_its_newest(
    tmp_path: Path, calendar: SessionCalendar, config: Config
) -> None:
    wanted = catching_up(reach(THURSDAY), warehouse_at(tmp_path, MONDAY, TUESDAY), config, calendar)
    assert (wanted.first, wanted.last) == (WEDNESDAY, THURSDAY)


def test_a_desk_that_is_there_computes_its_newest_session_again(
    tmp_path: Path, calendar: SessionCalendar, config: Config
) -> None:
    wanted = catching_up(reach(TUESDAY), warehouse_at(tmp_path, MONDAY, TUESDAY), config, calendar)
    assert (wanted.first, wanted.last) == (TUESDAY, TUESDAY)
    assert "already" in wanted.why


def test_a_stale_desk_starts_from_the_first_stale_session(tmp_path: Path, calendar: SessionCalendar, config: Config) -> None:
    warehouse = warehouse_at(tmp_path, MONDAY, TUESDAY, WEDNESDAY, rewritten=MONDAY)
    wanted = catching_up(reach(THURSDAY), warehouse, config, calendar)
    assert (wanted.first, wanted.last) == (TUESDAY, THURSDAY)
    assert "stale" in wanted.why


def test_a_desk_that_is_ahead_of_its_prices_is_refused(tmp_path: Path, calendar: SessionCalendar, config: Config) -> None:
    with pytest.raises(InputError, match=f"stands at {THURSDAY}, but .* only up to {TUESDAY}"):
        catching_up(reach(TUESDAY), warehouse_at(tmp_path, WEDNESDAY, THURSDAY), config, calendar)


@pytest.mark.parametrize(
    ("prices", "who"),
    [
        (reach(TUESDAY), f"the price source ends on {TUESDAY}"),
        (reach(TUESDAY, THURSDAY, ("MS",)), f"no usable bar of MS on {THURSDAY}"),
        (reach(TUESDAY, WEDNESDAY, tuple("ABCDEFG")), f"no usable bar of A, B, C, D, E and 2 more on {WEDNESDAY}"),
    ],
)
def test_the_refusal_names_who_is_in_the_way(
    tmp_path: Path, calendar: SessionCalendar, config: Config, prices: Reach, who: str
) -> None:
    with pytest.raises(InputError, match=rf"only up to {TUESDAY}: {who}"):
        catching_up(prices, warehouse_at(tmp_path, WEDNESDAY, THURSDAY), config, calendar)


def test_a_range_between_days_without_sessions_is_the_sessions_inside(calendar: SessionCalendar) -> None:
    # 2026-01-17/18 a weekend, 2026-01-19 Martin Luther King Day, 2026-01-24/25 a weekend.
    wanted = asked_sessions(calendar, None, date(2026, 1, 17), date(2026, 1, 25), datetime(2026, 2, 1, tzinfo=UTC))
    assert (wanted.first, wanted.last) == (date(2026, 1, 20), date(2026, 1, 23))
    assert wanted.why.startswith("4 sessions")


def test_a_range_may_end_on_a_holiday_to_come_when_no_session_in_it_is_open(calendar: SessionCalendar) -> None:
    # Friday evening in New York: the range ends on the Sunday after it.
    now = datetime(2026, 1, 23, 22, 0, tzinfo=UTC)
    assert asked_sessions(calendar, None, date(2026, 1, 23), date(2026, 1, 25), now).last == date(2026, 1, 23)
    with pytest.raises(InputError, match="2026-01-26 has not closed"):
        asked_sessions(calendar, None, date(2026, 1, 23), date(2026, 1, 26), now)


def test_the_newest_session_is_the_last_one_every_ticketed_name_has_a_bar_for(
    empty: DeskFolder, calendar: SessionCalendar, config: Config
) -> None:
    for path in empty.active.glob("*.yaml"):
        if path.stem != "jpm-bac-reversion":
            path.unlink()
    prices = empty.root / "prices"
    prices.mkdir()
    numbers = {"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "adj_close": 10.0, "volume": 5}
    sessions = calendar.between(date(2020, 1, 2), THURSDAY)
    last = {"JPM": THURSDAY, "BAC": TUESDAY, "MS": MONDAY}
    rows = [
        {"symbol": symbol, "date": session, **numbers} for symbol, end in last.items() for session in sessions if session <= end
    ]
    pl.DataFrame(rows).write_parquet(prices / "bars.parquet")
    vendor = FilesVendor(prices, calendar)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    assert newest_session(vendor, load_paths(empty.environ), config, calendar, now) == TUESDAY
    found = prices_reach(vendor, load_paths(empty.environ), config, calendar, now)
    assert (found.session, found.ends, found.missing) == (TUESDAY, THURSDAY, ("BAC",))
