"""The report's evidence: the gate criterion by criterion, the walk-forward, and predictions against what came."""

from __future__ import annotations

from itertools import accumulate

from riskdesk_assets.common.sample_statistics import mean
from riskdesk_assets.controllers.policy_model import Criterion
from riskdesk_assets.reports.page.blocks import Block, Cell, Column, Fact, Facts, Figure, Section, Table
from riskdesk_assets.reports.page.charts import Line, Panel, diverging_bar, line_chart
from riskdesk_assets.reports.page.numerals import NOTHING, count, percent, plain
from riskdesk_assets.research.policy.bootstrap import Array
from riskdesk_assets.research.policy.evaluation import WalkForward
from riskdesk_assets.research.policy.gate import BASE, DAYS, NET, STRESSED
from riskdesk_assets.research.policy.measures import Side, costs, deciles, rank_correlation, sides
from riskdesk_assets.research.policy.training import Trained

BP = 1e4
_TITLES = {
    "n_days": "Sessions out of sample",
    "lower_bound": "Better than the baseline",
    "lower_bound_stressed": "Better at stressed costs",
    "drawdown": "Drawdown no deeper",
    "drawdown_stressed": "Drawdown no deeper at stressed costs",
    "net_stressed": "Earns something itself at stressed costs",
}
_ASKED = {DAYS: "at least", BASE: "above", STRESSED: "above", NET: "above"}
_SIDES = {"baseline": "Baseline", "policy": "Policy as it is", "policy_matched": "Policy at the baseline's volatility"}


def basis_points(value: float | None, digits: int = 2) -> str:
    """A fraction in basis points, signed."""
    return NOTHING if value is None else f"{plain(value * BP, digits, signed=True)} bp"


def gate_section(trained: Trained) -> Section:
    """The verdict: every criterion with the number found and the one asked for."""
    gate = trained.model.gate
    rows = [
        [
            Cell(_TITLES[item.name]),
            Cell("met" if item.passed else "not met", "good" if item.passed else "bad"),
            Cell(_shown(item, item.value)),
            Cell(f"{_ASKED.get(item.name, 'at most')} {_shown(item, item.bound)}"),
            Cell(item.meaning),
        ]
        for item in gate.criteria
    ]
    columns = [
        Column("Criterion", "text"),
        Column("Verdict", "text"),
        Column("Found"),
        Column("Asked"),
        Column("In words", "prose"),
    ]
    table = Table("gate", "The promotion gate: all of it has to be met", "model.json: gate", columns, rows)
    blocks: list[Block] = [table]
    if trained.verdict.means is not None:
        blocks.append(_bootstrap_facts(trained, trained.verdict.means))
    lead = (
        "Policy less baseline: daily net P&L out of sample, the policy scaled to the baseline's volatility by sessions before "
        "each alone; mean bounded from below by the stationary bootstrap (Politis and Romano 1994)."
    )
    return Section("gate", "Promotion gate", blocks, lead)


def walk_section(trained: Trained) -> Section | None:
    """Equity of both controllers out of sample, and what each came to."""
    walk = trained.walk
    if walk is None or int(walk.compared.sum()) < 2:
        return None
    stress = trained.inputs.config.desk.policy.promotion.stressed_cost_multiple
    blocks: list[Block] = [*_equity(walk)]
    blocks += [_sides_table(name, sides(walk, cost), cost) for name, cost in costs(stress)]
    lead = (
        f"{len(walk.folds)} refits on an expanding window, each decision {trained.model.purge} sessions or more after the last "
        "row it was learned from. Tickets at full, equal budgets, before volatility scale, limits, optimizer and guards, for "
        "both; fractions of the tickets' summed budgets."
    )
    return Section("walk-forward", "Walk-forward against the baseline", blocks, lead)


