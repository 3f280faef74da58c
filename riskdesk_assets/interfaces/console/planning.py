"""From an intent with its slots to a plan, or to the one thing that is missing next."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import polars as pl

from riskdesk_assets.common.errors import InputError
from riskdesk_assets.interfaces.console.backtest_plan import backtest_commands
from riskdesk_assets.interfaces.console.days import ALLOWED_PERIODS, Period, period
from riskdesk_assets.interfaces.console.draft_plan import answer_draft, draft_plan
from riskdesk_assets.interfaces.console.grammar import Intent
from riskdesk_assets.interfaces.console.lengths import DayError
from riskdesk_assets.interfaces.console.line import Line
from riskdesk_assets.interfaces.console.plan import Command, DayRefusedError, Plan, Question, RefusedError
from riskdesk_assets.interfaces.console.surroundings import Surroundings
from riskdesk_assets.interfaces.console.understanding import BOOK, TICKETS
from riskdesk_assets.interfaces.desk_run import wanted_sessions
from riskdesk_assets.interfaces.explain_view import pnl_words
from riskdesk_assets.interfaces.held import tickets_after
from riskdesk_assets.interfaces.pair_commands import MOST_SHOWN
from riskdesk_assets.interfaces.terminal import signed
from riskdesk_assets.interfaces.wanted_sessions import WantedSessions, asked_sessions
from riskdesk_assets.reports.expected_pnl_rows import EXPECTED_PNL, TOTAL
from riskdesk_assets.reports.risk_reading import stored_session

Slots = Mapping[str, object]


def plan_of(intent: Intent, slots: Slots, around: Surroundings, *, eager: bool) -> Plan | Question:
    """What would be done, or the next question.

    Args:
        intent: what is wanted; any but HELP and QUIT.
        slots: what is known of it.
        around: the desk.
        eager: take the usual answer wherever there is one, instead of asking.

    Raises:
        RefusedError: it cannot be planned; what to say instead.
        InputError, StateError: the desk's files or state do not allow it.
    """
    if intent is Intent.DRAFT_TICKET:
        return draft_plan(slots, around, eager=eager)
    return _PLANS[intent](slots, around)


def answered(intent: Intent, slots: Slots, question: Question, line: Line, around: Surroundings) -> Slots:
    """The slots with the answer to a question.

    Raises:
        RefusedError: it is no answer; says what is allowed.
    """
    if intent is Intent.DRAFT_TICKET:
        return answer_draft(slots, question, line, around)
    return {**slots, question.slot: line.text}


def _summarize(slots: Slots, around: Surroundings) -> Plan:
    if slots.get("topic") == BOOK:
        return Plan("show the book and the tickets behind it", (), (("book",),))
    says = _in_force(around) if slots.get("topic") == TICKETS else ()
    return Plan("show the desk on one screen", says, (("morning", "--held"),))


def _in_force(around: Surroundings) -> tuple[str, ...]:
    """Which tickets are in force today, and what else is in their folder."""
    tickets = [item.ticket for item in around.active.tickets]
    names = [ticket.ticket_id for ticket in tickets if ticket.in_force(around.day)]
    others = [ticket.ticket_id for ticket in tickets if not ticket.in_force(around.day)]
    told = f"{len(names)} ticket{'' if len(names) == 1 else 's'} in force on {around.day}: {', '.join(names)}"
    return (
        told if names else f"no ticket is in force on {around.day}",
        *([f"not in force: {', '.join(others)}"] if others else []),
    )


def _generate(slots: Slots, around: Surroundings) -> Plan:
    if "when" in slots and not _means_today(slots, around):
        asked = _sessions(_period(slots, around), around)
        wanted = wanted_sessions(around.paths, around.config, None, asked.first, asked.last)
    else:
        wanted = wanted_sessions(around.paths, around.config, None, None, None)
    tickets = around.active.tickets
    force = sum(item.ticket.in_force(wanted.last) for item in tickets)
    says = [f"{wanted.why[:1].upper()}{wanted.why[1:]}", f"{force} tickets in force on {wanted.last}; {_source(around)}"]
    if around.active.problems:
        count = len(around.active.problems)
        says.append(
            f"{count} problem{'s' if count > 1 else ''} in tickets/active: `lint my tickets` tells; the desk may fail closed"
        )
    command = ("run", "--asof", str(wanted.last)) if wanted.first == wanted.last else ("run", *_range(wanted))
    title = f"generate the ideal portfolio of {wanted.last}"
    return Plan(title, tuple(says), (command,), "the warehouse, a run directory, the report page; no ticket")


def _backtest(slots: Slots, around: Surroundings) -> Plan | Question:
    if "when" not in slots:
        return Question("when", f"Over which days? ({ALLOWED_PERIODS})")
    days = _period(slots, around)
    wanted = _sessions(days, around)
    cut = " (it was to end later: today is as far as bars go)" if days.cut else ""
    return Plan(
        f"backtest {wanted.first} to {wanted.last}",
        (f"{wanted.why}{cut}", f"today's tickets as if in force throughout, {_source(around)}, from an empty book"),
        backtest_commands(wanted.first, wanted.last),
        "a directory of its own below runs/backtests; the desk's own data are not touched",
    )


def _lint(slots: Slots, around: Surroundings) -> Plan:
    named = str(slots.get("folder", ""))
    folders = {
        "": (around.paths.tickets, around.paths.drafts),
        "active": (around.paths.tickets,),
        "drafts": (around.paths.drafts,),
    }
    if named in folders:
        there = tuple(folder for folder in folders[named] if folder.is_dir())
        if not there:
            raise RefusedError("there are no drafts yet: `draft a ticket` writes one")
        return Plan(
            f"check {' and '.join(f'tickets/{folder.name}' for folder in there)}", (), (("tickets", "lint", *map(str, there)),)
        )
    name = named.rsplit("/", 1)[-1]
    places = [
        folder / file
        for folder in (around.paths.drafts, around.paths.tickets)
        for file in (name, f"{name}.yaml", f"{name}.yml")
    ]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise RefusedError(f"there is no ticket file {named!r} in drafts or active (allowed: {_names(around)})")
    return Plan(f"check {found.parent.name}/{found.name}", (), (("tickets", "lint", str(found)),))


def _find(slots: Slots, around: Surroundings) -> Plan:
    command: list[str] = ["pairs", "find"]
    says = ["ranked on past bars alone; from there, say `JPM vs BAC, 500k` with the pair you like"]
    if "when" in slots:
        days = _period(slots, around)
        session = around.calendar.on_or_before(days.end)
        command += ["--asof", str(session)]
        says.insert(0, f"as of {session}")
    if "count" in slots:
        said = str(slots["count"])
        if not 1 <= int(said) <= MOST_SHOWN:
            raise RefusedError(
                f"top {said[:20]} pairs cannot be shown (allowed: top 1 to top {MOST_SHOWN:,}, such as top 20 pairs)"
            )
        command += ["--top", str(int(said))]
    return Plan("rank the universe's pairs", tuple(says), (tuple(command),))


def _about(verb: str, title: str) -> Callable[[Slots, Surroundings], Plan | Question]:
    def plan(slots: Slots, around: Surroundings) -> Plan | Question:
        if "target" not in slots:
            return Question("target", "Which symbol or ticket?")
        word = str(slots["target"])
        options: Command = ()
        if "when" in slots:
            options = ("--asof", str(around.calendar.on_or_before(_period(slots, around).end)))
        shown = word.upper() if word.upper() in around.known.symbols else word
        return Plan(f"{title} {shown}", (), ((verb, *options, "--", shown),))

    return plan


def _risk(slots: Slots, around: Surroundings) -> Plan:
    options: Command = ()
    if "when" in slots:
        options = ("--asof", str(around.calendar.on_or_before(_period(slots, around).end)))
    return Plan("show the risk of what the desk holds", (), (("risk", *options),))


def _pnl(slots: Slots, around: Surroundings) -> Plan:
    session = stored_session(around.warehouse, None)
    name = slots.get("target")
    if name is None:
        rows = around.warehouse.read(EXPECTED_PNL, session, session).filter(pl.col("scope") == TOTAL)
        week = None if rows.is_empty() else rows["week_realized"][0]
        said = "this week's is not known yet" if week is None else f"this week so far {signed(week)}, known by {session}"
        return Plan("show what the desk made", (f"{said}, net of costs",), (("morning", "--held"),))
    held = {one.ticket_id: one for one in tickets_after(around.warehouse, session).held}
    one = held.get(str(name))
    made = f"{name} holds nothing after {session}" if one is None else f"{name}: {pnl_words(one.pnl, one.sessions_left)}"
    return Plan(f"explain {name}", (made,), (("explain", "--", str(name)),))


def _close(slots: Slots, around: Surroundings) -> Plan:
    name = str(slots["target"])
    file = next((item.file for item in around.active.tickets if item.ticket.ticket_id == name), f"{name}.yaml")
    raise RefusedError(
        f"this console does not trade, and closes nothing: what the desk holds of {name} follows from its ticket",
        f"to bring it to nothing, set expires_on in tickets/active/{file} to a day gone by, or move the file out of "
        "tickets/active; the next `riskdesk run` closes it",
        f"to stop it from adding, `riskdesk halt --ticket {name} --by NAME --reason WHY`; `why {name}` tells what it is",
    )


def _promote(slots: Slots, around: Surroundings) -> Plan:
    name = str(slots.get("target", "NAME"))
    raise RefusedError(
        "this console drafts, and never touches a ticket in force",
        f"`riskdesk tickets promote {name}` puts a draft in force, outside of here; to end or change a ticket, edit its file",
    )


_PLANS: Mapping[Intent, Callable[[Slots, Surroundings], Plan | Question]] = {
    Intent.SUMMARIZE: _summarize,
    Intent.GENERATE_IDEAL_PORTFOLIO: _generate,
    Intent.RUN_BACKTEST: _backtest,
    Intent.LINT_TICKETS: _lint,
    Intent.FIND_PAIRS: _find,
    Intent.EXPLAIN: _about("explain", "explain"),
    Intent.HEADROOM: _about("headroom", "what the limits leave of"),
    Intent.RISK: _risk,
    Intent.PNL: _pnl,
    Intent.CLOSE: _close,
    Intent.PROMOTE: _promote,
}


def _means_today(slots: Slots, around: Surroundings) -> bool:
    """Whether the day said is the word today: then the desk catches up to it, as if none had been said."""
    found = _period(slots, around)
    return str(slots["when"]).endswith("today") and found.start == found.end


def _period(slots: Slots, around: Surroundings) -> Period:
    today = around.today
    try:
        return period(str(slots["when"]), today, around.calendar.before(today))
    except DayError as error:
        raise DayRefusedError(str(error)) from error


def _sessions(days: Period, around: Surroundings) -> WantedSessions:
    """The sessions of days that have closed; a single day has to be one."""
    alone = days.start == days.end
    try:
        return asked_sessions(around.calendar, days.start if alone else None, days.start, days.end, around.now)
    except InputError as error:
        raise DayRefusedError(*(problem.message for problem in error.problems)) from error


def _range(wanted: WantedSessions) -> Command:
    return ("--start", str(wanted.first), "--end", str(wanted.last))


def _source(around: Surroundings) -> str:
    if os.environ.get("FMP_API_KEY", "").strip():
        return "prices from FMP"
    return "prices from files" if around.paths.prices is not None else "SIMULATED prices"


def _names(around: Surroundings) -> str:
    return ", ".join([*around.drafts, *around.known.tickets]) or "none yet"
