"""What a backtest is asked for, and how a sweep's file is read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.interfaces.reach import before
from riskdesk_assets.research.backtest_request import as_if_in_force, ticket_notes
from riskdesk_assets.research.sweep import load_sweep, parse_settings, sweep_frame
from riskdesk_assets.research.sweep_files import markdown
from riskdesk_assets.strategy.loading import LoadedTicket, TicketFolder
from riskdesk_assets.strategy.ticket import Ticket
from riskdesk_tests.desk_builder import make_ticket


def folder(*tickets: Ticket) -> TicketFolder:
    return TicketFolder(tuple(LoadedTicket(item, f"{item.ticket_id}.yaml", "h") for item in tickets), (), {}, "")


def test_tickets_count_as_in_force_from_the_first_session_and_what_is_not_applied_is_said() -> None:
    later = make_ticket("later", effective_from=date(2026, 1, 5))
    over = make_ticket("over", expires_on=date(2024, 6, 28))
    made = folder(later, over)
    assert [item.ticket.effective_from for item in as_if_in_force(made).tickets] == [None, None]
    assert [item.ticket.expires_on for item in as_if_in_force(made).tickets] == [later.expires_on, over.expires_on]
    said = ticket_notes(made, date(2024, 1, 2), date(2024, 12, 31))
    assert said[0].startswith("2 tickets as they read now, as if in force on every session from 2024-01-02 to 2024-12-31")
    assert said[1:] == ("effective_from is not applied: later (2026-01-05).", "expires within the range: over (2024-06-28).")
    assert ticket_notes(folder(make_ticket()), date(2024, 1, 2), date(2024, 1, 3))[0].startswith("1 ticket as it reads now")


@pytest.mark.parametrize(
    ("day", "count", "unit", "expected"),
    [
        (date(2026, 8, 31), 6, "m", date(2026, 2, 28)),
        (date(2024, 8, 31), 6, "m", date(2024, 2, 29)),
        (date(2026, 1, 15), 1, "m", date(2025, 12, 15)),
        (date(2024, 2, 29), 1, "y", date(2023, 2, 28)),
        (date(2026, 3, 10), 2, "w", date(2026, 2, 24)),
        (date(2026, 3, 10), 10, "d", date(2026, 2, 28)),
    ],
)
def test_how_far_back_a_reach_goes(day: date, count: int, unit: str, expected: date) -> None:
    assert before(day, count, unit) == expected


def test_settings_are_read_as_yaml_words_and_refused_by_name() -> None:
    assert parse_settings(("limits.group.max=0.5", "limits.turnover=null", "desk.vol_target.enabled=false")) == {
        "limits.group.max": 0.5,
        "limits.turnover": None,
        "desk.vol_target.enabled": False,
    }
    with pytest.raises(InputError, match="is not path=value"):
        parse_settings(("limits.group.max",))
    with pytest.raises(InputError, match="is given twice"):
        parse_settings(("a=1", "a=2"))


def test_a_grid_spans_every_combination_beside_named_variants(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("shipped: {}\ngrid:\n  limits.group.max: [0.3, 0.4]\n  limits.sector.max: [0.8, 0.9]\n")
    found = load_sweep(path)
    assert [item.name for item in found] == [
        "shipped",
        "group.max=0.3, sector.max=0.8",
        "group.max=0.3, sector.max=0.9",
        "group.max=0.4, sector.max=0.8",
        "group.max=0.4, sector.max=0.9",
    ]
    assert found[2].overrides == {"limits.group.max": 0.3, "limits.sector.max": 0.9}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grid: {limits.group.max: 0.3}", "a list of values"),
        ("grid: {}", "spans nothing"),
        ("[1, 2]", "holds no variants"),
        ("grid: {a.b: [1, 1]}", "is the name of two variants"),
    ],
)
def test_an_unusable_sweep_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        load_sweep(path)


def test_a_sweeps_table_has_a_row_per_variant_and_every_metric() -> None:
    metrics = {
        "sharpe_ratio": None,
        **dict.fromkeys(("total_pnl_net", "total_pnl_gross", "total_costs", "total_turnover"), 1_000.0),
    }
    metrics |= dict.fromkeys(("volatility", "max_drawdown", "return_over_drawdown", "hit_rate"), 0.5)
    metrics |= {"mean_gross": 5.0, "days_with_pnl": 3, "days_skipped_due_to_prices": 0}
    base = {"first": "2024-01-02", "last": "2024-01-05", "source": "SIMULATED", "backtest_id": "bt-x", "metrics": metrics}
    said = {"a|b": {**base, "overrides": {}}, "other": {**base, "overrides": {"limits.group.max": 0.3}}}
    frame = sweep_frame(said)
    assert frame["variant"].unique(maintain_order=True).to_list() == ["a|b", "other"]
    assert frame.filter(frame["measure"] == "sharpe_ratio")["value"].to_list() == [None, None]
    text = markdown(said)
    assert "**SIMULATED**" in text.splitlines()[0]
    assert "| a\\|b | $1,000 |" in text
    assert "- other: limits.group.max = 0.3 (bt-x)" in text
