"""Roots of functions, differentiated by the implicit function theorem.

Where ``residual(x, *args)`` is zero, x is a function of everything that the residual uses: its derivative is
``-J^-1 dr`` with J the Jacobian by x and dr what the residual itself changes by. So it does not matter how x was found.
The derivative is computed at x, and is as accurate as x. Its rule consists of operations with derivatives, so
there are derivatives of all orders.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..core.context import USUAL, context, no_grad, run_in
from ..core.door import Watched, batch_of, bind, plain, snapshot, unwrap
from ..core.primitive import Primitive
from ..core.recorder import refuse_recording
from ..core.tree import is_branch, leaves, rebuild
from ..core.values import as_numbers
from ..errors import BatchError, NoRuleError, SolverError
from .arguments import zeros_like
from .closed import Closed
from .jacobian import by_rows
from .krylov import cg, gmres

DENSE_UP_TO = 1000  # unknowns: then a matrix takes 8 MB, and solving with it less than what it takes to make it
LINEAR = ("auto", "dense", "cg", "gmres")


class Flat:
    """How a tree of floating arrays lies in one vector."""

    def __init__(self, tree: Any, what: str) -> None:
        given: list[Any] = [x if isinstance(x, Watched) else as_numbers(x) for x in leaves(tree)]
        self.form = rebuild(tree, [0.0] * len(given))  # which keeps none of the arrays
        self.shapes = [x.shape for x in given]
        self.dtypes = [x.dtype if x.dtype.kind == "f" else np.dtype(float) for x in given]
        self.size = sum(x.size for x in given)
        self.plain = not is_branch(tree) and self.shapes == [(self.size,)] and self.dtypes == [np.float64]
        if not self.size:
            raise ValueError(f"{what} is an array, or a tree of arrays, with at least one number; got {tree!r:.60}")

    def tree(self, vector: Any) -> Any:
        """The tree of the numbers of a vector."""
        if self.plain:
            return vector
        parts, start = [], 0
        for shape, dtype in zip(self.shapes, self.dtypes, strict=True):
            size = int(np.prod(shape))
            part = vector if size == self.size else vector[start : start + size]
            part = part if part.shape == shape else np.reshape(part, shape)
            parts.append(part if part.dtype == dtype else part.astype(dtype))
            start += size
        return rebuild(self.form, parts)


def vector_of(tree: Any) -> Any:
    """The numbers of a tree of arrays, along one axis."""
    if getattr(tree, "ndim", 0) == 1 and hasattr(tree, "__array_function__"):
        return tree
    parts = [np.reshape(x if hasattr(x, "__array_function__") else as_numbers(x), -1) for x in leaves(tree)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def custom_root(
    residual: Callable[..., Any], linear: str = "auto", rtol: float = 1e-12
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that makes a solver differentiable: a function whose result is a root of `residual`.

    Parameters
    ----------
    residual : callable
        ``residual(x, *args)`` is zero where x is what the solver returns for the arguments `args`. It has as many
        numbers as x. Arrays that it uses from outside get derivatives as well.
    linear : {"auto", "dense", "cg", "gmres"}
        How the linear system of the derivative is solved: by its matrix, of as many rows as x has numbers; by
        conjugate gradients, if the Jacobian of the residual by x is symmetric and definite, as a Hessian is; or by
        GMRES; these two by products alone. "auto" is "dense" up to 1,000 numbers, and "gmres" beyond.
    rtol : float > 0
        How far "cg" and "gmres" reduce the residual of the linear system, relative to its right side.

    Returns
    -------
    callable
        Takes a solver and returns one with derivatives. The solver takes positional arguments, trees of arrays, and
        options by keyword, and is called on plain arrays; it returns an array or a tree of arrays.

    Raises
    ------
    ValueError
        At a call, if the residual and x have different numbers of elements.
    SolverError
        In the derivative, if the Jacobian at the root is singular, or the linear system is not solved to `rtol`.

    References
    ----------
    Blondel et al., Efficient and modular implicit differentiation, NeurIPS 2022 (arXiv:2105.15183).

    Examples
    --------
    >>> @mg.custom_root(lambda x, a: x**2 - a)
    ... def root(a):
    ...     return np.sqrt(a)
    """
    check_callable("custom_root", "residual(x, *args)", residual)
    if linear not in LINEAR:
        raise ValueError(f"linear is one of {', '.join(LINEAR)}; got {linear!r}")

    def decorate(solver: Callable[..., Any]) -> Callable[..., Any]:
        check_callable("custom_root(residual)", "solver(*args)", solver)

        @wraps(solver)
        def solve(*args: Any, **kwargs: Any) -> Any:
            check_options(solver, kwargs)
            given = [snapshot(x) for x in leaves(args)]
            flats: list[Flat] = []

            def with_arrays(arrays: Sequence[Any]) -> Any:
                remaining = iter(arrays)
                return rebuild(args, [next(remaining) if isinstance(x, Watched) else x for x in given])

            def solved(*arrays: Any) -> Any:
                tree = solver(*with_arrays(arrays), **kwargs)
                flats[:] = [Flat(tree, f"what {solver.__name__} returns")]
                return vector_of(tree)

            def remainder(x: Any, *arrays: Any) -> Any:
                return vector_of(residual(flats[0].tree(x), *with_arrays(arrays)))

            inputs = [x for x in given if isinstance(x, Watched)]
            root = implicit(remainder, solved, inputs, name=solver.__name__, linear=linear, rtol=rtol)
            return flats[0].tree(root)

        return solve

    return decorate


