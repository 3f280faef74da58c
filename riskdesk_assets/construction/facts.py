"""What a session's limits are about beyond notionals, cut from the tables: exposures, fragility classes, scenario returns."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter

import polars as pl

from riskdesk_assets.common.hashing import canonical_json, digest_bytes
from riskdesk_assets.limits.fact_limits import NO_FACTS, SessionFacts
from riskdesk_assets.risk_model.rows import SPECIFIC

Nested = dict[str, dict[str, float]]
_STRETCH = 63
"""Sessions read together: long enough that finding them costs nothing, short enough to sort in little memory."""


def facts_by_session(
    instrument_factors: pl.DataFrame, instrument_state: pl.DataFrame, scenarios: pl.DataFrame, sessions: Sequence[date]
) -> dict[date, SessionFacts]:
    """The facts of every session; NO_FACTS where the tables say nothing of it.

    Args:
        instrument_factors: rows of instrument_factors_daily; exposures to SPECIFIC are no factor's and are left out.
        instrument_state: rows of instrument_state.
        scenarios: rows of scenarios; one without a shocked return moves nothing.
        sessions: the sessions wanted.
    """
    found: dict[date, SessionFacts] = dict.fromkeys(sessions, NO_FACTS)
    exposed, shocked = _Said(), _Said()
    for start in range(0, len(sessions), _STRETCH):
        some = sessions[start : start + _STRETCH]
        here = pl.col("as_of_date").is_in(list(some))
        shared = instrument_factors.filter(here, pl.col("factor_id") != SPECIFIC)
        exposures = _nested(shared, ("factor_id", "instrument_id", "exposure"), exposed)
        moving = scenarios.filter(here, pl.col("shocked_return").is_not_null())
        returns = _nested(moving, ("scenario_id", "symbol", "shocked_return"), shocked)
        classes: dict[date, dict[str, str]] = {}
        known = instrument_state.filter(here, pl.col("fragility_class").is_not_null()).sort("as_of_date", "symbol")
        for session, symbol, name in known.select("as_of_date", "symbol", "fragility_class").iter_rows():
            classes.setdefault(session, {})[symbol] = name
        for session in exposures.keys() | classes.keys() | returns.keys():
            found[session] = SessionFacts(exposures.get(session, {}), classes.get(session, {}), returns.get(session, {}))
    return found


def facts_digest(facts: SessionFacts) -> str:
    """SHA-256 of what the facts say; numbers enter by their exact bits."""
    numbers = (facts.exposures, facts.scenario_returns)
    said = [[[name, list(values)] for name, values in nested.items()] for nested in numbers]
    bits = b"".join(array("d", values.values()).tobytes() for nested in numbers for values in nested.values())
    return digest_bytes(canonical_json([*said, facts.fragility_classes]).encode() + b"\n" + bits)


class _Said:
    """What was last said of each name, so that what says the same again is the same object, and so is every name.

    Many scenarios say on a session what they said on the one before: years of sessions then take a third of the memory.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._last: dict[str, tuple[object, dict[str, float]]] = {}

    def name(self, text: str) -> str:
        """The text, as the one object that stands for it."""
        return self._names.setdefault(text, text)

    def values(self, name: str, values: dict[str, float]) -> dict[str, float]:
        """The values, as the object that said the same of the name before where there is one."""
        # By their bits: 0.0 equals -0.0, and a hash tells them apart.
        content = (tuple(values), array("d", values.values()).tobytes())
        if name not in self._last or self._last[name][0] != content:
            self._last[name] = content, values
        return self._last[name][1]


def _nested(frame: pl.DataFrame, columns: tuple[str, str, str], said: _Said) -> dict[date, Nested]:
    """session -> outer -> inner -> value of the named columns, in sorted order whatever the order of rows."""
    found: dict[date, Nested] = {}
    ordered = frame.select("as_of_date", *columns).sort("as_of_date", *columns[:2])
    for (session, outer), rows in groupby(ordered.iter_rows(), key=itemgetter(0, 1)):
        values = {said.name(inner): value for _, _, inner, value in rows}
        found.setdefault(session, {})[said.name(outer)] = said.values(outer, values)
    return found
