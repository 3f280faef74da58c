"""Stages 5 and 6, and the decision to release: optimizer, else governor, whole shares, exact audit.

The optimizer's book is released if it passes the audit; else the governor's, if that does; else nothing, and yesterday's
positions stand. A book that breaches a hard limit is never released (design.md section 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

import numpy as np

from riskdesk_assets.book.clips import BOOK, GOVERNOR, NOT_RELEASED, OPTIMIZER, WHOLE_LOTS, Clip
from riskdesk_assets.book.share_legs import ShareLeg
from riskdesk_assets.book.shares import ShareBook, whole_shares
from riskdesk_assets.common.errors import ReleaseError
from riskdesk_assets.common.money import TICKS_PER_DOLLAR
from riskdesk_assets.construction.gating import require_approved
from riskdesk_assets.construction.inputs import DayInputs, DeskContext
from riskdesk_assets.construction.proposal import TicketDay, gross
from riskdesk_assets.limits.audit import AuditRow, audit, breaches
from riskdesk_assets.limits.bucket_limits import bucket_limits
from riskdesk_assets.limits.catalogue import TicketCaps, for_session, ticket_limits
from riskdesk_assets.limits.fact_limits import fact_limits
from riskdesk_assets.limits.governor import govern
from riskdesk_assets.limits.limit import Leg, Limit, gross_by_ticket
from riskdesk_assets.optimizer.expected_return import reversion
from riskdesk_assets.optimizer.ticket_problem import TicketProblem, TicketSolution, scaled_legs, solve

Builder = Literal["optimizer", "governor", "none"]
Status = Literal["RELEASED", "RELEASED_BY_GOVERNOR", "BLOCKED", "FAILED_CLOSED"]

_TICKET_VERSION, _GOVERNOR_ID, _NO_MODEL = 1, "governor_1", "none"


@dataclass(frozen=True)
class Release:
    """The session's book, or why there is none.

    ``legs`` are dollars after every stage and before rounding, frozen legs included; ``share_legs`` whole shares per ticket
    leg; ``audit`` every limit on that book (of the last book tried where none was released); ``prices`` dollars of objective
    per day per dollar of limit; ``codes`` clamp codes per ticket of stages 5 and 6. ``model_id`` says which construction made
    the book, with its version. ``solution`` is what the optimizer answered, also where its book was not the one released;
    None where it was not asked.
    """

    status: Status
    reason: str
    builder: Builder
    legs: tuple[Leg[float], ...]
    share_legs: tuple[ShareLeg, ...]
    audit: tuple[AuditRow, ...]
    prices: Mapping[str, float]
    codes: Mapping[str, tuple[str, ...]]
    clips: tuple[Clip, ...]
    messages: tuple[str, ...]
    model_id: str
    solution: TicketSolution | None

    @property
    def released(self) -> bool:
        """Whether the book may be used."""
        return self.status in ("RELEASED", "RELEASED_BY_GOVERNOR")

    @property
    def shares(self) -> dict[str, tuple[int, int]]:
        """Whole shares (leg A, leg B) per ticket; share legs come in the ticket's own order of legs."""
        found: dict[str, list[int]] = {}
        for leg in self.share_legs:
            found.setdefault(leg.ticket_id, []).append(leg.shares)
        return {ticket_id: (legs[0], legs[1]) for ticket_id, legs in found.items()}

    @property
    def notionals(self) -> dict[str, tuple[float, float]]:
        """Dollars (leg A, leg B) per ticket, before rounding; nothing where nothing was released."""
        if not self.released:
            return {}
        found: dict[str, list[float]] = {}
        for leg in self.legs:
            found.setdefault(leg.ticket_id, []).append(leg.notional)
        return {ticket_id: (legs[0], legs[1]) for ticket_id, legs in found.items()}


@dataclass(frozen=True)
class _Table:
    """What both builders work on: legs in dollars, ``held`` also in ``held_ticks``; ``places`` (ticket, symbol) are those of
    every leg, ticket by ticket, leg A before leg B."""

    day: DayInputs
    context: DeskContext
    items: tuple[TicketDay, ...]
    approved: tuple[Leg[float], ...]
    fixed: tuple[Leg[float], ...]
    held: tuple[Leg[float], ...]
    held_ticks: tuple[Leg[int], ...]
    limits: tuple[Limit, ...]
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Asked:
    """What was said on the way to a book: ``messages`` in order, and the optimizer's answer once it has been asked."""

    messages: list[str] = field(default_factory=list)
    solutions: list[TicketSolution] = field(default_factory=list)


@dataclass(frozen=True)
class _Built:
    """One builder's book before rounding: dollars without the frozen legs, and what was cut by what."""

    builder: Builder
    legs: tuple[Leg[float], ...]
    prices: Mapping[str, float]
    clips: tuple[Clip, ...]
    codes: Mapping[str, tuple[str, ...]]


