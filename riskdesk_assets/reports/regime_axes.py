"""The two regimes of a session, side by side and never merged: the market's, one word a day, and the tape's, one per name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from riskdesk_assets.gatekeeper.config import TAPE_REGIMES


@dataclass(frozen=True)
class RegimeAxes:
    """``market``: Calm, Normal, Event, or None where it is not known, with its z-scores; ``tape``: symbol -> regime.

    ``stress_bps``: symbol -> the spread that its highs and lows suggest (Corwin and Schultz), in basis points: an indicator of
    stress beside the tape regime, read by nothing.
    """

    market: str | None
    volatility_z: float | None
    dispersion_z: float | None
    volatility_source: str
    tape: Mapping[str, str]
    stress_bps: Mapping[str, float] = field(default_factory=dict)

    @property
    def tape_counts(self) -> dict[str, int]:
        """How many names have each tape regime, in the order of TAPE_REGIMES; those nobody has are left out."""
        found = list(self.tape.values())
        return {regime: found.count(regime) for regime in TAPE_REGIMES if regime in found}

    def tape_of(self, symbols: Iterable[str]) -> dict[str, str]:
        """The tape regime of these symbols, where known."""
        return {symbol: self.tape[symbol] for symbol in symbols if symbol in self.tape}


NO_REGIMES = RegimeAxes(None, None, None, "", {})


def regime_axes(market_regime: pl.DataFrame, instrument_state: pl.DataFrame) -> RegimeAxes:
    """Both axes of one session.

    Args:
        market_regime: its row of market_regime; empty where there is none.
        instrument_state: its rows of instrument_state.
    """
    day = market_regime.row(0, named=True) if market_regime.height else {}
    names = instrument_state.drop_nulls("tape_regime").sort("symbol").select("symbol", "tape_regime")
    stress = instrument_state.drop_nulls("corwin_schultz_bps").sort("symbol").select("symbol", "corwin_schultz_bps")
    return RegimeAxes(
        market=day.get("regime"),
        volatility_z=day.get("volatility_z"),
        dispersion_z=day.get("dispersion_z"),
        volatility_source=str(day.get("volatility_source") or ""),
        tape=dict(names.iter_rows()),
        stress_bps=dict(stress.iter_rows()),
    )


def market_words(axes: RegimeAxes) -> str:
    """``Calm (volatility z -0.52 of ^VIX, dispersion z -0.11)``, or that it is not known."""
    if axes.market is None:
        return "unknown: too little history for its z-scores"
    volatility = f"volatility z {_z(axes.volatility_z)} of {axes.volatility_source}"
    return f"{axes.market} ({volatility}, dispersion z {_z(axes.dispersion_z)})"


def tape_words(axes: RegimeAxes) -> str:
    """``14 RANGING, 8 TRENDING``: how many names have which."""
    return ", ".join(f"{count} {regime}" for regime, count in axes.tape_counts.items()) or "none known"


def _z(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"
