"""DRAFT_TICKET: from words to a checked ticket, what it would meet today, and the command that writes it to tickets/drafts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from riskdesk_assets.common.errors import InputError, RiskDeskError
from riskdesk_assets.features.pair_health import pair_warnings
from riskdesk_assets.interfaces.console.grammar import FILLER, Slot
from riskdesk_assets.interfaces.console.line import Line, read_line, words_of
from riskdesk_assets.interfaces.console.pair_today import Left, PairToday, left_of, pair_today, reversion_side
from riskdesk_assets.interfaces.console.plan import Command, Plan, Question, RefusedError
from riskdesk_assets.interfaces.console.surroundings import Surroundings
from riskdesk_assets.interfaces.console.ticket_words import TicketWords, pair_of, ticket_words
from riskdesk_assets.interfaces.terminal import dollars
from riskdesk_assets.interfaces.ticket_commands import CONVICTION, draft_fields
from riskdesk_assets.strategy.drafts import checked_draft
from riskdesk_assets.strategy.loading import archived_ids
from riskdesk_assets.strategy.notices import opposite_tickets
from riskdesk_assets.strategy.ticket import TIER_LEVELS, Ticket
from riskdesk_assets.strategy.usual_terms import GROSS_OF_NAV

FIELDS = "fields"
"""Slot: what is settled of the ticket, field -> value."""
USUAL = "usual"
"""Slot: what was answered with Enter and takes the usual value."""
PAIR, GROSS, HOW_SURE, NAME, REST = "pair", "max_gross_notional", "conviction", "ticket_id", "rest"
_SIDES = {
    "BOTH": "either way: long {a} / short {b} when the spread is low, the other way when it is high",
    "LONG_SPREAD": "only long {a} / short {b}",
    "SHORT_SPREAD": "only short {a} / long {b}",
}
_CHANGES = frozenset({"make", "set", "change", "instead"})
_OPTIONS = (
    "leg_a leg_b ticket_id orientation max_gross_notional max_leg_notional horizon_days conviction time_stop_days expires_on "
    "effective_from entry_z exit_z strategy share note"
)


def draft_plan(slots: Mapping[str, object], around: Surroundings, *, eager: bool) -> Plan | Question:
    """A plan of the ticket, or what is missing of it.

    Raises:
        RefusedError: something said of it cannot be; the rest is kept.
    """
    said = slots.get(Slot.TICKET.value)
    if isinstance(said, TicketWords) and said.problems:
        raise DraftRefusedError(*said.problems, fields=_fields(slots))
    fields, usual = _fields(slots), _usual(slots)
    if fields.get("leg_a") is not None and fields.get("leg_a") == fields.get("leg_b"):
        raise DraftRefusedError(
            f"leg_b: is {fields['leg_b']}, the same as leg_a (allowed: two names, such as JPM vs BAC)",
            fields={name: each for name, each in fields.items() if name not in {"leg_a", "leg_b"}},
        )
    if "leg_a" not in fields or "leg_b" not in fields:
        return Question(PAIR, "Which pair? (two names, such as JPM vs BAC, or long JPM short BAC)")
    for name, question in _missing(around.config.desk.nav):
        if not eager and name not in fields and name not in usual:
            return question
    return _plan(fields, around)


def answer_draft(slots: Mapping[str, object], question: Question, line: Line, around: Surroundings) -> Mapping[str, object]:
    """The slots with an answer laid over them; an empty one takes the usual value, where there is one.

    Raises:
        RefusedError: it is no answer; says what is allowed.
    """
    fields, usual = _fields(slots), _usual(slots)
    if not line.text:
        if not question.default:
            raise RefusedError(f"an answer is needed: {question.text}")
        return {FIELDS: fields, USUAL: (*usual, question.slot)}
    answer = _alone(question, line)
    said = pair_of(line.text, around.known.symbols, around.day) if question.slot == PAIR else TicketWords()
    if not said.fields and not said.problems:
        said = ticket_words(answer, around.known.symbols, around.day)
    left = " ".join(word for word in words_of(said.left) if word not in FILLER)
    if said.problems or left or not said.fields:
        told = said.problems or ((f"not understood: {left or line.text}"),)
        raise RefusedError(*told, question.text)
    return {FIELDS: {**fields, **said.fields}, USUAL: usual}


class DraftRefusedError(RefusedError):
    """Parts of a ticket that cannot be; ``fields`` are those that can."""

    def __init__(self, *lines: str, fields: Mapping[str, object]) -> None:
        self.fields = fields
        super().__init__(*lines)


def refined(slots: Mapping[str, object], line: Line, around: Surroundings) -> Mapping[str, object] | None:
    """The slots with more said of the ticket, such as ``conviction low``.

    None where the line says nothing of one, or more, or names another pair: that is another ticket, and takes nothing over.
    """
    said = ticket_words(line, around.known.symbols, around.day)
    if said.problems:
        raise RefusedError(*said.problems)
    words = words_of(said.left)
    if not said.fields or any(word not in FILLER | _CHANGES for word in words):
        return None
    fields = _fields(slots)
    if _another_pair(fields, said.fields) and not _CHANGES.intersection(words):
        return None
    return {FIELDS: {**_fields(slots), **said.fields}, USUAL: _usual(slots)}


def _another_pair(fields: Mapping[str, object], said: Mapping[str, object]) -> bool:
    return "leg_a" in said and {said["leg_a"], said.get("leg_b")} != {fields.get("leg_a"), fields.get("leg_b")}


def _missing(nav: float) -> Iterator[tuple[str, Question]]:
    gross = dollars(GROSS_OF_NAV * nav)
    yield GROSS, Question(GROSS, f"How many dollars of gross at most? (500k, $1.2m; Enter: {gross})", gross)
    tiers = ", ".join(TIER_LEVELS)
    yield HOW_SURE, Question(HOW_SURE, f"How high is the conviction? (1 to 5, {tiers}; Enter: {CONVICTION})", CONVICTION)


def _alone(question: Question, line: Line) -> Line:
    """A bare answer in the words of a ticket: ``4`` to the question of conviction is ``conviction 4``."""
    word = line.small.strip()
    if question.slot == HOW_SURE and not word.startswith("conviction") and "conviction" not in word:
        return read_line(f"conviction {line.text}")
    if question.slot == NAME and " " not in word:
        return read_line(f"id {line.text}")
    return line


def _plan(fields: Mapping[str, object], around: Surroundings) -> Plan:
    config = around.config
    named = fields.get("ticket_id")
    whole = draft_fields(fields, config.desk.nav)
    taken = _taken(around)
    if named is None:
        whole["ticket_id"] = _free(str(whole["ticket_id"]), taken)
    try:
        ticket, _ = checked_draft({name: _word(value) for name, value in whole.items()}, config.universe)
    except InputError as error:
        bad = {problem.field for problem in error.problems}
        told = (f"{p.field}: {p.message}" + (f" (allowed: {p.allowed})" if p.allowed else "") for p in error.problems)
        raise DraftRefusedError(*told, fields={name: each for name, each in fields.items() if name not in bad}) from error
    if ticket.expires_on < around.day:
        raise DraftRefusedError(
            f"it would be over already: expires_on is {ticket.expires_on} (allowed: {around.day} or later)",
            fields={name: each for name, each in fields.items() if name != "expires_on"},
        )
    if ticket.ticket_id in taken:
        free = _free(ticket.ticket_id, taken)
        raise DraftRefusedError(
            f"{ticket.ticket_id} is taken: {taken[ticket.ticket_id]} (allowed: another id, such as {free})",
            fields={name: each for name, each in fields.items() if name != "ticket_id"},
        )
    path = around.paths.drafts / f"{ticket.ticket_id}.yaml"
    says = (*_ticket_lines(ticket, config.desk.controller.entry_z), *_today_lines(ticket, around), *_notices(ticket, around))
    return Plan(
        f"draft {ticket.ticket_id}",
        says,
        (_command(ticket, fields), ("tickets", "lint", str(path))),
        f"tickets/{path.parent.name}/{path.name}; nothing in tickets/active",
    )


def _command(ticket: Ticket, fields: Mapping[str, object]) -> Command:
    """`riskdesk tickets draft` with what was said; the rest is its own usual answer."""
    given = {**fields, "ticket_id": ticket.ticket_id}
    options = [f"--{name.replace('_', '-')}={_word(given[name])}" for name in _OPTIONS.split() if given.get(name) is not None]
    if "flatten_on_breakdown" in given:
        options.append("--flatten-on-breakdown" if given["flatten_on_breakdown"] else "--hold-on-breakdown")
    return ("tickets", "draft", *options)


def _word(value: object) -> object:
    """Numbers without an exponent, the rest as it is."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return value


