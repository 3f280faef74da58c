"""``riskdesk morning``: one screen whose every figure is that of a row, and which changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from riskdesk_assets.common.halts import Halt, halt_entry
from riskdesk_assets.common.hashing import digest_file
from riskdesk_assets.common.journal import desk_journal
from riskdesk_assets.common.settings import load_config, load_paths
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.writer_lock import single_writer
from riskdesk_assets.interfaces.held import TicketsAfter, tickets_after
from riskdesk_assets.interfaces.morning import Morning, morning
from riskdesk_assets.interfaces.morning_view import show_morning
from riskdesk_assets.interfaces.run_summary import desk_summary
from riskdesk_assets.interfaces.run_view import show_summary
from riskdesk_tests.interfaces.conftest import DeskFolder

COLUMNS, LINES = 80, 40


def told(desk: DeskFolder, *arguments: str) -> dict[str, Any]:
    result = desk.run("morning", "--json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def total(desk: DeskFolder) -> dict[str, Any]:
    rows = desk.warehouse.read("expected_pnl", desk.last, desk.last)
    return rows.filter(pl.col("scope") == "TOTAL").row(0, named=True)


class Changed:
    """The desk's tables with the rows of some replaced."""

    def __init__(self, desk: DeskFolder, **frames: pl.DataFrame) -> None:
        self.desk, self.frames = desk, frames

    def read(self, name: str, first: Any = None, last: Any = None) -> pl.DataFrame:
        if name in self.frames:
            day = pl.col(TABLES[name].partition)
            return TABLES[name].conform(self.frames[name]).filter(day.is_between(first, last))
        return self.desk.warehouse.read(name, first, last)

    def morning(self, *halts: Any) -> Morning:
        return morning(self, load_config(load_paths(self.desk.environ), {}), self.desk.last, halts)


def shown(found: Morning, tickets: TicketsAfter | None = None) -> list[str]:
    """The screen as a terminal of 80 columns draws it."""
    out = Console(width=COLUMNS, force_terminal=False, highlight=False, emoji=False, file=StringIO())
    show_morning(out, found, tickets)
    return out.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def test_the_screen_has_at_most_80_columns_and_40_lines_and_says_what_matters(built: DeskFolder) -> None:
    text = built.run("morning").stdout
    lines = text.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= COLUMNS
    assert len(lines) <= LINES
    row = total(built)
    assert f"{built.last}  RELEASED" in text
    assert f"market {row['market_regime']} (" in text
    assert "regimes " in text
    given, held = (f"+${row[name]:,.0f}" for name in ("expected_day", "expected_day_employed"))
    assert f"next       session expects {given} on capital given, {held} on capital held" in text
    assert "today: last night's book less its own trading costs (session: less today's)" in text
    for word in ("SIMULATED", "equity", "posture", "halts      none", "tickets", "conviction", "clips", "nearest limit"):
        assert word in text, word


def test_every_figure_of_the_json_is_that_of_its_row(built: DeskFolder) -> None:
    found, row = told(built), total(built)
    names = (
        *("realized", "forecast", "forecast_employed", "expected_day", "expected_day_employed", "expected_week"),
        *("window_realized", "window_expected", "window_employed", "realized_ratio", "employed_ratio", "status", "message"),
    )
    assert {name: found["total"][name] for name in names} == {name: row[name] for name in names}
    assert (found["total"]["allocated"], found["total"]["employed"]) == (row["capital"], row["employed"])
    state = built.warehouse.read("desk_state", built.calendar.before(built.last), built.last)
    assert found["desk"]["equity"] == state["equity"][-1]
    assert found["pnl_session"] == pytest.approx(state["equity"][-1] - state["equity"][-2])
    names = built.warehouse.read("instrument_state", built.last, built.last)["tape_regime"].drop_nulls()
    assert sum(found["tape_counts"].values()) == names.len() == len(found["regimes"]["tape"])
    capital = built.warehouse.read("strategy_sizes", built.last, built.last)["final_size"].sum()
    assert sum(line["final"] for line in found["conviction"]) == pytest.approx(capital)
    assert sum(line["share"] for line in found["conviction"]) == pytest.approx(1.0)
    audit = built.warehouse.read("limit_audit", built.last, built.last).drop_nulls("utilization")
    assert found["limits"][0]["utilization"] == audit["utilization"].max()
    ledger = built.warehouse.read("clip_ledger", built.last, built.last)
    assert all(cut["reason"] in set(ledger["reason"]) for cut in found["cuts"])
    taken = [abs(cut["value_in"]) - abs(cut["value_out"]) for cut in found["cuts"]]
    assert taken == sorted(taken, reverse=True)


