"""The gatekeeper's own account: positions, what is reserved for approved trades, and profit; every change gives a new account.

An approved trade is pending and counts as a position, at its price, until a fill or a cancellation is reported: two approvals
can never share one headroom. Nobody knows which pending orders will be filled, so that an exposure is a range: from all sales
filled and no purchase, to all purchases and no sale. What counts against a limit is its worse end; opposite orders never net.
Profit comes from filled units alone, at average cost. Sums are exactly rounded (``math.fsum``): the order of positions changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import fsum
from typing import NamedTuple

from riskdesk_assets.gatekeeper.instruments import Instrument

_OUTRIGHT = ""  # where the net of what is no pair is gathered: no currency has this name
DUST = 1e-9  # units: what adding and taking away the same fractions can leave


class Position(NamedTuple):
    """Filled and pending units of one symbol; prices in its quote currency, ``quote_rate`` dollars per unit of that.

    ``units`` are signed; ``buying`` (>= 0) and ``selling`` (<= 0) are those of approved trades that wait for a fill.
    ``mark``: the price that profit is measured at, from fills and marks alone. ``price``: the newest seen, an intent's too; it
    values exposure. What a signal says its price is may move limits, never profit, and with it the kill switches.
    """

    instrument: Instrument
    units: float
    buying: float
    selling: float
    average_price: float
    mark: float
    price: float
    quote_rate: float

    @property
    def pending(self) -> float:
        """Signed units that wait, purchases less sales: for people to read; limits look at each side."""
        return self.buying + self.selling

    @property
    def lowest(self) -> float:
        """Signed units, were every sale filled and no purchase."""
        return self.units + self.selling

    @property
    def highest(self) -> float:
        """Signed units, were every purchase filled and no sale."""
        return self.units + self.buying

    @property
    def value(self) -> float:
        """Signed dollars of exposure at its worse end."""
        return worse_end(self.lowest, self.highest) * self.price * self.quote_rate

    @property
    def unrealized_pnl(self) -> float:
        """Dollars, of filled units."""
        return self.units * (self.mark - self.average_price) * self.quote_rate


class Exposures(NamedTuple):
    """Dollars at worst, whichever pending orders are filled: the signed end of each range that is farther from 0.

    ``gross`` sums the symbols' |exposure|; ``net`` is of what is not a pair. A long pair is long its base and short its quote
    currency (RPM-22), so that its own net is 0.
    """

    symbols: Mapping[str, float]
    currencies: Mapping[str, float]
    gross: float
    net: float


class Reach(NamedTuple):
    """What a trade in one instrument can move, as ranges from ``_low`` to ``_high``: units of it, and dollars.

    ``others``: the gross exposure of every other symbol at worst. ``base`` and ``quote``: net exposure to the instrument's
    currencies; ``net``: of the account. What the instrument has no use for (a quote currency, a net) is 0.
    """

    units_low: float
    units_high: float
    symbol_low: float
    symbol_high: float
    base_low: float
    base_high: float
    quote_low: float
    quote_high: float
    net_low: float
    net_high: float
    others: float


@dataclass(frozen=True)
class Account:
    """Positions by symbol (none is empty), and dollars realized since the account began."""

    positions: Mapping[str, Position] = field(default_factory=dict)
    realized_pnl: float = 0.0

    @cached_property
    def exposures(self) -> Exposures:
        """What the positions expose the account to; measured once."""
        return _exposures(self.positions.values())

    def reach(self, instrument: Instrument) -> Reach:
        """The ranges that count where ``instrument`` is traded, measured from the positions."""
        return _reach(self.positions, instrument)

    @property
    def unrealized_pnl(self) -> float:
        """Dollars."""
        return fsum(position.unrealized_pnl for position in self.positions.values())

    def priced(self, symbol: str, price: float, quote_rate: float) -> Account:
        """With a symbol's exposure valued at ``price``; itself when nothing changes."""
        old = self.positions.get(symbol)
        if old is None or (old.price == price and old.quote_rate == quote_rate):
            return self
        return self._with(old._replace(price=price, quote_rate=quote_rate))

    def reserved(self, instrument: Instrument, units: float, price: float, quote_rate: float) -> Account:
        """With signed ``units`` pending, and the symbol's exposure valued at ``price``."""
        _, held, buying, selling, average, mark, _, _ = self.positions.get(instrument.symbol) or Position(
            instrument, 0.0, 0.0, 0.0, price, price, price, quote_rate
        )
        if units > 0:
            buying += units
        else:
            selling += units
        return self._with(Position(instrument, held, buying, selling, average, mark, price, quote_rate))

    def cancelled(self, symbol: str, units: float) -> Account:
        """Without signed ``units`` of what is pending on their side; no more than is pending goes."""
        old = self.positions.get(symbol)
        return self if old is None else self._with(_waiting_less(old, units))

    def filled(self, instrument: Instrument, units: float, price: float, quote_rate: float) -> Account:
        """With signed ``units`` bought or sold at ``price``; as much of them as was pending on that side is pending no more."""
        old = self.positions.get(instrument.symbol) or Position(instrument, 0.0, 0.0, 0.0, price, price, price, quote_rate)
        held = old.units + units
        if old.units * units >= 0:
            average = (old.units * old.average_price + units * price) / held if held else price
            gained = 0.0
        else:
            closed = _within(-units, old.units)
            gained = closed * (price - old.average_price) * quote_rate
            average = price if held * old.units < 0 else old.average_price
        _, _, buying, selling, _, _, _, _ = _waiting_less(old, units)
        new = Position(instrument, held, buying, selling, average, price, price, quote_rate)
        return replace(self._with(new), realized_pnl=self.realized_pnl + gained)

    def marked(self, symbol: str, price: float, quote_rate: float) -> Account:
        """With a symbol's price; a symbol that is not held changes nothing."""
        old = self.positions.get(symbol)
        return self if old is None else self._with(old._replace(mark=price, price=price, quote_rate=quote_rate))

    def stated(self, position: Position) -> Account:
        """With a position as its holder states it, whatever was known of it before; nothing is realized."""
        return self._with(position)

    def earned(self, dollars: float) -> Account:
        """With a profit or loss from outside the positions."""
        return replace(self, realized_pnl=self.realized_pnl + dollars)

    def _with(self, position: Position) -> Account:
        positions = dict(self.positions)
        if abs(position.units) > DUST or position.buying > DUST or -position.selling > DUST:
            positions[position.instrument.symbol] = position
        else:
            positions.pop(position.instrument.symbol, None)
        return Account(positions, self.realized_pnl)


