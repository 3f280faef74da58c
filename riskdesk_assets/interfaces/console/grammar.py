"""What can be said to the console, as data: per intent the words that call for it and the words that may stand beside them.

An intent is called for when one of its ``calls`` is fulfilled: each set of a call has a word in the line. It is understood only
when nothing is left over that neither its words nor its slots account for: a console that ignores half of what is said would
do something else than was meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Intent(Enum):
    """What somebody wants; the first four are document 000's."""

    SUMMARIZE = "SUMMARIZE"
    GENERATE_IDEAL_PORTFOLIO = "GENERATE_IDEAL_PORTFOLIO"
    RUN_BACKTEST = "RUN_BACKTEST"
    DRAFT_TICKET = "DRAFT_TICKET"
    LINT_TICKETS = "LINT_TICKETS"
    FIND_PAIRS = "FIND_PAIRS"
    EXPLAIN = "EXPLAIN"
    HEADROOM = "HEADROOM"
    RISK = "RISK"
    PROMOTE = "PROMOTE"
    PNL = "PNL"
    CLOSE = "CLOSE"
    HALT = "HALT"
    HELP = "HELP"
    QUIT = "QUIT"


class Slot(Enum):
    """What an intent takes beside its words."""

    WHEN = "when"
    REACH = "reach"
    """As WHEN, under its name; a bare length such as 6m is one, too."""
    COUNT = "count"
    TARGET = "target"
    NAMED = "named"
    """As TARGET, under its name, but only a ticket or symbol there is."""
    OF_TICKET = "of_ticket"
    """As TARGET, under its name: a ticket by its id, the beginning of it, or its two legs."""
    FOLDER = "folder"
    TICKET = "ticket"
    TOPIC = "topic"
    """What is asked about in particular: the tickets, or the book."""


Words = frozenset[str]


@dataclass(frozen=True)
class Rule:
    """One intent: the calls, further words that mean nothing more, and its slots.

    A word of ``alone`` calls for it, too, but only where nothing is left over: beside other words it says nothing.
    """

    intent: Intent
    calls: tuple[tuple[Words, ...], ...]
    words: Words
    slots: tuple[Slot, ...] = ()
    alone: Words = frozenset()


def _words(text: str) -> Words:
    return frozenset(text.split())


FILLER = _words(
    "the a an please pls me my our us for of on in with to at and then now just can could would will you i we want need id "
    "like lets let do it this that some hey hi hello ok thanks as is are"
)
A_TICKET = "<ticket>"
"""Stands in a call for the id of any ticket."""
_CLOSE = _words("close exit unwind flatten liquidate sell")
_EARN = _words("make made making earn earned earning lose lost losing gain gained")
_MAKE = _words(
    "generate build construct create make compute calculate produce run update refresh rebuild regenerate optimize optimise "
    "rebalance recompute recalculate rerun re-run redo"
)
_BOOK = _words("portfolio book")
_SHOW = _words("show list display print view see what whats which how hows tell give read")
_THINGS = _words(
    "portfolio book strategies strategy tickets positions position desk status holdings clips halts halt regime regimes "
    "summary posture equity drawdown"
)
_HALTED = _words("halt halts halted stopped")
_STOP = _words("stop")
_HALT = _words("halt pause freeze suspend resume unhalt unpause unfreeze liquidate")
_BACKTEST = _words("backtest backtests backtesting back-test backtested simulate simulation")
_SUMMARY = _words("summarize summarise summary overview status morning briefing recap sitrep dashboard")
_LINT = _words("lint check validate verify proofread")
_FILES = _words("ticket tickets draft drafts")
_FIND = _words("find rank screen search suggest recommend scan show list which what best good top finder look seek any propose")
_PAIRS = _words("pair pairs")
_WRITE = _words("draft write create make new add prepare start open compose")
_IDEA = _words("ticket tickets draft idea trade")
TICKET_NOUNS = _words("ticket draft idea trade pair new")
"""What may stand beside a pair where nothing says what is to be done with it: it is drafted."""
_PUT = _words("promote activate enable deactivate disable delete remove edit modify archive retire approve execute submit")

