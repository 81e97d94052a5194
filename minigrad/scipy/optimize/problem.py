"""A user's function as SciPy's solvers take one: of a vector, with plain numbers as its values and derivatives."""

from collections.abc import Callable
from functools import cached_property
from numbers import Number
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from ...compile import compile as compiled
from ...core.context import context
from ...core.door import Watched, plain
from ...core.tree import leaves, tree_map
from ...errors import SolverError
from ...transforms.forward import jvp
from ...transforms.implicit import Flat, implicit, number, vector_of
from ...transforms.jacobian import hvp, jacobian
from ...transforms.reverse import grad, value_and_grad


def as_tuple(args: Any) -> tuple[Any, ...]:
    """Further arguments of a function; a single one need not be in a tuple."""
    return args if isinstance(args, tuple) else (args,)


def refuse_own(name: str, **given: Any) -> None:
    """Refuse derivatives of the user's own."""
    for option, x in given.items():
        if x is not None:
            raise TypeError(f"{name} has {option}= from minigrad, which differentiates the function. Leave it out")


class Problem:
    """A function of a tree of arrays as one of a vector, and its derivatives, for SciPy.

    Parameters
    ----------
    function : callable
        ``function(x, *args)``, with the structure and the dtypes of `x0`.
    x0
        An array, or a tree of arrays; a list of numbers is an array. Nothing is differentiated by it.
    backend : str, optional
        What SciPy calls is compiled, for this backend.
    """

    def __init__(self, function: Callable[..., Any], x0: Any, args: Any = (), backend: str | None = None) -> None:
        self.args, self.backend = as_tuple(args), backend
        x0 = tree_map(plain, x0)
        if isinstance(x0, list | tuple) and all(isinstance(x, Number) for x in leaves(x0)):  # SciPy's users' arrays
            x0 = np.asarray(x0)
        self.flat = Flat(x0, "x0")
        start = vector_of(x0)
        self.start = start if start.dtype == np.float64 else start.astype(np.float64)
        self.function = function

    def value(self, x: Any) -> Any:
        """The function of a vector, a single number."""
        return self.function(self.flat.tree(x), *self.args)

    def values(self, x: Any) -> Any:
        """The function of a vector, as a vector: what it returns may be a tree."""
        return vector_of(self.function(self.flat.tree(x), *self.args))

    def prepared(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that returns plain numbers, in float64 and C order, for SciPy to call."""
        called = function if self.backend is None else compiled(function, self.backend)

        def call(*arrays: Any) -> Any:
            y = called(*arrays)
            return tuple(map(settled, y)) if isinstance(y, tuple) else settled(y)

        return call

    @cached_property
    def plain_value(self) -> Callable[..., Any]:
        return self.prepared(self.value)

    @cached_property
    def plain_values(self) -> Callable[..., Any]:
        return self.prepared(self.values)

    @cached_property
    def value_and_slope(self) -> Callable[..., Any]:
        return self.prepared(value_and_grad(self.value))

    @cached_property
    def jacobian(self) -> Callable[..., Any]:
        return self.prepared(jacobian(self.values))

    @cached_property
    def hessian(self) -> Callable[..., Any]:
        return self.prepared(jacobian(grad(self.value), mode="forward"))

    @cached_property
    def product(self) -> Callable[..., Any]:
        """The Hessian times a vector."""
        return self.prepared(lambda x, v: hvp(self.value, (x,), (v,))[0])

    def found(self, name: str, residual: Callable[..., Any], solve: Callable[..., Any], **options: Any) -> Any:
        """What `solve` finds from the start, as SciPy's result; `x` in it is a root of the residual.

        Where entries of a batch are solved for one after the other, only x is the same field for all.
        """
        results: list[Any] = []

        def solved(start: Any) -> Any:
            results[:] = [solve(start)]
            if not results[0].success:
                raise SolverError(f"{name} has not converged: {results[0].message}", results[0])
            return results[0].x

        x = implicit(lambda x, start: residual(x), solved, [self.start], name, start=self.start, **options)
        many = isinstance(x, Watched) and x.level.is_batch
        result = OptimizeResult() if many or context.get().batches else results[0]
        result.x = self.flat.tree(x)
        return result


def settled(y: Any) -> Any:
    """A result in float64 and C order."""
    return np.ascontiguousarray(number(y), dtype=np.float64) if np.ndim(y) else np.float64(number(y))


def direction(f: Callable[..., Any], x: Any) -> Any:
    """The derivative of a function of a number."""
    return jvp(f, (x,), (np.ones_like(x),))[1]
