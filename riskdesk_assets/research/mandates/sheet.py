"""The tear sheet of a mandate: the desk's page with a mandate's sections. Every number names the table it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskdesk_assets.common.hashing import canonical_json
from riskdesk_assets.common.portfolios import PortfolioConfig
from riskdesk_assets.reports.page.blocks import Banner, Fact, Facts, Section
from riskdesk_assets.reports.page.numerals import count, dollars, percent, plain
from riskdesk_assets.research.mandates.sheet_figures import (
    benchmark_figure,
    factor_figure,
    soft_figure,
    turnover_figure,
    var_figure,
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
from riskdesk_assets.research.tear_sheet.curves import cost_figure, equity_figure, exposure_figure, rolling_figures
from riskdesk_assets.research.tear_sheet.heat_map import heat_map
from riskdesk_assets.research.tear_sheet.judged import check_table, skipped_table
from riskdesk_assets.research.tear_sheet.sheet import SOURCE_WORDS, sheet_template

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
    series, config = content.series, content.config
    laid = ", ".join(f"{path} = {canonical_json(value)}" for path, value in content.overrides.items())
    return sheet_template().render(
        desk=content.mandate.portfolio_id,
        name=content.name,
        first=str(series["as_of_date"][0]),
        last=str(series["as_of_date"][-1]),
        source=content.source,
        source_words=SOURCE_WORDS.get(content.source, content.source),
        simulated=content.source == "SIMULATED",
        walk_forward=False,
        backtest_id=content.backtest_id,
        banners=banners(content),
        notes=list(content.notes),
        sections=mandate_sections(content),
        files=_FILES,
        facts=[
            ("Mandate", f"{content.mandate.portfolio_id} ({content.mandate.kind.replace('_', ' ')})"),
            ("Profile", config.profile),
            ("Laid over", laid or "nothing"),
            ("Risk model", content.mandate.risk_model_id),
            ("Optimizer", content.mandate.optimizer_type),
            ("Risk aversion", f"{content.mandate.risk_aversion_lambda:g}"),
            ("Config", config.hash),
            ("Code", content.code_version),
            ("Snapshot of bars", content.snapshot_id),
            ("Features", config.feature_version),
            ("Backtest", content.backtest_id),
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
    risk = [*rolling_figures(content)[1:], var_figure(content.frames, nav), check_table(content, _CHECKED)]
    found = [
        Section("headline", "The range", [headline(content)]),
        Section("equity", "Equity and drawdown", [equity_figure(content), benchmark_figure(content.frames, mandate)]),
        Section("months", "Months", [heat_map(content)]),
        Section("beside", "Beside the benchmark", [benchmark_table(content.metrics, nav)]),
        Section("risk", "Risk against its prediction", [item for item in risk if item is not None]),
        Section("limits", "Limits", [limit_table(content.frames), *(item for item in figures if item is not None)]),
        Section("scenarios", "Scenarios", [scenario_table(content.frames, nav)]),
        Section("costs", "Turnover and costs", [turnover_figure(content.frames, mandate), cost_figure(content)]),
        Section("names", "Names and exposures", [name_table(content.metrics, nav), exposure_table(content.frames)]),
        Section("days", "Days", [answer_table(content.metrics), *([] if skipped is None else [skipped])]),
    ]
    return [section for section in found if section.blocks]


def headline(content: MandateSheetContent) -> Facts:
    """The figures a reader looks for first."""
    number, nav, metrics = content.number, content.mandate.own_nav, content.metrics
    net, active = number("total_pnl_net") or 0.0, number("active_pnl_net") or 0.0
    rival: Mapping[str, Any] = metrics["benchmark"]
    softened, unanswered = content.count("softened_sessions"), content.count("unanswered_sessions")
    items = [
        Fact("P&L after costs", dollars(net, signed=True), f"{percent(net / nav, 2, signed=True)} of NAV", _tone(net)),
        Fact("Reinvested", percent(number("compounded_return"), 2, signed=True), "the same days, compounded"),
        Fact(
            f"Beyond {rival['name'].replace('_', ' ')}",
            dollars(active, signed=True),
            f"information ratio {plain(number('information_ratio'))}",
            _tone(active),
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
    found = [Banner("note", "Research", "A research mandate: it has no way to the desk's ideal portfolio.")]
    if content.source == "SIMULATED":
        found.append(Banner("note", "Simulated", "Sample market: no price on this page is a real one."))
    skipped = content.count("days_skipped_due_to_prices")
    if skipped:
        names = sorted({name for row in content.metrics["skipped_days"] for name in row["missing_symbols"].split(",") if name})
        text = f"{skipped} of {content.count('total_trading_days')} sessions have no P&L: no price of {', '.join(names)}."
        found.append(Banner("warn", "Skipped days", text))
    lost = content.number("delisting_pnl") or 0.0
    if lost:
        found.append(
            Banner("warn", "Delisted", f"{dollars(lost, signed=True)} of P&L are names closed at the delisting return.")
        )
    unanswered = content.count("unanswered_sessions")
    if unanswered:
        text = f"On {unanswered} sessions the optimizer had no answer, and the weights of the session before stood (logs.txt)."
        found.append(Banner("warn", "No answer", text))
    use = content.frames["limit_use"]
    breached = use.filter(use["released_breached"] > 0)["limit_name"].to_list()
    if breached:
        found.append(Banner("alarm", "Limits breached", f"Weights the optimizer chose breached {', '.join(breached)}."))
    return found


def _tone(value: float) -> str:
    return "good" if value > 0 else "bad" if value < 0 else ""
