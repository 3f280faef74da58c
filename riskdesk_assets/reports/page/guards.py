"""Stage 7 on the page: what the guards decided of each ticket, in any mode, and document 004's counters of the session."""

from __future__ import annotations

from riskdesk_assets.reports.guard_words import FOLLOWED, decided
from riskdesk_assets.reports.page.blocks import Cell, Column, Section, Table
from riskdesk_assets.reports.page.content import PageContent, number
from riskdesk_assets.reports.page.numerals import NOTHING, count, plain

_TONES = {"CLIP": "amber", "DENY": "bad"}


def guards_section(content: PageContent) -> Section | None:
    """Shares before, wanted and after of each ticket leg, by whom and why, and the counters; None where nobody asked them."""
    rows = content.rows("guard_decisions")
    if not rows:
        return None
    mode = content.config.desk.guards.mode
    words = decided(content.frame("guard_decisions"))
    shown = Table(
        name="guards",
        caption="From yesterday's shares toward the ideal ones, both legs of a ticket together",
        source="guard_decisions",
        columns=(
            Column("Ticket", "text"),
            Column("Name", "text"),
            Column("Action", "text"),
            Column("Guard", "text"),
            Column("Why", "text"),
            Column("Before"),
            Column("Wanted"),
            Column("After"),
        ),
        rows=[
            (
                Cell(str(row["ticket_id"])),
                Cell(str(row["symbol"])),
                Cell(str(row["action"]), _TONES.get(str(row["action"]), "")),
                Cell(_words(row["layer"]) or NOTHING, "dim"),
                Cell(_words(row["reason"]), "dim"),
                *(Cell(count(int(str(row[f"shares_{when}"])))) for when in ("before", "wanted", "after")),
            )
            for row in rows
        ],
        folded=f"Tickets: {words}",
        note="After is what following the guards would have left." if mode == "shadow" else "",
    )
    counters = Table(
        name="guard-counters",
        caption="Tickets per counter of the session",
        source="guard_counters",
        columns=(Column("Counter", "text"), Column("Tickets, or mean share kept")),
        rows=[(Cell(str(row["counter"])), Cell(_value(row))) for row in content.rows("guard_counters")],
        folded="Counters",
    )
    return Section("guards", "Guards", [shown, *([counters] if counters.rows else [])], f"Mode {mode}: {FOLLOWED[mode]}.")


def _value(row: dict[str, object]) -> str:
    value = number(row, "value")
    if row["counter"] == "avg_clip_ratio" or value is None:
        return plain(value)
    return count(round(value))


def _words(code: object) -> str:
    return str(code or "").replace("_", " ")
