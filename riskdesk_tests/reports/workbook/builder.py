"""A workbook's content by hand: six strategies, four tickets, round numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from riskdesk_assets.reports.workbook.content import (
    ActualLine,
    ExpectedLine,
    Figure,
    HeatMap,
    Library,
    LimitLine,
    NameRoom,
    RegimeLine,
    ScenarioLine,
    StrategySize,
    TicketSize,
    WorkbookContent,
)
from riskdesk_assets.reports.workbook.layout import regime_fits
from riskdesk_assets.reports.workbook.library import hash_of
from riskdesk_assets.strategy.allocation import BucketLine, TierLine

COLUMNS = (
    "StrategyName",
    "Bucket",
    "SignalType",
    "Conviction",
    "ExpectedReturn",
    "ExpectedRisk",
    "RegimeFit",
    "TimeHorizon",
    "Notes",
    "Theme",
    "Catalyst",
    "Status",
)
ROWS = (
    (
        "big-four",
        "RV",
        "mean_reversion",
        "High",
        "0.06",
        "0.1",
        "Calm|Normal",
        "2 months",
        "Holds\nover quarter ends.",
        "Deposits",
        "Q3",
        "active",
    ),
    ("brokers", "Spread", "flow", "Medium", "0.04", "0.08", "Calm|Normal|Event", "1 month", "", "", "", "active"),
    ("regionals", "RV", "mean_reversion", "Low", "", "", "Normal", "", "", "Credit", "", "active"),
    (
        "carry",
        "Systematic",
        "macro",
        "Exceptional",
        "0.1",
        "0.12",
        "Calm",
        "",
        "=cmd|' /C calc'!A1",
        "+Carry",
        "@x",
        "candidate",
    ),
)
REGIMES = ("Calm", "Normal", "Event")
BUCKETS = ("Directional", "Discretionary", "Spread", "RV", "Volatility", "Systematic")
FACTORS = {
    "Directional": (0.7, 1.0, 1.4),
    "Discretionary": (0.7, 1.0, 1.4),
    "Spread": (1.1, 1.0, 1.1),
    "RV": (1.3, 1.0, 0.9),
    "Volatility": (0.6, 1.0, 1.5),
    "Systematic": (1.2, 1.0, 0.8),
}
BASE = {"Directional": 0.0035, "Discretionary": 0.0035, "Spread": 0.002, "RV": 0.0025, "Volatility": 0.003, "Systematic": 0.002}
CHOICES = {
    "statuses": ("active", "candidate"),
    "buckets": BUCKETS,
    "signal_types": ("mean_reversion", "flow", "macro", "weather", "seasonal", "other"),
    "convictions": ("Low", "Medium", "High", "Exceptional"),
    "return_scores": ("Low", "Medium", "High", "Exceptional"),
    "risk_scores": ("Low", "Medium", "High"),
    "regimes": REGIMES,
    "regime_fits": regime_fits(REGIMES),
    "symbols": ("BAC", "C", "GS", "JPM", "KEY", "MS", "RF", "WFC"),
    "orientations": ("LONG_SPREAD", "SHORT_SPREAD", "BOTH"),
    "yes_no": ("yes", "no"),
}
SESSION = date(2026, 11, 27)


def content(rows: tuple[tuple[str, ...], ...] = ROWS, **changes: object) -> WorkbookContent:
    """A session's content; ``changes`` replace fields."""
    made = WorkbookContent(
        session=SESSION,
        run_id="20261127-0f3a5c7e9b1d2468",
        profile="desk",
        source="SIMULATED",
        desk="bank_pairs",
        nav=2_500_000.0,
        status="RELEASED",
        library=Library(COLUMNS, rows, hash_of((COLUMNS, *rows))),
        lists=CHOICES,
        planned=[_planned(row) for row in rows],
        regime="Normal",
        regimes=REGIMES,
        volatility_z=-0.23,
        dispersion_z=0.12,
        tape={"RANGING": 14, "TRENDING": 6, "VOLATILE": 4, "STRESSED": 0},
        headline=[Figure("NAV", 2_500_000.0, "dollars"), Figure("Gross", 1_281_590.0, "dollars", "51.3% of NAV")],
        sizes=[_size(row) for row in rows],
        ticket_sizes=[
            TicketSize(
                "jpm-bac",
                "big-four",
                "JPM__BAC",
                800_000.0,
                750_000.0,
                1.0,
                750_000.0,
                700_000.0,
                400_000.0,
                1.1,
                "OPTIMIZER objective",
            ),
            TicketSize(
                "gs-ms", "brokers", "GS__MS", 800_000.0, 500_000.0, 0.0, 0.0, 0.0, 0.0, 0.9, "no entry: |z| below entry_z"
            ),
        ],
        buckets=[BucketLine(name, 1, 500_000.0, 450_000.0, 1_875_000.0) for name in BUCKETS],
        tiers=[TierLine(name, 1, 250_000.0, 0.25) for name in CHOICES["convictions"]],
        regime_exposure=[
            RegimeLine("Calm", 2, 1_250_000.0, 1.0, 1_250_000.0),
            RegimeLine("Normal", 3, 1_500_000.0, 1.0, 1_500_000.0),
            RegimeLine("Event", 1, 500_000.0, 0.8, 400_000.0),
        ],
        heat_map=HeatMap(
            "strategies", ("big-four", "brokers", "regionals"), ((1.0, 0.2, -0.4), (0.2, 1.0, None), (-0.4, None, 1.0))
        ),
        expected=[
            ExpectedLine(name, 1_000_000.0, BASE[name], dict(zip(REGIMES, FACTORS[name], strict=True))) for name in BUCKETS
        ],
        expected_week=16_500.0,
        actual=[ActualLine("RV", 20, 10_000.0, 2_500.0, 1_000.0, 0.4, "underperforming")],
        scenarios=[
            ScenarioLine(
                "funding_squeeze", "PARAMETRIC", "Deposits leave the fragile names; the others stand.", -8_624.0, 87_500.0, ""
            ),
            ScenarioLine(
                "march_2020",
                "HISTORICAL",
                "The pandemic's crash",
                23_157.0,
                None,
                "3 names without bars then: their group's mean",
            ),
        ],
        limits=[
            LimitLine(
                "portfolio_gross",
                "portfolio_gross",
                "construct",
                "dollars",
                1_281_590.0,
                2_500_000.0,
                0.5126,
                0.000021,
                "OK",
                "limits.portfolio_gross.max",
            ),
            LimitLine(
                "position_count",
                "position_count",
                "construct",
                "count",
                7.0,
                8.0,
                0.875,
                None,
                "AMBER",
                "limits.position_count.max",
            ),
        ],
        rooms=[NameRoom("JPM", 198_413.0, 301_587.0, "symbol_net:JPM", 698_413.0, "portfolio_net")],
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def _planned(row: tuple[str, ...]) -> dict[str, object]:
    return {
        "select": "no",
        "strategy": row[0],
        "orientation": "BOTH",
        "max_gross_notional": 800_000.0,
        "max_leg_notional": 560_000.0,
        "horizon_days": 40,
        "conviction": row[3],
        "time_stop_days": 60,
        "flatten_on_breakdown": "yes",
        "expires_on": date(2027, 11, 26),
    }


def _size(row: tuple[str, ...]) -> StrategySize:
    return StrategySize(
        row[0],
        row[1],
        row[3],
        row[11],
        1,
        500_000.0,
        1.5,
        1.0,
        1.0,
        750_000.0,
        1.0,
        1.0,
        750_000.0,
        1.0,
        1.0,
        0.1,
        0.95,
        712_500.0,
        0.25,
        "" if row[11] == "active" else "a candidate has no capital",
    )
