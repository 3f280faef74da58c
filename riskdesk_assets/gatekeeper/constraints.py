"""Portfolio constraints of document 003: what each leaves of a size, in the document's sequence.

Every cap asks how many units of this trade keep its own quantity within the bound, whichever of the orders that wait are
filled: a purchase moves the upper end of each range it touches, a sale the lower one, and that end is what the cap holds. So a
trade that lowers a quantity is never held up by it, one whose end is beyond its bound already may not move it on, and no subset
of approved orders, filled in any order, passes a cap that was not passed before. A pair of currencies counts in its symbol, its
two currencies and gross; net is of what is not a pair, for a pair is long one currency and short another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from riskdesk_assets.gatekeeper.account import Reach, worse_end
from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.instruments import Instrument
from riskdesk_assets.gatekeeper.trail import Check, CheckRecord, Outcome, Stage, checked

Correlations = Mapping[tuple[str, str], float]

_PASS, _ADJUST, _REJECT, _SKIPPED = Outcome.PASS, Outcome.ADJUST, Outcome.REJECT, Outcome.SKIPPED
_STAGE = Stage.CONSTRAINTS
# Members by a name of the module: to look one up in its class takes longer than to compare a size with a cap.
_BASE_CURRENCY = Check.BASE_CURRENCY
_GROSS_EXPOSURE = Check.GROSS_EXPOSURE
_NET_EXPOSURE = Check.NET_EXPOSURE
_QUOTE_CURRENCY = Check.QUOTE_CURRENCY
_SYMBOL_EXPOSURE = Check.SYMBOL_EXPOSURE
_SYMBOL_UNITS = Check.SYMBOL_UNITS
_NOT_A_PAIR = CheckRecord(_QUOTE_CURRENCY, _STAGE, _SKIPPED, None, None, 0.0, 0.0, "not a pair of currencies")
_PAIR = "a pair of currencies has no net exposure of its own"
_ROUNDING = 1e-9


class Caps(NamedTuple):
    """The bounds in dollars, but ``symbol_units`` in units."""

    symbol_units: float
    symbol: float
    currency: float
    gross: float
    net: float


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


def constrain(
    units: float,
    instrument: Instrument,
    direction: int,
    unit_value: float,
    reach: Reach,
    caps: Caps,
    records: list[CheckRecord],
) -> float:
    """The units that the exposure caps leave, each cap's record appended; stops after the first that leaves nothing.

    Args:
        units: wanted, > 0.
        instrument: what is traded.
        direction: 1 buys, -1 sells.
        unit_value: dollars per unit.
        reach: the account's ranges, valued at the trade's price.
        caps: the bounds.
        records: the trail so far; grows.
    """
    units_low, units_high, _, _, base_low, base_high, quote_low, quote_high, net_low, net_high, others = reach
    symbol, base, quote = instrument
    buys = direction > 0
    # How far the end that this trade moves stands toward its own side: negative where the trade reduces first.
    end, far = (units_high, units_low) if buys else (-units_low, -units_high)

    left = _capped(_SYMBOL_UNITS, "", units, caps.symbol_units - end, abs(end + units), caps.symbol_units, records)
    if left <= 0:
        return 0.0
    room = caps.symbol / unit_value - end
    left = _capped(_SYMBOL_EXPOSURE, symbol, left, room, abs(end + left) * unit_value, caps.symbol, records)
    if left <= 0:
        return 0.0

    toward = base_high if buys else -base_low
    room = (caps.currency - toward) / unit_value
    left = _capped(_BASE_CURRENCY, base, left, room, abs(toward + left * unit_value), caps.currency, records)
    if left <= 0:
        return 0.0
    if quote:
        toward = -quote_low if buys else quote_high
        room = (caps.currency - toward) / unit_value
        left = _capped(_QUOTE_CURRENCY, quote, left, room, abs(toward + left * unit_value), caps.currency, records)
        if left <= 0:
            return 0.0
    else:
        records.append(_NOT_A_PAIR)

    room = max(0.0, caps.gross - others) / unit_value - end
    measured = others + abs(worse_end(far, end + left)) * unit_value
    left = _capped(_GROSS_EXPOSURE, "", left, room, measured, caps.gross, records)
    if left <= 0:
        return 0.0
    if quote:
        records.append(checked(_NET_EXPOSURE, _STAGE, _SKIPPED, None, None, left, left, _PAIR))
        return left
    toward = net_high if buys else -net_low
    room = (caps.net - toward) / unit_value
    return _capped(_NET_EXPOSURE, "", left, room, abs(toward + left * unit_value), caps.net, records)


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


def breaches(was: Reach, now: Reach, caps: Caps) -> int:
    """How many caps the trade breaks or makes worse, from the ranges measured before it and anew after it."""
    units_low, units_high, symbol_low, symbol_high, base_low, base_high, quote_low, quote_high, net_low, net_high, others = now
    units, symbol, currency, gross, net = caps
    after = others + abs(worse_end(symbol_low, symbol_high))
    if (
        -units <= units_low
        and units_high <= units
        and -symbol <= symbol_low
        and symbol_high <= symbol
        and -currency <= base_low
        and base_high <= currency
        and -currency <= quote_low
        and quote_high <= currency
        and -net <= net_low
        and net_high <= net
        and after <= gross
    ):
        return 0
    found = int(_broken(was.units_low, was.units_high, units_low, units_high, units))
    found += _broken(was.symbol_low, was.symbol_high, symbol_low, symbol_high, symbol)
    found += _broken(was.base_low, was.base_high, base_low, base_high, currency)
    found += _broken(was.quote_low, was.quote_high, quote_low, quote_high, currency)
    found += _broken(was.net_low, was.net_high, net_low, net_high, net)
    before = was.others + abs(worse_end(was.symbol_low, was.symbol_high))
    return found + (after > max(before, gross) * (1 + _ROUNDING))


def _broken(was_low: float, was_high: float, low: float, high: float, cap: float) -> bool:
    """Whether either end moved on beyond the cap."""
    return high > max(was_high, cap) * (1 + _ROUNDING) or -low > max(-was_low, cap) * (1 + _ROUNDING)


def _capped(
    check: Check, subject: str, units: float, room: float, measured: float, bound: float, records: list[CheckRecord]
) -> float:
    if units <= room:
        records.append(checked(check, _STAGE, _PASS, measured, bound, units, units, subject))
        return units
    left = max(0.0, room)
    records.append(checked(check, _STAGE, _ADJUST if left else _REJECT, measured, bound, units, left, subject))
    return left
