"""Each ticket in force on the page: how its pair fares, and how much of it the limits would still let through."""

from __future__ import annotations

import re
from datetime import date

import polars as pl
import pytest

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.features.pair_health import PairHealth, pair_warnings
from riskdesk_assets.reports.page.content import PageContent
from riskdesk_assets.reports.page.numerals import NOTHING, dollars, plain
from riskdesk_assets.reports.page.page import desk_page
from riskdesk_assets.reports.page.pairs import pairs_section
from riskdesk_assets.reports.page.tickets import room_table
from riskdesk_assets.reports.risk_reading import StoredRisk, stored_risk
from riskdesk_tests.desk_builder import calendar
from riskdesk_tests.desk_on_disk import TICKETS, DeskFolder
from riskdesk_tests.reports.page.pages import LAST, Reader, Walked, changed, emptied, with_rows


def tones(content: PageContent, ticket: str) -> dict[str, str]:
    """Title of the column -> tone, of one row of the pairs."""
    section = pairs_section(content)
    assert section is not None
    (table,) = section.blocks
    row = next(row for row in table.rows if row[0].text == ticket)  # type: ignore[union-attr]
    return {column.title: cell.tone for column, cell in zip(table.columns, row, strict=True)}  # type: ignore[union-attr]


def test_every_ticket_in_force_is_shown_with_the_figures_of_its_pair(content: PageContent) -> None:
    shown = Reader(desk_page(content)).rows("pairs")
    assert set(shown) == set(TICKETS)
    states = {str(row["pair_id"]): row for row in content.rows("pair_state")}
    tickets = {row["ticket_id"]: row for row in content.rows("ticket_snapshots")}
    held = {row["ticket_id"] for row in content.rows("desk_positions")}
    assert held
    for name, cells in shown.items():
        health = PairHealth.of_row(states[str(tickets[name]["pair_id"])])
        assert cells[1] == ("held" if name in held else "")
        assert cells[2:4] == [plain(health.zscore, signed=True), plain(health.beta)]
        assert cells[4] == ("none" if health.half_life is None else plain(health.half_life, 1))
        assert cells[5] == str(tickets[name]["horizon_days"])
        assert cells[6:9] == [plain(health.pvalue, 3), plain(health.correlation), plain(health.beta_stability, 3)]
        assert cells[9] == str(health.no_cross_sessions)
        warned = pair_warnings(health, int(str(tickets[name]["horizon_days"])), content.config.desk)
        assert len(cells[10].split(", ")) == max(1, len(warned))
        assert bool(cells[10]) == bool(warned)


def test_a_figure_that_warns_is_amber_and_named_and_the_others_are_not(content: PageContent) -> None:
    well = {"zscore": 0.5, "beta": 0.9, "corr_60": 0.9, "beta_stability": 0.01, "no_mean_cross_days": 3, "half_life_days": 5.0}
    sick = changed(content, "pair_state", **{**well, "coint_pvalue": 0.31, "half_life_days": 251.0})
    found = tones(sick, "jpm-bac-reversion")
    assert {title for title, tone in found.items() if tone == "amber"} == {"Half-life", "Coint. p"}
    assert Reader(desk_page(sick)).rows("pairs")["jpm-bac-reversion"][-1] == "half-life, cointegration"
    assert "amber" not in tones(changed(content, "pair_state", **well, coint_pvalue=0.01), "jpm-bac-reversion").values()


def test_the_page_says_where_amber_begins(content: PageContent) -> None:
    words = Reader(desk_page(content)).words
    assert "Amber is a warning, not a gate" in words
    assert "p above 0.05; correlation below 0.5; a sd of beta above 0.2; beta below 0.2; |z| from 3." in words


def test_a_ticket_that_is_held_but_not_in_force_and_one_without_a_state_are_shown(content: PageContent) -> None:
    held = str(content.rows("desk_positions")[0]["ticket_id"])
    rows = [{**row, "status": "EXPIRED"} for row in content.rows("ticket_snapshots")]
    over = emptied(with_rows(content, "ticket_snapshots", rows), "pair_state")
    shown = Reader(desk_page(over)).rows("pairs")
    assert set(shown) == {str(row["ticket_id"]) for row in content.rows("desk_positions")}
    assert shown[held][-1] == "no state today"
    assert "table-pairs" not in Reader(desk_page(emptied(over, "desk_positions"))).tables


def stored(walked: Walked) -> StoredRisk:
    config, warehouse, root = walked
    return stored_risk(DeskFolder(root).paths, calendar(), config, warehouse, LAST)


def test_the_room_of_each_ticket_is_the_headroom_commands(content: PageContent, walked: Walked) -> None:
    shown, risk = Reader(desk_page(content)).rows("ticket-room"), stored(walked)
    assert shown
    for ticket in TICKETS:
        if ticket not in shown:
            with pytest.raises(StateError, match="more of it has no side"):
                risk.headroom(ticket)
            continue
        (found,) = risk.headroom(ticket)
        least, cells = found.rooms[0], shown[ticket]
        assert cells[0].replace("−", "-") == found.direction
        assert (cells[1], cells[3]) == (dollars(least.room), least.limit_name)


