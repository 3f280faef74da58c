"""Portfolio constraints of document 003: what each leaves of a size, in the document's sequence.

Every cap asks how many units of this trade keep its own quantity within the bound; a trade that lowers a quantity is never
held up by that quantity, and one whose quantity is beyond its bound already may not raise it. A pair of currencies counts in
its symbol, its two currencies and gross; net is of what is not a pair, for a pair is long one currency and short another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum
from typing import NamedTuple

from riskdesk_assets.gatekeeper.account import Account
from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.instruments import Instrument
from riskdesk_assets.gatekeeper.trail import Check, CheckRecord, Outcome, Stage

Correlations = Mapping[tuple[str, str], float]

_PASS, _ADJUST, _REJECT, _SKIPPED = Outcome.PASS, Outcome.ADJUST, Outcome.REJECT, Outcome.SKIPPED
_STAGE = Stage.CONSTRAINTS
_NOT_A_PAIR = CheckRecord(Check.QUOTE_CURRENCY, _STAGE, _SKIPPED, None, None, 0.0, 0.0, "not a pair of currencies")
_PAIR = "a pair of currencies has no net exposure of its own"
_ROUNDING = 1e-9


class Caps(NamedTuple):
    """The bounds in dollars, but ``symbol_units`` in units."""

    symbol_units: float
    symbol: float
    currency: float
    gross: float
    net: float


class Trade(NamedTuple):
    """A trade before its constraints. ``held``: signed units that count as held; ``unit_value``: dollars per unit."""

    instrument: Instrument
    direction: int
    held: float
    unit_value: float


class CorrelationFinding(NamedTuple):
    """The largest |correlation| with a held symbol, signed; ``multiplier`` of the size it leads to; how many are unknown."""

    symbol: str
    correlation: float
    multiplier: float
    unknown: int


def caps_of(config: RPMConfig) -> Caps:
    """The configured fractions as dollars of ``total_capital``."""
    capital = config.total_capital
    return Caps(
        config.max_symbol_units,
        config.max_symbol_exposure_pct * capital,
        config.max_currency_exposure_pct * capital,
        config.max_gross_exposure * capital,
        config.max_net_exposure * capital,
    )


def request_of(units: float, unit_value: float, caps: Caps) -> float:
    """What a trade can ask for at all: the formula's units, within what a symbol may have when nothing is held.

    X-05 rejects what is left below a tenth of the request. Were the request the formula's 600,000 units, X-01's adjusted
    27,272.73 could not stand: the symbol's own caps are therefore part of the request, and the tenth is of what the account
    leaves of it.
    """
    return min(units, caps.symbol_units, caps.symbol / unit_value)


def constrain(units: float, trade: Trade, account: Account, caps: Caps, records: list[CheckRecord]) -> float:
    """The units that the exposure caps leave, each cap's record appended; stops after the first that leaves nothing.

    Args:
        units: wanted, > 0.
        trade: instrument, direction, what is held, value of a unit.
        account: valued at the trade's price.
        caps: the bounds.
        records: the trail so far; grows.
    """
    instrument, direction, held, value = trade
    signed = direction * held
    symbol, currency = instrument.symbol, instrument.base

    room = caps.symbol_units - signed
    left = _capped(Check.SYMBOL_UNITS, "", units, room, abs(signed + units), caps.symbol_units, records)
    if left <= 0:
        return 0.0
    room = caps.symbol / value - signed
    left = _capped(Check.SYMBOL_EXPOSURE, symbol, left, room, abs(signed + left) * value, caps.symbol, records)
    if left <= 0:
        return 0.0

    exposed = account.exposures
    nets = exposed.currencies
    toward = direction * nets.get(currency, 0.0)
    room = (caps.currency - toward) / value
    left = _capped(Check.BASE_CURRENCY, currency, left, room, abs(toward + left * value), caps.currency, records)
    if left <= 0:
        return 0.0
    if instrument.quote:
        toward = -direction * nets.get(instrument.quote, 0.0)
        room = (caps.currency - toward) / value
        measured = abs(toward + left * value)
        left = _capped(Check.QUOTE_CURRENCY, instrument.quote, left, room, measured, caps.currency, records)
        if left <= 0:
            return 0.0
    else:
        records.append(_NOT_A_PAIR)

    others = exposed.gross if held == 0 else fsum(abs(v) for name, v in exposed.symbols.items() if name != symbol)
    room = max(0.0, caps.gross - others) / value - signed
    left = _capped(Check.GROSS_EXPOSURE, "", left, room, others + abs(signed + left) * value, caps.gross, records)
    if left <= 0:
        return 0.0
    if instrument.quote:
        records.append(CheckRecord(Check.NET_EXPOSURE, _STAGE, _SKIPPED, None, None, left, left, _PAIR))
        return left
    toward = direction * exposed.net
    room = (caps.net - toward) / value
    return _capped(Check.NET_EXPOSURE, "", left, room, abs(toward + left * value), caps.net, records)


def correlation_rule(symbol: str, held: Iterable[str], correlations: Correlations, config: RPMConfig) -> CorrelationFinding:
    """Whether a symbol moves with what is held: |correlation| beyond the threshold multiplies the size once (X-04).

    Args:
        symbol: what is to be traded.
        held: symbols of positions; its own is left out.
        correlations: of returns (or of signed P&L streams), by pair of symbols in either order.
        config: threshold and multiplier.

    Returns:
        The largest in absolute value, of equal ones the first by name; ``multiplier`` 1 where it is within the threshold.
    """
    largest, with_symbol, unknown = 0.0, "", 0
    for other in sorted(held):
        if other == symbol:
            continue
        found = correlations.get((symbol, other))
        if found is None:
            found = correlations.get((other, symbol))
        if found is None:
            unknown += 1
        elif abs(found) > abs(largest) or not with_symbol:
            largest, with_symbol = found, other
    multiplier = config.correlation_multiplier if abs(largest) > config.correlation_threshold else 1.0
    return CorrelationFinding(with_symbol, largest, multiplier, unknown)


def breaches(before: Account, after: Account, instrument: Instrument, caps: Caps) -> int:
    """How many caps the trade breaks or makes worse: measured anew from the two accounts, not from the trade."""
    symbol, was, now = instrument.symbol, before.exposures, after.exposures
    found = _broken(_units(before, symbol), _units(after, symbol), caps.symbol_units)
    found += _broken(was.symbols.get(symbol, 0.0), now.symbols.get(symbol, 0.0), caps.symbol)
    found += _broken(was.gross, now.gross, caps.gross)
    base, quote = instrument.base, instrument.quote
    found += _broken(was.currencies.get(base, 0.0), now.currencies.get(base, 0.0), caps.currency)
    if quote:
        return found + _broken(was.currencies.get(quote, 0.0), now.currencies.get(quote, 0.0), caps.currency)
    return found + _broken(was.net, now.net, caps.net)


def _broken(was: float, now: float, cap: float) -> int:
    return abs(now) > max(abs(was), cap) * (1 + _ROUNDING)


def _capped(
    check: Check, subject: str, units: float, room: float, measured: float, bound: float, records: list[CheckRecord]
) -> float:
    if units <= room:
        records.append(CheckRecord(check, _STAGE, _PASS, measured, bound, units, units, subject))
        return units
    left = max(0.0, room)
    records.append(CheckRecord(check, _STAGE, _ADJUST if left else _REJECT, measured, bound, units, left, subject))
    return left


def _units(account: Account, symbol: str) -> float:
    position = account.positions.get(symbol)
    return 0.0 if position is None else position.exposed