def test_it_reads_only_and_needs_no_turn_among_the_writers(desk: DeskFolder) -> None:
    before = digest_file(desk.root / "data" / "riskdesk.duckdb")
    files = {path for path in desk.root.rglob("*") if path.is_file()}
    with single_writer(load_paths(desk.environ), 1.0, "a run that takes all day"):
        told(desk)
    assert digest_file(desk.root / "data" / "riskdesk.duckdb") == before
    assert {path for path in desk.root.rglob("*") if path.is_file()} - files <= {desk.root / "data" / "writer.lock"}


def test_a_session_that_was_not_computed_and_an_empty_desk_are_refused_with_what_to_do(
    built: DeskFolder, empty: DeskFolder
) -> None:
    day = built.calendar.before(built.first)
    result = built.run("morning", "--asof", str(day))
    assert result.exit_code == 2
    assert f"`riskdesk run --asof {day}` makes one" in result.output
    assert empty.run("morning").exit_code == 2


def test_limits_that_changed_are_told_on_the_same_one_screen(built: DeskFolder) -> None:
    row = dict.fromkeys(TABLES["limit_changes"].columns) | {"as_of_date": built.last, "change": "LOOSENED", "unit": "dollars"}
    changes = [
        row | {"limit_name": f"name_gross:{at}", "from_bound": 600_000.0, "to_bound": 6e7} for at in ("JPM", "BAC", "C", "F")
    ]
    found = Changed(built, limit_changes=TABLES["limit_changes"].frame(changes)).morning()
    assert len(found.limits_changed) == len(changes)
    held = tickets_after(built.warehouse, built.last)
    for lines in (shown(found), shown(found, held)):
        assert max(len(line.rstrip()) for line in lines) <= COLUMNS
        assert len(lines) <= LINES
        assert any(
            line.startswith("limits     4 loosened: name_gross:BAC $600,000 to $60,000,000 (100 times)") for line in lines
        )


def test_an_earlier_session_is_told_as_it_was(built: DeskFolder) -> None:
    found = told(built, "--asof", str(built.first))
    assert found["desk"]["session"] == str(built.first)
    assert found["total"]["forecast"] is None
    assert found["pnl_session"] == pytest.approx(found["desk"]["equity"] - found["nav"])
    assert {change["change"] for change in found["changes"]} == {"NEW"}


def test_a_halt_in_the_journal_is_on_the_screen_with_its_reason(desk: DeskFolder) -> None:
    journal = desk_journal(desk.root / "data", {})
    journal.append([halt_entry(Halt("desk", datetime(2026, 1, 5, 12, tzinfo=UTC), "prices look [bold]wrong[/]", "Ann"))])
    assert "halts      desk HALTED since 2026-01-05 12:00 UTC: prices look [bold]wrong[/]" in desk.run("morning").stdout
    (halt,) = told(desk)["halts"]
    assert (halt["account"], halt["state"], halt["automatic"]) == ("desk", "HALTED", False)


