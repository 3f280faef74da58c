from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.feature_settings import QualitySettings
from riskdesk_assets.common.sessions import SessionCalendar, load_calendar
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.common.universe import Universe


@pytest.fixture(scope="session")
def calendar() -> SessionCalendar:
    return load_calendar(None, date(2027, 12, 31))


@pytest.fixture(scope="session")
def universe() -> Universe:
    return strict_yaml.validate(strict_yaml.load(ROOT / "config" / "universe.yaml", max_bytes=1024 * 1024), Universe)


@pytest.fixture
def settings() -> QualitySettings:
    return QualitySettings(max_abs_log_return=0.25, max_possible_log_return=1.2, max_dividend_yield=0.15, stale_sessions=1)


@pytest.fixture(scope="session")
def real_bars() -> Path:
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "bank_bars_2015_2025.parquet").is_file():
        pytest.skip("the real bars (../shared/data) are not on this machine")
    return folder
