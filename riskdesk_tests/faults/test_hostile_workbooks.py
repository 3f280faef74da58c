"""Workbooks that want to harm: bombs, macros, links, entities, damage. Each is refused in words, soon, and in little memory."""

from __future__ import annotations

import io
import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.reports.workbook.package import MAX_FILE_BYTES, MAX_PARTS, MAX_UNPACKED_BYTES
from riskdesk_assets.reports.workbook.reader import WorkbookInput, read_workbook
from riskdesk_assets.reports.workbook.workbook import workbook_bytes
from riskdesk_tests.reports.workbook.builder import CHOICES, content
from riskdesk_tests.reports.workbook.edits import packed, part_of, parts_of, replaced, with_cells, with_part

INPUT = part_of("Strategy Input")
CONTENT_TYPES, RELATIONS = "[Content_Types].xml", "xl/_rels/workbook.xml.rels"
MOST_MEMORY = 200 * 1024  # KB more than before, of this process
LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture(scope="module")
def book() -> bytes:
    return workbook_bytes(content())


def read(tmp_path: Path, raw: bytes, name: str = "book.xlsx") -> WorkbookInput:
    path = tmp_path / name
    path.write_bytes(raw)
    return read_workbook(path, CHOICES)


def refusal(tmp_path: Path, raw: bytes, name: str = "book.xlsx") -> str:
    """What is said of a file that is not read at all; it may not cost much memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError) as caught:
        read(tmp_path, raw, name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY
    return str(caught.value.problems[0])


def zeros(size: int) -> bytes:
    return bytes(size)


def understated(raw: bytes) -> bytes:
    """The archive with every size its directory gives of its first sheet cut to 100 bytes."""
    data = bytearray(raw)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        entry = archive.getinfo(INPUT)
        start = archive.start_dir
    struct.pack_into("<I", data, entry.header_offset + 22, 100)
    place = data.index(INPUT.encode(), start) - 46
    struct.pack_into("<I", data, place + 24, 100)
    return bytes(data)


def twice(raw: bytes) -> bytes:
    """The archive with one part there twice."""
    buffer = io.BytesIO(raw)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(INPUT, b"<worksheet/>")
    return buffer.getvalue()


ATTACKS: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("an empty file", lambda book: b"", "is no .xlsx workbook"),
    ("text", lambda book: b"StrategyName,Bucket\n", "is no .xlsx workbook"),
    ("half of it", lambda book: book[: len(book) // 2], "is no .xlsx workbook"),
    (
        "an old workbook",
        lambda book: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + zeros(4096),
        "is an .xls workbook, or one with a password",
    ),
    ("a large file", lambda book: book + zeros(MAX_FILE_BYTES), f"at most {MAX_FILE_BYTES} bytes"),
    ("an archive of something else", lambda book: packed({"a.txt": b"a"}), "is an archive, but no workbook"),
    ("a bomb", lambda book: packed({**parts_of(book), "xl/a.bin": zeros(MAX_UNPACKED_BYTES)}), "bytes, more than"),
    (
        "a bomb in its first sheet",
        lambda book: with_part(book, INPUT, lambda raw: raw + zeros(MAX_UNPACKED_BYTES)),
        "bytes, more than",
    ),
    ("sizes that lie", understated, "is damaged: xl/worksheets/sheet2.xml cannot be unpacked"),
    (
        "many parts",
        lambda book: packed({**parts_of(book), **{f"xl/{n}.xml": b"<a/>" for n in range(MAX_PARTS)}}),
        f"more than {MAX_PARTS}",
    ),
    ("a part twice", twice, "holds two parts of one name"),
    ("a part outside", lambda book: packed({**parts_of(book), "../../evil.xml": b"<a/>"}), "would lie outside"),
    ("macros", lambda book: packed({**parts_of(book), "xl/vbaProject.bin": b"x"}), "holds macros"),
    (
        "a macro workbook",
        lambda book: replaced(book, CONTENT_TYPES, "spreadsheetml.sheet.main", "sheet.macroEnabled.main"),
        "holds macros",
    ),
    (
        "links",
        lambda book: packed({**parts_of(book), "xl/externalLinks/externalLink1.xml": b"<a/>"}),
        "holds links to other workbooks",
    ),
    (
        "a link by relation",
        lambda book: replaced(
            book, RELATIONS, "</Relationships>", '<Relationship Id="x" Type="externalLink" Target="y"/></Relationships>'
        ),
        "holds links to other workbooks",
    ),
    ("connections", lambda book: packed({**parts_of(book), "xl/connections.xml": b"<a/>"}), "holds data connections"),
    ("an embedded file", lambda book: packed({**parts_of(book), "xl/embeddings/a.bin": b"x"}), "holds embedded files"),
    (
        "a billion laughs",
        lambda book: with_part(book, "xl/sharedStrings.xml", lambda raw: raw.replace(b"<sst", f"{LAUGHS}]><sst".encode(), 1)),
        "holds a document type or an entity in xl/sharedStrings.xml",
    ),
    (
        "an entity that reads a file",
        lambda book: with_part(
            book,
            INPUT,
            lambda raw: raw.replace(b"<worksheet", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet', 1),
        ),
        "holds a document type or an entity in xl/worksheets/sheet2.xml",
    ),
    # Either of these two ends the process where it is believed: room for that many is made at once.
    (
        "a count of texts that lies",
        lambda book: with_part(
            book, "xl/sharedStrings.xml", lambda raw: raw.replace(b' uniqueCount="', b' uniqueCount="4294967295', 1)
        ),
        "says it holds 4294967295",
    ),
    (
        "a count of formats that lies",
        lambda book: with_part(
            book, "xl/styles.xml", lambda raw: raw.replace(b'<cellXfs count="', b'<cellXfs count="4294967295', 1)
        ),
        "says it holds 4294967295",
    ),
    (
        "broken XML",
        lambda book: replaced(book, INPUT, "</sheetData>", ""),
        "is damaged: xl/worksheets/sheet2.xml is not well-formed",
    ),
    ("a cell that is none", lambda book: replaced(book, INPUT, 'r="A5"', 'r="A0x"'), "is damaged: 'A0x' is no cell"),
    (
        "a huge row number",
        lambda book: replaced(book, INPUT, '<row r="5"', '<row r="99999999999"'),
        "is no cell, row or column",
    ),
    (
        "a far cell",
        lambda book: replaced(book, INPUT, "</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
        "Strategy Input!XFD1048576: is beyond what is read (allowed: rows up to 2020)",
    ),
    (
        "thousands of rows",
        lambda book: with_part(
            book,
            INPUT,
            lambda raw: raw.replace(
                b"</sheetData>",
                b"".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>'.encode() for n in range(40, 20_000)) + b"</sheetData>",
            ),
        ),
        "Strategy Input!A2021: is beyond what is read",
    ),
    (
        "rows without a place",
        lambda book: with_part(
            book, INPUT, lambda raw: raw.replace(b"</sheetData>", b"<row><c><v>1</v></c></row>" * 9_000 + b"</sheetData>")
        ),
        "is beyond what is read",
    ),
    (
        "a renamed sheet",
        lambda book: replaced(book, "xl/workbook.xml", 'name="Trade Planner"', 'name="Trade Plan"'),
        "there is no sheet 'Trade Planner'; did you mean 'Trade Plan'?",
    ),
    (
        "a hidden sheet",
        lambda book: replaced(book, "xl/workbook.xml", 'name="Strategy Input"', 'name="Strategy Input" state="hidden"'),
        "Strategy Input: is a hidden sheet",
    ),
    (
        "two sheets of one name",
        lambda book: replaced(book, "xl/workbook.xml", 'name="Limits"', 'name="Scenarios"'),
        "is there twice or nowhere",
    ),
    (
        "a sheet without a part",
        lambda book: replaced(book, RELATIONS, "worksheets/sheet2.xml", "worksheets/sheet99.xml"),
        "its part is missing",
    ),
    (
        "merged cells",
        lambda book: replaced(
            book, INPUT, "</sheetData>", '</sheetData><mergeCells count="1"><mergeCell ref="B6:C8"/></mergeCells>'
        ),
        "Strategy Input!B6:C8: are merged cells (allowed: unmerge them)",
    ),
    (
        "no header",
        lambda book: with_cells(book, "Strategy Input", dict.fromkeys([f"{letter}4" for letter in "ABCDEFGHIJKL"])),
        "has no column Strategy",
    ),
]


@pytest.mark.parametrize(("attack", "said"), [item[1:] for item in ATTACKS], ids=[item[0] for item in ATTACKS])
def test_a_hostile_workbook_is_refused_in_words(
    book: bytes, tmp_path: Path, attack: Callable[[bytes], bytes], said: str
) -> None:
    found = refusal(tmp_path, attack(book))
    assert said in found
    assert found.startswith("book.xlsx: ")


def test_merged_cells_of_the_titles_do_not_matter(book: bytes, tmp_path: Path) -> None:
    merged = replaced(book, INPUT, "</sheetData>", '</sheetData><mergeCells count="1"><mergeCell ref="A1:D1"/></mergeCells>')
    assert not read(tmp_path, merged).problems


def test_a_locked_archive_is_refused(book: bytes, tmp_path: Path) -> None:
    data = bytearray(book)
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        start = archive.start_dir
    for place in (index for index in range(start, len(data) - 4) if data[index : index + 4] == b"PK\x01\x02"):
        data[place + 8] |= 1
    assert "is locked by a password" in refusal(tmp_path, bytes(data))


def test_a_symbolic_link_a_folder_and_a_missing_file_are_refused(book: bytes, tmp_path: Path) -> None:
    (tmp_path / "real.xlsx").write_bytes(book)
    (tmp_path / "link.xlsx").symlink_to(tmp_path / "real.xlsx")
    for name, said in (("link.xlsx", "is a symbolic link"), (".", "is not a regular file"), ("none.xlsx", "does not exist")):
        with pytest.raises(InputError, match=said):
            read_workbook(tmp_path / name, CHOICES)


def test_any_byte_may_be_wrong_and_the_answer_is_still_a_refusal_or_the_workbook(book: bytes, tmp_path: Path) -> None:
    """200 files: half with bytes of the archive flipped, cut or repeated, half with letters and digits of a part exchanged.

    Never another error, never a hang.
    """
    chance = Random(20261127)
    parts = parts_of(book)
    names = [name for name in parts if name.endswith((".xml", ".rels"))]
    outcomes = {"read": 0, "refused": 0}
    for turn in range(200):
        if turn % 2:
            attacked = _damaged(book, chance)
        else:
            name = chance.choice(names)
            attacked = packed({**parts, name: _altered(parts[name], chance)})
        outcomes[_outcome(tmp_path, attacked)] += 1
    assert min(outcomes.values()) > 20


def _outcome(tmp_path: Path, raw: bytes) -> str:
    try:
        read(tmp_path, raw)
    except InputError:
        return "refused"
    return "read"


def _damaged(raw: bytes, chance: Random) -> bytes:
    data = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        place, length = chance.randrange(len(data)), chance.randint(1, 40)
        kind = chance.randrange(3)
        if kind == 0:
            data[place] = chance.randrange(256)
        elif kind == 1:
            del data[place : place + length]
        else:
            data[place:place] = data[place : place + length]
    return bytes(data)


def _altered(raw: bytes, chance: Random) -> bytes:
    """Letters and digits exchanged for others: mostly still well-formed, and something else."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(data))
        if chr(data[place]).isalnum():
            data[place] = ord(chance.choice("0123456789ABCXabcsnet"))
    return bytes(data)
