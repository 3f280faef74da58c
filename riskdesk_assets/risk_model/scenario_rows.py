"""TABLES["scenarios"]: what each scenario of config/scenarios.yaml does to every tradable name on a session.

A linear scenario has one row per tradable name. One that moves nothing keeps those rows, at zero, with a note that says why.
A CORRELATION scenario, and a HISTORICAL one without any bar, has one row with symbol "" and no return. A HISTORICAL scenario
that is not over on a session has no row there.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from riskdesk_assets.common.errors import nearest
from riskdesk_assets.common.scenarios import HistoricalScenario, ParametricScenario
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.risk_model.rows import SPECIFIC
from riskdesk_assets.risk_model.scenario import Shock, scenario_pnl

PARAMETRIC, CORRELATION, HISTORICAL = "PARAMETRIC", "CORRELATION", "HISTORICAL"
NO_BARS = "no bars of these days"
CLASSES = ("NONE", "WATCH", "SOFT", "FRAGILE")
Exposures = Mapping[str, Mapping[str, float]]


def scenario_rows(
    config: Config,
    instrument_factors: pl.DataFrame,
    instrument_state: pl.DataFrame,
    replay_bars: pl.DataFrame,
    sessions: Sequence[date],
) -> pl.DataFrame:
    """Every scenario on every session.

    Args:
        config: its scenarios and its universe.
        instrument_factors: rows of instrument_factors_daily of the sessions.
        instrument_state: rows of instrument_state of the sessions.
        replay_bars: market.replays.REPLAY_SCHEMA.
        sessions: the sessions wanted.

    Returns:
        TABLES["scenarios"]; shocked_return is a fraction (-0.2 is a fall of 20%).

    Source: methods.md section 10.
    """
    exposures: dict[date, dict[str, dict[str, float]]] = {}
    shared = instrument_factors.filter(pl.col("factor_id") != SPECIFIC).sort("as_of_date", "instrument_id", "factor_id")
    for session, symbol, factor, size in shared.select("as_of_date", "instrument_id", "factor_id", "exposure").iter_rows():
        exposures.setdefault(session, {}).setdefault(symbol, {})[factor] = size
    classes: dict[date, dict[str, str]] = {}
    known = instrument_state.drop_nulls("fragility_class").sort("as_of_date", "symbol")
    for session, symbol, name in known.select("as_of_date", "symbol", "fragility_class").iter_rows():
        classes.setdefault(session, {})[symbol] = name
    replayed = {each.scenario_id: _replayed(each, config, replay_bars) for each in config.scenarios.historical}
    rows: list[dict[str, object]] = []
    for session in sessions:
        groups = _groups(config, classes.get(session, {}))
        for shock in config.scenarios.parametric:
            found = _parametric(shock, config, exposures.get(session, {}), groups)
            rows.extend({"as_of_date": session, "scenario_id": shock.scenario_id, **row} for row in found)
        for past in config.scenarios.historical:
            if past.end <= session:
                rows.extend(
                    {"as_of_date": session, "scenario_id": past.scenario_id, **row} for row in replayed[past.scenario_id]
                )
    return TABLES["scenarios"].frame(rows)


def _row(kind: str, symbol: str, size: float | None, note: str, *, proxied: bool = False) -> dict[str, object]:
    return {"kind": kind, "symbol": symbol, "shocked_return": size, "proxied": proxied, "note": note}


def _parametric(
    scenario: ParametricScenario, config: Config, exposures: Exposures, groups: Mapping[str, frozenset[str]]
) -> Iterator[dict[str, object]]:
    """Rows of one session; targets this universe does not have, or nobody is in today, are left out and told."""
    if scenario.correlation_to_one is not None:
        yield _row(CORRELATION, "", None, "")
        return
    symbols = config.universe.tradable
    asked = {
        "sector": scenario.sectors,
        "group": scenario.groups,
        "fragility": scenario.fragility,
    }
    notes: list[str] = []
    shocks: dict[str, float] = {}
    for kind, targets in asked.items():
        members = {name.removeprefix(f"{kind}:") for name in groups if name.startswith(f"{kind}:")}
        notes += _unknown(kind, targets, members)
        for target in sorted(set(targets) & members):
            shocks[f"{kind}:{target}"] = targets[target]
            if not groups[f"{kind}:{target}"]:
                notes.append(f"no name is {target} today")
    factors = {factor for row in exposures.values() for factor in row}
    notes += _unknown("factor", scenario.factors, factors) + _unknown("name", scenario.names, symbols)
    shock = Shock(
        scenario.scenario_id,
        {factor: size for factor, size in sorted(scenario.factors.items()) if factor in factors},
        shocks,
        {symbol: size for symbol, size in sorted(scenario.names.items()) if symbol in symbols},
    )
    without = [symbol for symbol in symbols if shock.factors and symbol not in exposures]
    covered: Exposures = {symbol: exposures.get(symbol, {}) for symbol in symbols}
    if shock.factors:
        # Every factor of the session stays known where only names outside the universe carry it.
        covered = {**covered, **{symbol: row for symbol, row in exposures.items() if symbol not in symbols}}
    moved = scenario_pnl(dict.fromkeys(symbols, 1.0), shock, groups=groups, exposures=covered)
    for symbol, size in moved.by_name:
        own = [*notes, "no factor exposures today"] if symbol in without and symbol not in shock.names else notes
        # What a name can lose is all of it, however many shocks add up.
        yield _row(PARAMETRIC, symbol, max(size, -1.0), "; ".join(own))


def _groups(config: Config, classes: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Symbols by sector, industry group and the session's fragility class."""
    members: dict[str, set[str]] = {f"fragility:{name}": set() for name in CLASSES}
    for symbol, instrument in sorted(config.universe.symbols.items()):
        members.setdefault(f"sector:{instrument.sector}", set()).add(symbol)
        members.setdefault(f"group:{instrument.industry_group}", set()).add(symbol)
        if symbol in classes:
            members[f"fragility:{classes[symbol]}"].add(symbol)
    return {name: frozenset(found) for name, found in members.items()}


