"""A parametrized CVXPY problem compiled once and solved again and again by Clarabel.

    program = compile_program(problem)                  # once per shape
    solved = program.solve({parameter: values, ...})    # each day, every parameter given, always from a cold start
    solved.status                                       # CVXPY's word: "optimal", "infeasible", "optimal_inaccurate", ...
    solved.value(variable), solved.dual(constraint)     # arrays of CVXPY's shapes and signs; None where there is no point

The model stays CVXPY: the canonical program is its own, and what is kept of it is the linear map from parameters to the
canonical coefficients

    minimize 1/2 v'P v + q'v  subject to  A v + s = b, s in the cones     (P, q, A, b) = map (parameters, 1)

so that a new day costs one product before the solver starts. Coefficients that are zero on the day are left out of the
matrices. Nothing of one solve reaches the next: the solver object is new each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from types import SimpleNamespace
from typing import cast

import numpy as np

from riskdesk_assets.optimizer.cvxpy_protocols import (
    ClarabelAnswer,
    Cone,
    Constraint,
    Leaf,
    LeafT,
    Problem,
    SolvingChain,
)
from riskdesk_assets.optimizer.sparse_columns import Array, Columns, LinearMap, Mask, Pattern, Places

# One thread, because a sum split over threads may round differently; a limit on iterations and none on time, because a time
# limit makes the answer depend on the machine.
_SETTINGS: Mapping[str, float | int | bool | str] = {
    "verbose": False,
    "max_threads": 1,
    "direct_solve_method": "qdldl",
    "max_iter": 200,
}
# Of CVXPY's ways to the canonical program the one that takes its time by the coefficients; CVXPY chooses it itself from a
# thousand parameters, and below that it is twice as fast as the other.
_BACKEND = "COO"
_SIGNS = ("nonneg", "pos", "nonpos", "neg")
_WITH_A_POINT = ("optimal", "optimal_inaccurate")


@dataclass(frozen=True)
class Canonical:
    """One day's canonical program, as Clarabel takes it: P (N, N) upper triangle, q (N,), A (M, N), b (M,), its cones."""

    quadratic: Columns
    linear: Array
    matrix: Columns
    right: Array
    cones: Sequence[object]


@dataclass(frozen=True)
class Solved:
    """What Clarabel said of one day. ``objective`` is the problem's own, NaN where there is no point."""

    status: str
    objective: float
    iterations: int
    _point: Array | None
    _prices: Array | None
    _program: CompiledProgram

    def value(self, variable: Leaf) -> Array | None:
        """The variable's value in its own shape; None where the solver gave no finite point."""
        return None if self._point is None else self._program.value(self._point, variable)

    def dual(self, constraint: Constraint) -> Array | None:
        """The constraint's dual value with CVXPY's sign, in its own shape; also of an infeasible program, if it is finite.

        A second-order cone's is one vector: the bound's dual, then the vector's.
        """
        return None if self._prices is None else _read(self._prices, self._program._constraints, constraint)


@dataclass(frozen=True)
class _Place:
    """Where an array stands in the solver's vector: ``signs * vector[entries]``, in column order."""

    entries: Places
    signs: Array
    shape: tuple[int, ...]

    def part(self, kept: Mask) -> _Place:
        """The place in a vector of which only these entries are kept; of a matrix all or nothing."""
        inside = kept[self.entries]
        shape = self.shape if inside.all() else (int(inside.sum()),)
        return _Place((np.cumsum(kept) - 1)[self.entries[inside]], self.signs[inside], shape)


@dataclass(frozen=True)
class _Slot:
    """A parameter's place in the flat vector; ``sign`` is the one it was declared with, 0 for none."""

    id: int
    start: int
    shape: tuple[int, ...]
    sign: int


