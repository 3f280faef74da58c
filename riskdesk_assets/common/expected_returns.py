"""What a bucket is expected to earn: config/base_returns.csv, a week of its capital, times config/env_factors.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

from pydantic import model_validator

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.buckets import BORROWS_FROM, BUCKETS, Bucket
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.model import StrictModel
from riskdesk_assets.common.regimes import MARKET_REGIMES, MarketRegime

ENV_FACTORS, BASE_RETURNS = "env_factors.csv", "base_returns.csv"
FACTOR_COLUMNS = ("regime", "bucket", "factor")
RETURN_COLUMNS = ("bucket", "weekly_return")
_FACTOR_BOUNDS, _RETURN_BOUNDS = (0.0, 10.0), (-1.0, 1.0)
KeyT = TypeVar("KeyT")
Cells = tuple[str, ...]


class ExpectedReturns(StrictModel):
    """Both tables: ``env_factors`` by regime and bucket, ``base_returns`` by bucket, a fraction of capital a week.

    Every bucket has a row of its own, or may borrow that of another (BORROWS_FROM).
    """

    env_factors: dict[MarketRegime, dict[Bucket, float]]
    base_returns: dict[Bucket, float]

    @model_validator(mode="after")
    def _complete(self) -> ExpectedReturns:
        for regime in MARKET_REGIMES:
            _require_complete(self.env_factors.get(regime, {}), f"regime {regime}")
        _require_complete(self.base_returns, "the base returns")
        return self

    def base_return(self, bucket: str) -> float:
        """The weekly return of a bucket in no particular regime; raises InputError for an unknown bucket."""
        known = _known(bucket, BUCKETS, "bucket")
        return _own_or_borrowed(self.base_returns, known)

    def env_factor(self, bucket: str, regime: str) -> float:
        """What a market regime multiplies a bucket's return by; raises InputError for an unknown bucket or regime."""
        known = _known(bucket, BUCKETS, "bucket")
        return _own_or_borrowed(self.env_factors[_known(regime, MARKET_REGIMES, "regime")], known)

    def expected_return(self, bucket: str, regime: str) -> float:
        """Weekly return of a bucket in a regime, a fraction of its capital (document 002, section 9.5)."""
        return self.base_return(bucket) * self.env_factor(bucket, regime)


def load_expected_returns(folder: Path) -> ExpectedReturns:
    """Both tables of a configuration folder.

    Raises:
        InputError: every unusable row of the first file that has one, with file, row, column and what is allowed.
    """
    factors, returns = folder / ENV_FACTORS, folder / BASE_RETURNS
    env = _table(factors, FACTOR_COLUMNS, _regime_and_bucket, _FACTOR_BOUNDS)
    base: dict[Bucket, float] = _table(returns, RETURN_COLUMNS, _bucket, _RETURN_BOUNDS)
    by_regime = {
        regime: {bucket: factor for (given, bucket), factor in env.items() if given == regime} for regime in MARKET_REGIMES
    }
    for regime, row in by_regime.items():
        _require_rows(factors, row, regime)
    _require_rows(returns, base, "")
    return ExpectedReturns(env_factors=by_regime, base_returns=base)


def _table(
    path: Path,
    columns: Sequence[str],
    key_of: Callable[[Cells], tuple[KeyT | None, list[tuple[str, str, str]]]],
    bounds: tuple[float, float],
) -> dict[KeyT, float]:
    """Key -> value of a file; the last column is the value, the others are the key."""
    low, high = bounds
    problems: list[Problem] = []
    found: dict[KeyT, float] = {}
    for line, cells in _rows(path, columns):
        key, wrong = key_of(cells[:-1])
        value = _number(cells[-1])
        if value is None or not low <= value <= high:
            wrong.append((columns[-1], f"is {cells[-1]!r}", f"a number from {low:g} to {high:g}"))
        if key is not None and key in found:
            wrong.append((columns[-2], f"{', '.join(cells[:-1])} has a row already", "one row each"))
        problems += [Problem(str(path), line, column, message, allowed) for column, message, allowed in wrong]
        if key is not None and value is not None and not wrong:
            found[key] = value
    if problems:
        raise InputError(problems)
    return found


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Cells]]:
    """Line and cells of every row below the head; a row's line is its first."""
    expected = ",".join(columns)
    reader = csv.reader(io.StringIO(strict_yaml.read_text(path), newline=""), strict=True)
    try:
        head = [cell.strip() for cell in next(reader, [])]
        if head != list(columns):
            message = f"the first line is {','.join(head)!r}{nearest(','.join(head), [expected])}"
            raise InputError(Problem(str(path), 1, "", message, expected))
        before = reader.line_num
        for row in reader:
            line, before = before + 1, reader.line_num
            if not row:
                continue
            if len(row) != len(columns):
                missing = columns[len(row)] if len(row) < len(columns) else ""
                raise InputError(Problem(str(path), line, missing, f"the row has {len(row)} cells", expected))
            yield line, tuple(cell.strip() for cell in row)
    except csv.Error as error:
        raise InputError(Problem(str(path), reader.line_num, "", f"is no CSV: {error}", expected)) from error


def _regime_and_bucket(cells: Cells) -> tuple[tuple[MarketRegime, Bucket] | None, list[tuple[str, str, str]]]:
    regime, bucket = cells
    wrong = [*_unknown("regime", regime, MARKET_REGIMES), *_unknown("bucket", bucket, BUCKETS)]
    return None if wrong else cast(tuple[MarketRegime, Bucket], (regime, bucket)), wrong


def _bucket(cells: Cells) -> tuple[Bucket | None, list[tuple[str, str, str]]]:
    wrong = _unknown("bucket", cells[0], BUCKETS)
    return None if wrong else cast(Bucket, cells[0]), wrong


def _unknown(column: str, word: str, known: Sequence[str]) -> list[tuple[str, str, str]]:
    return [] if word in known else [(column, f"is {word!r}{nearest(word, known)}", ", ".join(known))]


def _number(text: str) -> float | None:
    value = strict_yaml.scalar(text)
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def _known(word: str, known: Sequence[KeyT], field: str) -> KeyT:
    if word not in known:
        names = [str(item) for item in known]
        raise InputError(Problem("", None, field, f"is {word!r}{nearest(str(word), names)}", ", ".join(names)))
    return known[known.index(cast(KeyT, word))]


def _own_or_borrowed(row: Mapping[Bucket, float], bucket: Bucket) -> float:
    return row[bucket] if bucket in row else row[BORROWS_FROM[bucket]]


def _absent(row: Mapping[Bucket, float]) -> list[Bucket]:
    """Buckets without a row, their own or one to borrow."""
    return [bucket for bucket in BUCKETS if bucket not in row and BORROWS_FROM.get(bucket) not in row]


def _require_complete(row: Mapping[Bucket, float], where: str) -> None:
    absent = _absent(row)
    if absent:
        raise ValueError(f"{where} has no row for {', '.join(absent)}")


def _require_rows(path: Path, row: Mapping[Bucket, float], regime: str) -> None:
    absent = _absent(row)
    if absent:
        message = f"there is no row for {f'{regime}, ' if regime else ''}{absent[0]}"
        raise InputError(Problem(str(path), None, "bucket", message, ", ".join(BUCKETS)))
