"""The report page: one safe file, the same bytes for the same rows, every figure that of its row, whatever is missing."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from shutil import copytree
from xml.etree import ElementTree

import polars as pl
import pytest
from dagster import materialize

from riskdesk_assets import expected_pnl, total_expected_pnl
from riskdesk_assets.common.buckets import BUCKETS
from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.resources import DeskResource
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.reports.assets import expected_pnl_asset
from riskdesk_assets.reports.page.charts import Line, Panel, line_chart
from riskdesk_assets.reports.page.content import CHART_SESSIONS, EARLIER_SESSIONS, PageContent, page_content
from riskdesk_assets.reports.page.copies import LATEST, copy_page
from riskdesk_assets.reports.page.digest import page_digest
from riskdesk_assets.reports.page.expected import chart_image, cumulated
from riskdesk_assets.reports.page.history import drawdowns, realized_volatility
from riskdesk_assets.reports.page.numerals import audited, cents, dollars, percent, plain
from riskdesk_assets.reports.page.page import PAGE, desk_page
from riskdesk_tests.desk_builder import calendar, sessions_from
from riskdesk_tests.desk_on_disk import DeskFolder, make_desk, run

DAYS = sessions_from(date(2026, 3, 2), 3)
LAST = DAYS[-1]
HOSTILE = "<script>alert(1)</script>\"'&{{ 7 * 7 }}</td><img src=http://evil.example/x onerror=alert(2)>"
BUSY = ("RV", "Spread", "Systematic")  # the buckets of the strategies its tickets name
VOID = {"meta", "br", "img", "hr", "input", "link"}


class Reader(HTMLParser):
    """Tags, text and tables of a page; a tag that closes what is not open is an error."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text: list[str] = []
        self._open: list[str] = []
        self._table = ""
        self.feed(page)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._table = str(dict(attrs)["id"])
            assert self._table not in self.tables, "an id is used twice"
            self.tables[self._table] = []
        elif tag == "tr":
            self.tables[self._table].append([])
        elif tag in {"td", "th"}:
            self.tables[self._table][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._open and self._open[-1] in {"td", "th"}:
            self.tables[self._table][-1][-1] += data

    def rows(self, table: str) -> dict[str, list[str]]:
        """First cell -> the others, without the head."""
        return {cells[0]: cells[1:] for cells in self.tables[f"table-{table}"][1:]}

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Warehouse, Path]:
    """A desk that walked three sessions; nobody changes it."""
    desk = make_desk(tmp_path_factory.mktemp("page") / "desk")
    ended = run(desk, DAYS[0], LAST)
    assert ended.success, ended.errors
    return desk.config(), desk.warehouse, desk.root


def content_of(walked: tuple[Config, Warehouse, Path], session: date = LAST, first: date = DAYS[0]) -> PageContent:
    config, warehouse, _ = walked
    return page_content(
        config=config,
        source="SIMULATED",
        snapshot_id="5" * 64,
        code_version="c" * 64,
        session=session,
        frames={name: warehouse.read(name, first, LAST) for name in TABLES},
        prior={name: warehouse.read(name).filter(pl.col("as_of_date") < first) for name in EARLIER_SESSIONS},
    )


@pytest.fixture(scope="module")
def content(walked: tuple[Config, Warehouse, Path]) -> PageContent:
    return content_of(walked)


def with_rows(content: PageContent, table: str, rows: list[dict[str, object]]) -> PageContent:
    return replace(content, frames={**content.frames, table: TABLES[table].frame(rows)})


def changed(content: PageContent, table: str, **values: object) -> PageContent:
    """Every row of a table with these columns set."""
    return with_rows(content, table, [{**row, **values} for row in content.rows(table)])


def emptied(content: PageContent, *tables: str) -> PageContent:
    return replace(content, frames={**content.frames, **{name: TABLES[name].frame([]) for name in tables}})


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


def test_the_same_rows_give_the_same_bytes_alone_and_at_the_end_of_a_range(walked: tuple[Config, Warehouse, Path]) -> None:
    page = desk_page(content_of(walked))
    assert page == desk_page(content_of(walked))
    assert page == desk_page(content_of(walked, first=LAST))


