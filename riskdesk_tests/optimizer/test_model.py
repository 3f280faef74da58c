"""The ticket problem's programs: what is made from a larger one is what CVXPY makes of the shape itself."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from riskdesk_assets.optimizer.compiled import Canonical, compile_program
from riskdesk_assets.optimizer.model import _compiled, _modelled, _Shape, _template


def numbers(program: Canonical) -> list[object]:
    columns = [[*matrix.data, *matrix.indices, *matrix.indptr, *matrix.shape] for matrix in (program.quadratic, program.matrix)]
    return [*columns, program.linear.tolist(), program.right.tolist(), [str(cone) for cone in program.cones]]


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(("tickets", "rows", "terms"), [(1, 8, 8), (5, 16, 24), (8, 32, 32), (9, 40, 8)])
def test_a_program_made_from_a_larger_one_is_cvxpys_own_to_the_bit(tickets: int, rows: int, terms: int, norm: bool) -> None:
    shape = _Shape(tickets, rows, terms, norm)
    made, model = _compiled(shape), _modelled(shape)
    own = compile_program(model.problem)
    rng = np.random.default_rng(tickets)
    values = rng.normal(size=model.given.shape) * (rng.random(model.given.shape) < 0.8)
    from_larger, itself = made.program.canonical({made.model.given: values}), own.canonical({model.given: values})
    assert numbers(from_larger[0]) == numbers(itself[0])
    assert from_larger[1] == itself[1]
    answers = made.program.solve({made.model.given: values}), own.solve({model.given: values})
    assert (answers[0].status, answers[0].iterations) == (answers[1].status, answers[1].iterations)
    for name, rule in model.rules.items():
        pair = answers[0].dual(made.model.rules[name]), answers[1].dual(rule)
        assert np.asarray(pair[0]).tobytes() == np.asarray(pair[1]).tobytes()
    for name, variable in model.variables.items():
        given = answers[0].value(made.model.variables[name]), answers[1].value(variable)
        assert np.asarray(given[0]).tobytes() == np.asarray(given[1]).tobytes()


def test_days_of_many_shapes_need_one_program_of_cvxpys() -> None:
    _template.cache_clear()
    _compiled.cache_clear()
    for tickets in range(1, 9):
        for rows in (8, 16, 24):
            for terms in (8, 16):
                _compiled(_Shape(tickets, rows, terms, norm=False))
    assert (_template.cache_info().misses, _compiled.cache_info().misses) == (1, 48)


def test_a_program_cannot_be_made_smaller_than_what_its_coefficients_need() -> None:
    template = _template(_Shape(8, 32, 32, norm=False))
    entries = _Shape(8, 32, 32, norm=False).entries()
    sizes = {item.id: entries[name] for name, item in {**template.model.variables, **template.model.rules}.items()}
    with pytest.raises(ValueError, match="needs a parameter that is not"):
        template.program.smaller(np.arange(template.model.given.shape[0] - 1), sizes, 8)
    x, a = cp.Variable(2), cp.Parameter(2)
    sums = compile_program(cp.Problem(cp.Minimize(cp.sum(x)), [x[0] + x[1] >= a[0] + a[1], x <= 1]))
    with pytest.raises(ValueError, match="coefficients are no sums"):
        sums.smaller(np.arange(2), {}, 0)