def _ticket_lines(ticket: Ticket, entry_z: float) -> Iterator[str]:
    yield f"{ticket.leg_a} against {ticket.leg_b}, {_SIDES[ticket.orientation].format(a=ticket.leg_a, b=ticket.leg_b)}"
    units = "" if ticket.max_units == 1 else ": half units"
    yield (
        f"at most {dollars(ticket.max_gross_notional)} gross, {dollars(ticket.max_leg_notional)} a leg; "
        f"conviction {ticket.conviction}{units}"
    )
    entry = entry_z if ticket.entry_z is None else ticket.entry_z
    yield (
        f"enter at |z| {entry:g}; idea for {ticket.horizon_days} sessions, out after {ticket.time_stop_days}; "
        f"{'flat' if ticket.flatten_on_breakdown else 'held'} on breakdown; until {ticket.expires_on}"
    )


def _today_lines(ticket: Ticket, around: Surroundings) -> Iterator[str]:
    try:
        today = pair_today((ticket.leg_a, ticket.leg_b), around)
    except RiskDeskError as error:
        yield f"today: not known: {error}"
        return
    if today is None:
        yield "today: too few common bars for a z-score"
        return
    yield _state_line(today)
    warned = pair_warnings(today.health, ticket.horizon_days, around.config.desk)
    if warned:
        yield f"warns of: {'; '.join(warned.values())}"
    side, why = _side(ticket, today, around)
    yield why
    try:
        left = left_of(ticket, today, side, around)
    except RiskDeskError as error:
        yield f"limits: not known: {error}"
        return
    yield _limit_line(ticket, left)