def test_what_comes_after_the_session_changes_nothing(walked: tuple[Config, Warehouse, Path]) -> None:
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
    assert set(shown) == {row["limit_name"] for row in audit}
    for row in audit:
        used, measured, bound = shown[str(row["limit_name"])][1:4]
        assert used == percent(row["utilization"] if isinstance(row["utilization"], float) else None)
        assert measured == audited(int(str(row["measured"])), str(row["unit"]))
        assert bound == audited(int(str(row["bound"])), str(row["unit"]))
    close = [row for row in audit if str(row["limit_name"]) in read.rows("limits")]
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


RISK = ("portfolio_risk_reports", "risk_contributions", "model_checks", "engine_decisions", "portfolio_limits")


@pytest.mark.parametrize("table", RISK)
def test_a_missing_risk_table_hides_its_block_and_nothing_else(content: PageContent, table: str) -> None:
    read = Reader(desk_page(emptied(content, table)))
    assert "table-book" in read.tables
    assert "table-limits" in read.tables or "table-roomy" in read.tables


def risky(content: PageContent, **columns: str) -> PageContent:
    """The desk's own risk report with these JSON columns."""
    row = {
        "portfolio_id": content.config.desk.portfolio_id,
        "as_of_date": LAST,
        "risk_metrics": canonical_json({"var_99": 0.01, "var_99_historical": 0.01, "es_99": 0.0125, "volatility": 0.004}),
        "exposures": canonical_json(
            {"factor:group:trust": -0.02, "sector:Financials:net": 0.1, "sector:Financials:gross": 0.5}
        ),
        "scenario_pnl": canonical_json({"banks_down_20": -0.02, "rates_up": 0.004}),
        "model_id": "risk_test-v1",
        "metadata": canonical_json({"notes": ["history does not know AAA"], "stability_vector": None}),
    }
    return with_rows(content, "portfolio_risk_reports", [{**row, **columns}])


def test_the_risk_reports_figures_are_dollars_of_nav(content: PageContent) -> None:
    nav = content.config.desk.nav
    read = Reader(desk_page(risky(content)))
    assert read.rows("scenarios")["banks down 20"][1:3] == [dollars(-0.02 * nav), "−2.00%"]
    assert list(read.rows("scenarios")) == ["banks down 20", "rates up"]
    assert read.rows("tails")["Historical"] == ["–", "–", dollars(0.01 * nav), "–"]
    assert read.rows("exposure-factor")["group:trust"][-1] == "−0.0200"
    assert read.rows("exposure-sector")["Financials"][1:] == [dollars(0.1 * nav), dollars(0.5 * nav)]
    assert "history does not know AAA" in read.words
    assert f"ES 99, one day {dollars(0.0125 * nav)}" in read.words
    assert f"Worst scenario: **banks\\_down\\_20 {dollars(-0.02 * nav)}**" in page_digest(risky(content))


def test_what_each_name_adds_to_the_risk_sums_to_the_books(content: PageContent) -> None:
    nav, owner = content.config.desk.nav, content.config.desk.portfolio_id
    rows = content.frames["risk_contributions"].filter(pl.col("portfolio_id") == owner, pl.col("weight") != 0.0)
    metrics = content.own("portfolio_risk_reports")[0]["risk_metrics"]
    whole = json.loads(str(metrics))
    shown = Reader(desk_page(content)).rows("contributions")
    assert len(shown) == rows.height + 1 > 2
    for row in rows.iter_rows(named=True):
        assert shown[row["instrument_id"]][3:6] == [
            dollars(row["component_var_99"] * nav),
            f"{plain(100 * row['marginal_var_99'], 1, signed=True)}¢",
            dollars(None if row["component_es_99_historical"] is None else row["component_es_99_historical"] * nav),
        ]
    assert shown["Book"][2:4] == ["100.0%", dollars(whole["var_99_normal"] * nav)]
    assert rows["component_var_99"].sum() == pytest.approx(whole["var_99_normal"], rel=1e-9)
    lived = whole.get("es_99_historical")
    assert shown["Book"][5] == dollars(None if lived is None else lived * nav)
    assert lived is None or rows["component_es_99_historical"].sum() == pytest.approx(lived, rel=1e-9)


@pytest.mark.parametrize("said", ["", "null", "[]", "{", '{"var_99": "much", "sector:": null}', '{"x": 1e999}'])
def test_a_risk_report_that_says_nothing_usable_hides_its_blocks(content: PageContent, said: str) -> None:
    columns = dict.fromkeys(("risk_metrics", "exposures", "scenario_pnl", "metadata"), said)
    read = Reader(desk_page(risky(content, **columns)))
    assert "table-scenarios" not in read.tables
    assert "nan" not in read.words.lower().split()
    assert "inf" not in read.words.lower().split()


