"""How the pairs of the desk's tickets fare today: warnings for people, which no stage of the funnel reads."""

from __future__ import annotations

from riskdesk_assets.common.universe import PAIR_SEPARATOR
from riskdesk_assets.features.pair_health import PairHealth, pair_warnings
from riskdesk_assets.reports.page.blocks import Cell, Column, Section, Table
from riskdesk_assets.reports.page.content import PageContent, Row
from riskdesk_assets.reports.page.numerals import NOTHING, count, plain
from riskdesk_assets.reports.page.tickets import held_tickets, tickets_in_force_or_held

_SHORT = {
    "zscore": "broken down",
    "beta": "no hedge",
    "half_life": "half-life",
    "pvalue": "cointegration",
    "correlation": "correlation",
    "beta_stability": "unsteady beta",
    "no_cross_sessions": "no cross",
}
_COLUMNS = (
    Column("Ticket", "text"),
    Column("Pair", "text"),
    Column("Held", "text"),
    Column("z"),
    Column("Beta"),
    Column("Half-life"),
    Column("Horizon"),
    Column("Coint. p"),
    Column("Corr. 60"),
    Column("sd of beta"),
    Column("No cross"),
    Column("Warns of", "prose"),
)


def pairs_section(content: PageContent) -> Section | None:
    """One row per ticket in force or held; None where there is no such ticket."""
    tickets = {str(row["ticket_id"]): row for row in content.rows("ticket_snapshots")}
    asked = {str(row["ticket_id"]): row for row in content.rows("proposals")}
    states = {str(row["pair_id"]): row for row in content.rows("pair_state")}
    held = held_tickets(content)
    lines = [
        _line(content, name, tickets.get(name, {}), asked.get(name, {}), states, held=name in held)
        for name in tickets_in_force_or_held(content)
    ]
    if not lines:
        return None
    caption = "Each ticket's pair; half-life, horizon and time without a cross of the mean in sessions"
    source = "pair_state, ticket_snapshots, desk_positions"
    table = Table("pairs", caption, source, _COLUMNS, lines, note=_note(content))
    return Section("pairs", "Pairs today", [table], "Amber is a warning, not a gate: nothing is held back for it.")


def _line(content: PageContent, name: str, ticket: Row, asked: Row, states: dict[str, Row], *, held: bool) -> tuple[Cell, ...]:
    pair = str(ticket.get("pair_id") or asked.get("pair_id") or "")
    head = (Cell(name), Cell(pair.replace(PAIR_SEPARATOR, "/"), "dim"), Cell("held" if held else ""))
    days = ticket.get("horizon_days")
    horizon = days if isinstance(days, int) else None
    state = states.get(pair)
    if state is None:
        empty = (NOTHING, NOTHING, NOTHING, count(horizon), *[NOTHING] * 4)
        return (*head, *(Cell(text) for text in empty), Cell("no state today", "amber"))
    health = PairHealth.of_row(state)
    warned = pair_warnings(health, horizon, content.config.desk)

    def shown(figure: str, text: str) -> Cell:
        return Cell(text, "amber" if figure in warned else "")

    return (
        *head,
        shown("zscore", plain(health.zscore, signed=True)),
        shown("beta", plain(health.beta)),
        shown("half_life", "none" if health.half_life is None else plain(health.half_life, 1)),
        Cell(count(horizon), "dim"),
        shown("pvalue", plain(health.pvalue, 3)),
        shown("correlation", plain(health.correlation)),
        shown("beta_stability", plain(health.beta_stability, 3)),
        shown("no_cross_sessions", count(health.no_cross_sessions)),
        Cell(", ".join(_SHORT[figure] for figure in warned), "dim"),
    )


def _note(content: PageContent) -> str:
    desk = content.config.desk
    limits, least = desk.pair_health, desk.controller.min_beta
    said = [
        "a half-life or a time without a cross beyond the ticket's horizon",
        f"p above {limits.significance:g}",
        f"correlation below {limits.min_correlation:g}",
        f"a sd of beta above {limits.max_beta_stability:g}",
        *([] if least is None else [f"beta below {least:g}"]),
        f"|z| from {desk.features.breakdown_z:g}",
    ]
    return f"Amber: {'; '.join(said)}. riskdesk explain says each in words."
