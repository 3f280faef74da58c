from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from riskdesk_assets.common.feature_settings import QualitySettings
from riskdesk_assets.common.sessions import SessionCalendar
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.universe import Universe
from riskdesk_assets.market import quality
from riskdesk_assets.market.files import FilesVendor
from riskdesk_assets.market.ingest import bar_findings
from riskdesk_assets.market.quality import (
    BAD_PRICE,
    DUPLICATE_BAR,
    NOT_A_SESSION,
    OFF_LEVEL,
    STALE_PRINT,
    check_bars,
    check_volatility_index,
    usable,
)
from riskdesk_tests.desk_builder import desk_config, history_of_bars, sample_volatility
from riskdesk_tests.market.bar_rows import Row, frame, plain_rows
from riskdesk_tests.market.fmp_stub import weekday_calendar

FIRST, LAST = date(2024, 3, 4), date(2024, 3, 28)
HISTORY = date(2024, 2, 12)
DAY = date(2024, 3, 20)
BEFORE = date(2024, 3, 19)
FIVE = ("open", "high", "low", "close", "adj_close")
HARD = (BAD_PRICE, OFF_LEVEL, STALE_PRINT, DUPLICATE_BAR, NOT_A_SESSION)
Found = list[tuple[str, date, str, str]]


def hard_faults(findings: pl.DataFrame) -> pl.DataFrame:
    """The bars with a finding that makes them count as none."""
    key = ("symbol", "as_of_date")
    return findings.filter(pl.col("check_name").is_in(HARD)).select(key).unique().sort(key)


@pytest.fixture
def rows(calendar: SessionCalendar) -> dict[tuple[str, date], Row]:
    both = [*plain_rows(calendar, "JPM", HISTORY, LAST), *plain_rows(calendar, "BAC", HISTORY, LAST)]
    return {(str(row["symbol"]), row["as_of_date"]): row for row in both}  # type: ignore[misc]


@pytest.fixture
def found(calendar: SessionCalendar, settings: QualitySettings) -> Callable[..., Found]:
    def check(rows: list[Row], needed: object = frozenset({"JPM"})) -> Found:
        findings = check_bars(frame(rows), calendar, ["JPM", "BAC"], FIRST, LAST, needed, settings)  # type: ignore[arg-type]
        return findings.select("symbol", "as_of_date", "check_name", "severity").rows()

    return check


def test_sound_bars_have_no_finding(rows: dict[tuple[str, date], Row], found: Callable[..., Found]) -> None:
    assert found(list(rows.values())) == []


def test_a_missing_session_is_an_error_only_where_a_ticket_needs_the_name(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found]
) -> None:
    del rows["JPM", DAY], rows["BAC", BEFORE]
    assert found(list(rows.values())) == [
        ("BAC", BEFORE, "missing_session", "WARN"),
        ("JPM", DAY, "missing_session", "ERROR"),
    ]
    per_date = {BEFORE: {"BAC"}, DAY: {"BAC"}}
    assert [severity for *_, severity in found(list(rows.values()), per_date)] == ["ERROR", "WARN"]


def test_a_session_without_a_usable_value_of_the_volatility_index_is_a_missing_session(calendar: SessionCalendar) -> None:
    days = calendar.between(FIRST, LAST)
    closes = dict.fromkeys(days, 15.0) | {days[1]: math.nan, days[2]: 0.0, days[3]: None}
    del closes[days[0]]
    rows = [{"as_of_date": day, "symbol": "^VIX", "close": close, "source": "FILES"} for day, close in closes.items()]
    volatility = TABLES["volatility_index"].frame([*rows, {**rows[5], "as_of_date": days[0], "symbol": "^MOVE"}])
    found = check_volatility_index(volatility, "^VIX", calendar, FIRST, LAST)
    assert found.select("as_of_date", "symbol", "check_name", "severity", "value").rows() == [
        (days[0], "^VIX", "missing_session", "WARN", None),
        (days[1], "^VIX", "missing_session", "WARN", None),
        (days[2], "^VIX", "missing_session", "WARN", 0.0),
        (days[3], "^VIX", "missing_session", "WARN", None),
    ]
    said = ["has no value", "is NaN", "is 0.0", "has no value"]
    assert [message.split(":")[0] for message in found["message"]] == said
    assert all(message.endswith("reads the universe's mean vol_20 in its place") for message in found["message"])
    alone = check_volatility_index(volatility, "^VIX", calendar, days[2], days[2])
    assert alone.equals(found.filter(pl.col("as_of_date") == days[2]))
    assert check_volatility_index(volatility.head(0), None, calendar, FIRST, LAST).is_empty()


