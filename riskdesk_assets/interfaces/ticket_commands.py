"""``riskdesk tickets``: check, draft and promote the files people write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskdesk_assets.interfaces.failures import FAILED, UNUSABLE, Unusable, redact
from riskdesk_assets.interfaces.options import SESSION, DeskGroup, echo_json, json_option
from riskdesk_assets.strategy.usual_terms import GROSS_OF_NAV, HORIZON_SESSIONS, LEG_OF_GROSS, TIME_STOP_SESSIONS

if TYPE_CHECKING:
    from riskdesk_assets.common.settings import Config, Paths
    from riskdesk_assets.strategy.drafts import LintReport
    from riskdesk_assets.strategy.strategy_file import Strategy

# Where the command line says nothing else, as strategy/usual_terms.
CONVICTION = "3"
ORIENTATION = "BOTH"


@click.group(cls=DeskGroup)
def tickets() -> None:
    """Check, draft and promote tickets.

    A ticket is a YAML file: what is wanted from one pair, how much of it at most, and until when. Those in TICKETS_DIR
    (tickets/active) are in force; drafts are beside it, and only `promote` moves one there.
    """


@tickets.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@json_option
@click.pass_context
def lint(ctx: click.Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """Check ticket files, or folders of them, without changing anything; by default the active ones.

    \b
    riskdesk tickets lint
    riskdesk tickets lint tickets/drafts my-idea.yaml

    Exit code 2 when a file cannot be used; every problem is told with file, line, field and what is allowed. A WARNING is of
    what is allowed and hardly meant, such as a gross of several times the nav, with what is usual; it changes no exit code.
    """
    from riskdesk_assets.common.settings import load_config, load_paths

    desk = load_paths()
    config = load_config(desk)
    reports = list(_linted(paths or (desk.tickets,), config, desk))
    warnings = [warning for report in reports for warning in report.warnings]
    problems = [problem for report in reports for problem in report.problems]
    notices = [notice for report in reports for notice in report.notices]
    names = [name for report in reports for name in report.tickets]
    if as_json:
        told = [
            {"file": item.file, "line": item.line, "field": item.field, "message": item.message, "allowed": item.allowed}
            for item in problems
        ]
        said = {"notices": [str(notice) for notice in notices], "warnings": [asdict(warning) for warning in warnings]}
        echo_json({"clean": not problems, "tickets": names, "problems": told, **said})
    else:
        for notice in (*notices, *warnings):
            click.echo(redact(str(notice)))
        for problem in problems:
            click.echo(f"{click.style('error:', fg='red')} {redact(str(problem))}", err=True)
        bad = f", {len(problems)} problem{'s' if len(problems) > 1 else ''}" if problems else ""
        odd = f", {len(warnings)} warning{'s' if len(warnings) > 1 else ''}" if warnings else ""
        click.echo(f"{len(names)} usable ticket{'' if len(names) == 1 else 's'}{bad}{odd}")
    if problems:
        ctx.exit(UNUSABLE)


@tickets.command()
@click.option("--leg-a", required=True, metavar="SYMBOL", help="First leg; LONG_SPREAD is long this one.")
@click.option("--leg-b", required=True, metavar="SYMBOL", help="Second leg.")
@click.option("--ticket-id", metavar="ID", help="[default: LEGA-LEGB-reversion]")
@click.option("--orientation", default=ORIENTATION, show_default=True, help="LONG_SPREAD, SHORT_SPREAD or BOTH.")
@click.option(
    "--max-gross-notional", metavar="DOLLARS", help=f"|A| + |B| at most.  [default: {GROSS_OF_NAV:g} of the desk's nav]"
)
@click.option("--max-leg-notional", metavar="DOLLARS", help=f"Either leg at most.  [default: {LEG_OF_GROSS:g} of the gross]")
@click.option("--horizon-days", default=str(HORIZON_SESSIONS), show_default=True, help="Sessions the idea should take.")
@click.option("--conviction", default=CONVICTION, show_default=True, help="1 to 5, or Low, Medium, High, Exceptional.")
@click.option(
    "--time-stop-days", default=str(TIME_STOP_SESSIONS), show_default=True, help="Flat after this many sessions held."
)
@click.option(
    "--flatten-on-breakdown/--hold-on-breakdown", default=True, show_default=True, help="What to do when the pair breaks down."
)
@click.option("--expires-on", type=SESSION, help="Last day in force.  [default: a year from today]")
@click.option("--effective-from", type=SESSION, help="First day in force.")
@click.option("--entry-z", help="|z| to enter.  [default: the desk's]")
@click.option("--exit-z", help="|z| to leave.  [default: the desk's]")
@click.option("--strategy", help="The strategy it belongs to.")
@click.option("--share", help="Its part of the strategy's capital, up to 1.")
@click.option("--note", help="Why.")
@json_option
def draft(as_json: bool, **options: object) -> None:
    """Write a checked, commented ticket file into the folder of drafts; the active folder is never touched.

    \b
    riskdesk tickets draft --leg-a JPM --leg-b BAC --conviction High --note "Hedged spread at a two-year wide."
    """
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.strategy.drafts import draft as write_draft

    desk = load_paths()
    config = load_config(desk)
    path = write_draft(draft_fields(options, config.desk.nav), desk.drafts, config.universe, desk.tickets)
    if as_json:
        echo_json({"draft": path, "ticket_id": path.stem})
        return
    click.echo(path.read_text().rstrip())
    click.echo(f"\n{path}\nriskdesk tickets promote {path.stem}   puts it in force")


@tickets.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def promote(ctx: click.Context, name: str, yes: bool, as_json: bool) -> None:
    """Put the draft NAME in force: move it to the active folder, after saying what it will do and asking.

    It is checked first, together with the tickets already in force; nothing is ever overwritten.
    """
    if as_json and not yes:
        raise Unusable("--json cannot ask: give --yes, too")
    from riskdesk_assets.common.sessions import NEW_YORK
    from riskdesk_assets.common.settings import load_config, load_paths
    from riskdesk_assets.strategy.drafts import promote as promote_draft

    desk = load_paths()
    config = load_config(desk)
    today = datetime.now(NEW_YORK).date()

    def confirmed(question: str) -> bool:
        click.echo(question, err=True)
        if yes or click.confirm("Put it in force?", err=True):
            return True
        click.echo("Nothing was changed.", err=True)
        ctx.exit(FAILED)

    path = promote_draft(
        name,
        desk.drafts,
        desk.tickets,
        config.universe,
        today,
        confirm=confirmed,
        archived=desk.archived,
        library=_library(config, desk),
    )
    if as_json:
        echo_json({"active": path, "ticket_id": path.stem})
    else:
        click.echo(f"in force: {path}")


def _library(config: Config, desk: Paths) -> Sequence[Strategy] | None:
    """The strategies of the library's file; None where budgets are off and nobody reads it."""
    from riskdesk_assets.strategy.library import filed_strategies

    return filed_strategies(config, desk.config) if config.desk.budgets.enabled else None


