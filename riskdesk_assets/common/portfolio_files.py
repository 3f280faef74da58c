"""The portfolios' files: config/portfolios/*.yaml, with a profile laid over them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.errors import InputError, Problem, nearest
from riskdesk_assets.common.portfolios import PortfolioConfig


def portfolio_files(
    folder: Path, overlay: strict_yaml.Document, own: str, cost_models: Collection[str]
) -> dict[str, PortfolioConfig]:
    """Every portfolio by id; the desk's own must be among them, and no other may be made of pairs.

    Args:
        folder: of the portfolios' files.
        overlay: the profile; it leaves a portfolio out by saying null.
        own: id of the desk's own portfolio.
        cost_models: ids a portfolio may name.

    Raises:
        InputError: an unusable file or overlay, with file, line, field and what is allowed.
    """
    changes = (overlay.data or {}).get("portfolios") or {}
    found: dict[str, PortfolioConfig] = {}
    known: set[str] = set()
    for path in sorted(folder.glob("*.yaml")):
        document = strict_yaml.load(path)
        portfolio = strict_yaml.validate(document, PortfolioConfig)
        changed = changes.get(portfolio.portfolio_id)
        known.add(portfolio.portfolio_id)
        if changed is None and portfolio.portfolio_id in changes:
            continue
        if changed:
            merged = strict_yaml.merged(document.data, changed)
            portfolio = strict_yaml.validate_data(merged, PortfolioConfig, overlay, ("portfolios", portfolio.portfolio_id))
        _check(portfolio, document, own, cost_models, found)
        found[portfolio.portfolio_id] = portfolio
    if own not in found:
        raise InputError(Problem(str(folder), None, "portfolio_id", f"no file is about {own}", "one *.yaml with it"))
    unknown = sorted(set(changes) - known)
    if unknown:
        place = ("portfolios", unknown[0])
        said = f"is not a known portfolio{nearest(unknown[0], known)}"
        raise InputError(Problem(overlay.file, overlay.line(place), ".".join(place), said, ", ".join(sorted(known))))
    return found


def _check(
    portfolio: PortfolioConfig,
    document: strict_yaml.Document,
    own: str,
    cost_models: Collection[str],
    found: Mapping[str, PortfolioConfig],
) -> None:
    ours = portfolio.portfolio_id == own
    wrong: list[tuple[str, str, str]] = []
    if portfolio.portfolio_id in found:
        wrong.append(("portfolio_id", f"{portfolio.portfolio_id} is used by another file", "an id of its own"))
    if (portfolio.kind == "pairs") != ours:
        allowed = "pairs" if ours else "long_only, long_short, market_neutral"
        wrong.append(("kind", f"is {portfolio.kind!r}", allowed))
    if portfolio.cost_model_id not in cost_models:
        said = f"is {portfolio.cost_model_id!r}{nearest(portfolio.cost_model_id, cost_models)}"
        wrong.append(("cost_model_id", said, ", ".join(sorted(cost_models))))
    if wrong:
        raise InputError([Problem(document.file, document.line((field,)), field, said, ok) for field, said, ok in wrong])
