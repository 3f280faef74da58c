"""A mandate's books under the scenarios, and its exposures: measured by the risk report's own functions (PE-74)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.sample_statistics import mean
from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.mandates import MandateInputs
from riskdesk_assets.limits.fact_limits import NO_FACTS
from riskdesk_assets.reports.realized import PENDING
from riskdesk_assets.reports.risk_measures import Book, NameFacts, exposures, factor_split, scenarios
from riskdesk_assets.research.mandates.holding import BookDay
from riskdesk_assets.research.mandates.tables import EXPOSURES, SCENARIO_DAYS, SCENARIO_PNL
from riskdesk_assets.risk_model.covariance import Covariance

Row = dict[str, object]


def exposure_frame(books: Sequence[BookDay], inputs: MandateInputs, nav: float) -> pl.DataFrame:
    """EXPOSURES of a range: what the risk report says a book is exposed to, by session."""
    universe = inputs.config.universe.symbols
    rows: list[Row] = []
    for day in books:
        classes = inputs.facts.get(day.session, NO_FACTS).fragility_classes
        names = {
            symbol: NameFacts(item.sector, item.industry_group, item.country, item.currency, classes.get(symbol))
            for symbol, item in universe.items()
            if symbol in day.held
        }
        book = Book(day.held, nav)
        found: dict[tuple[str, str], dict[str, float]] = {}
        split = factor_split(book, inputs.models.get(day.session))
        for name, value in exposures(book, names, split.exposures).items():
            dimension, rest = name.split(":", 1)
            if dimension == "factor":
                found.setdefault((dimension, rest), {})["net"] = value
                continue
            member, _, side = rest.rpartition(":")
            found.setdefault((dimension, member), {})[side] = value
        rows.extend(
            {
                "as_of_date": day.session,
                "dimension": dimension,
                "member": member,
                "net": sides.get("net"),
                "gross": sides.get("gross"),
            }
            for (dimension, member), sides in sorted(found.items())
        )
    return EXPOSURES.frame(rows)


def scenario_days(
    books: Sequence[BookDay],
    beside: Sequence[BookDay],
    inputs: MandateInputs,
    covariances: Mapping[date, Covariance],
    nav: float,
) -> pl.DataFrame:
    """SCENARIO_DAYS of a range, of the mandate's books and the benchmark's.

    Args:
        books, beside: of the mandate and of its benchmark, one per session.
        inputs: the walk's; its facts hold each session's shocks.
        covariances: of the mandate's risk model, for shocks to correlations.
        nav: dollars.
    """
    moved = {
        item.scenario_id: (item.correlation_to_one, item.volatility_multiple)
        for item in inputs.config.scenarios.parametric
        if item.correlation_to_one and item.volatility_multiple
    }
    rows: list[Row] = []
    for day, other in zip(books, beside, strict=True):
        shocks = inputs.facts.get(day.session, NO_FACTS).scenario_returns
        covariance = covariances.get(day.session)
        if covariance is None:
            continue
        found, rival = (scenarios(Book(item.held, nav), shocks, moved, covariance) for item in (day, other))
        rows.extend(
            {
                "as_of_date": day.session,
                "scenario_id": name,
                "pnl": pnl * nav,
                "benchmark_pnl": None if rival.missing[name] else rival.pnl[name] * nav,
            }
            for name, pnl in found.pnl.items()
            if not found.missing[name]
        )
    return SCENARIO_DAYS.frame(rows)


def scenario_pnl(days: pl.DataFrame, series: pl.DataFrame, benchmark: pl.DataFrame, config: Config) -> pl.DataFrame:
    """SCENARIO_PNL of a range, worst first by id, with what was earned where the range lived through the real thing."""
    described = {item.scenario_id: item.description for item in config.scenarios.parametric}
    described |= {item.scenario_id: item.description for item in config.scenarios.historical}
    stretches = {item.scenario_id: (item.start, item.end) for item in config.scenarios.historical}
    rows: list[Row] = []
    for (name,), found in sorted(days.partition_by("scenario_id", as_dict=True).items()):
        ordered = found.sort("as_of_date")
        worst, worst_on = min(zip(ordered["pnl"], ordered["as_of_date"], strict=True))
        rival = ordered["benchmark_pnl"].drop_nulls().to_list()
        rows.append(
            {
                "scenario_id": name,
                "description": described.get(str(name), ""),
                "sessions": ordered.height,
                "worst_pnl": worst,
                "worst_on": worst_on,
                "mean_pnl": math.fsum(ordered["pnl"]) / ordered.height,
                "best_pnl": max(ordered["pnl"].to_list()),
                "benchmark_worst_pnl": min(rival, default=None),
                "benchmark_mean_pnl": mean(rival),
                **_lived(stretches.get(str(name)), series, benchmark),
            }
        )
    return SCENARIO_PNL.frame(rows)


def _lived(stretch: tuple[date, date] | None, series: pl.DataFrame, benchmark: pl.DataFrame) -> Row:
    """What became known from ``start`` to ``end``, where the range begins before the one and does not end before the other."""
    nothing: Row = dict.fromkeys(("lived_first", "lived_last", "lived_pnl", "benchmark_lived_pnl"))
    if stretch is None:
        return nothing
    known = series.filter((pl.col("status") != PENDING) & pl.col("next_date").is_not_null())
    within = known.filter(pl.col("next_date").is_between(*stretch))
    if within.is_empty() or known["as_of_date"].min() >= stretch[0] or known["next_date"].max() < stretch[1]:  # type: ignore[operator]
        return nothing
    sessions = within["as_of_date"].to_list()
    return {
        "lived_first": stretch[0],
        "lived_last": stretch[1],
        "lived_pnl": math.fsum(within["pnl_net"]),
        "benchmark_lived_pnl": math.fsum(benchmark.filter(pl.col("as_of_date").is_in(sessions))["pnl_net"]),
    }
