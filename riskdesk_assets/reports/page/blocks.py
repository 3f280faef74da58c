"""What a page is built of: sections of tables, figures, facts and sentences, each with the table its numbers come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

_NARROW = 5


@dataclass(frozen=True)
class Cell:
    """One cell: text (escaped when shown), a tone for the eye, and a drawing in place of text for inline bars."""

    text: str
    tone: str = ""
    drawing: Markup | None = None


@dataclass(frozen=True)
class Column:
    """A column's title, and how it is set: ``number`` to the right, ``text`` to the left, ``prose`` broken
    into lines, ``bar`` as wide as can be."""

    title: str
    kind: str = "number"


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first cell of a row names it. ``folded`` is the line that opens it, where it is shut at first."""

    name: str
    caption: str
    source: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()
    folded: str = ""
    note: str = ""
    kind: str = field(default="table", init=False)

    @property
    def wide(self) -> bool:
        """Whether it needs the page's whole width."""
        return len(self.columns) > _NARROW or any(column.kind == "prose" for column in self.columns)


@dataclass(frozen=True)
class Figure:
    """A drawing with its caption."""

    caption: str
    source: str
    drawing: Markup
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True)
class Fact:
    """One figure of a grid: what it is, the figure, and a word beside it."""

    label: str
    value: str
    beside: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Facts:
    """A grid of single figures."""

    source: str
    items: Sequence[Fact]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Group:
    """Sentences under a name, such as what the clip ledger says of one ticket."""

    name: str
    beside: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Sentences:
    """Groups of sentences."""

    source: str
    groups: Sequence[Group]
    folded: str = ""
    kind: str = field(default="sentences", init=False)


Block = Table | Figure | Facts | Sentences


@dataclass(frozen=True)
class Section:
    """A titled part of the page; ``lead`` is one sentence below the title."""

    anchor: str
    title: str
    blocks: Sequence[Block]
    lead: str = ""
    stamp: str = ""


@dataclass(frozen=True)
class Banner:
    """Something a reader must not miss: ``tone`` is note, warn or alarm, and ``word`` says the same in words."""

    tone: str
    word: str
    text: str
