"""What a symbol is: a pair of currencies, or a share in one currency; and what a unit of it is worth in the account's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

# ISO 4217 codes of national currencies in use, and gold and silver.
_CODES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNH CNY COP CRC
    CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK
    JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
    MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
    STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XAG XAU XCD XOF XPF YER ZAR ZMW
"""
CURRENCIES = frozenset(_CODES.split())
PAIR_LENGTH = 6
_KEPT = 4096  # symbols whose instrument is remembered: callers may name any number of them


class Instrument(NamedTuple):
    """``base`` and ``quote`` of a currency pair; for anything else ``base`` is its currency and ``quote`` is empty."""

    symbol: str
    base: str
    quote: str = ""


class UnitValue(NamedTuple):
    """Account currency per unit of the symbol, and per unit of the currency its price is in."""

    unit: float
    quote: float


def instrument_of(symbol: str, currencies: Mapping[str, str], account_currency: str) -> Instrument:
    """EURUSD is EUR against USD (RPM-22); another symbol is in the currency ``currencies`` gives it, else in the account's."""
    named = currencies.get(symbol)
    if named is not None:
        return _share(symbol, named)
    return _pair(symbol) or _share(symbol, account_currency)


@lru_cache(maxsize=_KEPT)
def _pair(symbol: str) -> Instrument | None:
    base, quote = symbol[:3], symbol[3:]
    if len(symbol) == PAIR_LENGTH and base != quote and base in CURRENCIES and quote in CURRENCIES:
        return Instrument(symbol, base, quote)
    return None


@lru_cache(maxsize=_KEPT)
def _share(symbol: str, currency: str) -> Instrument:
    return Instrument(symbol, currency)


def unit_value(instrument: Instrument, price: float, rates: Mapping[str, float], account_currency: str) -> UnitValue | None:
    """What a unit is worth; None when no rate leads from the instrument's currencies to the account's.

    A unit of EURUSD at 1.10 is 1.10 dollars; one of USDJPY is 1 dollar; one of EURJPY needs a rate of JPY, or of EUR.

    Args:
        instrument: what is priced.
        price: in its quote currency, > 0.
        rates: account currency per unit of a currency.
        account_currency: ISO code.
    """
    priced_in = instrument.quote or instrument.base
    if priced_in == account_currency:
        return UnitValue(price, 1.0)
    if instrument.quote and instrument.base == account_currency:
        return UnitValue(1.0, 1.0 / price)
    rate = rates.get(priced_in)
    if rate is not None:
        return UnitValue(price * rate, rate)
    rate = rates.get(instrument.base) if instrument.quote else None
    return None if rate is None else UnitValue(rate, rate / price)
