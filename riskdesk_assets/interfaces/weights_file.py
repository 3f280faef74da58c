"""A book somebody wrote down: weights by name, as CSV with the columns instrument and weight, or as a YAML mapping."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterator
from pathlib import Path

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem, nearest

COLUMNS = ["instrument", "weight"]
Entry = tuple[int | None, str, object]


def read_weights(path: Path, known: Collection[str]) -> dict[str, float]:
    """Symbol -> weight, a fraction of nav; names not in the file weigh nothing.

    Args:
        path: a ``.csv`` file, or a YAML one.
        known: the symbols a book may hold.

    Raises:
        InputError: every unusable line, with file, line, field, what is allowed and the nearest match.
    """
    entries = list(_csv(path) if path.suffix.lower() == ".csv" else _yaml(path))
    weights: dict[str, float] = {}
    problems: list[Problem] = []
    for line, symbol, raw in entries:
        value = _number(raw)
        if symbol not in known:
            message = f"{symbol!r} is not in the universe{nearest(symbol, known)}"
            problems.append(Problem(str(path), line, "instrument", message, ", ".join(sorted(known))))
        elif symbol in weights:
            problems.append(Problem(str(path), line, "instrument", f"{symbol} has a weight already", "one weight a name"))
        elif value is None:
            problems.append(Problem(str(path), line, "weight", f"is {raw!r}", "a finite fraction of nav, such as -0.05"))
        else:
            weights[symbol] = value
    if problems:
        raise InputError(problems)
    return dict(sorted(weights.items()))


def _yaml(path: Path) -> Iterator[Entry]:
    document = strict_yaml.load(path)
    if not isinstance(document.data, dict):
        raise InputError(Problem(str(path), 1, "", "is no mapping of names to weights", "lines such as `JPM: 0.05`"))
    for symbol, raw in document.data.items():
        yield document.line((symbol,)), str(symbol), raw


def _csv(path: Path) -> Iterator[Entry]:
    reader = csv.reader(io.StringIO(strict_yaml.read_text(path)), strict=True)
    try:
        header = [field.strip() for field in next(reader, [])]
        if header != COLUMNS:
            message = f"the first line is {','.join(header)!r}{nearest(','.join(header), [','.join(COLUMNS)])}"
            raise InputError(Problem(str(path), 1, "", message, ",".join(COLUMNS)))
        for row in reader:
            if not row:
                continue
            if len(row) != len(COLUMNS):
                raise InputError(Problem(str(path), reader.line_num, "", f"has {len(row)} fields", ",".join(COLUMNS)))
            yield reader.line_num, row[0].strip(), strict_yaml.scalar(row[1].strip())
    except csv.Error as error:
        raise InputError(Problem(str(path), reader.line_num, "", f"is no CSV: {error}", ",".join(COLUMNS))) from error


def _number(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        value = float(raw)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None
