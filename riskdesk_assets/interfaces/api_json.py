"""JSON that means what it says: one object, no key twice, finite numbers only, no lone surrogate.

Python's parser takes the last of two equal keys, reads NaN, Infinity and 1e400, keeps lone surrogates that no answer can be
written with, converts integers of any length and recurses without end. Here each of these is a refusal that names the field.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import NoReturn

from riskdesk_assets.interfaces.api_errors import ErrorLine, Refusal, RefusedError, refused

MAX_DEPTH = 8
MAX_INT_DIGITS = 16
_LONGEST_SHOWN = 60
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[{\]}]")


def parse_object(raw: bytes) -> dict[str, object]:
    """The one JSON object in a request's body.

    Raises:
        RefusedError: 400, with every offending field.
    """
    if _depth(raw) > MAX_DEPTH:
        _refuse(f"is nested deeper than {MAX_DEPTH} levels", f"at most {MAX_DEPTH} levels")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse(f"is not UTF-8 text (byte {error.start})", "UTF-8")
    bad: list[ErrorLine] = []
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, bad),
            parse_constant=_Unusable,
            parse_float=_float,
            parse_int=_integer,
        )
    except (ValueError, RecursionError) as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        said = error.msg.lower() if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        _refuse(f"is not JSON: {said}{place}", "one JSON object")
    if bad:
        raise RefusedError(Refusal(400, tuple(bad)))
    if not isinstance(value, dict):
        _refuse("is not a JSON object", "one JSON object")
    return value


class _Unusable:
    """A number that is none, until the object around it says which field it is."""

    def __init__(self, text: str) -> None:
        self.text = text


def _float(text: str) -> float | _Unusable:
    value = float(text)
    return value if math.isfinite(value) else _Unusable(text)


def _integer(text: str) -> int | _Unusable:
    return int(text) if len(text) <= MAX_INT_DIGITS else _Unusable(text)


def _object(pairs: list[tuple[str, object]], bad: list[ErrorLine]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            bad.append(ErrorLine(key, "is given twice", "each field once"))
        if not _is_text(key):
            bad.append(ErrorLine(key, "holds a lone surrogate", "Unicode text"))
        found[key] = value
        _check(key, value, bad)
    return found


def _check(key: str, value: object, bad: list[ErrorLine]) -> None:
    if isinstance(value, _Unusable):
        shown = value.text if len(value.text) <= _LONGEST_SHOWN else f"{value.text[:_LONGEST_SHOWN]}..."
        bad.append(ErrorLine(key, f"is {shown}", "a finite number of at most 16 digits"))
    elif isinstance(value, str):
        if not _is_text(value):
            bad.append(ErrorLine(key, "holds a lone surrogate", "Unicode text"))
    elif isinstance(value, list):
        for item in value:
            _check(key, item, bad)


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _depth(raw: bytes) -> int:
    """How deep brackets nest outside strings; looked at only where there are enough of them to matter."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for found in _BRACKETS.finditer(_STRINGS.sub(b"", raw)):
        depth += 1 if found.group() in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse(message: str, allowed: str) -> NoReturn:
    raise RefusedError(refused(400, "", f"the body {message}", allowed))


def rendered(value: Mapping[str, object]) -> bytes:
    """JSON of an answer: UTF-8, compact, finite numbers only."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
