"""The risk of the book: where it comes from, how far the tails reach, what scenarios cost, and whether the model was right."""

from __future__ import annotations

from collections.abc import Mapping

from riskdesk_assets.reports.page.blocks import Block, Cell, Column, Fact, Facts, Group, Section, Sentences, Table
from riskdesk_assets.reports.page.charts import diverging_bar
from riskdesk_assets.reports.page.content import PageContent, Row, number, parsed
from riskdesk_assets.reports.page.headline import risk_metrics
from riskdesk_assets.reports.page.numerals import NOTHING, count, dollars, percent, plain

_REPORT = "portfolio_risk_reports"
_METHODS = {"normal": "Normal", "student_t": "Student's t", "historical": "Historical", "monte_carlo": "Monte Carlo"}
_LEVELS = ("var_95", "es_95", "var_99", "es_99")
_KINDS = {
    "factor": "Factors",
    "sector": "Sectors",
    "group": "Industry groups",
    "country": "Countries",
    "currency": "Currencies",
    "fragility": "Fragility classes",
}
_OUTCOMES = {"PASS": "OK", "GREEN": "OK", "WARN": "yellow", "FAIL": "RED"}
_TONES = {"RED": "bad", "BREACHED": "bad", "YELLOW": "amber", "REJECTED": "amber"}
_LOUD = ("RED", "BREACHED")
_WORST_FIRST = ("bad", "amber", "")
_FEW = 10


_SPLIT = (
    " Factor and specific volatility are the factor model's, the book's volatility is of the Ledoit-Wolf covariance: their "
    "squares do not add up to its square."
)


def risk_section(content: PageContent) -> Section | None:
    """Everything of the risk report; None where the session has none."""
    row = next(iter(content.own(_REPORT)), None)
    if row is None:
        return None
    found = (
        _split(content, row),
        _scenarios(content),
        _tails(content),
        _contributions(content),
        *_exposures(content, row),
        _notes(row),
    )
    blocks: list[Block] = [block for block in found if block is not None]
    lead = f"Model {row['model_id']}. Losses of VaR and ES are positive, scenario P&L is negative for a loss."
    return Section("risk", "Risk", blocks, f"{lead}{_SPLIT}{_target(content)}") if blocks else None


def _target(content: PageContent) -> str:
    """The volatility target beside what the book came to, and why they differ."""
    settings, nav = content.config.desk.vol_target, content.config.desk.nav
    daily = number(risk_metrics(content), "volatility")
    if not settings.enabled or daily is None:
        return ""
    target = settings.target_daily_vol
    return (
        f" The volatility target is {percent(target, 3)} of NAV a day ({dollars(target * nav)}), the book's ex-ante volatility "
        f"{percent(daily, 3)}: the target scales what is proposed, and the stages after it only cut."
    )


def checks_section(content: PageContent) -> Section | None:
    """What the model predicted against what happened; None where nothing was checked."""
    judged: list[tuple[Cell, ...]] = []
    told: list[tuple[Cell, ...]] = []
    for row in content.own("model_checks"):
        said = str(row["outcome"]).upper()
        word = _OUTCOMES.get(said, said if said in ("OK", *_LOUD) else said.replace("_", " ").lower())
        cells = (
            Cell(str(row["check_name"]).replace("_", " ")),
            Cell(word, _TONES.get(word.upper(), "")),
            Cell(_whole(row, "observations")),
            Cell(_whole(row, "exceptions")),
            Cell(plain(number(row, "expected"))),
            Cell(plain(number(row, "statistic"), 3)),
            Cell(plain(number(row, "p_value"), 3)),
            Cell(str(row["message"] or "")),
        )
        (told if said == "TOLD" else judged).append(cells)
    judged.sort(key=lambda cells: _WORST_FIRST.index(cells[1].tone))
    columns = (
        Column("Check", "text"),
        Column("Outcome", "text"),
        Column("Sessions"),
        Column("Exceptions"),
        Column("Expected"),
        Column("Statistic"),
        Column("p-value"),
        Column("What it says", "prose"),
    )
    blocks = []
    if judged:
        blocks.append(
            Table("model-checks", "Predictions against what happened, the worst first", "model_checks", columns, judged)
        )
    if told:
        folded = f"{count(len(told))} more that {'is' if len(told) == 1 else 'are'} told, not judged"
        blocks.append(Table("model-facts", "Told, not judged", "model_checks", columns, told, folded=folded))
    return Section("model-checks", "Model checks", blocks) if blocks else None


def scenario_losses(content: PageContent) -> list[tuple[str, float]]:
    """Scenario and P&L as a share of NAV, the worst first."""
    row = next(iter(content.own(_REPORT)), {})
    said = parsed(row, "scenario_pnl")
    if not isinstance(said, dict):
        return []
    found = [(str(name), value) for name in said if (value := number(said, name)) is not None]
    return sorted(found, key=lambda item: (item[1], item[0]))


