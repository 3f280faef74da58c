"""The book with yesterday's beside it, and why each ticket and name is what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from riskdesk_assets.book.clips import enlarges, where
from riskdesk_assets.common.money import CASH
from riskdesk_assets.reports.order_words import order_words
from riskdesk_assets.reports.page.blocks import Cell, Column, Group, Section, Sentences, Table
from riskdesk_assets.reports.page.charts import diverging_bar, steps_bar
from riskdesk_assets.reports.page.content import PageContent, Row, number
from riskdesk_assets.reports.page.headline import axes_of, held_shares, released, stands_apart
from riskdesk_assets.reports.page.held import held_table
from riskdesk_assets.reports.page.numerals import NOTHING, cents, count, dollars, percent, plain

_STRESS = "Stress: the spread that a name's highs and lows suggest, an indicator only; costs do not use it."
_SPLIT = "Yesterday's shares are as they were then: a split or a delisting moved some without a trade."
_CONFIDENCE = (
    "Confidence: how strong a ticket's signal is, from 0.5 at |z| of its exit to 1 at a breakdown; where it is too low for the "
    "gatekeeper, the position may not grow."
)
_FUNNEL = ("proposed", "scaled", "approved", "released")


def book_section(content: PageContent) -> Section:
    """Shares, prices and notionals per name and CASH, which sum to exactly zero; then what each held ticket made."""
    if released(content):
        return _section(content, _released_rows(content), "The book", "ideal_portfolio")
    return _section(content, _standing_rows(content), "The positions that stand", "desk_positions")


def why_section(content: PageContent) -> Section:
    """Each ticket's way through the funnel, what the clip ledger says of it, and the trades it makes."""
    blocks = [block for block in (_funnel(content), _ledger(content), _trades(content), _quiet(content)) if block is not None]
    told = any("confidence" in str(row["reason"]).lower() for row in content.rows("clip_ledger"))
    lead = (_CONFIDENCE if told else "") if blocks else "No ticket asked for anything."
    return Section("why", "Why", blocks, lead)


def _section(content: PageContent, rows: Sequence[Row], title: str, table: str) -> Section:
    nav = content.config.desk.nav
    before, delta = _yesterday(content), _traded(content)
    axes = axes_of(content)

    def regime(symbol: str) -> tuple[Cell, Cell]:
        return Cell(axes.tape.get(symbol, NOTHING), "dim"), Cell(plain(axes.stress_bps.get(symbol), 0), "dim")

    held = held_shares(content) if stands_apart(content) else None
    gone = sorted((set(before) | set(delta) | set(held or ())) - {str(row["symbol"]) for row in rows})
    equities = sorted(
        (row for row in rows if row["symbol"] != CASH),
        key=lambda row: (-abs(int(str(row["notional_cents"]))), str(row["symbol"])),
    )
    cash = -sum(int(str(row["notional_cents"])) for row in equities)
    stated = next((int(str(row["notional_cents"])) for row in rows if row["symbol"] == CASH), cash)
    largest = max((abs(int(str(row["notional_cents"]))) for row in equities), default=0) / 100
    lines: list[tuple[Cell, ...]] = []
    for row in equities:
        symbol, shares, amount = str(row["symbol"]), int(str(row["shares"])), int(str(row["notional_cents"]))
        lines.append(
            (
                Cell(symbol),
                Cell(count(shares)),
                Cell(dollars(number(row, "price"), 2)),
                Cell(cents(amount)),
                Cell(percent(amount / 100 / nav, signed=True)),
                Cell("", drawing=diverging_bar(amount / 100, largest)),
                *_held_cell(held, symbol),
                Cell(count(before.get(symbol, 0))),
                Cell(count(delta.get(symbol, 0), signed=True) if delta.get(symbol) else NOTHING),
                *regime(symbol),
                Cell(str(row["tickets"]), "dim"),
            )
        )
    for symbol in gone:
        change = count(delta[symbol], signed=True) if delta.get(symbol) else NOTHING
        empty = (Cell("0"), Cell(NOTHING), Cell(cents(0)), Cell(percent(0.0)), Cell(""))
        lines.append(
            (
                Cell(symbol),
                *empty,
                *_held_cell(held, symbol),
                Cell(count(before.get(symbol, 0))),
                Cell(change),
                *regime(symbol),
                Cell("still held" if held and held.get(symbol) else "closed", "dim"),
            )
        )
    lines.append(
        (
            Cell(CASH),
            Cell(""),
            Cell(""),
            Cell(cents(stated)),
            Cell(percent(stated / 100 / nav, signed=True)),
            *(Cell("") for _ in range(6 if held is None else 7)),
        )
    )
    total = stated - cash
    said = "exactly zero" if total == 0 else "NOT ZERO"
    foot = (
        Cell("Sum"),
        Cell(""),
        Cell(""),
        Cell(cents(total)),
        *(Cell("") for _ in range(6 if held is None else 7)),
        Cell(said, "" if total == 0 else "bad"),
    )
    # What the blotter leads to: where it is enforced what the desk holds, else the book.
    reached = {str(row["symbol"]): int(str(row["shares"])) for row in equities}
    if held is not None and content.config.desk.guards.mode == "enforce":
        reached = held
    split = any(before.get(symbol, 0) + delta.get(symbol, 0) != shares for symbol, shares in reached.items())
    shown = Table(
        name="book",
        caption="Signed shares and dollars at the close, largest first"
        if held is None
        else "The ideal portfolio: signed shares and dollars at the close, largest first; beside it what the desk holds",
        source=f"{table}{'' if held is None else '; desk holds: desk_positions'}; yesterday: desk_positions of the session "
        "before; change: portfolio_blotter; tape: instrument_state",
        columns=(
            Column("Name", "text"),
            Column("Shares"),
            Column("Price"),
            Column("Notional"),
            Column("of NAV"),
            Column("short | long", "bar"),
            *(() if held is None else (Column("Desk holds"),)),
            Column("Yesterday"),
            Column("Change"),
            Column("Tape regime", "text"),
            Column("Stress, bp"),
            Column("Tickets", "text"),
        ),
        rows=lines,
        total=foot,
        note=f"{_STRESS} {_SPLIT}" if split else _STRESS,
    )
    made = held_table(content)
    return Section("book", title, [shown, *([made] if made else [])], "" if equities else "The desk holds nothing.")