def _state_line(today: PairToday) -> str:
    health = today.health
    life = "does not revert" if health.half_life is None else f"{health.half_life:.1f} sessions"
    alike = "-" if health.correlation is None else f"{health.correlation:.2f}"
    computed = "" if today.watched else " (computed from the bars: nobody watches this pair)"
    return f"{today.session}: z {health.zscore:+.2f}, half-life {life}, correlation {alike}, hedge {health.beta:.2f}{computed}"


def _side(ticket: Ticket, today: PairToday, around: Surroundings) -> tuple[int, str]:
    """The side that is measured, and what the rule would do today."""
    entry = around.config.desk.controller.entry_z if ticket.entry_z is None else ticket.entry_z
    zscore = today.health.zscore
    side = reversion_side(zscore)
    allowed = {"BOTH": side, "LONG_SPREAD": 1, "SHORT_SPREAD": -1}[ticket.orientation]
    word = {1: f"long {ticket.leg_a}, short {ticket.leg_b}", -1: f"short {ticket.leg_a}, long {ticket.leg_b}"}
    if abs(zscore) >= around.config.desk.features.breakdown_z:
        return allowed, "today the rule would stay out: the pair counts as broken down"
    if abs(zscore) < entry:
        return allowed, f"today the rule would wait: |z| is below {entry:g}"
    if allowed != side:
        return allowed, f"today the rule would be {word[side]}, which this ticket does not allow"
    return side, f"today the rule would be {word[side]}"


def _limit_line(ticket: Ticket, left: Left | None) -> str:
    if left is None:
        return "limits: the desk has no book yet to measure against: `generate todays ideal portfolio` makes one"
    legs = f"+{ticket.leg_a} -{ticket.leg_b}" if left.side > 0 else f"-{ticket.leg_a} +{ticket.leg_b}"
    of = f"of {dollars(ticket.max_gross_notional)} gross as {legs}, the book of {left.session} leaves {dollars(left.dollars)}"
    room = left.tightest
    if room is None:
        return f"limits: {of}: its own caps"
    if left.own <= room.room:
        return f"limits: {of}: its own caps; the tightest limit, {room.limit_name}, leaves {dollars(room.room)}"
    return f"limits: {of}: {room.limit_name} stands at {dollars(room.measured)} of {dollars(room.bound)}"


def _notices(ticket: Ticket, around: Surroundings) -> Iterator[str]:
    active = [(item.file, item.ticket) for item in around.active.tickets]
    for notice in opposite_tickets([*active, (f"{ticket.ticket_id}.yaml", ticket)]):
        if ticket.ticket_id in notice.ticket_ids:
            yield str(notice)
    legs = {ticket.leg_a, ticket.leg_b}
    same = [item.ticket.ticket_id for item in around.active.tickets if {item.ticket.leg_a, item.ticket.leg_b} == legs]
    if same:
        yield f"the pair has a ticket already: {', '.join(same)}"


def _taken(around: Surroundings) -> dict[str, str]:
    """Ids that are in use, and where."""
    found = dict.fromkeys(archived_ids(around.paths.archived), "an archived ticket")
    found |= dict.fromkeys(around.drafts, "a draft")
    return found | dict.fromkeys(around.known.tickets, "an active ticket")


def _free(name: str, taken: Mapping[str, str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def _fields(slots: Mapping[str, object]) -> dict[str, object]:
    said = slots.get(Slot.TICKET.value)
    found = slots.get(FIELDS)
    return {**(said.fields if isinstance(said, TicketWords) else {}), **(found if isinstance(found, Mapping) else {})}


def _usual(slots: Mapping[str, object]) -> tuple[str, ...]:
    found = slots.get(USUAL)
    return found if isinstance(found, tuple) else ()
