"""What truncation broke, mended lot by lot: the smallest removals first, then back whatever went beyond need.

Truncating toward zero cannot raise a gross, but it can raise a net or uncover what a shortened leg had hedged. The repair
only removes lots, keeps every ticket whole to one lot and never breaks a limit that held.
"""

from __future__ import annotations

from riskdesk_assets.book.lot_board import LotBoard
from riskdesk_assets.limits.limit import Limit

# More moves than any real book needs (a dozen); beyond it the exact program is quicker.
MOST_MOVES = 200

Move = tuple[tuple[int, int], ...]


def mend(board: LotBoard) -> dict[int, Limit]:
    """Remove lots until no limit is broken, or until no move helps.

    Args:
        board: the truncated book; changed in place, and still broken where the repair failed.

    Returns:
        For each leg that lost lots, the limit that asked for it.
    """
    asked: dict[int, Limit] = {}
    for _ in range(MOST_MOVES):
        if not board.broken:
            break
        worst = max(sorted(board.broken), key=lambda i: board.values[i] - board.limits[i].bound)
        best = _best(board, worst)
        if best is None:
            break
        for leg, lots in best:
            board.change(leg, -lots)
            asked[leg] = board.limits[worst]
    return asked


def fill(board: LotBoard, most: list[int]) -> None:
    """Give back lots, largest missing value first, as far as every limit and every ticket's wholeness allow.

    Args:
        board: a book without a broken limit; changed in place.
        most: lots per leg never exceeded: those of the truncated target.
    """
    short = [j for j, lots in enumerate(board.lots) if lots < most[j]]
    for j in sorted(short, key=lambda j: (-(most[j] - board.lots[j]) * board.legs[j].range.lot_value, j)):
        # The measures are convex in one leg's size, so what may be given back is an interval from 0.
        low, high = 0, min(most[j], board.whole_range(j)[1]) - board.lots[j]
        while low < high:
            middle = (low + high + 1) // 2
            board.change(j, middle)
            fits = not board.broken
            board.change(j, -middle)
            low, high = (middle, high) if fits else (low, middle - 1)
        if low > 0:
            board.change(j, low)


def _best(board: LotBoard, worst: int) -> Move | None:
    """The move that leaves the least excess, then removes the least, then comes first; None when none helps."""
    before, broken = board.excess, set(board.broken)
    best: tuple[tuple[int, int, Move], Move] | None = None
    for move in _moves(board, worst):
        saved = board.saved()
        for leg, lots in move:
            board.change(leg, -lots)
        if board.broken <= broken and board.excess < before:
            removed = sum(lots * board.legs[leg].range.lot_value for leg, lots in move)
            rank = (board.excess, removed, move)
            if best is None or rank < best[0]:
                best = (rank, move)
        board.restore(saved)
    return None if best is None else best[1]


def _moves(board: LotBoard, worst: int) -> list[Move]:
    excess = board.values[worst] - board.limits[worst].bound
    moves: list[Move] = []
    tickets: set[str] = set()
    for j, leg in enumerate(board.legs):
        if worst not in board.touching(j) or not board.lots[j]:
            continue
        room = board.lots[j] - board.whole_range(j)[0]
        needed = min(room, board.needed(worst, j))
        if needed > 0:
            moves.append(((j, needed),))
        if leg.ticket_id not in tickets:
            tickets.add(leg.ticket_id)
            moves.extend(_whole_ticket(board, j, worst, excess))
    return moves


def _whole_ticket(board: LotBoard, chosen: int, worst: int, excess: int) -> list[Move]:
    """Both legs down by the ratio that ends the excess, which is at most linear in it."""
    mine = [(j, board.lots[j]) for j in board.siblings(chosen) if board.lots[j]]
    before, saved = board.values[worst], board.saved()
    for j, lots in mine:
        board.change(j, -lots)
    gained = before - board.values[worst]
    board.restore(saved)
    if gained <= 0:
        return []
    scale = board.scale(chosen) * max(0, gained - excess) / gained
    kept = ((j, lots, int(scale * board.legs[j].range.target // board.legs[j].range.lot_value)) for j, lots in mine)
    move = tuple((j, lots - least) for j, lots, least in kept if least < lots)
    return [move] if move else []
