"""The names the desk may hold and the symbols it only watches (config/universe.yaml)."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from riskdesk_assets.common.errors import nearest
from riskdesk_assets.common.model import StrictModel

PAIR_SEPARATOR = "__"
_SYMBOL = re.compile(r"[A-Z^][A-Z0-9.\-]{0,11}\Z")
RESERVED_SYMBOLS = frozenset({"CASH"})


def checked_symbol(symbol: str) -> str:
    """Return a well-formed exchange symbol unchanged; raise ValueError for anything else."""
    if not _SYMBOL.match(symbol) or symbol in RESERVED_SYMBOLS:
        raise ValueError(f"{symbol!r} is not a symbol: capital letters, digits, '.' or '-', at most 12, and not CASH")
    return symbol


Symbol = Annotated[str, AfterValidator(checked_symbol)]


class Instrument(StrictModel):
    """One tradable name. ``half_spread_bps`` and ``borrow_bps`` (a year) default to the desk's costs when absent."""

    name: str = Field(min_length=1)
    sector: str = Field(min_length=1)
    industry_group: str = Field(min_length=1)
    country: str = Field(min_length=2)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    fragility_class: str | None = Field(default=None, pattern=r"^(NONE|WATCH|SOFT|FRAGILE)$")
    half_spread_bps: float | None = Field(default=None, ge=0, le=1000)
    borrow_bps: float | None = Field(default=None, ge=0, le=100_000)
    lot_size: int = Field(default=1, ge=1)


class Universe(StrictModel):
    """Tradable symbols, context symbols (bars read, never traded), pairs to watch, and the volatility index."""

    symbols: dict[Symbol, Instrument] = Field(min_length=1)
    context: list[Symbol] = Field(default_factory=list)
    pairs: list[tuple[Symbol, Symbol]] = Field(default_factory=list)
    volatility_index: Symbol | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Universe:
        for symbol in self.context:
            if symbol in self.symbols:
                raise ValueError(f"context symbol {symbol} is also tradable: list it once")
        for leg_a, leg_b in self.pairs:
            for leg in (leg_a, leg_b):
                if leg not in self.symbols:
                    raise ValueError(f"pair {leg_a}, {leg_b}: {leg} is not in symbols{nearest(leg, self.symbols)}")
            if leg_a == leg_b:
                raise ValueError(f"pair {leg_a}, {leg_b}: the legs are the same")
        return self

    @cached_property
    def tradable(self) -> tuple[str, ...]:
        """Tradable symbols, sorted."""
        return tuple(sorted(self.symbols))

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """Every symbol with bars: tradable and context, sorted."""
        return tuple(sorted({*self.symbols, *self.context}))


def pair_id(leg_a: str, leg_b: str) -> str:
    """The id of a pair in its written order: ``JPM__BAC``."""
    return f"{leg_a}{PAIR_SEPARATOR}{leg_b}"