def test_the_findings_of_a_range_are_of_its_bars_and_of_its_volatility_index() -> None:
    config, day = desk_config(), date(2024, 3, 20)
    volatility = sample_volatility().filter(pl.col("as_of_date") != day)
    nothing = TABLES["ticket_snapshots"].frame([])
    history = history_of_bars(config, FIRST, LAST, volatility=volatility)
    assert bar_findings(history, nothing, config).select("as_of_date", "symbol", "check_name").rows() == [
        (day, "^VIX", "missing_session")
    ]
    assert bar_findings(history_of_bars(config, FIRST, LAST), nothing, config).is_empty()


def test_a_session_on_which_nothing_printed_is_behind(rows: dict[tuple[str, date], Row], found: Callable[..., Found]) -> None:
    del rows["JPM", LAST], rows["BAC", LAST]
    assert ("*", LAST, "behind_session", "ERROR") in found(list(rows.values()))
    assert len(found(list(rows.values()))) == 3


def test_a_bar_on_a_holiday_and_on_a_saturday_is_an_error(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found], calendar: SessionCalendar, settings: QualitySettings
) -> None:
    saturday = date(2024, 3, 23)
    bars = [*rows.values(), {**rows["BAC", DAY], "as_of_date": saturday}]
    assert found(bars) == [("BAC", saturday, "not_a_session", "ERROR")]
    good_friday = frame([{**rows["BAC", DAY], "as_of_date": date(2024, 3, 29)}])
    findings = check_bars(good_friday, calendar, ["BAC"], date(2024, 3, 29), date(2024, 3, 29), set(), settings)
    assert findings["check_name"].to_list() == ["not_a_session"]


def test_two_bars_of_one_session_are_an_error_and_neither_is_used(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found], calendar: SessionCalendar, settings: QualitySettings
) -> None:
    bars = [*rows.values(), {**rows["BAC", DAY], "close": 1.0}]
    assert found(bars) == [("BAC", DAY, "duplicate_bar", "ERROR")]
    assert (
        usable(frame(bars), calendar, settings).filter((pl.col("symbol") == "BAC") & (pl.col("as_of_date") == DAY)).is_empty()
    )


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "adj_close"])
@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf"), None])
def test_a_price_that_is_none_is_an_error_and_only_that(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found], field: str, price: float | None
) -> None:
    rows["BAC", DAY][field] = price
    assert found(list(rows.values())) == [("BAC", DAY, "bad_price", "ERROR")]


def test_a_negative_volume_is_a_bad_bar(rows: dict[tuple[str, date], Row], found: Callable[..., Found]) -> None:
    rows["BAC", DAY]["volume"] = -5
    assert found(list(rows.values())) == [("BAC", DAY, "bad_price", "ERROR")]


@pytest.mark.parametrize(
    ("field", "beyond"),
    [("high", -1.01), ("low", 1.01), ("open", 1.51), ("open", -1.01)],
)
def test_a_high_or_low_that_does_not_enclose_the_bar_is_found(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found], field: str, beyond: float
) -> None:
    row = rows["JPM", DAY]
    row[field] = float(str(row["open"])) + beyond if field == "open" else float(str(row[field])) + beyond
    assert found(list(rows.values())) == [("JPM", DAY, "high_low", "ERROR")]
    assert found(list(rows.values()), set()) == [("JPM", DAY, "high_low", "WARN")]


@pytest.mark.parametrize(("factor", "wanted"), [(1.28, 0), (1.29, 2), (0.782, 0), (0.775, 2)])
def test_a_return_beyond_a_quarter_in_logs_is_a_warning_there_and_back(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found], factor: float, wanted: int
) -> None:
    # ln 1.28 = 0.2469 and ln 0.782 = -0.2459, ln 1.29 = 0.2546 and ln 0.775 = -0.2549; the bar itself rises 0.1% a day.
    row = rows["JPM", DAY]
    for field in ("open", "high", "low", "close", "adj_close"):
        row[field] = float(str(row[field])) * factor
    warned = found(list(rows.values()))
    assert all(finding[2:] == ("large_return", "WARN") for finding in warned)
    assert len(warned) == wanted


