"""YAML that means what it says: no duplicate keys, no aliases, no surprise booleans, every value with its line.

PyYAML's safe loader lets the last of two equal keys win, reads ``ON`` and ``NO`` as booleans (ON is a ticker), expands
aliases and recurses without end. This module parses the node tree and builds plain data from it, keeping line numbers, so
that a pydantic error can be told with file, line, field and the nearest match.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from riskdesk_assets.common.errors import InputError, Problem, nearest

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20

_INT = re.compile(r"[-+]?[0-9][0-9_]*\Z")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9]+|[0-9][0-9_]*(?=[eE]))([eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")

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


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Read a regular UTF-8 file (a byte-order mark and CRLF are accepted) no larger than ``max_bytes``.

    Raises:
        InputError: a symlink, not a regular file, unreadable, too large, or not UTF-8.
    """
    name = str(path)
    if path.is_symlink():
        raise InputError(Problem(name, None, "", "is a symbolic link", "a regular file"))
    try:
        if not path.is_file():
            raise InputError(Problem(name, None, "", "does not exist" if not path.exists() else "is not a regular file"))
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(Problem(name, None, "", f"cannot be read: {error.strerror}")) from error
    if len(raw) > max_bytes:
        raise InputError(Problem(name, None, "", f"is {len(raw)} bytes long", f"at most {max_bytes} bytes"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(Problem(name, line, "", "is not UTF-8 text")) from error
    return text.replace("\r\n", "\n")


def parse(text: str, file: str) -> Document:
    """Parse one YAML document from text.

    Raises:
        InputError: bad syntax, several documents, an alias, a tag, a duplicate key, a key that is no string, too deep.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(Problem(file, line, "", f"is not valid YAML: {error.problem or error.context}")) from error
    except yaml.YAMLError as error:
        raise InputError(Problem(file, None, "", f"is not valid YAML: {error}")) from error
    except RecursionError as error:
        raise InputError(Problem(file, None, "", "is nested too deeply", f"at most {MAX_DEPTH} levels")) from error
    if re.search(r"(?m)^[^#'\"\n]*[:\-\[,]\s+[&*][A-Za-z0-9_]+", text) and _has_anchor(text):
        line = next(i for i, row in enumerate(text.splitlines(), 1) if re.search(r"[:\-\[,]\s+[&*][A-Za-z0-9_]+", row))
        raise InputError(Problem(file, line, "", "uses a YAML anchor or alias", "plain values, written out"))
    lines: dict[FieldPath, int] = {(): 1}
    return Document(file, None if node is None else _build(node, (), lines, file), lines)


def load(path: Path, max_bytes: int = MAX_BYTES) -> Document:
    """Read and parse one YAML file; raises InputError as :func:`read_text` and :func:`parse` do."""
    return parse(read_text(path, max_bytes), str(path))


def validate(document: Document, model: type[ModelT], prefix: FieldPath = ()) -> ModelT:
    """Build a pydantic model from a document; every validation error becomes a Problem with its line and nearest match."""
    return validate_data(document.data if document.data is not None else {}, model, document, prefix)


def validate_data(data: Any, model: type[ModelT], document: Document, prefix: FieldPath = ()) -> ModelT:
    """As :func:`validate`, for data that is a part of the document (``prefix`` says where it stands)."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InputError([_problem(detail, model, document, prefix) for detail in error.errors()]) from error


def _has_anchor(text: str) -> bool:
    return any(isinstance(token, yaml.AnchorToken | yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader))


def _build(node: yaml.Node, path: FieldPath, lines: dict[FieldPath, int], file: str) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    field = ".".join(str(part) for part in path)
    if len(path) > MAX_DEPTH:
        raise InputError(Problem(file, line, field, "is nested too deeply", f"at most {MAX_DEPTH} levels"))
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(Problem(file, key_line, field, "has a key that is not a plain word"))
            key = str(key_node.value)
            if key in mapping:
                raise InputError(Problem(file, key_line, ".".join([*map(str, path), key]), "is written twice"))
            lines[(*path, key)] = key_line
            mapping[key] = _build(value_node, (*path, key), lines, file)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, index), lines, file) for index, item in enumerate(node.value)]
    if node.tag not in _PLAIN_TAGS:
        raise InputError(Problem(file, line, field, f"carries the YAML tag {node.tag}", "plain values"))
    return _scalar(str(node.value), quoted=node.style in ("'", '"', "|", ">"))


_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")}


def _scalar(text: str, *, quoted: bool) -> Any:
    """YAML 1.2's core schema plus ISO dates; everything else is text."""
    if quoted:
        return text
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
        return int(text.replace("_", "")) if len(text) < 32 else text
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    return text


def _problem(detail: Any, model: type[BaseModel], document: Document, prefix: FieldPath) -> Problem:
    location: FieldPath = tuple(part for part in detail["loc"] if not _is_union_tag(part, detail, document, prefix))
    path = prefix + location
    field = ".".join(str(part) for part in path)
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _known_fields(model, location)
        message, allowed = "is not a known field" + nearest(str(location[-1]), known), ", ".join(sorted(known))
    elif kind == "missing":
        message, allowed = "is required and missing", ""
    elif kind in ("literal_error", "enum"):
        expected = str(context.get("expected", ""))
        words = [word.strip(" '") for word in re.split(r",| or ", expected)]
        message, allowed = f"is {detail['input']!r}" + nearest(str(detail["input"]), words), ", ".join(words)
    elif kind == "value_error":
        error = context.get("error")
        message, allowed = str(error), ""
    else:
        message, allowed = f"is {_short(detail['input'])}: {detail['msg'][0].lower()}{detail['msg'][1:]}", ""
    return Problem(document.file, document.line(path), field, message, allowed)


def _is_union_tag(part: str | int, detail: Any, document: Document, prefix: FieldPath) -> bool:
    """Pydantic names the branch of a union in ``loc``; such a part is no field of the file."""
    return isinstance(part, str) and (part.endswith("]") or part in ("int", "float", "str", "date", "bool"))


def _known_fields(model: type[BaseModel], location: FieldPath) -> set[str]:
    current: Any = model
    for part in location[:-1]:
        field = current.model_fields.get(part) if isinstance(current, type) and issubclass(current, BaseModel) else None
        current = _inner_model(field.annotation) if field is not None else current
    return set(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else set()


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        inner = _inner_model(argument)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return inner
    return annotation


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
