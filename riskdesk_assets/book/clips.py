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
# Their rows are of the whole ticket even where they name a leg: it is the one that decided.
_LEG_DECIDES = (TICKET_CAPS, GATEKEEPER)
STAGES = (BUDGET, CONTROLLER, VOL_TARGET, TICKET_CAPS, GATEKEEPER, OPTIMIZER, GOVERNOR, BOOK, GUARDS, FROZEN, SPLIT)


@dataclass(frozen=True)
class Clip:
    """One touch of a ticket: its gross before and after; where ``symbol`` is not empty, of that leg alone.

    In TICKET_CAPS and GATEKEEPER the symbol is the leg that decided for the whole ticket. ``bound`` is what the limit allows:
    a leg's for a leg's own clamp, the book's for a limit of the book, the ticket's gross for the gatekeeper; None where no
    number set it. Values and bounds are dollars, but for SPLIT, whose values are shares, and the target of VOL_TARGET, a
    fraction of nav.
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


def of_whole_ticket(stage: str, symbol: str) -> bool:
    """Whether a row tells of the ticket's gross, and not of one leg."""
    return not symbol or stage in _LEG_DECIDES


def enlarges(stage: str, value_in: float, value_out: float) -> bool:
    """Whether a row made something larger, as the volatility scale does on a calm day: that is no clip. Shares split do not."""
    return stage != SPLIT and abs(value_out) > abs(value_in)


def where(stage: str, symbol: str) -> str:
    """What a row says of its leg: ``JPM`` where it was touched alone, ``by JPM`` where it decided for the ticket."""
    return f"by {symbol}" if symbol and stage in _LEG_DECIDES else symbol


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
