from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from riskdesk_assets.limits.limit import Family, Leg, Limit, Measure
from riskdesk_assets.optimizer.limit_rows import AbsoluteTerms, Exposures, Row, exposures, limit_rows
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
        legs = [*(replace(leg, notional=leg.notional * share[leg.ticket_id]) for leg in problem.legs), *problem.fixed]
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