def _linted(paths: Iterable[Path], config: Config, desk: Paths) -> Iterable[LintReport]:
    """One report for all the files named, and one for each folder."""
    from riskdesk_assets.common.sessions import NEW_YORK
    from riskdesk_assets.strategy.drafts import lint as lint_files

    library, usual = _library(config, desk), (config.desk.nav, datetime.now(NEW_YORK).date())
    files = [path for path in paths if path.is_file()]
    if files:
        yield lint_files(files, config.universe, library, usual=usual)
    for path in paths:
        if not path.is_file():
            active = path.resolve() == desk.tickets.resolve()
            yield lint_files(path, config.universe, library, active=active, usual=usual)


def draft_fields(options: Mapping[str, object], nav: float) -> dict[str, object]:
    """The options that say something, with the desk's usual answers for the rest."""
    from riskdesk_assets.common.sessions import NEW_YORK

    given = {name: value for name, value in options.items() if value is not None}
    legs = {name: str(given[name]).upper() for name in ("leg_a", "leg_b")}
    today = datetime.now(NEW_YORK).date()
    gross = given.get("max_gross_notional", GROSS_OF_NAV * nav)
    usual = {
        "ticket_id": f"{legs['leg_a']}-{legs['leg_b']}-reversion".lower().replace(".", "-"),
        "type": "PAIR",
        "orientation": ORIENTATION,
        "horizon_days": HORIZON_SESSIONS,
        "conviction": CONVICTION,
        "time_stop_days": TIME_STOP_SESSIONS,
        "flatten_on_breakdown": True,
        "max_gross_notional": gross,
        "max_leg_notional": _leg_of(gross),
        "expires_on": date(today.year + 1, today.month, min(today.day, 28)),
    }
    return {**usual, **given, **legs}


def _leg_of(gross: object) -> object:
    """The usual part of a gross; what is no number is handed on, for validation to say so."""
    try:
        return LEG_OF_GROSS * float(str(gross))
    except ValueError:
        return gross
