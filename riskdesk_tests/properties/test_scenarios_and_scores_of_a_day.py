"""Scenario rows and instrument scores of a session: the same alone as in a range, and deaf to everything after its close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.hashing import digest_frame
from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.common.scenarios import Scenarios
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.market.replays import replay_rows
from riskdesk_assets.risk_model.scenario_rows import CLASSES, scenario_rows
from riskdesk_assets.strategy.scores import instrument_scores
from riskdesk_tests.desk_builder import calendar, desk_config, sessions_from

DAYS = sessions_from(date(2024, 3, 4), 12)
BARS_FROM = calendar().before(DAYS[0], 30)
NAMES = ("BAC", "C", "JPM", "KEY", "MS", "WFC")
PAIRS = (("JPM", "BAC"), ("JPM", "WFC"), ("C", "BAC"), ("MS", "KEY"))
PARAMETRIC = [
    {"scenario_id": "mix", "description": "x", "factors": {"market": -0.1, "momentum": 0.05}, "fragility": {"SOFT": -0.15}},
    {"scenario_id": "one", "description": "x", "correlation_to_one": 1.0, "volatility_multiple": 2.33},
]
# One over before the first session, two that end on the way, one not over at the last.
HISTORICAL = [
    {"scenario_id": "before", "description": "x", "start": "2024-02-12", "end": "2024-02-20"},
    {"scenario_id": "early", "description": "x", "start": "2024-02-28", "end": str(DAYS[2])},
    {"scenario_id": "within", "description": "x", "start": str(DAYS[4]), "end": str(DAYS[7])},
    {"scenario_id": "late", "description": "x", "start": str(DAYS[9]), "end": "2024-04-30"},
]


@cache
def config() -> Config:
    """Six names; one mandate's scores from the pairs, the other's from a file."""
    desk = desk_config()
    symbols = {name: desk.universe.symbols[name] for name in NAMES}
    long_only = desk.portfolios["bank_long_only"].model_dump()
    long_only["scores"] |= {"source": "file", "path": "scores.parquet", "horizon_sessions": 3}
    return desk.model_copy(
        update={
            "universe": desk.universe.model_copy(update={"symbols": symbols, "context": [], "pairs": []}),
            "scenarios": Scenarios.model_validate({"parametric": PARAMETRIC, "historical": HISTORICAL}),
            "portfolios": {**desk.portfolios, "bank_long_only": PortfolioConfig.model_validate(long_only)},
        }
    )


@dataclass(frozen=True)
class Known:
    """Everything the two tables follow from, of every day."""

    frames: Mapping[str, pl.DataFrame]

    @classmethod
    def of(cls, seed: int) -> Known:
        """Made up from a seed, a part of every frame missing."""
        rng = np.random.default_rng(seed)
        days = calendar().between(BARS_FROM, DAYS[-1])
        spans = {
            "instrument_factors_daily": [
                {"as_of_date": day, "instrument_id": name, "factor_id": factor, "exposure": rng.normal(1, 0.4), "model_id": "m"}
                for day in DAYS for name in NAMES for factor in ("market", "momentum")
            ],
            "instrument_state": [
                {"as_of_date": day, "symbol": name, "vol_20": rng.uniform(0.1, 0.6), "fragility_class": rng.choice(CLASSES)}
                for day in DAYS for name in NAMES
            ],
            "pair_state": [
                {"as_of_date": day, "pair_id": f"{a}__{b}", "leg_a": a, "leg_b": b, "zscore": rng.normal(0, 1.5),
                 "beta": rng.uniform(-0.5, 1.5), "extreme_z": bool(rng.random() < 0.1)}
                for day in DAYS for a, b in PAIRS
            ],
            "ticket_snapshots": [
                {"as_of_date": day, "ticket_id": f"{a}-{b}", "status": "IN_FORCE", "pair_id": f"{a}__{b}",
                 "conviction": int(rng.integers(1, 6))}
                for day in DAYS for a, b in PAIRS
            ],
            "daily_bars": [
                {"as_of_date": day, "symbol": name, "adj_close": rng.uniform(5, 90), "source": "test"}
                for day in days for name in NAMES
            ],
        }  # fmt: skip
        frames = {name: _frame(TABLES[name].schema, rows, rng) for name, rows in spans.items()}
        file_days = (BARS_FROM + timedelta(days=place) for place in range((DAYS[-1] - BARS_FROM).days + 1))
        rows = [
            {"instrument": name, "date": day, "score": rng.normal(), "confidence": rng.random()}
            for day in file_days for name in NAMES
        ]  # fmt: skip
        schema = {"instrument": pl.String(), "date": pl.Date(), "score": pl.Float64(), "confidence": pl.Float64()}
        return cls({**frames, "file": _frame(schema, rows, rng, kept=0.2)})

    def until(self, day: date, later: Known) -> Known:
        """This one up to a day, and the other one after it."""
        return Known(
            {
                name: pl.concat([frame.filter(pl.col(_day(name)) <= day), later.frames[name].filter(pl.col(_day(name)) > day)])
                for name, frame in self.frames.items()
            }
        )


def _day(name: str) -> str:
    return "date" if name == "file" else "as_of_date"


def _frame(
    schema: Mapping[str, pl.DataType], rows: Sequence[dict[str, object]], rng: np.random.Generator, kept: float = 0.9
) -> pl.DataFrame:
    left = [dict.fromkeys(schema) | row for row in rows if rng.random() < kept]
    return pl.DataFrame(left, schema=dict(schema), orient="row")


class Shelf:
    """A vendor of the made-up bars."""

    source = "test"

    def __init__(self, bars: pl.DataFrame) -> None:
        self._bars = bars

    def bars(self, symbols: Sequence[str], first: date, last: date) -> pl.DataFrame:
        return self._bars.filter(pl.col("symbol").is_in(list(symbols)), pl.col("as_of_date").is_between(first, last))

    def volatility_index(self, symbol: str, first: date, last: date) -> pl.DataFrame:
        return self._bars.filter(pl.col("symbol") == symbol, pl.col("as_of_date").is_between(first, last))


def computed(known: Known, first: date, last: date) -> dict[str, pl.DataFrame]:
    """Both tables of a range as the assets compute them, with bars from six sessions before it."""
    frames, days = known.frames, calendar().between(first, last)
    within = {name: frame.filter(pl.col(_day(name)).is_between(first, last)) for name, frame in frames.items()}
    start, shelf = calendar().before(first, 6), Shelf(frames["daily_bars"])
    replays = replay_rows(shelf, NAMES, shelf.bars(NAMES, start, last), start, last, config().scenarios, calendar())
    states = within["instrument_state"]
    with TemporaryDirectory() as folder:
        frames["file"].write_parquet(Path(folder) / "scores.parquet")
        scores, unusable = instrument_scores(
            config(), Path(folder), within["pair_state"], states, within["ticket_snapshots"], days, calendar().sessions
        )
    assert not unusable
    rows = scenario_rows(config(), within["instrument_factors_daily"], states, replays, days)
    return {"scenarios": rows, "instrument_scores": scores}


def digests(tables: Mapping[str, pl.DataFrame], first: date, last: date) -> dict[str, str]:
    within = pl.col("as_of_date").is_between(first, last)
    return {name: digest_frame(frame.filter(within), TABLES[name].key) for name, frame in tables.items()}


@settings(derandomize=True, deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), other=st.integers(0, 2**32 - 1), place=st.integers(0, len(DAYS) - 2))
def test_nothing_after_a_close_changes_a_bit_of_its_scenarios_or_scores(seed: int, other: int, place: int) -> None:
    known, last = Known.of(seed), DAYS[place]
    honest = computed(known, DAYS[0], DAYS[-1])
    changed = computed(known.until(last, Known.of(other)), DAYS[0], DAYS[-1])
    assert digests(changed, DAYS[0], last) == digests(honest, DAYS[0], last)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), place=st.integers(0, len(DAYS) - 1))
def test_a_day_alone_has_the_scenarios_and_scores_of_that_day_in_a_range(seed: int, place: int) -> None:
    known, day = Known.of(seed), DAYS[place]
    assert digests(computed(known, day, day), day, day) == digests(computed(known, DAYS[0], DAYS[-1]), day, day)


def test_the_corruption_would_be_seen_by_anything_that_looked_one_session_ahead() -> None:
    known = Known.of(1)
    honest = digests(computed(known, DAYS[0], DAYS[-1]), DAYS[7], DAYS[7])
    found = computed(known.until(DAYS[6], Known.of(2)), DAYS[0], DAYS[-1])
    changed = digests(found, DAYS[7], DAYS[7])
    assert all(changed[name] != honest[name] for name in honest)
    rows = found["scenarios"].filter(pl.col("kind") == "HISTORICAL")
    ends = rows.group_by("scenario_id").agg(pl.col("as_of_date").min()).sort("scenario_id").rows()
    assert ends == [("before", DAYS[0]), ("early", DAYS[2]), ("within", DAYS[7])]
    assert set(found["instrument_scores"]["source"]) == {"pairs", "file"}
