"""The tear sheet of a mandate: one safe file, the same bytes again, every figure that of a table it names."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import polars as pl
import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.page.numerals import dollars, percent, plain
from riskdesk_assets.research.mandates.files import sheet_content
from riskdesk_assets.research.mandates.sheet import MandateSheetContent, mandate_sheet
from riskdesk_assets.research.mandates.sheet_figures import factor_figure
from riskdesk_assets.research.mandates.tables import MANDATE_BACKTEST_TABLES
from riskdesk_tests.reports.page.pages import HOSTILE, Reader
from riskdesk_tests.research.mandates.mandate_backtests import DAYS, LONG, MANDATES, NEUTRAL, kept
from riskdesk_tests.research.mandates.mandate_backtests import plain as walked


@cache
def content(mandate: str) -> MandateSheetContent:
    return sheet_content(walked(mandate), kept(mandate))


@cache
def page(mandate: str) -> str:
    return mandate_sheet(content(mandate))


@pytest.mark.parametrize("mandate", MANDATES)
def test_it_runs_no_script_asks_nobody_for_anything_and_has_the_same_bytes_again(mandate: str) -> None:
    reader = Reader(page(mandate))
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "img", "iframe", "object", "form"}
    for tag, attributes in reader.tags:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        for name in ("src", "href"):
            target = attributes.get(name) or ""
            assert target.startswith(("#", "./")) or not target, target
    assert "http://" not in page(mandate)
    assert "default-src 'none'" in page(mandate)
    assert mandate_sheet(replace(content(mandate))) == page(mandate)


@pytest.mark.parametrize("mandate", MANDATES)
def test_every_source_names_a_table_that_is_kept_and_columns_it_has(mandate: str) -> None:
    sources = re.findall(r'<p class="from">from: (.*?)</p>', page(mandate))
    assert len(sources) >= 14
    known = {name: set(table.columns) for name, table in (TABLES | MANDATE_BACKTEST_TABLES).items()}
    for source in sources:
        words = set(re.findall(r"[a-z][a-z_0-9]+", source))
        tables = words & (known.keys() & walked(mandate).frames.keys())
        assert tables, source
        columns = set().union(*(known[name] for name in tables))
        assert words - tables - columns <= {"by", "from"}, (source, words - tables - columns)


@pytest.mark.parametrize("mandate", MANDATES)
def test_the_figures_are_those_of_the_metrics_and_tables(mandate: str) -> None:
    metrics, text = walked(mandate).metrics, " ".join(Reader(page(mandate)).text)
    for figure in (
        dollars(metrics["total_pnl_net"], signed=True),  # type: ignore[arg-type]
        dollars(metrics["active_pnl_net"], signed=True),  # type: ignore[arg-type]
        dollars(metrics["total_costs"]),  # type: ignore[arg-type]
        plain(metrics["sharpe_ratio"]),  # type: ignore[arg-type]
        percent(metrics["volatility"], 2),  # type: ignore[arg-type]
        percent(metrics["predicted_volatility"], 2),  # type: ignore[arg-type]
        percent(metrics["mean_turnover"], 2),  # type: ignore[arg-type]
        dollars(metrics["worst_scenario_pnl"], signed=True),  # type: ignore[arg-type]
    ):
        assert figure in text, figure
    assert mandate in text
    assert "SIMULATED" in text
    assert "no way to the desk" in text
    tables = Reader(page(mandate)).tables
    limits = {row[0]: row for row in tables["table-limits"][1:]}
    for row in walked(mandate).frames["limit_use"].iter_rows(named=True):
        assert limits[row["limit_name"]][1:3] == [str(row["sessions"]), str(row["bound"])]
        assert limits[row["limit_name"]][8] == percent(row["most_utilization"])
    shocked = {row[0]: row for row in tables["table-scenarios"][1:]}
    for row in walked(mandate).frames["scenario_pnl"].iter_rows(named=True):
        expected = percent(row["worst_pnl"] / content(mandate).nav, 2, signed=True)
        assert shocked[row["scenario_id"].replace("_", " ")][3] == expected
    names = {row[0]: row for row in tables["table-names"][1:]}
    assert names.keys() == metrics["by_name"].keys()  # type: ignore[attr-defined]
    assert {"table-benchmark", "table-checks", "table-answers", "table-exposures"} <= tables.keys()


def test_only_a_mandate_with_factor_limits_has_their_chart() -> None:
    assert "chart-factors" in page(NEUTRAL)
    assert "chart-factors" not in page(LONG)
    assert "chart-soft" in page(LONG)


def test_every_factor_limit_is_drawn_and_told_apart_however_many_there_are() -> None:
    exposures, series = walked(NEUTRAL).frames["exposures"], walked(NEUTRAL).frames["timeseries"]
    factors = exposures.filter(pl.col("dimension") == "factor")
    groups = sorted(name for name in factors["member"].unique() if name.startswith("group:"))
    bounds = {"market": 0.05, "size": 0.25, "momentum": 0.5, groups[0]: 0.2, groups[1]: 0.0}
    mandate = content(NEUTRAL).mandate.model_copy(update={"factor_limits": bounds})
    figure = factor_figure(walked(NEUTRAL).frames, mandate)
    assert figure is not None
    drawn = re.findall(r'<polyline class="line l\d (\w+)" points="(.*?)"', figure.drawing)
    assert [style for style, _ in drawn] == ["solid", "dashed", "dotted", "solid"]
    assert all(len(points.split()) == series.height for _, points in drawn)
    assert re.findall(r">(Panel \d)</text>", figure.drawing) == ["Panel 1", "Panel 2"]
    heights = [float(points.split()[0].partition(",")[2]) for _, points in drawn]
    assert max(heights[:3]) < heights[3], "the fourth stands in a panel below"

    most = {name: factors.filter(pl.col("member") == name)["net"].abs().max() for name in bounds}
    used = {name: percent(most[name] / bound, 0) for name, bound in bounds.items() if bound}  # type: ignore[operator]
    assert (
        f"Panel 1: {groups[0]} (solid) at most {used[groups[0]]} of ±0.2; "
        f"market (dashed) at most {used['market']} of ±0.05; momentum (dotted) at most {used['momentum']} of ±0.5. "
        f"Panel 2: size (solid) at most {used['size']} of ±0.25. "
        f"Not drawn, with a limit of 0: {groups[1]}, at most {plain(most[groups[1]], 4)}."  # type: ignore[arg-type]
    ) in figure.caption


def test_what_a_reader_must_not_miss_is_told_at_the_top() -> None:
    skipped = [{"as_of_date": DAYS[3], "status": "SKIPPED_NO_PRICE", "missing_symbols": "JPM"}]
    more = {"days_skipped_due_to_prices": 1, "skipped_days": skipped, "delisting_pnl": -5_000.0, "unanswered_sessions": 2}
    use = walked(LONG).frames["limit_use"].with_columns(released_breached=pl.lit(1, pl.Int64))
    frames = {**walked(LONG).frames, "limit_use": use}
    told = replace(content(LONG), metrics={**walked(LONG).metrics, **more}, frames=frames)
    text = " ".join(Reader(mandate_sheet(told)).text)
    assert "no price of JPM" in text
    assert dollars(-5_000.0, signed=True) in text
    assert "On 2 sessions the optimizer had no answer" in text
    assert "Limits breached" in text
    assert "table-skipped" in mandate_sheet(told)


def test_hostile_names_stay_text() -> None:
    by_name = {HOSTILE: next(iter(walked(LONG).metrics["by_name"].values()))}  # type: ignore[attr-defined]
    hostile = replace(content(LONG), name=HOSTILE, notes=(HOSTILE,), overrides={HOSTILE: HOSTILE}, source=HOSTILE)
    hostile = replace(hostile, metrics={**walked(LONG).metrics, "by_name": by_name})
    reader = Reader(mandate_sheet(hostile))
    assert "script" not in {tag for tag, _ in reader.tags}
    assert any(HOSTILE in text for text in reader.text)
