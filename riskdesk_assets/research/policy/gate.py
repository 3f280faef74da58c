"""The promotion gate: six numbers out of sample, each with its bound; all of them have to hold.

One asks more than methods.md section 12: the policy has to earn something itself. Better than a baseline that loses is not good
enough, for whoever may stay flat: on random walks the other five alone let through two of sixteen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from riskdesk_assets.common.policy_settings import PromotionSettings
from riskdesk_assets.common.sample_statistics import deepest_fall, mean
from riskdesk_assets.controllers.policy_model import PROMOTED, REJECTED, Criterion
from riskdesk_assets.research.policy.bootstrap import Array, bootstrap_means, lower_bound
from riskdesk_assets.research.policy.evaluation import WalkForward

DAYS, BASE, STRESSED = "n_days", "lower_bound", "lower_bound_stressed"
DRAWDOWN, DRAWDOWN_STRESSED = "drawdown", "drawdown_stressed"
NET = "net_stressed"


@dataclass(frozen=True, eq=False)
class Verdict:
    """The gate's content for the model file, and the resampled means of the difference at base costs (for the report)."""

    content: dict[str, Any]
    means: Array | None


def judged(walk: WalkForward | None, settings: PromotionSettings) -> Verdict:
    """Judge a walk-forward.

    Args:
        walk: None where there were too few sessions for one.
        settings: confidence, bootstrap, stress and the fewest days.

    The lower bound is that of the mean daily net P&L of the policy, at the baseline's prior volatility, less the baseline's:
    one-sided, by the stationary bootstrap, the same draws at both costs (methods.md section 12).
    """
    days = 0 if walk is None else int(walk.compared.sum())
    found = [
        Criterion(
            name=DAYS,
            value=float(days),
            bound=float(settings.min_days),
            passed=days >= settings.min_days,
            meaning=f"{days:,} sessions out of sample, at least {settings.min_days:,} asked",
        )
    ]
    means: Array | None = None
    if walk is None or not days:
        names = (BASE, STRESSED, DRAWDOWN, DRAWDOWN_STRESSED, NET)
        found += [
            Criterion(name=name, value=None, bound=0.0, passed=False, meaning=f"{name}: nothing to compare") for name in names
        ]
    else:
        means = _means(walk, 1.0, settings)
        stressed = _means(walk, settings.stressed_cost_multiple, settings)
        at = f"at {settings.stressed_cost_multiple:g} times the costs"
        found += [_better(BASE, means, "at the desk's costs", settings), _better(STRESSED, stressed, at, settings)]
        found += [*_no_deeper(walk, settings, at), _earns(walk, settings, at)]
    status = PROMOTED if all(item.passed for item in found) else REJECTED
    first, last = (None, None) if walk is None else (walk.sessions[0], walk.sessions[-1])
    criteria = [item.model_dump(mode="json") for item in found]
    return Verdict({"status": status, "first": first, "last": last, "days": days, "criteria": criteria}, means)


def _means(walk: WalkForward, cost_multiple: float, settings: PromotionSettings) -> Array:
    policy, baseline = walk.matched(cost_multiple)
    return bootstrap_means(
        policy - baseline, settings.bootstrap_samples, settings.bootstrap_mean_block, settings.bootstrap_seed
    )


def _better(name: str, means: Array, at: str, settings: PromotionSettings) -> Criterion:
    bound = lower_bound(means, settings.confidence)
    said = f"the {settings.confidence:.0%} lower bound on policy less baseline is {bound * 1e4:+.3f} bp of capital a day {at}"
    return Criterion(name=name, value=bound, bound=0.0, passed=bound > 0.0, meaning=f"{said}, above 0 asked")


def _no_deeper(walk: WalkForward, settings: PromotionSettings, at: str) -> Iterator[Criterion]:
    for name, multiple, words in (
        (DRAWDOWN, 1.0, "at the desk's costs"),
        (DRAWDOWN_STRESSED, settings.stressed_cost_multiple, at),
    ):
        policy, baseline = (deepest_fall(net.tolist()) for net in walk.matched(multiple))
        said = f"deepest drawdown {policy:.2%} of capital against the baseline's {baseline:.2%} {words}, no deeper asked"
        yield Criterion(name=name, value=policy, bound=baseline, passed=policy <= baseline, meaning=said)


def _earns(walk: WalkForward, settings: PromotionSettings, at: str) -> Criterion:
    """The policy's own mean net P&L a session, at stressed costs."""
    policy, _ = walk.matched(settings.stressed_cost_multiple)
    own = mean(policy.tolist()) or 0.0
    said = f"the policy itself made {own * 1e4:+.3f} bp of capital a day {at}, above 0 asked"
    return Criterion(name=NET, value=own, bound=0.0, passed=own > 0.0, meaning=said)