RULES: tuple[Rule, ...] = (
    Rule(
        Intent.PROMOTE,
        ((_PUT,), (_words("put"), _words("force")), (_words("change"), _FILES)),
        _PUT | _words("put force change active place order orders all folder now") | _FILES,
        (Slot.TARGET,),
    ),
    Rule(
        Intent.LINT_TICKETS,
        ((_LINT, _FILES), (_words("lint"),), (_words("is are"), _FILES, _words("valid usable ok okay good fine clean"))),
        _LINT
        | _FILES
        | _words("folder folders file files active all both everything yaml strategy valid usable okay good fine clean"),
        (Slot.FOLDER,),
    ),
    Rule(
        Intent.FIND_PAIRS,
        ((_FIND, _PAIRS),),
        _FIND
        | _PAIRS
        | _words("looks promising interesting today todays trade draft out there new ideas idea worth universe be"),
        (Slot.COUNT, Slot.WHEN),
    ),
    Rule(
        Intent.RUN_BACKTEST,
        (
            (_BACKTEST,),
            (_words("back"), _words("test")),
            (_words("test"), _words("strategy strategies")),
            (_words("historical"), _words("performance")),
            (_words("would"), _words("have"), _words("done performed made earned")),
        ),
        _BACKTEST
        | _words(
            "run start desk strategy strategies tickets performance historical history results how have done performed made "
            "earned active book portfolio period range whole current todays back test evaluate rerun redo again all full "
            "entire calendar year what"
        ),
        (Slot.REACH,),
    ),
    Rule(
        Intent.PNL,
        (
            (_words("pnl pl profit profits"),),
            (_words("p"), _words("l")),
            (_words("did have has are is"), _EARN),
            (_words("up"), _words("down")),
            (_words("how"), _words("doing"), frozenset({A_TICKET})),
        ),
        _EARN
        | _words(
            "pnl pl p l profit profits loss losses and or up down show tell give what whats how much money did do does have "
            "has are is was were doing on from week weeks today todays session day so far since entry start net held ticket "
            "tickets position positions trade desk book"
        ),
        (Slot.OF_TICKET,),
    ),
    Rule(
        Intent.CLOSE,
        ((_CLOSE, frozenset({A_TICKET})), (_words("get take"), _words("out off"), frozenset({A_TICKET}))),
        _CLOSE | _words("get take out off position positions ticket trade now today immediately all whole down up how"),
        (Slot.OF_TICKET,),
    ),
    Rule(
        Intent.HEADROOM,
        ((_words("headroom room"),), (_words("how"), _words("much"), _words("more"))),
        _words(
            "headroom room how much more there left what whats show fits fit hold buy sell have take under limits limit any"
        ),
        (Slot.TARGET,),
    ),
    Rule(
        Intent.EXPLAIN,
        ((_words("explain why"),),),
        _words("explain why position so little much not more less did does have hold held clipped clip cut small ticket size"),
        (Slot.TARGET, Slot.WHEN),
    ),
    Rule(
        Intent.RISK,
        ((_words("risk var"),),),
        _words(
            "risk var report show whats what how much portfolio book desk exposure exposures today todays current "
            "factors scenarios"
        ),
        (Slot.WHEN,),
    ),
    Rule(
        Intent.DRAFT_TICKET,
        ((_WRITE, _IDEA), (_words("draft"),)),
        _WRITE | _IDEA | _words("pair reversion mean another one strategy"),
        (Slot.TICKET,),
    ),
    Rule(
        Intent.GENERATE_IDEAL_PORTFOLIO,
        (
            (_MAKE, _BOOK),
            (_words("ideal"), _BOOK),
            (_words("todays new"), _BOOK),
            (_MAKE, _words("desk")),
            (_words("generate run rerun"), _words("today todays day ideal")),
            (
                _words("catch bring"),
                _words("up"),
            ),
            (_words("what"), _words("should"), _words("hold")),
            (_words("target"), _BOOK),
        ),
        _MAKE
        | _BOOK
        | _words(
            "ideal todays new target latest newest todays desk day days session sessions catch bring up date again get what "
            "should hold"
        ),
        (Slot.WHEN,),
        # Not a bare "run": after a plan it may be meant as a yes.
        alone=_words("generate rebalance"),
    ),
    Rule(
        Intent.HALT,
        (
            (_HALT,),
            (_STOP, _words("desk trading everything all book portfolio emergency") | {A_TICKET}),
            (_words("kill"), _words("switch")),
            (_words("flatten close"), _words("desk book portfolio everything all positions")),
        ),
        _HALT
        | _STOP
        | _words(
            "desk trading everything all book portfolio tickets ticket emergency kill switch flatten close positions position "
            "go flat whole now immediately right today strategy strategies again how"
        ),
        (Slot.NAMED,),
        alone=_STOP,
    ),
    Rule(
        Intent.SUMMARIZE,
        (
            (_SUMMARY,),
            (_SHOW, _THINGS),
            (_words("where"), _words("stand")),
            (_words("what"), _words("hold own have")),
            (_words("how"), _words("doing going positioned")),
            (_words("sum"), _words("up")),
            (_words("is are any there who what"), _HALTED),
            (_words("what whats"), _words("changed happened clipped")),
            (_words("within"), _words("limits")),
            (_words("number state"), _THINGS),
        ),
        _SUMMARY
        | _SHOW
        | _THINGS
        | _words(
            "where stand hold own have doing going active current today todays latest newest ideal things state good limits "
            "limit market report force everything all brief about quick short sum up positioned halted any there who many "
            "number running changed happened clipped within anything anyone ticket stopped us why"
        ),
        (Slot.TOPIC,),
        alone=_THINGS | _HALTED,
    ),
)
"""In the order in which they are tried: of two that account for the whole line, the first one is meant."""

