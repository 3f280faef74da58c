"""What a walk came to, in numbers to compare: size, P&L, risk against its prediction, and what bound how often."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from riskdesk_assets.book.clips import BUDGET, OPTIMIZER, STAGES, TICKET_CAPS, WHOLE_LOTS
from riskdesk_assets.common.money import TICKS_PER_CENT, TICKS_PER_DOLLAR
from riskdesk_assets.common.sample_statistics import deviation, mean
from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.desk_day import DayResult
from riskdesk_assets.construction.summary import book_size
from riskdesk_assets.construction.walk import Walk
from riskdesk_assets.limits.limit import label_of
from riskdesk_assets.research.bound_sessions import CAPS, POSITION_COUNT
from riskdesk_assets.research.performance import drawdown, sharpe_ratio
from riskdesk_assets.risk_model.model_checks import bias_ratio, kupiec_pof
from riskdesk_assets.strategy.budget_cuts import CUTS

Unit = Literal["nav", "dollars", "sessions", "number", "ratio", "probability"]
_TAIL = 0.01

CUT, BINDING = "cut a proposal", "binding in the book"
"""What a limit did on a session: as the tear sheet says it."""


@dataclass(frozen=True)
class Measure:
    """One number of a walk: ``section`` groups it in the table, ``value`` is None where there is too little to say."""

    section: str
    name: str
    unit: Unit
    value: float | None


def walk_measures(walk: Walk, config: Config) -> tuple[Measure, ...]:
    """Every measure of a walk, in the order of the table.

    Fractions of nav, sessions, or dollars, as the unit says. P&L of a session is what the positions of the session before
    earned to its close; costs are those of its trades and of its borrow. Risk of a book is held against the P&L of the one next
    session; Sharpe is after costs, over sqrt(252) (methods.md sections 10 and 11).
    """
    nav = config.desk.nav
    return (
        Measure("walk", "sessions", "sessions", float(len(walk.days))),
        *_sizes(walk.days, nav),
        *_pnl(walk.days, nav),
        *_risk(walk, nav),
        *(Measure("release", f"sessions {status}", "sessions", float(count)) for status, count in _statuses(walk.days)),
        *(
            Measure(f"limit {how}", label, "sessions", float(count))
            for how, counts in zip((CUT, BINDING), limit_sessions(walk.days), strict=True)
            for label, count in counts.items()
        ),
        *(Measure("stage", label, "sessions", float(count)) for label, count in stage_sessions(walk.days).items()),
    )


def limit_sessions(days: Sequence[DayResult]) -> tuple[dict[str, int], dict[str, int]]:
    """Limit label -> on how many sessions one of it cut a proposal (a clip names it), and was binding in the book (a price).

    A label is a limit's name without its member: ``group`` for ``group:regional``. In its order; one that never did counts 0.
    """
    cut: Counter[str] = Counter()
    binding: Counter[str] = Counter()
    for day in days:
        known = {row.limit.name for row in day.release.audit}
        for counter in (cut, binding):
            counter.update({label_of(name): 0 for name in known})
        binding.update({label_of(name) for name, price in day.release.prices.items() if price > 0})
        named = {clip.limit_name for clip in day.clips if clip.limit_name in known or clip.limit_name == POSITION_COUNT}
        named |= {CAPS[clip.limit_name] for clip in day.clips if clip.stage == TICKET_CAPS and clip.limit_name in CAPS}
        cut.update({label_of(name) for name in named})
    return dict(sorted(cut.items())), dict(sorted(binding.items()))


def stage_sessions(days: Sequence[DayResult]) -> dict[str, int]:
    """Stage -> on how many sessions it touched any ticket, in the order of the stages; budget's and optimizer's also by why."""
    found: Counter[str] = Counter()
    for day in days:
        clips = [clip for clip in day.clips if clip.limit_name != WHOLE_LOTS]
        touched = {clip.stage for clip in clips}
        if OPTIMIZER in touched:
            words = {"objective" if clip.limit_name == "objective" else "limits" for clip in clips if clip.stage == OPTIMIZER}
            touched |= {f"{OPTIMIZER} {word}" for word in words}
        touched |= {f"{BUDGET} {clip.limit_name}" for clip in clips if clip.stage == BUDGET}
        found.update(touched)
    cuts = tuple(f"{BUDGET} {name}" for name in CUTS)
    why = {BUDGET: cuts, OPTIMIZER: (f"{OPTIMIZER} limits", f"{OPTIMIZER} objective")}
    return {label: found[label] for stage in STAGES for label in (stage, *why.get(stage, ()))}


def _sizes(days: Sequence[DayResult], nav: float) -> Iterator[Measure]:
    sizes = [book_size(day) for day in days]
    gross = [value / nav for value, _ in sizes]
    yield Measure("book", "gross, mean", "nav", mean(gross))
    yield Measure("book", "gross, 95th percentile", "nav", _quantile(gross, 0.95))
    yield Measure("book", "gross, most", "nav", max(gross, default=None))
    yield Measure("book", "|net|, mean", "nav", mean([abs(value) / nav for _, value in sizes]))
    yield Measure("book", "tickets held, mean", "number", mean([float(len(day.state.positions)) for day in days]))
    traded = [sum(abs(fill.traded) for fill in day.fills) / TICKS_PER_DOLLAR / nav for day in days]
    yield Measure("book", "turnover a session, mean", "nav", mean(traded))


def _pnl(days: Sequence[DayResult], nav: float) -> Iterator[Measure]:
    gross = [day.pnl_gross_cents * TICKS_PER_CENT / TICKS_PER_DOLLAR for day in days]
    costs = [day.costs_cents * TICKS_PER_CENT / TICKS_PER_DOLLAR for day in days]
    net = [earned - spent for earned, spent in zip(gross, costs, strict=True)]
    yield Measure("P&L", "gross", "dollars", sum(gross))
    yield Measure("P&L", "costs", "dollars", sum(costs))
    yield Measure("P&L", "net", "dollars", sum(net))
    yield Measure("P&L", "Sharpe ratio, net, a year", "ratio", sharpe_ratio(net))
    yield Measure("P&L", "largest drawdown, net", "nav", drawdown(net, nav).fraction)


def _risk(walk: Walk, nav: float) -> Iterator[Measure]:
    """Each book's volatility and VaR against what the next session brought, in fractions of nav."""
    predicted = {row["as_of_date"]: row for row in walk.frames["desk_state"].iter_rows(named=True)}
    pairs: list[tuple[float, float]] = []
    exceptions = observations = 0
    for book, following in zip(walk.days[:-1], walk.days[1:], strict=True):
        row = predicted[book.session]
        pnl = following.pnl_gross_cents * TICKS_PER_CENT / TICKS_PER_DOLLAR / nav
        if row["ex_ante_volatility"]:
            pairs.append((pnl, float(row["ex_ante_volatility"])))
        if row["var_99"]:
            observations += 1
            exceptions += pnl < -float(row["var_99"])
    realized = deviation([pnl for pnl, _ in pairs])
    forecast = math.sqrt(math.fsum(vol * vol for _, vol in pairs) / len(pairs)) if pairs else None
    bias = bias_ratio([pnl for pnl, _ in pairs], [vol for _, vol in pairs]).ratio if len(pairs) > 1 else None
    kupiec = kupiec_pof(observations, exceptions, _TAIL).p_value if observations else None
    yield Measure("risk", "volatility a day, realized", "nav", realized)
    yield Measure("risk", "volatility a day, predicted", "nav", forecast)
    yield Measure("risk", "bias ratio", "ratio", bias)
    yield Measure("risk", "sessions with a VaR 99", "sessions", float(observations))
    yield Measure("risk", "losses beyond VaR 99", "sessions", float(exceptions))
    yield Measure("risk", "Kupiec p at 99", "probability", kupiec)


def _statuses(days: Sequence[DayResult]) -> list[tuple[str, int]]:
    counts: Mapping[str, int] = Counter(day.release.status for day in days)
    usual = ("RELEASED", "RELEASED_BY_GOVERNOR", "BLOCKED", "FAILED_CLOSED")
    return [(status, counts.get(status, 0)) for status in (*usual, *sorted(set(counts) - set(usual)))]


def _quantile(values: Sequence[float], level: float) -> float | None:
    """The smallest value with at least ``level`` of the values at or below it."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(level * len(ordered)) - 1)] if ordered else None
