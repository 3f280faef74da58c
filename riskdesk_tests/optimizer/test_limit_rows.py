from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.optimizer.limit_rows import AbsoluteTerms, Exposures, Row, exposures, limit_rows, settled_signs
from riskdesk_assets.optimizer.ticket_problem import TicketProblem
from riskdesk_tests.optimizer.random_desks import NAV, Shape, limit, random_problem


def arrays(problem: TicketProblem) -> Exposures:
    return exposures(
        symbols=problem.symbols,
        ticket_ids=problem.ticket_ids,
        legs=problem.legs,
        held=problem.held,
        fixed=problem.fixed,
        nav=problem.nav,
    )


def breached(rows: list[Row], pool: AbsoluteTerms, x: np.ndarray) -> set[str]:
    sizes = [abs(float(slope @ x) + offset) for slope, offset in zip(pool.slopes, pool.offsets, strict=True)]
    values = ((row, float(row.slope @ x) + sum(w * sizes[t] for t, w in row.weights.items())) for row in rows)
    return {row.name for row, value in values if value > row.bound + 1e-12}


@pytest.mark.parametrize("seed", range(25))
def test_a_row_is_breached_exactly_where_its_limit_is(seed: int) -> None:
    problem = random_problem(seed, Shape(6, 8, 3), 0.4, facts=True)
    pool = AbsoluteTerms()
    rows = limit_rows(problem.limits, arrays(problem), NAV, 0.0, pool)
    rng = np.random.default_rng(seed)
    for x in (*rng.uniform(0, 1, (30, 6)), np.zeros(6), np.ones(6)):
        share = dict(zip(problem.ticket_ids, map(float, x), strict=True))
        legs = [*(leg._replace(notional=leg.notional * share[leg.ticket_id]) for leg in problem.legs), *problem.fixed]
        over = {item.name for item in problem.limits if item.measured(legs, problem.held) > item.bound / 10_000 + 1e-6}
        assert breached(rows, pool, x) == over


def test_a_limit_no_x_can_reach_gives_no_row() -> None:
    problem = random_problem(3, Shape(4, 6, 2), facts=True)
    wide = [replace(item, bound=10**15) for item in problem.limits]
    assert limit_rows(wide, arrays(problem), NAV, 0.0, AbsoluteTerms()) == []


def test_names_of_one_sign_need_no_absolute_value() -> None:
    legs = (Leg("T0", "A", 100.0), Leg("T0", "B", -100.0))
    book = exposures(symbols=("A", "B"), ticket_ids=("T0",), legs=legs, held=(), fixed=(), nav=1000.0)
    pool = AbsoluteTerms()
    (row,) = limit_rows([limit("gross", Measure.GROSS, ("A", "B"), 150.0)], book, 1000.0, 0.0, pool)
    assert pool.slopes == []
    assert (row.slope.tolist(), row.bound) == ([0.2], 0.15)


def test_the_margin_never_asks_for_less_than_the_frozen_legs_use() -> None:
    legs = (Leg("T0", "A", 500.0), Leg("T0", "B", -500.0))
    frozen = (Leg("F", "A", 400.0),)
    book = exposures(symbols=("A", "B"), ticket_ids=("T0",), legs=legs, held=frozen, fixed=frozen, nav=1000.0)
    limits: list[Limit] = [limit("name_gross:A", Measure.NAME_GROSS, ("A",), 400.0)]
    (row,) = limit_rows(limits, book, 1000.0, 0.01, AbsoluteTerms())
    assert row.bound == 0.0


