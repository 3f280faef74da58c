"""Risk, model checks and research mandates on the page: figures of their rows, and what is missing hides its own block."""

from __future__ import annotations

import json

import polars as pl
import pytest

from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.reports.page.content import PageContent
from riskdesk_assets.reports.page.digest import page_digest
from riskdesk_assets.reports.page.headline import risk_metrics
from riskdesk_assets.reports.page.numerals import dollars, percent, plain
from riskdesk_assets.reports.page.page import desk_page
from riskdesk_tests.reports.page.pages import LAST, Reader, emptied, with_rows

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


def test_every_configured_scenario_is_priced_or_named_among_what_is_left_out(content: PageContent) -> None:
    scenarios = content.config.scenarios
    configured = {each.scenario_id for each in (*scenarios.parametric, *scenarios.historical)}
    read = Reader(desk_page(content))
    priced = {name.replace(" ", "_") for name in read.rows("scenarios")}
    assert "september_2008" in configured - priced  # the sample market is younger
    for name in configured - priced:
        assert f"scenario {name}: no bars of those days" in read.words


def test_more_notes_than_are_shown_are_counted(content: PageContent) -> None:
    notes = [f"note {number}" for number in range(12)]
    words = Reader(desk_page(risky(content, metadata=canonical_json({"notes": notes})))).words
    assert "note 9" in words
    assert "note 10" not in words
    assert "and 2 more in the metadata of portfolio_risk_reports" in words


def test_a_drawdown_says_that_it_is_after_costs(content: PageContent) -> None:
    metrics = canonical_json({"drawdown_realized": 0.0125})
    assert "Largest drawdown 1.25% of NAV after costs; $31,250" in Reader(desk_page(risky(content, risk_metrics=metrics))).words


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


def test_a_rejected_risk_model_stands_at_the_top_of_the_page(content: PageContent) -> None:
    own = content.config.desk.portfolio_id
    rows = [
        {**row, "outcome": "REJECTED", "statistic": 1.23, "p_value": 0.0123}
        if (row["check_name"], row["portfolio_id"]) == ("bias_ratio", own)
        else row
        for row in content.rows("model_checks")
    ]
    words = Reader(desk_page(with_rows(content, "model_checks", rows))).words
    said = "Risk model: 1 failed check bias ratio REJECTED: realized/predicted volatility 1.23, p 0.012."
    assert said in words
    assert words.index(said) < words.index("P&L of the session")
    assert "Risk model: " not in Reader(desk_page(content)).words


def test_the_volatility_target_stands_beside_what_the_book_came_to(content: PageContent) -> None:
    nav, daily = content.config.desk.nav, float(risk_metrics(content)["volatility"])  # type: ignore[arg-type]
    target = f"The volatility target is 0.300% of NAV a day ({dollars(0.003 * nav)})"
    said = f"{target}, the book's ex-ante volatility {percent(daily, 3)}:"
    assert said in Reader(desk_page(content)).words


def test_words_that_need_one_are_explained_where_they_stand(content: PageContent) -> None:
    reader = Reader(desk_page(content))
    for said in (
        "their squares do not add up to its square",
        "0 calm to 1 fragile",
        "before the tickets' own caps",
        "the budgets in force, after the tickets' own caps",
    ):
        assert said in reader.words, said
    assert "of the budgets' risk" in reader.tables["table-strategy-sizes"][0]
    assert "Allocated" not in [*reader.tables["table-buckets"][0], *reader.tables["table-expected"][0]]
    ledger = TABLES["clip_ledger"].frame(
        [{**row, "reason": "confidence 0.5 is low"} for row in content.rows("clip_ledger")[:1]]
    )
    clipped = with_rows(content, "clip_ledger", ledger.to_dicts())
    assert ("Confidence: how strong" in Reader(desk_page(clipped)).words) is bool(ledger.height)
