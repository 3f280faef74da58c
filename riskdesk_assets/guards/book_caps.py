"""The guards over the whole book: symbol, group and portfolio limits, kept by whole tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from riskdesk_assets.guards.limit_quantity import Quantity
from riskdesk_assets.guards.ticket_move import ONE, STEPS, Cut, Kind, Move, Route
from riskdesk_assets.guards.ticket_triggers import WAITING
from riskdesk_assets.guards.ticket_types import TicketReason
from riskdesk_assets.guards.types import Layer
from riskdesk_assets.limits.limit import Family, Limit, Measure
from riskdesk_assets.limits.reach import Reach
from riskdesk_assets.limits.whole_sums import WholeSums

# Rounds over all limits with proportional cuts; after them what is over a limit is given up whole.
_ROUNDS = 24
_OF_SYMBOLS = frozenset((Family.NAME_GROSS, Family.LEG_NOTIONAL, Family.TICKET_GROSS))
_OF_GROUPS = frozenset((Family.GROUP, Family.SECTOR, Family.COUNTRY, Family.CURRENCY, Family.FRAGILITY, Family.BUCKET))
_GIVES_UP = frozenset((Kind.REDUCES, Kind.MIXED))
# Bound by what the ideal portfolio adds; a position between yesterday's and the ideal one adds no more.
_OF_ADDITIONS = frozenset((Measure.ADDITIONS, Measure.COUNT, Measure.TRADED))


def layer_of(limit: Limit) -> Layer:
    """The guard that keeps a limit."""
    if limit.family in _OF_SYMBOLS or (limit.measure is Measure.NET and len(limit.members) == 1):
        return Layer.PER_SYMBOL
    return Layer.GROUP if limit.family in _OF_GROUPS else Layer.PORTFOLIO


def within_reach(routes: Iterable[Route], limits: Iterable[Limit]) -> list[Limit]:
    """The limits of the guards that some point of the tickets' ways may breach, in their order, and those of which sizes do not
    tell; what is bound by additions alone is no limit of the guards."""
    reach = Reach([leg for route in routes for leg in route.widest], unit=1)
    return [limit for limit in limits if limit.measure not in _OF_ADDITIONS and not reach.within(limit)]


class CappedBook:
    """A session's tickets on their ways, made to keep one limit after another.

    Most limits cannot be breached at any point of the tickets' ways, and are looked at once; of the others a limit is measured
    again only after a ticket has changed.

    Args:
        moves: every ticket's move. Later it goes less far or shrinks, or goes its whole way, but on the same route.
        limits: every limit, in the order in which they are kept.
    """

    def __init__(self, moves: Iterable[Move], limits: Sequence[Limit]) -> None:
        self._moves = {move.ticket_id: move for move in moves}
        self._near = within_reach([move.route for move in self._moves.values()], limits)
        self._of_layer: dict[Layer, list[int]] = {layer: [] for layer in Layer}
        for place, limit in enumerate(self._near):
            self._of_layer[layer_of(limit)].append(place)
        self._legs = {key: move.legs for key, move in self._moves.items()}
        # Of the tickets as they are: their sums, once something is measured, and the limits that were found to hold.
        self._sums: WholeSums | None = None
        self._holding: set[int] = set()

    @property
    def moves(self) -> Sequence[Move]:
        """The tickets as they are now, in the order in which they were given."""
        return tuple(self._moves.values())

    def change(self, change: Callable[[Move], Move]) -> None:
        """Have each ticket as ``change`` makes it."""
        for key, move in self._moves.items():
            self._put(key, change(move))

    def keep_layer(self, layer: Layer) -> None:
        """Keep every limit of one layer, as far as frozen legs let it."""
        self._keep(self._of_layer[layer], whole=False)

    def keep_all(self) -> tuple[str, ...]:
        """Keep every limit; returns the names of those that frozen legs alone breach.

        Keeping one limit can break another, where tickets hedge one another; so it is done over until none is broken.
        """
        places = range(len(self._near))
        for number in range(_ROUNDS + len(self._moves)):
            before = self.moves
            self._keep(places, whole=number >= _ROUNDS)
            if self.moves == before:
                break
        return tuple(self._near[place].name for place in places if self._breached(place))

    def _keep(self, places: Iterable[int], *, whole: bool) -> None:
        for place in places:
            if self._breached(place):
                quantity = Quantity(self._near[place], self._moves.values())
                _bring_within(quantity, whole=whole)
                for move in quantity.moves:
                    self._put(move.ticket_id, move)

    def _breached(self, place: int) -> bool:
        if place in self._holding:
            return False
        if self._sums is None:
            self._sums = WholeSums([leg for legs in self._legs.values() for leg in legs])
        limit = self._near[place]
        if self._sums.measured(limit) > limit.bound:
            return True
        self._holding.add(place)
        return False

    def _put(self, key: str, move: Move) -> None:
        if move is not self._moves[key]:
            self._moves[key] = move
            self._legs[key] = move.legs
            self._sums = None
            self._holding.clear()


def _bring_within(quantity: Quantity, *, whole: bool) -> None:
    """Have a limit kept by the tickets it is about: first those that wait go to their ideal position where that gives something
    up; then additions are cut, pro rata; then positions. Each only where it lowers the limit's quantity."""
    _release(quantity)
    for candidates, cut in ((_added, Cut.WAY), (_held, Cut.SCALE)):
        while (now := quantity.now) > quantity.limit.bound:
            able = [move for move in quantity.moves if candidates(move)]
            chosen = [move for move in able if quantity.given(move.ticket_id, move.given_up(cut)) < now]
            if not chosen and cut is Cut.SCALE:
                # Tickets that hedge one another: none alone lowers it, all together do.
                chosen = able
            if not chosen:
                break
            # The largest common factor that keeps the limit; where none does they are given up whole.
            factor = Fraction(0 if whole else quantity.last_step(chosen, cut), STEPS)
            for move in chosen:
                quantity.put(_made(move, factor, quantity.limit, cut))


def _release(quantity: Quantity) -> None:
    """A limit is not kept breached for a band, a cadence or the size of an order."""
    now, layer = quantity.now, layer_of(quantity.limit)
    going = [
        move.goes(ONE, TicketReason.HARD_LIMIT, layer)
        for move in quantity.moves
        if move.reason in WAITING and not move.way and move.route.kind in _GIVES_UP
    ]
    # Each asked alone, of the book as it was.
    for move in [move for move in going if quantity.given(move.ticket_id, move.shares) < now]:
        quantity.put(move)


def _added(move: Move) -> bool:
    return move.route.adds and bool(move.way) and not move.route.frozen


def _held(move: Move) -> bool:
    return any(move.shares) and not move.route.frozen


def _made(move: Move, factor: Fraction, limit: Limit, cut: Cut) -> Move:
    if cut is Cut.WAY:
        return move.cut(layer_of(limit), limit.name, way=factor if move.way == 1 else move.way * factor)
    return move.cut(layer_of(limit), limit.name, scale=factor if move.scale == 1 else move.scale * factor)
