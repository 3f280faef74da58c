from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.proposal import ticket_rules
from riskdesk_assets.research.policy.evaluation import WalkForward, volatility_scale, walk_forward
from riskdesk_assets.research.policy.simulation import SimulatedTicket
from riskdesk_assets.research.policy.training import TrainingInputs, training_inputs
from riskdesk_assets.research.policy.training_set import learnable
from riskdesk_tests.desk_builder import calendar
from riskdesk_tests.desk_on_disk import BANKS
from riskdesk_tests.research.policy.reverting_market import reverting_bars, reverting_history, small_config, small_tickets

CONFIG = small_config()
SETTINGS = CONFIG.desk.policy.model_copy(
    update={"min_train_sessions": 120, "refit_sessions": 20, "vol_match_window": 60, "vol_match_minimum": 20}
)
FIRST, LAST = date(2018, 1, 2), date(2018, 12, 31)
DAYS = calendar().between(FIRST, LAST)
BARS = reverting_bars(BANKS).filter(pl.col("as_of_date").is_between(date(2015, 6, 1), LAST))


def inputs_of(bars: pl.DataFrame) -> TrainingInputs:
    return training_inputs(reverting_history(CONFIG, bars, FIRST, LAST), CONFIG, small_tickets())


def walked(inputs: TrainingInputs) -> WalkForward:
    context = desk_context(CONFIG)
    tickets = [
        SimulatedTicket(item.ticket_id, item.pair_id, item.leg_a, item.leg_b, ticket_rules(item, context), item.entry_z)
        for item in inputs.tickets
    ]
    found = walk_forward(
        *(inputs.rows, inputs.states, inputs.panel, inputs.sessions, tickets, SETTINGS),
        context.cost_rates,
        context.borrow_rates,
    )
    assert found is not None
    return found


INPUTS = inputs_of(BARS)
WALK = walked(INPUTS)


def test_no_fold_learned_from_an_outcome_that_was_not_known_before_its_first_decision() -> None:
    horizon, place = SETTINGS.horizon_sessions, {day: number for number, day in enumerate(DAYS)}
    for fold in WALK.folds:
        assert place[fold.first] - place[fold.trained_to] == horizon + 1
        assert fold.rows == learnable(INPUTS.rows, fold.trained_to).height
    assert [fold.rows for fold in WALK.folds] == sorted(fold.rows for fold in WALK.folds), "the window expands"


def test_every_session_after_the_first_window_is_decided_once_by_the_fold_it_lies_in() -> None:
    decided = [day for fold in WALK.folds for day in DAYS if fold.first <= day <= fold.last]
    assert tuple(decided) == WALK.sessions == DAYS[DAYS.index(WALK.folds[0].first) :]
    row = INPUTS.rows.filter(pl.col("as_of_date") == WALK.folds[1].first).row(0, named=True)
    expected = WALK.folds[1].fit.predict([row[name] for name in WALK.folds[1].fit.features])
    assert WALK.predictions[row["as_of_date"], row["pair_id"]] == expected


@settings(max_examples=5)
@given(after=st.integers(160, 245), seed=st.integers(0, 2**32 - 1))
def test_corrupting_the_future_changes_no_earlier_fold_decision_or_pnl(after: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    later = BARS["as_of_date"].to_numpy() > np.datetime64(DAYS[after])
    factor = pl.Series(np.where(later, rng.uniform(0.7, 1.4, BARS.height), 1.0))
    changed = walked(
        inputs_of(
            BARS.with_columns((pl.col(name) * factor).alias(name) for name in ("close", "adj_close", "high", "low", "open"))
        )
    )
    seen = sum(day <= DAYS[after] for day in WALK.sessions)
    known = [fold for fold in WALK.folds if fold.first <= DAYS[after]]
    assert len(known) > 1
    assert changed.folds[: len(known)] == tuple(known)
    assert {key: value for key, value in changed.predictions.items() if key[0] <= DAYS[after]} == {
        key: value for key, value in WALK.predictions.items() if key[0] <= DAYS[after]
    }
    for one, other in ((changed.policy, WALK.policy), (changed.baseline, WALK.baseline)):
        assert np.array_equal(one.net()[:seen], other.net()[:seen])
    assert np.array_equal(changed.scale[: seen + 1], WALK.scale[: seen + 1], equal_nan=True)
    assert not np.array_equal(changed.policy.net(), WALK.policy.net())


def test_pairs_and_rows_in_another_order_change_no_bit() -> None:
    mixed = replace(INPUTS, rows=INPUTS.rows.reverse(), states=INPUTS.states.reverse(), tickets=tuple(reversed(INPUTS.tickets)))
    other = walked(mixed)
    assert other.folds == WALK.folds
    assert np.array_equal(other.policy.net(), WALK.policy.net())
    assert np.array_equal(other.scale, WALK.scale, equal_nan=True)


def test_the_policys_volatility_is_matched_on_the_sessions_before_alone() -> None:
    draws = np.random.Generator(np.random.Philox(key=3)).standard_normal((2, 100))
    scale = volatility_scale(draws[0], 0.5 * draws[1], SETTINGS)
    assert np.isnan(scale[:20]).all()
    assert np.isfinite(scale[20:]).all()
    assert scale[90] == pytest.approx(draws[0][30:90].std(ddof=1) / (0.5 * draws[1][30:90].std(ddof=1)), rel=1e-12)
    later = draws.copy()
    later[:, 90:] *= 7
    assert np.array_equal(volatility_scale(later[0], 0.5 * later[1], SETTINGS)[:91], scale[:91], equal_nan=True)
    assert volatility_scale(draws[0], 1e-6 * draws[1], SETTINGS)[50] == SETTINGS.vol_match_max_scale
    assert np.isnan(volatility_scale(draws[0], 0 * draws[1], SETTINGS)).all(), "a policy that never trades is never compared"


def test_too_short_a_history_has_no_walk_forward() -> None:
    few = replace(INPUTS, sessions=DAYS[:120], rows=INPUTS.rows.filter(pl.col("as_of_date") <= DAYS[119]))
    context = desk_context(CONFIG)
    args = (few.rows, few.states, few.panel, few.sessions, [], SETTINGS)
    assert walk_forward(*args, context.cost_rates, context.borrow_rates) is None