def check_callable(taker: str, form: str, f: Any) -> None:
    """Refuse what is no function."""
    if not callable(f):
        raise TypeError(f"{taker} takes a function {form}; got {type(f).__name__} {f!r:.60}")


def check_options(solver: Callable[..., Any], kwargs: Any) -> None:
    """Refuse options that a derivative flows to."""
    for name, option in kwargs.items():
        if any(isinstance(x, Watched) and x.flows() for x in leaves(option)):
            raise NoRuleError(
                f"{solver.__name__} is differentiated by its positional arguments, and {name}= is an array to which a "
                f"derivative flows. Pass it by position, or detached, as x.detach()"
            )


def implicit(
    residual: Callable[..., Any],
    solve: Callable[..., Any],
    inputs: Sequence[Any] = (),
    name: str = "root",
    linear: str = "auto",
    rtol: float = 1e-12,
    start: Any = None,
) -> Any:
    """The root of ``residual(x, *inputs)`` that ``solve(*inputs)`` finds: vectors, and a function that need know none.

    In a batch, whose entries are solved one by one, `start` is where to look for arrays that the residual uses.
    """
    refuse_recording(f"calls {name}, a solver in Python", "Call it outside of the compiled function")
    values = [plain(x) for x in inputs]
    value: Any = None if batch_of(*values) else at_once(solve, values)
    where = start if value is None else value
    if where is None:  # entries of a batch, which are solved one by one; at first without what is used from outside
        where = bind(without_rules(solve), (values,))
    closed = Closed(residual, where, *inputs)
    if closed.result.shape != where.shape:
        raise ValueError(
            f"a residual has as many numbers as there are unknowns, {where.size}; that of {name} has "
            f"{closed.result.size}"
        )
    return bind(Root(closed, solve, value, name, linear, rtol).primitive(), ([*inputs, *closed.outer],))


def at_once(solve: Callable[..., Any], values: Sequence[Any], apart: bool = False) -> Any:
    """What a solver finds for plain arrays; None if arrays that it uses from outside are entries of a batch.

    `apart`, if it uses none of any transformation that runs, so that it need know nothing of them.
    """
    here = context.get()
    try:
        if apart and here.ambient is None:
            return number(run_in(USUAL, solve, *values)).copy()
        with no_grad():
            return number(solve(*values)).copy()  # the solver may keep its own
    except BatchError:
        if not here.batches:
            raise
        return None


