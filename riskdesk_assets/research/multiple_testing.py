"""What many tests at once are worth: p-values adjusted for how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence


def bonferroni(pvalues: Sequence[float]) -> tuple[float, ...]:
    """Each p-value times their number, at most 1: holds the chance of even one false find (Bonferroni 1936; Dunn 1961)."""
    return tuple(min(1.0, pvalue * len(pvalues)) for pvalue in pvalues)


def benjamini_hochberg(pvalues: Sequence[float]) -> tuple[float, ...]:
    """P-values adjusted by the step-up procedure: holds the expected share of false finds among the finds.

    Returns:
        In the order given: the smallest of p_(j) m / j over the ranks j from the value's own on, at most 1.

    Source: Benjamini and Hochberg (1995), "Controlling the false discovery rate", J. R. Statist. Soc. B 57, 289-300, for tests
        that are independent or depend positively. Pairs that share a leg do depend on each other.
    """
    count = len(pvalues)
    order = sorted(range(count), key=lambda place: pvalues[place])
    adjusted = [1.0] * count
    least = 1.0
    for rank in range(count, 0, -1):
        place = order[rank - 1]
        least = min(least, pvalues[place] * count / rank)
        adjusted[place] = least
    return tuple(adjusted)
