"""What is halted, read from the journal and from the newest desk state; and what a halt by hand must name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from riskdesk_assets.common.errors import InputError, Problem, StateError, nearest
from riskdesk_assets.common.halts import HaltRecord, current_halts
from riskdesk_assets.common.journal import Journal, desk_journal
from riskdesk_assets.common.session_halts import DESK, ticket_account
from riskdesk_assets.common.settings import Config, load_config, load_paths
from riskdesk_assets.common.warehouse import Warehouse
from riskdesk_assets.construction.state import state_from_json
from riskdesk_assets.gatekeeper.desk_switches import rpm_config
from riskdesk_assets.gatekeeper.kill_switches import Trigger
from riskdesk_assets.gatekeeper.switch_readings import SwitchReading, Unit, switch_readings, universe_ratio, volatility_ratios
from riskdesk_assets.interfaces.run_summary import Tables
from riskdesk_assets.interfaces.terminal import dollars, escaped, table
from riskdesk_assets.strategy.loading import load_tickets

if TYPE_CHECKING:
    from rich.console import Console


NAMES = {
    Trigger.MAX_DRAWDOWN: "drawdown from the equity's peak",
    Trigger.DAILY_LOSS: "loss of the day",
    Trigger.WEEKLY_LOSS: "loss of the week",
    Trigger.VOLATILITY_SHOCK: "volatility over its baseline, mean of the universe",
    Trigger.CONFIDENCE_COLLAPSE: "mean of the last confidences",
}


@dataclass(frozen=True)
class HaltsNow:
    """``journal``: what stands there. ``state``: what the newest session's kill switches said; None without a session.

    ``switches``: their readings then, against the limits of the configuration as it is; ``problem``: why there are none.
    """

    journal: tuple[HaltRecord, ...]
    state: dict[str, object] | None
    switches: tuple[SwitchReading, ...] = ()
    problem: str = ""


@contextmanager
def journal_of() -> Iterator[Journal]:
    """The desk's journal, closed again."""
    journal = desk_journal(load_paths().data)
    try:
        yield journal
    finally:
        journal.close()


def account_of(ticket: str | None) -> str:
    """The journal's account of the desk, or of one ticket that is in the active folder or that a session knows.

    Raises:
        InputError: no such ticket; names the nearest.
    """
    if ticket is None:
        return DESK
    paths = load_paths()
    folder = load_tickets(paths.tickets, load_config(paths).universe)
    known = {item.ticket.ticket_id for item in folder.tickets}
    if ticket not in known:
        known |= set(Warehouse(paths.warehouse).read("proposals")["ticket_id"].unique())
    if ticket not in known:
        raise InputError(
            Problem("", None, "--ticket", f"is {ticket!r}{nearest(ticket, sorted(known))}", ", ".join(sorted(known)))
        )
    return ticket_account(ticket)


def require_resumable(journal: Journal, account: str, now: datetime) -> None:
    """Raise StateError unless a halt of the account stands and its cooldown is over."""
    stands = next(iter(current_halts(journal, account)), None)
    if stands is None:
        raise StateError(
            f"{account} is not halted in the journal: there is nothing to resume (`riskdesk halts` lists what is; a halt of "
            "the desk's state alone resumes by itself)"
        )
    if stands.resume_from is not None and now < stands.resume_from:
        raise StateError(
            f"{account} was stopped by {stands.trigger}: a resume is accepted from "
            f"{stands.resume_from.isoformat(timespec='seconds')} on"
        )


def resumable(journal: Journal, now: datetime) -> list[str]:
    """The desk's accounts that are halted in the journal and whose cooldown is over; raises StateError where there is none."""
    stands = [one for one in current_halts(journal) if one.account == DESK or one.account.startswith(f"{DESK}:")]
    found = [one.account for one in stands if one.resume_from is None or now >= one.resume_from]
    if not found:
        waiting = f": {len(stands)} are still within their cooldown" if stands else ""
        raise StateError(f"nothing of the desk can be resumed now{waiting} (`riskdesk halts` lists what is halted)")
    return found


def obeyed() -> bool:
    """Whether the profile's runs obey halts at all."""
    return load_config(load_paths()).desk.gatekeeper.enabled


