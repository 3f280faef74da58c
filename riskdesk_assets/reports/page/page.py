"""The desk's report of one session as one HTML file that needs nothing else: no script, no request, no clock."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from riskdesk_assets.reports.page.blocks import Section
from riskdesk_assets.reports.page.book import book_section, why_section
from riskdesk_assets.reports.page.content import PageContent
from riskdesk_assets.reports.page.expected import expected_section
from riskdesk_assets.reports.page.guards import guards_section
from riskdesk_assets.reports.page.headline import banners, headline, source_words, state_of
from riskdesk_assets.reports.page.history import history_section
from riskdesk_assets.reports.page.limits import limits_section
from riskdesk_assets.reports.page.mandates import engine_section, mandate_sections
from riskdesk_assets.reports.page.pairs import pairs_section
from riskdesk_assets.reports.page.risk import checks_section, risk_section
from riskdesk_assets.reports.page.strategies import strategies_section

PAGE = "desk_report.html"
_BESIDE = "./"
_FILES = (
    "ideal_portfolio.parquet",
    "portfolio_blotter.csv",
    "portfolio.csv",
    "correlations.csv",
    "desk_workbook.xlsx",
    "logs.txt",
    "metrics.json",
    "manifest.json",
)


def desk_page(content: PageContent) -> str:
    """The page of a session, to lie in its run directory.

    Args:
        content: rows of tables, configuration and source; the same content gives the same bytes.
    """
    state = state_of(content)
    config = content.config
    return _template().render(
        session=content.session.isoformat(),
        weekday=f"{content.session:%A}",
        desk=config.desk.portfolio_id,
        source=content.source,
        source_words=source_words(content),
        simulated=content.source == "SIMULATED",
        status=str(state.get("release_status") or "NO STATE").replace("_", " "),
        released=bool(state.get("released")),
        run_id=str(state.get("run_id") or ""),
        banners=banners(content),
        sections=[section for section in _sections(content) if section is not None],
        files=[(f"{_BESIDE}{name}", name) for name in _FILES],
        facts=[
            ("Profile", config.profile),
            ("Config", config.hash),
            ("Code", content.code_version),
            ("Snapshot of bars", content.snapshot_id),
            ("Features", config.feature_version),
            ("Run", str(state.get("run_id") or "")),
            ("State", str(state.get("state_hash") or "")),
        ],
    )


def linked_from(page: str, folder: str) -> str:
    """The page for another place, its links leading to ``folder`` (relative, with a slash at the end)."""
    for name in _FILES:
        page = page.replace(f'href="{_BESIDE}{name}"', f'href="{folder}{name}"')
    return page


def _sections(content: PageContent) -> list[Section | None]:
    return [
        headline(content),
        book_section(content),
        why_section(content),
        pairs_section(content),
        guards_section(content),
        limits_section(content),
        strategies_section(content),
        risk_section(content),
        expected_section(content),
        history_section(content),
        checks_section(content),
        *mandate_sections(content),
        engine_section(content),
    ]


@cache
def _template() -> Template:
    loader = PackageLoader("riskdesk_assets.reports.page", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("page.html")