def _held_cell(held: Mapping[str, int] | None, symbol: str) -> tuple[Cell, ...]:
    """What the desk holds of a name, where the column is shown."""
    return () if held is None else (Cell(count(held.get(symbol, 0))),)


def _released_rows(content: PageContent) -> list[Row]:
    return [{**row, "tickets": str(row["source_ticket_ids"]).replace(",", ", ")} for row in content.rows("ideal_portfolio")]


def _standing_rows(content: PageContent) -> list[Row]:
    """Positions nobody released today, summed per symbol."""
    found: dict[str, Row] = {}
    for row in content.rows("desk_positions"):
        symbol, ticket = str(row["symbol"]), str(row["ticket_id"])
        if symbol not in found:
            found[symbol] = {**row, "tickets": ticket}
            continue
        line = found[symbol]
        for column in ("shares", "notional_cents"):
            line[column] = int(str(line[column])) + int(str(row[column]))
        line["tickets"] = f"{line['tickets']}, {ticket}"
    return list(found.values())


def _yesterday(content: PageContent) -> dict[str, int]:
    frame = content.earlier.get("desk_positions")
    return {} if frame is None else _summed(frame.to_dicts(), "shares")


def _traded(content: PageContent) -> dict[str, int]:
    return _summed(content.rows("portfolio_blotter"), "shares_delta")


