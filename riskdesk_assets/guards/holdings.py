"""Real holdings from a CSV (symbol, shares), and where they differ from what the desk believes it holds."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from pathlib import Path

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.common.universe import Universe

COLUMNS = ("symbol", "shares")
_SHARES = re.compile(r"[-+]?[0-9]{1,12}\Z")
_MAX_BYTES = 1024 * 1024


class Standing(StrEnum):
    """How what is held stands to what the desk believes it holds."""

    AGREES = "AGREES"
    DIFFERS = "DIFFERS"
    OPPOSITE = "OPPOSITE"
    NOT_HELD = "NOT_HELD"
    NOT_ON_DESK = "NOT_ON_DESK"


@dataclass(frozen=True)
class Reconciled:
    """One name on the desk's side and on the holder's: signed whole shares, held less desk, and that at today's price."""

    symbol: str
    desk_shares: int
    held_shares: int
    difference: int
    dollars: float | None

    @property
    def standing(self) -> Standing:
        """AGREES, or which kind of break it is."""
        if self.difference == 0:
            return Standing.AGREES
        if self.held_shares == 0:
            return Standing.NOT_HELD
        if self.desk_shares == 0:
            return Standing.NOT_ON_DESK
        return Standing.OPPOSITE if (self.desk_shares < 0) != (self.held_shares < 0) else Standing.DIFFERS


def read_holdings(path: Path, universe: Universe) -> dict[str, int]:
    """Signed whole shares per symbol, in symbol order; names held at 0 stay.

    Args:
        path: a UTF-8 CSV file with the header ``symbol,shares``, in any order of columns; others are not allowed.
        universe: the names that may be held.

    Raises:
        InputError: every problem, with file, line, field and the nearest match.
    """
    text = strict_yaml.decode(strict_yaml.read_bytes(path, _MAX_BYTES), str(path))
    try:
        rows = list(csv.reader(StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InputError(Problem(str(path), None, "", f"is not a CSV file: {error}")) from error
    return _parsed(str(path), rows, universe)


def reconciled(desk: Mapping[str, int], held: Mapping[str, int], prices: Mapping[str, int]) -> tuple[Reconciled, ...]:
    """The reconciliation table: every name that either side knows, by symbol.

    Args:
        desk: the desk's shares per symbol, tickets netted.
        held: the shares really held.
        prices: ticks of 1e-4 dollars; a symbol without one has no dollars.

    Returns:
        One row per name; a name of which one side says nothing counts as 0 shares there.
    """
    found: list[Reconciled] = []
    for symbol in sorted({*desk, *held}):
        difference = held.get(symbol, 0) - desk.get(symbol, 0)
        ticks = prices.get(symbol)
        dollars = None if ticks is None else difference * ticks / TICKS_PER_DOLLAR
        found.append(Reconciled(symbol, desk.get(symbol, 0), held.get(symbol, 0), difference, dollars))
    return tuple(found)


def breaks(rows: Iterable[Reconciled]) -> tuple[Reconciled, ...]:
    """The rows whose shares differ."""
    return tuple(row for row in rows if row.difference)


def _parsed(file: str, rows: list[list[str]], universe: Universe) -> dict[str, int]:
    header = [name.strip() for name in rows[0]] if rows else []
    if sorted(header) != sorted(COLUMNS):
        raise InputError(_header_problem(file, header))
    place = {name: header.index(name) for name in COLUMNS}
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    found: dict[str, int] = {}
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            problems.append(Problem(file, line, "", f"has {len(row)} values", f"{len(header)}: {', '.join(header)}"))
            continue
        symbol, shares = row[place["symbol"]].strip(), row[place["shares"]].strip()
        wrong = [*_symbol_problems(file, line, symbol, universe, lines), *_share_problems(file, line, shares)]
        problems.extend(wrong)
        lines.setdefault(symbol, line)
        if not wrong:
            found[symbol] = int(shares)
    if problems:
        raise InputError(problems)
    return dict(sorted(found.items()))


def _header_problem(file: str, header: Iterable[str]) -> Problem:
    names = list(header)
    unknown = [name for name in names if name not in COLUMNS]
    said = f"has the columns {', '.join(names) or 'none'}" + (nearest(unknown[0], COLUMNS) if unknown else "")
    return Problem(file, 1, "", said, ",".join(COLUMNS))


def _symbol_problems(file: str, line: int, symbol: str, universe: Universe, lines: Mapping[str, int]) -> Iterable[Problem]:
    if symbol in lines:
        yield Problem(file, line, "symbol", f"{symbol} is listed twice (first on line {lines[symbol]})", "one line a symbol")
    elif symbol not in universe.symbols:
        yield Problem(file, line, "symbol", f"is {symbol!r}{nearest(symbol, universe.symbols)}", "a symbol of the universe")


def _share_problems(file: str, line: int, shares: str) -> Iterable[Problem]:
    if not _SHARES.match(shares):
        yield Problem(file, line, "shares", f"is {shares!r}", "a whole number of shares, negative for a short")
