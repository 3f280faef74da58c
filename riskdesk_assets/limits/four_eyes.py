"""No new book while a change of a limit lacks the second name its configuration asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.approvals import Approval
from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.settings import Paths
from riskdesk_assets.common.sizing import FILE as SIZING_RULES
from riskdesk_assets.common.sizing import sizing_document
from riskdesk_assets.limits.changes import LimitChange

_MANDATE = {
    "limits.mandate.max_gross_notional": "PORTFOLIO_MAX_GROSS_NOTIONAL",
    "limits.mandate.max_name_gross_notional": "PORTFOLIO_MAX_NAME_GROSS_NOTIONAL",
}
_ALLOWED = "an entry in approval.changes with another name in approved_by"


def require_approved(
    changes: Sequence[LimitChange], approval: Approval, paths: Paths, profile: str, environ: Mapping[str, str]
) -> None:
    """Refuse a session with a change of a limit that needs a second name and has none.

    Args:
        changes: what changed since the session before.
        approval: what config/limits.yaml asks for, and the entries in it.
        paths, profile, environ: where the configuration was read from, to name the place.

    Raises:
        InputError: every such change, with file, line, field, and what is allowed.
    """
    missing = [change for change in changes if approval.needs(change.kind) and change.approval(approval) is None]
    if missing:
        raise InputError([_problem(change, approval, paths, profile, environ) for change in missing])


def _problem(change: LimitChange, approval: Approval, paths: Paths, profile: str, environ: Mapping[str, str]) -> Problem:
    file, line, field = _place(change.source, paths, profile, environ)
    said = f"{change.sentence()} and nobody approved it (approval.required: {approval.required})"
    return Problem(file, line, field, said, _ALLOWED)


def _place(source: str, paths: Paths, profile: str, environ: Mapping[str, str]) -> tuple[str, int | None, str]:
    """File, line and field that say the number now: the environment, the profile laid over, or the file itself."""
    variable = _MANDATE.get(source, "")
    if environ.get(variable):
        return variable, None, ""
    section, *path = source.split(".")
    if section == "portfolios":
        # A member of a limit may hold a dot (BRK.B), a portfolio's id and the field's name never do.
        _, portfolio_id, field, *member = source.split(".", 3)
        path = [portfolio_id, field, *member]
    elif "overrides" in path:
        _, family, word, symbol = source.split(".", 3)
        path = [family, word, symbol]
    overlay = strict_yaml.load(paths.config / "profiles" / f"{profile}.yaml")
    over = (section, *path)
    if _holds(overlay.data, over):
        return overlay.file, overlay.line(over), ".".join(over)
    if section == "sizing":
        document = sizing_document(paths.config / SIZING_RULES)
        return document.file, document.line(tuple(path)), ".".join(path)
    if section != "portfolios":
        document = strict_yaml.load(paths.config / f"{section}.yaml")
        return document.file, document.line(tuple(path)), ".".join(path)
    for candidate in sorted((paths.config / "portfolios").glob("*.yaml")):
        document = strict_yaml.load(candidate)
        if document.data.get("portfolio_id") == path[0]:
            return document.file, document.line(tuple(path[1:])), ".".join(path[1:])
    return str(paths.config / "portfolios"), None, source


def _holds(data: object, path: Sequence[str]) -> bool:
    """Whether the path, or a null above it, is written in the data."""
    place = data
    for part in path:
        if not isinstance(place, dict) or part not in place:
            return False
        place = place[part]
        if place is None:
            return True
    return True
