"""What the tickets hold and what they made, on a terminal."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from riskdesk_assets.interfaces.held import HeldTicket, TicketsAfter
from riskdesk_assets.interfaces.terminal import compact, counted, dollars, escaped, signed, table
from riskdesk_assets.reports.ticket_pnl import TicketPnl, summed

if TYPE_CHECKING:
    from rich.console import Console

_ID = 24  # characters of a ticket's id and of its legs: a row stays on one line of 80 columns
_LEGS = 27
_SHORT_ID, _SHORT_LEGS = 19, 26  # and with its P&L beside them
_NAMED = 2


def show_held(console: Console, found: TicketsAfter) -> None:
    """A row per held ticket, the largest first, then the flat ones by reason."""
    if found.held:
        listed = table("held ticket", "legs, shares", ">gross", ">z", "since")
        for one in found.held:
            legs = ", ".join(f"{symbol} {shares:+,}" for symbol, shares in one.legs.items())
            listed.add_row(
                escaped(_cut(one.ticket_id, _ID)),
                escaped(_cut(legs, _LEGS)),
                dollars(one.gross),
                _zscore(one),
                f"{one.since}{' frozen' if one.frozen else ''}",
            )
        console.print(listed)
    _show_flat(console, found)


def show_held_pnl(console: Console, found: TicketsAfter, session: date) -> None:
    """What each held ticket made net of costs, the sum, and how far its time stop is; nothing where none is held."""
    if not found.held:
        return
    listed = table("held ticket", f">P&L {session}", ">since entry", ">of sessions", ">time stop in")
    for one in found.held:
        listed.add_row(
            escaped(_cut(one.ticket_id, _ID)),
            _day(one.pnl, session),
            "-" if one.pnl.since_entry is None else signed(one.pnl.since_entry),
            f"{one.pnl.sessions:,}",
            "-" if one.sessions_left is None else "due" if one.sessions_left == 0 else counted(one.sessions_left, "session"),
        )
    listed.add_section()
    day, entries = summed({one.ticket_id: one.pnl for one in found.held}, session)
    listed.add_row("[bold]sum[/]", signed(day), signed(entries), "", "")
    console.print(listed)
    console.print("[dim]net of costs; what the newest book makes is pending until the next session has prices[/]")


def show_held_short(console: Console, found: TicketsAfter, session: date, most: int) -> None:
    """Both on one line a ticket, at most ``most`` lines of them; then the flat ones by reason."""
    if found.held:
        room = len(found.held) if len(found.held) <= most else most - 1
        listed = table("held ticket", "legs, shares", ">gross", ">z", ">day P&L", ">so far", ">left")
        listed.padding = (0, 0, 0, 0)  # P&L beside the legs within 80 columns
        for one in found.held[:room]:
            legs = " ".join(f"{symbol} {shares:+,}" for symbol, shares in one.legs.items())
            listed.add_row(
                escaped(_cut(one.ticket_id, _SHORT_ID)),
                escaped(_cut(legs, _SHORT_LEGS)),
                compact(one.gross),
                _zscore(one),
                "-" if one.pnl.last is None or one.pnl.known_on != session else compact(one.pnl.last, plus=True),
                "-" if one.pnl.since_entry is None else compact(one.pnl.since_entry, plus=True),
                "-" if one.sessions_left is None else f"{one.sessions_left:,}",
            )
        console.print(listed)
        if room < len(found.held):
            rest = sum(one.gross for one in found.held[room:])
            console.print(f"[dim]and {len(found.held) - room} more with {dollars(rest)} gross: `riskdesk book`[/]")
    _show_flat(console, found)


def _show_flat(console: Console, found: TicketsAfter) -> None:
    if not found.held:
        console.print("No ticket holds anything.")
    if found.flat:
        kinds = "; ".join(f"{one.reason} {_counted(one.tickets)}" for one in found.flat)
        console.print(f"flat       {escaped(kinds)}", no_wrap=True, overflow="ellipsis")


def _day(pnl: TicketPnl, session: date) -> str:
    """What became known on the session; where the newest is older, with its day."""
    if pnl.last is None:
        return "pending"
    return signed(pnl.last) if pnl.known_on == session else f"{signed(pnl.last)} on {pnl.known_on}"


def _zscore(one: HeldTicket) -> str:
    return "-" if one.zscore is None else f"{one.zscore:+.2f}"


def _counted(names: tuple[str, ...]) -> str:
    """How many, and who where they are few."""
    return f"{len(names)} ({', '.join(names)})" if len(names) <= _NAMED else str(len(names))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
