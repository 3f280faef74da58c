"""The tear sheet: one safe file, the same bytes for the same backtest, every figure that of a table it names."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl
import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.page.numerals import dollars, percent, plain
from riskdesk_assets.research.backtest import Backtest
from riskdesk_assets.research.backtest_files import sheet_content
from riskdesk_assets.research.backtest_tables import BACKTEST_TABLES
from riskdesk_assets.research.tear_sheet.content import SheetContent
from riskdesk_assets.research.tear_sheet.heat_map import monthly_pnl
from riskdesk_assets.research.tear_sheet.sheet import sections, tear_sheet
from riskdesk_tests.desk_builder import make_ticket, sessions_from, shipped_tickets
from riskdesk_tests.reports.page.pages import HOSTILE, Reader
from riskdesk_tests.research.backtests import backtested, inputs_of_backtest, quiet

DAYS = sessions_from(date(2024, 9, 3), 70)


@cache
def done() -> Backtest:
    return backtested(quiet("classic"), shipped_tickets()[:4], DAYS[0], DAYS[-1])


@cache
def content() -> SheetContent:
    return sheet_content(done(), inputs_of_backtest(quiet("classic"), shipped_tickets()[:4], DAYS[0], DAYS[-1]))


@cache
def page() -> str:
    return tear_sheet(content())


def test_it_runs_no_script_and_asks_nobody_for_anything() -> None:
    reader = Reader(page())
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "img", "iframe", "object", "form"}
    for tag, attributes in reader.tags:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        for name in ("src", "href"):
            target = attributes.get(name) or ""
            assert target.startswith(("#", "./")) or not target, target
    assert "http://" not in page()
    assert "default-src 'none'" in page()


def test_the_same_backtest_gives_the_same_bytes() -> None:
    assert tear_sheet(replace(content())) == page()


def test_every_source_names_a_table_that_is_kept_and_columns_it_has() -> None:
    sources = re.findall(r'<p class="from">from: (.*?)</p>', page())
    assert len(sources) >= 15
    known = {**{name: set(table.columns) for name, table in TABLES.items()}}
    known |= {name: set(table.columns) for name, table in BACKTEST_TABLES.items()}
    for source in sources:
        words = set(re.findall(r"[a-z][a-z_0-9]+", source))
        tables = words & (known.keys() & done().frames.keys())
        assert tables, source
        columns = set().union(*(known[name] for name in tables))
        assert words - tables - columns <= {"by", "from"}, (source, words - tables - columns)


def test_a_bucket_is_shown_with_its_hit_rate() -> None:
    buckets = done().metrics["by_bucket"]
    shown = Reader(page()).rows("buckets")
    assert buckets
    assert {name: cells[0] for name, cells in shown.items()} == {
        name: percent(item["hit_rate"])
        for name, item in buckets.items()  # type: ignore[attr-defined]
    }


def test_the_headline_says_what_the_series_sums_to() -> None:
    series, text = done().frames["timeseries"], " ".join(Reader(page()).text)
    net = series["pnl_net"].to_list()
    returns = [value / content().nav for value in net[:-1]]
    mean = math.fsum(returns) / len(returns)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in returns) / (len(returns) - 1))
    for figure in (
        dollars(math.fsum(net), signed=True),
        dollars(math.fsum(series["pnl_gross"]), signed=True),
        dollars(math.fsum(series["costs"])),
        plain(mean / sd * math.sqrt(252)),
        percent(sd * math.sqrt(252), 2),
    ):
        assert figure in text, figure
    assert "SIMULATED" in text
    assert "as if in force" in text


def test_every_ticket_name_limit_and_check_is_on_the_page_with_its_figures() -> None:
    tables = Reader(page()).tables
    tickets = {row[0]: row for row in tables["table-tickets"][1:]}
    for name, item in done().metrics["by_ticket"].items():  # type: ignore[attr-defined]
        assert tickets[name][-2] == dollars(item["pnl_net"], signed=True)
    limits = {row[0]: row for row in tables["table-limits"][1:]}
    assert limits.keys() == set(done().frames["limit_use"]["limit_name"])
    parts = {row[0]: row[2] for row in tables["table-attribution"][1:]}
    said = done().metrics["attribution"]
    assert parts == {name: dollars(value, signed=True) for name, value in said.items()}  # type: ignore[attr-defined]
    checks = {row[0] for row in tables["table-checks"][1:]}
    assert {"bias ratio", "kupiec 99", "christoffersen 99", "traffic light 99", "limit adherence"} <= checks
    rivals = tables["table-challengers"]
    assert rivals[0][1:] == ["Desk", "Equal weight", "Inverse volatility"]
    assert len(set(next(row for row in rivals if row[0] == "Mean gross")[1:])) == 1


def test_the_months_sum_to_the_whole() -> None:
    months = monthly_pnl(done().frames["timeseries"])
    assert list(months) == [(2024, 9), (2024, 10), (2024, 11), (2024, 12)]
    assert math.fsum(months.values()) == pytest.approx(math.fsum(done().frames["timeseries"]["pnl_net"]))
    text = " ".join(Reader(page()).text)
    assert all(percent(value / content().nav, 2, signed=True) in text for value in months.values())


def test_hostile_names_stay_text() -> None:
    hostile = replace(content(), name=HOSTILE, notes=(HOSTILE,), overrides={HOSTILE: HOSTILE}, source=HOSTILE)
    by_ticket = {HOSTILE: next(iter(content().metrics["by_ticket"].values()))}
    hostile = replace(hostile, metrics={**content().metrics, "by_ticket": by_ticket})
    reader = Reader(tear_sheet(hostile))
    assert "script" not in {tag for tag, _ in reader.tags}
    assert any(HOSTILE in text for text in reader.text)


def test_skipped_days_and_breaches_are_told_at_the_top() -> None:
    skipped = [{"as_of_date": DAYS[3], "status": "SKIPPED_NO_PRICE", "missing_symbols": "JPM"}]
    metrics = {**content().metrics, "days_skipped_due_to_prices": 1, "skipped_days": skipped, "delisting_pnl": -5_000.0}
    use = done().frames["limit_use"].with_columns(released_breached=pl.lit(1, pl.Int64))
    told = replace(content(), metrics=metrics, frames={**content().frames, "limit_use": use})
    text = " ".join(Reader(tear_sheet(told)).text)
    assert "no price of JPM" in text
    assert dollars(-5_000.0, signed=True) in text
    assert "Limits breached" in text
    assert "table-skipped" in tear_sheet(told)


def test_a_range_without_a_position_has_a_sheet() -> None:
    flat = backtested(quiet("classic"), [make_ticket(entry_z=9.0, exit_z=8.0)], DAYS[0], DAYS[2])
    made = sheet_content(flat, inputs_of_backtest(quiet("classic"), [], DAYS[0], DAYS[2]))
    assert next(section.anchor for section in sections(made)) == "headline"
    assert "+$0" not in tear_sheet(made)
    assert flat.metrics["sharpe_ratio"] is None
    assert flat.metrics["days_flat"] == 2


def charts(page: str) -> dict[str, list[str]]:
    """The words on the axes of every chart, by its anchor."""
    found = re.findall(r'<svg class="chart"[^>]* aria-labelledby="([a-z-]+)-t .*?</svg>', page, re.DOTALL)
    parts = re.findall(r'<svg class="chart"[^>]* aria-labelledby="(?:[a-z-]+)-t .*?</svg>', page, re.DOTALL)
    return {name: re.findall(r"<text[^>]*>([^<]+)</text>", part) for name, part in zip(found, parts, strict=True)}


def test_a_range_of_one_session_has_no_line_and_counts_in_the_singular() -> None:
    done = backtested(quiet("classic"), shipped_tickets()[:4], DAYS[0], DAYS[0])
    made = sheet_content(done, inputs_of_backtest(quiet("classic"), shipped_tickets()[:4], DAYS[0], DAYS[0]))
    page = tear_sheet(made)
    assert charts(page) == {}
    assert "heat" in page
    assert {"equity", "exposure", "rolling"} & {section.anchor for section in sections(made)} == set()
    text = " ".join(Reader(page).text)
    assert "1 month earned" in text
    assert not re.search(r"\b1 (sessions|months)\b", text)


@pytest.mark.parametrize("count", [2, 3])
def test_no_chart_of_a_short_range_has_two_ticks_or_dates_that_read_alike(count: int) -> None:
    done = backtested(quiet("classic"), shipped_tickets()[:4], DAYS[0], DAYS[count - 1])
    made = sheet_content(done, inputs_of_backtest(quiet("classic"), shipped_tickets()[:4], DAYS[0], DAYS[count - 1]))
    found = charts(tear_sheet(made))
    assert ("chart-var" in found) == (count > 2)
    for name, words in found.items():
        if name != "chart-equity":  # two panels, two scales
            assert len(words) == len(set(words)), (name, words)


def test_a_range_without_a_position_labels_the_zero_alone() -> None:
    config = quiet("classic", {"desk.controller.entry_z": 9.0, "desk.features.breakdown_z": 20.0})
    flat = backtested(config, [make_ticket()], DAYS[0], DAYS[2])
    found = charts(tear_sheet(sheet_content(flat, inputs_of_backtest(config, [make_ticket()], DAYS[0], DAYS[2]))))
    assert found["chart-rivals"] == ["$0", str(DAYS[0]), str(DAYS[2])]
    assert found["chart-exposure"] == ["0%", str(DAYS[0]), str(DAYS[2])]
    assert found["chart-equity"] == ["$4,950k", "$5,000k", "$5,050k", "$0", str(DAYS[0]), str(DAYS[2])]


def test_the_months_scroll_where_they_have_no_room() -> None:
    assert re.search(r'<div class="scroll"[^>]*><svg class="chart heat"', page())
    assert "max-width: 46rem) { svg.heat { width: 46rem" in page()


def test_the_var_figure_counts_the_sessions_its_check_counts() -> None:
    text = " ".join(Reader(page()).text)
    check = next(row for row in done().frames["risk_checks"].iter_rows(named=True) if row["check_name"] == "kupiec_99")
    assert 0 < check["observations"] < len(DAYS) - 1
    told = f"{check['exceptions'] or 0} of {check['observations']} sessions after one with a book and a VaR lost more"
    assert told in text


def test_a_check_of_pnl_before_costs_says_so_beside_the_headline() -> None:
    tables = Reader(page()).tables
    names = [row[0] for row in tables["table-checks"][1:]]
    assert "drawdown before costs" in names
    assert "drawdown" not in names
    assert "against P&amp;L before costs" in page()
