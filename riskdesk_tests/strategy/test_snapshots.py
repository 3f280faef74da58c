"""Which tickets stood on each session, and that every kind of change is told apart and said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.strategy.budgets import BUDGET_INPUTS, strategy_budgets
from riskdesk_assets.strategy.library import strategy_library
from riskdesk_assets.strategy.loading import load_tickets
from riskdesk_assets.strategy.snapshots import notices, ticket_snapshots
from riskdesk_tests.desk_builder import desk_config
from riskdesk_tests.strategy.tickets import UNIVERSE, write_ticket

MON, TUE, WED, THU = (date(2026, 3, day) for day in (2, 3, 4, 5))
EMPTY = pl.DataFrame(schema=TABLES["ticket_snapshots"].schema)


def snapshot(
    folder: Path, sessions: Sequence[date], previous: pl.DataFrame = EMPTY, archived: Mapping[str, str] | None = None
) -> pl.DataFrame:
    return ticket_snapshots(load_tickets(folder, UNIVERSE), sessions, previous, archived or {})


def seen(frame: pl.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return frame.select(columns or ("ticket_id", "status", "change")).rows()


def test_a_ticket_goes_from_not_yet_to_in_force_to_expired(tmp_path: Path) -> None:
    write_ticket(tmp_path, effective_from=TUE, expires_on=WED)
    frame = snapshot(tmp_path, [THU, MON, WED, TUE])
    assert seen(frame, "as_of_date", "status", "change") == [
        (MON, "NOT_YET", "NEW"),
        (TUE, "IN_FORCE", "UNCHANGED"),
        (WED, "IN_FORCE", "UNCHANGED"),
        (THU, "EXPIRED", "UNCHANGED"),
    ]
    assert seen(frame.head(1), "pair_id", "conviction", "max_gross_notional", "flatten_on_breakdown") == [
        ("JPM__BAC", 3, 8e5, True)
    ]


def test_an_edit_of_a_live_ticket_is_told_with_what_was_edited(tmp_path: Path) -> None:
    write_ticket(tmp_path)
    before = snapshot(tmp_path, [MON])
    write_ticket(tmp_path, max_gross_notional=900000, orientation="LONG_SPREAD")
    after = snapshot(tmp_path, [TUE, WED], before)
    assert seen(after, "change") == [("EDITED",), ("UNCHANGED",)]
    assert [str(notice) for notice in notices(after, before)] == [
        "WARNING: jpm-bac.yaml: 2026-03-03: jpm-bac was edited while in force: orientation BOTH -> LONG_SPREAD, "
        "max_gross_notional 800000.0 -> 900000.0"
    ]


def test_a_comment_or_another_file_name_is_no_change(tmp_path: Path) -> None:
    path = write_ticket(tmp_path)
    before = snapshot(tmp_path, [MON])
    path.write_text("# a word\n" + path.read_text())
    path.rename(tmp_path / "renamed.yaml")
    assert seen(snapshot(tmp_path, [TUE], before), "file", "status", "change") == [("renamed.yaml", "IN_FORCE", "UNCHANGED")]


def test_an_id_used_for_another_pair_is_told_apart_from_an_edit(tmp_path: Path) -> None:
    write_ticket(tmp_path)
    before = snapshot(tmp_path, [MON])
    write_ticket(tmp_path, leg_b="C")
    after = snapshot(tmp_path, [TUE], before)
    assert seen(after, "change") == [("ID_REUSED",)]
    assert "it stood for JPM__BAC and stands for JPM__C now" in str(notices(after, before)[0])


def test_an_expired_ticket_that_comes_back_saying_something_else_is_an_id_used_again(tmp_path: Path) -> None:
    write_ticket(tmp_path, expires_on=MON)
    before = snapshot(tmp_path, [TUE])
    write_ticket(tmp_path, expires_on=date(2027, 1, 4))
    after = snapshot(tmp_path, [WED], before)
    assert seen(after) == [("jpm-bac", "IN_FORCE", "ID_REUSED")]
    assert "it stood for the expired JPM__BAC" in str(notices(after, before)[0])


def test_an_archived_id_may_come_back_only_as_it_was(tmp_path: Path) -> None:
    write_ticket(tmp_path)
    content_hash = load_tickets(tmp_path, UNIVERSE).tickets[0].content_hash
    assert seen(snapshot(tmp_path, [MON], archived={"jpm-bac": content_hash}), "change") == [("NEW",)]
    reused = snapshot(tmp_path, [MON, TUE], archived={"jpm-bac": "0" * 64})
    assert seen(reused, "change") == [("ID_REUSED",), ("UNCHANGED",)]
    assert "an archived ticket that said something else" in str(notices(reused)[0])


def test_a_deleted_ticket_is_removed_once_and_its_id_never_forgotten(tmp_path: Path) -> None:
    path = write_ticket(tmp_path)
    before = snapshot(tmp_path, [MON])
    path.unlink()
    gone = snapshot(tmp_path, [TUE, WED], before)
    assert seen(gone) == [("jpm-bac", "REMOVED", "REMOVED"), ("jpm-bac", "REMOVED", "UNCHANGED")]
    assert [str(notice) for notice in notices(gone, before)] == [
        "WARNING: jpm-bac.yaml: 2026-03-03: jpm-bac (JPM__BAC) is gone"
    ]
    last = gone.filter(pl.col("as_of_date") == WED)
    write_ticket(tmp_path)
    assert seen(snapshot(tmp_path, [THU], last)) == [("jpm-bac", "IN_FORCE", "NEW")]
    write_ticket(tmp_path, conviction=1)
    assert seen(snapshot(tmp_path, [THU], last)) == [("jpm-bac", "IN_FORCE", "ID_REUSED")]


def test_an_unusable_file_is_invalid_with_its_problem_and_does_not_count_as_removed(tmp_path: Path) -> None:
    path = write_ticket(tmp_path)
    before = snapshot(tmp_path, [MON])
    path.write_text("ticket_id: jpm-bac\ntype: PIAR\n")
    (tmp_path / "fresh.yaml").write_text("{")
    broken = snapshot(tmp_path, [TUE, WED], before)
    assert seen(broken.filter(pl.col("as_of_date") == WED), "file", "ticket_id", "status", "change", "leg_a") == [
        ("fresh.yaml", "", "INVALID", None, None),
        ("jpm-bac.yaml", "jpm-bac", "INVALID", None, None),
    ]
    assert "jpm-bac.yaml:2: type: is 'PIAR'; did you mean 'PAIR'?" in str(broken["note"][1])
    assert notices(broken, before) == ()
    (tmp_path / "fresh.yaml").unlink()
    last = broken.filter(pl.col("as_of_date") == WED)
    write_ticket(tmp_path)
    assert seen(snapshot(tmp_path, [THU], last)) == [("jpm-bac", "IN_FORCE", "UNCHANGED")]
    write_ticket(tmp_path, conviction=1)
    mended = snapshot(tmp_path, [THU], last)
    assert seen(mended) == [("jpm-bac", "IN_FORCE", "EDITED")]
    assert "was edited while unusable" in str(notices(mended, last)[0])
    write_ticket(tmp_path, leg_b="C")
    assert seen(snapshot(tmp_path, [THU], last), "change") == [("ID_REUSED",)]


def test_a_folder_that_cannot_be_listed_removes_nothing(tmp_path: Path) -> None:
    write_ticket(tmp_path / "active")
    before = snapshot(tmp_path / "active", [MON])
    lost = snapshot(tmp_path / "nowhere", [TUE], before)
    assert seen(lost, "file", "status") == [("jpm-bac.yaml", "INVALID"), ("nowhere", "INVALID")]
    back = snapshot(tmp_path / "active", [WED], lost)
    assert seen(back.filter(pl.col("status") == "IN_FORCE"), "change") == [("UNCHANGED",)]


def test_a_day_alone_equals_the_day_in_a_range_and_survives_the_warehouse(tmp_path: Path) -> None:
    write_ticket(tmp_path, "a.yaml", ticket_id="a", effective_from=TUE)
    write_ticket(tmp_path, "b.yaml", ticket_id="b", leg_a="C", leg_b="WFC", expires_on=TUE)
    (tmp_path / "c.yaml").write_text("{")
    ranged = snapshot(tmp_path, [MON, TUE, WED, THU])
    warehouse = Warehouse(tmp_path / "desk.duckdb")
    warehouse.write(MON, THU, {"ticket_snapshots": ranged})
    assert_frame_equal(warehouse.read("ticket_snapshots"), ranged)
    for before, day in ((WED, THU), (TUE, WED), (MON, TUE)):
        alone = snapshot(tmp_path, [day], warehouse.read("ticket_snapshots", before, before))
        assert_frame_equal(alone, ranged.filter(pl.col("as_of_date") == day))


def test_no_sessions_and_no_tickets_give_an_empty_table(tmp_path: Path) -> None:
    assert snapshot(tmp_path, [MON]).schema == EMPTY.schema
    write_ticket(tmp_path)
    assert snapshot(tmp_path, []).height == 0
    assert notices(EMPTY) == ()


def test_with_budgets_off_each_ticket_in_force_stands_alone_with_its_own_gross_as_its_budget(tmp_path: Path) -> None:
    # Document 000 knows no budgets: what a ticket says of a strategy is not looked at, and no library is read.
    write_ticket(tmp_path, "a.yaml", ticket_id="a", max_gross_notional=700000, conviction="High", strategy="ignored")
    write_ticket(tmp_path, "b.yaml", ticket_id="b", expires_on=MON, conviction=1)
    frame = snapshot(tmp_path, [MON, TUE])
    classic = desk_config("classic")
    nothing = {name: TABLES[name].frame([]) for name in BUDGET_INPUTS}
    library = strategy_library(classic, {}, frame, nothing["market_regime"])
    told = library.select("as_of_date", "strategy_name", "bucket", "signal_type", "status", "conviction", "ticket_count")
    assert told.rows() == [
        (MON, "a", "RV", "mean_reversion", "active", "High", 1),
        (MON, "b", "RV", "mean_reversion", "active", "Low", 1),
        (TUE, "a", "RV", "mean_reversion", "active", "High", 1),
    ]
    given = nothing | {"strategy_library": library, "ticket_snapshots": frame}
    frames = strategy_budgets(classic, *(given[name] for name in BUDGET_INPUTS))
    budgets = frames["strategy_budgets"].filter(pl.col("as_of_date") == TUE)
    columns = ("as_of_date", "strategy_name", "ticket_id", "max_gross_notional", "budget", "reason")
    reason = "stands alone: budget is the ticket's own max_gross_notional"
    assert budgets.select(columns).rows() == [
        (TUE, "a", "a", 700000.0, 700000.0, reason),
        (TUE, "b", "b", 800000.0, 0.0, "no budget: not in force: expired"),
    ]
    assert frames["strategy_sizes"].is_empty()
    assert frames["strategy_correlations"].is_empty()
    empty = strategy_budgets(classic, *(nothing[name] for name in BUDGET_INPUTS))
    assert {name: found.schema for name, found in empty.items()} == {name: TABLES[name].schema for name in empty}
