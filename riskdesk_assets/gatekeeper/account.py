"""The gatekeeper's own account: positions, what is reserved for approved trades, and profit; every change gives a new account.

An approved trade is ``pending`` and counts as a position, at its price, until a fill or a cancellation is reported: two
approvals can never share one headroom. Profit comes from filled units alone, at average cost. Sums are exactly rounded
(``math.fsum``), so the order of positions changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import fsum
from typing import NamedTuple

from riskdesk_assets.gatekeeper.instruments import Instrument


class Position(NamedTuple):
    """Filled and pending signed units of one symbol; prices in its quote currency, ``quote_rate`` dollars per unit of that."""

    instrument: Instrument
    units: float
    pending: float
    average_price: float
    mark: float
    quote_rate: float

    @property
    def exposed(self) -> float:
        """Signed units that count against limits: filled and pending."""
        return self.units + self.pending

    @property
    def value(self) -> float:
        """Signed dollars of exposure."""
        return (self.units + self.pending) * self.mark * self.quote_rate

    @property
    def unrealized_pnl(self) -> float:
        """Dollars, of filled units."""
        return self.units * (self.mark - self.average_price) * self.quote_rate


class CurrencyPart(NamedTuple):
    """Signed dollars of one currency in one symbol."""

    symbol: str
    currency: str
    value: float


@dataclass(frozen=True)
class Account:
    """Positions by symbol (none is empty), and dollars realized since the account began."""

    positions: Mapping[str, Position] = field(default_factory=dict)
    realized_pnl: float = 0.0

    @cached_property
    def values(self) -> dict[str, float]:
        """Signed dollars of exposure by symbol."""
        return {symbol: position.value for symbol, position in self.positions.items()}

    @cached_property
    def outright(self) -> dict[str, float]:
        """Signed dollars of what is not a pair of currencies: a pair is long one and short the other, so its net is 0."""
        return {symbol: value for symbol, value in self.values.items() if not self.positions[symbol].instrument.quote}

    @cached_property
    def currency_parts(self) -> tuple[CurrencyPart, ...]:
        """Exposure decomposed: a long pair is long its base and short its quote currency (RPM-22)."""
        parts: list[CurrencyPart] = []
        for symbol, value in self.values.items():
            instrument = self.positions[symbol].instrument
            parts.append(CurrencyPart(symbol, instrument.base, value))
            if instrument.quote:
                parts.append(CurrencyPart(symbol, instrument.quote, -value))
        return tuple(parts)

    @cached_property
    def currencies(self) -> dict[str, float]:
        """Signed net dollars by currency, sorted."""
        names = sorted({part.currency for part in self.currency_parts})
        return {name: fsum(part.value for part in self.currency_parts if part.currency == name) for name in names}

    @cached_property
    def gross(self) -> float:
        """Dollars: the sum of |exposure|."""
        return fsum(map(abs, self.values.values()))

    @cached_property
    def net(self) -> float:
        """Signed dollars: the sum of exposure of what is not a pair of currencies."""
        return fsum(self.outright.values())

    @cached_property
    def unrealized_pnl(self) -> float:
        """Dollars."""
        return fsum(position.unrealized_pnl for position in self.positions.values())

    def reserved(self, instrument: Instrument, units: float, price: float, quote_rate: float) -> Account:
        """With signed ``units`` pending, and the symbol marked at ``price``."""
        old = self.positions.get(instrument.symbol)
        if old is None:
            return self._with(Position(instrument, 0.0, units, price, price, quote_rate))
        return self._with(old._replace(pending=old.pending + units, mark=price, quote_rate=quote_rate))

    def cancelled(self, symbol: str, units: float) -> Account:
        """Without signed ``units`` of what is pending; no more than is pending goes."""
        old = self.positions.get(symbol)
        return self if old is None else self._with(old._replace(pending=old.pending - _within(units, old.pending)))

    def filled(self, instrument: Instrument, units: float, price: float, quote_rate: float) -> Account:
        """With signed ``units`` bought or sold at ``price``; as much of them as was pending on that side is pending no more."""
        old = self.positions.get(instrument.symbol) or Position(instrument, 0.0, 0.0, price, price, quote_rate)
        held = old.units + units
        if old.units * units >= 0:
            average = (old.units * old.average_price + units * price) / held if held else price
            gained = 0.0
        else:
            closed = _within(-units, old.units)
            gained = closed * (price - old.average_price) * quote_rate
            average = price if held * old.units < 0 else old.average_price
        pending = old.pending - _within(units, old.pending)
        new = Position(instrument, held, pending, average, price, quote_rate)
        return replace(self._with(new), realized_pnl=self.realized_pnl + gained)

    def marked(self, symbol: str, price: float, quote_rate: float) -> Account:
        """With a symbol's price; a symbol that is not held changes nothing."""
        old = self.positions.get(symbol)
        return self if old is None else self._with(old._replace(mark=price, quote_rate=quote_rate))

    def stated(self, position: Position) -> Account:
        """With a position as its holder states it, whatever was known of it before; nothing is realized."""
        return self._with(position)

    def earned(self, dollars: float) -> Account:
        """With a profit or loss from outside the positions."""
        return replace(self, realized_pnl=self.realized_pnl + dollars)

    def _with(self, position: Position) -> Account:
        positions = dict(self.positions)
        if position.units or position.pending:
            positions[position.instrument.symbol] = position
        else:
            positions.pop(position.instrument.symbol, None)
        return Account(positions, self.realized_pnl)


def _within(units: float, limit: float) -> float:
    """As much of ``units`` as has the sign of ``limit`` and is no more than it."""
    if units * limit <= 0:
        return 0.0
    return units if abs(units) <= abs(limit) else limit
