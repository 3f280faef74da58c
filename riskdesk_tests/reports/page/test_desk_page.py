"""The report page: one safe file, the same bytes for the same rows, every figure that of its row, whatever is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.limits.catalogue import limit_words
from riskdesk_assets.reports.page.content import CHART_SESSIONS, PageContent, page_content
from riskdesk_assets.reports.page.copies import LATEST, copy_page
from riskdesk_assets.reports.page.digest import page_digest
from riskdesk_assets.reports.page.numerals import audited, percent
from riskdesk_assets.reports.page.page import PAGE, desk_page
from riskdesk_tests.desk_builder import sessions_from
from riskdesk_tests.reports.page.pages import DAYS, HOSTILE, LAST, Reader, Walked, changed, content_of, emptied, with_rows


def test_the_page_runs_no_script_and_asks_nobody_for_anything(content: PageContent) -> None:
    page = desk_page(content)
    read = Reader(page)
    assert page.lstrip().startswith("<!doctype html>")
    assert not {tag for tag, _ in read.tags} & {"script", "iframe", "img", "link", "object", "form", "base"}
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on")]
    links = [value for _, attributes in read.tags for name, value in attributes.items() if name in {"href", "src", "srcset"}]
    assert links
    assert all(str(link).startswith(("#", "./")) for link in links)
    assert not re.search(r"url\(|@import|https?://|//[a-z]", page)
    policy = [attributes["content"] for tag, attributes in read.tags if attributes.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_a_reader_who_cannot_see_it_finds_language_headings_captions_and_descriptions(content: PageContent) -> None:
    read = Reader(desk_page(content))
    tags = [tag for tag, _ in read.tags]
    assert ("html", {"lang": "en"}) in read.tags
    assert tags.count("h1") == 1
    assert tags.count("caption") == tags.count("table") > 3
    drawings = [attributes for tag, attributes in read.tags if tag == "svg"]
    assert all(item.get("aria-hidden") == "true" or item.get("role") == "img" for item in drawings)
    assert tags.count("desc") == sum(item.get("role") == "img" for item in drawings) > 0
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(attributes["href"])[1:] for tag, attributes in read.tags if tag == "a" and str(attributes["href"])[0] == "#"}
    assert targets <= set(ids)


def test_the_same_rows_give_the_same_bytes_alone_and_at_the_end_of_a_range(walked: Walked) -> None:
    page = desk_page(content_of(walked))
    assert page == desk_page(content_of(walked))
    assert page == desk_page(content_of(walked, first=LAST))


def test_what_comes_after_the_session_changes_nothing(walked: Walked) -> None:
    config, warehouse, _ = walked
    session = DAYS[1]
    cut = page_content(
        config=config,
        source="SIMULATED",
        snapshot_id="5" * 64,
        code_version="c" * 64,
        session=session,
        frames={name: warehouse.read(name, DAYS[0], session) for name in TABLES},
        prior={},
    )
    assert desk_page(content_of(walked, session)) == desk_page(cut)


def test_every_number_of_the_book_is_that_of_its_row_and_they_sum_to_zero(content: PageContent) -> None:
    shown = Reader(desk_page(content)).rows("book")
    rows = content.rows("ideal_portfolio")
    nav = content.config.desk.nav
    assert len(rows) > 2
    before: dict[str, int] = {}
    for row in content.earlier["desk_positions"].to_dicts():
        before[row["symbol"]] = before.get(row["symbol"], 0) + row["shares"]
    delta: dict[str, int] = {}
    for row in content.rows("portfolio_blotter"):
        delta[str(row["symbol"])] = delta.get(str(row["symbol"]), 0) + int(str(row["shares_delta"]))
    for row in rows:
        said = [cell.replace("−", "-").replace("$", "").replace(",", "") for cell in shown[str(row["symbol"])]]
        assert round(float(said[2]) * 100) == row["notional_cents"]
        assert said[3] == f"{int(str(row['notional_cents'])) / nav:+.1f}%"
        if not row["is_cash"]:
            assert int(said[0]) == row["shares"]
            assert float(said[1]) == pytest.approx(float(str(row["price"])), abs=0.005)
            assert int(said[5]) == before.get(str(row["symbol"]), 0)
            assert int(said[6].replace("–", "0")) == delta.get(str(row["symbol"]), 0)
    assert shown["Sum"][2] == "$0.00"
    assert shown["Sum"][-1] == "exactly zero"
    gone = {symbol for symbol, shares in before.items() if shares} - {str(row["symbol"]) for row in rows}
    assert set(shown) == {str(row["symbol"]) for row in rows} | gone | {"Sum"}


def test_a_book_whose_cash_is_a_cent_off_says_so(content: PageContent) -> None:
    rows = content.rows("ideal_portfolio")
    off = [{**row, "notional_cents": int(str(row["notional_cents"])) + (1 if row["is_cash"] else 0)} for row in rows]
    shown = Reader(desk_page(with_rows(content, "ideal_portfolio", off))).rows("book")["Sum"]
    assert (shown[2], shown[-1]) == ("$0.01", "NOT ZERO")


def test_every_limit_of_the_audit_is_on_the_page_with_its_figures(content: PageContent) -> None:
    read = Reader(desk_page(content))
    shown = read.rows("limits") | read.rows("roomy")
    audit = content.rows("limit_audit")
    assert set(shown) == {limit_words(str(row["limit_name"])) for row in audit}
    assert "turnover (additions)" in shown
    for row in audit:
        used, measured, bound = shown[limit_words(str(row["limit_name"]))][1:4]
        assert used == percent(row["utilization"] if isinstance(row["utilization"], float) else None)
        assert measured == audited(int(str(row["measured"])), str(row["unit"]))
        assert bound == audited(int(str(row["bound"])), str(row["unit"]))
    close = [row for row in audit if limit_words(str(row["limit_name"])) in read.rows("limits")]
    assert all(row["status"] != "OK" or row["price_of_limit"] is not None or row["utilization"] >= 0.5 for row in close)  # type: ignore[operator]


def test_a_breach_and_a_price_are_told_in_words_and_figures(content: PageContent) -> None:
    rows = content.rows("limit_audit")
    rows[0] |= {"status": "BREACH", "utilization": 1.25, "price_of_limit": 0.000123}
    shown = Reader(desk_page(with_rows(content, "limit_audit", rows))).rows("limits")
    assert next(iter(shown)) == rows[0]["limit_name"]
    assert shown[str(rows[0]["limit_name"])][4:6] == ["BREACH", "0.000123"]


def test_every_sentence_of_the_clip_ledger_is_on_the_page(content: PageContent) -> None:
    words = Reader(desk_page(content)).words.lower()
    ledger = content.rows("clip_ledger")
    assert ledger
    for row in ledger:
        assert " ".join(str(row["reason"]).lower().split()) in words


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("clip_ledger", ("ticket_id", "reason", "symbol")),
        ("desk_state", ("release_reason", "run_id")),
        ("proposals", ("reason",)),
        ("ideal_portfolio", ("source_ticket_ids",)),
        ("portfolio_blotter", ("reason",)),
        ("limit_audit", ("source",)),
    ],
)
def test_hostile_text_stays_text(content: PageContent, table: str, columns: tuple[str, ...]) -> None:
    hostile = changed(content, table, **dict.fromkeys(columns, HOSTILE))
    hostile = changed(hostile, "desk_state", release_status="BLOCKED")
    page = desk_page(hostile)
    read = Reader(page)
    assert "<script" not in page.lower()
    assert "<img" not in page
    assert "{{ 7 * 7 }}" in read.words
    assert not {tag for tag, _ in read.tags} & {"script", "img"}
    assert "<script" not in page_digest(hostile)


def test_simulated_prices_and_findings_in_the_bars_are_told_at_the_top(content: PageContent) -> None:
    finding = {
        "as_of_date": LAST,
        "symbol": "JPM",
        "check_name": "jump",
        "severity": "ERROR",
        "message": "close moved 61% in a day",
        "value": 0.61,
    }
    words = Reader(
        desk_page(with_rows(content, "bar_findings", [finding, {**finding, "symbol": "BAC", "severity": "WARN"}]))
    ).words
    assert "Data: 1 error, 1 warning JPM close moved 61% in a day; BAC close moved 61% in a day" in words
    assert "Simulated Sample market: no price on this page is a real one." in words
    assert "Simulated" not in Reader(desk_page(replace(content, source="FMP"))).words


@pytest.mark.parametrize(
    ("status", "word"),
    [("BLOCKED", "Blocked"), ("FAILED_CLOSED", "Failed closed"), ("RELEASED_BY_GOVERNOR", "Released by the governor")],
)
def test_a_release_that_is_not_plain_is_told_loudly_with_its_reason(content: PageContent, status: str, word: str) -> None:
    stands = status != "RELEASED_BY_GOVERNOR"
    told = changed(content, "desk_state", release_status=status, released=not stands, release_reason="net is above its bound")
    page = desk_page(emptied(told, "ideal_portfolio") if stands else told)
    read = Reader(page)
    assert f"{word} " in read.words
    assert "Net is above its bound" in read.words
    assert ('role="alert"' in page) == stands
    assert ("The positions that stand" in read.words) == stands
    shares: dict[str, int] = {}
    for row in content.rows("desk_positions"):
        shares[str(row["symbol"])] = shares.get(str(row["symbol"]), 0) + int(str(row["shares"]))
    assert {name: cells[0] for name, cells in read.rows("book").items() if name in shares} == {
        symbol: f"{held:,}".replace("-", "−") for symbol, held in shares.items()
    }
    assert read.rows("book")["Sum"][2] == "$0.00"


def test_the_first_day_with_an_empty_book_has_a_page(content: PageContent) -> None:
    state = {**content.rows("desk_state")[0], "previous_session": None, "equity": content.config.desk.nav}
    empty = {name: TABLES[name].frame([]) for name in TABLES} | {"desk_state": TABLES["desk_state"].frame([state])}
    read = Reader(desk_page(replace(content, frames=empty, earlier={})))
    assert "The desk holds nothing." in read.words
    assert "No ticket asked for anything." in read.words
    assert read.rows("book")["Sum"][-1] == "exactly zero"
    assert "History" not in read.words


def test_a_page_of_no_rows_at_all_still_says_what_is_wrong(content: PageContent) -> None:
    read = Reader(desk_page(replace(content, frames={}, earlier={})))
    assert "No state The session has no usable desk state." in read.words


def test_changed_limits_are_listed_and_only_then(content: PageContent) -> None:
    row = {
        "as_of_date": LAST,
        "limit_name": "portfolio_gross",
        "change": "RAISED",
        "unit": "nav",
        "from_bound": 0.9,
        "to_bound": 1.0,
        "source": "limits.yaml",
        "previous_config_hash": "a",
        "config_hash": "b",
        "author": "",
        "approved_by": "",
        "reason": "",
    }
    assert "table-limit-changes" not in Reader(desk_page(emptied(content, "limit_changes"))).tables
    shown = Reader(desk_page(with_rows(content, "limit_changes", [row]))).rows("limit-changes")
    assert shown["portfolio_gross"][:4] == ["raised", "0.9", "1", "nav"]


def test_charts_reach_a_year_back_and_no_further(content: PageContent) -> None:
    state = content.rows("desk_state")[0]
    days = sessions_from(date(2024, 1, 2), 400)
    rows = [{**state, "as_of_date": day, "equity": 2_500_000.0 + place} for place, day in enumerate(days)]
    long = page_content(
        config=content.config,
        source="FMP",
        snapshot_id="",
        code_version="",
        session=days[-1],
        frames={"desk_state": TABLES["desk_state"].frame(rows[-1:])},
        prior={"desk_state": TABLES["desk_state"].frame(rows[:-1])},
    )
    assert len(long.history("desk_state")) == CHART_SESSIONS
    assert f"{CHART_SESSIONS} sessions, {days[-CHART_SESSIONS]} to {days[-1]}." in Reader(desk_page(long)).words


def test_the_copy_leads_back_to_the_run_and_an_older_one_does_not_become_the_latest(walked: Walked, tmp_path: Path) -> None:
    _, _, root = walked
    (place,) = (path for path in (root / "runs").iterdir() if path.is_dir())
    newest = copy_page(tmp_path / "data", place, LAST)
    copy_page(tmp_path / "data", place, DAYS[0])
    assert (newest.parent / LATEST).read_bytes() == newest.read_bytes()
    links = re.findall(r'href="([^"#]+)"', newest.read_text())
    assert len(links) == 8
    assert all((newest.parent / link).resolve().is_file() for link in links)
    assert (place / PAGE).read_text().count('href="./') == len(links)
    assert (root / "data" / "reports" / f"{LAST}.html").is_file()


def test_both_regime_axes_are_in_the_headline_each_under_its_name(content: PageContent) -> None:
    words = Reader(desk_page(content)).words
    (day,) = content.rows("market_regime")
    tape = [row["tape_regime"] for row in content.rows("instrument_state")]
    most = max(tape, key=tape.count)
    assert f"Market regime {day['regime']} volatility z " in words
    assert f"Tape regimes of the names {tape.count(most)} {most}" in words
    book = Reader(desk_page(content)).rows("book")
    regimes = {str(row["symbol"]): row["tape_regime"] for row in content.rows("instrument_state")}
    assert {name: cells[7] for name, cells in book.items() if name in regimes} == {
        name: regimes[name] for name in book if name in regimes
    }
    unknown = changed(changed(content, "market_regime", regime=None), "expected_pnl", market_regime=None)
    assert "Market regime – " in Reader(desk_page(unknown)).words
    assert "The market regime is not known, so nothing can be expected." in Reader(desk_page(unknown)).words


def test_every_strategy_bucket_and_correlation_of_the_session_is_on_the_page(content: PageContent) -> None:
    text = Reader(desk_page(content)).words
    sizes, correlations = content.rows("strategy_sizes"), content.rows("strategy_correlations")
    assert sizes
    assert correlations
    for row in sizes:
        assert str(row["strategy_name"]) in text
        assert f"${float(str(row['final_size'])):,.0f}" in text
    for row in correlations:
        value = float(str(row["correlation"]))
        assert f"{abs(value):.2f}" in text
    assert "Capital by bucket" in text
    without = {**content.frames, "strategy_sizes": TABLES["strategy_sizes"].frame([])}
    assert 'id="strategies"' not in desk_page(replace(content, frames=without))


def test_the_banner_of_a_halt_says_what_it_does(content: PageContent) -> None:
    halted = {"halt_trigger": "MANUAL", "halt_reason": "funding stress", "halt_since": LAST}
    flat = Reader(desk_page(changed(content, "desk_state", trading_state="HALTED", **halted))).words
    assert "funding stress (MANUAL). Every position that can trade is closed, and nothing is added." in flat
    reducing = Reader(desk_page(changed(content, "desk_state", trading_state="REDUCING", **halted))).words
    assert "Positions may only shrink: nothing is added." in reducing


def test_limits_that_changed_stand_at_the_top(content: PageContent) -> None:
    row = dict.fromkeys(TABLES["limit_changes"].columns) | {"as_of_date": LAST, "limit_name": "group", "change": "LOOSENED"}
    row |= {"unit": "dollars", "from_bound": 1e6, "to_bound": 1e8}
    words = Reader(desk_page(with_rows(content, "limit_changes", [row]))).words
    assert "Limits changed 1 loosened: group $1,000,000 to $100,000,000 (100 times)." in words
    assert words.index("Limits changed") < words.index("Equity")
