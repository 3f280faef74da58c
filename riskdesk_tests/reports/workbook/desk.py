"""A strategies file, the folders around it, and workbooks made from it: what an import needs, without a warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from riskdesk_assets.common.settings import Config, load_config, load_paths
from riskdesk_assets.reports.workbook.apply import Imported, Places, apply_import
from riskdesk_assets.reports.workbook.choices import choices_of
from riskdesk_assets.reports.workbook.drafting import Folders
from riskdesk_assets.reports.workbook.library import library_of
from riskdesk_assets.reports.workbook.plan import ImportPlan, Standing, plan_import
from riskdesk_assets.reports.workbook.reader import read_workbook
from riskdesk_assets.reports.workbook.workbook import workbook_bytes
from riskdesk_assets.strategy.strategy_file import parse_strategies
from riskdesk_tests.reports.workbook.builder import content
from riskdesk_tests.reports.workbook.edits import Value, with_cells

CONFIG: Config = load_config(load_paths({}), {})
TODAY = date(2026, 11, 27)
LIBRARY = """\
StrategyName,Bucket,SignalType,Conviction,ExpectedReturn,ExpectedRisk,RegimeFit,TimeHorizon,Notes,Theme,Status
brokers,RV,flow,3,0.05,0.10,,six weeks,"Two lines:
the second.",Brokers,active
big-four,Spread,mean_reversion,Exceptional,High,Low,Normal|Calm,one month,=1+1,Deposits,active
idea,Directional,macro,Low,,,Event,,,,candidate
"""
# Rows of the workbook, which shows the library in order of name.
BIG_FOUR, BROKERS, IDEA, SPARE = "5", "6", "7", "8"
LEGS: Mapping[str, Value] = {"C5": "JPM", "D5": "BAC"}


@dataclass(frozen=True)
class Desk:
    """Folders below ``root`` as the desk has them."""

    root: Path

    @property
    def places(self) -> Places:
        return Places(self.root / "strategies.csv", self.root / "drafts", self.root / "active", self.root / "data")

    @property
    def standing(self) -> Standing:
        return Standing("strategies.csv", self.places.library.read_bytes(), CONFIG.sizing)

    def export(self) -> bytes:
        """The workbook of the library as it stands."""
        library = library_of(parse_strategies(self.standing.raw, "strategies.csv", CONFIG.sizing))
        planned = [{**content().planned[0], "strategy": row[0]} for row in library.rows]
        return workbook_bytes(content(library=library, lists=choices_of(CONFIG), planned=planned))

    def plan(
        self,
        raw: bytes,
        *,
        force: bool = False,
        taken: Mapping[str, str] | None = None,
        members: Mapping[str, Sequence[str]] | None = None,
    ) -> ImportPlan:
        path = self.root / "book.xlsx"
        path.write_bytes(raw)
        drafts = {item.name: item.read_bytes() for item in self.places.drafts.glob("*.yaml")}
        book = read_workbook(path, choices_of(CONFIG))
        return plan_import(
            book, self.standing, CONFIG.universe, Folders(drafts, taken or {}, members or {}), TODAY, force=force
        )

    def apply(self, plan: ImportPlan) -> Imported:
        return apply_import(plan, self.places, CONFIG.universe)

    def edit(self, old: str, new: str) -> None:
        """Somebody edits the strategies file by hand."""
        text = self.places.library.read_text()
        assert text.count(old) == 1, (old, text)
        self.places.library.write_text(text.replace(old, new))


def typed(raw: bytes, strategies: Mapping[str, Value] | None = None, planner: Mapping[str, Value] | None = None) -> bytes:
    """A workbook with cells of its two input sheets changed."""
    if strategies:
        raw = with_cells(raw, "Strategy Input", strategies)
    return with_cells(raw, "Trade Planner", planner) if planner else raw


def make(root: Path) -> Desk:
    """A desk with the library above, empty drafts and no active ticket."""
    (root / "active").mkdir(parents=True)
    (root / "strategies.csv").write_text(LIBRARY)
    return Desk(root)