def worse_end(low: float, high: float) -> float:
    """The end of a range that is farther from 0; of two equally far the upper one."""
    return high if high >= -low else low


def _exposures(positions: Iterable[Position]) -> Exposures:
    symbols: dict[str, float] = {}
    lows: dict[str, list[float]] = {}
    highs: dict[str, list[float]] = {}
    for instrument, units, buying, selling, _, _, price, rate in positions:
        low, high = (units + selling) * price * rate, (units + buying) * price * rate
        symbols[instrument.symbol] = worse_end(low, high)
        lows.setdefault(instrument.base, []).append(low)
        highs.setdefault(instrument.base, []).append(high)
        if instrument.quote:
            lows.setdefault(instrument.quote, []).append(-high)
            highs.setdefault(instrument.quote, []).append(-low)
        else:
            lows.setdefault(_OUTRIGHT, []).append(low)
            highs.setdefault(_OUTRIGHT, []).append(high)
    nets = {name: worse_end(fsum(values), fsum(highs[name])) for name, values in lows.items()}
    net = nets.pop(_OUTRIGHT, 0.0)
    return Exposures(symbols, nets, fsum(map(abs, symbols.values())), net)


def _reach(positions: Mapping[str, Position], instrument: Instrument) -> Reach:
    symbol, base, quote = instrument
    units_low = units_high = symbol_low = symbol_high = 0.0
    others: list[float] = []
    base_lows: list[float] = []
    base_highs: list[float] = []
    quote_lows: list[float] = []
    quote_highs: list[float] = []
    net_lows: list[float] = []
    net_highs: list[float] = []
    for (name, its_base, its_quote), units, buying, selling, _, _, price, rate in positions.values():
        low, high = (units + selling) * price * rate, (units + buying) * price * rate
        if name == symbol:
            units_low, units_high, symbol_low, symbol_high = units + selling, units + buying, low, high
        else:
            others.append(high if high >= -low else -low)
        if its_base == base:
            base_lows.append(low)
            base_highs.append(high)
        elif its_quote == base:
            base_lows.append(-high)
            base_highs.append(-low)
        if not quote:
            if not its_quote:
                net_lows.append(low)
                net_highs.append(high)
        elif its_quote == quote:
            quote_lows.append(-high)
            quote_highs.append(-low)
        elif its_base == quote:
            quote_lows.append(low)
            quote_highs.append(high)
    return Reach(
        units_low, units_high, symbol_low, symbol_high,
        fsum(base_lows), fsum(base_highs), fsum(quote_lows), fsum(quote_highs), fsum(net_lows), fsum(net_highs), fsum(others),
    )  # fmt: skip


def _waiting_less(position: Position, units: float) -> Position:
    """Without signed ``units`` of what waits on their side, as far as that goes."""
    if units > 0:
        return position._replace(buying=max(0.0, position.buying - units))
    return position._replace(selling=min(0.0, position.selling - units))


def _within(units: float, limit: float) -> float:
    """As much of ``units`` as has the sign of ``limit`` and is no more than it."""
    if units * limit <= 0:
        return 0.0
    return units if abs(units) <= abs(limit) else limit
