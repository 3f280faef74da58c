"""The console's side of a conversation: a line in, words out, and a plan run only after a yes.

It is in one of four states: idle; asking for what is missing; waiting for a yes to a plan; waiting for a yes to "did you mean".
Nothing is done in any other way than by `riskdesk` commands of a plan, so nothing can be done here that they cannot do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from riskdesk_assets.interfaces.console.draft_plan import FIELDS, REST, DraftRefusedError, refined
from riskdesk_assets.interfaces.console.grammar import EXAMPLES, HALTING, TELLS, Intent
from riskdesk_assets.interfaces.console.line import Line, UnusableLineError, read_line
from riskdesk_assets.interfaces.console.plan import Command, DayRefusedError, Plan, Question, RefusedError
from riskdesk_assets.interfaces.console.planning import answered, plan_of
from riskdesk_assets.interfaces.console.surroundings import Surroundings
from riskdesk_assets.interfaces.console.ticket_words import TicketWords
from riskdesk_assets.interfaces.console.understanding import Known, NotUnderstood, Understood, said_of_ticket, understand
from riskdesk_assets.interfaces.failures import FAILED, UNUSABLE, failure_of

YES = frozenset({"y", "yes", "yep", "ok", "okay", "go", "do it", "go ahead", "sure", "confirm"})
NO = frozenset({"n", "no", "nope", "cancel", "abort", "never mind", "nevermind", "forget it", "drop it"})
_DAYS_AGAIN = "Which days then?"
_AGAIN = Question(REST, "Say that part again, or Enter to go without it.", "without")


@dataclass(frozen=True)
class Mode:
    """``asks``: a person answers, else the next line is the answer and nothing is guessed; ``yes``: plans run at once."""

    asks: bool
    yes: bool


@dataclass(frozen=True)
class _Pending:
    intent: Intent
    slots: Mapping[str, object]


class Conversation:
    """One conversation.

    Attributes:
        worst: the highest exit code of any action so far; 2 for a line that could not be used.
        over: whether somebody has said quit.
    """

    def __init__(
        self,
        mode: Mode,
        say: Callable[[str], None],
        complain: Callable[[str], None],
        perform: Callable[[Command], int],
        now: Callable[[], datetime],
    ) -> None:
        self._mode, self._say, self._complain, self._perform, self._now = mode, say, complain, perform, now
        self._pending: _Pending | None = None
        self._question: Question | None = None
        self._plan: Plan | None = None
        self._guess = ""
        self.worst = 0
        self.over = False

    @property
    def prompt(self) -> str:
        """What is asked of whoever types next."""
        if self._guess:
            return "[y/N] "
        if self._plan is not None:
            return "go ahead? [y/N] " if self._plan.writes else "go ahead? [Y/n] "
        return "> " if self._question is not None else "riskdesk> "

    @property
    def idle(self) -> bool:
        """Whether nothing is being asked."""
        return self._question is None and self._plan is None and not self._guess

    def hear(self, raw: str) -> None:
        """Take one line; whatever is wrong is told, never raised (but KeyboardInterrupt, which drops what is pending)."""
        try:
            line = read_line(raw)
            self._take(line)
        except UnusableLineError as error:
            self._refuse(str(error))
        except KeyboardInterrupt:
            self.drop()
            raise
        except RefusedError as error:
            self._drop()
            self._refuse(*error.lines)
        except Exception as error:  # noqa: BLE001 - told like any command's; the console goes on
            self._drop()
            failure = failure_of(error)
            self._note(failure.exit_code)
            for text in failure.lines:
                self._complain(text)

    def drop(self) -> None:
        """Forget what is pending, and say so."""
        if not self.idle:
            self._drop()
            self._say("left it; nothing was done")

    def end(self) -> None:
        """The input has ended: what is pending is left undone, and counts as unusable where nobody could answer."""
        if not self.idle and not self._mode.asks:
            self._refuse("the input ended before this was answered; nothing was done (--yes runs plans without asking)")
        self._drop()

    def _take(self, line: Line) -> None:
        if self._guess:
            self._answer_guess(line)
        elif self._plan is not None:
            self._answer_plan(line)
        elif self._question is not None:
            self._answer_question(line)
        elif line.text and not self._helped(line):
            self._begin(line, self._around())

    def _helped(self, line: Line) -> bool:
        """Help, quit and how to halt need nothing of the desk: they work beside unusable settings, too."""
        said = understand(line, Known(()))
        if not isinstance(said, Understood) or said.intent not in {Intent.HELP, Intent.QUIT, Intent.HALT}:
            return False
        if said.intent is Intent.QUIT:
            self.over = True
        elif said.intent is Intent.HALT:
            self._refuse(*HALTING)
        else:
            self._help()
        return True

    def _begin(self, line: Line, around: Surroundings) -> None:
        said = understand(line, around.known)
        if isinstance(said, NotUnderstood):
            self._not_understood(line, said)
        elif said.intent is Intent.HALT:
            self._refuse(*HALTING)
        else:
            self._proceed(_Pending(said.intent, said.slots), around)

    def _proceed(self, pending: _Pending, around: Surroundings) -> None:
        """Ask what is missing next, or show the plan, and run it where nobody is to be asked."""
        self._drop()
        try:
            found = plan_of(pending.intent, pending.slots, around, eager=self._mode.yes)
        except DayRefusedError as error:
            self._ask_again(error, _Pending(pending.intent, pending.slots), Question("when", _DAYS_AGAIN))
            return
        except DraftRefusedError as error:
            kept = {**_without_words(pending.slots), FIELDS: error.fields}
            self._ask_again(error, _Pending(pending.intent, kept), self._still_missing(kept, around) or _AGAIN)
            return
        self._pending = pending
        if isinstance(found, Question):
            self._question = found
            self._say(found.text)
            return
        self._plan = found
        for text in found.lines:
            self._say(text)
        if self._mode.yes:
            self._run(found)

    def _still_missing(self, kept: Mapping[str, object], around: Surroundings) -> Question | None:
        """What would be asked of a draft anyway, once what was wrong with it is left out."""
        try:
            found = plan_of(Intent.DRAFT_TICKET, kept, around, eager=self._mode.yes)
        except RefusedError:
            return None
        return found if isinstance(found, Question) else None

    def _ask_again(self, error: RefusedError, pending: _Pending, question: Question) -> None:
        if not self._mode.asks:
            raise error
        for text in error.lines:
            self._complain(text)
        self._pending, self._question = pending, question
        self._say(question.text)

    def _answer_question(self, line: Line) -> None:
        question, pending, around = self._question, self._pending, self._around()
        if question is None or pending is None:
            return
        if line.small in NO:
            self.drop()
            return
        said = understand(line, around.known)
        if isinstance(said, Understood) and said.intent in {Intent.HELP, Intent.QUIT}:
            self._aside(said.intent, question.text)
            return
        try:
            slots = answered(pending.intent, pending.slots, question, line, around)
        except RefusedError as error:
            if self._turned_to(line, around):
                return
            if not self._mode.asks:
                raise
            for text in error.lines:
                self._complain(text)
            return
        if question.slot in {"when", "target"} and self._turned_to(line, around):
            return
        self._proceed(_Pending(pending.intent, slots), around)

    def _turned_to(self, line: Line, around: Surroundings) -> bool:
        """Whether the line asks for something else altogether: then that is taken up, and what was pending is dropped."""
        said = understand(line, around.known)
        if not isinstance(said, Understood):
            return False
        if said.intent is Intent.DRAFT_TICKET and not self._drafts_anew(said_of_ticket(said), line, around):
            return False
        if said.intent in {Intent.HELP, Intent.QUIT}:
            self._aside(said.intent, self.prompt)
            return True
        self.drop()
        self._begin(line, around)
        return True

    def _drafts_anew(self, said: TicketWords, line: Line, around: Surroundings) -> bool:
        """Whether words of a ticket are a new draft: not what is no ticket yet, nor the answer to a question."""
        if self._question is None:
            return not said.problems or "leg_a" in said.fields or "leg_b" in said.fields
        if self._question.slot == "target" and " " not in line.text:
            return False  # key-rf is a ticket's id as likely as two names
        return not said.problems and ("leg_a" in said.fields or not said.fields)

    def _aside(self, intent: Intent, asked: str) -> None:
        """Help, after which the question stands; or quit."""
        if intent is Intent.QUIT:
            self.drop()
            self.over = True
        else:
            self._help()
            self._say(asked)

    def _answer_plan(self, line: Line) -> None:
        plan, pending = self._plan, self._pending
        if plan is None or pending is None:
            return
        if line.small in YES or (not line.text and not plan.writes):
            self._run(plan)
        elif line.small in NO or not line.text:
            self.drop()
        else:
            around = self._around()
            slots = refined(pending.slots, line, around) if pending.intent is Intent.DRAFT_TICKET else None
            if slots is not None:
                self._proceed(_Pending(pending.intent, slots), around)
            elif not self._turned_to(line, around):
                self._refuse("yes or no? (a yes runs the plan, a no leaves it; nothing has been done)")

    def _answer_guess(self, line: Line) -> None:
        guess, self._guess = self._guess, ""
        if line.small in YES:
            meant = read_line(guess)
            if not self._helped(meant):
                self._begin(meant, self._around())
        elif line.text and line.small not in NO and not self._helped(line):
            self._begin(line, self._around())

    def _run(self, plan: Plan) -> None:
        self._drop()
        for command in plan.commands:
            try:
                code = self._perform(command)
            except KeyboardInterrupt:
                self._note(FAILED)
                self._complain("stopped; what was written before stands")
                if not self._mode.asks:
                    raise
                return
            self._note(code)
            if code:
                return

    def _not_understood(self, line: Line, said: NotUnderstood) -> None:
        if said.intent is None:
            self._refuse(f"not understood: {line.text[:200]}")
        else:
            self._refuse(f"this asks for {said.intent.value}, but not understood: {said.left[:200]}")
        if said.intent is Intent.HALT:
            self._refuse(*HALTING)
        elif not said.guess:
            self._say("`help` lists what is understood")
        elif self._mode.asks:
            self._guess = said.guess
            self._say(f"did you mean `{said.guess}`?")
        else:
            self._say(f"did you mean `{said.guess}`? Nothing was done.")

    def _help(self) -> None:
        for intent, phrases in EXAMPLES:
            self._say(f"{TELLS[intent]}")
            for phrase in phrases:
                self._say(f"    {phrase}")
        self._say("Every action shows its plan and waits for a yes; nothing here touches tickets/active.")

    def _refuse(self, *lines: str) -> None:
        self._note(UNUSABLE)
        for text in lines:
            self._complain(text)

    def _note(self, code: int) -> None:
        self.worst = max(self.worst, code)

    def _around(self) -> Surroundings:
        return Surroundings(self._now())

    def _drop(self) -> None:
        self._pending = self._question = self._plan = None
        self._guess = ""


def _without_words(slots: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in slots.items() if name != "ticket"}