@dataclass(frozen=True)
class CompiledProgram:
    """A CVXPY problem whose canonicalization is done; see ``compile_program``."""

    _parameters: Sequence[_Slot]
    _size: int
    _map: LinearMap  # A's and b's numbers, then q and the constant, then P's numbers
    _matrix: Pattern
    _quadratic: Pattern
    _right: Places
    _right_values: Places
    _matrix_values: int
    _cones: Sequence[object]
    _maximize: bool
    _statuses: Mapping[str, str]
    _variables: Mapping[int, _Place] = field(default_factory=dict)
    _constraints: Mapping[int, _Place] = field(default_factory=dict)

    def canonical(self, values: Mapping[LeafT, Array | float]) -> tuple[Canonical, float]:
        """The day's canonical program and its objective's constant.

        Args:
            values: every parameter of the problem to its value, of its own shape.

        Raises:
            ValueError: a parameter is missing, is of another shape or is not finite.
        """
        numbers = self._map.times(self._stacked(values))
        rows, columns = self._matrix.shape
        right = np.zeros(rows)
        right[self._right] = numbers[self._right_values]
        last = len(numbers) - len(self._quadratic.indices)
        linear = numbers[last - columns - 1 : last]
        program = Canonical(
            self._quadratic.filled(numbers[last:]),
            linear[:-1],
            self._matrix.filled(-numbers[: self._matrix_values]),
            right,
            self._cones,
        )
        return program, float(linear[-1])

    def solve(self, values: Mapping[LeafT, Array | float], options: Mapping[str, float | int | bool] | None = None) -> Solved:
        """Solve for one day, cold.

        Args:
            values: every parameter of the problem to its value, of its own shape.
            options: Clarabel's settings by name, over one thread, 200 iterations and no limit on time.

        Raises:
            ValueError: a parameter is missing, is of another shape or is not finite.
        """
        program, constant = self.canonical(values)
        answer = run_clarabel(program, options or {})
        status = self._statuses.get(str(answer.status), "solver_error")
        point, prices = np.array(answer.x), np.array(answer.z)
        found = status in _WITH_A_POINT and bool(np.isfinite(point).all())
        objective = float(answer.obj_val) + constant
        return Solved(
            status=status,
            objective=(-objective if self._maximize else objective) if found else float("nan"),
            iterations=int(answer.iterations),
            _point=point if found else None,
            _prices=prices if np.isfinite(prices).all() else None,
            _program=self,
        )

    def smaller(self, parameter: Places, sizes: Mapping[int, int], others: int) -> CompiledProgram:
        """The program of the same problem with fewer rows, terms or variables, without canonicalizing it.

        Args:
            parameter: which entries of the problem's one parameter there still are, rising.
            sizes: id of each variable and constraint to how many of its entries there still are, the first ones.
            others: how many there still are of the columns, and of the rows, that canonicalization added.

        Raises:
            ValueError: what is left needs a parameter that is not, or the problem is none this can be done with.
        """
        if len(self._parameters) != 1 or self._map.matrix is not None:
            raise ValueError("only a problem of one parameter whose coefficients are no sums can be made smaller")
        (slot,) = self._parameters
        columns = _left(self._variables, sizes, others, self._matrix.shape[1])
        rows = _left(self._constraints, sizes, others, self._matrix.shape[0])
        matrix, in_matrix = self._matrix.part(rows, columns)
        quadratic, in_quadratic = self._quadratic.part(columns, columns)
        in_right = rows[self._right]
        chosen = np.concatenate([in_matrix, in_right, columns, [True], in_quadratic])
        places, factors = self._map.places[chosen], self._map.factors[chosen]
        kept = np.append(parameter, self._size)  # the last number of the vector is 1
        renumbered = np.searchsorted(kept, places)
        if (kept[np.minimum(renumbered, len(parameter))] != places)[factors != 0].any():
            raise ValueError("what is left of the problem needs a parameter that is not")
        renumbered[factors == 0] = 0
        edge = len(matrix.indices)
        return CompiledProgram(
            _parameters=[_Slot(slot.id, 0, (len(parameter),), slot.sign)],
            _size=len(parameter),
            _map=LinearMap(None, renumbered, factors),
            _matrix=matrix,
            _quadratic=quadratic,
            _right=(np.cumsum(rows) - 1)[self._right[in_right]],
            _right_values=np.arange(edge, edge + int(in_right.sum())),
            _matrix_values=edge,
            _cones=_smaller_cones(self._cones, rows),
            _maximize=self._maximize,
            _statuses=self._statuses,
            _variables={number: place.part(columns) for number, place in self._variables.items()},
            _constraints={number: place.part(rows) for number, place in self._constraints.items()},
        )

    def value(self, point: Array, variable: Leaf) -> Array:
        """The variable's value in its own shape, out of the canonical program's solution v (N,)."""
        return _read(point, self._variables, variable)

    def _stacked(self, values: Mapping[LeafT, Array | float]) -> Array:
        by_id = {parameter.id: value for parameter, value in values.items()}
        vector = np.zeros(self._size + 1)
        vector[-1] = 1.0
        for slot in self._parameters:
            if slot.id not in by_id:
                raise ValueError(f"a parameter of shape {slot.shape} was given no value")
            value = np.asarray(by_id[slot.id], dtype=np.float64)
            if value.shape != slot.shape:
                raise ValueError(f"a parameter of shape {slot.shape} was given a value of shape {value.shape}")
            # Convexity rests on the declared sign: against it the answer would be wrong without a word.
            if slot.sign and (slot.sign * value < 0).any():
                raise ValueError(f"a parameter of shape {slot.shape} was given a value against its declared sign")
            vector[slot.start : slot.start + value.size] = value.ravel(order="F")
        if not np.isfinite(vector).all():
            raise ValueError("a parameter is not a finite number")
        return vector


