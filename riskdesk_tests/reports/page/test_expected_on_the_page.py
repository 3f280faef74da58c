"""Expected P&L on the page and in the UI: figures of their rows, laggards first."""

from __future__ import annotations

from base64 import b64decode
from datetime import date
from pathlib import Path
from shutil import copytree
from xml.etree import ElementTree

import polars as pl
import pytest
from dagster import materialize

from riskdesk_assets import expected_pnl, total_expected_pnl
from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.resources import DeskResource
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.assets import expected_pnl_asset
from riskdesk_assets.reports.page.content import PageContent
from riskdesk_assets.reports.page.expected import chart_image, cumulated
from riskdesk_assets.reports.page.headline import session_pnl
from riskdesk_assets.reports.page.numerals import dollars, percent
from riskdesk_assets.reports.page.page import desk_page
from riskdesk_tests.desk_builder import calendar
from riskdesk_tests.desk_on_disk import DeskFolder
from riskdesk_tests.reports.page.pages import DAYS, HOSTILE, LAST, Reader, Walked, emptied, with_rows

BUSY = ("RV", "Spread", "Systematic")  # the buckets of the strategies its tickets name


def test_every_figure_of_expected_pnl_is_that_of_its_row(content: PageContent) -> None:
    shown = Reader(desk_page(content)).rows("expected")
    rows = {str(row["name"]): row for row in content.rows("expected_pnl") if row["scope"] != "STRATEGY"}
    assert list(shown) == [*BUSY, "Total"]  # the idle buckets are left out
    assert {str(row["name"]) for row in rows.values() if row["status"] == "IDLE"} == {*BUCKETS} - {*BUSY}
    for name, said in shown.items():
        row = rows["TOTAL" if name == "Total" else name]
        money = [dollars(row[column]) for column in ("capital", "employed", "expected_week", "expected_day")]  # type: ignore[arg-type]
        assert [said[0], said[1], said[4], said[5]] == money
        assert said[6] == dollars(row["expected_day_employed"])  # type: ignore[arg-type]
        assert said[7:9] == [dollars(row[column], signed=True) for column in ("realized", "forecast")]  # type: ignore[arg-type]
    for name in BUSY:
        assert shown[name][2:4] == [percent(rows[name]["base_return"], 2), f"{rows[name]['env_factor']:.2f}"]  # type: ignore[arg-type]


def test_a_status_stands_beside_both_expectations_and_says_which_it_is_judged_on(content: PageContent) -> None:
    # 20 days of 2,250 on allocated and of 500 on employed: 6,000 is 60% of the one and 13% of the other.
    judged = {"window_sessions": 20, "window_realized": 6_000.0, "window_expected": 45_000.0, "window_employed": 10_000.0}
    judged |= {"realized_ratio": 6 / 45, "employed_ratio": 0.6}
    rows = [{**row, **judged, "status": "ON_TRACK"} if row["scope"] == "TOTAL" else row for row in content.rows("expected_pnl")]
    read = Reader(desk_page(with_rows(content, "expected_pnl", rows)))
    assert read.rows("expected-judged")["Total"] == ["20", "+$6,000", "+$45,000", "13%", "+$10,000", "60%", "on track"]
    assert list(read.rows("expected-judged")) == list(read.rows("expected"))
    for words in (
        "expected +$45,000 on allocated, +$10,000 on employed",
        "realized is 60% of expected on employed, 13% on allocated",
        "so the status is judged on the capital employed",
        "realized below 50% of what was expected on employed",
    ):
        assert words in read.words, words


