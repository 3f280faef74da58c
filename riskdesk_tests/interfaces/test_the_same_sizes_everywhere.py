"""Capital by bucket and by tier: the page, the workbook and the morning say the same of the same rows."""

from __future__ import annotations

import io
import re
from collections import Counter

import polars as pl
import pytest
from python_calamine import load_workbook

from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.common.sizing import TIERS
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.page.content import PageContent, page_content
from riskdesk_assets.reports.page.page import desk_page
from riskdesk_assets.reports.strategy_files import portfolio_file
from riskdesk_assets.reports.workbook.layout import DASHBOARD, SIZING_OUTPUT
from riskdesk_assets.reports.workbook.session_content import workbook_content
from riskdesk_assets.reports.workbook.workbook import workbook_bytes
from riskdesk_tests.interfaces.conftest import DeskFolder
from riskdesk_tests.interfaces.test_morning_command import Changed, shown
from riskdesk_tests.reports.page.pages import Reader


def sizes_with_one_cut_to_0(desk: DeskFolder) -> tuple[pl.DataFrame, str]:
    """The newest session's sizes with the largest strategy's regime fit at 0, and that strategy's name."""
    sizes = desk.warehouse.read("strategy_sizes", desk.last, desk.last)
    name = str(sizes.sort("final_size", "strategy_name", descending=True)["strategy_name"][0])
    cut = pl.col("strategy_name") == name
    columns = [pl.when(cut).then(0.0).otherwise(pl.col(column)).alias(column) for column in ("regime_fit", "final_size")]
    return sizes.with_columns(columns), name


def page_of(desk: DeskFolder, sizes: pl.DataFrame) -> PageContent:
    frames = {name: desk.warehouse.read(name, desk.last, desk.last) for name in TABLES}
    return page_content(
        config=load_config(load_paths(desk.environ), {}),
        source="SIMULATED",
        snapshot_id="5" * 64,
        code_version="c" * 64,
        session=desk.last,
        frames={**frames, "strategy_sizes": sizes},
        prior={},
    )


def sheet_rows(page: PageContent, sheet: str) -> list[list[object]]:
    """Every row of one sheet of the workbook."""
    book = load_workbook(io.BytesIO(workbook_bytes(workbook_content(page))))
    return [list(row) for row in book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)]


def dashboard_rows(page: PageContent) -> dict[str, list[object]]:
    """First cell -> the others, of the workbook's dashboard."""
    return {str(row[0]): row[1:] for row in sheet_rows(page, DASHBOARD)}


def test_a_strategy_cut_to_0_counts_the_same_on_the_page_in_the_workbook_and_in_the_morning(built: DeskFolder) -> None:
    sizes, name = sizes_with_one_cut_to_0(built)
    tiers = dict(
        built.warehouse.read("strategy_library", built.last, built.last).select("strategy_name", "conviction").iter_rows()
    )
    active = sizes.filter((pl.col("status") == "active") & (pl.col("ticket_count") > 0))
    assert name in set(active["strategy_name"])
    expected = Counter(tiers[strategy] for strategy in active["strategy_name"])
    capital = {tier: active.filter(pl.col("strategy_name").replace_strict(tiers) == tier)["final_size"].sum() for tier in TIERS}

    page = page_of(built, sizes)
    on_page, in_workbook = Reader(desk_page(page)).rows("convictions"), dashboard_rows(page)
    morning = Changed(built, strategy_sizes=sizes).morning()
    assert {tier: int(on_page[tier][-1]) for tier in TIERS} == {tier: expected[tier] for tier in TIERS}
    assert {tier: in_workbook[tier][0] for tier in TIERS} == {tier: expected[tier] for tier in TIERS}
    assert {line.tier: line.strategies for line in morning.conviction} == {tier: expected[tier] for tier in TIERS}
    assert {tier: on_page[tier][1] for tier in TIERS} == {tier: f"${capital[tier]:,.0f}" for tier in TIERS}
    assert {tier: in_workbook[tier][1] for tier in TIERS} == pytest.approx(capital)
    assert {line.tier: line.final for line in morning.conviction} == pytest.approx(capital)

    (said,) = (line for line in shown(morning) if line.startswith("conviction"))
    told = {tier: (int(count), share) for tier, count, share in re.findall(r"(\w+) (\d+) \((\d+%)\)", said)}
    assert told == {line.tier: (line.strategies, f"{line.share:.0%}") for line in morning.conviction if line.strategies}


def test_without_sizes_the_morning_says_so(built: DeskFolder) -> None:
    """As with budgets off: every ticket may use its own most."""
    found = Changed(built, strategy_sizes=TABLES["strategy_sizes"].frame([])).morning()
    assert {line.strategies for line in found.conviction} == {0}
    assert "conviction no strategy is sized" in shown(found)


def test_a_strategy_cut_to_0_counts_the_same_in_its_bucket_on_the_page_and_in_the_workbook(built: DeskFolder) -> None:
    sizes, _ = sizes_with_one_cut_to_0(built)
    active = sizes.filter((pl.col("status") == "active") & (pl.col("ticket_count") > 0))
    expected = Counter(active["bucket"])
    page = page_of(built, sizes)
    on_page, in_workbook = Reader(desk_page(page)).rows("buckets"), dashboard_rows(page)
    assert set(on_page) == set(sizes["bucket"])
    assert {bucket: int(cells[-1]) for bucket, cells in on_page.items()} == {bucket: expected[bucket] for bucket in on_page}
    assert {bucket: in_workbook[bucket][0] for bucket in BUCKETS} == {bucket: expected[bucket] for bucket in BUCKETS}
    for bucket, (_, allocated, cap, final, _) in on_page.items():
        _, in_allocated, in_cap, used, in_final, *_ = in_workbook[bucket]
        dollars = [f"${value:,.0f}" for value in (in_allocated, in_cap, in_final)]
        assert [allocated, cap, final] == dollars
        assert used == pytest.approx(float(str(in_allocated)) / float(str(in_cap)))


def test_a_strategy_out_of_its_regime_has_the_same_regime_adjustment_in_the_file_on_the_page_and_in_the_workbook(
    built: DeskFolder,
) -> None:
    """Its adjustment times its fit, so that allocation x regime x correlation is the final size wherever it is read."""
    sizes, name = sizes_with_one_cut_to_0(built)
    page = page_of(built, sizes)
    in_file = dict(portfolio_file(sizes, built.last).select("StrategyName", "RegimeAdjustment").iter_rows())
    on_page = {key: cells[4] for key, cells in Reader(desk_page(page)).rows("strategy-sizes").items()}
    results, steps = in_both_tables(sheet_rows(page, SIZING_OUTPUT), "Regime adjustment", "× regime, × fit")
    assert in_file[name] == 0.0
    assert in_file == pytest.approx(results)
    assert in_file == pytest.approx(steps)
    assert {key: f"{value:.3f}" for key, value in in_file.items()} == on_page


def in_both_tables(rows: list[list[object]], *columns: str) -> list[dict[str, float]]:
    """Strategy -> number of a column, of each table that has one of the columns; a table ends at an empty row or its total."""
    found = []
    titled = [[str(cell).strip() for cell in row] for row in rows]
    for column in columns:
        (header,) = (place for place, row in enumerate(titled) if column in row)
        place, table = titled[header].index(column), {}
        for row in rows[header + 1 :]:
            if row[0] in ("", "Total"):
                break
            table[str(row[0])] = float(str(row[place]))
        found.append(table)
    return found
