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
from riskdesk_assets.gatekeeper.trail import Check, CheckRecord, Outcome, Stage

DECISION = "DECISION"


def decision_entry(decision: TradeDecision, account: str, at: datetime) -> Entry:
    """The journal's entry of a decision; checks that were skipped for lack of anything to measure are kept by name alone."""
    trade, refused = decision.approved_trade, decision.rejected_trade
    body: dict[str, object] = {
        "intent": {name: value for name, value in decision.intent.to_dict().items() if value is not None},
        "status": decision.status.value,
        "config_hash": decision.config_hash,
        "trail": [list(record) for record in decision.audit_trail],
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


def _decision(body: Mapping[str, object]) -> TradeDecision:
    asked, rows, approved, refused = _mapping(body["intent"]), _rows(body["trail"]), body.get("approved"), body.get("rejected")
    values = {name: asked.get(name) for name in Intent._fields}
    at = values["at"]
    intent = Intent(**{**values, "at": datetime.fromisoformat(str(at)) if at is not None else None})  # type: ignore[arg-type]
    trail = tuple(_check(row) for row in rows)
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
    name, stage, outcome, measured, bound, before, after, subject = row
    return CheckRecord(
        Check(str(name)),
        Stage(str(stage)),
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
