"""The names of the strategy library, for what refers to a strategy by name; what a strategy is, strategy/ says."""

from __future__ import annotations

from pathlib import Path

from riskdesk_assets.common.csv_file import read_csv
from riskdesk_assets.common.errors import InputError

FILE = "strategies.csv"
NAME = "StrategyName"
REQUIRED = (NAME, "Bucket", "SignalType", "Conviction")
OPTIONAL = ("ExpectedReturn", "ExpectedRisk", "RegimeFit", "TimeHorizon", "Notes", "Theme", "Catalyst", "Status")


def strategy_names(folder: Path) -> frozenset[str] | None:
    """Every name in the library of a configuration folder; None where it cannot be read, which stops a run by itself."""
    try:
        return frozenset(row.cells[NAME] for row in read_csv(folder / FILE, REQUIRED, OPTIONAL).rows) - {""}
    except InputError:
        return None