def test_laggards_several_buckets_and_caps_fit_the_screen(built: DeskFolder) -> None:
    rows = built.warehouse.read("expected_pnl", built.last, built.last)
    busy = rows.with_columns(
        status=pl.when(pl.col("scope") == "STRATEGY").then(pl.lit("UNDERPERFORMING")).otherwise(pl.lit("ON_TRACK")),
        capital=pl.lit(123_456_789.0),
        employed=pl.lit(98_765_432.1),
        realized=pl.lit(-123_456.7),
        expected_day=pl.lit(123_456.7),
        window_realized=pl.lit(-2_345_678.9),
        window_expected=pl.lit(9_876_543.2),
        window_employed=pl.lit(190_087.4),
        employed_ratio=pl.lit(-12.34),
        window_sessions=pl.lit(20),
    )
    audit = built.warehouse.read("limit_audit", built.last, built.last)
    row = {**audit.row(0, named=True), "family": "bucket", "bound": 3_750_000 * 10_000, "unit": "ticks"}
    caps = TABLES["limit_audit"].frame([{**row, "limit_name": f"bucket:{name}"} for name in ("RV", "Spread")])
    others = audit.filter(pl.col("family") != "bucket")
    found = Changed(built, expected_pnl=busy, limit_audit=pl.concat([others, caps])).morning()
    assert {line.name: line.cap for line in found.buckets} == {
        **dict.fromkeys(("Directional", "Discretionary", "Volatility", "Systematic")),
        "RV": 3_750_000.0,
        "Spread": 3_750_000.0,
    }
    lines = shown(found)
    assert max(len(line.rstrip()) for line in lines) <= COLUMNS
    assert len(lines) <= LINES + 5  # six buckets at once, which no screen of 40 lines was asked to hold
    text = "\n".join(lines)
    assert "Discretionary" in text
    assert all(amount in text for amount in ("123.5m", "98.8m", "3,750k", "-123k", "-2,346k", "9,877k", "190k", "-1234%"))
    assert " more" in text  # laggards beyond the first few are counted


@pytest.mark.parametrize(
    ("status", "said", "short"),
    [
        ("ON_TRACK", "20 days    on track: +$6,000 of +$10,000 expected on held; +$45,000 on given", "ok"),
        ("UNDERPERFORMING", "20 days    lags: +$6,000 of +$10,000 expected on held; +$45,000 on given", "lags"),
        ("NOT_EMPLOYED", "judged     not yet: held on none", "flat"),
        ("TOO_FEW", "judged     not yet: held on none", "few"),
    ],
)
def test_the_screen_says_what_the_desk_is_judged_on_and_both_expectations(
    built: DeskFolder, status: str, said: str, short: str
) -> None:
    rows = built.warehouse.read("expected_pnl", built.last, built.last).with_columns(
        status=pl.lit(status),
        message=pl.lit("held on none"),
        window_sessions=pl.lit(20),
        window_realized=pl.lit(6_000.0),
        window_expected=pl.lit(45_000.0),
        window_employed=pl.lit(10_000.0),
    )
    lines = [line.rstrip() for line in shown(Changed(built, expected_pnl=rows).morning())]
    assert said in lines
    head, total = (next(line for line in lines if line.startswith(word)).split() for word in ("bucket ", "total "))
    assert head[-6:] == ["20", "days", "on", "given", "on", "held"]
    assert total[-4:] == ["6,000", "45,000", "10,000", short]


def test_what_changed_in_the_tickets_is_told_by_kind(built: DeskFolder) -> None:
    rows = built.warehouse.read("ticket_snapshots", built.calendar.before(built.last), built.last).to_dicts()
    today = [row for row in rows if row["as_of_date"] == built.last]
    today[0] |= {"change": "EDITED"}
    today[1] |= {"status": "INVALID", "change": None, "note": "x"}
    today[2] |= {"status": "EXPIRED"}
    frame = TABLES["ticket_snapshots"].frame([row for row in rows if row["as_of_date"] != built.last] + today)
    found = Changed(built, ticket_snapshots=frame).morning()
    assert [(one.ticket_id, one.change) for one in found.changes] == [
        (today[0]["ticket_id"], "EDITED"),
        (today[1]["ticket_id"], "INVALID"),
        (today[2]["ticket_id"], "EXPIRED"),
    ]
    said = "\n".join(shown(found))
    assert f"edited {today[0]['ticket_id']}" in said
    assert f"expired {today[2]['ticket_id']}" in said


