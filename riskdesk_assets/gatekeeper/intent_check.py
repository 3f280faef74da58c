"""Whether an intent can be decided at all: every field a number, a word or a time as it should be."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from math import isfinite
from numbers import Integral, Real

from riskdesk_assets.common.errors import Problem, nearest
from riskdesk_assets.common.universe import checked_symbol
from riskdesk_assets.gatekeeper.config import TAPE_REGIMES
from riskdesk_assets.gatekeeper.schemas import Intent

SOURCE = "trade intent"
LONGEST_ID = 128
LARGEST = 1e15  # of a price or an ATR: beyond, products of two of them leave the floats
SMALLEST = 1e-15
_REGIMES = frozenset(TAPE_REGIMES)


def plain_number(value: object) -> object:
    """A number of another library, a scalar of numpy for one, as Python's own int or float; anything else as it is."""
    if isinstance(value, bool) or type(value) in (int, float):
        return value
    with suppress(OverflowError, ValueError, TypeError):  # what cannot be converted is refused as it is
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            return float(value)
    return value


def plain_numbers(intent: Intent) -> Intent:
    """The intent with every number as Python's own."""
    return Intent(*map(plain_number, intent))  # type: ignore[arg-type]


def problems_of(intent: Intent) -> list[Problem]:
    """Everything wrong with an intent of plain numbers; empty when nothing is."""
    if is_fine(intent):
        return []
    found: list[Problem] = []
    _word(found, "symbol", intent.symbol)
    if not _is_number(intent.direction) or intent.direction not in (1, -1):
        found.append(Problem(SOURCE, None, "direction", f"{_shown(intent.direction)} is no direction", "1, -1"))
    for name in ("confidence_score", "vol_percentile"):
        value = getattr(intent, name)
        if not _is_number(value) or not 0 <= value <= 1:
            found.append(Problem(SOURCE, None, name, f"{_shown(value)} is no fraction", "0 to 1"))
    if not isinstance(intent.regime, str) or intent.regime not in _REGIMES:
        near = nearest(intent.regime, TAPE_REGIMES) if isinstance(intent.regime, str) else ""
        message = f"{_shown(intent.regime)} is no tape regime{near}"
        found.append(Problem(SOURCE, None, "regime", message, ", ".join(TAPE_REGIMES)))
    for name in ("atr", "current_price"):
        if not _is_size(getattr(intent, name)):
            message = f"{_shown(getattr(intent, name))} is no positive amount"
            found.append(Problem(SOURCE, None, name, message, f"{SMALLEST:g} to {LARGEST:g}"))
    if (intent.realized_vol is None) != (intent.baseline_vol is None):
        found.append(Problem(SOURCE, None, "baseline_vol", "realized_vol and baseline_vol go together"))
    for name in ("realized_vol", "baseline_vol"):
        value = getattr(intent, name)
        if value is not None and not (_is_size(value) or (name == "realized_vol" and _is_number(value) and value == 0)):
            found.append(Problem(SOURCE, None, name, f"{_shown(value)} is no volatility", f"{SMALLEST:g} to {LARGEST:g}"))
    if intent.client_order_id is not None and not is_order_id(intent.client_order_id):
        message = f"{_shown(intent.client_order_id)} is no order id"
        found.append(Problem(SOURCE, None, "client_order_id", message, f"1 to {LONGEST_ID} printable characters"))
    if intent.at is not None and (not isinstance(intent.at, datetime) or intent.at.tzinfo is None):
        found.append(Problem(SOURCE, None, "at", f"{_shown(intent.at)} is no time with a zone"))
    return found


def is_order_id(value: object) -> bool:
    """Whether a client's order id can be remembered: text of 1 to 128 printable characters."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isprintable()


def is_fine(intent: Intent) -> bool:
    """The common case, decided quickly; whatever it does not recognise is looked at field by field."""
    symbol, direction, confidence, regime, atr, percentile, price, realized, baseline, order_id, at = intent
    if (
        type(confidence) is not float
        or type(atr) is not float
        or type(percentile) is not float
        or type(price) is not float
        or type(direction) is not int
        or not isinstance(symbol, str)
        or not isinstance(regime, str)
    ):
        return False
    return (
        direction in (1, -1)
        and 0.0 <= confidence <= 1.0
        and regime in _REGIMES
        and SMALLEST <= atr <= LARGEST
        and 0.0 <= percentile <= 1.0
        and SMALLEST <= price <= LARGEST
        and ((realized is None and baseline is None) or (_is_float_size(realized) and _is_float_size(baseline)))
        and (order_id is None or is_order_id(order_id))
        and (at is None or (isinstance(at, datetime) and at.tzinfo is not None))
        and symbol.isascii()
        and symbol.isalpha()
        and symbol.isupper()
        and len(symbol) <= 6
        and symbol != "CASH"
    )


def _word(found: list[Problem], name: str, value: object) -> None:
    try:
        checked_symbol(value if isinstance(value, str) else "")
    except ValueError:
        allowed = "capital letters, digits, '.' or '-', at most 12, and not CASH"
        found.append(Problem(SOURCE, None, name, f"{_shown(value)} is not a symbol", allowed))


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_size(value: object) -> bool:
    return isinstance(value, float | int) and _is_number(value) and SMALLEST <= value <= LARGEST


def _is_float_size(value: object) -> bool:
    return type(value) is float and SMALLEST <= value <= LARGEST


def _shown(value: object) -> str:
    """A value as it was given, at most 40 characters of it; an integer of a million digits is not printed."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return "a huge integer"
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
