"""The REST gatekeeper of document 003 as one application, and the desk's explanations and reports beside it.

:func:`create_app` gives an ASGI application around one :class:`Server`; ``interfaces/serve_command.py`` runs it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.gatekeeper.engine import OrderConflictError
from riskdesk_assets.gatekeeper.kill_switches import ResumeRefusedError
from riskdesk_assets.interfaces.api_docs import docs_page, documented
from riskdesk_assets.interfaces.api_errors import ErrorLine, Refusal, RefusedError, of_problems, refused
from riskdesk_assets.interfaces.api_front import Front
from riskdesk_assets.interfaces.api_gate import UnwrittenError, WaitingFullError
from riskdesk_assets.interfaces.api_prometheus import Telemetry
from riskdesk_assets.interfaces.api_reads import read_routes
from riskdesk_assets.interfaces.api_server import Server
from riskdesk_assets.interfaces.api_status import status_routes
from riskdesk_assets.interfaces.api_writes import write_routes

TITLE = "Risk & Portfolio Manager"
SUMMARY = "The gatekeeper: signals propose trades, it decides which of them survive. It never trades."
_LOG = logging.getLogger("riskdesk.api")
Handler = Callable[[Request, Any], Awaitable[Response]]


def create_app(server: Server, hosts: tuple[str, ...] = ()) -> ASGIApp:
    """The application of one server; starting and stopping it starts and stops the server's writer.

    Args:
        server: account, writer, runs, clock.
        hosts: names a Host header may hold beside this machine's own and those of config/api.yaml.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await server.start()
        try:
            yield
        finally:
            await server.stop()

    app = FastAPI(
        title=TITLE, summary=SUMMARY, version="1.0.0", docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False
    )
    telemetry = Telemetry(server.gate)
    for router in (write_routes(server), read_routes(server, telemetry.text), status_routes(server)):
        app.include_router(router)
    documented(app)
    app.add_api_route("/docs", docs_page(app), methods=["GET"], include_in_schema=False)
    for kind, handler in _handlers(server).items():
        app.add_exception_handler(kind, handler)
    return telemetry.counted(Front(app, server.settings, server.token, (*server.settings.allowed_hosts, *hosts)))


def _handlers(server: Server) -> dict[type[Exception], Handler]:
    wait = str(server.settings.retry_after_seconds)

    async def told(_request: Request, error: RefusedError) -> Response:
        return _answer(error.refusal)

    async def unknown(request: Request, error: HTTPException) -> Response:
        said = f"there is no {ascii(request.url.path)[1:-1][:100]} here" if error.status_code == 404 else str(error.detail)
        headers = {name.replace("-", "_"): value for name, value in (error.headers or {}).items()}
        return _answer(refused(error.status_code, "", said, "/docs lists what there is", **headers))

    async def parameters(_request: Request, error: RequestValidationError) -> Response:
        lines = tuple(ErrorLine(str(one["loc"][-1]), str(one["msg"])) for one in error.errors())
        return _answer(Refusal(422, lines))

    async def unusable(request: Request, error: InputError) -> Response:
        return _answer(of_problems(404 if request.method in ("GET", "HEAD") else 422, error.problems))

    async def conflict(_request: Request, error: StateError) -> Response:
        return _answer(refused(409, "", str(error)))

    async def order(_request: Request, error: OrderConflictError) -> Response:
        return _answer(refused(409, "client_order_id", str(error), "a new id for a new intent"))

    async def too_early(_request: Request, error: ResumeRefusedError) -> Response:
        if error.resume_from is None:
            return _answer(refused(409, "", str(error)))
        seconds = max(1, math.ceil((error.resume_from - server.gate.now()).total_seconds()))
        allowed = f"from {error.resume_from.isoformat(timespec='seconds')}"
        return _answer(refused(409, "", str(error), allowed, Retry_After=str(seconds)))

    async def full(_request: Request, error: WaitingFullError) -> Response:
        return _answer(refused(429, "", str(error), f"at most {server.settings.waiting_writes}", Retry_After=wait))

    async def unwritten(_request: Request, error: UnwrittenError) -> Response:
        return _answer(refused(503, "", str(error), Retry_After=wait))

    async def broken(_request: Request, error: Exception) -> Response:
        _LOG.error("unexpected: %s", type(error).__name__)
        return _answer(refused(500, "", "an unexpected error; nothing of this request was written"))

    return {
        RefusedError: told,
        HTTPException: unknown,
        RequestValidationError: parameters,
        InputError: unusable,
        StateError: conflict,
        OrderConflictError: order,
        ResumeRefusedError: too_early,
        WaitingFullError: full,
        UnwrittenError: unwritten,
        Exception: broken,
    }


def _answer(refusal: Refusal) -> Response:
    return Response(refusal.body, refusal.status, dict(refusal.headers), "application/json")