def test_a_desk_of_an_earlier_version_without_expected_pnl_says_what_makes_it(built: DeskFolder) -> None:
    none = {name: TABLES[name].frame([]) for name in ("expected_pnl", "market_regime", "instrument_state", "proposals")}
    found = Changed(built, **none).morning()
    assert (found.total, found.buckets, found.posture.stance) == (None, (), "NEUTRAL")
    text = "\n".join(shown(found))
    assert "No expected P&L of this session yet" in text
    assert "market unknown" in text


def test_the_regime_of_the_posture_does_not_wait_for_expected_pnl(built: DeskFolder) -> None:
    found = Changed(built, expected_pnl=TABLES["expected_pnl"].frame([])).morning()
    assert found.regimes.market is not None
    assert f"market regime {found.regimes.market} (" in found.posture.words


def test_quarters_are_listed_by_strategy(built: DeskFolder) -> None:
    result = built.run("morning", "--quarters", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["quarters"]
    rows = built.warehouse.read("expected_pnl").filter(pl.col("scope") == "TOTAL")
    assert sum(one["realized"] for one in found if one["strategy"] == "TOTAL") == pytest.approx(rows["realized"].sum())
    plain = built.run("morning", "--quarters").stdout
    assert all(one["strategy"] in plain for one in found)


def test_both_regime_axes_are_named_wherever_one_is_shown(built: DeskFolder) -> None:
    market = total(built)["market_regime"]
    names = built.warehouse.read("instrument_state", built.last, built.last)
    tape = dict(names.select("symbol", "tape_regime").iter_rows())
    story = json.loads(built.run("explain", "JPM", "--json").stdout)
    assert (story["market_regime"], story["tape_regimes"]) == (market, {"JPM": tape["JPM"]})
    assert f"regimes      market {market}   tape JPM {tape['JPM']}" in built.run("explain", "JPM").stdout
    ticket = json.loads(built.run("explain", "jpm-bac-reversion", "--json").stdout)
    assert ticket["tape_regimes"] == {"JPM": tape["JPM"], "BAC": tape["BAC"]}
    first = json.loads((built.root / "first_run.json").read_text())
    assert first["market_regime"] == market
    assert sum(first["tape_regimes"].values()) == len(tape)


def test_a_rejected_risk_model_is_one_line_of_the_screen_and_of_a_run(built: DeskFolder) -> None:
    checks = built.warehouse.read("model_checks", built.last, built.last)
    config = load_config(load_paths(built.environ), {})
    own = (pl.col("check_name") == "bias_ratio") & (pl.col("portfolio_id") == config.desk.portfolio_id)
    failed = checks.with_columns(
        outcome=pl.when(own).then(pl.lit("REJECTED")).otherwise("outcome"),
        statistic=pl.when(own).then(1.23).otherwise("statistic"),
        p_value=pl.when(own).then(0.0123).otherwise("p_value"),
    )
    line = "risk model bias ratio REJECTED: realized/predicted volatility 1.23, p 0.012"
    tables = Changed(built, model_checks=failed)
    lines = shown(tables.morning())
    assert [each.rstrip() for each in lines].count(line) == 1
    assert len(lines) <= LINES
    summary = desk_summary(tables, config, built.last, built.last)
    assert summary is not None
    out = Console(width=COLUMNS, force_terminal=False, highlight=False, emoji=False, file=StringIO())
    show_summary(out, summary, (), None)
    assert line in out.file.getvalue()  # type: ignore[attr-defined]
    assert "risk model" not in built.run("morning").stdout
