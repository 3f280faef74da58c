"""Every step a ticket's size takes has its row: from the controller's proposal the clip ledger leads to the shares held."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from riskdesk_assets.construction.desk_day import desk_day
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.state import GENESIS
from riskdesk_assets.construction.walk import walk
from riskdesk_tests.desk_builder import (
    calendar,
    changed,
    day_of,
    desk_config,
    inputs_of,
    make_ticket,
    marks,
    shipped_tickets,
    signal,
)

COUNT = 25
CENT = 0.01


@pytest.mark.parametrize(
    ("gate", "mode"), [(None, "shadow"), (1e-9, "shadow"), (None, "paper")], ids=["released", "blocked", "guarded"]
)
def test_from_the_proposal_each_row_starts_where_the_one_before_ended_and_the_last_ends_at_what_is_held(gate, mode) -> None:
    sessions = [day for day in calendar().sessions if day.year >= 2022][:COUNT]
    config = changed(desk_config("desk"), "desk.guards.mode", mode)
    if gate is not None:
        config = changed(config, "limits.portfolio_net.max", gate)
        config = changed(config, "limits.portfolio_net.mode", "gate")
    done = walk(inputs_of(config, shipped_tickets(), sessions[0], sessions[-1]))
    ledger, held = done.frames["clip_ledger"], done.frames["desk_positions"]
    gross = {
        (day, ticket): cents / 100
        for day, ticket, cents in held.group_by("as_of_date", "ticket_id").agg(pl.col("notional_cents").abs().sum()).iter_rows()
    }
    followed = 0
    whole = (pl.col("symbol") == "") | pl.col("stage").is_in(["TICKET_CAPS", "GATEKEEPER"])
    for row in done.frames["proposals"].iter_rows(named=True):
        day, ticket = row["as_of_date"], row["ticket_id"]
        size = abs(row["notional_a"]) + abs(row["notional_b"])
        rows = ledger.filter((pl.col("as_of_date") == day) & (pl.col("ticket_id") == ticket) & whole)
        repaired = ledger.filter((pl.col("as_of_date") == day) & (pl.col("ticket_id") == ticket) & (pl.col("stage") == "BOOK"))
        repairs = sum(r["value_in"] - r["value_out"] for r in repaired.filter(pl.col("symbol") != "").iter_rows(named=True))
        for clip in rows.filter(~pl.col("stage").is_in(["BUDGET", "FROZEN"])).sort("sequence").iter_rows(named=True):
            if clip["stage"] == "CONTROLLER" and clip["value_out"] == 0:
                continue  # an exit: it tells of the position given up, not of a proposal
            # The guards start from whole shares, after the repairs of single legs.
            cents, done_before = (2 * CENT, repairs) if clip["stage"] == "GUARDS" else (CENT, 0.0)
            assert clip["value_in"] == pytest.approx(size - done_before, abs=cents), (day, ticket, clip)
            size = clip["value_out"] + done_before
            followed += 1
        size -= repairs
        assert gross.get((day, ticket), 0.0) == pytest.approx(size, abs=2 * CENT), (day, ticket)
    assert followed > 50
    capped = ledger.filter(pl.col("stage").is_in(["TICKET_CAPS", "GATEKEEPER"]))
    assert capped["bound"].null_count() == 0
    assert gate is not None or set(capped["stage"]) == {"TICKET_CAPS", "GATEKEEPER"}
    of_gross = capped.filter((pl.col("stage") == "GATEKEEPER") | (pl.col("limit_name") == "GROSS_CLAMP"))
    assert (of_gross["bound"] - of_gross["value_out"]).abs().max() == pytest.approx(0.0, abs=CENT)


def test_both_caps_of_a_ticket_are_rows_of_their_own() -> None:
    """600,000 and 400,000 asked for; a leg may have 450,000 (x 0.75), both together 500,000 (of the 750,000 left)."""
    day = date(2022, 3, 2)
    mine = make_ticket(max_gross_notional=500_000.0, max_leg_notional=450_000.0)
    asked = day_of(day, [mine], {"JPM__BAC": signal(-2.0, beta=2 / 3)}, {day: marks(JPM=100.0, BAC=50.0)})
    asked = replace(asked, budgets={mine.ticket_id: 1_000_000.0})
    item = desk_day(asked, GENESIS, desk_context(desk_config("classic"))).items[0]
    rows = [clip for clip in item.clips if clip.stage == "TICKET_CAPS"]
    assert item.clamp_codes == ("LEG_CLAMP_A", "GROSS_CLAMP")
    assert [(row.limit_name, row.symbol, row.bound) for row in rows] == [
        ("LEG_CLAMP_A", "JPM", 450_000.0),
        ("GROSS_CLAMP", "", 500_000.0),
    ]
    assert [row.value_in for row in rows] == pytest.approx([1_000_000.0, 750_000.0])
    assert [row.value_out for row in rows] == pytest.approx([750_000.0, 500_000.0])
    assert rows[0].value_out == rows[1].value_in
