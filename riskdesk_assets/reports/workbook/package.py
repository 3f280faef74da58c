"""A workbook file opened with suspicion: every part checked and read within bounds before anything understands it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem

# An exported workbook is below 100 KB, and below 1 MB unpacked; these leave room for years of additions by hand.
MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_UNPACKED_BYTES = 8 * 1024 * 1024
MAX_PARTS = 300
MAX_COUNT = 1_000_000
_COUNTS = ("count", "uniqueCount")
_CHUNK = 64 * 1024

_ALLOWED = "a workbook exported by `riskdesk workbook export` and saved as .xlsx"
# What the archive's reader raises, according to where the damage is (NotImplementedError is a RuntimeError).
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, LookupError)
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_CONTENT_TYPES = "[Content_Types].xml"
_ACTIVE_CONTENT: Mapping[str, str] = {
    "xl/vbaproject": "macros",
    "xl/macrosheets/": "macros",
    "xl/dialogsheets/": "macros",
    "xl/activex/": "active content",
    "xl/ctrlprops/": "active content",
    "xl/embeddings/": "embedded files",
    "xl/externallinks/": "links to other workbooks",
    "xl/connections.xml": "data connections",
    "xl/querytables/": "data connections",
    "xl/model/": "data connections",
    "xl/webextensions/": "active content",
    "customui/": "macros",
}


@dataclass(frozen=True)
class Package:
    """The parts of a workbook file, each read in full and well-formed where it is XML; ``file`` is the name to tell it by."""

    file: str
    parts: Mapping[str, bytes]

    def repacked(self) -> io.BytesIO:
        """The checked parts as a plain archive: what is parsed is what was checked, whatever else the file held."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, raw in self.parts.items():
                archive.writestr(zipfile.ZipInfo(name), raw)
        buffer.seek(0)
        return buffer


def open_package(path: Path) -> Package:
    """Read a workbook's parts within bounds.

    Args:
        path: an .xlsx file.

    Raises:
        InputError: not a regular file, too large, no whole .xlsx archive, more unpacked than is allowed, a part that is
            hidden behind another or not well-formed, a document type or entity in any part, macros, links or connections.
    """
    file = path.name
    raw = strict_yaml.read_bytes(path, MAX_FILE_BYTES, file)
    if raw[:4] == _OLD_EXCEL:
        raise _refused(file, "is an .xls workbook, or one with a password")
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except _DAMAGE as error:
        raise _refused(file, "is no .xlsx workbook, or not a whole one") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _require_plain(file, entries)
        parts = dict(_unpacked(file, archive, entries))
    if _CONTENT_TYPES not in parts or "xl/workbook.xml" not in parts:
        raise _refused(file, "is an archive, but no workbook")
    for name, content in parts.items():
        _require_passive(file, name, content)
        if name.lower().endswith((".xml", ".rels", ".vml")):
            require_plain_xml(file, name, content)
    return Package(file, parts)


def require_plain_xml(file: str, name: str, content: bytes, handler: ContentHandler | None = None) -> None:
    """Parse a part as a stream; ``handler`` hears its elements.

    Raises:
        InputError: not well-formed, or a document type (with it entities, which could expand without end, or reach out).
    """
    from xml.sax import SAXException

    import defusedxml.sax
    from defusedxml.common import DefusedXmlException

    try:
        defusedxml.sax.parseString(content, handler or _Counts(file, name), forbid_dtd=True)
    except DefusedXmlException as error:
        raise _refused(file, f"holds a document type or an entity in {name}") from error
    except (SAXException, ValueError, LookupError) as error:
        raise _refused(file, f"is damaged: {name} is not well-formed") from error


class _Counts(ContentHandler):
    """Hears what a part says it holds how many of: the library that reads values makes room for that many at once."""

    def __init__(self, file: str, name: str) -> None:
        super().__init__()
        self._file, self._name = file, name

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802  (the parser's name)
        for key, value in attrs.items():
            if key.rpartition(":")[2] in _COUNTS and not (value.isascii() and value.isdigit() and int(value) <= MAX_COUNT):
                raise _refused(self._file, f"is damaged: {self._name} says it holds {value[:20]} of {name[:20]}")


def _require_plain(file: str, entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    if len(names) > MAX_PARTS:
        raise _refused(file, f"holds {len(names):,} parts, more than {MAX_PARTS}")
    if len({name.lower() for name in names}) != len(names):
        raise _refused(file, "holds two parts of one name")
    if any(name.startswith("/") or "\\" in name or ".." in name.split("/") for name in names):
        raise _refused(file, "holds a part that would lie outside of it")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise _refused(file, "is locked by a password")
    declared = sum(entry.file_size for entry in entries)
    if declared > MAX_UNPACKED_BYTES:
        raise _refused(file, f"unpacks to {declared:,} bytes, more than {MAX_UNPACKED_BYTES:,}")
    for name in names:
        for prefix, what in _ACTIVE_CONTENT.items():
            if name.lower().startswith(prefix):
                raise _refused(file, f"holds {what} ({name})")


def _unpacked(file: str, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> Iterator[tuple[str, bytes]]:
    """Each part's bytes; what the directory says of their size is not believed."""
    left = MAX_UNPACKED_BYTES
    for entry in entries:
        content = bytearray()
        try:
            with archive.open(entry) as part:
                while chunk := part.read(min(_CHUNK, left + 1)):
                    content += chunk
                    left -= len(chunk)
                    if left < 0:
                        raise _refused(file, f"unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
        except _DAMAGE as error:
            raise _refused(file, f"is damaged: {entry.filename} cannot be unpacked") from error
        yield entry.filename, bytes(content)


def _require_passive(file: str, name: str, content: bytes) -> None:
    """No macros and nothing that reaches out, by what the parts say of each other."""
    lowered = content.lower() if name == _CONTENT_TYPES or name.endswith(".rels") else b""
    if b"macroenabled" in lowered or b"vbaproject" in lowered:
        raise _refused(file, f"holds macros ({name})")
    if b"externallink" in lowered:
        raise _refused(file, f"holds links to other workbooks ({name})")


def _refused(file: str, message: str) -> InputError:
    return InputError(Problem(file, None, "", message, _ALLOWED))
