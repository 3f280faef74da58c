"""The research mandates, which have no way to the book, and what each engine decided."""

from __future__ import annotations

import json
import math

from riskdesk_assets.reports.page.blocks import Block, Cell, Column, Fact, Facts, Group, Section, Sentences, Table
from riskdesk_assets.reports.page.charts import diverging_bar, share_bar
from riskdesk_assets.reports.page.content import PageContent, Row, number, parsed
from riskdesk_assets.reports.page.numerals import NOTHING, count, dollars, percent, plain

_TOP = 10
_FULLEST = 6
_FIRST = ("solver", "status", "message")
_TONES = {"OK": "", "BREACH": "bad"}
_WORDS = {"OK": "", "BREACH": "BREACH"}


def mandate_sections(content: PageContent) -> list[Section]:
    """One compact section per research mandate that the session has rows of."""
    found = []
    for portfolio in content.config.mandates:
        key = portfolio.portfolio_id
        decision = next((row for row in content.rows("engine_decisions") if row["portfolio_id"] == key), None)
        weights = [row for row in content.rows("target_portfolios") if row["portfolio_id"] == key]
        if decision is None and not weights:
            continue
        blocks: list[Block] = []
        if decision is not None:
            blocks.append(_facts(decision))
        if weights:
            blocks.append(_weights(key, weights))
        limits = [row for row in content.rows("portfolio_limits") if row["portfolio_id"] == key]
        if limits:
            blocks.append(_limits(key, limits, content.config.limits.amber_at))
        kind = portfolio.kind.replace("_", " ").capitalize()
        lead = f"{kind}, NAV {dollars(portfolio.nav)}. Research only: it has no way to the book or the blotter."
        if decision is not None and decision["reason"]:
            lead += f" {decision['reason']}"
        found.append(Section(f"mandate-{key}", key.replace("_", " "), blocks, lead, "Research"))
    return found


def engine_section(content: PageContent) -> Section | None:
    """How the desk's own problem was solved: status, solver, every attempt; None where no row says so."""
    row = next(iter(content.own("engine_decisions")), None)
    if row is None:
        return None
    items = [
        Fact("Status", str(row["status"])),
        Fact("Solver", str(row["solver"] or NOTHING)),
        Fact("Model", str(row["model_id"] or NOTHING)),
        Fact("Expected return a day", percent(number(row, "expected_return"), 4, signed=True), "of NAV"),
        Fact("Cost", percent(number(row, "cost"), 4), "of NAV"),
        Fact("Turnover", percent(number(row, "turnover"), 1), "of NAV"),
    ]
    blocks: list[Block] = [Facts("engine_decisions", [item for item in items if item.value != NOTHING])]
    attempts = _attempts(row)
    if attempts:
        blocks.append(Sentences("engine_decisions: attempts", [Group("Attempts", "", attempts)]))
    return Section("engine", "Engine decision", blocks, str(row["reason"] or ""))


def _attempts(row: Row) -> list[str]:
    """One line per attempt, whatever shape the solver chain logged it in."""
    said = parsed(row, "attempts")
    if isinstance(said, list):
        return [item if isinstance(item, str) else _words(item) for item in said]
    text = row.get("attempts")
    return [text] if isinstance(text, str) and text and said is None else []


def _words(item: object) -> str:
    if isinstance(item, dict):
        keys = sorted(item, key=lambda key: (_FIRST.index(key) if key in _FIRST else len(_FIRST), key))
        return ", ".join(f"{key.replace('_', ' ')} {_words(item[key])}" for key in keys if item[key] not in (None, "", []))
    if isinstance(item, float):
        return f"{item:.6g}"
    return item if isinstance(item, str) else json.dumps(item, sort_keys=True)


def _facts(row: Row) -> Facts:
    items = [
        Fact("Status", str(row["status"]), str(row["solver"] or ""), "" if row["status"] == "OPTIMAL" else "amber"),
        Fact("Expected return a day", percent(number(row, "expected_return"), 3, signed=True)),
        Fact("Volatility a day", percent(number(row, "expected_volatility"), 2)),
        Fact("VaR 99", percent(number(row, "var_99"), 2)),
        Fact("P&L of the session", percent(number(row, "pnl"), 2, signed=True), "of NAV"),
        Fact("Turnover", percent(number(row, "turnover"))),
    ]
    return Facts("engine_decisions", [item for item in items if item.value != NOTHING])


def _weights(key: str, rows: list[Row]) -> Table:
    held = sorted(
        (row for row in rows if number(row, "target_weight")),
        key=lambda row: (-abs(number(row, "target_weight") or 0.0), str(row["instrument_id"])),
    )
    largest = max((abs(number(row, "target_weight") or 0.0) for row in held), default=0.0)
    lines = [
        (
            Cell(str(row["instrument_id"])),
            Cell("", drawing=diverging_bar(number(row, "target_weight") or 0.0, largest)),
            Cell(percent(number(row, "target_weight"), 2, signed=True)),
        )
        for row in held[:_TOP]
    ]
    columns = (Column("Name", "text"), Column("short | long", "bar"), Column("Weight"))
    caption = f"The {count(len(lines))} largest of {count(len(held))} weights"
    return Table(f"weights-{key}", caption, "target_portfolios", columns, lines)


def _limits(key: str, rows: list[Row], amber_at: float) -> Table:
    fullest = sorted(rows, key=lambda row: (-_used(row), str(row["limit_name"])))[:_FULLEST]
    lines = []
    for row in fullest:
        status = str(row["status"])
        tone = _TONES.get(status, "amber")
        lines.append(
            (
                Cell(str(row["limit_name"])),
                Cell("", drawing=share_bar(_used(row), tone, amber_at)),
                Cell(percent(number(row, "utilization"))),
                Cell(_WORDS.get(status, status.lower()), tone),
                Cell(plain(number(row, "price_of_limit"), 6)),
            )
        )
    columns = (Column("Limit", "text"), Column("used", "bar"), Column("Used"), Column("Status", "text"), Column("Price"))
    return Table(
        f"limits-{key}", f"Its {count(len(lines))} fullest limits of {count(len(rows))}", "portfolio_limits", columns, lines
    )


def _used(row: Row) -> float:
    """The share of the bound that is used; more than any share where something is measured under a bound of 0."""
    used = number(row, "utilization")
    return used if used is not None else 0.0 if row["status"] == "OK" else math.inf
