"""The guards over the whole book: symbol, group and portfolio limits, kept by whole tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from riskdesk_assets.guards.limit_quantity import Quantity
from riskdesk_assets.guards.limit_reach import Reach
from riskdesk_assets.guards.ticket_move import ONE, STEPS, Cut, Kind, Move
from riskdesk_assets.guards.ticket_triggers import WAITING
from riskdesk_assets.guards.ticket_types import TicketReason
from riskdesk_assets.guards.types import Layer
from riskdesk_assets.limits.limit import Family, Limit, Measure
from riskdesk_assets.limits.whole_sums import WholeSums

# Rounds over all limits with proportional cuts; after them what is over a limit is given up whole.
_ROUNDS = 24
_OF_SYMBOLS = frozenset((Family.NAME_GROSS, Family.LEG_NOTIONAL, Family.TICKET_GROSS))
_OF_GROUPS = frozenset((Family.GROUP, Family.SECTOR, Family.COUNTRY, Family.CURRENCY, Family.FRAGILITY, Family.BUCKET))


def layer_of(limit: Limit) -> Layer:
    """The guard that keeps a limit."""
    if limit.family in _OF_SYMBOLS or (limit.measure is Measure.NET and len(limit.members) == 1):
        return Layer.PER_SYMBOL
    return Layer.GROUP if limit.family in _OF_GROUPS else Layer.PORTFOLIO


class CappedBook:
    """A session's tickets on their ways, made to keep one limit after another.

    Most limits cannot be breached at any point of the tickets' ways, and are looked at once; of the others a limit is measured
    again only after a ticket has changed.

    Args:
        moves: the tickets, with a way to go that will not become longer.
        limits: every limit, in the order in which they are kept.
    """

    def __init__(self, moves: Iterable[Move], limits: Sequence[Limit]) -> None:
        self._moves = {move.ticket_id: move for move in moves}
        self._near = list(Reach(move.route for move in self._moves.values()).near(limits))
        self._of_layer: dict[Layer, list[int]] = {layer: [] for layer in Layer}
        for place, limit in enumerate(self._near):
            self._of_layer[layer_of(limit)].append(place)
        self._legs = {move.ticket_id: move.legs for move in self._moves.values()}
        self._sums: WholeSums | None = None
        self._holding: set[int] = set()

    @property
    def moves(self) -> Sequence[Move]:
        """The tickets as they are now, in the order in which they were given."""
        return tuple(self._moves.values())

    def change(self, change: Callable[[Move], Move]) -> None:
        """Each ticket as ``change`` makes it."""
        self._put([change(move) for move in self._moves.values()])

    def keep_layer(self, layer: Layer) -> None:
        """Keep every limit of one layer, as far as frozen legs let it."""
        self._keep(self._of_layer[layer], whole=False)

    def keep_all(self) -> tuple[str, ...]:
        """Keep every limit; returns the names of those that frozen legs alone breach.

        Keeping one limit can break another, where tickets hedge one another; so it is done over until none is broken.
        """
        places = range(len(self._near))
        for number in range(_ROUNDS + len(self._moves)):
            before = dict(self._moves)
            self._keep(places, whole=number >= _ROUNDS)
            if self._moves == before:
                break
        return tuple(self._near[place].name for place in places if self._breached(place))

    def _keep(self, places: Iterable[int], *, whole: bool) -> None:
        for place in places:
            if self._breached(place):
                quantity = Quantity(self._near[place], self._moves.values())
                _keep(quantity, whole=whole)
                self._put(quantity.moves)

    def _breached(self, place: int) -> bool:
        if place in self._holding:
            return False
        if self._sums is None:
            self._sums = WholeSums(leg for legs in self._legs.values() for leg in legs)
        limit = self._near[place]
        if self._sums.measured(limit) > limit.bound:
            return True
        self._holding.add(place)
        return False

    def _put(self, moves: Iterable[Move]) -> None:
        for move in moves:
            if move is not self._moves[move.ticket_id]:
                self._moves[move.ticket_id] = move
                self._legs[move.ticket_id] = move.legs
                self._sums = None
                self._holding.clear()


def _keep(quantity: Quantity, *, whole: bool) -> None:
    """Have a limit kept by the tickets it is about: first those that wait go to their ideal position where that gives something
    up; then additions are cut, pro rata; then positions. Each only where it lowers the limit's quantity."""
    _release(quantity)
    for candidates, cut in ((_added, Cut.WAY), (_held, Cut.SCALE)):
        while (now := quantity.now) > quantity.limit.bound:
            able = [move for move in quantity.moves if candidates(move)]
            # Tickets may hedge one another: where none alone lowers it, all together do.
            chosen = [move for move in able if quantity.given(move.ticket_id, move.given_up(cut)) < now]
            if not chosen and cut is Cut.SCALE:
                chosen = able
            if not chosen:
                break
            factor = Fraction(0 if whole else quantity.last_step(chosen, cut), STEPS)
            for move in chosen:
                quantity.put(_made(move, factor, quantity.limit, cut))


def _release(quantity: Quantity) -> None:
    """A limit is not kept breached for a band, a cadence or the size of an order."""
    now, layer = quantity.now, layer_of(quantity.limit)
    going = [
        move.goes(ONE, TicketReason.HARD_LIMIT, layer)
        for move in quantity.moves
        if move.reason in WAITING and not move.way and move.route.kind in (Kind.REDUCES, Kind.MIXED)
    ]
    for move in [move for move in going if quantity.given(move.ticket_id, move.shares) < now]:
        quantity.put(move)


def _added(move: Move) -> bool:
    return move.route.adds and bool(move.way) and not move.route.frozen


def _held(move: Move) -> bool:
    return any(move.shares) and not move.route.frozen


def _made(move: Move, factor: Fraction, limit: Limit, cut: Cut) -> Move:
    if cut is Cut.WAY:
        return move.cut(layer_of(limit), limit.name, way=move.way * factor)
    return move.cut(layer_of(limit), limit.name, scale=move.scale * factor)
