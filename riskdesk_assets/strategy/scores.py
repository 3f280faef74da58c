"""TABLES["instrument_scores"]: what each research mandate expects of each name, from the pairs' z-scores or from a file.

A score is in standard deviations. A pair's z pushes leg A by -z and leg B by +z x sign(beta), for a spread that is high is
expected to fall. A pair weighs conviction / 5 of its strongest ticket in force, and one without a ticket as much as the least
conviction: a signal nobody backs still says something. A mandate that names strategies of the library hears the pairs of their
tickets in force alone. Of pairs that agree and pairs that contradict each other the sum over the root of the squared weights
keeps the scale of one z; the confidence is how much they agree, |sum| / sum of |pushes|, for nothing else tells apart a name
its pairs hold no view on from one they quarrel about.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.portfolios import PAIR_REVERSION, PortfolioConfig, ScoreSettings
from riskdesk_assets.common.sample_statistics import SESSIONS_A_YEAR
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES

FILE = "file"
MOST_CONVICTION = 5
COLUMNS = ("instrument", "date", "score", "confidence")
_MOST_PROBLEMS = 20
# session -> instrument -> (score, confidence)
Scores = dict[date, dict[str, tuple[float, float]]]


def instrument_scores(
    config: Config,
    folder: Path | None,
    pair_state: pl.DataFrame,
    instrument_state: pl.DataFrame,
    ticket_snapshots: pl.DataFrame,
    sessions: Sequence[date],
    all_sessions: Sequence[date],
) -> tuple[pl.DataFrame, dict[str, InputError]]:
    """Scores of every research mandate on every session.

    Args:
        config: mandates, universe, breakdown_z and min_beta.
        folder: the configuration folder that score files are relative to; None leaves mandates with a file out (replay).
        pair_state: rows of the sessions.
        instrument_state: rows of the sessions.
        ticket_snapshots: rows of the sessions.
        sessions: the sessions wanted.
        all_sessions: the exchange's sessions, ascending; a file's row is as old as the sessions after its date.

    Returns:
        The rows, and per mandate whose file cannot be used (it then has no rows) why.

    Source: Grinold, "Alpha is Volatility Times IC Times Score" (1994), for expected_return, a fraction per day.
    """
    heard: dict[frozenset[str], Scores] = {}
    daily: dict[date, dict[str, float]] = {}
    known = instrument_state.drop_nulls("vol_20").sort("as_of_date", "symbol").select("as_of_date", "symbol", "vol_20")
    for session, symbol, annual in known.iter_rows():
        daily.setdefault(session, {})[symbol] = annual / math.sqrt(SESSIONS_A_YEAR)
    rows: list[dict[str, object]] = []
    unusable: dict[str, InputError] = {}
    for mandate in config.mandates:
        settings = _settings(mandate)
        if settings.path is None:
            named = frozenset(mandate.strategies)
            if named not in heard:
                heard[named] = _from_pairs(config, pair_state, ticket_snapshots, sessions, named)
            found = heard[named]
        else:
            if folder is None:
                continue
            try:
                found = scores_of_file(
                    folder / settings.path, config, sessions, all_sessions, horizon=settings.horizon_sessions
                )
            except InputError as error:
                unusable[mandate.portfolio_id] = error
                continue
        for session in sessions:
            rows += _rows(mandate, settings, session, found.get(session, {}), daily.get(session, {}), config)
    return TABLES["instrument_scores"].frame(rows), unusable


def scores_of_file(
    path: Path, config: Config, sessions: Sequence[date], all_sessions: Sequence[date], *, horizon: int
) -> Scores:
    """Per session the newest row of each instrument at or before it, at most ``horizon`` sessions old.

    Raises:
        InputError: the file cannot be read, or holds an unknown instrument, a date or number that is none, a confidence
            outside [0, 1], or an instrument twice on one date.
    """
    by_name = _checked(path, _rows_of_file(path), config)
    found: Scores = {}
    places = {session: place for place, session in enumerate(all_sessions)}
    for session in sessions:
        oldest = all_sessions[max(0, places[session] - horizon)]
        for symbol, rows in by_name.items():
            fresh = [day for day in rows if oldest <= day <= session]
            if fresh:
                found.setdefault(session, {})[symbol] = rows[max(fresh)]
    return found


def _settings(mandate: PortfolioConfig) -> ScoreSettings:
    if mandate.scores is None:
        raise ValueError(f"{mandate.portfolio_id} has no scores")
    return mandate.scores


def _rows(
    mandate: PortfolioConfig,
    settings: ScoreSettings,
    session: date,
    scores: Mapping[str, tuple[float, float]],
    daily: Mapping[str, float],
    config: Config,
) -> list[dict[str, object]]:
    scale = settings.information_coefficient / math.sqrt(settings.horizon_sessions)
    found: list[dict[str, object]] = []
    for symbol in config.universe.tradable:
        score, confidence = scores.get(symbol, (0.0, 0.0))
        found.append(
            {
                "as_of_date": session,
                "portfolio_id": mandate.portfolio_id,
                "instrument_id": symbol,
                "score": score,
                "confidence": confidence,
                "expected_return": scale * daily[symbol] * score * confidence if symbol in daily else None,
                "source": settings.source,
            }
        )
    return found


def _from_pairs(
    config: Config, pair_state: pl.DataFrame, tickets: pl.DataFrame, sessions: Sequence[date], strategies: frozenset[str]
) -> Scores:
    """Per session the score and confidence of every name with a pair that the strategies stand for."""
    most, least_beta = config.desk.features.breakdown_z, config.desk.controller.min_beta
    conviction: dict[tuple[date, str], int] = {}
    in_force = tickets.filter(pl.col("status") == "IN_FORCE").drop_nulls(["pair_id", "conviction"])
    every_pair = PAIR_REVERSION in strategies
    if not every_pair:
        in_force = in_force.filter(pl.col("strategy").is_in(sorted(strategies)))
    for session, pair, level in in_force.select("as_of_date", "pair_id", "conviction").iter_rows():
        conviction[session, pair] = max(level, conviction.get((session, pair), 1))
    pushes: dict[date, dict[str, list[tuple[float, float]]]] = {session: {} for session in sessions}
    columns = ("as_of_date", "pair_id", "leg_a", "leg_b", "zscore", "beta", "extreme_z")
    for session, pair, leg_a, leg_b, z, beta, extreme in pair_state.sort("as_of_date", "pair_id").select(columns).iter_rows():
        if session not in pushes or z is None or beta is None or extreme or not (math.isfinite(z) and math.isfinite(beta)):
            continue
        if least_beta is not None and beta < least_beta:
            continue
        if not every_pair and (session, pair) not in conviction:
            continue
        weight = conviction.get((session, pair), 1) / MOST_CONVICTION
        clipped = max(-most, min(most, z))
        names = pushes[session]
        names.setdefault(leg_a, []).append((weight, -clipped))
        names.setdefault(leg_b, []).append((weight, math.copysign(1.0, beta) * clipped if beta else 0.0))
    return {session: {name: _combined(found) for name, found in names.items()} for session, names in pushes.items()}


def _combined(pushes: Sequence[tuple[float, float]]) -> tuple[float, float]:
    total = math.fsum(weight * push for weight, push in pushes)
    size = math.fsum(abs(weight * push) for weight, push in pushes)
    root = math.sqrt(math.fsum(weight * weight for weight, _ in pushes))
    return total / root, min(1.0, abs(total) / size) if size else 0.0


def _rows_of_file(path: Path) -> list[tuple[object, ...]]:
    """The file's four columns; of a CSV as text.

    Parquet is read by DuckDB, for a damaged file is an error there and can end the process in polars.
    """
    import duckdb

    # DuckDB hands over text that is none as ValueError or RuntimeError.
    unreadable = (pl.exceptions.PolarsError, duckdb.Error, OSError, ValueError, RuntimeError, OverflowError, MemoryError)
    suffix = path.suffix.lower()
    if suffix not in {".csv", ".parquet"}:
        raise InputError(Problem(str(path), None, "", "is no file of scores", "a .csv or .parquet file"))
    try:
        columns, rows = _csv(path) if suffix == ".csv" else _parquet(path)
    except unreadable as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(Problem(str(path), None, "", f"cannot be read: {reason}", "a CSV or Parquet file")) from error
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        line = 1 if suffix == ".csv" else None
        raise InputError(Problem(str(path), line, missing[0], "is not a column", ", ".join(COLUMNS)))
    return rows


def _csv(path: Path) -> tuple[Sequence[str], list[tuple[object, ...]]]:
    """The file's columns and, when all of COLUMNS are among them, its rows."""
    frame = pl.read_csv(path, infer_schema=False)
    return frame.columns, frame.select(COLUMNS).rows() if set(COLUMNS) <= set(frame.columns) else []