def calibration_section(trained: Trained) -> Section | None:
    """Predictions out of sample against outcomes, by tenths."""
    found = deciles(trained)
    if not found:
        return None
    largest = max(max(abs(item.predicted), abs(item.realized)) for item in found)
    rows = [
        [
            Cell(str(place)),
            Cell(count(item.rows)),
            Cell(basis_points(item.predicted, 1)),
            Cell(basis_points(item.realized, 1), "bad" if item.realized < 0 else ""),
            Cell("", drawing=diverging_bar(item.realized, largest)),
            Cell(percent(item.gained)),
        ]
        for place, item in enumerate(found, start=1)
    ]
    columns = [
        Column("Tenth", "text"),
        Column("Rows"),
        Column("Predicted"),
        Column("Realized"),
        Column("Realized", "bar"),
        Column("Gained"),
    ]
    caption = "Net return of a unit position over the horizon: mean predicted and mean realized, from the lowest tenth up"
    correlation = rank_correlation(trained)
    found_of = plain(correlation, 3, signed=True)
    note = f"Rank correlation of prediction and outcome {found_of}; rows overlap and are not independent."
    table = Table("calibration", caption, "walk-forward predictions, training_set.parquet", columns, rows, note=note)
    return Section("calibration", "Calibration", [table], "Every prediction was made before its outcome could be known.")


def _shown(item: Criterion, value: float | None) -> str:
    if value is None:
        return NOTHING
    if item.name == DAYS:
        return count(round(value))
    return basis_points(value, 3) if item.name in (BASE, STRESSED, NET) else percent(value, 2)


def _bootstrap_facts(trained: Trained, means: Array) -> Facts:
    settings = trained.inputs.config.desk.policy.promotion
    values = means.tolist()
    above = sum(value > 0 for value in values) / len(values)
    items = [
        Fact("Mean of the resampled means", basis_points(mean(values), 3), "a day, at the desk's costs"),
        Fact("Resampled means above 0", percent(above), f"of {len(values):,}, at the desk's costs"),
        Fact("Mean block", f"{settings.bootstrap_mean_block:g} sessions", f"seed {settings.bootstrap_seed}"),
        Fact("Confidence", percent(settings.confidence, 0), "one-sided"),
    ]
    return Facts("bootstrap of policy less baseline", items)


def _equity(walk: WalkForward) -> tuple[Figure, Figure]:
    policy, baseline = (list(accumulate(series.tolist())) for series in walk.matched())
    dates = [str(session) for session, there in zip(walk.sessions, walk.compared, strict=True) if there]
    ahead = [own - other for own, other in zip(policy, baseline, strict=True)]
    made, other_made = (percent(series[-1], 2, signed=True) for series in (policy, baseline))
    described = (
        f"From {dates[0]} to {dates[-1]} the policy at the baseline's volatility made {made} of capital after costs, "
        f"the baseline {other_made}."
    )
    both = Panel([Line("policy", policy), Line("baseline", baseline, "dashed")], 150, _percent, with_zero=True)
    apart = Panel([Line("policy less baseline", ahead)], 150, _percent, with_zero=True)
    ends, deepest = (percent(value, 2, signed=True) for value in (ahead[-1], min(ahead)))
    between = f"The difference ends at {ends}; its deepest point is {deepest}."
    equity = line_chart("chart-walk", "Cumulated net P&L of policy and baseline", described, dates, [both])
    difference = line_chart("chart-apart", "Cumulated net P&L of the policy less the baseline's", between, dates, [apart])
    return (
        Figure(
            f"Cumulated net P&L: policy at the baseline's volatility (solid), baseline (dashed). {described}",
            "walk_forward.parquet",
            equity,
        ),
        Figure(f"Policy less baseline, cumulated: what the gate judges. {between}", "walk_forward.parquet", difference),
    )


def _sides_table(name: str, found: dict[str, Side], cost: float) -> Table:
    rows = [
        [
            Cell(_SIDES[key]),
            Cell(percent(item.net_a_year, 2, signed=True), "bad" if item.net_a_year < 0 else ""),
            Cell(percent(item.costs_a_year, 2)),
            Cell(plain(item.sharpe, 2, signed=True)),
            Cell(percent(item.drawdown, 2)),
            Cell(plain(item.units, 2)),
            Cell(plain(item.held, 1)),
            Cell(percent(item.traded, 2)),
        ]
        for key, item in found.items()
    ]
    columns = [
        Column("Controller", "text"),
        Column("Net a year"),
        Column("Costs a year"),
        Column("Sharpe"),
        Column("Drawdown"),
        Column("Units"),
        Column("Tickets"),
        Column("Traded a session"),
    ]
    words = "At the desk's costs" if cost == 1.0 else f"At {cost:g} times the costs"
    return Table(f"sides-{name}", f"{words}, on the compared sessions", "walk_forward.parquet", columns, rows)


def _percent(value: float) -> str:
    return percent(value, 1)
