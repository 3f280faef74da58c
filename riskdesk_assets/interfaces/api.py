"""The REST gatekeeper of document 003 as one application, and the desk's explanations and reports beside it.

:func:`create_app` gives an ASGI application around one :class:`Server`; ``interfaces/serve_command.py`` runs it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from riskdesk_assets.common.errors import InputError, StateError
from riskdesk_assets.interfaces.api_docs import docs_page, documented
from riskdesk_assets.interfaces.api_errors import ErrorLine, Refusal, RefusedError, refused
from riskdesk_assets.interfaces.api_front import Front
from riskdesk_assets.interfaces.api_prometheus import Telemetry
from riskdesk_assets.interfaces.api_reads import read_routes
from riskdesk_assets.interfaces.api_refusals import refusal_of
from riskdesk_assets.interfaces.api_server import Server
from riskdesk_assets.interfaces.api_status import status_routes
from riskdesk_assets.interfaces.api_writes import write_handlers

TITLE = "Risk & Portfolio Manager"
SUMMARY = "The gatekeeper: signals propose trades, it decides which of them survive. It never trades."


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
    for router in (read_routes(server, telemetry.text), status_routes(server)):
        app.include_router(router)
    documented(app)
    app.add_api_route("/docs", docs_page(app), methods=["GET"], include_in_schema=False)

    def failed(error: Exception, *, reading: bool = False) -> Refusal:
        return refusal_of(error, server.settings, server.gate.now(), reading=reading)

    async def raised(request: Request, error: Exception) -> Response:
        return _answer(failed(error, reading=request.method in ("GET", "HEAD")))

    for kind, handler in {**_OWN, RefusedError: raised, InputError: raised, StateError: raised, Exception: raised}.items():
        app.add_exception_handler(kind, handler)
    names = (*server.settings.allowed_hosts, *hosts)
    front = Front(app, server.settings, server.token, write_handlers(server), failed, names)
    return telemetry.counted(front)


async def _unknown(request: Request, error: HTTPException) -> Response:
    said = f"there is no {ascii(request.url.path)[1:-1][:100]} here" if error.status_code == 404 else str(error.detail)
    headers = {name.replace("-", "_"): value for name, value in (error.headers or {}).items()}
    return _answer(refused(error.status_code, "", said, "/docs lists what there is", **headers))


async def _parameters(_request: Request, error: RequestValidationError) -> Response:
    return _answer(Refusal(422, tuple(ErrorLine(str(one["loc"][-1]), str(one["msg"])) for one in error.errors())))


_OWN: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
    HTTPException: _unknown,
    RequestValidationError: _parameters,
}


def _answer(refusal: Refusal) -> Response:
    return Response(refusal.body, refusal.status, dict(refusal.headers), "application/json")
