"""The workbook's heat map: the matrix of the strategies' correlations, of no more names than a person can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations

import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.page.content import PageContent, page_content
from riskdesk_assets.reports.workbook.content import HeatMap
from riskdesk_assets.reports.workbook.size_lines import MOST_NAMES, heat_map
from riskdesk_tests.desk_builder import desk_config

SESSION = date(2026, 3, 2)
OF = "P&L streams of strategies with tickets in force"


def page_of(names: Sequence[str], correlations: Mapping[tuple[str, str], float]) -> PageContent:
    """Strategies of which the later is the larger, and the correlations that are known."""
    rows: Mapping[str, list[dict[str, object]]] = {
        "strategy_sizes": [{"strategy_name": name, "final_size": float(place)} for place, name in enumerate(names)],
        "strategy_correlations": [
            {"strategy_a": one, "strategy_b": other, "correlation": value} for (one, other), value in correlations.items()
        ],
    }
    frames = {
        name: TABLES[name].frame([{**dict.fromkeys(TABLES[name].columns), "as_of_date": SESSION, **row} for row in found])
        for name, found in rows.items()
    }
    return page_content(
        config=desk_config(), source="SIMULATED", snapshot_id="", code_version="", session=SESSION, frames=frames, prior={}
    )


def test_few_names_are_all_shown_and_what_is_not_known_stays_empty() -> None:
    found = heat_map(page_of("abc", {("a", "b"): 0.3, ("b", "c"): -0.1}))
    assert found == HeatMap(OF, ("a", "b", "c"), ((1.0, 0.3, None), (0.3, 1.0, -0.1), (None, -0.1, 1.0)))


@pytest.mark.parametrize("more", [1, 7])
def test_of_many_names_the_largest_are_shown_in_order_of_name(more: int) -> None:
    names = [f"s{place:02}" for place in range(MOST_NAMES + more)]
    found = heat_map(page_of(names, dict.fromkeys(combinations(names, 2), 0.25)))
    assert found.names == tuple(names[more:])
    assert found.of == f"{OF}, the {MOST_NAMES} largest"
    for place, row in enumerate(found.rows):
        assert row == (*[0.25] * place, 1.0, *[0.25] * (MOST_NAMES - place - 1))
