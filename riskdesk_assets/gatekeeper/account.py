"""The gatekeeper's own account: positions, what is reserved for approved trades, and profit; every change gives a new account.

An approved trade is ``pending`` and counts as a position, at its price, until a fill or a cancellation is reported: two
approvals can never share one headroom. Profit comes from filled units alone, at average cost. Sums are exactly rounded
(``math.fsum``), so the order of positions changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import fsum
from typing import NamedTuple

from riskdesk_assets.gatekeeper.instruments import Instrument

DUST = 1e-9  # units: what adding and taking away the same fractions can leave


class Position(NamedTuple):
    """Filled and pending signed units of one symbol; prices in its quote currency, ``quote_rate`` dollars per unit of that.

    ``mark``: the price that profit is measured at, from fills and marks alone. ``price``: the newest seen, an intent's too; it
    values exposure. What a signal says its price is may move limits, never profit, and with it the kill switches.
    ``pending`` nets the orders that wait: of two opposite ones, the second filled alone can pass a cap by the first's size.
    """

    instrument: Instrument
    units: float
    pending: float
    average_price: float
    mark: float
    price: float
    quote_rate: float

    @property
    def exposed(self) -> float:
        """Signed units that count against limits: filled and pending."""
        return self.units + self.pending

    @property
    def value(self) -> float:
        """Signed dollars of exposure."""
        return (self.units + self.pending) * self.price * self.quote_rate

    @property
    def unrealized_pnl(self) -> float:
        """Dollars, of filled units."""
        return self.units * (self.mark - self.average_price) * self.quote_rate


class Exposures(NamedTuple):
    """Dollars. By symbol and currency signed; ``gross`` the sum of |exposure|; ``net`` signed, of what is not a pair.

    A long pair is long its base and short its quote currency (RPM-22), so that its own net is 0.
    """

    symbols: Mapping[str, float]
    currencies: Mapping[str, float]
    gross: float
    net: float


@dataclass(frozen=True)
class Account:
    """Positions by symbol (none is empty), and dollars realized since the account began."""

    positions: Mapping[str, Position] = field(default_factory=dict)
    realized_pnl: float = 0.0

    _measured: list[Exposures] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def exposures(self) -> Exposures:
        """What the positions expose the account to; measured once."""
        if not self._measured:
            self._measured.append(_exposures(self.positions.values()))
        return self._measured[0]

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
        old = self.positions.get(instrument.symbol)
        if old is None:
            return self._with(Position(instrument, 0.0, units, price, price, price, quote_rate))
        return self._with(old._replace(pending=old.pending + units, price=price, quote_rate=quote_rate))

    def cancelled(self, symbol: str, units: float) -> Account:
        """Without signed ``units`` of what is pending; no more than is pending goes."""
        old = self.positions.get(symbol)
        return self if old is None else self._with(old._replace(pending=old.pending - _within(units, old.pending)))

    def filled(self, instrument: Instrument, units: float, price: float, quote_rate: float) -> Account:
        """With signed ``units`` bought or sold at ``price``; as much of them as was pending on that side is pending no more."""
        old = self.positions.get(instrument.symbol) or Position(instrument, 0.0, 0.0, price, price, price, quote_rate)
        held = old.units + units
        if old.units * units >= 0:
            average = (old.units * old.average_price + units * price) / held if held else price
            gained = 0.0
        else:
            closed = _within(-units, old.units)
            gained = closed * (price - old.average_price) * quote_rate
            average = price if held * old.units < 0 else old.average_price
        pending = old.pending - _within(units, old.pending)
        new = Position(instrument, held, pending, average, price, price, quote_rate)
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
        if abs(position.units) > DUST or abs(position.pending) > DUST:
            positions[position.instrument.symbol] = position
        else:
            positions.pop(position.instrument.symbol, None)
        return Account(positions, self.realized_pnl)


def _exposures(positions: Iterable[Position]) -> Exposures:
    symbols: dict[str, float] = {}
    parts: dict[str, list[float]] = {}
    outright: list[float] = []
    for instrument, units, pending, _, _, price, rate in positions:
        symbols[instrument.symbol] = value = (units + pending) * price * rate
        parts.setdefault(instrument.base, []).append(value)
        if instrument.quote:
            parts.setdefault(instrument.quote, []).append(-value)
        else:
            outright.append(value)
    currencies = {currency: fsum(values) for currency, values in parts.items()}
    return Exposures(symbols, currencies, fsum(map(abs, symbols.values())), fsum(outright))


def _within(units: float, limit: float) -> float:
    """As much of ``units`` as has the sign of ``limit`` and is no more than it."""
    if units * limit <= 0:
        return 0.0
    return units if abs(units) <= abs(limit) else limit
