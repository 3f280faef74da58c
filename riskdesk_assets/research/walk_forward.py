"""Walk-forward: choosing a configuration on what was known, trading it on what comes next, and choosing again.

Every candidate is walked over the whole range on its own. Before each trading window the candidate with the best criterion on
the sessions so far (an expanding formation window) is chosen; P&L counts there only if it was known by the window's last
session, and ``purge_sessions`` are left out between that session and the first one traded. What is traded is one desk: a window
starts from the state the one before left behind, whatever configuration made it, so turning from one to the other costs what it
costs. The result is out of sample throughout; its equity is that desk's.

Source: Pardo (2008), "The Evaluation and Optimization of Trading Strategies"; purging as in methods.md section 12.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.settings import Config
from riskdesk_assets.common.tables import TABLES
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.walk import CONSTRUCTION_TABLES
from riskdesk_assets.research.backtest import Backtest, measured
from riskdesk_assets.research.backtest_settings import BacktestSettings, Criterion, WalkForwardSettings
from riskdesk_assets.research.backtest_tables import CHOICES
from riskdesk_assets.research.long_walk import LongWalk, cut, long_walk
from riskdesk_assets.research.performance import drawdown, sharpe_ratio
from riskdesk_assets.research.series_metrics import SKIPPED
from riskdesk_assets.research.shared_inputs import INPUT_TABLES, Prepared
from riskdesk_assets.research.timeseries import realized_rows, timeseries

Progress = Callable[[int, int], None]
_CARRIED = ("nav", "costs", "frozen", "portfolio_id")


@dataclass(frozen=True)
class Window:
    """The sessions a choice is judged on (from the first of all to ``formation_last``), and those it is traded on."""

    formation_first: date
    formation_last: date
    trading: tuple[date, ...]


def walk_forward(
    base: Prepared,
    candidates: Mapping[str, Prepared],
    settings: BacktestSettings,
    progress: Progress = lambda done, total: None,
) -> Backtest:
    """The desk that chooses among candidates as time goes by.

    Args:
        base: what the candidates are laid over; its nav and costs are those of all of them.
        candidates: two or more, by name; of equals the first named is chosen.
        settings: windows and criterion.
        progress: told (sessions walked, sessions in all).

    Raises:
        InputError: a range too short for one window, or a candidate with another nav or other costs.
    """
    rules, sessions = settings.walk_forward, base.history.wanted
    _require_comparable(base.walk.config, {name: item.walk.config for name, item in candidates.items()})
    found = windows(sessions, rules)
    total = len(sessions) * len(candidates) + sum(len(window.trading) for window in found)
    series: dict[str, pl.DataFrame] = {}
    for place, (name, item) in enumerate(candidates.items()):
        series[name] = candidate_series(item, _from(progress, place * len(sessions), total))
    rows: list[dict[str, object]] = []
    parts: dict[str, list[pl.DataFrame]] = {}
    state, done = base.walk.start, len(sessions) * len(candidates)
    for number, window in enumerate(found, start=1):
        values = {
            name: criterion(rules.criterion, known_pnl(frame, window.formation_last), base) for name, frame in series.items()
        }
        chosen = best(values)
        rows.extend(_choice(number, name, value, window, chosen=name == chosen) for name, value in values.items())
        item = candidates[chosen]
        piece = long_walk(cut(item.walk, window.trading, state), _from(progress, done, total))
        state, done = piece.state, done + len(window.trading)
        here = pl.col("as_of_date").is_in(window.trading)
        for name in (*INPUT_TABLES, *CONSTRUCTION_TABLES):
            frame = piece.frames[name] if name in piece.frames else item.tables[name].filter(here)
            parts.setdefault(name, []).append(frame)
    tables = {name: TABLES[name].conform(pl.concat(frames)) for name, frames in parts.items()}
    history = replace(base.history, first=found[0].trading[0])
    result = measured(
        history, tables, base.walk.config, LongWalk({name: tables[name] for name in CONSTRUCTION_TABLES}, state), settings
    )
    choices = CHOICES.frame(rows)
    traded = choices.filter("chosen").sort("window")["variant"].to_list()
    told = {"windows": len(found), "criterion": rules.criterion, "chosen": {name: traded.count(name) for name in candidates}}
    return replace(result, frames={**result.frames, "choices": choices}, metrics={**result.metrics, "walk_forward": told})


def windows(sessions: Sequence[date], rules: WalkForwardSettings) -> tuple[Window, ...]:
    """The trading windows one after the other, the last one as long as the range allows.

    Raises:
        InputError: the range ends before the first one begins.
    """
    start = rules.formation_sessions + rules.purge_sessions
    if len(sessions) <= start:
        said = f"{len(sessions)} sessions are too few: a walk-forward needs {start} before the first one it trades"
        raise InputError(Problem("backtest.yaml", None, "walk_forward", said, "an earlier --start, or shorter windows"))
    return tuple(
        Window(sessions[0], sessions[first - rules.purge_sessions - 1], tuple(sessions[first : first + rules.trading_sessions]))
        for first in range(start, len(sessions), rules.trading_sessions)
    )


def candidate_series(item: Prepared, progress: Progress = lambda done, total: None) -> pl.DataFrame:
    """TIMESERIES of a candidate walked over the whole range on its own, and ``known_on``: the session its P&L was known on.

    A skipped session earned nothing but paid its costs: that is known once it is skipped. Pending ones are known on none.
    """
    walked = long_walk(item.walk, progress)
    sessions, prints, context = item.history.wanted, item.history.prints, desk_context(item.walk.config)
    realized = realized_rows(sessions, walked.frames, prints, context)
    series = timeseries(sessions, walked.frames, realized, prints, context)
    skipped = (
        realized.filter(pl.col("status").is_in(SKIPPED)).group_by("as_of_date").agg(skipped_on=pl.col("realized_on").max())
    )
    found = series.join(skipped, on="as_of_date", how="left").sort("as_of_date")
    return found.with_columns(known_on=pl.coalesce("next_date", "skipped_on")).drop("skipped_on")


def known_pnl(series: pl.DataFrame, last: date) -> list[float]:
    """Net P&L per session of what was known at the close of ``last``, counted as metrics.json counts it: books marked or
    skipped on it or before."""
    return series.filter(pl.col("known_on") <= last).sort("as_of_date")["pnl_net"].to_list()


def criterion(name: Criterion, pnl: Sequence[float], base: Prepared) -> float | None:
    """What a candidate is worth on its formation sessions; None where there is too little to say."""
    nav = base.walk.config.desk.nav
    if not pnl:
        return None
    if name == "sharpe_ratio":
        return sharpe_ratio([value / nav for value in pnl])
    total = math.fsum(pnl)
    if name == "total_pnl_net":
        return total
    fall = drawdown(pnl, nav).dollars
    return total / fall if fall else None


def best(values: Mapping[str, float | None]) -> str:
    """The name with the largest value; the first of equals, and the first of all where nothing is known."""
    return max(values, key=lambda name: -float("inf") if (value := values[name]) is None else value)


def _choice(number: int, name: str, value: float | None, window: Window, *, chosen: bool) -> dict[str, object]:
    return {
        "window": number,
        "variant": name,
        "chosen": chosen,
        "formation_first": window.formation_first,
        "formation_last": window.formation_last,
        "trade_first": window.trading[0],
        "trade_last": window.trading[-1],
        "criterion": value,
    }


def _require_comparable(base: Config, candidates: Mapping[str, Config]) -> None:
    """Candidates take over one another's book: what a dollar of it is worth and costs must be the same for all."""
    problems = [
        Problem(
            f"variant {name}", None, f"desk.{field}", "differs between candidates of a walk-forward", "--set, for all of them"
        )
        for name, config in candidates.items()
        for field in _CARRIED
        if getattr(config.desk, field) != getattr(base.desk, field)
    ]
    problems += [
        Problem(
            f"variant {name}",
            None,
            "desk.guards.mode",
            "differs between candidates of a walk-forward",
            "--set, for all of them",
        )
        for name, config in candidates.items()
        if config.desk.guards.mode != base.desk.guards.mode
    ]
    if problems:
        raise InputError(problems)


def _from(progress: Progress, done: int, total: int) -> Progress:
    return lambda place, _: progress(done + place, total)