def run_clarabel(program: Canonical, options: Mapping[str, float | int | bool]) -> ClarabelAnswer:
    """Clarabel on a canonical program: a new solver on one thread, with no limit on time."""
    import clarabel

    settings = clarabel.DefaultSettings()
    for name, value in {**_SETTINGS, **options}.items():
        setattr(settings, name, value)
    linear, right = program.linear.tolist(), program.right.tolist()
    solver = clarabel.DefaultSolver(program.quadratic, linear, program.matrix, right, program.cones, settings)
    answer: ClarabelAnswer = solver.solve()
    return answer


def compile_program(problem: Problem) -> CompiledProgram:
    """Canonicalize a DPP problem for Clarabel; its parameters need no values yet.

    Args:
        problem: a CVXPY problem. Its variables have no attributes (bounds are constraints, so that they have duals), its
            parameters none but a sign.

    Raises:
        ValueError: the problem is no disciplined parametrized program, or a variable or parameter has another attribute.
    """
    from cvxpy.error import DPPError
    from cvxpy.reductions.solvers.conic_solvers.clarabel_conif import CLARABEL, dims_to_solver_cones
    from scipy import sparse

    cones_of: Callable[[object], Sequence[object]] = dims_to_solver_cones
    _give_values(problem)
    try:
        data, chain, inverse = problem.get_problem_data("CLARABEL", enforce_dpp=True, canon_backend=_BACKEND, solver_opts={})
    except DPPError as error:
        raise ValueError(f"the problem is not DPP and would be compiled anew every day: {error}") from error
    cone_program = data["param_prob"]
    kept = {parameter.id for parameter in cone_program.parameters}
    if kept != {parameter.id for parameter in problem.parameters()}:
        raise ValueError("every parameter must enter the problem, and have no attribute that changes its shape")
    cone_program.reduced_A.cache(True)
    reduced, (indices, starts, shape) = cone_program.reduced_A.reduced_mat, cone_program.reduced_A.problem_data_index
    edge = int(starts[-2])
    size = cone_program.x.size
    blocks = [sparse.csr_array(reduced), sparse.csr_array(cone_program.q)]
    quadratic = Pattern(np.zeros(0, dtype=np.int64), np.zeros(size + 1, dtype=np.int64), (size, size))
    if cone_program.P is not None:
        cone_program.reduced_P.cache(True)
        if cone_program.reduced_P.reduced_mat.shape[0]:
            upper, quadratic = _upper(cone_program.reduced_P.problem_data_index)
            blocks.append(sparse.csr_array(cone_program.reduced_P.reduced_mat)[upper])
    columns = {number: int(start) for number, start in cone_program.param_id_to_col.items()}
    variables, constraints = _places(problem, chain, inverse, size, int(shape[0]))
    return CompiledProgram(
        _parameters=[_Slot(p.id, columns[p.id], tuple(p.shape), p.is_nonneg() - p.is_nonpos()) for p in problem.parameters()],
        _size=cone_program.total_param_size,
        _map=LinearMap.of(sparse.vstack(blocks, format="csr")),
        _matrix=Pattern(indices[:edge].astype(np.int64), starts[:-1].astype(np.int64), (int(shape[0]), size)),
        _quadratic=quadratic,
        _right=indices[edge:].astype(np.int64),
        _right_values=np.arange(edge, len(indices)),
        _matrix_values=edge,
        _cones=cones_of(data["dims"]),
        _maximize=type(problem.objective).__name__ == "Maximize",
        _statuses=dict(CLARABEL.STATUS_MAP),
        _variables=variables,
        _constraints=constraints,
    )


