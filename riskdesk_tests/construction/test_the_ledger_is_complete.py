"""Every step a ticket's size takes has its row: from the controller's proposal the clip ledger leads to the shares held."""

from __future__ import annotations

import polars as pl
import pytest

from riskdesk_assets.construction.walk import walk
from riskdesk_tests.desk_builder import calendar, changed, desk_config, inputs_of, shipped_tickets

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
    for row in done.frames["proposals"].iter_rows(named=True):
        day, ticket = row["as_of_date"], row["ticket_id"]
        size = abs(row["notional_a"]) + abs(row["notional_b"])
        rows = ledger.filter((pl.col("as_of_date") == day) & (pl.col("ticket_id") == ticket) & (pl.col("symbol") == ""))
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
