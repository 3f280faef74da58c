"""What each multiplier took from a ticket's budget, one after another: how stage 1 explains itself in the clip ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NO_STRATEGY = "no_strategy"
BASE_SIZE = "base_size"
# Name in the ledger -> column of strategy_budgets, in the order in which they take.
MULTIPLIERS: Mapping[str, str] = {
    "conviction": "conviction_multiplier",
    "return_risk": "return_risk_multiplier",
    "kelly": "kelly_multiplier",
    "strategy_cap": "strategy_cap_multiplier",
    "bucket_cap": "bucket_multiplier",
    "regime": "regime_adjustment",
    "regime_fit": "regime_fit",
    "correlation": "correlation_adjustment",
}
CUTS = (NO_STRATEGY, BASE_SIZE, *MULTIPLIERS)
"""Every name a cut may have, in their order."""
_WORDS: Mapping[str, str] = {
    "conviction": "the conviction of {strategy} takes {factor:.3g} of its base size",
    "return_risk": "expected return over expected risk of {strategy} allows {factor:.3g} of that",
    "kelly": "the Kelly fraction of {strategy} allows {factor:.1%} of that",
    "strategy_cap": "no strategy may have more than its cap: {strategy} keeps {factor:.1%}",
    "bucket_cap": "bucket {bucket} is full: {strategy} keeps {factor:.1%}",
    "regime": "today's market regime leaves {factor:.3g} of that",
    "regime_fit": "{strategy} does not fit today's market regime",
    "correlation": "{strategy} moves with the other strategies: it keeps {factor:.1%}",
}


@dataclass(frozen=True)
class BudgetCut:
    """One cut of a ticket's budget, in dollars of gross at full units."""

    name: str
    value_in: float
    value_out: float
    reason: str


def budget_cuts(row: Mapping[str, Any]) -> tuple[BudgetCut, ...]:
    """The cuts from a ticket's own max_gross_notional to its budget; none where it may use all of it.

    What raises (a conviction or a ratio above 1) raises first, so that every row takes something away, each starts where the
    one before ended, and the last ends at the budget.

    Args:
        row: of strategy_budgets.
    """
    most, budget = row["max_gross_notional"], row["budget"]
    if most is None or budget >= most:
        return ()
    if row["base_size"] is None:
        return (BudgetCut(NO_STRATEGY, most, budget, str(row["reason"])),)
    factors = {name: float(row[column]) for name, column in MULTIPLIERS.items()}
    said = {"strategy": row["strategy_name"], "bucket": row["bucket"]}
    share = float(row["base_size"]) * float(row["share"])
    for factor in factors.values():
        share *= max(1.0, factor)
    steps = [(BASE_SIZE, share, f"the base size of {said['strategy']}, as its multipliers raise it, is ${share:,.0f} for it")]
    for name, factor in factors.items():
        share *= min(1.0, factor)
        steps.append((name, share, _WORDS[name].format(**said, factor=factor)))
    cuts: list[BudgetCut] = []
    now = most
    for name, value, reason in steps:
        if value < now:
            cuts.append(BudgetCut(name, now, value, reason))
            now = value
    # Factors taken in another order round to another last bit.
    return (*cuts[:-1], BudgetCut(cuts[-1].name, cuts[-1].value_in, budget, cuts[-1].reason)) if cuts else ()