def _unknown(kind: str, targets: Collection[str], known: Collection[str]) -> list[str]:
    return [f"no {kind} {target!r} here{nearest(target, known)}" for target in sorted(targets) if target not in known]


def _replayed(scenario: HistoricalScenario, config: Config, replay_bars: pl.DataFrame) -> tuple[dict[str, object], ...]:
    """Rows of a scenario of history, the same on every session; a name without bars takes its group's mean, else all names'."""
    rows = replay_bars.filter(pl.col("scenario_id") == scenario.scenario_id).sort("as_of_date", "symbol")
    before = _prices(rows.filter(pl.col("as_of_date") < scenario.start))
    after = _prices(rows.filter(pl.col("as_of_date").is_between(scenario.start, scenario.end)))
    instruments = config.universe.symbols
    own = {
        symbol: after[symbol] / before[symbol] - 1.0
        for symbol in config.universe.tradable
        if {symbol} <= before.keys() & after.keys()
    }
    if not own:
        return (_row(HISTORICAL, "", None, NO_BARS),)
    everyone = math.fsum(own.values()) / len(own)
    found: list[dict[str, object]] = []
    for symbol in config.universe.tradable:
        if symbol in own:
            found.append(_row(HISTORICAL, symbol, own[symbol], ""))
            continue
        group = instruments[symbol].industry_group
        peers = [size for name, size in own.items() if instruments[name].industry_group == group]
        mean = math.fsum(peers) / len(peers) if peers else everyone
        note = f"{NO_BARS}: the mean of {f'group {group}' if peers else 'all names'}"
        found.append(_row(HISTORICAL, symbol, mean, note, proxied=True))
    return tuple(found)


def _prices(rows: pl.DataFrame) -> dict[str, float]:
    """The newest usable adjusted close of each symbol."""
    found = rows.filter(pl.col("adj_close").is_finite() & (pl.col("adj_close") > 0)).sort("as_of_date", "symbol")
    return dict(found.select("symbol", "adj_close").iter_rows())