def test_the_two_pnls_of_a_session_are_told_apart_and_each_is_what_the_page_says(content: PageContent) -> None:
    words = Reader(desk_page(content)).words
    assert "P&L of the session, at the top, is what was held overnight made by this close, less today's trades" in words
    assert "what became known today is the same book's, less the trades and the borrow of the session that made it" in words
    first, before, today = content.history("desk_state")
    equity, earned = ([float(str(row[name])) for row in (first, before, today)] for name in ("equity", "pnl_gross"))
    costs = [earned[place] - (equity[place] - equity[place - 1]) for place in (1, 2)]
    known = next(row for row in content.rows("expected_pnl") if row["scope"] == "TOTAL")["realized"]
    # The same gross; the one pays today's costs, the other those of the session before.
    assert session_pnl(content) == pytest.approx(earned[2] - costs[1])
    assert known == pytest.approx(earned[2] - costs[0], abs=0.05)
    assert abs(costs[1] - costs[0]) > 1


def test_strategies_are_listed_with_what_their_row_says_laggards_first(content: PageContent) -> None:
    rows = content.rows("expected_pnl")
    slow = next(row for row in rows if row["scope"] == "STRATEGY")
    slow |= {"status": "UNDERPERFORMING", "message": HOSTILE}
    page = desk_page(with_rows(content, "expected_pnl", rows))
    shown = Reader(page).rows("expected-strategies")
    assert next(iter(shown)) == slow["name"]
    assert (shown[str(slow["name"])][5], shown[str(slow["name"])][6]) == ("underperforming", HOSTILE)
    assert "<script" not in page.lower()
    assert f"{len(shown)} strategies, 1 underperforming" in Reader(page).words


def test_a_chart_for_the_total_and_one_for_each_bucket_once_there_are_several(content: PageContent) -> None:
    def charts(busy: tuple[str, ...]) -> set[str]:
        """The charts of expected P&L where these buckets are busy."""
        rows = content.rows("expected_pnl")
        for row in rows:
            if row["scope"] == "BUCKET":
                row |= {"status": "TOO_FEW" if row["name"] in busy else "IDLE"}
        tags = Reader(desk_page(with_rows(content, "expected_pnl", rows))).tags
        titles = [str(attributes.get("id")) for tag, attributes in tags if tag == "title"]
        return {title for title in titles if title.startswith("chart-expected-")}

    assert charts(("RV",)) == {"chart-expected-total-t"}  # the only busy bucket's would be the total's
    assert charts(("RV", "Spread")) == {"chart-expected-total-t", "chart-expected-rv-t", "chart-expected-spread-t"}
    assert charts(BUSY) == {"chart-expected-total-t", *(f"chart-expected-{name.lower()}-t" for name in BUSY)}


def test_the_chart_adds_up_what_had_an_expectation_and_nothing_else() -> None:
    rows: list[dict[str, object]] = [
        {"realized": 100.0, "forecast": None, "forecast_employed": None},
        {"realized": 5.0, "forecast": 10.0, "forecast_employed": 2.0},
        {"realized": 100.0, "forecast": None, "forecast_employed": None},
        {"realized": -7.0, "forecast": 10.0, "forecast_employed": 0.0},
    ]
    assert cumulated(rows) == ([0.0, 5.0, 5.0, -2.0], [0.0, 10.0, 10.0, 20.0], [0.0, 2.0, 2.0, 2.0])


def test_the_chart_of_the_ui_is_an_image_that_stands_alone(content: PageContent) -> None:
    image = chart_image(content.history("expected_pnl"))
    assert image is not None
    kind, raw = image.split(",", 1)
    assert kind == "data:image/svg+xml;base64"
    drawing = ElementTree.fromstring(b64decode(raw))
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert [found.tag for found in drawing.iter() if found.tag.endswith("script")] == []
    assert chart_image(content.rows("expected_pnl")) is None  # one session is no line


def test_a_session_without_expected_pnl_has_no_such_section(content: PageContent) -> None:
    read = Reader(desk_page(emptied(content, "expected_pnl")))
    assert "table-expected" not in read.tables
    assert "table-book" in read.tables


def of_bucket(rows: pl.DataFrame, day: date, bucket: str) -> dict[str, object]:
    """The bucket's row of expected_pnl."""
    (row,) = rows.filter(pl.col("as_of_date") == day, pl.col("scope") == "BUCKET", pl.col("name") == bucket).to_dicts()
    return row