def _times(row: Row, factor: float) -> None:
    """Every price of a bar times the factor."""
    row.update({field: float(str(row[field])) * factor for field in FIVE})


@pytest.mark.parametrize("factor", [10.0, 3.35, 0.29, 0.01])
def test_a_price_no_session_can_reach_is_no_bar_and_the_right_one_after_it_is_one(
    rows: dict[tuple[str, date], Row],
    found: Callable[..., Found],
    calendar: SessionCalendar,
    settings: QualitySettings,
    factor: float,
) -> None:
    # ln 3.35 = 1.209, ln 0.29 = -1.238: beyond 1.2, there and back; 3.3 and 0.31 are not.
    _times(rows["BAC", DAY], factor)
    assert found(list(rows.values())) == [("BAC", DAY, "off_level", "ERROR")]
    bars = frame(list(rows.values()))
    assert set(bars.rows()) - set(usable(bars, calendar, settings).rows()) == set(
        bars.filter((pl.col("symbol") == "BAC") & (pl.col("as_of_date") == DAY)).rows()
    )


@pytest.mark.parametrize("factor", [3.3, 0.31])
def test_a_price_a_session_can_reach_is_a_warning_and_a_bar(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found], factor: float
) -> None:
    _times(rows["BAC", DAY], factor)
    assert {finding[2:] for finding in found(list(rows.values()))} == {("large_return", "WARN")}


def test_the_finding_says_what_it_was_compared_with_and_which_setting_takes_it(
    rows: dict[tuple[str, date], Row], calendar: SessionCalendar, settings: QualitySettings
) -> None:
    _times(rows["BAC", LAST], 10)
    bars = frame(list(rows.values()))
    (said,) = check_bars(bars, calendar, ["BAC"], FIRST, LAST, set(), settings)["message"]
    assert said.startswith("is no bar: adj_close 1037.0 is 10.0097 times the 103.6 it traded at")
    assert "raise quality.max_possible_log_return (1.2) above 2.31" in said
    raised = settings.model_copy(update={"max_possible_log_return": 2.31})
    findings = check_bars(bars, calendar, ["BAC"], FIRST, LAST, set(), raised)
    assert findings.select("check_name", "severity").rows() == [("large_return", "WARN")]
    assert usable(bars, calendar, raised).height == bars.height


def test_a_level_is_the_names_own_once_most_of_ten_sessions_stand_on_it(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found], calendar: SessionCalendar
) -> None:
    after = calendar.between(DAY, LAST)
    for day in after:
        _times(rows["BAC", day], 10)
    assert found(list(rows.values())) == [
        *(("BAC", day, "off_level", "ERROR") for day in after[:6]),
        ("BAC", after[6], "large_return", "WARN"),
    ]


def test_a_fall_over_several_sessions_is_none_however_deep(
    rows: dict[tuple[str, date], Row], calendar: SessionCalendar, settings: QualitySettings
) -> None:
    for days, day in enumerate(calendar.between(DAY, LAST)):
        _times(rows["BAC", day], 0.4 ** (days + 1))
    bars = frame(list(rows.values()))
    assert usable(bars, calendar, settings).height == bars.height


def test_only_a_bound_beyond_the_one_that_is_told_can_be_set(settings: QualitySettings) -> None:
    with pytest.raises(ValueError, match=r"max_possible_log_return 0\.2 is not above max_abs_log_return 0\.25"):
        QualitySettings(**{**settings.model_dump(), "max_possible_log_return": 0.2})


def test_a_close_that_stands_still_without_volume_is_stale(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found]
) -> None:
    before = rows["JPM", BEFORE]
    rows["JPM", DAY].update(dict.fromkeys(FIVE, before["close"]) | {"volume": 0})
    assert found(list(rows.values())) == [("JPM", DAY, "stale_print", "ERROR")]
    assert found(list(rows.values()), set()) == [("JPM", DAY, "stale_print", "WARN")]
    rows["JPM", DAY]["volume"] = 1
    assert found(list(rows.values())) == []


def test_a_close_that_moved_without_volume_is_not_stale(rows: dict[tuple[str, date], Row], found: Callable[..., Found]) -> None:
    rows["JPM", DAY]["volume"] = 0
    assert found(list(rows.values())) == []


