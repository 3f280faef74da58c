"""The clip ledger: every touch of a position, with the limit that asked for it and the value before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

BUDGET = "BUDGET"
CONTROLLER = "CONTROLLER"
VOL_TARGET = "VOL_TARGET"
TICKET_CAPS = "TICKET_CAPS"
GATEKEEPER = "GATEKEEPER"
OPTIMIZER = "OPTIMIZER"
GOVERNOR = "GOVERNOR"
BOOK = "BOOK"
GUARDS = "GUARDS"
FROZEN = "FROZEN"
SPLIT = "SPLIT"
# What is no limit's doing: a target cut to whole lots, and a day on which nothing was released.
WHOLE_LOTS = "whole_lots"
NOT_RELEASED = "not_released"
STAGES = (BUDGET, CONTROLLER, VOL_TARGET, TICKET_CAPS, GATEKEEPER, OPTIMIZER, GOVERNOR, BOOK, GUARDS, FROZEN, SPLIT)


@dataclass(frozen=True)
class Clip:
    """One touch: ``symbol`` is empty where the whole ticket was touched; ``bound`` is None where no number set it.

    Values and bounds are dollars, but for SPLIT, whose values are shares.
    """

    ticket_id: str
    symbol: str
    stage: str
    limit_name: str
    bound: float | None
    value_in: float
    value_out: float
    reason: str

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise ValueError(f"{self.stage!r} is not a stage: {', '.join(STAGES)}")


def ledger_rows(run_id: str, session: date, clips: Sequence[Clip]) -> list[dict[str, object]]:
    """Rows of the clip_ledger table, numbered from 1 in the order the touches happened."""
    return [
        {
            "run_id": run_id,
            "as_of_date": session,
            "sequence": sequence,
            "ticket_id": clip.ticket_id,
            "symbol": clip.symbol,
            "stage": clip.stage,
            "limit_name": clip.limit_name,
            "bound": clip.bound,
            "value_in": clip.value_in,
            "value_out": clip.value_out,
            "reason": clip.reason,
        }
        for sequence, clip in enumerate(clips, start=1)
    ]
