"""YAML that means what it says: no duplicate keys, no aliases, no surprise booleans, every value with its line.

PyYAML's safe loader lets the last of two equal keys win, reads ``ON`` and ``NO`` as booleans (ON is a ticker), expands
aliases and recurses without end. This module builds plain data from the parser's events instead, keeping line numbers, so
that a pydantic error can be told with file, line, field and the nearest match.

What a plain (unquoted) word means: ``null`` or ``~``; ``true`` or ``false``; decimal integers and numbers without leading
zeros, ``_`` between groups of digits; ``YYYY-MM-DD`` dates. Everything else, ``NO``, ``0x1F``, ``010``, ``1:20``, ``.inf``
and ``1e999`` included, is text, and so is everything in quotes.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.model import details_of

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_INT_DIGITS = 32

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)\Z")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*(_[0-9]+)*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")

ModelT = TypeVar("ModelT", bound=BaseModel)
FieldPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed file: plain data and, for each field path in it, the 1-based line it stands on."""

    file: str
    data: Any
    lines: Mapping[FieldPath, int]

    def line(self, path: FieldPath) -> int | None:
        """Line of a field, or of the nearest enclosing one that exists."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def read_bytes(path: Path, max_bytes: int = MAX_BYTES, file: str | None = None) -> bytes:
    """Bytes of a regular file of at most ``max_bytes``; ``file`` is the name problems carry (the path by default).

    Raises:
        InputError: a symlink, not a regular file, unreadable, or too large. A pipe is refused, never waited for.
    """
    name = str(path) if file is None else file
    try:
        if path.is_symlink():
            raise InputError(Problem(name, None, "", "is a symbolic link", "a regular file"))
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as handle:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError(Problem(name, None, "", "is not a regular file", "a regular file"))
            raw = handle.read(max_bytes + 1)
            size = max(len(raw), os.fstat(descriptor).st_size)
    except FileNotFoundError as error:
        raise InputError(Problem(name, None, "", "does not exist")) from error
    except IsADirectoryError as error:
        raise InputError(Problem(name, None, "", "is not a regular file", "a regular file")) from error
    except OSError as error:
        raise InputError(Problem(name, None, "", f"cannot be read: {error.strerror}")) from error
    if len(raw) > max_bytes:
        raise InputError(Problem(name, None, "", f"is {size} bytes long", f"at most {max_bytes} bytes"))
    return raw


def decode(raw: bytes, file: str) -> str:
    """Text of UTF-8 bytes; a byte-order mark and CRLF line ends are accepted. Raises InputError with the line otherwise."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(Problem(file, line, "", "is not UTF-8 text")) from error
    return text.replace("\r\n", "\n")


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Text of a regular UTF-8 file; raises InputError as :func:`read_bytes` and :func:`decode` do."""
    return decode(read_bytes(path, max_bytes), str(path))


def parse(text: str, file: str) -> Document:
    """Parse one YAML document from text; empty text is a document whose data is None.

    Raises:
        InputError: bad syntax, several documents, a directive, an anchor, alias, tag or merge key, a duplicate key, a key
            that is no plain word, a control character, nesting beyond ``MAX_DEPTH``.
    """
    lines: dict[FieldPath, int] = {(): 1}
    try:
        data = _Builder(yaml.parse(text, Loader=yaml.SafeLoader), file, lines).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(Problem(file, line, "", f"is not valid YAML: {error.problem or error.context}")) from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        character = ord(error.character) if isinstance(error.character, str) else error.character
        raise InputError(Problem(file, line, "", f"holds the control character U+{character:04X}")) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise InputError(Problem(file, None, "", f"is not valid YAML: {error}")) from error
    return Document(file, data, lines)


def load(path: Path, max_bytes: int = MAX_BYTES) -> Document:
    """Read and parse one YAML file; raises InputError as :func:`read_text` and :func:`parse` do."""
    return parse(read_text(path, max_bytes), str(path))


def validate(document: Document, model: type[ModelT], prefix: FieldPath = ()) -> ModelT:
    """Build a pydantic model from a document; every validation error becomes a Problem with its line and nearest match."""
    return validate_data(document.data if document.data is not None else {}, model, document, prefix)


def validate_data(
    data: Any, model: type[ModelT], document: Document, prefix: FieldPath = (), context: Mapping[str, Any] | None = None
) -> ModelT:
    """As :func:`validate`, for data that is a part of the document (``prefix`` says where it stands).

    ``context`` is handed to the model's validators. One of them may raise PydanticCustomError with ``allowed`` (text) and
    ``field`` (which field to point at) in its context.
    """
    try:
        return model.model_validate(data, context=context)
    except ValidationError as error:
        raise InputError([_problem(detail, data, model, document, prefix) for detail in details_of(error)]) from error


def merged(base: Any, changes: Any) -> Any:
    """Data with changes laid over it: mappings key by key; anything else, null included, replaces."""
    if isinstance(base, dict) and isinstance(changes, dict):
        return {key: merged(base.get(key), changes[key]) if key in changes else base[key] for key in {**base, **changes}}
    return changes


def scalar(text: str) -> bool | int | float | str | date | None:
    """What a plain (unquoted) YAML word means; see the head of this module."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    if _INT.match(text):
        return int(text.replace("_", "")) if len(text) <= MAX_INT_DIGITS else text
    if _FLOAT.match(text):
        value = float(text.replace("_", ""))
        return value if math.isfinite(value) else text
    return text


