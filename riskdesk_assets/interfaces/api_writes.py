"""POST: trades, halts, resumes, and what happened to approved trades. Each is in the journal before it is answered.

Handlers take a body and give a reply; the front calls them itself, for a framework's routing would be half of an answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.gatekeeper.portfolio_state import PortfolioState
from riskdesk_assets.gatekeeper.schemas import RiskMetrics, RPMOutput
from riskdesk_assets.interfaces import api_changes as changes
from riskdesk_assets.interfaces.api_answers import decided, switched
from riskdesk_assets.interfaces.api_decision import DESCRIPTION, decision_answer
from riskdesk_assets.interfaces.api_front import Handler, Reply
from riskdesk_assets.interfaces.api_json import parse_object, rendered
from riskdesk_assets.interfaces.api_models import (
    CancelRequest,
    FillRequest,
    MarksRequest,
    SwitchRequest,
    TradeRequest,
    validated,
)
from riskdesk_assets.interfaces.api_server import Server
from riskdesk_assets.interfaces.api_trail import decision_of

JSON = "application/json"
REPLAYED = ((b"idempotent-replay", b"true"),)


def write_handlers(server: Server) -> dict[str, Handler]:
    """The handler of each write, by path."""
    gate = server.gate

    async def process_trade(body: bytes) -> Reply:
        asked = validated(parse_object(body), TradeRequest)
        answer = await gate.change(changes.trade(asked))
        if isinstance(answer, RPMOutput):
            return Reply(decided(answer.decision, _portfolio(answer.portfolio_state), _metrics(answer.risk_metrics)))
        known = server.memory.known(asked.client_order_id or "")
        if known is None:
            raise StateError("the order id was forgotten meanwhile")
        view = gate.view
        decision = decision_of(await gate.read(known.sequence))
        return Reply(decided(decision, _portfolio(view.portfolio), _metrics(view.metrics)), REPLAYED)

    async def halt(body: bytes) -> Reply:
        asked = validated(parse_object(body), SwitchRequest)
        await gate.change(changes.halt(asked), urgent=True)
        return Reply(rendered(switched(gate.view, server.config, "halted", asked.account)))

    async def resume(body: bytes) -> Reply:
        asked = validated(parse_object(body), SwitchRequest)
        await gate.change(changes.resume(asked), urgent=True)
        return Reply(rendered(switched(gate.view, server.config, "resumed", asked.account)))

    async def fills(body: bytes) -> Reply:
        repeated = await gate.change(changes.fill(validated(parse_object(body), FillRequest)))
        return Reply(_portfolio(gate.view.portfolio), REPLAYED if repeated else ())

    async def cancels(body: bytes) -> Reply:
        await gate.change(changes.cancel(validated(parse_object(body), CancelRequest)))
        return Reply(_portfolio(gate.view.portfolio))

    async def marks(body: bytes) -> Reply:
        await gate.change(changes.marks(validated(parse_object(body), MarksRequest)))
        return Reply(_portfolio(gate.view.portfolio))

    handlers = (process_trade, halt, resume, fills, cancels, marks)
    return {f"/{handler.__name__}": handler for handler in handlers}


def write_paths() -> dict[str, Any]:
    """What OpenAPI says of the writes."""
    return {path: {"post": _operation(path, *said)} for path, said in _WRITES.items()}


@lru_cache(maxsize=4)
def _metrics(metrics: RiskMetrics) -> bytes:
    return rendered(metrics.to_dict())


def _portfolio(portfolio: PortfolioState) -> bytes:
    return rendered(portfolio.to_dict())


def _operation(path: str, model: type[BaseModel], summary: str, description: str) -> dict[str, Any]:
    answer = decision_answer() if model is TradeRequest else {"type": "object"}
    refusal = {JSON: {"schema": {"$ref": "#/components/schemas/Errors"}}}
    return {
        "tags": ["writes"],
        "operationId": path.removeprefix("/"),
        "summary": summary,
        "description": description,
        "security": [{"token": []}],
        "requestBody": {"required": True, "content": {JSON: {"schema": model.model_json_schema()}}},
        "responses": {
            "200": {"description": "Done, and in the journal.", "content": {JSON: {"schema": answer}}},
            **{status: {"description": text, "content": refusal} for status, text in REFUSALS.items()},
        },
    }


_WRITES: dict[str, tuple[type[BaseModel], str, str]] = {
    "/process_trade": (
        TradeRequest,
        "Process a trade intent (main endpoint)",
        DESCRIPTION,
    ),
    "/halt": (
        SwitchRequest,
        "Halt trading by hand (emergency stop)",
        "Stop an account: nothing is added to it until somebody resumes it.",
    ),
    "/resume": (
        SwitchRequest,
        "Resume trading after a halt",
        "Trade again: 409 while the cooldown of an automatic halt runs, or when nothing is halted.",
    ),
    "/fills": (
        FillRequest,
        "Report an execution",
        "Signed units bought or sold: what was pending on that side becomes a position.",
    ),
    "/cancels": (
        CancelRequest,
        "Report that approved units will not be executed",
        "Signed units that were approved and will not be executed: their exposure is free again.",
    ),
    "/marks": (
        MarksRequest,
        "Report prices of what is held",
        "Prices by symbol: P&L, exposure and the kill switches follow.",
    ),
}
REFUSALS = {
    "400": "The body is not strict JSON, or the Host header is not a name of this server.",
    "401": "The token is missing or another.",
    "409": "The order id was given before for something else, or a resume is not accepted now.",
    "413": "The body is too large.",
    "422": "A field is missing, unknown or out of bounds.",
    "429": "Too many writes wait; Retry-After says when to come back.",
    "503": "No token was set, or the journal cannot be written: nothing was decided.",
}
