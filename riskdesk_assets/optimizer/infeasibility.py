"""Why a mandate cannot be met: the smallest set of named limits that cannot hold together, and what each would have to give.

Every limit is a party, so are the budget and the ban on shorts. A set of parties conflicts when no weights obey them all
to within half of what an answer may violate. The set is found by

1. one conic program in which every limit may give the same: the parties with a price in it conflict among themselves;
2. a deletion filter: parties are left out one by one for as long as what remains conflicts, so that none is idle;
3. a search over all single parties and pairs, and over the triples of parties priced in step 1 or in the program that lets
   each limit give on its own (the total of gives over bounds the least), so that a smaller set is not missed.

Weights that satisfy some set satisfy all its subsets: each program's answer is kept, and most sets need no program at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

import numpy as np

from riskdesk_assets.optimizer.compiled import Canonical, run_clarabel
from riskdesk_assets.optimizer.limit_rows import Array
from riskdesk_assets.optimizer.portfolio_model import CONE_SCALE
from riskdesk_assets.optimizer.portfolio_rows import ShapedLimit

Kind = Literal["long_only", "long_short", "market_neutral"]
BUDGET, LONG_ONLY = "budget", "long_only"
BUDGETS: Mapping[Kind, float | None] = {"long_only": 1.0, "market_neutral": 0.0, "long_short": None}
# The largest sets searched for, and how many programs the search may solve.
LARGEST_SEARCHED = 3
MOST_PROGRAMS = 60
# A price this far below the largest is the interior-point method's distance from 0.
PRICED = 1e-6
# How far weights may go where nothing bounds them, in navs: without it a program without limits has no answer.
REACH = 100.0
_OPTIONS = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}


@dataclass(frozen=True)
class Party:
    """One member of a conflict: its bound, and what it would have to be for the others to hold; None: that cannot help.

    Fractions of nav. The budget's bound is the sum of weights, that of the ban on shorts the least weight.
    """

    name: str
    bound: float
    alone: float | None


@dataclass(frozen=True)
class Conflict:
    """A set of parties that cannot hold together, none of them idle."""

    parties: tuple[Party, ...]


@dataclass
class FeasibilitySystem:
    """The parties of one mandate over n names, and the weights found so far, each with the parties they satisfy."""

    limits: Mapping[str, ShapedLimit]
    previous: Array
    budget: float | None
    long_only: bool
    tolerance: float
    witnesses: list[frozenset[str]] = field(default_factory=list)

    @classmethod
    def of(cls, kind: Kind, limits: Sequence[ShapedLimit], previous: Array, accept_violation_nav: float) -> FeasibilitySystem:
        """The system of a mandate; sets conflict when they need over half of ``accept_violation_nav`` (fraction of nav)."""
        made = cls(
            {limit.name: limit for limit in limits}, previous, BUDGETS[kind], kind == "long_only", accept_violation_nav / 2
        )
        for weights in (np.zeros(len(previous)), previous):
            made._remember(weights)
        return made

    @property
    def parties(self) -> tuple[str, ...]:
        """Names of all parties: the budget and the ban on shorts where there are such, then the limits."""
        rules = [BUDGET] * (self.budget is not None) + [LONG_ONLY] * self.long_only
        return (*rules, *self.limits)

    def conflict(self) -> Conflict | None:
        """The smallest set found that conflicts; None where all parties can hold together."""
        priced = self._conflicting(self.parties)
        if priced is None:
            return None
        found = self._irreducible(priced)
        found = self._smaller(priced, len(found)) or found
        ordered = [name for name in self.parties if name in set(found)]
        return Conflict(tuple(Party(name, self.bound(name), self._alone(name)) for name in ordered))

    def bound(self, name: str) -> float:
        """A party's bound, a fraction of nav."""
        if name == BUDGET:
            return float(self.budget or 0.0)
        return 0.0 if name == LONG_ONLY else self.limits[name].bound

    def least_give(self, giving: Sequence[str], margin: float = 0.0) -> dict[str, float] | None:
        """What each of ``giving`` must give so that all parties hold, the least in total, each scaled by its bound.

        Args:
            giving: parties that may give.
            margin: fraction of nav by which every limit is tightened first.

        Returns:
            Fractions of nav; None where the others conflict by themselves.
        """
        solved = self._program(self.parties, giving, shared=False, margin=margin)
        return None if solved is None else dict(zip(giving, map(float, solved.gives), strict=True))

    def _conflicting(self, names: Iterable[str]) -> tuple[str, ...] | None:
        """The priced among ``names`` if they conflict, None if they can hold together."""
        among = set(names)  # once: an iterator would be empty after the first party
        chosen = tuple(name for name in self.parties if name in among)
        if any(witness.issuperset(chosen) for witness in self.witnesses):
            return None
        solved = self._program(chosen, [name for name in chosen if name in self.limits], shared=True)
        if solved is None:
            return None
        self._remember(solved.weights)
        if float(solved.gives.max(initial=0.0)) <= self.tolerance:
            return None
        largest = max(solved.prices.values())
        return tuple(name for name in chosen if solved.prices[name] > PRICED * largest)

    def _irreducible(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The deletion filter; the parties most often of interest, budget and ban on shorts, are tried last."""
        kept = self._narrowed(names)
        for name in reversed(kept):
            if name not in kept:
                continue
            left = self._conflicting(other for other in kept if other != name)
            if left is not None:
                kept = self._narrowed(tuple(other for other in kept if other != name), left)
        return kept

    def _narrowed(self, names: tuple[str, ...], priced: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """The priced parties of a conflicting set where they conflict by themselves, else the whole set."""
        priced = self._conflicting(names) if priced is None else priced
        if priced is None or len(priced) == len(names):
            return names
        return priced if self._conflicting(priced) is not None else names

    def _smaller(self, priced: tuple[str, ...], size: int) -> tuple[str, ...] | None:
        """The first set smaller than ``size`` that conflicts, the smallest first; after MOST_PROGRAMS the search ends."""
        alone = self._program(self.parties, tuple(self.limits), shared=False)
        prices = {} if alone is None else alone.prices
        least = PRICED * max(prices.values(), default=0.0)
        likely = [name for name in self.parties if name in priced or prices.get(name, 0.0) > least]
        others = [name for name in self.parties if name not in likely]
        programs = 0
        for smaller in range(1, min(LARGEST_SEARCHED, size - 1) + 1):
            for chosen in combinations(likely + others if smaller <= 2 else likely, smaller):
                if any(witness.issuperset(chosen) for witness in self.witnesses):
                    continue
                programs += 1
                if self._conflicting(chosen) is not None:
                    return chosen
                if programs == MOST_PROGRAMS:
                    return None
        return None

    def _alone(self, name: str) -> float | None:
        """What the party's bound would have to be if it alone gave."""
        solved = self._program(self.parties, (name,), shared=False)
        if solved is None:
            return None
        if name == BUDGET:
            return float(solved.weights.sum())
        given = float(solved.gives[0])
        return self.bound(name) + (-given if name == LONG_ONLY else given)

    def _remember(self, weights: Array) -> None:
        satisfied = {
            name
            for name, limit in self.limits.items()
            if limit.measured(weights, self.previous) <= limit.bound + self.tolerance
        }
        if self.budget is not None and abs(float(weights.sum()) - self.budget) <= self.tolerance * 1e-2:
            satisfied.add(BUDGET)
        if float(weights.min()) >= -self.tolerance * 1e-2:
            satisfied.add(LONG_ONLY)
        self.witnesses.append(frozenset(satisfied))

    def _program(self, names: Sequence[str], giving: Sequence[str], *, shared: bool, margin: float = 0.0) -> _Solved | None:
        """The least give of ``giving``, ``names`` holding; shared: one give for all, else the total of each over its bound."""
        rows = _ConicRows(len(self.previous), 1 if shared else len(giving))
        place = dict.fromkeys(giving, 0) if shared else {name: j for j, name in enumerate(giving)}
        for j in range(rows.gives):
            largest = max(abs(self.bound(giving[j])), 1e-3) if not shared else 1.0
            rows.cost[j] = 1.0 / largest
        ones = np.ones((1, len(self.previous)))
        for name in names:
            slack = place.get(name)
            if name == BUDGET:
                total = np.array([self.budget or 0.0])
                if slack is None:
                    rows.equal(name, ones, total)
                else:
                    rows.below(name, np.vstack([ones, -ones]), np.concatenate([total, -total]), slack)
            elif name == LONG_ONLY:
                rows.below(name, -np.eye(len(self.previous)), np.zeros(len(self.previous)), slack)
            else:
                rows.limit(self.limits[name], self.previous, margin, slack)
        return rows.solve(names)


@dataclass(frozen=True, eq=False)
class _Solved:
    """Weights (n,), gives, and the price of every party."""

    weights: Array
    gives: Array
    prices: Mapping[str, float]


class _ConicRows:
    """Rows of a conic program over (w, gives, what stands for absolute values and tails), gathered party by party."""

    def __init__(self, names: int, gives: int) -> None:
        self.names, self.gives = names, gives
        self.cost = np.zeros(gives)
        self._extra = 0
        self._sizes: dict[str, int] = {}
        # (party, columns -> block, right side, cone): cone is "equal", "below" or "cone".
        self._blocks: list[tuple[str, list[tuple[int, Array]], Array, str]] = []

    def equal(self, name: str, matrix: Array, right: Array) -> None:
        """matrix @ w == right."""
        self._blocks.append((name, [(0, matrix)], right, "equal"))

    def below(self, name: str, matrix: Array, right: Array, slack: int | None, also: Sequence[tuple[int, Array]] = ()) -> None:
        """matrix @ w + also <= right + give."""
        parts = [(0, matrix), *also]
        if slack is not None:
            parts.append((self.names + slack, -np.ones((len(right), 1))))
        self._blocks.append((name, parts, right, "below"))

    def limit(self, limit: ShapedLimit, previous: Array, margin: float, slack: int | None) -> None:
        """A limit, tightened by ``margin``."""
        n, bound = self.names, max(limit.bound - margin, min(limit.bound, 0.0))
        none = np.zeros((1, n))
        if limit.form == "linear":
            self.below(limit.name, limit.matrix, limit.offset + bound, slack)
        elif limit.form in ("gross", "traded"):
            sizes = self._sized(limit.form, previous if limit.form == "traded" else np.zeros(n))
            self.below(limit.name, none, np.array([bound]), slack, [(sizes, limit.matrix)])
        elif limit.form == "worst":
            # Rockafellar and Uryasev (2000): the mean of the worst is the least of a + sum(max(0, loss - a)) / worst.
            scenarios = len(limit.matrix)
            level, tails = self._new(1), self._new(scenarios)
            over = [(level, -np.ones((scenarios, 1))), (tails, -np.eye(scenarios))]
            self.below("", limit.matrix, np.zeros(scenarios), None, over)
            self.below("", np.zeros((scenarios, n)), np.zeros(scenarios), None, [(tails, -np.eye(scenarios))])
            mean = [(level, np.ones((1, 1))), (tails, np.ones((1, scenarios)) / limit.worst)]
            self.below(limit.name, none, np.array([bound]), slack, mean)
        else:
            matrix = np.vstack([none, -CONE_SCALE * limit.matrix])
            parts = [(0, matrix)]
            if slack is not None:
                give = np.zeros((n + 1, 1))
                give[0, 0] = -CONE_SCALE
                parts.append((n + slack, give))
            self._blocks.append((limit.name, parts, np.concatenate([[CONE_SCALE * bound], np.zeros(n)]), "cone"))

    def solve(self, names: Sequence[str]) -> _Solved | None:
        """The least cost of the gives; None where the rows conflict whatever is given."""
        import clarabel
        from scipy import sparse

        n = self.names
        box = np.vstack([np.eye(n), -np.eye(n)])
        self.below("", box, np.full(2 * n, REACH), None)
        self._blocks.append(("", [(n, -np.eye(self.gives))], np.zeros(self.gives), "below"))
        width = n + self.gives + self._extra
        ordered = [block for kind in ("equal", "below", "cone") for block in self._blocks if block[3] == kind]
        cones: list[object] = []
        stacked = np.zeros((sum(len(right) for _, _, right, _ in ordered), width))
        right_side, spans, start = np.zeros(len(stacked)), list[tuple[str, slice]](), 0
        for name, parts, right, kind in ordered:
            span = slice(start, start + len(right))
            for column, matrix in parts:
                stacked[span, column : column + matrix.shape[1]] += matrix
            right_side[span] = right
            make = {"equal": clarabel.ZeroConeT, "below": clarabel.NonnegativeConeT, "cone": clarabel.SecondOrderConeT}[kind]
            cones.append(make(len(right)))
            spans.append((name, span))
            start = span.stop
        linear = np.concatenate([np.zeros(n), self.cost, np.zeros(self._extra)])
        program = Canonical(sparse.csc_array((width, width)), linear, sparse.csc_array(stacked), right_side, cones)
        answer = run_clarabel(program, _OPTIONS)
        point, duals = np.array(answer.x), np.array(answer.z)
        if str(answer.status) not in ("Solved", "AlmostSolved") or not np.isfinite(point).all():
            return None
        prices = dict.fromkeys(names, 0.0)
        for name, span in spans:
            if name:
                prices[name] = max(prices[name], float(np.abs(duals[span]).max(initial=0.0)))
        return _Solved(point[:n], np.maximum(point[n : n + self.gives], 0.0), prices)

    def _new(self, columns: int) -> int:
        first = self.names + self.gives + self._extra
        self._extra += columns
        return first

    def _sized(self, form: str, around: Array) -> int:
        """The columns that stand for |w - around|, entered on first use."""
        if form not in self._sizes:
            n = self.names
            self._sizes[form] = self._new(n)
            sizes = [(self._sizes[form], -np.eye(n))]
            self.below("", np.eye(n), around, None, sizes)
            self.below("", -np.eye(n), -around, None, sizes)
        return self._sizes[form]


def conflict_sentence(conflict: Conflict) -> str:
    """What cannot hold together, and what each alone would have to become, in words with numbers (fractions of nav)."""
    told = _told(conflict.parties)
    helps = [f"{_name(p)} from {_number(p.bound)} to {_number(p.alone)}" for p in conflict.parties if p.alone is not None]
    helpless = [_name(p) for p in conflict.parties if p.alone is None]
    gives = f"Alone, {_listed(helps, 'or')} would do" if helps else "None of them alone can give enough"
    rest = f"; {_listed(helpless, 'or')} alone cannot." if helps and helpless else "."
    return f"These cannot hold together: {told}. {gives}{rest}"


def _told(parties: Sequence[Party]) -> str:
    """Budget and ban on shorts in words, limits of one kind and bound as one phrase."""
    phrases: list[str] = []
    grouped: dict[tuple[str, str], list[str]] = {}
    for party in parties:
        if party.name == BUDGET:
            phrases.append(f"budget (weights sum to {_number(party.bound)})")
        elif party.name == LONG_ONLY:
            phrases.append("long only (no weight below 0)")
        else:
            label, _, member = party.name.partition(":")
            grouped.setdefault((label, _number(party.bound)), []).append(member)
    for (label, bound), members in grouped.items():
        if len(members) == 1:
            phrases.append(f"{label}:{members[0]} <= {bound}" if members[0] else f"{label} <= {bound}")
        else:
            phrases.append(f"{label}: <= {bound} on each of {len(members)} ({', '.join(members)})")
    return "; ".join(phrases)


def _name(party: Party) -> str:
    return "the least weight" if party.name == LONG_ONLY else "the sum of weights" if party.name == BUDGET else party.name


def _number(value: float | None) -> str:
    return "" if value is None else f"{round(value, 9) + 0.0:.6g}"


def _listed(items: Sequence[str], word: str) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"
