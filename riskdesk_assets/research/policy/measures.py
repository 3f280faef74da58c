"""A training in numbers: what metrics.json holds, and what the report page and the command line show."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR, deepest_fall, mean
from riskdesk_assets.research.performance import sharpe_ratio
from riskdesk_assets.research.policy.evaluation import Array, WalkForward
from riskdesk_assets.research.policy.simulation import Outcome
from riskdesk_assets.research.policy.training import Trained
from riskdesk_assets.research.rank_correlation import spearman

DECILES = 10


@dataclass(frozen=True)
class Side:
    """One controller out of sample, fractions of capital: net P&L and costs a year, Sharpe ratio a year, deepest drawdown,
    mean sum of |units|, mean tickets held, mean notional traded a session."""

    net_a_year: float
    costs_a_year: float
    sharpe: float | None
    drawdown: float
    units: float
    held: float
    traded: float


@dataclass(frozen=True)
class Decile:
    """Rows out of sample whose prediction lies in one tenth of all: means of what was predicted and what came, and how often
    the position gained after costs."""

    rows: int
    predicted: float
    realized: float
    gained: float


@dataclass(frozen=True)
class FoldLine:
    """One refit, as far as a reader wants to know it; ``coefficients`` in the model's order."""

    trained_to: str
    first: str
    last: str
    rows: int
    coefficients: tuple[float, ...]


def metrics(trained: Trained) -> dict[str, Any]:
    """Everything measured of a training, as plain data: the same training gives the same content."""
    model, walk = trained.model, trained.walk
    content: dict[str, Any] = {
        "model_id": model.model_id,
        "status": model.status,
        "trained_through": model.trained_through.isoformat(),
        "source": model.data.source,
        "gate": model.gate.model_dump(mode="json"),
        "data": model.data.model_dump(mode="json"),
        "walk_forward": None,
    }
    if walk is None:
        return content
    stress = trained.inputs.config.desk.policy.promotion.stressed_cost_multiple
    content["walk_forward"] = {
        "first": walk.sessions[0].isoformat(),
        "last": walk.sessions[-1].isoformat(),
        "sessions": len(walk.sessions),
        "compared": int(walk.compared.sum()),
        "mean_scale": mean(walk.scale[walk.compared].tolist()),
        "sides": {name: {side: asdict(line) for side, line in sides(walk, cost).items()} for name, cost in costs(stress)},
        "deciles": [asdict(item) for item in deciles(trained)],
        "rank_correlation": rank_correlation(trained),
        "folds": [asdict(fold) for fold in folds(walk)],
    }
    return content


def costs(stress: float) -> tuple[tuple[str, float], ...]:
    """The two looks: the desk's costs, and a multiple of them."""
    return ("base", 1.0), ("stressed", stress)


def sides(walk: WalkForward, cost_multiple: float) -> dict[str, Side]:
    """Baseline, policy as it is, and policy at the baseline's prior volatility; all on the compared sessions."""
    there = walk.compared
    matched, _ = walk.matched(cost_multiple)
    scale = walk.scale[there]
    return {
        "baseline": _side(walk.baseline.net(cost_multiple)[there], walk.baseline, there, cost_multiple),
        "policy": _side(walk.policy.net(cost_multiple)[there], walk.policy, there, cost_multiple),
        "policy_matched": _side(matched, walk.policy, there, cost_multiple, scale),
    }


def deciles(trained: Trained) -> list[Decile]:
    """Predictions made out of sample against what came, from the lowest tenth to the highest."""
    ordered = _predicted_rows(trained).sort("value", "as_of_date", "pair_id")
    size, found = ordered.height, []
    for place in range(DECILES):
        part = ordered.slice(size * place // DECILES, size * (place + 1) // DECILES - size * place // DECILES)
        if part.height:
            came = part["net_return"].to_list()
            gained = sum(value > 0 for value in came) / part.height
            found.append(Decile(part.height, mean(part["value"].to_list()) or 0.0, mean(came) or 0.0, gained))
    return found


def rank_correlation(trained: Trained) -> float | None:
    """Spearman's rank correlation of prediction and outcome over all rows out of sample; None with fewer than three."""
    rows = _predicted_rows(trained)
    if rows.height < 3:
        return None
    return spearman(rows["value"], rows["net_return"])


def folds(walk: WalkForward) -> list[FoldLine]:
    """Every refit of the walk-forward, in order."""
    return [
        FoldLine(str(fold.trained_to), str(fold.first), str(fold.last), fold.rows, fold.fit.coefficients) for fold in walk.folds
    ]


def walk_frame(walk: WalkForward) -> pl.DataFrame:
    """The walk-forward session by session, for whoever wants to look closer."""
    columns: dict[str, Any] = {"as_of_date": list(walk.sessions)}
    for name, outcome in (("baseline", walk.baseline), ("policy", walk.policy)):
        for field in ("gross", "costs", "units", "held", "traded"):
            columns[f"{name}_{field}"] = getattr(outcome, field)
    return pl.DataFrame(columns | {"scale": walk.scale}).with_columns(pl.col("scale").fill_nan(None))


def _side(net: Array, outcome: Outcome, there: Any, cost_multiple: float, scale: Any = 1.0) -> Side:
    earned = net.tolist()

    def of(values: Array) -> float:
        return mean((scale * values[there]).tolist()) or 0.0

    return Side(
        net_a_year=(mean(earned) or 0.0) * SESSIONS_A_YEAR,
        costs_a_year=of(outcome.costs) * cost_multiple * SESSIONS_A_YEAR,
        sharpe=sharpe_ratio(earned),
        drawdown=deepest_fall(earned),
        units=of(outcome.units),
        held=mean(outcome.held[there].tolist()) or 0.0,
        traded=of(outcome.traded),
    )


def _predicted_rows(trained: Trained) -> pl.DataFrame:
    """Rows predicted out of sample whose outcome is known: as_of_date, pair_id, value, net_return."""
    walk = trained.walk
    made = [] if walk is None else [(session, pair, value) for (session, pair), value in walk.predictions.items()]
    schema = {"as_of_date": pl.Date(), "pair_id": pl.String(), "value": pl.Float64()}
    values = pl.DataFrame(made, schema=schema, orient="row")
    rows = trained.inputs.rows.filter(pl.col("side") != 0).select("as_of_date", "pair_id", "net_return").drop_nulls()
    return values.join(rows, on=["as_of_date", "pair_id"], how="inner").sort("as_of_date", "pair_id")
