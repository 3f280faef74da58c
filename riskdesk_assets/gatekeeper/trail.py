"""The audit trail: one record per check, in the order of document 003; sentences are made when someone reads them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    """Document 003's processing flow, with the input's own check before it."""

    INPUT = "INPUT"
    KILL_SWITCH = "KILL_SWITCH"
    REGIME = "REGIME"
    SIZING = "SIZING"
    CONSTRAINTS = "CONSTRAINTS"
    FINAL = "FINAL"


class Outcome(StrEnum):
    """ADJUST: the size, or what may pass at all, became smaller; HALT: a kill switch; SKIPPED: not reached, or no data."""

    PASS = "PASS"  # noqa: S105 - an outcome, no secret
    ADJUST = "ADJUST"
    REJECT = "REJECT"
    HALT = "HALT"
    SKIPPED = "SKIPPED"


class Check(StrEnum):
    """Every check, in the order in which they are made."""

    INPUT = "input"
    CLOCK = "clock"
    TRADING_STATE = "trading_state"
    MAX_DRAWDOWN = "max_drawdown"
    DAILY_DRAWDOWN = "daily_drawdown"
    DAILY_LOSS = "daily_loss"
    WEEKLY_LOSS = "weekly_loss"
    VOLATILITY_SHOCK = "volatility_shock"
    CONFIDENCE = "confidence"
    CONFIDENCE_COLLAPSE = "confidence_collapse"
    STRESSED_POSITIONS = "stressed_positions"
    POSITION_SIZE = "position_size"
    REDUCE_ONLY = "reduce_only"
    POSITION_COUNT = "position_count"
    SYMBOL_UNITS = "symbol_units"
    SYMBOL_EXPOSURE = "symbol_exposure"
    BASE_CURRENCY = "base_currency_exposure"
    QUOTE_CURRENCY = "quote_currency_exposure"
    GROSS_EXPOSURE = "gross_exposure"
    NET_EXPOSURE = "net_exposure"
    CORRELATION = "correlation"
    MINIMUM_SIZE = "minimum_size"
    FINAL_VALIDATION = "final_validation"


CHECKS: tuple[Check, ...] = tuple(Check)
STAGE_OF: dict[Check, Stage] = {
    **dict.fromkeys((Check.INPUT, Check.CLOCK), Stage.INPUT),
    **dict.fromkeys(CHECKS[2:10], Stage.KILL_SWITCH),
    Check.STRESSED_POSITIONS: Stage.REGIME,
    Check.POSITION_SIZE: Stage.SIZING,
    **dict.fromkeys(CHECKS[12:21], Stage.CONSTRAINTS),
    **dict.fromkeys(CHECKS[21:], Stage.FINAL),
}


class CheckRecord(NamedTuple):
    """One check: what was measured against which bound, and the size in units before and after it.

    ``subject``: the currency, the other symbol, or the reason in words. ``unit`` of measured and bound: see ``_UNITS``.
    """

    name: Check
    stage: Stage
    outcome: Outcome
    measured: float | None
    bound: float | None
    units_before: float
    units_after: float
    subject: str = ""

    @property
    def sentence(self) -> str:
        """The check in words, with its numbers."""
        return _sentence(self)

    def to_dict(self) -> dict[str, object]:
        """JSON of the record."""
        return {
            "name": self.name.value,
            "stage": self.stage.value,
            "outcome": self.outcome.value,
            "measured": self.measured,
            "bound": self.bound,
            "size_before": self.units_before,
            "size_after": self.units_after,
            "subject": self.subject,
            "sentence": self.sentence,
        }


def checked(
    name: Check,
    stage: Stage,
    outcome: Outcome,
    measured: float | None,
    bound: float | None,
    units_before: float,
    units_after: float,
    subject: str = "",
) -> CheckRecord:
    """A record, made in two thirds of the time that its class takes: a decision makes a dozen of them."""
    return tuple.__new__(CheckRecord, (name, stage, outcome, measured, bound, units_before, units_after, subject))


def skipped_after(check: Check) -> tuple[CheckRecord, ...]:
    """The records of the checks that a rejection by ``check`` leaves out."""
    return _SKIPPED[check]


_SKIPPED: dict[Check, tuple[CheckRecord, ...]] = {
    check: tuple(
        CheckRecord(later, STAGE_OF[later], Outcome.SKIPPED, None, None, 0.0, 0.0, "the trade was already refused")
        for later in CHECKS[place + 1 :]
    )
    for place, check in enumerate(CHECKS)
}


def _dollars(value: float) -> str:
    return f"{'-' if value < 0 else ''}${abs(value):,.2f}"


def _units(value: float) -> str:
    return f"{value:,.2f}"


_Said = Callable[[float], str]
_FORMS: dict[Check, tuple[str, _Said, str]] = {
    Check.MAX_DRAWDOWN: ("drawdown", "{:.2%}".format, "at most"),
    Check.DAILY_DRAWDOWN: ("drawdown of the day", "{:.2%}".format, "at most"),
    Check.DAILY_LOSS: ("P&L of the day", _dollars, "at least"),
    Check.WEEKLY_LOSS: ("P&L of the week", _dollars, "at least"),
    Check.VOLATILITY_SHOCK: ("volatility over its baseline", "{:.2f}x".format, "below"),
    Check.CONFIDENCE: ("confidence", "{:.3f}".format, "at least"),
    Check.CONFIDENCE_COLLAPSE: ("mean of the last confidences", "{:.3f}".format, "at least"),
    Check.STRESSED_POSITIONS: ("positions with this trade, under stress,", "{:.0f}".format, "at most"),
    Check.REDUCE_ONLY: ("units", _units, "no more than are held:"),
    Check.POSITION_COUNT: ("positions with this trade", "{:.0f}".format, "at most"),
    Check.SYMBOL_UNITS: ("units of the symbol", _units, "at most"),
    Check.SYMBOL_EXPOSURE: ("exposure to the symbol", _dollars, "at most"),
    Check.BASE_CURRENCY: ("net exposure to", _dollars, "at most"),
    Check.QUOTE_CURRENCY: ("net exposure to", _dollars, "at most"),
    Check.GROSS_EXPOSURE: ("gross exposure", _dollars, "at most"),
    Check.NET_EXPOSURE: ("net exposure", _dollars, "at most"),
    Check.MINIMUM_SIZE: ("units left", _units, "at least"),
    Check.FINAL_VALIDATION: ("limits that the trade would breach:", "{:.0f}".format, "at most"),
}

_OF_THE_TRADE = frozenset(CHECKS[14:20])


def _sentence(record: CheckRecord) -> str:
    changed = ""
    if record.outcome is Outcome.ADJUST and record.units_after != record.units_before:
        changed = f"; reduced from {_units(record.units_before)} to {_units(record.units_after)} units"
    elif record.name is Check.MINIMUM_SIZE and 0 < record.units_after < record.units_before:
        changed = f"; {_units(record.units_after)} in whole lots"
    if record.measured is None or record.bound is None:
        return f"{record.subject or record.name.value.replace('_', ' ')}{changed}"
    if record.name is Check.POSITION_SIZE:
        return f"the formula gives {_units(record.measured)} units for {_dollars(record.bound)} at risk"
    if record.name is Check.CORRELATION:
        known = (
            f"correlation {record.measured:+.3f} with {record.subject}" if record.subject else "no position to correlate with"
        )
        return f"{known}, at most {record.bound:.3f} in size{changed}"
    what, said, relation = _FORMS[record.name]
    currency = f" {record.subject}" if record.name in (Check.BASE_CURRENCY, Check.QUOTE_CURRENCY) else ""
    noted = f" ({record.subject})" if record.subject and not currency else ""
    verb = "would be " if record.name in _OF_THE_TRADE and record.outcome in (Outcome.ADJUST, Outcome.REJECT) else ""
    return f"{what}{currency} {verb}{said(record.measured)}, {relation} {said(record.bound)}{noted}{changed}"