def test_an_exposure_is_two_rows_and_a_loss_is_one_with_the_frozen_legs_on_the_other_side() -> None:
    # x of A +500 and B -400, a frozen 100 of A; exposures 1.2 and 0.5: 1.2 (500 x + 100) - 0.5 x 400 x = 400 x + 120
    legs, frozen = (Leg("T0", "A", 500.0), Leg("T0", "B", -400.0)), (Leg("F", "A", 100.0),)
    book = exposures(symbols=("A", "B"), ticket_ids=("T0",), legs=legs, held=frozen, fixed=frozen, nav=1000.0)
    factor = Limit(
        "factor:f", Family.FACTOR, Measure.EXPOSURE, ("A", "B"), 3_000_000, "test", coefficients=((1_200_000, 500_000),)
    )
    (row,) = limit_rows([factor], book, 1000.0, 0.0, AbsoluteTerms())  # the other side is out of reach
    assert (row.name, row.slope.tolist(), row.bound) == ("factor:f", pytest.approx([0.4]), pytest.approx(0.3 - 0.12))
    # shocks of -10% and -40%: -(-0.1 (500 x + 100) + 0.4 x 400 x) = -110 x + 10, which is worst without the ticket
    hedged = Limit("loss", Family.SCENARIO_LOSS, Measure.LOSS, ("A", "B"), 50_000, "test", coefficients=((-100_000, -400_000),))
    (row,) = limit_rows([hedged], book, 1000.0, 0.0, AbsoluteTerms())
    assert (row.slope.tolist(), row.bound) == (pytest.approx([-0.11]), pytest.approx(0.005 - 0.01))
    # with the shocks the other way round the ticket earns: nothing bounds that
    earned = Limit("gain", Family.SCENARIO_LOSS, Measure.LOSS, ("A",), 50_000, "test", coefficients=((100_000,),))
    assert limit_rows([earned], book, 1000.0, 0.0, AbsoluteTerms()) == []


def test_the_margin_of_an_exposure_stops_at_what_the_frozen_legs_use() -> None:
    legs, frozen = (Leg("T0", "A", 500.0), Leg("T0", "B", -500.0)), (Leg("F", "A", 400.0),)
    book = exposures(symbols=("A", "B"), ticket_ids=("T0",), legs=legs, held=frozen, fixed=frozen, nav=1000.0)
    full = Limit("factor:f", Family.FACTOR, Measure.EXPOSURE, ("A",), 4_000_000, "test", coefficients=((1_000_000,),))
    (row,) = limit_rows([full], book, 1000.0, 0.01, AbsoluteTerms())
    assert row.bound == 0.0
    (row,) = limit_rows([replace(full, bound=5_000_000)], book, 1000.0, 0.01, AbsoluteTerms())
    assert row.bound == pytest.approx(0.5 - 0.01 - 0.4)


def span(slope: np.ndarray, offset: float) -> tuple[float, float]:
    """The least and the most of slope'x + offset for x in [0, 1], summed in the order of the tickets."""
    down, up = 0.0, 0.0
    for value in slope.tolist():
        down, up = down + min(value, 0.0), up + max(value, 0.0)
    return offset + down, offset + up