def release(day: DayInputs, items: Sequence[TicketDay], context: DeskContext) -> Release:
    """Build, round and audit the session's book from the approved sizes.

    Args:
        day: today's inputs.
        items: every ticket after stage 4.
        context: configuration.

    Raises:
        ReleaseError: a size that no decision of this run approved; nothing is built on it.
    """
    require_approved(items, day.run_id)
    table = _table(day, items, context)
    if day.unreadable and context.config.desk.tickets.on_bad_ticket == "fail_closed":
        reason = f"{len(day.unreadable)} ticket file(s) cannot be used: {'; '.join(day.unreadable)}"
        return _nothing("FAILED_CLOSED", f"failed closed: {reason}", (), _Asked(), table)
    asked = _Asked()
    messages = asked.messages
    rows: tuple[AuditRow, ...] = ()
    for build in _builders(context):
        built = build(table, asked)
        if built is None:
            continue
        try:
            book = _rounded(built, table)
        except ReleaseError as error:
            rows = error.audit or rows
            messages.append(f"{built.builder}: {error}")
            continue
        failed = breaches(book.audit)
        if not failed:
            return _released(built, book, table, asked)
        rows = book.audit
        messages.extend(f"{built.builder}: {row.sentence()}" for row in failed)
    if not rows:
        fixed = [leg.leg() for leg in _frozen(table)]
        rows = audit(table.limits, fixed, table.held_ticks, context.config.limits.amber_at)
    return _nothing("BLOCKED", "; ".join(messages) or "no book could be built", rows, asked, table)


def _table(day: DayInputs, items: Sequence[TicketDay], context: DeskContext) -> _Table:
    trading = tuple(item for item in items if not item.fixed)
    caps = [
        TicketCaps(item.ticket_id, item.leg_a, item.leg_b, item.ticket.max_gross_notional, item.ticket.max_leg_notional)
        for item in trading
        if item.ticket is not None
    ]
    approved = tuple(chain.from_iterable(item.legs(item.approved) for item in trading))
    fixed = tuple(chain.from_iterable(item.legs(item.held) for item in items if item.fixed))
    held_ticks = tuple(
        [
            Leg(item.ticket_id, symbol, leg.value)
            for item in items
            if item.position is not None
            for symbol, leg in ((item.leg_a, item.position.leg_a), (item.leg_b, item.position.leg_b))
        ]
    )
    held = tuple([Leg(ticket_id, symbol, value / TICKS_PER_DOLLAR) for ticket_id, symbol, value in held_ticks])
    places = tuple([(item.ticket_id, symbol) for item in items for symbol in (item.leg_a, item.leg_b)])
    written = (*ticket_limits(caps), *context.limits, *fact_limits(context.config, day.facts))
    written = (*written, *bucket_limits(context.config, day.buckets, [item.ticket_id for item in items]))
    limits = for_session(written, (*approved, *fixed), held)
    return _Table(day, context, tuple(items), approved, fixed, held, held_ticks, limits, places)


def _builders(context: DeskContext) -> tuple[Callable[[_Table, _Asked], _Built | None], ...]:
    return (_governed,) if context.config.desk.optimizer.construction == "governor" else (_optimized, _governed)


def _optimized(table: _Table, asked: _Asked) -> _Built | None:
    problem = _problem(table)
    if problem is None:
        return _Built("optimizer", (), {}, (), {})
    solution = solve(problem)
    messages = asked.messages
    asked.solutions.append(solution)
    messages.extend(
        f"solver {attempt.solver}: {attempt.status}, worst violation {attempt.worst_violation_nav:.2e} of nav"
        + (f" at {attempt.worst_limit}" if attempt.worst_limit else "")
        for attempt in solution.attempts
        if attempt.solver != solution.solver
    )
    if solution.status != "OPTIMAL":
        messages.append("the optimizer found no acceptable book: the mechanical governor takes over")
        if solution.unmet_by_fixed:
            messages.append(f"frozen positions alone breach {', '.join(solution.unmet_by_fixed)}")
        return None
    clips = _solution_clips(table, solution)
    codes = {clip.ticket_id: ("OPTIMIZER",) for clip in clips}
    return _Built("optimizer", scaled_legs(problem, solution.x), solution.prices, clips, codes)


