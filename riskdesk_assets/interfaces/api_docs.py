"""/openapi.json completed, and /docs: the same as a page that needs no script and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from riskdesk_assets.interfaces.api_writes import REFUSALS, write_paths

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ENDPOINTS = (
    ("POST", "/process_trade", "Process trade intent (MAIN ENDPOINT)"),
    ("GET", "/health", "Health, kill switches, portfolio state"),
    ("GET", "/portfolio", "Positions, exposure, P&L"),
    ("GET", "/metrics", "Decision statistics"),
    ("POST", "/halt", "Halt trading by hand"),
    ("POST", "/resume", "Resume trading"),
    ("GET", "/config", "The gatekeeper's configuration"),
    ("POST", "/fills", "Report an execution"),
    ("POST", "/cancels", "Report units that will not be executed"),
    ("POST", "/marks", "Report prices of what is held"),
    ("GET", "/explain/{symbol_or_ticket}", "Why a position is what it is"),
    ("GET", "/reports/{date}", "The desk's report page; /reports/latest"),
    ("GET", "/prometheus", "Counters and gauges"),
    ("GET", "/", "Status page: state, decisions, book, halt and resume"),
    ("GET", "/docs", "This documentation; /openapi.json for programs"),
)
EXAMPLE = """{
    "symbol": "EURUSD", "direction": 1, "confidence_score": 0.75, "regime": "TRENDING",
    "atr": 0.0225, "vol_percentile": 0.5, "current_price": 1.1, "client_order_id": "signal-1"}"""
# of the example, with the ATR that document 003's answer belongs to
ANSWER = """{"decision": {"status": "APPROVED", "may_execute": true, "approved_trade": {"symbol": "EURUSD", "direction": 1,
    "position_units": 26666.67, "confidence_score": 0.75, "regime": "TRENDING", "atr": 0.0225,
    "risk_per_trade": 1000.0, "sizing": {...}, ...},
    "rejected_trade": null, "binding_constraint": "", "audit_trail": [{"name": "input", "outcome": "PASS", ...}, ...], ...},
 "portfolio_state": {...}, "risk_metrics": {...}}"""
_ERRORS = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message", "allowed"],
                "properties": {name: {"type": "string"} for name in ("field", "message", "allowed")},
            },
        }
    },
}


def documented(app: FastAPI) -> None:
    """Give the application's OpenAPI schema what its routes cannot say themselves: the error shape and the token."""

    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            made["paths"].update(write_paths())
            parts = made.setdefault("components", {})
            parts.setdefault("schemas", {})["Errors"] = _ERRORS
            parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": "RISKDESK_API_TOKEN"}}
            for path in made["paths"].values():
                for operation in path.values():
                    _refusals_of_parameters(operation)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = schema  # type: ignore[method-assign]


def docs_page(app: FastAPI) -> Callable[[], Awaitable[HTMLResponse]]:
    """The handler of /docs."""

    async def docs() -> HTMLResponse:
        return HTMLResponse(_rendered(app), headers={"Content-Security-Policy": POLICY})

    return docs


def _rendered(app: FastAPI) -> str:
    schema = app.openapi()
    operations = [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "description": operation.get("description", ""),
            "token": bool(operation.get("security")),
            "parameters": [
                (one["name"], one.get("description", ""), one.get("required", False)) for one in operation.get("parameters", [])
            ],
            "fields": _fields(operation),
            "statuses": _statuses(operation),
        }
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    order = {path: place for place, (_, path, _) in enumerate(ENDPOINTS)}
    operations.sort(key=lambda one: order.get(one["path"], len(order)))
    return _template().render(
        title=schema["info"]["title"],
        summary=app.summary,
        operations=operations,
        example=EXAMPLE,
        answer=ANSWER,
        refusals=list(REFUSALS.items()),
    )


def _fields(operation: dict[str, Any]) -> list[tuple[str, str, bool, str]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return []
    schema = content["schema"]
    needed = set(schema.get("required", []))
    return [
        (name, _type(field), name in needed, field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]


def _statuses(operation: dict[str, Any]) -> str:
    """What the statuses of an answer mean, where it has any."""
    content = operation.get("responses", {}).get("200", {}).get("content", {}).get("application/json", {})
    decision = content.get("schema", {}).get("properties", {}).get("decision", {})
    status = decision.get("properties", {}).get("status", {})
    return f"status is {', '.join(status['enum'])}. {status['description']}" if status else ""


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " | ".join(str(value) for value in field["enum"])
    if "anyOf" in field:
        return " | ".join(_type(one) for one in field["anyOf"])
    bounds = [
        f"{sign} {field[key]:g}"
        for key, sign in (("minimum", "≥"), ("maximum", "≤"), ("exclusiveMinimum", ">"), ("exclusiveMaximum", "<"))
        if key in field
    ]
    return f"{field.get('type', '')} {', '.join(bounds)}".strip()


def _refusals_of_parameters(operation: dict[str, Any]) -> None:
    """FastAPI describes its own validation answer; ours has one shape for all."""
    answer = operation.get("responses", {}).get("422")
    if answer is not None:
        answer["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}}


@cache
def _template() -> Template:
    folders = ("riskdesk_assets.interfaces", "riskdesk_assets.reports.page")
    loader = ChoiceLoader([PackageLoader(folder, "templates") for folder in folders])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("docs.html")
