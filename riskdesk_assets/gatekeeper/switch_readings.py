"""What the desk's own kill switches say: each one's reading, its limit, and the share of the limit that is used.

Equity peak and loss windows come from the desk's stored state; volatilities are no part of it and come from the session's
``instrument_state``. The drawdown within a day is left out: with one reading a day it is always 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from riskdesk_assets.gatekeeper.config import RPMConfig
from riskdesk_assets.gatekeeper.desk_switches import SwitchMemory
from riskdesk_assets.gatekeeper.kill_switches import KillSwitchState, Trigger, fresh, mean_confidence, measures

Unit = Literal["fraction", "dollars", "ratio"]
_LEAST_SHARE = 0.5  # of the universe's names whose volatility must be known for its mean to speak


@dataclass(frozen=True)
class SwitchReading:
    """One switch, of the desk or (``ticket_id``) of one ticket.

    ``reading`` and ``limit``: fractions, dollars or ratios (``unit``); None: not known. A loss is positive, a gain 0.
    ``used``: reading over limit, 1 and more trips; of a confidence, which trips below its limit, None.
    """

    switch: Trigger
    reading: float | None
    limit: float
    unit: Unit
    used: float | None
    ticket_id: str = ""

    @property
    def fields(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**vars(self), "switch": self.switch.value, "ticket_id": self.ticket_id or None}


def switch_readings(
    memory: SwitchMemory,
    config: RPMConfig,
    volatility_ratio: float | None,
    ticket_ratios: Mapping[str, float | None],
) -> tuple[SwitchReading, ...]:
    """Every switch of the desk after a session, in the order in which they are asked, then each halted ticket's volatility.

    Args:
        memory: what the desk's stored state remembers of its switches.
        config: their limits, for an account of the desk's nav.
        volatility_ratio: the universe's mean of realised over baseline volatility (:func:`universe_ratio`).
        ticket_ratios: the same of the livelier leg, by ticket; only those of halted tickets are shown.
    """
    switches = memory.switches or fresh(config.total_capital)
    seen, capital = measures(switches), config.total_capital
    daily, weekly = max(0.0, -seen.daily_pnl), max(0.0, -seen.weekly_pnl)
    desk = [
        _reading(Trigger.MAX_DRAWDOWN, seen.drawdown, config.max_drawdown, "fraction"),
        _reading(Trigger.DAILY_LOSS, daily, config.daily_loss_limit * capital, "dollars"),
        _reading(Trigger.WEEKLY_LOSS, weekly, config.weekly_loss_limit * capital, "dollars"),
        _reading(Trigger.VOLATILITY_SHOCK, volatility_ratio, config.vol_shock_ratio, "ratio"),
    ]
    if config.confidence_collapse_latch:
        mean, least = mean_confidence(switches, config), config.min_confidence_threshold
        desk.append(SwitchReading(Trigger.CONFIDENCE_COLLAPSE, mean, least, "fraction", None))
    tickets = (
        _reading(Trigger.VOLATILITY_SHOCK, ticket_ratios.get(name), config.vol_shock_ratio, "ratio", name)
        for name in sorted(memory.halted_tickets)
    )
    return (*desk, *tickets)


def stopping(memory: SwitchMemory, config: RPMConfig) -> tuple[float | None, float | None]:
    """Reading and limit of the switch that stops the desk, where its state holds them; None, None where it does not."""
    why, switches = memory.why, memory.switches
    if why is None or switches is None or why.trigger != switches.trigger:
        return None, None
    return _measured(switches, config).get(why.trigger, (None, None))


def universe_ratio(ratios: Iterable[float | None], names: int) -> float | None:
    """The mean of the known ratios of realised over baseline volatility; None where too few of ``names`` are known."""
    known = [ratio for ratio in ratios if ratio is not None]
    return fmean(known) if known and len(known) >= _LEAST_SHARE * names else None  # a few names are no universe


def volatility_ratios(rows: Iterable[Mapping[str, object]]) -> dict[str, float]:
    """Realised over baseline volatility by symbol, from rows of ``instrument_state``; a name that lacks either is left out."""
    found: dict[str, float] = {}
    for row in rows:
        realised, baseline = row["vol_20"], row["vol_baseline"]
        if isinstance(realised, float) and isinstance(baseline, float) and baseline:
            found[str(row["symbol"])] = realised / baseline
    return found


def _reading(switch: Trigger, reading: float | None, limit: float, unit: Unit, ticket_id: str = "") -> SwitchReading:
    return SwitchReading(switch, reading, limit, unit, None if reading is None else reading / limit, ticket_id)


def _measured(switches: KillSwitchState, config: RPMConfig) -> dict[str, tuple[float | None, float | None]]:
    seen, capital = measures(switches), config.total_capital
    return {
        Trigger.MAX_DRAWDOWN: (seen.drawdown, config.max_drawdown),
        Trigger.DAILY_DRAWDOWN: (seen.daily_drawdown, config.max_daily_drawdown),
        Trigger.DAILY_LOSS: (seen.daily_pnl, -config.daily_loss_limit * capital),
        Trigger.WEEKLY_LOSS: (seen.weekly_pnl, -config.weekly_loss_limit * capital),
        Trigger.CONFIDENCE_COLLAPSE: (mean_confidence(switches, config), config.min_confidence_threshold),
    }