@pytest.mark.parametrize(("absent", "wanted"), [(9, ["large_return"]), (10, [])])
def test_a_bar_is_compared_with_one_at_most_ten_sessions_before(
    rows: dict[tuple[str, date], Row], calendar: SessionCalendar, settings: QualitySettings, absent: int, wanted: list[str]
) -> None:
    gap = calendar.between(date(2024, 3, 5), LAST)[: absent + 1]
    for day in gap[:-1]:
        del rows["JPM", day]
    for day in calendar.between(gap[-1], LAST):
        rows["JPM", day].update({field: float(str(rows["JPM", day][field])) * 2 for field in FIVE})
    for history in (HISTORY, calendar.before(gap[-1], quality.HISTORY_SESSIONS)):
        given_bars = frame([row for (_, day), row in rows.items() if day >= history])
        findings = check_bars(given_bars, calendar, ["JPM"], gap[-1], gap[-1], {"JPM"}, settings)
        assert findings["check_name"].to_list() == wanted


def test_stale_prints_count_only_from_the_configured_run_on(
    rows: dict[tuple[str, date], Row], calendar: SessionCalendar, settings: QualitySettings
) -> None:
    close = rows["JPM", BEFORE]["close"]
    run = calendar.between(DAY, LAST)[:3]
    for day in run:
        rows["JPM", day].update(dict.fromkeys(FIVE, close) | {"volume": 0})
    third = settings.model_copy(update={"stale_sessions": 3})
    findings = check_bars(frame(list(rows.values())), calendar, ["JPM"], FIRST, LAST, {"JPM"}, third)
    assert findings.filter(pl.col("check_name") == "stale_print")["as_of_date"].to_list() == [run[2]]


@pytest.mark.parametrize(
    ("paid", "wanted"),
    [(0.149, False), (0.152, True), (0.010, False), (-0.010, True), (0.0, False)],
)
def test_adj_close_may_move_against_close_by_a_dividend_and_no_more(
    rows: dict[tuple[str, date], Row], found: Callable[..., Found], calendar: SessionCalendar, paid: float, wanted: bool
) -> None:
    # A dividend of `paid` of the price at DAY scales every earlier adj_close by 1 - paid.
    for (symbol, day), row in rows.items():
        if symbol == "JPM" and day < DAY:
            row["adj_close"] = float(str(row["close"])) * (1 - paid)
    assert found(list(rows.values())) == ([("JPM", DAY, "adjustment_jump", "ERROR")] if wanted else [])


def test_a_split_in_raw_closes_is_no_adjustment_jump(rows: dict[tuple[str, date], Row], found: Callable[..., Found]) -> None:
    for (symbol, day), row in rows.items():
        if symbol == "JPM" and day < DAY:
            for field in ("open", "high", "low", "close"):
                row[field] = float(str(row[field])) * 2
    assert found(list(rows.values())) == []


def test_hard_faults_are_the_bars_that_count_as_none(
    rows: dict[tuple[str, date], Row], calendar: SessionCalendar, settings: QualitySettings
) -> None:
    rows["BAC", DAY]["close"] = 0.0
    rows["JPM", DAY]["high"] = 1.0
    del rows["JPM", LAST]
    findings = check_bars(frame(list(rows.values())), calendar, ["JPM", "BAC"], FIRST, LAST, {"JPM"}, settings)
    assert set(findings["check_name"]) == {"bad_price", "high_low", "missing_session"}
    assert hard_faults(findings).rows() == [("BAC", DAY)]


def test_the_last_print_of_silicon_valley_bank_is_no_bar(
    real_bars: Path, calendar: SessionCalendar, settings: QualitySettings
) -> None:
    bars = FilesVendor(real_bars, calendar).bars(["SIVB"], date(2022, 12, 13), date(2023, 3, 10))
    findings = check_bars(bars, calendar, ["SIVB"], date(2023, 1, 3), date(2023, 3, 10), {"SIVB"}, settings)
    # facts.md: 2023-03-09 fell 60% on volume, a real return; 2023-03-10 is a stale 106.04 with volume 0.
    assert findings.select("as_of_date", "check_name", "severity").rows() == [
        (date(2023, 3, 9), "large_return", "WARN"),
        (date(2023, 3, 10), "stale_print", "ERROR"),
    ]
    assert hard_faults(findings).rows() == [("SIVB", date(2023, 3, 10))]
    assert usable(bars, calendar, settings)["as_of_date"].max() == date(2023, 3, 9)