def test_a_model_check_says_its_outcome_in_a_word(content: PageContent) -> None:
    row = {
        "as_of_date": LAST,
        "portfolio_id": content.config.desk.portfolio_id,
        "check_name": "traffic_light",
        "observations": 250,
        "exceptions": 11,
        "statistic": None,
        "p_value": 0.0001,
        "expected": 2.5,
        "outcome": "RED",
        "message": "11 sessions lost more than VaR 99",
    }
    shown = Reader(desk_page(with_rows(content, "model_checks", [row]))).rows("model-checks")["traffic light"]
    assert shown == ["RED", "250", "11", "2.50", "–", "0.000", "11 sessions lost more than VaR 99"]


def test_a_research_mandate_is_marked_and_never_enters_the_book(content: PageContent) -> None:
    mandate = content.config.mandates[0].portfolio_id
    weights = [
        {
            "portfolio_id": mandate,
            "as_of_date": LAST,
            "instrument_id": symbol,
            "target_weight": weight,
            "model_id": "m",
            "metadata": "{}",
        }
        for symbol, weight in (("JPM", 0.12), ("BAC", 0.88))
    ]
    plain = emptied(content, "target_portfolios", "engine_decisions", "portfolio_limits")
    read = Reader(desk_page(with_rows(plain, "target_portfolios", weights)))
    assert read.rows(f"weights-{mandate}") == {"BAC": ["", "+88.00%"], "JPM": ["", "+12.00%"]}
    assert "Research only: it has no way to the book or the blotter." in read.words
    assert read.rows("book") == Reader(desk_page(plain)).rows("book")
    assert "Research only" not in Reader(desk_page(plain)).words


def test_a_limit_of_0_that_a_mandate_breaches_stands_above_its_full_ones_and_is_called_a_breach(content: PageContent) -> None:
    mandate = content.config.mandates[0].portfolio_id
    row = {
        "portfolio_id": mandate,
        "as_of_date": LAST,
        "family": "name_gross",
        "unit": "dollars",
        "softened_to": None,
        "price_of_limit": None,
        "source": "s",
    }
    full = {"measured": 100.0, "bound": 100.0, "utilization": 1.0, "status": "AMBER"}
    nothing = {"measured": 0.0, "bound": 0.0, "utilization": 0.0, "status": "OK"}
    limits = [
        *(row | full | {"limit_name": f"full{place}"} for place in range(6)),
        row | nothing | {"limit_name": "nothing"},
        row | {"limit_name": "zero", "measured": 5.0, "bound": 0.0, "utilization": None, "status": "BREACH"},
    ]
    shown = Reader(desk_page(with_rows(content, "portfolio_limits", limits))).rows(f"limits-{mandate}")
    assert list(shown) == ["zero", *(f"full{place}" for place in range(5))]
    assert shown["zero"] == ["", "–", "BREACH", "–"]
    assert shown["full0"] == ["", "100.0%", "amber", "–"]


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


def test_the_copy_leads_back_to_the_run_and_an_older_one_does_not_become_the_latest(
    walked: tuple[Config, Warehouse, Path], tmp_path: Path
) -> None:
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


def test_numbers_are_written_with_a_minus_and_without_a_negative_zero() -> None:
    assert [dollars(-78774.58), dollars(-0.2), dollars(1234.5, 2, signed=True), dollars(None)] == [
        "−$78,775",
        "$0",
        "+$1,234.50",
        "–",
    ]
    assert [cents(-5), cents(123456), cents(0)] == ["−$0.05", "$1,234.56", "$0.00"]
    assert [percent(-0.03151, signed=True), percent(1e-9, 2, signed=True)] == ["−3.2%", "0.00%"]
    assert [audited(9_342_343_900, "ticks"), audited(4, "count")] == ["$934,234", "4"]


def test_drawdown_and_realized_volatility_by_hand() -> None:
    assert drawdowns([100.0, 90.0, 120.0, 114.0]) == [0.0, -10.0, 0.0, -6.0]
    # Changes of 1 and 3: mean 2, variance (1 + 1) / 1 = 2.
    assert realized_volatility([10.0, 11.0, 14.0], nav=100.0, window=2) == [None, None, pytest.approx(2**0.5 / 100)]