HELP_WORDS = _words("help ? commands usage man")
QUIT_WORDS = _words("quit exit bye goodbye q leave")

EXAMPLES: tuple[tuple[Intent, tuple[str, ...]], ...] = (
    (Intent.SUMMARIZE, ("summarize", "status", "where do we stand", "show the book")),
    (
        Intent.GENERATE_IDEAL_PORTFOLIO,
        ("generate todays ideal portfolio", "build the ideal portfolio for 2026-01-26", "run the desk"),
    ),
    (
        Intent.RUN_BACKTEST,
        (
            "backtest last 6 months",
            "backtest since 2024",
            "backtest from 2023-01-03 to 2023-06-30",
            "backtest q1 2024",
            "backtest ytd",
        ),
    ),
    (
        Intent.DRAFT_TICKET,
        (
            "draft a ticket",
            "JPM vs BAC, 500k, high conviction",
            "draft long KEY short RF, $1.2m, 40 days, expires end of 2027, note: why",
        ),
    ),
    (Intent.LINT_TICKETS, ("lint my tickets", "lint my drafts", "lint tickets/drafts")),
    (Intent.FIND_PAIRS, ("find pairs", "which pairs look good", "top 20 pairs")),
    (Intent.EXPLAIN, ("explain JPM", "why jpm-bac-reversion")),
    (Intent.HEADROOM, ("headroom JPM",)),
    (Intent.RISK, ("risk",)),
    (Intent.PNL, ("what did we make this week", "what is my P&L on jpm-bac-reversion")),
    (Intent.CLOSE, ("close jpm-bac-reversion",)),
    (Intent.HALT, ("halt the desk",)),
    (Intent.HELP, ("help",)),
    (Intent.QUIT, ("quit",)),
)
"""What help shows, what completion offers, and what a line nobody understands is compared with."""

TELLS: dict[Intent, str] = {
    Intent.SUMMARIZE: "the regime, the book, what each ticket holds, what clipped it, halts: one screen",
    Intent.GENERATE_IDEAL_PORTFOLIO: "run the desk up to the newest session, or for the days you say",
    Intent.RUN_BACKTEST: "what the desk would have done",
    Intent.DRAFT_TICKET: "write a checked ticket into tickets/drafts; never into tickets/active",
    Intent.LINT_TICKETS: "check ticket files; changes nothing",
    Intent.FIND_PAIRS: "pairs that look worth a draft, with how much to believe",
    Intent.EXPLAIN: "why a position or a ticket is what it is",
    Intent.HEADROOM: "how much more of a name or a ticket the limits let through",
    Intent.RISK: "the risk report of what the desk holds",
    Intent.PNL: "what the desk, or a held ticket, made net of costs: of the session, this week, since entry",
    Intent.CLOSE: "how a ticket is brought to nothing: this console does not trade",
    Intent.HALT: "which command stops the desk, or a ticket: a halt is given outside of here, with a name and a reason",
    Intent.HELP: "this",
    Intent.QUIT: "leave",
}

HALTING = (
    "this console halts nothing: a halt is given by a person, with a name and a reason, outside of here",
    "`riskdesk halt --by NAME --reason WHY` stops the desk, with `--ticket ID` one ticket; `riskdesk resume` lets it go on, "
    "`riskdesk halts` tells what stands; `quit` leaves this console",
)
"""How the desk is halted: said for whoever wants that, or says stop, which may mean it."""

VOCABULARY: Words = FILLER.union(HELP_WORDS, QUIT_WORDS, *(rule.words for rule in RULES)) - _words("?")
"""Every word of the grammar: what a misspelt one is compared with."""