def test_a_ticket_without_a_side_is_named_and_without_any_there_is_no_table(content: PageContent) -> None:
    flat = [{**row, "capped_a": 0.0, "capped_b": 0.0} for row in content.rows("proposals")]
    gone = [row for row in content.rows("desk_positions") if row["ticket_id"] == "jpm-bac-reversion"] or [
        content.rows("desk_positions")[0]
    ]
    only = str(gone[0]["ticket_id"])
    one = with_rows(with_rows(content, "proposals", flat), "desk_positions", gone)
    read = Reader(desk_page(one))
    assert set(read.rows("ticket-room")) == {only}
    assert f"nothing held and nothing asked for: {', '.join(sorted({*TICKETS} - {only}))}." in read.words
    assert room_table(emptied(one, "desk_positions")) is None


def test_a_ticket_that_nothing_bounds_says_so(content: PageContent) -> None:
    shown = Reader(desk_page(emptied(content, "limit_audit"))).rows("ticket-room")
    assert shown
    assert all(cells[1:4] == ["–", "–", "no limit"] for cells in shown.values())


def test_the_stress_of_a_name_stands_beside_its_regime(content: PageContent) -> None:
    states = {row["symbol"]: row for row in content.rows("instrument_state")}
    rows = [{**row, "corwin_schultz_bps": 52.4} for row in states.values()]
    read = Reader(desk_page(with_rows(content, "instrument_state", rows)))
    names = [name for name in read.rows("book") if re.fullmatch("[A-Z]+", name) and name != "CASH"]
    assert names
    for name in names:
        assert read.rows("book")[name][7:9] == [str(states[name]["tape_regime"]), "52"]
    assert "costs do not use it" in read.words


def test_what_stops_a_ticket_before_the_limits_do_stands_beside_its_room(content: PageContent) -> None:
    shown = set(Reader(desk_page(content)).rows("ticket-room"))
    gates = [row for row in content.rows("gate_decisions") if row["ticket_id"] in shown]
    assert gates
    no = {"status": "REJECTED", "reason": "confidence 0.541 is below 0.600: the position may not grow"}
    rejected = Reader(desk_page(with_rows(content, "gate_decisions", [row | no for row in gates]))).rows("ticket-room")
    assert {cells[-1] for cells in rejected.values()} == {f"gatekeeper: {no['reason']}"}
    less = {"status": "ADJUSTED", "approved_gross": 90_000.0, "binding_check": "position_size"}
    free = [{**row, "units": 1.0, "clamp_codes": ""} for row in content.rows("proposals")]
    cut = with_rows(with_rows(content, "gate_decisions", [row | less for row in gates]), "proposals", free)
    said = Reader(desk_page(cut)).rows("ticket-room")
    assert {cells[-1] for cells in said.values()} == {"gatekeeper: at most $90,000 (ATR size ceiling)"}
    passed = emptied(with_rows(content, "proposals", free), "gate_decisions")
    assert {cells[-1] for cells in Reader(desk_page(passed)).rows("ticket-room").values()} == {""}
    barred = [{**row, "clamp_codes": "NO_ADD", "reason": "HOLD", "units": 1.0} for row in content.rows("proposals")]
    held = emptied(with_rows(content, "proposals", barred), "gate_decisions")
    assert {cells[-1] for cells in Reader(desk_page(held)).rows("ticket-room").values()} == {"controller: hold, may not grow"}


def test_each_held_ticket_says_what_it_made_and_how_far_its_time_stop_is(content: PageContent) -> None:
    positions = content.frame("desk_positions")
    rows = Reader(desk_page(content)).rows("held")
    names = set(positions["ticket_id"])
    assert set(rows) == {*names, "Sum"}
    realized = pl.concat([content.earlier["realized_pnl"], content.frame("realized_pnl")])
    stops = dict(content.frame("ticket_snapshots").select("ticket_id", "time_stop_days").iter_rows())
    total = 0.0
    for name in names:
        legs = positions.filter(pl.col("ticket_id") == name)
        own = realized.filter((pl.col("ticket_id") == name) & (pl.col("as_of_date") >= legs["entered_on"].min()))
        total += own["pnl_net"].sum()
        age = legs["age_sessions"].max()
        assert rows[name][3:5] == [str(age), str(stops[name] - age)]
        today = own.filter(pl.col("realized_on") == content.session)["pnl_net"].sum()
        shown = [dollars(today, signed=True), dollars(own["pnl_net"].sum(), signed=True)]
        assert rows[name][5:] == (shown if own.height else ["pending", NOTHING])
    assert rows["Sum"][-1] == dollars(total, signed=True)


def test_a_position_older_than_the_page_reaches_has_no_pnl_since_entry(content: PageContent) -> None:
    old = changed(content, "desk_positions", entered_on=date(2020, 1, 2), age_sessions=1_500)
    reader = Reader(desk_page(old))
    rows = reader.rows("held")
    assert {cells[-1] for name, cells in rows.items() if name != "Sum"} == {NOTHING}
    assert {cells[4] for name, cells in rows.items() if name != "Sum"} == {"due"}
    assert "riskdesk book has it" in reader.words