def test_expected_pnl_on_disk_is_budgets_times_tables_and_its_pnl_is_what_became_known(
    walked: Walked,
) -> None:
    config, warehouse, _ = walked
    rows = warehouse.read("expected_pnl")
    assert rows["as_of_date"].unique().sort().to_list() == list(DAYS)
    regimes = dict(warehouse.read("market_regime").select("as_of_date", "regime").iter_rows())
    forecast = None
    for day in DAYS:
        (total,) = rows.filter(pl.col("as_of_date") == day, pl.col("scope") == "TOTAL").to_dicts()
        capital = dict(warehouse.read("strategy_budgets", day, day).group_by("bucket").agg(pl.col("budget").sum()).iter_rows())
        assert set(capital) == {*BUSY}
        table = expected_pnl(capital, regimes[day])
        for bucket, week in table.select("bucket", "expected_pnl_week").iter_rows():
            assert of_bucket(rows, day, bucket)["expected_week"] == pytest.approx(week)
            assert of_bucket(rows, day, bucket)["capital"] == pytest.approx(capital[bucket])
        assert total["expected_week"] == pytest.approx(total_expected_pnl(table))
        assert total["realized"] == pytest.approx(warehouse.read("realized_pnl", day, day)["pnl_net"].sum())
        held = warehouse.read("desk_positions", day, day)["notional_cents"].abs().sum()
        assert total["employed"] == pytest.approx(held / 100)
        assert total["forecast"] == forecast
        forecast = total["expected_day"]
    assert config.desk.expected_pnl.window_sessions > len(DAYS)
    assert set(rows["status"]) == {"TOO_FEW", "IDLE"}


def test_a_laggard_is_a_warning_of_the_asset_that_blocks_nothing(walked: Walked, tmp_path: Path) -> None:
    _, warehouse, root = walked
    copytree(root, tmp_path / "desk")
    desk = DeskFolder(tmp_path / "desk")
    # Twenty sessions before the walk on which 1,000 a day was expected of RV, and nothing came.
    earlier = calendar().between(calendar().before(DAYS[0], 20), calendar().before(DAYS[0]))
    (pattern,) = warehouse.read("expected_pnl", LAST, LAST).filter(pl.col("name") == "RV").to_dicts()
    empty = {"forecast": 1_000.0, "forecast_employed": 1_000.0, "realized": 0.0}
    empty |= {"expected_day": 1_000.0, "expected_day_employed": 1_000.0}
    past = TABLES["expected_pnl"].frame([{**pattern, **empty, "as_of_date": day} for day in earlier])
    desk.warehouse.write(earlier[0], earlier[-1], {"expected_pnl": past})
    with desk.entered():
        done = materialize(
            [expected_pnl_asset], partition_key=str(DAYS[0]), resources={"desk": DeskResource()}, raise_on_error=False
        )
    assert done.success
    (check,) = done.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.severity.value) == ("expected_pnl_on_track", False, "WARN")
    assert str(check.metadata["limit"].value) == "RV"
    message = str(check.metadata["message"].value)
    assert "held on 20, where $20,000.00 was expected of the capital employed: below 50%" in message
    (made,) = done.asset_materializations_for_node("expected_pnl")
    expected = {name: made.metadata[f"expected_day_{name}"].value for name in BUSY}
    rows = desk.warehouse.read("expected_pnl", DAYS[0], DAYS[0])
    assert expected == {name: pytest.approx(of_bucket(rows, DAYS[0], name)["expected_day"]) for name in BUSY}
    assert sum(expected.values()) == pytest.approx(made.metadata["expected_day"].value)  # type: ignore[arg-type]
    assert "data:image/svg+xml" not in str(made.metadata["newest"].value)  # the total has no row before this session
    assert all(f"| {name} | " in str(made.metadata["newest"].value) for name in BUSY)
