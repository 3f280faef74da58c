"""The walk-forward: refit on all that came before, decide what comes next, and hold it against the baseline out of sample."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from riskdesk_assets.common.policy_settings import PolicySettings
from riskdesk_assets.common.sample_statistics import deviation
from riskdesk_assets.controllers.baseline import Proposal, Signal, Stance, propose
from riskdesk_assets.controllers.policy import decide_value
from riskdesk_assets.controllers.policy_model import Fit
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.research.policy.fit import fitted, predicted
from riskdesk_assets.research.policy.simulation import Outcome, SimulatedTicket, signals_by_pair, simulate
from riskdesk_assets.research.policy.training_set import learnable

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fold:
    """One refit: its last training session, its decisions' first and last session, its rows, and what it fitted."""

    trained_to: date
    first: date
    last: date
    rows: int
    fit: Fit


@dataclass(frozen=True, eq=False)
class WalkForward:
    """Everything out of sample.

    ``predictions`` maps (session, pair) to the value predicted then; ``scale``, shape (sessions,), is what the policy's P&L is
    multiplied by to have the baseline's prior volatility, NaN where there is not yet one.
    """

    sessions: tuple[date, ...]
    folds: tuple[Fold, ...]
    predictions: Mapping[tuple[date, str], float]
    baseline: Outcome
    policy: Outcome
    scale: Array

    @property
    def compared(self) -> npt.NDArray[np.bool_]:
        """The sessions on which the two can be compared, shape (sessions,)."""
        return np.isfinite(self.scale)

    def matched(self, cost_multiple: float = 1.0) -> tuple[Array, Array]:
        """Net P&L of the policy at the baseline's volatility, and of the baseline, on the compared sessions."""
        there = self.compared
        return (self.scale * self.policy.net(cost_multiple))[there], self.baseline.net(cost_multiple)[there]


def walk_forward(
    rows: pl.DataFrame,
    pair_state: pl.DataFrame,
    panel: Panel,
    sessions: Sequence[date],
    tickets: Sequence[SimulatedTicket],
    settings: PolicySettings,
    cost_rates: Mapping[str, float],
    borrow_rates: Mapping[str, float],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> WalkForward | None:
    """Train on an expanding window, decide the next sessions, and go on; None where there are too few sessions for one fold.

    Args:
        rows: training_set rows.
        pair_state: TABLES["pair_state"] of the sessions.
        panel: bars of all legs.
        sessions: consecutive sessions that may be trained on or decided.
        tickets: whose rules are played.
        settings: windows and lambda.
        cost_rates, borrow_rates: as for :func:`simulation.simulate`.
        progress: told (folds done, folds in all).

    A fold's first decision comes ``purge_sessions`` after its last training row: the outcomes it learned from were all known
    before. Nothing after a session changes what was decided there.
    """
    usable = learnable(rows).sort("as_of_date", "pair_id")
    if usable.is_empty():
        return None
    first_known: date = usable["as_of_date"].to_list()[0]
    start = bisect_left(sessions, first_known) + settings.min_train_sessions + settings.purge_sessions
    blocks = [
        range(first, min(first + settings.refit_sessions, len(sessions)))
        for first in range(start, len(sessions), settings.refit_sessions)
    ]
    if not blocks:
        return None
    folds: list[Fold] = []
    values: dict[tuple[date, str], float] = {}
    fold_of: list[Fold] = []
    for number, block in enumerate(blocks, start=1):
        trained_to = sessions[block.start - settings.purge_sessions]
        training = usable.filter(pl.col("as_of_date") <= trained_to)
        first, last = sessions[block.start], sessions[block.stop - 1]
        fold = Fold(trained_to, first, last, training.height, fitted(training, settings))
        folds.append(fold)
        fold_of.extend([fold] * len(block))
        asked = rows.filter(pl.col("as_of_date").is_between(first, last))
        keys = asked.select("as_of_date", "pair_id").iter_rows()
        values |= {key: value for key, value in zip(keys, predicted(fold.fit, asked), strict=True) if value is not None}
        progress(number, len(blocks))
    decided = tuple(sessions[start:])
    signals = signals_by_pair(pair_state, decided)

    def baseline(ticket: SimulatedTicket, place: int, signal: Signal | None, stance: Stance, session: date) -> Proposal:
        return propose(ticket.rules, signal, stance, session, None)

    def policy(ticket: SimulatedTicket, place: int, signal: Signal | None, stance: Stance, session: date) -> Proposal:
        value = values.get((session, ticket.pair_id))
        thresholds = fold_of[place].fit.thresholds
        return decide_value(thresholds, value, ticket.rules, ticket.own_entry_z, signal, stance, session, None).proposal

    lasting = [ticket.lasting for ticket in tickets]
    played = [simulate(lasting, signals, panel, decided, each, cost_rates, borrow_rates) for each in (baseline, policy)]
    scale = volatility_scale(played[0].net(), played[1].net(), settings)
    return WalkForward(decided, tuple(folds), values, played[0], played[1], scale)


def volatility_scale(baseline: Array, policy: Array, settings: PolicySettings) -> Array:
    """What the policy's P&L of a session is multiplied by: the baseline's prior volatility over the policy's.

    Args:
        baseline, policy: net P&L a session, shape (sessions,).
        settings: how many prior sessions count, how many there have to be, how far the scale may go (and its inverse).

    Returns:
        Shape (sessions,): from the sessions before each alone; NaN where there are too few or either did not move.
    """
    scale = np.full(len(baseline), np.nan)
    for place in range(settings.vol_match_minimum, len(baseline)):
        prior = slice(max(0, place - settings.vol_match_window), place)
        own, other = (deviation(side[prior].tolist()) or 0.0 for side in (policy, baseline))
        if own > 0.0 and other > 0.0:
            most = settings.vol_match_max_scale
            scale[place] = min(max(other / own, 1.0 / most), most)
    return scale