def halts_now() -> HaltsNow:
    """What the journal and the newest desk state say."""
    paths = load_paths()
    with journal_of() as journal:
        standing = current_halts(journal)
    warehouse = Warehouse(paths.warehouse)
    states = warehouse.read("desk_state").sort("as_of_date").tail(1)
    columns = ("as_of_date", "trading_state", "halt_trigger", "halt_reason", "halt_since", "halted_tickets")
    rows = states.select(columns).rows(named=True)
    if not rows:
        return HaltsNow(standing, None)
    config = load_config(paths)
    if not config.desk.gatekeeper.enabled:
        return HaltsNow(standing, dict(rows[0]), problem="this profile has no gatekeeper: no switch is read")
    try:
        readings = desk_readings(warehouse, config, rows[0]["as_of_date"])
    except (InputError, StateError, KeyError, ValueError) as error:  # what is halted is said all the same
        return HaltsNow(standing, dict(rows[0]), problem=f"the readings of the switches cannot be had: {error}")
    return HaltsNow(standing, dict(rows[0]), readings)


def desk_readings(tables: Tables, config: Config, session: date) -> tuple[SwitchReading, ...]:
    """The desk's kill switches after a stored session; none without one.

    Raises:
        InputError, StateError: the stored state cannot be understood.
    """
    stored = tables.read("desk_state", session, session)["state_json"].to_list()
    if not stored:
        return ()
    switches, desk = state_from_json(stored[0]).switches, config.desk
    ratios = volatility_ratios(tables.read("instrument_state", session, session).iter_rows(named=True))
    legs = dict(tables.read("proposals", session, session).select("ticket_id", "pair_id").iter_rows())
    names = config.universe.tradable
    known = {ticket: [ratios[leg] for leg in pair.split("__") if leg in ratios] for ticket, pair in legs.items()}
    return switch_readings(
        switches,
        rpm_config(desk.gatekeeper, desk.nav),
        universe_ratio((ratios.get(name) for name in names), len(names)),
        {ticket: max(found, default=None) for ticket, found in known.items()},
    )


def show_halts(out: Console, found: HaltsNow) -> None:
    """The journal's halts as a table, and a line on the newest session."""
    if found.journal:
        rows = table("account", "state", "trigger", "since", "by", "resume from", "why", title="Halted in the journal")
        for item in found.journal:
            earliest = "at once" if item.resume_from is None else item.resume_from.isoformat(timespec="minutes")
            cells = (item.account, item.state, item.trigger, item.at.isoformat(timespec="minutes"), item.by, earliest)
            rows.add_row(*(escaped(cell) for cell in cells), escaped(item.reason), style="bold red")
        out.print(rows)
    else:
        out.print("Nothing is halted in the journal.")
    state = found.state
    if state is not None:
        tickets = str(state["halted_tickets"] or "")
        why = f": {state['halt_reason']}, since {state['halt_since']}" if state["halt_reason"] else ""
        out.print(f"{state['as_of_date']}  the desk is {state['trading_state'] or 'ACTIVE'}{escaped(why)}")
        if tickets:
            out.print(f"{state['as_of_date']}  halted tickets: {escaped(tickets.replace(',', ', '))}")
        _show_switches(out, found)


def _show_switches(out: Console, found: HaltsNow) -> None:
    if found.problem:
        out.print(escaped(found.problem))
        return
    rows = table("kill switch", ">reading", ">limit", ">used", title="Kill switches: reading, limit, used")
    for item in found.switches:
        name = NAMES[item.switch] if not item.ticket_id else f"ticket {item.ticket_id}: volatility over its baseline"
        reading = "unknown" if item.reading is None else _amount(item.reading, item.unit)
        used = "" if item.used is None else f"{item.used:.1%}"
        style = "bold red" if item.used is not None and item.used >= 1 else ""
        rows.add_row(escaped(name), reading, _amount(item.limit, item.unit), used, style=style)
    out.print(rows)


def _amount(value: float, unit: Unit) -> str:
    if unit == "dollars":
        return dollars(value)
    return f"{value:.2%}" if unit == "fraction" else f"{value:.2f}x"
