"""The tear sheet: a backtest as one HTML file that needs nothing else. Every number names the table it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.reports.page.blocks import Banner, Fact, Facts, Figure, Section
from riskdesk_assets.reports.page.numerals import count, dollars, percent, plain
from riskdesk_assets.research.tear_sheet.content import SheetContent
from riskdesk_assets.research.tear_sheet.curves import (
    challenger_figure,
    cost_figure,
    equity_figure,
    exposure_figure,
    rolling_figures,
    var_figure,
)
from riskdesk_assets.research.tear_sheet.earnings import (
    attribution_table,
    bucket_table,
    name_table,
    ticket_attribution_table,
    ticket_table,
)
from riskdesk_assets.research.tear_sheet.heat_map import heat_map
from riskdesk_assets.research.tear_sheet.judged import (
    challenger_table,
    check_table,
    choice_table,
    limit_table,
    scenario_table,
    skipped_table,
)

SHEET = "tear_sheet.html"
MONTHS = "months"
_FILES = ("metrics.json", "timeseries.csv", "portfolio_blotter.csv", "ideal_portfolio.parquet", "logs.txt", "manifest.json")
_SOURCE_WORDS = {
    "SIMULATED": "sample market: simulated prices, no real market",
    "FILES": "bars from files",
    "FMP": "bars from FMP",
}


def tear_sheet(content: SheetContent) -> str:
    """The page of a backtest, to lie in its directory; the same content gives the same bytes."""
    return sheet_page(content, content.config.desk.portfolio_id, sections(content), banners(content), _FILES)


def sheet_page(
    content: SheetContent,
    subject: str,
    sections: Sequence[Section],
    banners: Sequence[Banner],
    files: Sequence[str],
    *,
    kind: Sequence[tuple[str, str]] = (),
    engine: Sequence[tuple[str, str]] = (),
) -> str:
    """A page with the frame of every tear sheet.

    Args:
        content: what is told.
        subject: the portfolio it is of.
        sections, banners: from top to bottom.
        files: of the directory, to be named at the page's foot.
        kind, engine: facts at the foot, before all others and after what was laid over the configuration.
    """
    series, config = content.series, content.config
    laid = ", ".join(f"{path} = {canonical_json(value)}" for path, value in content.overrides.items())
    return _template().render(
        desk=subject,
        name=content.name,
        first=str(series["as_of_date"][0]),
        last=str(series["as_of_date"][-1]),
        source=content.source,
        source_words=_SOURCE_WORDS.get(content.source, content.source),
        simulated=content.source == "SIMULATED",
        walk_forward="walk_forward" in content.metrics,
        backtest_id=content.backtest_id,
        banners=banners,
        notes=list(content.notes),
        sections=sections,
        files=files,
        facts=[
            *kind,
            ("Profile", config.profile),
            ("Laid over", laid or "nothing"),
            *engine,
            ("Config", config.hash),
            ("Code", content.code_version),
            ("Snapshot of bars", content.snapshot_id),
            ("Features", config.feature_version),
            ("Backtest", content.backtest_id),
        ],
    )


def sections(content: SheetContent) -> list[Section]:
    """The page from top to bottom."""
    found = [
        Section("headline", "The range", [headline(content)]),
        Section("equity", "Equity and drawdown", [equity_figure(content), challenger_figure(content)]),
        Section(MONTHS, "Months", [heat_map(content)]),
        Section("rolling", "Rolling", rolling_figures(content)),
        Section("attribution", "Attribution", [attribution_table(content), ticket_attribution_table(content)]),
        Section("earned", "Tickets, buckets, names", [ticket_table(content), bucket_table(content), name_table(content)]),
        Section("rivals", "Challengers", [challenger_table(content)]),
        Section("exposure", "Exposure and costs", [exposure_figure(content), cost_figure(content)]),
        Section("limits", "Limits", [limit_table(content)]),
        Section("risk", "Risk against its prediction", [item for item in (var_figure(content), check_table(content)) if item]),
        Section("scenarios", "Scenarios", [scenario_table(content)]),
    ]
    skipped, choices = skipped_table(content), choice_table(content)
    days = _days(content)
    found.append(Section("days", "Days", [days] if skipped is None else [days, skipped]))
    if choices is not None:
        found.insert(2, Section("choices", "Choices", [choices]))
    return drawable(found, content)


def drawable(sections: Sequence[Section], content: SheetContent) -> list[Section]:
    """The sections that hold something; of a range of one session without its lines, which need two."""
    found = list(sections)
    if content.series.height == 1:
        found = [
            section
            if section.anchor == MONTHS
            else replace(section, blocks=[block for block in section.blocks if not isinstance(block, Figure)])
            for section in found
        ]
    return [section for section in found if section.blocks]


def headline(content: SheetContent) -> Facts:
    """The figures a reader looks for first."""
    number, nav = content.number, content.nav
    net = number("total_pnl_net") or 0.0
    items = [
        Fact("P&L after costs", dollars(net, signed=True), f"{percent(net / nav, 2, signed=True)} of NAV", tone(net)),
        Fact("P&L before costs", dollars(number("total_pnl_gross"), signed=True)),
        Fact("Costs", dollars(number("total_costs")), f"{dollars(number('total_turnover'))} traded"),
        Fact("Sharpe ratio", plain(number("sharpe_ratio")), "after costs, a year"),
        Fact("Volatility", percent(number("volatility"), 2), "of NAV a year"),
        Fact("Largest drawdown", percent(number("max_drawdown"), 2), dollars(number("max_drawdown_dollars"))),
        Fact("Hit rate", percent(number("hit_rate")), "of sessions with a book"),
        Fact(
            "Mean gross",
            percent((number("mean_gross") or 0.0) / nav),
            f"most {percent((number('most_gross') or 0.0) / nav)} of NAV",
        ),
        Fact("Equity", dollars(number("final_equity")), f"static NAV {dollars(nav)}"),
        Fact(
            "Sessions",
            count(content.count("total_trading_days")),
            f"{count(content.count('days_skipped_due_to_prices'))} skipped",
        ),
    ]
    return Facts("timeseries: pnl_net, pnl_gross, costs, turnover, equity_gross, equity, status", items)


def banners(content: SheetContent) -> Sequence[Banner]:
    """What a reader must not miss."""
    found = banners_of_prices(content)
    apart = (content.number("final_desk_equity") or 0.0) - (content.number("final_equity") or 0.0)
    if abs(apart) >= 1.0:
        text = (
            f"Marked every session by what printed, the desk would stand {dollars(apart, signed=True)} from this equity: "
            "skipped days earn nothing here (timeseries: desk_equity, equity)."
        )
        found.append(Banner("note", "Marks", text))
    breached = content.frames["limit_use"].filter(content.frames["limit_use"]["released_breached"] > 0)["limit_name"].to_list()
    if breached:
        found.append(Banner("alarm", "Limits breached", f"A released book breached {', '.join(breached)}."))
    return found


def banners_of_prices(content: SheetContent) -> list[Banner]:
    """What a reader must not miss of the prices: that they are made up, missing, or at an end."""
    found = []
    if content.source == "SIMULATED":
        found.append(Banner("note", "Simulated", "Sample market: no price on this page is a real one."))
    skipped = content.count("days_skipped_due_to_prices")
    if skipped:
        names = sorted({name for row in content.metrics["skipped_days"] for name in row["missing_symbols"].split(",") if name})
        total = content.count("total_trading_days")
        text = f"{skipped} of {total} session{'s' if total > 1 else ''} without P&L: no price of {', '.join(names)}."
        found.append(Banner("warn", "Skipped days", text))
    lost = content.number("delisting_pnl") or 0.0
    if lost:
        found.append(
            Banner("warn", "Delisted", f"{dollars(lost, signed=True)} of P&L are names closed at the delisting return.")
        )
    return found


def _days(content: SheetContent) -> Facts:
    names = (
        ("Sessions", "total_trading_days"),
        ("With a signal", "days_with_features"),
        ("With P&L", "days_with_pnl"),
        ("Flat", "days_flat"),
        ("Skipped for prices", "days_skipped_due_to_prices"),
        ("Not known yet", "days_pending"),
    )
    return Facts(
        "timeseries: status; pair_state, ticket_snapshots: as_of_date",
        [Fact(word, count(content.count(key))) for word, key in names],
    )


def tone(value: float) -> str:
    """The colour of a gain or a loss."""
    return "good" if value > 0 else "bad" if value < 0 else ""


@cache
def _template() -> Template:
    """The page, compiled once; what stands on it is told by ``render``."""
    loader = ChoiceLoader(
        [
            PackageLoader("riskdesk_assets.research.tear_sheet", "templates"),
            PackageLoader("riskdesk_assets.reports.page", "templates"),
        ]
    )
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("tear_sheet.html")