@pytest.mark.parametrize("values", [[1.0, 1.0], [None, None], [0.0, None], [-1e-300, 1e-300], [1e12, -1e12], [5.0, None, 7.0]])
def test_a_chart_of_awkward_values_has_only_finite_coordinates(values: list[float | None]) -> None:
    dates = [f"<{place}>" for place in range(len(values))]
    drawn = line_chart(
        "c", "<t>", "d", dates, [Panel([Line("x", values, "area")], 50, lambda value: dollars(value), with_zero=True)]
    )
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert "<t>" not in drawn
    assert "<0>" not in drawn


# -- expected P&L and regimes


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


def test_every_figure_of_expected_pnl_is_that_of_its_row(content: PageContent) -> None:
    shown = Reader(desk_page(content)).rows("expected")
    rows = {str(row["name"]): row for row in content.rows("expected_pnl") if row["scope"] != "STRATEGY"}
    assert list(shown) == [*BUSY, "Total"]  # the idle buckets are left out
    assert {str(row["name"]) for row in rows.values() if row["status"] == "IDLE"} == {*BUCKETS} - {*BUSY}
    for name, said in shown.items():
        row = rows["TOTAL" if name == "Total" else name]
        money = [dollars(row[column]) for column in ("capital", "employed", "expected_week", "expected_day")]  # type: ignore[arg-type]
        assert [said[0], said[1], said[4], said[5]] == money
        assert said[6:9] == [dollars(row[column], signed=True) for column in ("realized", "forecast", "window_realized")]  # type: ignore[arg-type]
    for name in BUSY:
        assert shown[name][2:4] == [percent(rows[name]["base_return"], 2), f"{rows[name]['env_factor']:.2f}"]  # type: ignore[arg-type]


def test_strategies_are_listed_with_what_their_row_says_laggards_first(content: PageContent) -> None:
    rows = content.rows("expected_pnl")
    slow = next(row for row in rows if row["scope"] == "STRATEGY")
    slow |= {"status": "UNDERPERFORMING", "message": HOSTILE}
    page = desk_page(with_rows(content, "expected_pnl", rows))
    shown = Reader(page).rows("expected-strategies")
    assert next(iter(shown)) == slow["name"]
    assert (shown[str(slow["name"])][5], shown[str(slow["name"])][6]) == ("underperforming", HOSTILE)
    assert "<script" not in page.lower()
    assert f"{len(shown)} strategies, 1 underperforming" in Reader(page).words


def test_a_chart_for_the_total_and_one_for_each_bucket_once_there_are_several(content: PageContent) -> None:
    def charts(busy: tuple[str, ...]) -> set[str]:
        """The charts of expected P&L where these buckets are busy."""
        rows = content.rows("expected_pnl")
        for row in rows:
            if row["scope"] == "BUCKET":
                row |= {"status": "TOO_FEW" if row["name"] in busy else "IDLE"}
        tags = Reader(desk_page(with_rows(content, "expected_pnl", rows))).tags
        titles = [str(attributes.get("id")) for tag, attributes in tags if tag == "title"]
        return {title for title in titles if title.startswith("chart-expected-")}

    assert charts(("RV",)) == {"chart-expected-total-t"}  # the only busy bucket's would be the total's
    assert charts(("RV", "Spread")) == {"chart-expected-total-t", "chart-expected-rv-t", "chart-expected-spread-t"}
    assert charts(BUSY) == {"chart-expected-total-t", *(f"chart-expected-{name.lower()}-t" for name in BUSY)}


def test_the_chart_adds_up_what_had_an_expectation_and_nothing_else() -> None:
    rows: list[dict[str, object]] = [
        {"realized": 100.0, "forecast": None, "forecast_employed": None},
        {"realized": 5.0, "forecast": 10.0, "forecast_employed": 2.0},
        {"realized": 100.0, "forecast": None, "forecast_employed": None},
        {"realized": -7.0, "forecast": 10.0, "forecast_employed": 0.0},
    ]
    assert cumulated(rows) == ([0.0, 5.0, 5.0, -2.0], [0.0, 10.0, 10.0, 20.0], [0.0, 2.0, 2.0, 2.0])


def test_the_chart_of_the_ui_is_an_image_that_stands_alone(content: PageContent) -> None:
    image = chart_image(content.history("expected_pnl"))
    assert image is not None
    kind, raw = image.split(",", 1)
    assert kind == "data:image/svg+xml;base64"
    drawing = ElementTree.fromstring(b64decode(raw))
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert [found.tag for found in drawing.iter() if found.tag.endswith("script")] == []
    assert chart_image(content.rows("expected_pnl")) is None  # one session is no line


