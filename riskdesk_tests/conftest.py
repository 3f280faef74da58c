"""What every room's tests share: hypothesis without randomness, and the real bars where they are on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from riskdesk_assets.common.settings import ROOT

settings.register_profile("riskdesk", derandomize=True, deadline=None)
settings.load_profile("riskdesk")


def pytest_configure(config: pytest.Config) -> None:
    """Files are shared out as they are collected, not by how many tests they have: the longest of all has one."""
    if hasattr(config.option, "loadscopereorder"):  # pytest-xdist's
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a slow test first, so that workers who share the files end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def real_bars_dir() -> Path:
    """The folder with the real bars; the test is skipped where it is not on the machine."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "bank_bars_2015_2025.parquet").is_file():
        pytest.skip("the real bars (../shared/data) are not on this machine")
    return folder
