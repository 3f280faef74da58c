"""GET: state of the account, the desk's explanations and reports, Prometheus. Reads need no token and change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import HTMLResponse

from riskdesk_assets.gatekeeper.health import health_status
from riskdesk_assets.interfaces.api_answers import health as health_answer
from riskdesk_assets.interfaces.api_desk import regimes_of
from riskdesk_assets.interfaces.api_errors import RefusedError, refused
from riskdesk_assets.interfaces.api_json import rendered
from riskdesk_assets.interfaces.api_runs import FILES, newest_run, report_page, run_file
from riskdesk_assets.interfaces.api_server import Server
from riskdesk_assets.interfaces.explain import TicketStory, explain

JSON = "application/json"
REPORTS = "/reports/"
LATEST = "latest"
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
Word = Annotated[str, Path(min_length=1, max_length=128, description="A symbol of the universe, or a ticket's id.")]
Day = Annotated[str, Path(alias="date", min_length=6, max_length=10, description="YYYY-MM-DD, or latest.")]


def read_routes(server: Server, prometheus: Callable[[], bytes]) -> APIRouter:
    """The routes of every read but the status page and the documentation."""
    router = APIRouter(tags=["reads"])
    gate, runs = server.gate, server.paths.runs

    @router.get("/health", summary="Health, kill switches, portfolio state", responses=_answers("health"))
    async def health() -> Response:
        """HEALTHY, WARNING, REDUCING or HALTED; every kill switch with reading and limit; current_pct is a percent."""
        view = gate.view
        status = health_status(view.portfolio, view.metrics, server.config, view.volatility)
        return Response(rendered({**health_answer(view, status), "desk": regimes_of(server.desk)}), media_type=JSON)

    @router.get("/portfolio", summary="Positions, exposure, P&L", responses=_answers("portfolio_state"))
    async def portfolio() -> Response:
        """The account as the journal holds it; dollars."""
        return Response(rendered(gate.view.portfolio.to_dict()), media_type=JSON)

    @router.get("/metrics", summary="Decision statistics", responses=_answers("risk_metrics"))
    async def metrics() -> Response:
        """Approval rate (a fraction), rejections by reason, sizing."""
        return Response(rendered(gate.view.metrics.to_dict()), media_type=JSON)

    @router.get("/config", summary="The gatekeeper's configuration", responses=_answers("config"))
    async def config() -> Response:
        """Every parameter, the preset they are laid over, the rates of other currencies, and the hash decisions carry."""
        settings = server.settings
        told = {"preset": settings.preset, "rates": settings.rates, "config_hash": server.config.hash}
        return Response(rendered({**server.config.model_dump(mode="json"), **told}), media_type=JSON)

    @router.get("/explain/{symbol_or_ticket}", summary="Why a position is what it is", responses=_answers("story"))
    def story(symbol_or_ticket: Word, asof: Annotated[date | None, Query(description="A session.")] = None) -> Response:
        """From the newest published run: every stage, clip and limit between the ticket and the shares."""
        tables = newest_run(runs, asof)
        session = tables.sessions()[-1] if asof is None else asof
        told = explain(symbol_or_ticket, session, tables, tables.config)
        kind = "ticket" if isinstance(told, TicketStory) else "symbol"
        body = json.dumps({"kind": kind, **asdict(told)}, default=str, ensure_ascii=False, allow_nan=False)
        return Response(body.encode(), media_type=JSON)

    @router.get("/reports/{date}", summary="The desk's report page", response_class=HTMLResponse)
    def report(day: Day) -> Response:
        """The page of a session, from its run directory."""
        page = report_page(runs, None if day == LATEST else _session(day), REPORTS)
        return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_POLICY})

    @router.get("/reports/{date}/{file}", summary="A file of a session's run", response_class=Response)
    def report_file(day: Day, file: Annotated[str, Path(max_length=64)]) -> Response:
        """One of the files a report page links to."""
        raw = run_file(runs, _session(day), file)
        return Response(raw, media_type=FILES[file], headers={"Content-Disposition": f'attachment; filename="{file}"'})

    @router.get("/prometheus", summary="Counters and gauges for Prometheus", response_class=Response)
    async def exposition() -> Response:
        """The text format, version 0.0.4."""
        return Response(prometheus(), media_type=_TEXT)

    return router


def _session(day: str) -> date:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        found = None
    if found is None or found.isoformat() != day:
        raise RefusedError(refused(404, "date", f"{day!a} is no session", "YYYY-MM-DD, latest"))
    return found


def _answers(what: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": what.replace("_", " "), "content": {JSON: {"schema": {"type": "object"}}}}}