def _split(content: PageContent, row: Row) -> Facts | None:
    nav, metrics = content.config.desk.nav, risk_metrics(content)
    items = []
    for label, share, volatility in (
        ("From factors", "factor_share", "factor_volatility"),
        ("Specific to names", "specific_share", "specific_volatility"),
    ):
        value, size = number(metrics, share), number(metrics, volatility)
        if value is not None:
            items.append(Fact(label, percent(value), f"of variance; {dollars(None if size is None else size * nav)} a day"))
    annual = number(metrics, "volatility_annual")
    if annual is not None:
        items.append(Fact("Volatility a year", percent(annual), f"of NAV; {dollars(annual * nav)}"))
    for label, key, of in (
        ("Drawdown now", "drawdown_current", "of NAV after costs"),
        ("Largest drawdown", "drawdown_realized", "of NAV after costs"),
        ("Drawdown expected", "drawdown_estimated", "of NAV"),
    ):
        value = number(metrics, key)
        if value is not None:
            items.append(Fact(label, percent(value, 2), f"{of}; {dollars(value * nav)}"))
    slowest, within = number(metrics, "days_to_liquidate"), number(metrics, "liquidated_in_one_day")
    if slowest is not None:
        of = f"; {percent(within, 0)} of gross within one" if within is not None else ""
        items.append(
            Fact(
                "Days to liquidate",
                plain(slowest, 4),
                f"slowest name, at {percent(content.config.desk.risk_report.participation, 0)} of ADV{of}",
            )
        )
    concentration = number(metrics, "concentration")
    if concentration is not None:
        items.append(Fact("Concentration", plain(concentration, 3), "sum of squared shares of gross"))
    items += _stability(row)
    return Facts(_REPORT, items) if items else None


_STABILITY = {
    "volatility": "of the names held: a month's over their usual one",
    "correlation": "to their groups, against a year's mean",
    "liquidity": "a month's traded volume against a year's median",
    "drawdown": "of the names held, from their highs",
    "fragility": "0 calm to 1 fragile: how high these four stand in their own past",
}
"""One explanation each, beside the figure."""


def _stability(row: Row) -> list[Fact]:
    """The portfolio's stability vector, which the report keeps in its metadata."""
    metadata = parsed(row, "metadata")
    vector = metadata.get("stability_vector") if isinstance(metadata, dict) else None
    if not isinstance(vector, dict):
        return []
    said = str(vector.get("fragility_class") or "")
    items = []
    for key in ("volatility", "correlation", "liquidity", "drawdown", "fragility"):
        value = number(vector, key)
        if value is not None:
            beside = f"class {said}; {_STABILITY[key]}" if key == "fragility" and said else _STABILITY[key]
            items.append(Fact("Fragility" if key == "fragility" else f"Stability: {key}", plain(value, 3), beside))
    return items


def _tails(content: PageContent) -> Table | None:
    nav, metrics = content.config.desk.nav, risk_metrics(content)
    rows = []
    for method, name in _METHODS.items():
        values = [number(metrics, f"{level}_{method}") for level in _LEVELS]
        if any(value is not None for value in values):
            rows.append((Cell(name), *(Cell(dollars(None if value is None else value * nav)) for value in values)))
    if not rows:
        return None
    columns = (Column("Method", "text"), Column("VaR 95"), Column("ES 95"), Column("VaR 99"), Column("ES 99"))
    return Table("tails", "Loss of one session that is not exceeded, and the mean loss beyond it", _REPORT, columns, rows)


def _scenarios(content: PageContent) -> Table | None:
    nav, found = content.config.desk.nav, scenario_losses(content)
    if not found:
        return None
    config = content.config.scenarios
    about = {item.scenario_id: item.description for item in config.parametric}
    about |= {item.scenario_id: item.description for item in config.historical}
    largest = max(abs(value) for _, value in found)
    rows = [
        (
            Cell(name.replace("_", " ")),
            Cell("", drawing=diverging_bar(value, largest)),
            Cell(dollars(value * nav, signed=True), "bad" if value < 0 else ""),
            Cell(percent(value, 2, signed=True)),
            Cell(about.get(name, ""), "dim"),
        )
        for name, value in found
    ]
    columns = (Column("Scenario", "text"), Column("loss | gain", "bar"), Column("P&L"), Column("of NAV"), Column("", "prose"))
    return Table("scenarios", "What the book would make or lose, worst first", _REPORT, columns, rows)


