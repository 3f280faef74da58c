"""What the tickets hold, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskdesk_assets.interfaces.held import TicketsAfter
from riskdesk_assets.interfaces.terminal import dollars, escaped, table

if TYPE_CHECKING:
    from rich.console import Console

_ID = 24  # characters of a ticket's id: a row stays on one line of 80 columns
_LEGS = 27
_NAMED = 2


def show_held(console: Console, found: TicketsAfter, most: int | None = None) -> None:
    """A row per held ticket, the largest first, at most ``most`` lines of them; then the flat ones by reason."""
    if found.held:
        room = len(found.held) if most is None or len(found.held) <= most else most - 1
        listed = table("held ticket", "legs, shares", ">gross", ">z", "since")
        for one in found.held[:room]:
            legs = ", ".join(f"{symbol} {shares:+,}" for symbol, shares in one.legs.items())
            listed.add_row(
                escaped(_cut(one.ticket_id, _ID)),
                escaped(_cut(legs, _LEGS)),
                dollars(one.gross),
                "-" if one.zscore is None else f"{one.zscore:+.2f}",
                f"{one.since}{' frozen' if one.frozen else ''}",
            )
        console.print(listed)
        if room < len(found.held):
            rest = sum(one.gross for one in found.held[room:])
            console.print(f"[dim]and {len(found.held) - room} more with {dollars(rest)} gross: `riskdesk book`[/]")
    else:
        console.print("No ticket holds anything.")
    if found.flat:
        kinds = "; ".join(f"{one.reason} {_counted(one.tickets)}" for one in found.flat)
        console.print(f"flat       {escaped(kinds)}", no_wrap=True, overflow="ellipsis")


def _counted(names: tuple[str, ...]) -> str:
    """How many, and who where they are few."""
    return f"{len(names)} ({', '.join(names)})" if len(names) <= _NAMED else str(len(names))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
