"""The facts of every session against their plain definition, and how little is held twice."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.facts import facts_by_session, facts_digest
from riskdesk_assets.limits.fact_limits import NO_FACTS, SessionFacts
from riskdesk_assets.risk_model.rows import SPECIFIC

DAYS = tuple(date(2024, 1, 1) + timedelta(days=day) for day in range(150))
NAMES = ("BAC", "C", "JPM")
SIZES = st.sampled_from([-0.2, 0.0, -0.0, 0.1, 1.0])
Rows = list[dict[str, object]]


def exposure(day: date, name: str, factor: str, size: float) -> dict[str, object]:
    return {"as_of_date": day, "instrument_id": name, "factor_id": factor, "exposure": size, "model_id": "factor-v1"}


def shock(day: date, name: str, scenario: str, size: float | None) -> dict[str, object]:
    common = {"as_of_date": day, "kind": "PARAMETRIC", "proxied": False, "note": ""}
    return {**common, "scenario_id": scenario, "symbol": name, "shocked_return": size}


def classes(day: date, name: str, found: str | None) -> dict[str, object]:
    return {**dict.fromkeys(TABLES["instrument_state"].columns), "as_of_date": day, "symbol": name, "fragility_class": found}


def facts(exposures: Rows, states: Rows, shocks: Rows) -> dict[date, SessionFacts]:
    frames = (
        TABLES[name].frame(rows)
        for name, rows in (("instrument_factors_daily", exposures), ("instrument_state", states), ("scenarios", shocks))
    )
    return facts_by_session(*frames, DAYS)


def plain(rows: Rows, day: date, outer: str, inner: str, value: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for row in sorted(rows, key=lambda row: (row[outer], row[inner])):
        if row["as_of_date"] == day and row[outer] != SPECIFIC and row[value] is not None:
            found.setdefault(str(row[outer]), {})[str(row[inner])] = row[value]
    return found


holders = st.tuples(st.sampled_from(DAYS), st.sampled_from(NAMES))
cells = st.tuples(st.sampled_from(DAYS), st.sampled_from(NAMES), st.sampled_from(["market", "size", SPECIFIC]))


@given(
    exposed=st.dictionaries(cells, SIZES, max_size=40),
    shocked=st.dictionaries(cells, st.one_of(st.none(), SIZES), max_size=40),
    frail=st.dictionaries(
        st.tuples(st.sampled_from(DAYS), st.sampled_from(NAMES)), st.sampled_from(["SOFT", None]), max_size=9
    ),
)
@settings(max_examples=60, deadline=None)
def test_a_session_says_what_its_rows_say(
    exposed: dict[tuple[date, str, str], float],
    shocked: dict[tuple[date, str, str], float | None],
    frail: dict[tuple[date, str], str | None],
) -> None:
    exposures = [exposure(day, name, factor, size) for (day, name, factor), size in exposed.items()]
    shocks = [shock(day, name, f"of {scenario}", size) for (day, name, scenario), size in shocked.items()]
    states = [classes(day, name, found) for (day, name), found in frail.items()]
    got = facts(exposures, states, shocks)
    assert tuple(got) == DAYS
    for day in DAYS:
        wanted = SessionFacts(
            plain(exposures, day, "factor_id", "instrument_id", "exposure"),  # type: ignore[arg-type]
            {name: found for (when, name), found in sorted(frail.items()) if when == day and found is not None},
            plain(shocks, day, "scenario_id", "symbol", "shocked_return"),  # type: ignore[arg-type]
        )
        # As text: an equality would take -0.0 for 0.0, and any order of keys.
        assert repr(got[day]) == repr(wanted)
        assert facts_digest(got[day]) == facts_digest(wanted)


def test_a_session_nothing_is_said_of_has_no_facts() -> None:
    got = facts([exposure(DAYS[3], "BAC", SPECIFIC, 0.01)], [], [shock(DAYS[4], "", "no one moves", None)])
    assert set(map(id, got.values())) == {id(NO_FACTS)}


def test_what_is_said_again_on_the_next_session_is_held_once_and_a_zero_keeps_its_sign() -> None:
    sizes = [-0.2] * 100 + [0.0, -0.0] + [-0.2] * 48
    shocks = [shock(day, name, "crash", size) for day, size in zip(DAYS, sizes, strict=True) for name in NAMES]
    got = [found.scenario_returns["crash"] for found in facts([], [], shocks).values()]
    assert len({id(values) for values in got}) == 4
    assert [repr(values["JPM"]) for values in got[99:103]] == ["-0.2", "0.0", "-0.0", "-0.2"]


def test_packed_exposures_say_the_same() -> None:
    rows = [exposure(day, name, factor, 0.5) for day in DAYS[:3] for name in NAMES for factor in ("size", "market", SPECIFIC)]
    frame = TABLES["instrument_factors_daily"].frame(rows)
    empty = (TABLES["instrument_state"].frame([]), TABLES["scenarios"].frame([]))
    packed = frame.with_columns(pl.col("instrument_id", "factor_id", "model_id").cast(pl.Categorical))
    assert repr(facts_by_session(packed, *empty, DAYS)) == repr(facts_by_session(frame, *empty, DAYS))