def plain_rows(limits: tuple[Limit, ...], book: Exposures, margin: float) -> list[tuple[object, ...]]:
    """Each limit's rows by its definition, one name after the other: (name, slope, {(slope, offset): weight}, bound)."""
    place = {symbol: i for i, symbol in enumerate(book.symbols)}
    none = np.zeros(len(book.tickets))
    rows: list[tuple[object, ...]] = []

    def row(name: str, slope: np.ndarray, terms: dict[tuple[object, ...], float], bound: float) -> None:
        most = span(slope, 0.0)[1]
        for (line, offset), weight in terms.items():
            most += weight * max(map(abs, span(np.array(line), offset)))
        if most > bound:
            rows.append((name, slope.tolist(), terms, bound))

    for item in limits:
        bound = item.bound / 10_000 / NAV

        def tightened(alone: float, bound: float = bound) -> float:
            return max(bound - margin, min(bound, alone))

        held = [place[symbol] for symbol in item.members if symbol in place]
        if item.measure is Measure.NAME_GROSS:
            alone = sum(float(book.fixed_size[i]) for i in held)
            row(item.name, sum((book.size[i] for i in held), none), {}, tightened(alone) - alone)
        elif item.measure is Measure.NET:
            alone, slope = sum(float(book.fixed_net[i]) for i in held), book.net[held].sum(axis=0)
            row(item.name, slope, {}, tightened(abs(alone)) - alone)
            row(item.name, -slope, {}, tightened(abs(alone)) + alone)
        elif item.measure is Measure.GROSS:
            slope, const, terms = none, 0.0, {}
            for i in held:
                offset = float(book.fixed_net[i])
                low, high = span(book.net[i], offset)
                if low >= 0 or high <= 0:
                    sign = 1.0 if low >= 0 else -1.0
                    slope, const = slope + sign * book.net[i], const + sign * offset
                else:
                    terms[tuple(book.net[i].tolist()), offset] = 1.0
            row(item.name, slope, terms, tightened(sum(abs(float(book.fixed_net[i])) for i in held)) - const)
        elif item.measure in (Measure.EXPOSURE, Measure.LOSS):
            weights = [whole / 1_000_000 for whole in item.coefficients[0]]
            alone = sum(weight * float(book.fixed_net[i]) for weight, i in zip(weights, held, strict=True))
            slope = sum((weight * book.net[i] for weight, i in zip(weights, held, strict=True)), none)
            if item.measure is Measure.EXPOSURE:
                row(item.name, slope, {}, tightened(abs(alone)) - alone)
                row(item.name, -slope, {}, tightened(abs(alone)) + alone)
            else:
                row(item.name, -slope, {}, tightened(max(0.0, -alone)) + alone)
        elif item.measure is Measure.BUCKET_GROSS:
            inside = np.array([ticket_id in item.members for ticket_id in book.tickets])
            alone = sum(amount for ticket_id, amount in book.fixed_gross.items() if ticket_id in item.members)
            row(item.name, np.where(inside, book.gross, 0.0), {}, tightened(alone) - alone)
    return rows


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(2, 14), st.sampled_from([0.3, 0.7, 1.0]), st.booleans())
@settings(max_examples=60)
def test_rows_are_those_of_each_limits_definition_to_the_bit(
    seed: int, tickets: int, count: int, tight: float, frozen: bool
) -> None:
    problem = random_problem(seed, Shape(tickets, count, 3), tight, facts=True, buckets=True)
    if frozen:
        first, second = problem.symbols[0], problem.symbols[-1]
        problem = replace(problem, fixed=(Leg("frozen", first, 30_000.0), Leg("frozen", second, -29_000.0)))
    # Turnover is told from what is held, by another formula: the other tests measure it.
    limits = tuple(item for item in problem.limits if item.measure is not Measure.ADDITIONS)
    pool = AbsoluteTerms()
    book = arrays(problem)
    rows = limit_rows(limits, book, NAV, 1e-6, pool)
    terms = [(tuple(slope.tolist()), offset) for slope, offset in zip(pool.slopes, pool.offsets, strict=True)]
    found = [(row.name, row.slope.tolist(), {terms[t]: w for t, w in row.weights.items()}, row.bound) for row in rows]
    assert found == plain_rows(limits, book, 1e-6)


@given(st.integers(1, 9), st.integers(1, 9), st.data())
@settings(max_examples=80)
def test_a_sign_is_settled_where_a_sum_ticket_by_ticket_says_so(names_count: int, tickets: int, data: st.DataObject) -> None:
    # Tenths do not sum exactly: what cancels does so only in the order of the tickets.
    tenths = st.integers(-3, 3).map(lambda whole: whole / 10)
    slopes = data.draw(numpy_arrays(np.float64, (names_count, tickets), elements=tenths))
    kind = data.draw(st.lists(st.sampled_from(["least", "most", "other"]), min_size=names_count, max_size=names_count))
    spans = [span(slope, 0.0) for slope in slopes]
    offsets = np.array([{"least": -low, "most": -high, "other": 0.1}[k] for k, (low, high) in zip(kind, spans, strict=True)])
    expected = []
    for slope, offset in zip(slopes, offsets.tolist(), strict=True):
        low, high = span(slope, offset)
        expected.append(1.0 if low >= 0 else -1.0 if high <= 0 else 0.0)
    assert settled_signs(slopes, offsets).tolist() == expected