def _parquet(path: Path) -> tuple[Sequence[str], list[tuple[object, ...]]]:
    """As _csv; a moment in time counts as its day (UTC where it names a zone)."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path.name}")
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        table = connection.read_parquet(str(path), hive_partitioning=False)
        types = dict(zip(table.columns, map(str, table.types), strict=True))
        if not set(COLUMNS) <= types.keys():
            return table.columns, []
        moment = types["date"].startswith("TIMESTAMP")
        wanted = ", ".join('CAST("date" AS DATE)' if name == "date" and moment else f'"{name}"' for name in COLUMNS)
        return table.columns, table.project(wanted).fetchall()


def _checked(path: Path, rows: Sequence[tuple[object, ...]], config: Config) -> dict[str, dict[date, tuple[float, float]]]:
    """instrument -> date -> (score, confidence); every unusable value is told, up to twenty."""
    csv = path.suffix.lower() == ".csv"
    problems: list[Problem] = []
    found: dict[str, dict[date, tuple[float, float]]] = {}
    known = config.universe.tradable

    def wrong(row: int, field: str, message: str, allowed: str) -> None:
        problems.append(Problem(str(path), row if csv else None, field, message if csv else f"row {row}: {message}", allowed))

    # A CSV's rows are numbered as an editor shows its lines.
    for row, (symbol, day, score, confidence) in enumerate(rows, start=2 if csv else 1):
        before = len(problems)
        when, size, trust = _day(day), _number(score), _number(confidence)
        if symbol not in known:
            wrong(row, "instrument", f"{symbol!r} is not in the universe{nearest(str(symbol), known)}", "a tradable name")
        if when is None:
            wrong(row, "date", f"{day!r} is not a date", "a date such as 2024-03-28")
        if size is None:
            wrong(row, "score", f"{score!r} is not a number", "a finite number of standard deviations")
        if trust is None or not 0 <= trust <= 1:
            wrong(row, "confidence", f"{confidence!r} is not a confidence", "a number from 0 to 1")
        if not isinstance(symbol, str) or when is None or size is None or trust is None or len(problems) > before:
            continue
        if when in found.setdefault(symbol, {}):
            wrong(row, "date", f"{symbol} has a second score on {when}", "one row per instrument and date")
        found[symbol][when] = (size, trust)
    if problems:
        raise InputError(problems[:_MOST_PROBLEMS])
    return dict(sorted(found.items()))


def _day(value: object) -> date | None:
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    try:
        return date.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
