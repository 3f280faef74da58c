"""Adjusted p-values against statsmodels, the example of the paper, and what adjusting may never do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from riskdesk_assets.research.multiple_testing import benjamini_hochberg, bonferroni

# Benjamini and Hochberg (1995), section 4.1: fifteen p-values of a study of thrombolysis.
PAPER = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
PVALUES = st.lists(st.floats(0, 1), min_size=1, max_size=60)


def test_the_example_of_the_paper_rejects_three_by_bonferroni_and_four_by_its_own_procedure() -> None:
    assert sum(value <= 0.05 for value in bonferroni(PAPER)) == 3
    assert sum(value <= 0.05 for value in benjamini_hochberg(PAPER)) == 4
    assert benjamini_hochberg(PAPER)[3] == pytest.approx(0.0095 * 15 / 4)


@given(PVALUES)
def test_both_are_those_of_statsmodels(pvalues: list[float]) -> None:
    for ours, method in ((bonferroni, "bonferroni"), (benjamini_hochberg, "fdr_bh")):
        assert ours(pvalues) == pytest.approx(multipletests(pvalues, method=method)[1].tolist(), rel=1e-12, abs=1e-300)


@given(PVALUES)
def test_no_adjustment_makes_a_find_more_certain_and_bonferroni_is_the_stricter(pvalues: list[float]) -> None:
    for raw, middle, strict in zip(pvalues, benjamini_hochberg(pvalues), bonferroni(pvalues), strict=True):
        assert raw * (1 - 1e-12) <= middle <= strict * (1 + 1e-12) <= 1.0 + 1e-9


def test_no_tests_have_no_adjusted_values() -> None:
    assert bonferroni([]) == benjamini_hochberg([]) == ()
