"""How full every limit is, what it costs today, and which limits were changed."""

from __future__ import annotations

from riskdesk_assets.limits.catalogue import limit_words
from riskdesk_assets.reports.page.blocks import Cell, Column, Section, Table
from riskdesk_assets.reports.page.charts import share_bar
from riskdesk_assets.reports.page.content import PageContent, Row, number
from riskdesk_assets.reports.page.numerals import NOTHING, audited, count, percent, plain
from riskdesk_assets.reports.page.tickets import room_table

_SHOWN_FROM = 0.5
_WORDS = {"OK": "", "AMBER": "amber", "BREACH": "BREACH"}
_TONES = {"AMBER": "amber", "BREACH": "bad"}
_COLUMNS = (
    Column("Limit", "text"),
    Column("used", "bar"),
    Column("Used"),
    Column("Measured"),
    Column("Bound"),
    Column("Status", "text"),
    Column("Price, $ a day per $"),
    Column("Set in", "text"),
)


def limits_section(content: PageContent) -> Section:
    """Utilization bars, fullest first; what is below half and without a price is folded away. Then each ticket's room."""
    audit = sorted(content.rows("limit_audit"), key=_order)
    close = [row for row in audit if _close(row)]
    far = [row for row in audit if not _close(row)]
    amber_at = content.config.limits.amber_at
    note = f"The tick in each bar is where amber begins: {percent(amber_at, 0)} of the bound."
    blocks = []
    if close:
        blocks.append(
            _table(
                "limits", f"Limits above {percent(_SHOWN_FROM, 0)} of their bound, or with a price", close, amber_at, note=note
            )
        )
    if far:
        folded = f"{count(len(far))} more limit{'' if len(far) == 1 else 's'}, all with room"
        blocks.append(_table("roomy", "Limits with room", far, amber_at, folded=folded))
    if not audit:
        lead = "Nothing was audited on this session: no limit was measured."
    else:
        lead = "" if close else f"No limit is above {percent(_SHOWN_FROM, 0)} of its bound and none has a price."
    room = room_table(content)
    return Section("limits", "Limits", [*blocks, *([room] if room else []), *_changes(content)], lead)


def _order(row: Row) -> tuple[float, str]:
    used = number(row, "utilization")
    return -(used if used is not None else 2.0 if row["status"] != "OK" else -1.0), str(row["limit_name"])


def _close(row: Row) -> bool:
    used = number(row, "utilization")
    return row["status"] != "OK" or number(row, "price_of_limit") is not None or (used is not None and used >= _SHOWN_FROM)


def _table(name: str, caption: str, rows: list[Row], amber_at: float, *, folded: str = "", note: str = "") -> Table:
    lines = []
    for row in rows:
        used, status, unit = number(row, "utilization"), str(row["status"]), str(row["unit"])
        tone = _TONES.get(status, "")
        price = number(row, "price_of_limit")
        lines.append(
            (
                Cell(limit_words(str(row["limit_name"]))),
                Cell("", drawing=share_bar(used if used is not None else float(status != "OK"), tone, amber_at)),
                Cell(percent(used)),
                Cell(audited(int(str(row["measured"])), unit)),
                Cell(audited(int(str(row["bound"])), unit)),
                Cell(_WORDS.get(status, status) + ("" if row["mode"] == "construct" else " (gate)"), tone),
                Cell(NOTHING if price is None else plain(price, 6)),
                Cell(str(row["source"]), "dim"),
            )
        )
    return Table(name, caption, "limit_audit", _COLUMNS, lines, folded=folded, note=note)


def _changes(content: PageContent) -> list[Table]:
    rows = [
        (
            Cell(str(row["limit_name"])),
            Cell(str(row["change"]).replace("_", " ").lower()),
            Cell(_bound(row, "from_bound")),
            Cell(_bound(row, "to_bound")),
            Cell(str(row["unit"] or "")),
            Cell(str(row["author"] or NOTHING)),
            Cell(str(row["approved_by"] or NOTHING)),
            Cell(str(row["reason"] or "")),
            Cell(str(row["source"] or ""), "dim"),
        )
        for row in content.rows("limit_changes")
    ]
    if not rows:
        return []
    columns = (
        Column("Limit", "text"),
        Column("Change", "text"),
        Column("From"),
        Column("To"),
        Column("Unit", "text"),
        Column("By", "text"),
        Column("Approved by", "text"),
        Column("Reason", "text"),
        Column("Set in", "text"),
    )
    return [Table("limit-changes", "Limits that changed since the session before", "limit_changes", columns, rows)]


def _bound(row: Row, column: str) -> str:
    value = number(row, column)
    return NOTHING if value is None else f"{value:,.10g}"
