"""What a workbook is made of: plain rows, already in the order in which they are shown. Nothing else reaches its bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from riskdesk_assets.strategy.allocation import BucketLine, TierLine

Shown = Literal["dollars", "percent", "percent2", "number", "count", "text", "multiple", "correlation"]
Value = str | int | float | bool | date | None


@dataclass(frozen=True)
class Figure:
    """One labelled figure; ``note`` is a few words below it."""

    label: str
    value: float | str | None
    shown: Shown
    note: str = ""


@dataclass(frozen=True)
class Library:
    """The strategies file as text: its columns, and a row per strategy in the file's order; ``hash`` is of both."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hash: str


@dataclass(frozen=True)
class StrategySize:
    """One strategy's way to its capital: dollars, and every multiplier by itself (1 where it changes nothing).

    ``mean_correlation`` is to the other active strategies, None where there is none; ``risk_contribution`` its share of the
    strategies' variance; ``note`` says why it has no capital.
    """

    name: str
    bucket: str
    conviction: str
    status: str
    tickets: int
    base_size: float | None
    conviction_multiplier: float | None
    return_risk_multiplier: float | None
    kelly_multiplier: float | None
    recommended_size: float | None
    strategy_cap_multiplier: float | None
    bucket_multiplier: float | None
    capital_allocation: float | None
    regime_adjustment: float | None
    regime_fit: float | None
    mean_correlation: float | None
    correlation_adjustment: float | None
    final_size: float | None
    risk_contribution: float | None
    note: str


@dataclass(frozen=True)
class TicketSize:
    """One ticket's way from its cap to what the book holds, in dollars of gross; ``hedge_ratio`` is leg B's per leg A's."""

    ticket_id: str
    strategy: str
    pair: str
    max_gross: float | None
    budget: float | None
    units: float | None
    proposed: float | None
    approved: float | None
    released: float | None
    hedge_ratio: float | None
    note: str


@dataclass(frozen=True)
class RegimeLine:
    """One market regime: the active strategies that fit it, their capital in dollars before and after its adjustment."""

    regime: str
    strategies: int
    fitting: float
    adjustment: float | None
    adjusted: float


@dataclass(frozen=True)
class HeatMap:
    """Correlations of every two of ``names``, row by row; None where one is not known. ``of`` says of what."""

    of: str
    names: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class ExpectedLine:
    """One bucket: capital in dollars, its base return a week, and its factor in each regime."""

    bucket: str
    capital: float
    base: float
    factors: Mapping[str, float]


@dataclass(frozen=True)
class ActualLine:
    """One bucket: what it was expected to earn lately and what it did, in dollars.

    ``allocated`` is what was expected of the budgets, ``employed`` of the gross of what was held. ``ratio`` is actual of
    ``employed``, and what ``note``, whether the bucket lags, is judged on.
    """

    bucket: str
    sessions: int
    allocated: float | None
    employed: float | None
    actual: float | None
    ratio: float | None
    note: str


@dataclass(frozen=True)
class ScenarioLine:
    """One scenario: what the book would make or lose in dollars, and the loss it may come to."""

    scenario_id: str
    kind: str
    about: str
    pnl: float
    loss_limit: float | None
    note: str


@dataclass(frozen=True)
class LimitLine:
    """One limit: measured and bound in its unit (``dollars`` or ``count``), its use as a fraction, its price a day."""

    name: str
    family: str
    mode: str
    unit: str
    measured: float
    bound: float
    used: float | None
    price: float | None
    status: str
    source: str


@dataclass(frozen=True)
class NameRoom:
    """One name: its position in dollars, and how many more dollars could be bought and sold, with the limit in the way."""

    symbol: str
    position: float
    buy: float | None
    buy_limit: str
    sell: float | None
    sell_limit: str


@dataclass(frozen=True)
class WorkbookContent:
    """Everything a workbook shows of one session.

    Attributes:
        session, run_id, profile, source, desk, nav: whose book of which day; nav in dollars.
        status: whether a book was released, in words.
        library: the strategies file it was made from.
        lists: name -> the words that an input column offers.
        planned: rows of the planner as they are first shown: field of a ticket -> value.
        regime: the market's regime; empty where it is not known.
        regimes: every market regime.
        volatility_z, dispersion_z: what the regime was read from.
        tape: tape regime -> how many names are in it.
        headline: the book's first figures.
        expected_week: of the whole book, in dollars; None where the regime is not known.
    """

    session: date
    run_id: str
    profile: str
    source: str
    desk: str
    nav: float
    status: str
    library: Library
    lists: Mapping[str, Sequence[str]]
    planned: Sequence[Mapping[str, Value]]
    regime: str
    regimes: Sequence[str]
    volatility_z: float | None
    dispersion_z: float | None
    tape: Mapping[str, int]
    headline: Sequence[Figure]
    sizes: Sequence[StrategySize]
    ticket_sizes: Sequence[TicketSize]
    buckets: Sequence[BucketLine]
    tiers: Sequence[TierLine]
    regime_exposure: Sequence[RegimeLine]
    heat_map: HeatMap
    expected: Sequence[ExpectedLine]
    expected_week: float | None
    actual: Sequence[ActualLine]
    scenarios: Sequence[ScenarioLine]
    limits: Sequence[LimitLine]
    rooms: Sequence[NameRoom]

    @property
    def simulated(self) -> bool:
        """Whether the prices are of no real market."""
        return self.source == "SIMULATED"
