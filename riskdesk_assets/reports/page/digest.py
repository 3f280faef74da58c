"""The page's headline in a few lines of markdown, for where a page cannot be shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from riskdesk_assets.book.clips import WHOLE_LOTS
from riskdesk_assets.reports.page.blocks import Facts
from riskdesk_assets.reports.page.content import PageContent, number
from riskdesk_assets.reports.page.headline import banners, headline, state_of
from riskdesk_assets.reports.page.numerals import NOTHING, dollars, percent
from riskdesk_assets.reports.page.risk import scenario_losses

_LISTED = 5


def page_digest(content: PageContent) -> str:
    """Status, P&L, size, risk, the worst scenario, what clipped most, and the limits that are amber or worse."""
    state = state_of(content)
    told = [f"**{content.session} {_safe(str(state.get('release_status') or 'NO STATE'))}**"]
    told += [f"**{_safe(item.word)}**: {_safe(item.text)}" for item in banners(content)]
    facts = [item for block in headline(content).blocks if isinstance(block, Facts) for item in block.items]
    listed = [f"{_safe(fact.label)}: **{_safe(fact.value)}** {_safe(fact.beside)}" for fact in facts if fact.value != NOTHING]
    nav = content.config.desk.nav
    listed += [
        f"Worst scenario: **{_safe(name)} {dollars(value * nav, signed=True)}**" for name, value in scenario_losses(content)[:1]
    ]
    for word, said in (("Clipped", _clips(content)), ("Limits", _limits(content))):
        if said:
            listed.append(f"{word}: {_safe('; '.join(said))}")
    return "\n\n".join([*told, "\n".join(f"- {line.strip()}" for line in listed)])


def _clips(content: PageContent) -> Sequence[str]:
    """The limits that took most, in dollars over all tickets."""
    taken: dict[str, float] = {}
    for row in content.rows("clip_ledger"):
        if row["limit_name"] == WHOLE_LOTS or row["stage"] == "SPLIT":
            continue
        less = abs(number(row, "value_in") or 0.0) - abs(number(row, "value_out") or 0.0)
        name = f"{str(row['stage']).lower()} {row['limit_name']}"
        taken[name] = taken.get(name, 0.0) + less
    largest = sorted(((less, name) for name, less in taken.items() if less > 0), key=lambda item: (-item[0], item[1]))
    return [f"{name} took {dollars(less)}" for less, name in largest[:_LISTED]]


def _limits(content: PageContent) -> Sequence[str]:
    rows = [row for row in content.rows("limit_audit") if row["status"] != "OK"]
    rows.sort(key=lambda row: (-(number(row, "utilization") or 2.0), str(row["limit_name"])))
    return [f"{row['limit_name']} {percent(number(row, 'utilization'))} {str(row['status']).lower()}" for row in rows[:_LISTED]]


def _safe(text: str) -> str:
    """Text that markdown and HTML leave as it is, on one line."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", plain)