def _summed(rows: Iterable[Row], column: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[str(row["symbol"])] = found.get(str(row["symbol"]), 0) + int(str(row[column]))
    return found


def _gross(row: Row | None, first: str, second: str) -> float:
    return 0.0 if row is None else abs(number(row, first) or 0.0) + abs(number(row, second) or 0.0)


def _steps(content: PageContent) -> list[tuple[Row, tuple[float, float, float, float], float]]:
    """Proposal, the funnel's four sizes in dollars of gross, and dollars held after the session, per ticket."""
    gates = {row["ticket_id"]: row for row in content.rows("gate_decisions")}
    decided = {row["ticket_id"]: row for row in content.rows("decisions")}
    held: dict[object, int] = {}
    for row in content.rows("desk_positions"):
        held[row["ticket_id"]] = held.get(row["ticket_id"], 0) + abs(int(str(row["notional_cents"])))
    found = []
    for row in content.rows("proposals"):
        gate = gates.get(row["ticket_id"])
        sizes = (
            _gross(row, "notional_a", "notional_b"),
            _gross(row, "capped_a", "capped_b"),
            (number(gate, "approved_gross") or 0.0) if gate else 0.0,
            _gross(decided.get(row["ticket_id"]), "released_notional_a", "released_notional_b"),
        )
        found.append((row, sizes, held.get(row["ticket_id"], 0) / 100))
    return found


def _funnel(content: PageContent) -> Table | None:
    active = [item for item in _steps(content) if any(item[1]) or item[2]]
    if not active:
        return None
    largest = max(1.0, *(max(sizes) for _, sizes, _ in active))
    rows = [
        (
            Cell(str(row["ticket_id"])),
            Cell(plain(number(row, "zscore"), signed=True)),
            Cell(plain(number(row, "units"), 1, signed=True)),
            Cell(str(row["reason"]).replace("_", " ").lower(), "dim"),
            Cell("", drawing=steps_bar(sizes, largest)),
            *(Cell(dollars(size)) for size in sizes),
            Cell(dollars(held)),
        )
        for row, sizes, held in active
    ]
    return Table(
        name="funnel",
        caption="Gross dollars of each ticket from proposal to release; the four thin bars are columns 1 to 4",
        source="proposals, gate_decisions, decisions, desk_positions",
        columns=(
            Column("Ticket", "text"),
            Column("z"),
            Column("Units"),
            Column("Controller", "text"),
            Column("1 to 4", "bar"),
            *(Column(f"{place} {name}") for place, name in enumerate(_FUNNEL, start=1)),
            Column("Held"),
        ),
        rows=rows,
    )


def _ledger(content: PageContent) -> Sentences | None:
    """What the clip ledger says, by ticket and then by what happened first."""
    groups: dict[str, list[str]] = {}
    for row in content.rows("clip_ledger"):
        unit = row["stage"] == "SPLIT"
        first_value, last_value = (number(row, name) or 0.0 for name in ("value_in", "value_out"))
        first, last = (count(int(v)) if unit else dollars(v) for v in (first_value, last_value))
        stage = str(row["stage"]).replace("_", " ").capitalize()
        more = " enlarges" if enlarges(str(row["stage"]), first_value, last_value) else ""
        place = f"{stage} {where(str(row['stage']), str(row['symbol']))}".strip() + more
        groups.setdefault(str(row["ticket_id"]), []).append(f"{place}: {first} to {last}. {_sentence(str(row['reason']))}")
    if not groups:
        return None
    return Sentences("clip_ledger", [Group(ticket, "", said) for ticket, said in sorted(groups.items())])


def _trades(content: PageContent) -> Table | None:
    rows = [
        (
            Cell(str(row["symbol"])),
            Cell(str(row["ticket_id"]), "dim"),
            Cell(str(row["side"])),
            Cell(count(int(str(row["shares_before"])))),
            Cell(count(int(str(row["shares_after"])))),
            Cell(count(int(str(row["shares_delta"])), signed=True)),
            Cell(cents(int(str(row["notional_delta_cents"])))),
            Cell(order_words(str(row["reason"])), "dim"),
        )
        for row in sorted(content.rows("portfolio_blotter"), key=lambda row: (str(row["symbol"]), str(row["ticket_id"])))
    ]
    if not rows:
        return None
    return Table(
        name="trades",
        caption="Trades that lead from yesterday's positions to the book",
        source="portfolio_blotter",
        columns=(
            Column("Name", "text"),
            Column("Ticket", "text"),
            Column("Side", "text"),
            Column("Before"),
            Column("After"),
            Column("Change"),
            Column("Dollars"),
            Column("Why", "text"),
        ),
        rows=rows,
    )


def _quiet(content: PageContent) -> Table | None:
    """Tickets that neither hold nor ask for anything."""
    rows = [
        (
            Cell(str(row["ticket_id"])),
            Cell(plain(number(row, "zscore"), signed=True)),
            Cell(str(row["reason"]).replace("_", " ").lower(), "dim"),
        )
        for row, sizes, held in _steps(content)
        if not any(sizes) and not held
    ]
    if not rows:
        return None
    return Table(
        name="quiet",
        caption="Tickets that hold nothing and ask for nothing",
        source="proposals",
        columns=(Column("Ticket", "text"), Column("z"), Column("Why", "text")),
        rows=rows,
        folded=f"{count(len(rows))} more ticket{'' if len(rows) == 1 else 's'} without a position",
    )


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) or not text else '.'}"
