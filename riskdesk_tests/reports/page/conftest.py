"""The desk whose pages are read."""

from __future__ import annotations

import pytest

from riskdesk_assets.reports.page.content import PageContent
from riskdesk_tests.desk_on_disk import make_desk, run
from riskdesk_tests.reports.page.pages import DAYS, LAST, Walked, content_of


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """A desk that walked three sessions; nobody changes it."""
    desk = make_desk(tmp_path_factory.mktemp("page") / "desk")
    ended = run(desk, DAYS[0], LAST)
    assert ended.success, ended.errors
    return desk.config(), desk.warehouse, desk.root


@pytest.fixture(scope="session")
def content(walked: Walked) -> PageContent:
    return content_of(walked)
