"""Pages of a small desk, and a reader of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl

from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.reports.page.content import EARLIER_SESSIONS, PageContent, page_content
from riskdesk_tests.desk_builder import sessions_from

DAYS = sessions_from(date(2026, 3, 2), 3)
LAST = DAYS[-1]
HOSTILE = "<script>alert(1)</script>\"'&{{ 7 * 7 }}</td><img src=http://evil.example/x onerror=alert(2)>"
VOID = {"meta", "br", "img", "hr", "input", "link"}
Walked = tuple[Config, Warehouse, Path]


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


def content_of(walked: Walked, session: date = LAST, first: date = DAYS[0]) -> PageContent:
    config, warehouse, _ = walked
    return page_content(
        config=config,
        source="SIMULATED",
        snapshot_id="5" * 64,
        code_version="c" * 64,
        session=session,
        frames={name: warehouse.read(name, first, LAST) for name in TABLES},
        prior={name: warehouse.read(name).filter(pl.col(TABLES[name].partition) < first) for name in EARLIER_SESSIONS},
    )


def with_rows(content: PageContent, table: str, rows: list[dict[str, object]]) -> PageContent:
    return replace(content, frames={**content.frames, table: TABLES[table].frame(rows)})


def changed(content: PageContent, table: str, **values: object) -> PageContent:
    """Every row of a table with these columns set."""
    return with_rows(content, table, [{**row, **values} for row in content.rows(table)])


def emptied(content: PageContent, *tables: str) -> PageContent:
    return replace(content, frames={**content.frames, **{name: TABLES[name].frame([]) for name in tables}})
