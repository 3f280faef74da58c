"""From bars and tickets to a judged model: one pure function, called by the assets and by whoever wants a policy elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.hashing import digest
from riskdesk_assets.common.settings import Config
from riskdesk_assets.construction.inputs import desk_context
from riskdesk_assets.construction.proposal import ticket_rules
from riskdesk_assets.controllers.baseline import CONTROLLER_VERSION
from riskdesk_assets.controllers.policy_features import policy_features
from riskdesk_assets.controllers.policy_model import SCHEMA, PolicyModel, config_hash, sealed, windows_of
from riskdesk_assets.features.compute import panel_of
from riskdesk_assets.features.market_regime import market_regime
from riskdesk_assets.features.pair_state import pair_state
from riskdesk_assets.features.panel import Panel
from riskdesk_assets.market.history import History
from riskdesk_assets.research.policy.evaluation import WalkForward, walk_forward
from riskdesk_assets.research.policy.fit import fitted
from riskdesk_assets.research.policy.gate import Verdict, judged
from riskdesk_assets.research.policy.simulation import SimulatedTicket
from riskdesk_assets.research.policy.training_set import learnable, rows_hash, training_set
from riskdesk_assets.strategy.ticket import Ticket


@dataclass(frozen=True, eq=False)
class TrainingInputs:
    """What a policy is trained on: the training set, and what the walk-forward plays it with.

    ``panel`` ends with the last session; ``states`` are TABLES["pair_state"] of the sessions.
    """

    config: Config
    source: str
    sessions: tuple[date, ...]
    rows: pl.DataFrame
    states: pl.DataFrame
    panel: Panel
    tickets: tuple[Ticket, ...]

    @property
    def tickets_hash(self) -> str:
        """SHA-256 of what the tickets say that a simulation plays: all but what only names or dates them."""
        told = [
            {key: value for key, value in ticket.content.items() if key not in ("note", "effective_from", "expires_on")}
            for ticket in sorted(self.tickets, key=lambda item: item.ticket_id)
        ]
        return digest(told)


@dataclass(frozen=True, eq=False)
class Trained:
    """A model with everything its report shows."""

    model: PolicyModel
    inputs: TrainingInputs
    walk: WalkForward | None
    verdict: Verdict


def training_inputs(history: History, config: Config, tickets: Sequence[Ticket]) -> TrainingInputs:
    """Features and outcomes of every pair of the tickets and of the universe over a history's sessions.

    Raises:
        InputError: there is no ticket, or no pair has a state on the last session: a model would claim data it has not seen.
    """
    if not tickets:
        raise InputError(Problem("tickets", None, "", "there is no ticket whose rules a policy could be judged by"))
    features = config.desk.features.model_copy(update={"coint_refresh": "never"})
    panel = panel_of(history, config)
    pairs = sorted({*config.universe.pairs, *((ticket.leg_a, ticket.leg_b) for ticket in tickets)})
    first, last, context = history.first, history.last, desk_context(config)
    states = pair_state(panel, pairs, features, config.feature_version, first, last)
    reached = None if states.is_empty() else states["as_of_date"].to_list()[-1]
    if reached != last:
        newest = f"the newest is {reached}" if reached else f"nor on any session from {first}"
        raise InputError(Problem("", None, "session", f"no pair has enough bars on {last}; {newest}"))
    regimes = market_regime(panel, history.volatility, config.universe, features, first, last)
    read = policy_features(states, regimes, panel, features.lookback_sessions)
    horizon = config.desk.policy.horizon_sessions
    rows = training_set(read, states, panel, horizon, context.cost_rates, context.borrow_rates)
    ordered = tuple(sorted(tickets, key=lambda ticket: ticket.ticket_id))
    return TrainingInputs(config, history.snapshot.source, history.wanted, rows, states, panel, ordered)


def train(inputs: TrainingInputs, progress: Callable[[int, int], None] = lambda done, total: None) -> Trained:
    """Fit a policy on everything known at the last session, and judge the way of fitting it out of sample.

    Args:
        inputs: of :func:`training_inputs`.
        progress: told (folds done, folds in all).

    Raises:
        InputError: too few rows to learn from.
    """
    config, settings = inputs.config, inputs.config.desk.policy
    context = desk_context(config)
    tickets = [
        SimulatedTicket(item.ticket_id, item.pair_id, item.leg_a, item.leg_b, ticket_rules(item, context), item.entry_z)
        for item in inputs.tickets
    ]
    purge = settings.purge_sessions
    known = learnable(inputs.rows, inputs.sessions[-1 - purge] if len(inputs.sessions) > purge else date.min)
    fit = fitted(known, settings)
    walk = walk_forward(
        inputs.rows,
        inputs.states,
        inputs.panel,
        inputs.sessions,
        tickets,
        settings,
        context.cost_rates,
        context.borrow_rates,
        progress,
    )
    verdict = judged(walk, settings.promotion)
    content = {
        "schema": SCHEMA,
        "feature_version": config.feature_version,
        "baseline_id": CONTROLLER_VERSION,
        "config_hash": config_hash(config),
        "windows": windows_of(config),
        "horizon": settings.horizon_sessions,
        "purge": purge,
        "trained_through": inputs.sessions[-1],
        "data": {
            "source": inputs.source,
            "first": known["as_of_date"].min(),
            "last": known["as_of_date"].max(),
            "rows": known.height,
            "pairs": sorted(known["pair_id"].unique()),
            "tickets_hash": inputs.tickets_hash,
            "hash": rows_hash(known),
            "training_set_hash": rows_hash(inputs.rows),
        },
        "fit": fit.model_dump(mode="json", by_alias=True),
    }
    return Trained(sealed(content, verdict.content), inputs, walk, verdict)