def _read(vector: Array, places: Mapping[int, _Place], asked: Leaf | Constraint) -> Array:
    place = places.get(asked.id)
    if place is None:
        raise ValueError(f"{asked} is no part of the problem, or its dual is no single array")
    return (vector[place.entries] * place.signs).reshape(place.shape, order="F")


def _give_values(problem: Problem) -> None:
    """Canonicalization asks for values and keeps none of them: nothing stands for them, unless the caller set one."""
    for parameter in problem.parameters():
        unknown = [name for name, given in parameter.attributes.items() if given is not False and given is not None]
        if set(unknown) - set(_SIGNS):
            raise ValueError(f"a parameter may only have a sign as attribute, and has {unknown}")
        if parameter.value is None:
            parameter.value = np.full(parameter.shape, 1.0 if parameter.is_nonneg() else -1.0)


def _left(places: Mapping[int, _Place], sizes: Mapping[int, int], others: int, length: int) -> Mask:
    """Which entries of a vector are left: the first of each place, and the first of those that are in no place."""
    added, left = np.ones(length, dtype=np.bool_), np.zeros(length, dtype=np.bool_)
    for number, place in places.items():
        added[place.entries] = False
        left[place.entries[: sizes[number]]] = True
    left[np.flatnonzero(added)[:others]] = True
    return left


def _smaller_cones(cones: Sequence[object], rows: Mask) -> list[Cone]:
    """The cones of the rows that are left, in their order; each is one that its number of rows says all of."""
    left, start = list[Cone](), 0
    for cone in cast(Sequence[Cone], cones):
        left.append(type(cone)(int(rows[start : start + cone.dim].sum())))
        start += cone.dim
    return left


def _upper(index: tuple[Places, Places, tuple[int, int]]) -> tuple[Places, Pattern]:
    """Which entries of a symmetric matrix are its upper triangle, and the triangle's pattern."""
    rows, starts, (height, width) = index
    column = np.repeat(np.arange(width), np.diff(starts))
    kept = np.flatnonzero(rows <= column)
    counts = np.bincount(column[kept], minlength=width)
    pattern = Pattern(rows[kept].astype(np.int64), np.concatenate([[0], np.cumsum(counts)]), (int(height), int(width)))
    return kept, pattern


def _places(
    problem: Problem, chain: SolvingChain, inverse: object, size: int, height: int
) -> tuple[dict[int, _Place], dict[int, _Place]]:
    """Where variables and duals stand in the solver's vectors, read off CVXPY's own inversion.

    It is given numbered vectors: what comes back says which entry went where and with what sign. A second pair of vectors
    proves that nothing else is done to them.
    """
    numbered = _inverted(chain, inverse, np.arange(1.0, size + 1), np.arange(1.0, height + 1))
    rng = np.random.default_rng(0)
    other = rng.normal(size=size), rng.normal(size=height)
    checked = _inverted(chain, inverse, *other)
    found: list[dict[int, _Place]] = []
    leaves: Iterable[Sequence[Leaf | Constraint]] = (problem.variables(), problem.constraints)
    for said, again, vector, asked in zip(numbered, checked, other, leaves, strict=True):
        places = {}
        for item in asked:
            if not isinstance(said.get(item.id), int | float | np.ndarray):
                continue  # a cone constraint's dual is several arrays: nothing here reads one
            flat = np.asarray(said[item.id], dtype=np.float64).ravel(order="F")
            shape = tuple(item.shape) if prod(item.shape) == flat.size else (flat.size,)
            place = _Place(np.abs(flat).astype(np.int64) - 1, np.sign(flat), shape)
            if not np.array_equal(
                vector[place.entries] * place.signs, np.asarray(again[item.id], dtype=np.float64).ravel(order="F")
            ):
                raise ValueError(
                    f"{item} is changed after the solver: state a variable's bounds as constraints, which have duals"
                )
            places[item.id] = place
        found.append(places)
    return found[0], found[1]


def _inverted(chain: SolvingChain, inverse: object, point: Array, prices: Array) -> tuple[dict[int, object], dict[int, object]]:
    answer = SimpleNamespace(status="Solved", x=point, z=prices, obj_val=0.0, solve_time=0.0, iterations=0)
    solution = chain.invert(answer, inverse)
    return solution.primal_vars, solution.dual_vars
