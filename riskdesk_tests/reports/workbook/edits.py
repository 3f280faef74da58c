"""A workbook edited as a spreadsheet would save it, cell by cell in its XML, and as an attacker would, part by part."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

SHEETS = (
    "Read me",
    "Strategy Input",
    "Sizing Output",
    "Portfolio Dashboard",
    "Trade Planner",
    "ExpectedPnL",
    "Scenarios",
    "Limits",
    "Lists",
    "Base",
)
_EPOCH = date(1899, 12, 30)


@dataclass(frozen=True)
class Formula:
    """A formula with the result a spreadsheet keeps of it."""

    text: str
    value: float


@dataclass(frozen=True)
class Raw:
    """The inside of a cell as it stands in the XML, with its type."""

    type: str
    xml: str


Value = str | float | bool | date | Formula | Raw | None


def part_of(sheet: str) -> str:
    return f"xl/worksheets/sheet{SHEETS.index(sheet) + 1}.xml"


def parts_of(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_part(raw: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one part changed, or added."""
    parts = parts_of(raw)
    before = parts.get(name, b"")
    parts[name] = change(before)
    assert parts[name] != before, f"nothing changed in {name}"
    return packed(parts)


def replaced(raw: bytes, name: str, old: str, new: str) -> bytes:
    """The workbook with a text of one part replaced once."""

    def change(content: bytes) -> bytes:
        assert old.encode() in content, (name, old)
        return content.replace(old.encode(), new.encode(), 1)

    return with_part(raw, name, change)


def with_cells(raw: bytes, sheet: str, values: Mapping[str, Value]) -> bytes:
    """The workbook with cells of a sheet set, their styles as they were; a cell that is not there joins its row."""

    def change(content: bytes) -> bytes:
        text = content.decode()
        for cell, value in values.items():
            text = _with_cell(text, cell, value)
        return text.encode()

    return with_part(raw, part_of(sheet), change)


def _with_cell(text: str, cell: str, value: Value) -> str:
    found = re.search(rf'<c r="{cell}"((?: s="[0-9]+")?)[^>]*?(?:/>|>.*?</c>)', text, re.DOTALL)
    if found:
        return text[: found.start()] + _cell(cell, found[1], value) + text[found.end() :]
    row = re.sub("[A-Z]", "", cell)
    inside = re.search(rf'<row r="{row}"[^>]*?(/>|>.*?</row>)', text, re.DOTALL)
    if inside:
        whole = inside[0]
        opened = whole[:-2] + ">" if whole.endswith("/>") else whole[: -len("</row>")]
        return text[: inside.start()] + opened + _cell(cell, "", value) + "</row>" + text[inside.end() :]
    return text.replace("</sheetData>", f'<row r="{row}">{_cell(cell, "", value)}</row></sheetData>', 1)


def _cell(cell: str, style: str, value: Value) -> str:
    if value is None:
        return f'<c r="{cell}"{style}/>'
    if isinstance(value, Formula):
        return f'<c r="{cell}"{style}><f>{escape(value.text)}</f><v>{value.value!r}</v></c>'
    if isinstance(value, Raw):
        return f'<c r="{cell}"{style} t="{value.type}">{value.xml}</c>'
    if isinstance(value, bool):
        return f'<c r="{cell}"{style} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        return f'<c r="{cell}"{style}><v>{(value - _EPOCH).days}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{cell}"{style}><v>{value!r}</v></c>'
    return f'<c r="{cell}"{style} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
