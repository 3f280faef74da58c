"""The tear sheet of a mandate: the desk's page with a mandate's sections. Every number names the table it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.reports.page.blocks import Banner, Fact, Facts, Section
from riskdesk_assets.reports.page.numerals import count, dollars, percent, plain
from riskdesk_assets.research.mandates.sheet_figures import (
    benchmark_figure,
    factor_figure,
    soft_figure,
    turnover_figure,
)
from riskdesk_assets.research.mandates.sheet_tables import (
    answer_table,
    benchmark_table,
    exposure_table,
    limit_table,
    name_table,
    scenario_table,
)
from riskdesk_assets.research.tear_sheet.content import SheetContent
from riskdesk_assets.research.tear_sheet.curves import cost_figure, equity_figure, exposure_figure, rolling_figures, var_chart
from riskdesk_assets.research.tear_sheet.heat_map import heat_map
from riskdesk_assets.research.tear_sheet.judged import check_table, skipped_table
from riskdesk_assets.research.tear_sheet.sheet import MONTHS, banners_of_prices, drawable, sheet_page, tone

_FILES = ("metrics.json", "timeseries.csv", "target_portfolios.parquet", "limit_slack.parquet", "logs.txt", "manifest.json")
_CHECKED = "risk_checks (from timeseries: marked_pnl, ex_ante_volatility, var_95, var_99; portfolio_limits)"


@dataclass(frozen=True, kw_only=True)
class MandateSheetContent(SheetContent):
    """One backtest of one mandate, as walked."""

    mandate: PortfolioConfig

    @property
    def nav(self) -> float:
        """Dollars of the mandate's static nav."""
        return self.mandate.own_nav


def mandate_sheet(content: MandateSheetContent) -> str:
    """The page of a mandate's backtest, to lie in its directory; the same content gives the same bytes."""
    mandate = content.mandate
    return sheet_page(
        content,
        mandate.portfolio_id,
        mandate_sections(content),
        banners(content),
        _FILES,
        kind=[("Mandate", f"{mandate.portfolio_id} ({mandate.kind.replace('_', ' ')})")],
        engine=[
            ("Risk model", mandate.risk_model_id),
            ("Optimizer", mandate.optimizer_type),
            ("Risk aversion", f"{mandate.risk_aversion_lambda:g}"),
        ],
    )


def mandate_sections(content: MandateSheetContent) -> list[Section]:
    """The page from top to bottom."""
    mandate, nav = content.mandate, content.mandate.own_nav
    figures = [
        exposure_figure(content) if mandate.kind != "long_only" else None,
        soft_figure(content.frames, mandate),
        factor_figure(content.frames, mandate),
    ]
    skipped = skipped_table(content)
    risk = [
        *rolling_figures(content)[1:],
        var_chart(content.series, "marked_pnl", nav, "timeseries: marked_pnl, var_99"),
        check_table(content, _CHECKED),
    ]
    found = [
        Section("headline", "The range", [headline(content)]),
        Section("equity", "Equity and drawdown", [equity_figure(content), benchmark_figure(content.frames, mandate)]),
        Section(MONTHS, "Months", [heat_map(content)]),
        Section("beside", "Beside the benchmark", [benchmark_table(content.metrics, nav)]),
        Section("risk", "Risk against its prediction", [item for item in risk if item is not None]),
        Section("limits", "Limits", [limit_table(content.frames), *(item for item in figures if item is not None)]),
        Section("scenarios", "Scenarios", [scenario_table(content.frames, nav)]),
        Section("costs", "Turnover and costs", [turnover_figure(content.frames, mandate), cost_figure(content)]),
        Section("names", "Names and exposures", [name_table(content.metrics, nav), exposure_table(content.frames)]),
        Section("days", "Days", [answer_table(content.metrics), *([] if skipped is None else [skipped])]),
    ]
    return drawable(found, content)


def headline(content: MandateSheetContent) -> Facts:
    """The figures a reader looks for first."""
    number, nav, metrics = content.number, content.mandate.own_nav, content.metrics
    net, active = number("total_pnl_net") or 0.0, number("active_pnl_net") or 0.0
    rival: Mapping[str, Any] = metrics["benchmark"]
    softened, unanswered = content.count("softened_sessions"), content.count("unanswered_sessions")
    items = [
        Fact("P&L after costs", dollars(net, signed=True), f"{percent(net / nav, 2, signed=True)} of NAV", tone(net)),
        Fact("Reinvested", percent(number("compounded_return"), 2, signed=True), "the same days, compounded"),
        Fact(
            f"Beyond {rival['name'].replace('_', ' ')}",
            dollars(active, signed=True),
            f"information ratio {plain(number('information_ratio'))}",
            tone(active),
        ),
        Fact("Sharpe ratio", plain(number("sharpe_ratio")), f"benchmark {plain(rival['sharpe_ratio'])}"),
        Fact(
            "Volatility",
            percent(number("volatility"), 2),
            f"predicted {percent(number('predicted_volatility'), 2)}, bias {plain(number('bias_ratio'))}",
        ),
        Fact("Largest drawdown", percent(number("max_drawdown"), 2), dollars(number("max_drawdown_dollars"))),
        Fact("Costs", dollars(number("total_costs")), f"{dollars(number('total_turnover'))} traded"),
        Fact("Turnover", percent(number("mean_turnover"), 2), "of NAV a session"),
        Fact(
            "Worst scenario",
            dollars(number("worst_scenario_pnl"), signed=True),
            str(metrics["worst_scenario"] or "").replace("_", " "),
        ),
        Fact("Limits breached", count(content.count("released_breaches")), f"gave way on {softened} sessions"),
        Fact("Names", plain(number("mean_names"), 1), "held on average"),
        Fact("Sessions", count(content.count("total_trading_days")), f"{unanswered} without an answer"),
    ]
    return Facts(
        "timeseries: pnl_net, costs, turnover, names, decision; benchmark: pnl_net; limit_use: released_breached", items
    )


def banners(content: MandateSheetContent) -> Sequence[Banner]:
    """What a reader must not miss."""
    research = Banner("note", "Research", "A research mandate: it has no way to the desk's ideal portfolio.")
    found = [research, *banners_of_prices(content)]
    unanswered = content.count("unanswered_sessions")
    if unanswered:
        text = f"On {unanswered} sessions the optimizer had no answer, and the weights of the session before stood (logs.txt)."
        found.append(Banner("warn", "No answer", text))
    use = content.frames["limit_use"]
    breached = use.filter(use["released_breached"] > 0)["limit_name"].to_list()
    if breached:
        found.append(Banner("alarm", "Limits breached", f"Weights the optimizer chose breached {', '.join(breached)}."))
    return found
