"""The changes a request can ask for, each a function of the batch it becomes part of."""

from __future__ import annotations

from dataclasses import dataclass

from riskdesk_assets.common.halts import Halt, Resume, halt_entry, resume_entry
from riskdesk_assets.common.journal import Entry
from riskdesk_assets.gatekeeper.engine import OrderConflictError
from riskdesk_assets.gatekeeper.kill_switches import NEW_YORK, ResumeRefusedError, TradingState
from riskdesk_assets.gatekeeper.schemas import RPMOutput
from riskdesk_assets.interfaces.api_gate import DESK, REST, Change, Working
from riskdesk_assets.interfaces.api_memory import content_digest
from riskdesk_assets.interfaces.api_models import CancelRequest, FillRequest, MarksRequest, SwitchRequest, TradeRequest
from riskdesk_assets.interfaces.api_trail import decision_entry

FILL, CANCEL, MARKS = "FILL", "CANCEL", "MARKS"


@dataclass(frozen=True)
class Repeated:
    """An order id that was given before, for the same content: nothing happened; its record has the answer."""

    order_id: str


def trade(request: TradeRequest) -> Change:
    """Decide a trade intent; gives an RPMOutput, or Repeated. Raises OrderConflictError."""
    order_id = request.client_order_id
    content = b"" if order_id is None else content_digest(request.model_dump(exclude={"client_order_id"}))

    def change(working: Working) -> RPMOutput | Repeated:
        if order_id is not None and _repeated(working, order_id, content):
            return Repeated(order_id)
        output = working.manager.process_trade_intent(**request.model_dump(), at=working.now)
        if order_id is not None:
            working.manager.forget(order_id)  # remembered here, where it survives a restart
        working.write(decision_entry(output.decision, REST, working.now), order_id, content)
        return output

    return change


def halt(request: SwitchRequest) -> Change:
    """Stop trading by hand."""

    def change(working: Working) -> None:
        for account in _accounts(request):
            if account == REST:
                working.manager.halt(working.now, request.reason, request.by)
            working.write(halt_entry(Halt(account, working.now, request.reason, request.by)))

    return change


def resume(request: SwitchRequest) -> Change:
    """Trade again; of "all" those accounts that are stopped. Raises ResumeRefusedError, and then resumes none."""

    def change(working: Working) -> None:
        stopped = [account for account in _accounts(request) if _is_stopped(working, account)]
        if not stopped:
            said = "neither account is halted" if request.account == "all" else f"account {request.account} is not halted"
            raise ResumeRefusedError(f"{said}: there is nothing to resume")
        for account in stopped:
            if account == REST:
                working.manager.resume(working.now, request.reason, request.by)
            else:
                _require_over(working, account)
            working.write(resume_entry(Resume(account, working.now, request.reason, request.by)))

    return change


def fill(request: FillRequest) -> Change:
    """Take in an execution; gives Repeated for a fill id that was given before."""
    order_id = None if request.fill_id is None else f"fill {request.fill_id}"
    content = content_digest(request.model_dump(exclude={"fill_id"}))

    def change(working: Working) -> Repeated | None:
        if order_id is not None and _repeated(working, order_id, content):
            return Repeated(order_id)
        working.manager.report_fill(request.symbol, request.units, request.price, working.now)
        body = {"symbol": request.symbol, "units": request.units, "price": request.price}
        working.write(Entry(FILL, REST, working.now, body), order_id, content)
        return None

    return change


def cancel(request: CancelRequest) -> Change:
    """Free the exposure of units that will not be executed."""

    def change(working: Working) -> None:
        working.manager.report_cancel(request.symbol, request.units, working.now)
        working.write(Entry(CANCEL, REST, working.now, {"symbol": request.symbol, "units": request.units}))

    return change


def marks(request: MarksRequest) -> Change:
    """Value what is held; kill switches follow."""

    def change(working: Working) -> None:
        working.manager.report_marks(request.prices, working.now)
        working.write(Entry(MARKS, REST, working.now, {"prices": dict(request.prices)}))

    return change


def time_passes(working: Working) -> None:
    """Days and weeks of the loss limits roll over although nobody trades."""
    if working.manager.state.switches.day != working.now.astimezone(NEW_YORK).date():
        working.manager.report_time(working.now)


def _repeated(working: Working, order_id: str, content: bytes) -> bool:
    known = working.known(order_id)
    if known is not None and known.content != content:
        raise OrderConflictError(f"{order_id!r} was given before, with other content")
    return known is not None


def _accounts(request: SwitchRequest) -> tuple[str, ...]:
    return (REST, DESK) if request.account == "all" else (request.account,)


def _is_stopped(working: Working, account: str) -> bool:
    if account == REST:
        return working.manager.state.switches.state is not TradingState.ACTIVE
    return any(one.account == account for one in working.halts)


def _require_over(working: Working, account: str) -> None:
    stands = next(one for one in working.halts if one.account == account)
    if stands.resume_from is not None and working.now < stands.resume_from:
        said = stands.resume_from.isoformat(timespec="seconds")
        raise ResumeRefusedError(
            f"{account} was stopped by {stands.trigger}: a resume is accepted from {said}", stands.resume_from
        )
