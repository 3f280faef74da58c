"""The run's POLICY_DECISION lines: document 004's fields in its order, at the session's close, the same bytes again."""

from __future__ import annotations

import json
from datetime import date

import polars as pl

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.policy_lines import TABLES_READ, policy_lines
from riskdesk_tests.desk_builder import changed, desk_config

DAY = date(2026, 11, 27)  # closes at 13:00 New York
FIELDS = ["timestamp", "symbol", "action", "qty_delta", "reason", "layer", "metadata"]


def decision(symbol: str, before: int, wanted: int, after: int, target: float, **fields: object) -> dict[str, object]:
    base = {"as_of_date": DAY, "run_id": "r", "ticket_id": "jpm-bac", "action": "ALLOW", "layer": "per_symbol"}
    shares = {"shares_before": before, "shares_wanted": wanted, "shares_after": after, "target_notional": target}
    return {**base, "symbol": symbol, "reason": "increase", **shares, "metadata": '{"kind":"adds"}', **fields}


def frames(*decisions: dict[str, object]) -> dict[str, pl.DataFrame]:
    close = {"as_of_date": DAY, "close_utc": "2026-11-27T18:00:00+00:00", "half_day": True}
    bar = {"as_of_date": DAY, "symbol": "JPM", "close": 150.25}
    # BAC did not print: it is marked at its last price
    held = {"as_of_date": DAY, "ticket_id": "jpm-bac", "leg": "B", "symbol": "BAC", "shares": -30, "price": 40.5}
    rows = {"guard_decisions": decisions, "trading_sessions": [close], "daily_bars": [bar], "desk_positions": [held]}
    empty = {name: dict.fromkeys(TABLES[name].schema) for name in TABLES_READ}
    return {name: TABLES[name].frame([{**empty[name], **row} for row in rows[name]]) for name in TABLES_READ}


def bodies(*decisions: dict[str, object], mode: str = "shadow") -> list[dict[str, object]]:
    found = policy_lines(frames(*decisions), changed(desk_config(), "desk.guards.mode", mode))
    marked = [line.partition("POLICY_DECISION: ") for line in found.get(DAY, [])]
    assert all(not before and word for before, word, _ in marked)
    return [json.loads(body) for _, _, body in marked]


def test_a_line_has_the_fields_of_the_document_in_its_order_and_the_three_values() -> None:
    (line,) = bodies(decision("JPM", 90, 100, 95, 15_025.0))
    assert list(line) == FIELDS
    assert line["timestamp"] == "2026-11-27T18:00:00Z"
    assert (line["symbol"], line["action"], line["qty_delta"], line["layer"]) == ("JPM", "ALLOW", 5, "per_symbol")
    assert line["metadata"] == {
        "ticket_id": "jpm-bac",
        "mode": "shadow",
        "current_val": 13_522.5,
        "target_val": 15_025.0,
        "band_pct": 0.05,
        "kind": "adds",
    }


def test_a_silent_leg_is_valued_at_its_last_mark_and_one_without_any_at_nothing_known() -> None:
    frozen, unknown, flat = bodies(
        decision("BAC", -30, -30, -30, -1_215.0, action="NOOP", reason="frozen", layer=None),
        decision("C", 10, 0, 0, 0.0),
        decision("WFC", 0, 5, 5, 500.0),
    )
    values = [item["metadata"]["current_val"] for item in (frozen, unknown, flat)]  # type: ignore[index]
    assert values == [-1_215.0, None, 0.0]
    assert (frozen["layer"], frozen["qty_delta"]) == (None, 0)


def test_the_mode_is_told_for_in_shadow_nothing_follows() -> None:
    (line,) = bodies(decision("JPM", 0, 1, 1, 150.25), mode="enforce")
    assert line["metadata"]["mode"] == "enforce"  # type: ignore[index]


def test_a_session_without_decisions_has_no_line() -> None:
    assert bodies() == []
