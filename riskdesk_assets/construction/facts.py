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
    shared = instrument_factors.filter(pl.col("factor_id") != SPECIFIC)
    exposures = _nested(shared, "factor_id", "instrument_id", "exposure")
    returns = _nested(scenarios.drop_nulls("shocked_return"), "scenario_id", "symbol", "shocked_return")
    classes: dict[date, dict[str, str]] = {}
    known = instrument_state.drop_nulls("fragility_class").sort("as_of_date", "symbol")
    for session, symbol, name in known.select("as_of_date", "symbol", "fragility_class").iter_rows():
        classes.setdefault(session, {})[symbol] = name
    return {
        session: SessionFacts(exposures.get(session, {}), classes.get(session, {}), returns.get(session, {}))
        if session in exposures or session in classes or session in returns
        else NO_FACTS
        for session in sessions
    }


def facts_digest(facts: SessionFacts) -> str:
    """SHA-256 of what the facts say; numbers enter by their exact bits."""
    numbers = (facts.exposures, facts.scenario_returns)
    said = [[[name, list(values)] for name, values in nested.items()] for nested in numbers]
    bits = b"".join(array("d", values.values()).tobytes() for nested in numbers for values in nested.values())
    return digest_bytes(canonical_json([*said, facts.fragility_classes]).encode() + b"\n" + bits)


def _nested(frame: pl.DataFrame, outer: str, inner: str, value: str) -> dict[date, Nested]:
    """session -> outer -> inner -> value, in sorted order whatever the order of rows.

    What says the same as on the session before (a crash lived through again) is the same object, and every name is: years of
    sessions then take a third of the memory.
    """
    found: dict[date, Nested] = {}
    said: dict[str, tuple[object, dict[str, float]]] = {}
    names: dict[str, str] = {}
    ordered = frame.sort("as_of_date", outer, inner).select("as_of_date", outer, inner, value)
    for (session, first), rows in groupby(ordered.iter_rows(), key=itemgetter(0, 1)):
        values = {names.setdefault(second, second): number for _, _, second, number in rows}
        # By their bits: 0.0 equals -0.0, and a hash tells them apart.
        content = (tuple(values), array("d", values.values()).tobytes())
        if first not in said or said[first][0] != content:
            said[first] = content, values
        found.setdefault(session, {})[names.setdefault(first, first)] = said[first][1]
    return found