def test_a_session_without_expected_pnl_has_no_such_section(content: PageContent) -> None:
    read = Reader(desk_page(emptied(content, "expected_pnl")))
    assert "table-expected" not in read.tables
    assert "table-book" in read.tables


def of_bucket(rows: pl.DataFrame, day: date, bucket: str) -> dict[str, object]:
    """The bucket's row of expected_pnl."""
    (row,) = rows.filter(pl.col("as_of_date") == day, pl.col("scope") == "BUCKET", pl.col("name") == bucket).to_dicts()
    return row


def test_expected_pnl_on_disk_is_budgets_times_tables_and_its_pnl_is_what_became_known(
    walked: tuple[Config, Warehouse, Path],
) -> None:
    config, warehouse, _ = walked
    rows = warehouse.read("expected_pnl")
    assert rows["as_of_date"].unique().sort().to_list() == list(DAYS)
    regimes = dict(warehouse.read("market_regime").select("as_of_date", "regime").iter_rows())
    forecast = None
    for day in DAYS:
        (total,) = rows.filter(pl.col("as_of_date") == day, pl.col("scope") == "TOTAL").to_dicts()
        capital = dict(warehouse.read("strategy_budgets", day, day).group_by("bucket").agg(pl.col("budget").sum()).iter_rows())
        assert set(capital) == {*BUSY}
        table = expected_pnl(capital, regimes[day])
        for bucket, week in table.select("bucket", "expected_pnl_week").iter_rows():
            assert of_bucket(rows, day, bucket)["expected_week"] == pytest.approx(week)
            assert of_bucket(rows, day, bucket)["capital"] == pytest.approx(capital[bucket])
        assert total["expected_week"] == pytest.approx(total_expected_pnl(table))
        assert total["realized"] == pytest.approx(warehouse.read("realized_pnl", day, day)["pnl_net"].sum())
        held = warehouse.read("desk_positions", day, day)["notional_cents"].abs().sum()
        assert total["employed"] == pytest.approx(held / 100)
        assert total["forecast"] == forecast
        forecast = total["expected_day"]
    assert config.desk.expected_pnl.window_sessions > len(DAYS)
    assert set(rows["status"]) == {"TOO_FEW", "IDLE"}


def test_a_laggard_is_a_warning_of_the_asset_that_blocks_nothing(
    walked: tuple[Config, Warehouse, Path], tmp_path: Path
) -> None:
    _, warehouse, root = walked
    copytree(root, tmp_path / "desk")
    desk = DeskFolder(tmp_path / "desk")
    # Twenty sessions before the walk on which 1,000 a day was expected of RV, and nothing came.
    earlier = calendar().between(calendar().before(DAYS[0], 20), calendar().before(DAYS[0]))
    (pattern,) = warehouse.read("expected_pnl", LAST, LAST).filter(pl.col("name") == "RV").to_dicts()
    empty = {"forecast": 1_000.0, "forecast_employed": 1_000.0, "realized": 0.0, "expected_day": 1_000.0}
    past = TABLES["expected_pnl"].frame([{**pattern, **empty, "as_of_date": day} for day in earlier])
    desk.warehouse.write(earlier[0], earlier[-1], {"expected_pnl": past})
    with desk.entered():
        done = materialize(
            [expected_pnl_asset], partition_key=str(DAYS[0]), resources={"desk": DeskResource()}, raise_on_error=False
        )
    assert done.success
    (check,) = done.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.severity.value) == ("expected_pnl_on_track", False, "WARN")
    assert str(check.metadata["limit"].value) == "RV"
    assert "where $20,000.00 was expected over 20 sessions: below 50%" in str(check.metadata["message"].value)
    (made,) = done.asset_materializations_for_node("expected_pnl")
    expected = {name: made.metadata[f"expected_day_{name}"].value for name in BUSY}
    rows = desk.warehouse.read("expected_pnl", DAYS[0], DAYS[0])
    assert expected == {name: pytest.approx(of_bucket(rows, DAYS[0], name)["expected_day"]) for name in BUSY}
    assert sum(expected.values()) == pytest.approx(made.metadata["expected_day"].value)  # type: ignore[arg-type]
    assert "data:image/svg+xml" not in str(made.metadata["newest"].value)  # the total has no row before this session
    assert all(f"| {name} | " in str(made.metadata["newest"].value) for name in BUSY)


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