def number(x: Any) -> np.ndarray:
    """A plain array, such as a solver goes on with; raises BatchError for an entry of a batch."""
    x = plain(x)
    if isinstance(x, Watched):
        raise BatchError("a solver needs numbers, and it uses entries of a batch from outside. Pass them as arguments")
    return np.asarray(x)


def without_rules(solve: Callable[..., Any]) -> Primitive:
    """A function of a list of arrays, of entries of a batch for one after the other."""
    return Primitive(lambda arrays: number(solve(*arrays)), [None], "general", [None], sequence=True)


class Root:
    """A root as a function of a list of arrays: what the solver is given, and what the residual uses from outside."""

    def __init__(
        self, closed: Closed, solve: Callable[..., Any], value: Any, name: str, linear: str, rtol: float
    ) -> None:
        self.closed, self.solve, self.value, self.name, self.rtol = closed, solve, value, name, rtol
        self.linear = linear

    def primitive(self) -> Primitive:
        """The function and its rules."""

        def root(arrays: Sequence[Any]) -> Any:
            if self.value is not None:  # found already, which would otherwise stay as long as the graph
                value, self.value = self.value, None
                return value
            return number(self.closed.plainly(self.solve, arrays, self.closed.count - 1))

        root.__name__ = self.name
        return Primitive(root, [self.rule], "general", [self.forward], sequence=True)

    def rule(self, g: Any, y: Any, arrays: Sequence[Any]) -> list[Any]:
        """The cotangents of all arrays: the residual's, of -J^-T g."""
        r, pull = self.closed.pulled([y, *arrays])
        if self.is_dense(y):
            v = self.solved(jacobian_of(pull, r, y).mT, g)
        else:
            v = self.approximated(lambda v: pull(v)[0], g)
        return [zeros_like(x) if c is None else c for x, c in zip(arrays, pull(-v)[1:], strict=True)]

    def forward(self, tangents: Sequence[Any], y: Any, arrays: Sequence[Any]) -> Any:
        """The tangent of the root: -J^-1 times the residual's."""
        _, t = self.closed.pushed([y, *arrays], [None, *tangents])
        if self.is_dense(y):
            r, pull = self.closed.pulled([y, *arrays])
            return -self.solved(jacobian_of(pull, r, y), t)
        fixed = [None] * len(arrays)
        return -self.approximated(lambda v: self.closed.pushed([y, *arrays], [v, *fixed])[1], t)

    def is_dense(self, y: Any) -> bool:
        """Whether to make the matrix of the linear system."""
        return self.linear == "dense" or (self.linear == "auto" and y.size <= DENSE_UP_TO)

    def solved(self, matrix: Any, b: Any) -> Any:
        """The solution of a linear system."""
        if not np.all(np.linalg.cond(unwrap(matrix), 1) < 1 / np.finfo(matrix.dtype).eps):
            raise SolverError(
                f"{self.name} has no derivative here: the Jacobian of its residual by the {len(b)} unknowns is "
                f"singular at the root, so the root is not unique, or moves infinitely fast"
            )
        return np.linalg.solve(matrix, b)

    def approximated(self, product: Callable[[Any], Any], b: Any) -> Any:
        """The solution of a linear system that is known by its products, itself the root of a linear residual."""
        iterate = cg if self.linear == "cg" else gmres

        def plainly(b: Any) -> Any:
            return iterate(lambda v: number(product(v)), b, self.rtol, self.name)

        return implicit(
            *(lambda v, b: product(v) - b, plainly, [b], f"the derivative of {self.name}", self.linear, self.rtol, b)
        )


def jacobian_of(pull: Callable[[Any], list[Any]], r: Any, y: Any) -> Any:
    """The matrix of all partial derivatives of a residual by the unknowns."""

    def by_unknowns(g: Any) -> list[Any]:
        part = pull(g)[0]
        return [zeros_like(y) if part is None else part]

    return by_rows(by_unknowns, [y], r, None)[0][0]