def test_no_real_bar_is_off_the_level_of_its_name(
    real_bars: Path, calendar: SessionCalendar, universe: Universe, settings: QualitySettings
) -> None:
    symbols, first, last = universe.watched, date(2015, 1, 2), date(2025, 12, 31)
    bars = FilesVendor(real_bars, calendar).bars(symbols, first, last)
    assert bars["symbol"].n_unique() > 20
    assert OFF_LEVEL not in set(check_bars(bars, calendar, symbols, first, last, set(symbols), settings)["check_name"])


def test_ten_years_of_real_bank_bars_hold_only_what_really_happened(
    real_bars: Path, calendar: SessionCalendar, settings: QualitySettings
) -> None:
    symbols = ["COF", "KEY", "JPM", "XLF", "FITB"]
    bars = FilesVendor(real_bars, calendar).bars(symbols, date(2015, 1, 2), date(2024, 4, 11))
    findings = check_bars(bars, calendar, symbols, date(2015, 1, 2), date(2024, 4, 11), set(symbols), settings)
    assert findings.select("as_of_date", "symbol", "check_name").rows() == [
        (date(2016, 9, 19), "XLF", "adjustment_jump"),  # the real-estate spin-off (facts.md)
        (date(2020, 3, 16), "COF", "large_return"),
        (date(2023, 3, 13), "KEY", "large_return"),
    ]


_DAYS = weekday_calendar().between(date(2024, 2, 1), date(2024, 3, 29))
_FAULTS = st.lists(
    st.tuples(
        st.sampled_from(["JPM", "BAC"]),
        st.integers(0, len(_DAYS) - 1),
        st.sampled_from(["gone", "zero", "still", "double", "high", "jump", "typo", "weekend"]),
    ),
    max_size=14,
)


@hypothesis_settings(derandomize=True, deadline=None, max_examples=40)
@given(faults=_FAULTS, start=st.integers(12, len(_DAYS) - 2), length=st.integers(1, 6))
def test_a_date_checked_alone_finds_what_it_finds_in_a_range(
    faults: list[tuple[str, int, str]], start: int, length: int
) -> None:
    calendar = weekday_calendar()
    settings = QualitySettings(max_abs_log_return=0.25, max_possible_log_return=1.2, max_dividend_yield=0.15, stale_sessions=2)
    rows = {
        (str(r["symbol"]), r["as_of_date"]): r for s in ("JPM", "BAC") for r in plain_rows(calendar, s, _DAYS[0], _DAYS[-1])
    }
    extra: list[Row] = []
    for symbol, place, fault in faults:
        row = rows.get((symbol, _DAYS[place]))
        if row is None:
            continue
        if fault == "gone":
            del rows[symbol, _DAYS[place]]
        elif fault == "zero":
            row["close"] = 0.0
        elif fault == "still":
            row.update({"close": 100.0, "volume": 0})
        elif fault == "double":
            extra.append(dict(row))
        elif fault == "high":
            row["high"] = 1.0
        elif fault == "jump":
            row["adj_close"] = 300.0
        elif fault == "typo":
            _times(row, 10)
        else:
            extra.append({**row, "as_of_date": _DAYS[place] + timedelta(days=5 - _DAYS[place].weekday())})
    bars = frame([*rows.values(), *extra])
    last = min(start + length, len(_DAYS) - 1)
    whole = check_bars(bars, calendar, ["JPM", "BAC"], _DAYS[start], _DAYS[last], {"JPM"}, settings)
    for place in range(start, last + 1):
        day = _DAYS[place]
        history = bars.filter(pl.col("as_of_date").is_between(_DAYS[max(0, place - quality.HISTORY_SESSIONS)], day))
        alone = check_bars(history, calendar, ["JPM", "BAC"], day, day, {"JPM"}, settings)
        assert alone.equals(whole.filter(pl.col("as_of_date") == day))
        bars_of_day = usable(bars.filter(pl.col("as_of_date") <= day), calendar, settings).filter(pl.col("as_of_date") == day)
        assert usable(history, calendar, settings).filter(pl.col("as_of_date") == day).equals(bars_of_day)
