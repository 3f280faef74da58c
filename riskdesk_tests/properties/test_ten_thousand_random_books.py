"""Ten thousand random sessions from approved sizes to the ideal portfolio; the judge shares no code with limits/."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from riskdesk_assets.book.portfolio import ideal_portfolio
from riskdesk_assets.book.share_legs import ShareLeg
from riskdesk_assets.book.shares import ShareBook, whole_shares
from riskdesk_assets.common.errors import ReleaseError
from riskdesk_assets.limits.governor import govern
from riskdesk_assets.limits.limit import Leg, Limit
from riskdesk_assets.optimizer.ticket_problem import scaled_legs, solve
from riskdesk_tests.optimizer.random_desks import Shape, random_problem

BOOKS = 10_000
SOLVED_EVERY = 40  # every 40th book goes through the optimizer, the others through the governor


@dataclass(frozen=True)
class Session:
    approved: tuple[Leg[float], ...]
    targets: tuple[Leg[float], ...]
    held: tuple[Leg[int], ...]
    fixed: tuple[ShareLeg, ...]
    limits: tuple[Limit, ...]
    prices: Mapping[str, int]
    lots: Mapping[str, int]


def random_session(seed: int) -> Session:
    rng = np.random.default_rng(seed)
    shape = Shape(int(rng.integers(1, 9)), int(rng.choice([4, 6, 10])), 3)
    tight = float(rng.uniform(0.1, 1.2))
    problem = random_problem(seed, shape, tight, facts=rng.random() < 0.5, buckets=seed % 3 == 0)
    wild = rng.random() < 0.2
    spread = (1e-4, 1e6) if wild else (3.0, 900.0)
    prices = {s: max(1, round(10_000 * float(np.exp(rng.uniform(*np.log(spread)))))) for s in problem.symbols}
    lots = {s: int(rng.choice([1, 1, 5, 100])) for s in problem.symbols}

    def shares(leg: Leg[float]) -> int:
        count = int(abs(leg.notional) * 10_000) // (prices[leg.symbol] * lots[leg.symbol]) * lots[leg.symbol]
        return count if leg.notional > 0 else -count

    held = tuple(Leg(leg.ticket_id, leg.symbol, shares(leg) * prices[leg.symbol]) for leg in problem.held)
    fixed = tuple(ShareLeg(leg.ticket_id, leg.symbol, shares(leg), prices[leg.symbol], True) for leg in problem.fixed)
    if seed % SOLVED_EVERY == 0:
        solution = solve(problem)
        targets = scaled_legs(problem, solution.x) if solution.status == "OPTIMAL" else ()
    else:
        targets, _ = govern(problem.legs, problem.held, problem.limits, problem.fixed)
    return Session(problem.legs, tuple(targets), held, fixed, problem.limits, prices, lots)


def faults(session: Session, book: ShareBook) -> list[str]:
    """Everything wrong with a released book, in integers and fractions, from the definitions of methods.md alone."""
    found: list[str] = []
    shares = {(leg.ticket_id, leg.symbol): leg.shares for leg in book.legs}
    ticks = {key: count * session.prices[key[1]] for key, count in shares.items()}
    before = {(leg.ticket_id, leg.symbol): leg.notional for leg in session.held}
    for limit in session.limits:
        over = used(limit, ticks, before) - limit.bound
        found += [f"{limit.name} is breached by {over} ticks"] if over > 0 else []
    targets = {(leg.ticket_id, leg.symbol): Fraction(Decimal(repr(leg.notional))) * 10_000 for leg in session.targets}
    for leg in session.fixed:
        traded = shares.pop((leg.ticket_id, leg.symbol)) - leg.shares
        found += [f"frozen {leg.ticket_id} {leg.symbol} traded {traded}"] if traded else []
    if set(shares) != set(targets):
        found.append("legs are missing or invented")
    approved = {(leg.ticket_id, leg.symbol): leg.notional for leg in session.approved}
    for key, value in ((key, float(target / 10_000)) for key, target in targets.items()):
        raised = value * approved[key] < 0 or abs(value) > abs(approved[key])
        found += [f"{key} was raised above what was approved"] if raised else []
    scales: dict[str, tuple[Fraction, Fraction]] = {}
    for key, target in targets.items():
        lot = session.prices[key[1]] * session.lots[key[1]]
        if shares[key] % session.lots[key[1]]:
            found.append(f"{key} is no whole number of lots")
        if ticks[key] * target < 0 or abs(ticks[key]) > abs(target):
            found.append(f"{key} exceeds its target")
        if target:
            low, high = scales.get(key[0], (Fraction(0), Fraction(1)))
            size = Fraction(abs(ticks[key]))
            scales[key[0]] = (max(low, (size - lot) / abs(target)), min(high, (size + lot) / abs(target)))
    found += [f"the legs of {ticket} parted" for ticket, (low, high) in scales.items() if low > high]
    return found


def used(limit: Limit, ticks: Mapping[tuple[str, str], int], before: Mapping[tuple[str, str], int]) -> int | Fraction:
    measure, members = limit.measure.value, limit.members
    if measure == "name_gross":
        return sum(abs(value) for (_, symbol), value in ticks.items() if symbol in members)
    if measure == "bucket_gross":
        return sum(abs(value) for (ticket, _), value in ticks.items() if ticket in members)
    if measure == "net":
        return abs(sum(value for (_, symbol), value in ticks.items() if symbol in members))
    if measure == "gross":
        return sum(abs(sum(value for (_, s), value in ticks.items() if s == symbol)) for symbol in members)
    if measure in ("exposure", "loss"):
        share = {symbol: Fraction(whole, 1_000_000) for symbol, whole in zip(members, limit.coefficients[0], strict=True)}
        earned = sum((share.get(symbol, Fraction(0)) * value for (_, symbol), value in ticks.items()), Fraction(0))
        return abs(earned) if measure == "exposure" else max(Fraction(0), -earned)
    assert measure == "additions"
    total = 0
    for ticket in {ticket for ticket, _ in ticks}:
        mine = {symbol: value for (t, symbol), value in ticks.items() if t == ticket}
        turned = any(value * before.get((ticket, symbol), 0) < 0 for symbol, value in mine.items())
        kept = 0 if turned else sum(abs(value) for (t, _), value in before.items() if t == ticket)
        total += max(0, sum(map(abs, mine.values())) - kept)
    return total


@pytest.mark.slow
def test_no_released_book_of_ten_thousand_breaches_any_limit_or_misses_zero() -> None:
    methods: Counter[str] = Counter()
    full: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in range(BOOKS):
        session = random_session(seed)
        try:
            book = whole_shares(
                session.targets,
                prices=session.prices,
                lot_sizes=session.lots,
                held=session.held,
                limits=session.limits,
                amber_at=0.8,
                fixed=session.fixed,
            )
        except ReleaseError:
            # Only frozen legs can make every book unlawful: the checker must agree that they do by themselves.
            alone = {(leg.ticket_id, leg.symbol): leg.shares * leg.price_ticks for leg in session.fixed}
            if all(limit.bound >= used(limit, alone, {}) for limit in session.limits):
                wrong.append(f"{seed}: not released, and the frozen legs are no reason")
            methods["refused"] += 1
            continue
        methods[book.method] += 1
        full.update(row.limit.family.value for row in book.audit if row.measured * 100 > row.limit.bound * 99)
        rows = ideal_portfolio(date(2024, 3, 1), "bank_pairs", book.legs, {})
        if sum(int(str(row["notional_cents"])) for row in rows) != 0:
            wrong.append(f"{seed}: the book does not sum to zero")
        wrong += [f"{seed}: {fault}" for fault in faults(session, book)]
    assert wrong == []
    assert methods["TRUNCATED"] > BOOKS // 2
    assert methods["REPAIRED"] > BOOKS // 100
    # the caps of buckets really bind: on many of these books one is full to the last hundredth
    assert full["bucket"] > BOOKS // 50


def test_the_checker_sees_a_breach_a_raised_leg_and_a_parted_pair() -> None:
    session = next(s for s in map(random_session, range(1, 100)) if len(s.targets) >= 4 and not s.fixed)
    book = whole_shares(
        session.targets, prices=session.prices, lot_sizes=session.lots, held=session.held, limits=session.limits, amber_at=0.8
    )
    assert faults(session, book) == []
    first = book.legs[0]
    raised = ShareLeg(first.ticket_id, first.symbol, first.shares * 50 + 50_000_000, first.price_ticks)
    spoiled = ShareBook((raised, *book.legs[1:]), (), (), "TRUNCATED")
    said = " ".join(faults(session, spoiled))
    assert "breached" in said
    assert "exceeds its target" in said
    assert "parted" in said
