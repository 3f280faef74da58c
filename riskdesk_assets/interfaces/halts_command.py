"""``riskdesk halt``, ``resume`` and ``halts``: a person stops the desk or a ticket, and lets it go on; the journal keeps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from riskdesk_assets.interfaces.options import echo_json, json_option

if TYPE_CHECKING:
    from riskdesk_assets.common.halts import HaltRecord, Stopped

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def _person_options(command: CommandT) -> CommandT:
    for option in (
        click.option("--ticket", help="One ticket instead of the whole desk."),
        click.option("--by", required=True, help="Who does it."),
        click.option("--reason", required=True, help="Why; it stands in the journal."),
    ):
        command = option(command)
    return command


@click.command(short_help="Stop the desk, or one ticket.")
@_person_options
@click.option("--reducing", is_flag=True, help="What is held may shrink, not grow; without it, it goes flat.")
@json_option
def halt(reason: str, by: str, ticket: str | None, reducing: bool, as_json: bool) -> None:
    """Stop the desk from the next book on, until somebody resumes it: nothing adds, and what is held goes flat.

    What a halt does to positions is desk.gatekeeper.on_halt in config/desk.yaml. It binds every session whose book could not be
    traded yet when it was written, that is before the next session's open, and says which is the first: a session that was
    computed already is run again to have the halt in its book.

    \b
    riskdesk halt --by Ann --reason "stress in funding markets"
    riskdesk halt --ticket jpm-bac-reversion --by Ann --reason "earnings"
    """
    from datetime import UTC, datetime

    from riskdesk_assets.common.desk_calendar import desk_calendar
    from riskdesk_assets.common.halts import Halt, halt_entry
    from riskdesk_assets.common.session_halts import first_bound
    from riskdesk_assets.interfaces.halts_view import account_of, journal_of, obeyed

    state: Stopped = "REDUCING" if reducing else "HALTED"
    with journal_of() as journal:
        account = account_of(ticket)
        record = journal.append([halt_entry(Halt(account, datetime.now(UTC), reason, by, state))])[0]
    binds_from = first_bound(desk_calendar(), record.at)
    if as_json:
        told = {"account": account, "state": state, "at": record.at, "journal_row": record.sequence}
        echo_json({**told, "binds_from": binds_from if obeyed() else None, "obeyed": obeyed()})
        return
    click.echo(f"{account} is {state} from {record.at:%Y-%m-%d %H:%M} UTC on (row {record.sequence} of the journal)")
    if obeyed():
        click.echo(f"it binds books from {binds_from} on; earlier ones could be traded before it was written")
    else:
        warning = "this profile has no gatekeeper (desk.gatekeeper.enabled is false): its runs obey no halt"
        click.echo(click.style(warning, fg="red"), err=True)


@click.command(short_help="Let the desk, or one ticket, go on.")
@_person_options
@click.option("--all", "everything", is_flag=True, help="The desk and every halted ticket whose cooldown is over.")
@json_option
def resume(reason: str, by: str, ticket: str | None, everything: bool, as_json: bool) -> None:
    """End the halt that stands. After an automatic one this is refused until its cooldown is over.

    A session that stopped itself stays as it is: the next one trades again. Equity peak and loss windows of the kill switches
    start anew, so the same loss does not stop the desk again at once. A shock that lasts does.

    \b
    riskdesk resume --by Bob --reason "looked at it, the loss is real and understood"
    riskdesk resume --all --by Bob --reason "the shock is over"
    """
    from datetime import UTC, datetime

    from riskdesk_assets.common.halts import Resume, resume_entry
    from riskdesk_assets.interfaces.failures import Unusable
    from riskdesk_assets.interfaces.halts_view import account_of, journal_of, require_resumable, resumable

    if everything and ticket is not None:
        raise Unusable("--all and --ticket do not go together")
    with journal_of() as journal:
        now = datetime.now(UTC)
        accounts = resumable(journal, now) if everything else [account_of(ticket)]
        if not everything:
            require_resumable(journal, accounts[0], now)
        records = journal.append([resume_entry(Resume(account, now, reason, by)) for account in accounts])
    if as_json:
        echo_json(
            [{"account": item.account, "state": "ACTIVE", "at": item.at, "journal_row": item.sequence} for item in records]
        )
        return
    for item in records:
        click.echo(f"{item.account} may trade again from {item.at:%Y-%m-%d %H:%M} UTC on (row {item.sequence} of the journal)")


@click.command(short_help="What is halted, since when, by whom and why.")
@json_option
def halts(as_json: bool) -> None:
    """List what stands halted in the journal, and what the newest session's kill switches say: reading, limit, share used.

    A halt that only the desk's state knows is a simulated one, of a range: it resumes by itself some sessions after its
    condition has cleared. One in the journal stands until `riskdesk resume`.
    """
    from riskdesk_assets.interfaces.halts_view import halts_now, show_halts
    from riskdesk_assets.interfaces.terminal import console

    found = halts_now()
    if as_json:
        echo_json(
            {
                "journal": [_fields(item) for item in found.journal],
                "desk_state": found.state,
                "kill_switches": [item.fields for item in found.switches],
            }
        )
    else:
        show_halts(console(), found)


def _fields(item: HaltRecord) -> dict[str, object]:
    return {**vars(item), "session": item.session}
