"""Walk-forward: chosen on what was known, traded out of sample by one desk that carries its book along."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import polars as pl
import pytest

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.common.settings import ROOT
from riskdesk_assets.market.sample import SampleMarket
from riskdesk_assets.research.backtest import Backtest
from riskdesk_assets.research.backtest_settings import WalkForwardSettings
from riskdesk_assets.research.long_walk import cut, long_walk
from riskdesk_assets.research.shared_inputs import Prepared, SharedInputs
from riskdesk_assets.research.variants import Variant, variant_config
from riskdesk_assets.research.walk_forward import best, candidate_series, criterion, known_pnl, walk_forward, windows
from riskdesk_assets.strategy.library import filed_strategies
from riskdesk_tests.desk_builder import (
    CODE,
    calendar,
    history_of_bars,
    make_ticket,
    sessions_from,
    shipped_tickets,
    snapshots_of,
)
from riskdesk_tests.research.backtests import backtested, prepared, quiet, settings

DAYS = sessions_from(date(2024, 9, 3), 42)
RULES = WalkForwardSettings(formation_sessions=20, trading_sessions=7, purge_sessions=3, criterion="total_pnl_net")
SETTINGS = settings().model_copy(update={"walk_forward": RULES})
VARIANTS = {"as it is": {}, "late": {"desk.controller.entry_z": 2.2}, "tight": {"limits.portfolio_gross.max": 0.15}}


@cache
def candidates() -> tuple[Prepared, dict[str, Prepared]]:
    shared = SharedInputs(
        lambda item: history_of_bars(item, DAYS[0], DAYS[-1]),
        lambda history: snapshots_of(shipped_tickets(), history.wanted),
        CODE,
        lambda item: filed_strategies(item, ROOT / "config"),
    )
    base = quiet("classic", {"desk.nav": 2_500_000.0})
    made = {name: shared.prepared(variant_config(base, Variant(name, laid))) for name, laid in VARIANTS.items()}
    return shared.prepared(base), made


@cache
def done() -> Backtest:
    base, found = candidates()
    return walk_forward(base, found, SETTINGS)


def test_windows_by_hand() -> None:
    found = windows(DAYS, RULES)
    # 20 sessions of formation, 3 left out, then 7 at a time; the last window is what is left
    assert [(DAYS.index(item.trading[0]), len(item.trading)) for item in found] == [(23, 7), (30, 7), (37, 5)]
    assert [DAYS.index(item.formation_last) for item in found] == [19, 26, 33]
    assert {item.formation_first for item in found} == {DAYS[0]}
    assert [day for item in found for day in item.trading] == list(DAYS[23:])


def test_a_range_too_short_for_one_window_is_refused_with_what_it_needs() -> None:
    with pytest.raises(InputError, match="23 sessions are too few: a walk-forward needs 23"):
        windows(DAYS[:23], RULES)
    assert len(windows(DAYS[:24], RULES)) == 1


def test_each_window_trades_the_candidate_that_was_best_on_what_was_known_before_the_purge() -> None:
    _, found = candidates()
    series = {name: candidate_series(item) for name, item in found.items()}
    rows = done().frames["choices"]
    for number, window in enumerate(windows(DAYS, RULES), start=1):
        expected = {}
        for name, frame in series.items():
            known = frame.filter(pl.col("next_date").is_not_null() & (pl.col("next_date") <= window.formation_last))
            expected[name] = sum(known["pnl_net"].to_list())
        told = rows.filter(pl.col("window") == number)
        assert dict(told.select("variant", "criterion").iter_rows()) == pytest.approx(expected)
        (chosen,) = told.filter("chosen")["variant"].to_list()
        assert expected[chosen] == max(expected.values())
        assert told["trade_first"][0] > window.formation_last
    assert done().metrics["walk_forward"]["windows"] == 3  # type: ignore[index]


def test_the_traded_days_are_one_desks_that_carries_its_book_from_window_to_window() -> None:
    base, found = candidates()
    chosen = done().frames["choices"].filter("chosen").sort("window")["variant"].to_list()
    state, states = base.walk.start, []
    for window, name in zip(windows(DAYS, RULES), chosen, strict=True):
        piece = long_walk(cut(found[name].walk, window.trading, state))
        state = piece.state
        states.extend(piece.frames["desk_state"]["state_hash"].to_list())
    assert done().frames["desk_state"]["state_hash"].to_list() == states
    assert done().frames["timeseries"]["as_of_date"].to_list() == list(DAYS[23:])
    assert done().first == DAYS[23]
    chain = done().frames["desk_state"].sort("as_of_date")
    assert chain["previous_state_hash"].to_list()[1:] == chain["state_hash"].to_list()[:-1]


def test_nothing_after_the_formation_changes_a_choice() -> None:
    """The P&L of every session after the last one of the first formation is turned around: its choice stands."""
    _, found = candidates()
    first = windows(DAYS, RULES)[0]
    for item in found.values():
        series = candidate_series(item)
        turned = series.with_columns(
            pnl_net=pl.when(pl.col("next_date") > first.formation_last).then(-pl.col("pnl_net")).otherwise(pl.col("pnl_net"))
        )
        assert known_pnl(turned, first.formation_last) == known_pnl(series, first.formation_last)
        assert len(known_pnl(series, first.formation_last)) == 19


@cache
def bars_with_holes() -> pl.DataFrame:
    """GS and MS never print on one session from DAYS[7] to DAYS[18], each silent for four sessions at most; JPM once."""
    config = quiet("classic")
    bars = SampleMarket(config.universe, calendar()).bars(config.universe.watched, date(2022, 1, 3), DAYS[-1])
    silent = {"GS": [*DAYS[7:11], *DAYS[15:19]], "MS": [*DAYS[11:15]], "JPM": [DAYS[24]]}
    holes = pl.any_horizontal(
        (pl.col("symbol") == symbol) & pl.col("as_of_date").is_in(days) for symbol, days in silent.items()
    )
    return bars.filter(~holes)


@pytest.mark.parametrize("place", [12, 17, 25])
def test_what_was_known_is_what_a_backtest_that_ends_there_counts(place: int) -> None:
    """A skipped session counts with its costs, and not before it is skipped: after its own close, or ten sessions later."""
    config = quiet("classic", {"desk.controller.exit_z": 0.0, "desk.controller.entry_z": 0.0})
    tickets = [make_ticket(f"{a}-{b}".lower(), a, b, time_stop_days=250) for a, b in (("GS", "MS"), ("JPM", "BAC"))]
    whole = candidate_series(prepared(config, tickets, DAYS[0], DAYS[-1], bars_with_holes()))
    short = backtested(config, tickets, DAYS[0], DAYS[place], bars_with_holes())
    series = short.frames["timeseries"].filter(pl.col("status") != "PENDING")
    assert known_pnl(whole, DAYS[place]) == series["pnl_net"].to_list()
    skipped = series.filter(pl.col("status").str.starts_with("SKIPPED"))
    assert skipped["status"].n_unique() == {12: 1, 17: 2, 25: 2}[place]
    assert (skipped["pnl_net"] < 0).any()


def test_criteria_by_hand() -> None:
    base, _ = candidates()
    assert criterion("total_pnl_net", [3.0, -1.0], base) == 2.0
    assert criterion("return_over_drawdown", [3.0, -1.0, 2.0], base) == 4.0
    assert criterion("return_over_drawdown", [3.0], base) is None
    assert criterion("sharpe_ratio", [1.0, 3.0], base) == pytest.approx(2.0 / 2**0.5 * 252**0.5)
    assert criterion("sharpe_ratio", [], base) is None
    assert best({"a": None, "b": -1.0, "c": -1.0}) == "b"
    assert best({"a": None, "b": None}) == "a"


def test_candidates_that_cost_otherwise_are_refused() -> None:
    base, found = candidates()
    dear = replace(found["late"], walk=replace(found["late"].walk, config=quiet("classic", {"desk.costs.cost_bps": 9.0})))
    with pytest.raises(InputError, match=r"variant dear: desk\.nav.*\n.*desk\.costs"):
        walk_forward(base, {"as it is": found["as it is"], "dear": dear}, SETTINGS)
