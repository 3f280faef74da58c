from __future__ import annotations

from datetime import date
from pathlib import Path

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.reports.published import newest_source

DAY, NEXT = date(2025, 12, 31), date(2026, 1, 2)


def test_a_session_without_a_bar_has_the_source_of_the_bars_before_it(tmp_path: Path) -> None:
    """A desk asked for a session the vendor is not at yet keeps its book, frozen, and publishes it."""
    warehouse = Warehouse(tmp_path / "desk.duckdb")
    bar = {"as_of_date": DAY, "symbol": "JPM", "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "adj_close": 1.0}
    rows = TABLES["daily_bars"].frame([{**bar, "volume": 5, "source": "FILES"}])
    warehouse.write(DAY, DAY, {"daily_bars": rows})
    assert newest_source(warehouse, NEXT) == newest_source(warehouse, DAY) == "FILES"
    assert newest_source(warehouse, date(2025, 12, 30)) == ""