def _contributions(content: PageContent) -> Table | None:
    nav, metrics = content.config.desk.nav, risk_metrics(content)
    rows = [row for row in content.own("risk_contributions") if number(row, "weight")]
    if not rows:
        return None
    rows.sort(key=lambda row: (-(number(row, "component_volatility") or 0.0), str(row["instrument_id"])))
    largest = max(abs(number(row, "component_volatility") or 0.0) for row in rows)
    total = sum(number(row, "component_volatility") or 0.0 for row in rows)
    lines = []
    for row in rows:
        part = number(row, "component_volatility") or 0.0
        lines.append(
            (
                Cell(str(row["instrument_id"])),
                Cell(percent(number(row, "weight"), signed=True)),
                Cell("", drawing=diverging_bar(part, largest)),
                Cell(percent(part / total if total else None)),
                Cell(_money(row, "component_var_99", nav)),
                Cell(_cents_per_dollar(number(row, "marginal_var_99"))),
                Cell(_money(row, "component_es_99_historical", nav)),
                Cell(percent(number(row, "factor_share"), 0)),
                Cell(plain(number(row, "days_to_liquidate"), 4)),
                Cell(_headroom(row, "up")),
                Cell(_headroom(row, "down")),
            )
        )
    columns = (
        Column("Name", "text"),
        Column("Weight"),
        Column("takes | adds", "bar"),
        Column("of risk"),
        Column("VaR 99"),
        Column("of $1 more"),
        Column("ES 99 lived"),
        Column("Factors"),
        Column("Days out"),
        Column("Room to buy"),
        Column("Room to sell"),
    )
    caption = "Who makes the risk: each name's share of volatility, its part of the normal VaR and of the historical ES"
    var, shortfall = (_share_money(number(metrics, name), nav) for name in ("var_99_normal", "es_99_historical"))
    foot = ("Book", "", "", percent(1.0 if total else None), var, "", shortfall, "", "", "", "")
    note = "Of $1 more: what another dollar bought adds to VaR 99. ES 99 lived: the mean loss on the worst days of the past."
    return Table("contributions", caption, "risk_contributions", columns, lines, [Cell(text) for text in foot], note=note)


def _cents_per_dollar(marginal: float | None) -> str:
    """A marginal risk, which is dollars per dollar of weight added, in cents."""
    return NOTHING if marginal is None else f"{plain(100 * marginal, 1, signed=True)}¢"


def _headroom(row: Row, side: str) -> str:
    """Dollars of room, and the limit that ends it."""
    value = number(row, f"headroom_{side}")
    name = row.get(f"headroom_{side}_limit")
    return NOTHING if value is None else dollars(value) + (f" ({name})" if name else "")


def _exposures(content: PageContent, row: Row) -> list[Table]:
    said = parsed(row, "exposures")
    if not isinstance(said, dict):
        return []
    tables = []
    for kind, title in _KINDS.items():
        found = _of_kind(said, kind)
        if not found:
            continue
        tables.append(_factor_table(found) if kind == "factor" else _class_table(kind, title, found, content.config.desk.nav))
    return tables


def _of_kind(said: Mapping[str, object], kind: str) -> dict[str, dict[str, float]]:
    """Member -> measure ("net", "gross", or "" for a factor's) -> value."""
    found: dict[str, dict[str, float]] = {}
    for name in sorted(said):
        if not name.startswith(f"{kind}:"):
            continue
        value = number(said, name)
        member, measure = name.removeprefix(f"{kind}:"), ""
        for end in ("net", "gross"):
            if kind != "factor" and member.endswith(f":{end}"):
                member, measure = member.removesuffix(f":{end}"), end
        if value is not None:
            found.setdefault(member, {})[measure] = value
    return found


def _factor_table(found: Mapping[str, Mapping[str, float]]) -> Table:
    largest = max(abs(values[""]) for values in found.values())
    rows = [
        (Cell(member), Cell("", drawing=diverging_bar(values[""], largest)), Cell(plain(values[""], 4, signed=True)))
        for member, values in found.items()
    ]
    columns = (Column("Factor", "text"), Column("short | long", "bar"), Column("Exposure"))
    return Table("exposure-factor", "Exposure to each factor, of NAV", _REPORT, columns, rows)


def _class_table(kind: str, title: str, found: Mapping[str, Mapping[str, float]], nav: float) -> Table:
    held = {member: values for member, values in found.items() if any(values.values())}
    largest = max((abs(values.get("net", values.get("gross", 0.0))) for values in held.values()), default=0.0)
    with_net = any("net" in values for values in found.values())
    rows = []
    for member, values in held.items():
        main = values.get("net", values.get("gross", 0.0))
        net = (Cell(_share_money(values.get("net"), nav)),) if with_net else ()
        rows.append(
            (Cell(member), Cell("", drawing=diverging_bar(main, largest)), *net, Cell(_share_money(values.get("gross"), nav)))
        )
    net_column = (Column("Net"),) if with_net else ()
    columns = (Column(title, "text"), Column("short | long" if with_net else "gross", "bar"), *net_column, Column("Gross"))
    return Table(f"exposure-{kind}", f"{title}: exposure", _REPORT, columns, rows)


def _notes(row: Row) -> Sentences | None:
    metadata = parsed(row, "metadata")
    notes = metadata.get("notes") if isinstance(metadata, dict) else None
    if not isinstance(notes, list) or not notes:
        return None
    said = [str(note) for note in notes[:_FEW]]
    more = [f"and {count(len(notes) - _FEW)} more in the metadata of {_REPORT}"] if len(notes) > _FEW else []
    return Sentences(_REPORT, [Group("What the report leaves out", "", [*said, *more])])


def _share_money(value: float | None, nav: float) -> str:
    return dollars(None if value is None else value * nav)


def _money(row: Row, column: str, nav: float) -> str:
    return _share_money(number(row, column), nav)


def _whole(row: Row, column: str) -> str:
    value = number(row, column)
    return count(None if value is None else int(value))
