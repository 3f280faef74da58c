from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import load_paths
from riskdesk_assets.market.files import FilesVendor
from riskdesk_assets.market.ingest import ingest
from riskdesk_assets.market.sample import SampleMarket
from riskdesk_assets.research.comparison_bars import comparison_history
from riskdesk_tests.desk_builder import calendar, desk_config, sessions_from

DAYS = sessions_from(date(2025, 9, 2), 3)


def test_bars_of_the_vendor_and_of_a_snapshot_of_them_are_the_same_and_the_former_are_not_kept(tmp_path: Path) -> None:
    config, paths = desk_config(), load_paths({"DATA_DIR": str(tmp_path)})
    vendor = SampleMarket(config.universe, calendar())
    asked = comparison_history(vendor, paths, calendar(), config, DAYS[0], DAYS[-1])
    assert not paths.snapshots.exists()
    kept = ingest(vendor, paths, calendar(), config, DAYS[0], DAYS[-1], set())
    found = comparison_history(vendor, paths, calendar(), config, DAYS[0], DAYS[-1])
    assert found.snapshot.snapshot_id == kept.snapshot.snapshot_id
    for history in (asked, found):
        assert history.day_digests == kept.day_digests
        assert history.replay_bars.equals(kept.replay_bars)
        assert history.wanted == DAYS


def test_sessions_without_a_bar_are_refused(tmp_path: Path) -> None:
    config, paths = desk_config(), load_paths({"DATA_DIR": str(tmp_path / "data")})
    (tmp_path / "bars.csv").write_text(
        "symbol,date,open,high,low,close,adj_close,volume\nJPM,2020-03-02,100,101,99,100,100,1000\n"
    )
    with pytest.raises(InputError, match=f"FILES has no bar from {DAYS[0]} to {DAYS[-1]}"):
        comparison_history(FilesVendor(tmp_path, calendar()), paths, calendar(), config, DAYS[0], DAYS[-1])
