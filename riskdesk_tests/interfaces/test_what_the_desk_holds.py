"""Where the desk follows its guards, every screen says which figures are the ideal portfolio's and which the desk's own."""

from __future__ import annotations

import io
import json
from datetime import date

import polars as pl
import pytest
from click.testing import CliRunner
from python_calamine import load_workbook
from rich.console import Console

from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.interfaces.cli import cli
from riskdesk_assets.interfaces.explain import TicketStory, explain
from riskdesk_assets.interfaces.run_summary import DeskSummary, desk_summary
from riskdesk_assets.interfaces.run_view import show_summary
from riskdesk_assets.reports.page.copies import page_copy
from riskdesk_assets.reports.workbook.layout import DASHBOARD
from riskdesk_tests.desk_builder import sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, edit, make_desk, run
from riskdesk_tests.interfaces import conftest
from riskdesk_tests.reports.page.pages import Reader

DAYS = sessions_from(date(2026, 3, 2), 4)
LAST = DAYS[-1]


def command(desk: DeskFolder, *arguments: str) -> str:
    cleared: dict[str, str | None] = dict.fromkeys(conftest.FOREIGN)
    result = CliRunner().invoke(cli, list(arguments), env={**cleared, **desk.environ, "COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def enforced(tmp_path_factory: pytest.TempPathFactory) -> DeskFolder:
    """A desk that follows its guards and, with a wide band, stands apart from its ideal portfolio."""
    desk = make_desk(tmp_path_factory.mktemp("enforced") / "desk")
    settings = desk.root / "config" / "desk.yaml"
    edit(settings, "  mode: shadow ", "  mode: enforce ")
    edit(settings, "  band: 0.05 ", "  band: 0.40 ")
    ended = run(desk, DAYS[0], LAST)
    assert ended.success, ended.errors
    return desk


def shares(desk: DeskFolder, table: str) -> dict[str, int]:
    rows = desk.warehouse.read(table, LAST, LAST).filter(pl.col("symbol") != "CASH")
    return dict(rows.group_by("symbol").agg(pl.col("shares").sum()).sort("symbol").iter_rows())


def sizes(desk: DeskFolder, table: str) -> tuple[float, float]:
    """Gross and net in dollars."""
    rows = desk.warehouse.read(table, LAST, LAST).filter(pl.col("symbol") != "CASH")
    cents = rows.group_by("symbol").agg(pl.col("notional_cents").sum())["notional_cents"]
    return cents.abs().sum() / 100, cents.sum() / 100


def dollars(value: float) -> str:
    return f"{'-' if value < 0 else ''}${abs(value):,.0f}"


def plain(text: str) -> str:
    return text.replace("−", "-")


def summarized(desk: DeskFolder) -> DeskSummary:
    found = desk_summary(desk.warehouse, desk.config(), DAYS[0], LAST)
    assert found is not None
    return found


def page_of(desk: DeskFolder) -> Reader:
    return Reader(page_copy(desk.paths.data, LAST).read_text())


def test_the_desk_of_these_tests_stands_apart_from_its_ideal_portfolio(enforced: DeskFolder) -> None:
    ideal, held = shares(enforced, "ideal_portfolio"), shares(enforced, "desk_positions")
    assert len(held) > 2
    assert all(ideal[symbol] != held[symbol] for symbol in held)


def test_the_page_shows_what_the_desk_holds_beside_the_ideal_portfolio(enforced: DeskFolder) -> None:
    read = page_of(enforced)
    head = read.tables["table-book"][0]
    place = head.index("Desk holds") - 1
    held = shares(enforced, "desk_positions")
    rows = read.rows("book")
    assert {symbol: int(plain(rows[symbol][place]).replace(",", "")) for symbol in held} == held
    assert {symbol: int(plain(rows[symbol][0]).replace(",", "")) for symbol in held} == shares(enforced, "ideal_portfolio")
    assert {len(cells) for cells in read.tables["table-book"]} == {len(head)}
    # the blotter of an enforced desk leads to what it holds: nothing moved without a trade
    assert "a split or a delisting moved some" not in read.words
    (gross, net), (held_gross, held_net) = sizes(enforced, "ideal_portfolio"), sizes(enforced, "desk_positions")
    words = plain(read.words)
    assert f"Gross, ideal {dollars(gross)} {gross / 2.5e6:.1%} of NAV; desk holds {dollars(held_gross)}" in words
    assert f"Net, ideal {dollars(net)} {net / 2.5e6:+.1%} of NAV; desk holds {dollars(held_net)}" in words
    assert "of NAV, as the desk holds" in words


def test_the_run_and_the_morning_say_both_sizes(enforced: DeskFolder) -> None:
    (gross, net), (held_gross, held_net) = sizes(enforced, "ideal_portfolio"), sizes(enforced, "desk_positions")
    out = Console(width=120, force_terminal=False, highlight=False, emoji=False, file=io.StringIO())
    show_summary(out, summarized(enforced), [], None)
    run_said = out.file.getvalue()  # type: ignore[attr-defined]
    for said in (run_said, command(enforced, "morning")):
        assert f"gross ideal {dollars(gross)} ({gross / 2.5e6:.1%} of NAV), desk holds {dollars(held_gross)}" in said
        assert f"net ideal {dollars(net)} ({net / 2.5e6:+.1%}), desk holds {dollars(held_net)}" in said
    (head,) = (line for line in run_said.splitlines() if line.startswith("symbol"))
    assert "desk holds" in head
    for symbol, count in shares(enforced, "desk_positions").items():
        (row,) = (line for line in run_said.splitlines() if line.startswith(symbol + " "))
        assert f"{count:,}" in row.split()


def test_the_dashboard_says_both_sizes_and_whose_risk_it_shows(enforced: DeskFolder) -> None:
    book = load_workbook(str(enforced.paths.data / "workbooks" / f"{LAST}.xlsx"))
    cells = [str(cell) for row in book.get_sheet_by_name(DASHBOARD).to_python() for cell in row]
    held_gross, held_net = sizes(enforced, "desk_positions")
    assert {"Gross, ideal", "Net, ideal", "desk's gross / NAV", "of NAV a day, desk's book"} <= set(cells)
    assert f"desk holds {dollars(held_gross)} ({held_gross / 2.5e6:.1%})" in cells
    assert f"desk holds {dollars(held_net)} ({held_net / 2.5e6:.1%})" in cells


def test_a_ticket_is_told_down_to_its_ideal_shares_and_then_to_what_the_guards_left(enforced: DeskFolder) -> None:
    rows = enforced.warehouse.read("guard_decisions", LAST, LAST).filter(pl.col("shares_after") != pl.col("shares_wanted"))
    ticket = str(rows["ticket_id"][0])
    story = explain(ticket, None, enforced.warehouse, enforced.config())
    assert isinstance(story, TicketStory)
    of_ticket = {row["symbol"]: row for row in rows.filter(pl.col("ticket_id") == ticket).to_dicts()}
    legs = [of_ticket[story.leg_a], of_ticket[story.leg_b]]
    shares_row, guards_row = story.stages[-2:]
    assert (shares_row.name, guards_row.name) == ("whole shares", "guards")
    assert shares_row.note == " ".join(f"{row['shares_wanted']:+,} {row['symbol']}" for row in legs)
    assert (shares_row.leg_a, shares_row.leg_b) == pytest.approx([row["target_notional"] for row in legs], abs=0.01)
    assert guards_row.note == "NOOP per_symbol within_band: " + " ".join(
        f"{row['shares_after']:+,} {row['symbol']}" for row in legs
    )
    assert guards_row.gross == pytest.approx(sum(abs(line.notional) for line in story.held))
    assert guards_row.gross < shares_row.gross


def test_a_symbol_is_told_with_its_shares_in_the_ideal_portfolio_beside_those_held(enforced: DeskFolder) -> None:
    symbol, ideal = next(iter(shares(enforced, "ideal_portfolio").items()))
    (net,) = (line for line in command(enforced, "explain", symbol).splitlines() if line.startswith("net "))
    (wanted,) = (line for line in command(enforced, "explain", symbol).splitlines() if line.startswith("ideal portfolio "))
    assert f"{shares(enforced, 'desk_positions')[symbol]:+,}" in net
    assert f"{ideal:+,}" in wanted


def test_a_desk_in_shadow_has_one_size_and_no_column_more(built: conftest.DeskFolder) -> None:
    config = load_config(load_paths(built.environ), {})
    found = desk_summary(built.warehouse, config, built.last, built.last)
    assert found is not None
    assert found.desk_holds is None
    assert (found.newest.ideal_gross, found.newest.ideal_net) == (found.newest.gross, found.newest.net)
    assert "desk holds" not in built.run("morning").stdout
    assert "Desk holds" not in page_copy(built.root / "data", built.last).read_text()


def test_a_session_in_which_the_desk_followed_its_guards_says_so_after_a_return_to_shadow(enforced: DeskFolder) -> None:
    config = enforced.config()
    back = config.desk.model_copy(update={"guards": config.desk.guards.model_copy(update={"mode": "shadow"})})
    found = desk_summary(enforced.warehouse, config.model_copy(update={"desk": back}), DAYS[0], LAST)
    assert found is not None
    assert found.desk_holds == shares(enforced, "desk_positions")


def test_what_the_guards_decided_is_told_by_run_morning_and_explain(enforced: DeskFolder) -> None:
    rows = enforced.warehouse.read("guard_decisions", LAST, LAST)
    tickets = rows["ticket_id"].n_unique()
    assert set(rows["reason"]) == {"within_band"}
    assert summarized(enforced).guards == f"enforce: {tickets} NOOP (within_band)"
    assert f"guards     enforce: {tickets} NOOP (within_band)" in command(enforced, "morning")
    assert "guards       NOOP per_symbol within_band\n" in command(enforced, "explain", str(rows["ticket_id"][0]))


def test_in_shadow_the_guards_are_told_with_what_they_would_have_left(built: conftest.DeskFolder) -> None:
    rows = built.warehouse.read("guard_decisions", built.last, built.last)
    assert "guards     shadow, not followed: " in built.run("morning").stdout
    for ticket in rows["ticket_id"].unique().sort():
        legs = {row["symbol"]: row for row in rows.filter(pl.col("ticket_id") == ticket).to_dicts()}
        story = explain(str(ticket), None, built.warehouse, load_config(load_paths(built.environ), {}))
        assert isinstance(story, TicketStory)
        first = legs[story.leg_a]
        said = " ".join(str(first[name]) for name in ("action", "layer", "reason") if first[name])
        assert story.guards.startswith(said)
        assert story.guards.endswith("(shadow: nothing follows it)")
        assert ("would leave" in story.guards) == any(row["shares_after"] != row["shares_wanted"] for row in legs.values())
        assert [stage.name for stage in story.stages if stage.name == "guards"] == []


def test_the_log_of_a_run_has_a_line_for_every_decision_and_the_page_of_every_mode_shows_them(enforced: DeskFolder) -> None:
    (place,) = (path for path in enforced.paths.runs.iterdir() if path.is_dir())
    lines = [line for line in (place / "logs.txt").read_text().splitlines() if "POLICY_DECISION: " in line]
    rows = enforced.warehouse.read("guard_decisions", DAYS[0], LAST)
    assert len(lines) == rows.height
    told = [json.loads(line.partition("POLICY_DECISION: ")[2]) for line in lines]
    assert [(item["symbol"], item["action"], item["qty_delta"]) for item in told] == [
        (row["symbol"], row["action"], row["shares_after"] - row["shares_before"]) for row in rows.to_dicts()
    ]
    assert {item["timestamp"][:10] for item in told} == {str(day) for day in set(rows["as_of_date"])}
    assert "table-guards" in page_of(enforced).tables
