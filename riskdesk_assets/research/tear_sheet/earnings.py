"""Who earned it, and what each stage made of it: tickets, buckets, names, attribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskdesk_assets.reports.page.blocks import Cell, Column, Table
from riskdesk_assets.reports.page.charts import diverging_bar
from riskdesk_assets.reports.page.numerals import count, dollars, percent
from riskdesk_assets.research.attribution import PARTS
from riskdesk_assets.research.tear_sheet.content import SheetContent

_SAID = {
    "intent": "what the controller wanted, at the tickets' whole size",
    "sizing": "budget and volatility scale",
    "clipping": "ticket caps and gatekeeper",
    "optimizer": "optimizer or governor, whole shares, guards",
    "delisting": "names closed at the delisting return",
    "costs": "trading and borrow",
    "pnl_net": "realized, after costs",
}


def attribution_table(content: SheetContent) -> Table:
    """The parts over all tickets, from intent to net P&L."""
    parts: Mapping[str, float] = content.metrics["attribution"]
    largest = max(map(abs, parts.values()))
    rows = [
        [Cell(name), Cell(_SAID[name]), _money(parts[name]), Cell("", drawing=diverging_bar(parts[name], largest))]
        for name in PARTS
    ]
    return Table(
        "attribution",
        "Where net P&L came from: the difference each stage made, held to the same next session",
        f"attribution: {', '.join(PARTS)}, pnl_net",
        (Column("Part", "text"), Column("What it is", "prose"), Column("P&L"), Column("", "bar")),
        rows,
        total=[Cell("pnl_net"), Cell(_SAID["pnl_net"]), _money(parts["pnl_net"]), Cell("")],
    )


def ticket_attribution_table(content: SheetContent) -> Table:
    """The parts of every ticket."""
    tickets: Mapping[str, Mapping[str, Any]] = content.metrics["by_ticket"]
    rows = [
        [Cell(name), *(_money(item["attribution"][part]) for part in (*PARTS, "pnl_net"))] for name, item in tickets.items()
    ]
    totals: Mapping[str, float] = content.metrics["attribution"]
    return Table(
        "attribution-tickets",
        "The same by ticket",
        f"attribution: {', '.join(PARTS)}, pnl_net by ticket_id",
        (Column("Ticket", "text"), *(Column(part.replace("_", " ")) for part in (*PARTS, "pnl_net"))),
        rows,
        total=[Cell("All"), *(_money(totals[part]) for part in (*PARTS, "pnl_net"))],
        folded="Attribution by ticket",
    )


def ticket_table(content: SheetContent) -> Table:
    """What every ticket earned, best first."""
    tickets: Mapping[str, Mapping[str, Any]] = content.metrics["by_ticket"]
    largest = max((abs(item["pnl_net"]) for item in tickets.values()), default=0.0)
    ordered = sorted(tickets.items(), key=lambda pair: (-pair[1]["pnl_net"], pair[0]))
    rows = [
        [
            Cell(name),
            Cell(item["pair"]),
            Cell(item["bucket"]),
            Cell(count(item["days_held"])),
            Cell(count(item["entries"])),
            Cell(percent(item["hit_rate"])),
            Cell(dollars(item["turnover"])),
            _money(item["pnl_gross"]),
            Cell(dollars(item["costs"])),
            _money(item["pnl_net"]),
            Cell("", drawing=diverging_bar(item["pnl_net"], largest)),
        ]
        for name, item in ordered
    ]
    texts = [Column(title, "text") for title in ("Ticket", "Pair", "Bucket")]
    numbers = [Column(title) for title in ("Held", "Entries", "Hit rate", "Traded", "Before costs", "Costs", "Net")]
    source = "realized_pnl: pnl_gross, costs, pnl_net; desk_positions: age_sessions; portfolio_blotter: notional_delta_cents"
    return Table("tickets", "P&L by ticket; held in sessions", source, (*texts, *numbers, Column("", "bar")), rows)


def bucket_table(content: SheetContent) -> Table:
    """What every bucket earned, and on how many of the sessions it had a position on."""
    buckets: Mapping[str, Mapping[str, Any]] = content.metrics["by_bucket"]
    rates = {name: Cell(percent(item["hit_rate"])) for name, item in buckets.items()}
    source = "attribution: pnl_net, costs by bucket; desk_positions"
    return _earned("buckets", "P&L by bucket", "Bucket", source, buckets, beside=("Hit rate", rates))


def name_table(content: SheetContent) -> Table:
    """What every name earned, best first."""
    names: Mapping[str, Mapping[str, Any]] = content.metrics["by_name"]
    ordered = dict(sorted(names.items(), key=lambda pair: (-pair[1]["pnl_net"], pair[0])))
    source = "realized_pnl: pnl_gross, costs, pnl_net by symbol"
    return _earned("names", "P&L by name", "Name", source, ordered, folded="P&L by name")


def _earned(
    anchor: str,
    caption: str,
    title: str,
    source: str,
    items: Mapping[str, Mapping[str, Any]],
    *,
    beside: tuple[str, Mapping[str, Cell]] | None = None,
    folded: str = "",
) -> Table:
    """A row per item, in their order; ``beside``: one more column, its title and its cells."""
    largest = max((abs(item["pnl_net"]) for item in items.values()), default=0.0)
    rows = [
        [
            Cell(name),
            *((beside[1][name],) if beside else ()),
            _money(item["pnl_gross"]),
            Cell(dollars(item["costs"])),
            _money(item["pnl_net"]),
            Cell("", drawing=diverging_bar(item["pnl_net"], largest)),
        ]
        for name, item in items.items()
    ]
    columns: Sequence[Column] = (
        Column(title, "text"),
        *((Column(beside[0]),) if beside else ()),
        Column("Before costs"),
        Column("Costs"),
        Column("Net"),
        Column("", "bar"),
    )
    return Table(anchor, caption, source, columns, rows, folded=folded)


def _money(value: float) -> Cell:
    return Cell(dollars(value, signed=True), "bad" if value < 0 else "good" if value > 0 else "")
