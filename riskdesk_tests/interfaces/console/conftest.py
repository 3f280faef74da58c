"""A conversation with the walked desk."""

from __future__ import annotations

import pytest

from riskdesk_tests.interfaces.conftest import DeskFolder
from riskdesk_tests.interfaces.console.heard import Heard


@pytest.fixture
def heard(built: DeskFolder, monkeypatch: pytest.MonkeyPatch) -> Heard:
    return Heard(built, monkeypatch)
