"""/: the status page, and its two forms. It works without scripts; with them its numbers renew themselves.

A form is accepted only from this server's own page (Origin, or Sec-Fetch-Site where a browser sends no Origin) and only with
the token, which no cookie carries: a page elsewhere can neither send nor replay it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hmac import compare_digest
from secrets import token_urlsafe
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from riskdesk_assets.common.errors import StateError
from riskdesk_assets.interfaces import api_changes as changes
from riskdesk_assets.interfaces.api_errors import ErrorLine, RefusedError
from riskdesk_assets.interfaces.api_gate import UnwrittenError
from riskdesk_assets.interfaces.api_models import SwitchRequest, validated
from riskdesk_assets.interfaces.api_server import Server
from riskdesk_assets.interfaces.api_status_view import status_view

DONE = {"halted": "Halted. It is in the journal.", "resumed": "Resumed. It is in the journal."}
_FIELDS = ("account", "reason", "by", "token")


@dataclass(frozen=True)
class Refilled:
    """A form that was refused: what was typed (never the token), and what is wrong with it."""

    form: str = ""
    account: str = "rest"
    reason: str = ""
    by: str = ""
    errors: tuple[ErrorLine, ...] = ()


def status_routes(server: Server) -> APIRouter:
    """The page and its forms."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def status(done: str = "") -> Response:
        """The page."""
        return _page(server, 200, Refilled(), DONE.get(done, ""))

    @router.post("/form/halt")
    async def halt(request: Request) -> Response:
        """Halt by form."""
        return await _switched(server, request, "halt")

    @router.post("/form/resume")
    async def resume(request: Request) -> Response:
        """Resume by form."""
        return await _switched(server, request, "resume")

    return router


async def _switched(server: Server, request: Request, form: str) -> Response:
    if not _is_own_page(request):
        return _page(server, 403, Refilled(form, errors=(ErrorLine("", "this form was not sent from this server's own page"),)))
    try:
        typed = _typed(await request.body())
    except ValueError:
        return _page(server, 400, Refilled(form, errors=(ErrorLine("", "the form cannot be read"),)))
    kept = Refilled(form, typed["account"], typed["reason"], typed["by"])
    status, errors = await _tried(server, form, typed)
    if errors:
        return _page(server, status, Refilled(form, kept.account, kept.reason, kept.by, errors))
    return RedirectResponse(f"/?done={'halted' if form == 'halt' else 'resumed'}", 303)


async def _tried(server: Server, form: str, typed: dict[str, str]) -> tuple[int, tuple[ErrorLine, ...]]:
    if server.token is None:
        return 503, (ErrorLine("token", "writes are off: start the server with RISKDESK_API_TOKEN set"),)
    if not compare_digest(typed["token"].encode(), server.token.encode()):
        return 401, (ErrorLine("token", "is not this server's token"),)
    try:
        asked = validated({name: typed[name] for name in ("account", "reason", "by")}, SwitchRequest)
        change = changes.halt(asked) if form == "halt" else changes.resume(asked)
        await server.gate.change(change, urgent=True)
    except RefusedError as error:
        return error.refusal.status, error.refusal.lines
    except UnwrittenError as error:
        return 503, (ErrorLine("", str(error)),)
    except StateError as error:
        return 409, (ErrorLine("", str(error)),)
    return 303, ()


def _is_own_page(request: Request) -> bool:
    origins, site = request.headers.getlist("origin"), request.headers.get("sec-fetch-site")
    if origins:
        return origins == [f"{request.url.scheme}://{request.headers['host']}"] and site in (None, "same-origin")
    return site == "same-origin"


def _typed(body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=len(_FIELDS))
    found = dict(pairs)
    if len(found) != len(pairs) or not set(found) <= set(_FIELDS):
        raise ValueError("fields")
    return {name: found.get(name, "") for name in _FIELDS}


def _page(server: Server, status: int, refilled: Refilled, done: str = "") -> Response:
    nonce = token_urlsafe(16)
    page = _template().render(nonce=nonce, refilled=refilled, done=done, view=status_view(server))
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(page, status, {"Content-Security-Policy": policy})


@cache
def _template() -> Template:
    # The report page's own style: the two are read side by side.
    folders = ("riskdesk_assets.interfaces", "riskdesk_assets.reports.page")
    loader = ChoiceLoader([PackageLoader(folder, "templates") for folder in folders])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("status.html")
