"""A decision as the journal keeps it, and back: every check with its numbers, without the sentences that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from riskdesk_assets.common.journal_chain import Entry, JournalError, Record
from riskdesk_assets.gatekeeper.position_sizing import Sizing
from riskdesk_assets.gatekeeper.schemas import (
    ApprovedTrade,
    Intent,
    RejectedTrade,
    RejectionReason,
    TradeApprovalStatus,
    TradeDecision,
)
from riskdesk_assets.gatekeeper.trail import STAGE_OF, Check, CheckRecord, Outcome, skipped_after

DECISION = "DECISION"


def decision_entry(decision: TradeDecision, account: str, at: datetime) -> Entry:
    """The journal's entry of a decision; the checks a rejection leaves out are not kept."""
    trade, refused = decision.approved_trade, decision.rejected_trade
    body: dict[str, object] = {
        "intent": {name: value for name, value in decision.intent.to_dict().items() if value is not None},
        "status": decision.status.value,
        "config_hash": decision.config_hash,
        "trail": [(name, outcome, *rest) for name, _, outcome, *rest in _reached(decision)],
    }
    if trade is not None:
        body["approved"] = {
            "units": trade.position_units,
            "unit_value": trade.unit_value,
            "binding": trade.binding_constraint,
            "sizing": list(trade.sizing),
        }
    if refused is not None:
        place = next(number for number, record in enumerate(decision.audit_trail) if record == refused.record)
        body["rejected"] = {"reason": refused.rejection_reason.value, "check": refused.check, "record": place}
    return Entry(DECISION, account, at, body)


def decision_of(record: Record) -> TradeDecision:
    """The decision a DECISION record holds.

    Raises:
        JournalError: it cannot be understood.
    """
    try:
        return _decision(record.body)
    except (KeyError, ValueError, TypeError, IndexError):
        raise JournalError(f"row {record.sequence} of the journal is a decision that cannot be understood") from None


def _reached(decision: TradeDecision) -> tuple[CheckRecord, ...]:
    """The checks up to the one that ended the trail; those a rejection leaves out follow from it."""
    trail = decision.audit_trail
    if decision.rejected_trade is None:
        return trail
    ended = next(place for place, record in enumerate(trail) if trail[place + 1 :] == skipped_after(record.name))
    return trail[: ended + 1]


def _decision(body: Mapping[str, object]) -> TradeDecision:
    asked, rows, approved, refused = _mapping(body["intent"]), _rows(body["trail"]), body.get("approved"), body.get("rejected")
    values = {name: asked.get(name) for name in Intent._fields}
    at = values["at"]
    intent = Intent(**{**values, "at": datetime.fromisoformat(str(at)) if at is not None else None})  # type: ignore[arg-type]
    reached = tuple(_check(row) for row in rows)
    trail = reached if refused is None else (*reached, *skipped_after(reached[-1].name))
    trade, rejection = None, None
    if approved is not None:
        kept = _mapping(approved)
        sizing = Sizing(*(_number(value) for value in _sequence(kept["sizing"])))
        trade = ApprovedTrade(intent, _number(kept["units"]), sizing, _number(kept["unit_value"]), str(kept["binding"]))
    if refused is not None:
        kept = _mapping(refused)
        place = kept["record"]
        if type(place) is not int:
            raise TypeError
        rejection = RejectedTrade(intent, RejectionReason(str(kept["reason"])), str(kept["check"]), trail[place])
    return TradeDecision(TradeApprovalStatus(str(body["status"])), intent, trade, rejection, trail, str(body["config_hash"]))


def _check(row: Sequence[object]) -> CheckRecord:
    name, outcome, measured, bound, before, after, subject = row
    return CheckRecord(
        Check(str(name)),
        STAGE_OF[Check(str(name))],
        Outcome(str(outcome)),
        None if measured is None else _number(measured),
        None if bound is None else _number(bound),
        _number(before),
        _number(after),
        str(subject),
    )


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError
    return value


def _sequence(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _rows(value: object) -> list[Sequence[object]]:
    return [_sequence(row) for row in _sequence(value)]


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value