def _problem(table: _Table) -> TicketProblem | None:
    """The ticket problem over every ticket with something approved; None when there is none."""
    day, settings, nav = table.day, table.context.config.desk.optimizer, table.context.config.desk.nav
    items = [item for item in table.items if not item.fixed and gross(item.approved)]
    if not items:
        return None
    symbols = table.context.config.universe.tradable
    chosen = {item.ticket_id for item in items}
    return TicketProblem(
        ticket_ids=tuple(item.ticket_id for item in items),
        symbols=symbols,
        legs=tuple(leg for leg in table.approved if leg.ticket_id in chosen),
        held=table.held,
        fixed=table.fixed,
        nav=nav,
        covariance=_covariance(day, symbols),
        reversion=np.array([_reversion(item, table) for item in items]),
        horizons=np.array([float(item.ticket.horizon_days if item.ticket else 1) for item in items]),
        cost_rate=np.array([table.context.cost_rates[symbol] for symbol in symbols]),
        limits=table.limits,
        risk_aversion=table.context.config.own.risk_aversion_lambda,
        optimizer_type=table.context.config.own.optimizer_type,
        settings=settings,
    )


def _covariance(day: DayInputs, symbols: tuple[str, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Daily covariance over all tradable names; a name without one (it takes no new entry) carries the mean variance."""
    if day.covariance is not None and day.covariance.symbols == symbols:
        return day.covariance.matrix.copy()
    matrix = np.zeros((len(symbols), len(symbols)))
    if day.covariance is None or not day.covariance.symbols:
        return matrix
    known = [place for place, symbol in enumerate(symbols) if symbol in day.covariance.symbols]
    matrix[np.ix_(known, known)] = day.covariance.submatrix([symbols[place] for place in known])
    mean = float(np.trace(day.covariance.matrix)) / len(day.covariance.symbols)
    for place in set(range(len(symbols))) - set(known):
        matrix[place, place] = mean
    return matrix


def _reversion(item: TicketDay, table: _Table) -> float:
    if item.signal is None or item.ticket is None or item.signal.spread_sd is None:
        return 0.0
    settings = table.context.config.desk.optimizer
    return reversion(
        gross=gross(item.approved) / table.context.config.desk.nav,
        direction=(item.approved[0] > 0) - (item.approved[0] < 0),
        zscore=item.signal.zscore,
        spread_sd=item.signal.spread_sd,
        beta=item.signal.beta,
        half_life=item.signal.half_life_days,
        horizon=item.ticket.horizon_days,
        kappa=settings.kappa,
        default_half_life=settings.default_half_life,
    )


def _solution_clips(table: _Table, solution: TicketSolution) -> tuple[Clip, ...]:
    """One row per ticket cut: by the dearest limit that touches it, else by the objective's own trade-off."""
    limits = {limit.name: limit for limit in table.limits if limit.name in solution.prices}
    priced = sorted(
        ((price, limits[name]) for name, price in solution.prices.items()), key=lambda pair: (-pair[0], pair[1].name)
    )
    clips: list[Clip] = []
    for item in table.items:
        share, size = solution.x.get(item.ticket_id, 1.0), gross(item.approved)
        if item.fixed or share >= 1.0 or not size:
            continue
        touching = [(price, limit) for price, limit in priced if limit.touches(item.ticket_id, (item.leg_a, item.leg_b))]
        if touching:
            price, limit = touching[0]
            bound = None if limit.unit == "count" else limit.bound / TICKS_PER_DOLLAR
            names = ", ".join(found.name for _, found in touching)
            reason = f"takes {share:.1%}: bound by {names}; the last dollar of {limit.name} is worth ${price:.6f} a day"
            clips.append(Clip(item.ticket_id, "", OPTIMIZER, limit.name, bound, size, size * share, reason))
        else:
            reason = f"takes {share:.1%}: beyond it risk and trading cost outweigh the expected reversion"
            clips.append(Clip(item.ticket_id, "", OPTIMIZER, "objective", None, size, size * share, reason))
    return tuple(clips)


def _governed(table: _Table, _asked: _Asked) -> _Built:
    legs, scalings = govern(table.approved, table.held, table.limits, table.fixed)
    sizes = {item.ticket_id: gross(item.approved) for item in table.items}
    clips: list[Clip] = []
    codes: dict[str, tuple[str, ...]] = {}
    for scaling in scalings:
        size = sizes[scaling.ticket_id]
        sizes[scaling.ticket_id] = size * scaling.ratio
        bound = None if scaling.limit.unit == "count" else scaling.limit.bound / TICKS_PER_DOLLAR
        reason = f"the governor scales the ticket by {scaling.ratio:.4f} for {scaling.limit.name}"
        clips.append(Clip(scaling.ticket_id, "", GOVERNOR, scaling.limit.name, bound, size, size * scaling.ratio, reason))
        codes[scaling.ticket_id] = (*codes.get(scaling.ticket_id, ()), scaling.limit.family.upper())
    return _Built("governor", legs, {}, tuple(clips), codes)


def _rounded(built: _Built, table: _Table) -> ShareBook:
    today = table.day.prints.get(table.day.session, {})
    prices = {symbol: mark.close for symbol, mark in today.items()}
    return whole_shares(
        [leg for leg in built.legs if leg.notional],
        prices=prices,
        lot_sizes=table.context.lot_sizes,
        held=table.held_ticks,
        limits=table.limits,
        amber_at=table.context.config.limits.amber_at,
        fixed=_frozen(table),
    )


def _frozen(table: _Table) -> list[ShareLeg]:
    """The legs that cannot trade, as they are held."""
    return [
        ShareLeg(item.ticket_id, leg.symbol, leg.shares, leg.price, frozen=True)
        for item in table.items
        if item.fixed and item.position is not None
        for leg in item.position.legs
    ]


def _released(built: _Built, book: ShareBook, table: _Table, asked: _Asked) -> Release:
    by_governor = built.builder == "governor" and table.context.config.desk.optimizer.construction == "optimizer"
    repairs = tuple(
        Clip(
            repair.ticket_id,
            repair.symbol,
            BOOK,
            repair.limit.name,
            repair.limit.bound / TICKS_PER_DOLLAR,
            abs(repair.shares_in * repair.price_ticks) / TICKS_PER_DOLLAR,
            abs(repair.shares_out * repair.price_ticks) / TICKS_PER_DOLLAR,
            f"whole shares: {repair.shares_in:,} became {repair.shares_out:,} so that {repair.limit.name} holds exactly",
        )
        for repair in book.repairs
    )
    return Release(
        status="RELEASED_BY_GOVERNOR" if by_governor else "RELEASED",
        reason="; ".join(asked.messages) if by_governor else "",
        builder=built.builder,
        legs=_in_leg_order((*built.legs, *table.fixed), table),
        share_legs=_shares_in_leg_order(book, table),
        audit=book.audit,
        prices=built.prices,
        codes=built.codes,
        clips=(*built.clips, *_truncations(built, book), *repairs),
        messages=tuple(asked.messages),
        model_id=_ticket_model(table.context) if built.builder == "optimizer" else _GOVERNOR_ID,
        solution=next(iter(asked.solutions), None),
    )


def _ticket_model(context: DeskContext) -> str:
    own = context.config.own
    return f"ticket_{own.optimizer_type.lower()}_{own.risk_model_id}_{_TICKET_VERSION}"


def _truncations(built: _Built, book: ShareBook) -> Iterator[Clip]:
    """One row per ticket whose target was no whole number of lots: from dollars to what truncation toward zero left."""
    lots = dict.fromkeys([leg.ticket_id for leg in book.legs], 0)
    for leg in book.legs:
        if not leg.frozen:
            lots[leg.ticket_id] += abs(leg.notional_ticks)
    for repair in book.repairs:
        lots[repair.ticket_id] += abs(repair.shares_in - repair.shares_out) * repair.price_ticks
    for ticket_id, target in gross_by_ticket(built.legs).items():
        kept = lots.get(ticket_id, 0) / TICKS_PER_DOLLAR
        if kept < target:
            yield Clip(ticket_id, "", BOOK, WHOLE_LOTS, None, target, kept, "whole shares: truncated toward zero to whole lots")


def _nothing(status: Status, reason: str, rows: tuple[AuditRow, ...], asked: _Asked, table: _Table) -> Release:
    stand = "nothing was released: yesterday's position stands"
    clips = tuple(
        Clip(item.ticket_id, "", BOOK, NOT_RELEASED, None, gross(item.approved), gross(item.held), stand)
        for item in table.items
        if not item.fixed and item.approved != item.held
    )
    return Release(
        status=status,
        reason=reason,
        builder="none",
        legs=(),
        share_legs=(),
        audit=rows,
        prices={},
        codes={},
        clips=clips,
        messages=(*asked.messages, reason),
        model_id=_NO_MODEL,
        solution=next(iter(asked.solutions), None),
    )


def _in_leg_order(legs: Sequence[Leg[float]], table: _Table) -> tuple[Leg[float], ...]:
    """Every leg of the tickets that have one among these, in the table's places."""
    found = {(leg.ticket_id, leg.symbol): leg for leg in legs}
    whole = {ticket_id for ticket_id, _ in found}
    return tuple([found.get(place) or Leg(*place, 0.0) for place in table.places if place[0] in whole])


def _shares_in_leg_order(book: ShareBook, table: _Table) -> tuple[ShareLeg, ...]:
    found = {(leg.ticket_id, leg.symbol): leg for leg in book.legs}
    whole = {ticket_id for ticket_id, _ in found}
    return tuple([found.get(place) or ShareLeg(*place, 0, 1) for place in table.places if place[0] in whole])
