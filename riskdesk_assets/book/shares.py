"""Stage 6: target dollars become whole shares per ticket leg, every limit audited in integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter
from typing import Literal

from riskdesk_assets.book.lot_board import LotBoard, LotLeg
from riskdesk_assets.book.lot_program import most_lots
from riskdesk_assets.book.lot_repair import fill, mend
from riskdesk_assets.book.share_legs import LotRange, ShareLeg
from riskdesk_assets.common.errors import ReleaseError
from riskdesk_assets.common.money import TICKS_PER_DOLLAR, shares_toward_zero
from riskdesk_assets.limits.audit import AuditRow, audit, breaches
from riskdesk_assets.limits.limit import Leg, Limit, Measure

Method = Literal["TRUNCATED", "REPAIRED", "PROGRAM"]

_KEY = attrgetter("ticket_id", "symbol")


@dataclass(frozen=True)
class Repair:
    """A leg that lost shares to a limit after truncation."""

    ticket_id: str
    symbol: str
    limit: Limit
    shares_in: int
    shares_out: int
    price_ticks: int


@dataclass(frozen=True)
class ShareBook:
    """Whole shares per ticket leg, frozen legs included, sorted by ticket and symbol; what was repaired; the exact audit.

    ``method`` says how: truncation alone, the greedy repair, or the exact program.
    """

    legs: tuple[ShareLeg, ...]
    repairs: tuple[Repair, ...]
    audit: tuple[AuditRow, ...]
    method: Method


def whole_shares(
    targets: Sequence[Leg[float]],
    *,
    prices: Mapping[str, int],
    lot_sizes: Mapping[str, int],
    held: Sequence[Leg[int]],
    limits: Sequence[Limit],
    amber_at: float,
    fixed: Sequence[ShareLeg] = (),
) -> ShareBook:
    """Truncate each leg toward zero to whole lots, mend what that broke, and audit the result (methods.md section 8).

    Args:
        targets: signed dollars per ticket leg; a ticket's legs are in different symbols. No leg ever exceeds its target.
        prices: ticks of 1e-4 dollars per symbol.
        lot_sizes: shares per lot; 1 where a symbol is absent.
        held: yesterday's book at today's prices in ticks, frozen legs included.
        limits: the session's limits; those of mode "construct" are built toward, all are audited.
        amber_at: share of a bound from which the audit says AMBER.
        fixed: legs that cannot trade; they count in every limit.

    Returns:
        The book. It obeys every construct limit; a "gate" limit may still be in its audit as BREACH, for the release to judge.

    Raises:
        ReleaseError: the frozen legs alone breach limits, which are named with their numbers.
        ValueError: a leg appears twice.
    """
    wanted = sorted(targets, key=_KEY)
    cut = [_truncated(leg, prices[leg.symbol], lot_sizes.get(leg.symbol, 1)) for leg in wanted]
    keys = [(leg.ticket_id, leg.symbol) for leg in (*cut, *fixed)]
    if len(set(keys)) != len(keys):
        raise ValueError(f"a ticket leg appears twice: {sorted(key for key in keys if keys.count(key) > 1)[0]}")
    rows = audit(limits, [leg.leg() for leg in (*cut, *fixed)], held, amber_at)
    if not any(row.limit.mode == "construct" for row in breaches(rows)):
        return ShareBook(_in_order((*cut, *fixed)), (), rows, "TRUNCATED")
    legs = [_lot_leg(leg, prices, lot_sizes) for leg in wanted]
    frozen = [leg.leg() for leg in fixed]
    construct = [limit for limit in limits if limit.mode == "construct" and limit.measure is not Measure.COUNT]
    board = LotBoard(legs, frozen, held, construct)
    truncated = list(board.lots)
    method, asked = _repaired(board, frozen, held)
    book = [*(leg.share_leg(lots) for leg, lots in zip(board.legs, board.lots, strict=True)), *fixed]
    rows = audit(limits, [leg.leg() for leg in book], held, amber_at)
    failed = [row for row in breaches(rows) if row.limit.mode == "construct"]
    if failed:
        raise ReleaseError("no book of whole lots obeys every limit: " + "; ".join(row.sentence() for row in failed), rows)
    repairs = tuple(
        Repair(
            leg.ticket_id,
            leg.symbol,
            asked[j],
            leg.share_leg(truncated[j]).shares,
            leg.share_leg(board.lots[j]).shares,
            leg.price_ticks,
        )
        for j, leg in enumerate(board.legs)
        if j in asked
    )
    return ShareBook(_in_order(book), repairs, rows, method)


def _repaired(board: LotBoard, frozen: Sequence[Leg[int]], held: Sequence[Leg[int]]) -> tuple[Method, dict[int, Limit]]:
    """Mend the truncated board in place; how it was done, and for each leg that lost lots the limit that asked for it."""
    truncated = list(board.lots)
    if not board.broken:
        return "TRUNCATED", {}
    worst = board.limits[max(sorted(board.broken), key=lambda i: board.values[i] - board.limits[i].bound)]
    method: Method = "REPAIRED"
    asked = mend(board)
    if board.broken:
        method, asked = "PROGRAM", {}
        _set(board, truncated)
        exact = most_lots(board, frozen, held)
        # With no lots at all only frozen legs can still breach a limit: then they are what the error names.
        _set(board, [0] * len(board.legs) if exact is None else exact)
    if not board.broken:
        fill(board, truncated)
    return method, {j: asked.get(j, worst) for j, most in enumerate(truncated) if board.lots[j] < most}


def _in_order(legs: Sequence[ShareLeg]) -> tuple[ShareLeg, ...]:
    return tuple(sorted(legs, key=_KEY))


def _truncated(leg: Leg[float], ticks: int, lot_size: int) -> ShareLeg:
    """The most whole lots that are not more than the target."""
    return ShareLeg(leg.ticket_id, leg.symbol, shares_toward_zero(leg.notional, ticks, lot_size), ticks)


def _lot_leg(leg: Leg[float], prices: Mapping[str, int], lot_sizes: Mapping[str, int]) -> LotLeg:
    """The target as a leg of the board, which takes lots from the truncated one."""
    ticks, lot_size = prices[leg.symbol], lot_sizes.get(leg.symbol, 1)
    shares = shares_toward_zero(leg.notional, ticks, lot_size)
    target = Fraction(abs(Decimal(repr(leg.notional)))) * TICKS_PER_DOLLAR
    sign = -1 if leg.notional < 0 else 1
    return LotLeg(leg.ticket_id, leg.symbol, sign, lot_size, ticks, LotRange(target, ticks * lot_size, abs(shares) // lot_size))


def _set(board: LotBoard, lots: Sequence[int]) -> None:
    for j, count in enumerate(lots):
        board.change(j, count - board.lots[j])
