"""The exact program behind the repair: the most gross in whole lots that obeys every limit. Node limit, never a time limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from riskdesk_assets.book.lot_board import LotBoard
from riskdesk_assets.limits.limit import COEFFICIENT_UNIT, Leg, Limit, Measure, gross_by_ticket, held_in_direction

NODE_LIMIT = 20_000
# Share of the book's gross left on the table for a proof that takes milliseconds and not seconds.
GROSS_GAP = 1e-3
# The solver works in floats: bounds are drawn in by the smallest of these (shares of the book's target) that passes the audit.
MARGINS = (1e-9, 1e-7, 1e-5)
# Lots are counted in batches where a leg has more than this many: a coefficient must not drown in the solver's tolerance.
MOST_COUNT = 1_000_000

_Row = dict[int, float]


def most_lots(board: LotBoard, fixed: Sequence[Leg[int]], held: Sequence[Leg[int]]) -> list[int] | None:
    """Lots per leg with the largest gross that keep every limit and every ticket whole to one lot; None when there are none.

    Args:
        board: the truncated book: at most its ranges' lots are taken. Left as it was.
        fixed: frozen legs in ticks, which count in every limit.
        held: yesterday's book in ticks.
    """
    if not board.legs:  # nothing to choose: frozen legs alone breach a limit
        return None
    for margin in MARGINS:
        found = _solved(board, fixed, held, margin)
        if found is None:
            return None
        if _holds(board, found):
            return found
    return None


def _holds(board: LotBoard, lots: Sequence[int]) -> bool:
    kept = list(board.lots)
    for j, count in enumerate(lots):
        board.change(j, count - board.lots[j])
    whole = all(low <= count <= high for count, (low, high) in zip(lots, map(board.whole_range, range(len(lots))), strict=True))
    sound = not board.broken and whole
    for j, count in enumerate(kept):
        board.change(j, count - board.lots[j])
    return sound


def _solved(board: LotBoard, fixed: Sequence[Leg[int]], held: Sequence[Leg[int]], margin: float) -> list[int] | None:
    from scipy.optimize import Bounds, LinearConstraint, milp

    legs = board.legs
    unit = float(max(1, sum(leg.range.target for leg in legs))) / 1000
    batches = [max(1, -(-leg.range.most // MOST_COUNT)) for leg in legs]
    sizes = [batch * leg.range.lot_value / unit for leg, batch in zip(legs, batches, strict=True)]
    upper = [leg.range.most // batch for leg, batch in zip(legs, batches, strict=True)]
    program = _Program(len(legs))
    scales = {ticket_id: program.variable(1.0) for ticket_id in sorted({leg.ticket_id for leg in legs})}
    for j, leg in enumerate(legs):
        target, lot = float(leg.range.target) / unit, leg.range.lot_value / unit
        program.within({j: sizes[j], scales[leg.ticket_id]: -target}, -lot, lot)
    signed = {(leg.ticket_id, leg.symbol): j for j, leg in enumerate(legs)}
    scaled_fixed = [Leg(leg.ticket_id, leg.symbol, leg.notional / unit) for leg in fixed]
    terms = _Terms(board, sizes, scaled_fixed, [Leg(leg.ticket_id, leg.symbol, leg.notional / unit) for leg in held], signed)
    for limit in board.limits:
        terms.enter(program, limit, limit.bound / unit, margin * 1000)
    rows, low, high = program.matrix()
    # Later legs weigh a hair less, so that equal books have one order.
    gain = [-size * (1 - 1e-9 * j) for j, size in enumerate(sizes)] + [0.0] * (program.variables - len(legs))
    answer = milp(
        c=np.array(gain),
        integrality=np.array([1] * len(legs) + [0] * (program.variables - len(legs))),
        bounds=Bounds(np.zeros(program.variables), np.array([*upper, *program.tops], dtype=float)),
        constraints=LinearConstraint(rows, low, high),
        options={"node_limit": NODE_LIMIT, "mip_rel_gap": GROSS_GAP},
    )
    if answer.x is None:
        return None
    return [min(leg.range.most, round(float(x)) * batch) for leg, x, batch in zip(legs, answer.x, batches, strict=False)]


class _Program:
    """Rows and continuous variables as they are entered; the first variables are the legs' lots."""

    def __init__(self, legs: int) -> None:
        self.legs, self.tops = legs, list[float]()
        self._rows, self._low, self._high = list[_Row](), list[float](), list[float]()

    @property
    def variables(self) -> int:
        return self.legs + len(self.tops)

    def variable(self, top: float = np.inf) -> int:
        self.tops.append(top)
        return self.variables - 1

    def within(self, row: _Row, low: float, high: float) -> None:
        self._rows.append(row)
        self._low.append(low)
        self._high.append(high)

    def matrix(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        matrix = np.zeros((len(self._rows), self.variables))
        for i, row in enumerate(self._rows):
            for j, value in row.items():
                matrix[i, j] = value
        return matrix, np.array(self._low), np.array(self._high)


class _Terms:
    """A board's limits as rows of the program, in units of a thousandth of the book's target."""

    def __init__(
        self,
        board: LotBoard,
        sizes: Sequence[float],
        fixed: Sequence[Leg[float]],
        held: Sequence[Leg[float]],
        signed: dict[tuple[str, str], int],
    ) -> None:
        self._legs, self._sizes, self._fixed, self._signed = board.legs, sizes, fixed, signed
        self._absolute: dict[str, int] = {}
        full = [Leg(leg.ticket_id, leg.symbol, leg.sign * size) for leg, size in zip(board.legs, sizes, strict=True)]
        self._same, self._held = held_in_direction(full, held), held
        self._held_gross = gross_by_ticket(held)

    def enter(self, program: _Program, limit: Limit, bound: float, margin: float) -> None:
        alone = float(limit.measured(self._fixed, self._held))
        tight = max(bound - margin, min(bound, alone))
        mine = [j for j, leg in enumerate(self._legs) if limit.touches(leg.ticket_id, (leg.symbol,))]
        if limit.measure is Measure.NET:
            const = sum(leg.notional for leg in self._fixed if leg.symbol in limit.members)
            row = {j: self._legs[j].sign * self._sizes[j] for j in mine}
            program.within(row, -tight - const, tight - const)
        elif limit.measure in (Measure.EXPOSURE, Measure.LOSS):
            share = {s: whole / COEFFICIENT_UNIT for s, whole in zip(limit.members, limit.coefficients[0], strict=True)}
            const = sum(share.get(leg.symbol, 0.0) * leg.notional for leg in self._fixed)
            row = {j: share[self._legs[j].symbol] * self._legs[j].sign * self._sizes[j] for j in mine}
            # A scenario bounds what is lost, not what is earned.
            program.within(row, -tight - const, np.inf if limit.measure is Measure.LOSS else tight - const)
        elif limit.measure is Measure.GROSS:
            symbols = sorted({self._legs[j].symbol for j in mine} | {leg.symbol for leg in self._fixed} & set(limit.members))
            program.within({self._size_of(program, symbol): 1.0 for symbol in symbols}, -np.inf, tight)
        elif limit.measure is Measure.ADDITIONS:
            program.within(dict.fromkeys(self._additions(program), 1.0), -np.inf, tight - alone)
        else:
            if limit.measure is Measure.LEG:
                mine = [j for j in mine if self._legs[j].symbol == limit.members[1]]
            program.within({j: self._sizes[j] for j in mine}, -np.inf, tight - alone)

    def _size_of(self, program: _Program, symbol: str) -> int:
        if symbol not in self._absolute:
            size = program.variable()
            const = sum(leg.notional for leg in self._fixed if leg.symbol == symbol)
            row = {j: leg.sign * self._sizes[j] for j, leg in enumerate(self._legs) if leg.symbol == symbol}
            program.within({**row, size: -1.0}, -np.inf, -const)
            program.within({**{j: -value for j, value in row.items()}, size: -1.0}, -np.inf, const)
            self._absolute[symbol] = size
        return self._absolute[symbol]

    def _additions(self, program: _Program) -> list[int]:
        entered: list[int] = []
        for ticket_id in sorted({leg.ticket_id for leg in self._legs}):
            added = program.variable()
            row = {j: self._sizes[j] for j, leg in enumerate(self._legs) if leg.ticket_id == ticket_id}
            program.within({**row, added: -1.0}, -np.inf, self._same[ticket_id])
            entered.append(added)
        return entered
