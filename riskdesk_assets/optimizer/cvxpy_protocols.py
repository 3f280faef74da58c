"""What is used of CVXPY's and Clarabel's objects, as types: neither library says it, and importing one takes half a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol, TypedDict, TypeVar

from riskdesk_assets.optimizer.sparse_columns import Array, Places

if TYPE_CHECKING:
    from scipy import sparse


class Leaf(Protocol):
    """A CVXPY Variable or Parameter."""

    @property
    def id(self) -> int:
        """Its number in CVXPY."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""


LeafT = TypeVar("LeafT", bound=Leaf)


class Parameter(Leaf, Protocol):
    """A CVXPY Parameter."""

    value: Array | None
    attributes: Mapping[str, object]

    def is_nonneg(self) -> bool:
        """Whether it was declared not to be negative."""

    def is_nonpos(self) -> bool:
        """Whether it was declared not to be positive."""


class Constraint(Protocol):
    """A CVXPY constraint: an equality, an inequality of any convex expression, or one second-order cone."""

    @property
    def id(self) -> int:
        """Its number in CVXPY."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""


class Problem(Protocol):
    """A CVXPY Problem."""

    constraints: Sequence[Constraint]
    objective: object

    def parameters(self) -> Sequence[Parameter]:
        """Its parameters."""

    def variables(self) -> Sequence[Leaf]:
        """Its variables."""

    def get_problem_data(
        self, solver: str, *, enforce_dpp: bool, canon_backend: str, solver_opts: Mapping[str, object]
    ) -> tuple[ProblemData, SolvingChain, object]:
        """The canonical data for a solver, the chain of reductions and what inverts them."""


class ReducedMatrix(Protocol):
    """CVXPY's map from parameters to the numbers of one sparse matrix."""

    reduced_mat: sparse.csr_array
    problem_data_index: tuple[Places, Places, tuple[int, int]]

    def cache(self, keep_zeros: bool) -> None:
        """Prepare the map; ``keep_zeros``: with the places of coefficients that are zero."""


class Cone(Protocol):
    """A Clarabel cone that its number of rows says all of."""

    dim: int

    def __init__(self, dim: int) -> None: ...


class ConeProgram(Protocol):
    """CVXPY's parametrized cone program."""

    parameters: Sequence[Leaf]
    param_id_to_col: Mapping[int, int]
    total_param_size: int
    x: Sized
    q: sparse.csr_array
    P: sparse.csr_array | None
    reduced_A: ReducedMatrix  # noqa: N815 - CVXPY's name
    reduced_P: ReducedMatrix  # noqa: N815 - CVXPY's name


class Sized(Protocol):
    """The variables of a cone program, all in one vector."""

    size: int


class ProblemData(TypedDict):
    """What CVXPY hands to a solver's interface."""

    param_prob: ConeProgram
    dims: object


class Solution(Protocol):
    """Values and duals by the numbers of variables and constraints."""

    primal_vars: dict[int, object]
    dual_vars: dict[int, object]


class SolvingChain(Protocol):
    """CVXPY's reductions from a problem to a cone program."""

    def invert(self, solution: SimpleNamespace, inverse_data: object) -> Solution:
        """The problem's own solution, from the cone program's."""


class ClarabelAnswer(Protocol):
    """Clarabel's solution object."""

    status: object
    x: Sequence[float]
    z: Sequence[float]
    obj_val: float
    iterations: int
