"""POST: trades, halts, resumes, and what happened to approved trades. Each is in the journal before it is answered."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.gatekeeper.portfolio_state import PortfolioState
from riskdesk_assets.gatekeeper.schemas import RiskMetrics, RPMOutput
from riskdesk_assets.interfaces import api_changes as changes
from riskdesk_assets.interfaces.api_answers import decided, switched
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
REPLAYED = {"Idempotent-Replay": "true"}


def write_routes(server: Server) -> APIRouter:
    """The routes of every write but the status page's forms."""
    router = APIRouter(tags=["writes"])
    gate = server.gate

    @router.post("/process_trade", **_takes(TradeRequest, "Process a trade intent (main endpoint)"))
    async def process_trade(request: Request) -> Response:
        """Decide a trade intent; an approved trade counts as a position until a fill or a cancel is reported."""
        asked = validated(parse_object(await request.body()), TradeRequest)
        answer = await gate.change(changes.trade(asked))
        if isinstance(answer, RPMOutput):
            body = decided(answer.decision, _portfolio(answer.portfolio_state), _metrics(answer.risk_metrics))
            return Response(body, media_type=JSON)
        known = server.memory.known(asked.client_order_id or "")
        if known is None:
            raise StateError("the order id was forgotten meanwhile")
        view = gate.view
        decision = decision_of(await gate.read(known.sequence))
        return Response(
            decided(decision, _portfolio(view.portfolio), _metrics(view.metrics)), media_type=JSON, headers=REPLAYED
        )

    @router.post("/halt", **_takes(SwitchRequest, "Halt trading by hand (emergency stop)"))
    async def halt(request: Request) -> Response:
        """Stop an account: nothing is added to it until somebody resumes it."""
        asked = validated(parse_object(await request.body()), SwitchRequest)
        await gate.change(changes.halt(asked), urgent=True)
        return _switched(server, "halted", asked.account)

    @router.post("/resume", **_takes(SwitchRequest, "Resume trading after a halt"))
    async def resume(request: Request) -> Response:
        """Trade again: 409 while the cooldown of an automatic halt runs, or when nothing is halted."""
        asked = validated(parse_object(await request.body()), SwitchRequest)
        await gate.change(changes.resume(asked), urgent=True)
        return _switched(server, "resumed", asked.account)

    @router.post("/fills", **_takes(FillRequest, "Report an execution"))
    async def fills(request: Request) -> Response:
        """Signed units bought or sold: what was pending on that side becomes a position."""
        asked = validated(parse_object(await request.body()), FillRequest)
        repeated = await gate.change(changes.fill(asked))
        return Response(_portfolio(gate.view.portfolio), media_type=JSON, headers=REPLAYED if repeated else None)

    @router.post("/cancels", **_takes(CancelRequest, "Report that approved units will not be executed"))
    async def cancels(request: Request) -> Response:
        """Signed units that were approved and will not be executed: their exposure is free again."""
        asked = validated(parse_object(await request.body()), CancelRequest)
        await gate.change(changes.cancel(asked))
        return Response(_portfolio(gate.view.portfolio), media_type=JSON)

    @router.post("/marks", **_takes(MarksRequest, "Report prices of what is held"))
    async def marks(request: Request) -> Response:
        """Prices by symbol: P&L, exposure and the kill switches follow."""
        asked = validated(parse_object(await request.body()), MarksRequest)
        await gate.change(changes.marks(asked))
        return Response(_portfolio(gate.view.portfolio), media_type=JSON)

    return router


def _switched(server: Server, done: str, account: str) -> Response:
    return Response(rendered(switched(server.gate.view, server.config, done, account)), media_type=JSON)


@lru_cache(maxsize=4)
def _metrics(metrics: RiskMetrics) -> bytes:
    return rendered(metrics.to_dict())


def _portfolio(portfolio: PortfolioState) -> bytes:
    return rendered(portfolio.to_dict())


def _takes(model: type[BaseModel], summary: str) -> dict[str, Any]:
    """What OpenAPI says of a route: its body is read by our own parser, so FastAPI cannot know it."""
    schema = model.model_json_schema()
    return {
        "summary": summary,
        "openapi_extra": {
            "security": [{"token": []}],
            "requestBody": {"required": True, "content": {JSON: {"schema": schema}}},
        },
        "responses": {
            status: {"description": text, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Errors"}}}}
            for status, text in _REFUSALS.items()
        },
    }


_REFUSALS = {
    400: "The body is not strict JSON, or the Host header is not a name of this server.",
    401: "The token is missing or another.",
    409: "The order id was given before for something else, or a resume is not accepted now.",
    413: "The body is too large.",
    422: "A field is missing, unknown or out of bounds.",
    429: "Too many writes wait; Retry-After says when to come back.",
    503: "No token was set, or the journal cannot be written: nothing was decided.",
}