def require_plain(text: str, where: str) -> str:
    """Text from elsewhere than a file, held to what a file may hold in one line (InputError otherwise)."""
    found = _FORBIDDEN.search(text) or re.search(r"[\t\n\x85]", text)
    if found:
        raise InputError(Problem(where, None, "", f"holds the control character U+{ord(found.group()):04X}"))
    return text


class _Builder:
    """Plain data from parser events; depth is bounded as events come, so nothing recurses beyond ``MAX_DEPTH``."""

    def __init__(self, events: Iterator[Any], file: str, lines: dict[FieldPath, int]) -> None:
        self._events = events
        self._file = file
        self._lines = lines

    def document(self) -> Any:
        """The data of the only document of the stream."""
        data: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, (), "holds more than one document", "one document a file")
                if event.version or event.tags:
                    self._refuse(event, (), "has a YAML directive", "plain YAML without % lines")
                first = next(self._events)
                self._lines[()] = _line(first)
                data = self._node(first, ())
        return data

    def _node(self, event: Any, path: FieldPath) -> Any:
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, path, f"uses the YAML alias *{event.anchor}", "plain values, written out")
        if event.anchor is not None:
            self._refuse(event, path, f"sets the YAML anchor &{event.anchor}", "plain values, written out")
        if event.tag is not None:
            self._refuse(event, path, f"carries the YAML tag {event.tag}", "plain values")
        if len(path) > MAX_DEPTH:
            self._refuse(event, (), "is nested too deeply", f"at most {MAX_DEPTH} levels")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        self._check_characters(event, path)
        return scalar(event.value) if event.style is None else str(event.value)

    def _mapping(self, path: FieldPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            if key in mapping:
                first = self._lines[(*path, key)]
                self._refuse(event, (*path, key), f"is written twice (first on line {first})")
            self._lines[(*path, key)] = _line(event)
            mapping[key] = self._node(next(self._events), (*path, key))
        return mapping

    def _sequence(self, path: FieldPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            place = (*path, len(items))
            self._lines[place] = _line(event)
            items.append(self._node(event, place))
        return items

    def _key(self, event: Any, path: FieldPath) -> str:
        plain = isinstance(event, yaml.ScalarEvent) and event.anchor is None and event.tag is None
        if not plain or event.value == "":
            self._refuse(event, path, "has a key that is not a plain word", "a plain word")
        if event.value == "<<" and event.style is None:
            self._refuse(event, path, "uses the YAML merge key <<", "plain values, written out")
        self._check_characters(event, path)
        return str(event.value)

    def _check_characters(self, event: Any, path: FieldPath) -> None:
        found = _FORBIDDEN.search(event.value)
        if found:
            self._refuse(event, path, f"holds the control character U+{ord(found.group()):04X}")

    def _refuse(self, event: Any, path: FieldPath, message: str, allowed: str = "") -> NoReturn:
        raise InputError(Problem(self._file, _line(event), _dotted(path), message, allowed))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _dotted(path: FieldPath) -> str:
    return ".".join(ascii(part)[1:-1] if isinstance(part, str) and not part.isprintable() else str(part) for part in path)


_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true, false",
    "bool_parsing": "true, false",
    "date_type": "a date, YYYY-MM-DD",
    "date_parsing": "a date, YYYY-MM-DD",
    "date_from_datetime_parsing": "a date, YYYY-MM-DD",
    "string_type": "text; put it in quotes if it looks like something else",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping of fields",
    "finite_number": "a finite number",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def _problem(detail: Any, data: Any, model: type[BaseModel], document: Document, prefix: FieldPath) -> Problem:
    kind, context, given = detail["type"], detail.get("ctx", {}), detail["input"]
    location = _location(detail["loc"], data, names_absent=kind in ("missing", "extra_forbidden"))
    if "field" in context:
        location = (*location, str(context["field"]))
    allowed = str(context.get("allowed", ""))
    if kind == "extra_forbidden":
        known = _known_fields(model, location)
        message, allowed = "is not a known field" + nearest(str(location[-1]), known), ", ".join(sorted(known))
    elif kind == "missing":
        message = "is required and missing"
    elif kind in ("literal_error", "enum"):
        words = [word.strip(" '") for word in re.split(r",| or ", str(context.get("expected", "")))]
        message, allowed = f"is {_short(given)}" + nearest(str(given), words), ", ".join(words)
    elif kind in _EXPECTED:
        message, allowed = f"is {_short(given)}", _EXPECTED[kind]
    elif kind in _BOUNDS:
        bound, words_of_bound = _BOUNDS[kind]
        message, allowed = f"is {_short(given)}", f"{words_of_bound} {context[bound]}"
    elif kind == "value_error":
        message = str(context.get("error"))
    elif allowed:
        message = detail["msg"]
    else:
        message = f"is {_short(given)}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
    path = prefix + location
    return Problem(document.file, document.line(path), _dotted(path), message, allowed)


def _location(loc: tuple[str | int, ...], data: Any, *, names_absent: bool) -> FieldPath:
    """Pydantic's ``loc`` without the parts that name a branch of a union or a validator and no field of the file."""
    path: FieldPath = ()
    current = data
    for position, part in enumerate(loc):
        if _holds(current, part):
            current = current[part]
        elif not (names_absent and position == len(loc) - 1):
            continue
        path = (*path, part)
    return path


def _holds(container: Any, part: str | int) -> bool:
    if isinstance(container, Mapping):
        return part in container
    return isinstance(container, list | tuple) and isinstance(part, int) and part < len(container)


def _known_fields(model: type[BaseModel], location: FieldPath) -> set[str]:
    current: Any = model
    for part in location[:-1]:
        is_model = isinstance(current, type) and issubclass(current, BaseModel)
        field = current.model_fields.get(part) if is_model else None
        current = _inner_model(field.annotation) if field is not None else current
    return set(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else set()


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        inner = _inner_model(argument)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return inner
    return annotation


def _short(value: Any) -> str:
    text = (
        ascii(value)
        if isinstance(value, str) and not value.isprintable()
        else str(value)
        if isinstance(value, date)
        else repr(value)
    )
    return text if len(text) <= 60 else text[:57] + "..."
