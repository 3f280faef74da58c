"""What the tests of this room share: a universe of five names and a way to write ticket files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from riskdesk_assets.common.universe import Instrument, Universe


def _bank(name: str) -> Instrument:
    return Instrument(name=name, sector="Financials", industry_group="money_center", country="US", currency="USD")


UNIVERSE = Universe(symbols={symbol: _bank(symbol) for symbol in ("JPM", "BAC", "C", "WFC", "ON")}, context=["KRE"])


def ticket_fields(**changes: object) -> dict[str, object]:
    """Fields of a usable ticket, with changes; a change to None leaves the field out."""
    fields: dict[str, object] = {
        "ticket_id": "jpm-bac",
        "type": "PAIR",
        "leg_a": "JPM",
        "leg_b": "BAC",
        "orientation": "BOTH",
        "max_gross_notional": 800000,
        "max_leg_notional": 560000,
        "horizon_days": 40,
        "conviction": 3,
        "time_stop_days": 60,
        "flatten_on_breakdown": True,
        "expires_on": date(2027, 12, 31),
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def ticket_text(**changes: object) -> str:
    """The fields as YAML, one a line, in their order."""
    words = {True: "true", False: "false"}
    return "".join(
        f"{name}: {words[value] if isinstance(value, bool) else value}\n" for name, value in ticket_fields(**changes).items()
    )


def write_ticket(folder: Path, name: str = "jpm-bac.yaml", **changes: object) -> Path:
    """Write a ticket file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(ticket_text(**changes))
    return path
