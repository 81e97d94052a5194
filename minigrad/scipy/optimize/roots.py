"""Roots of functions: of as many numbers as there are unknowns, of a single number, and fixed points."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.optimize

from ...core.context import context
from ...core.door import Watched
from ...errors import NoRuleError, SolverError
from ...transforms.implicit import implicit
from .problem import Problem, as_tuple, direction, refuse_own, settled

BY_JACOBIANS = ("hybr", "lm")


def root(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: None = None,
    tol: float | None = None,
    callback: Any = None,
    options: Any = None,
    compile: str | None = None,
) -> Any:
    """`scipy.optimize.root` with exact Jacobians.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``, which is zero at the root: an array, or a tree of arrays, with as many numbers as x.
    x0 : array, or tree of arrays
        Where to start; `fun` takes such a tree, and `x` of the result is one. The root does not depend on it.
    args, method : as in SciPy
        The methods "hybr" and "lm" get Jacobians.
    jac : None
        It is minigrad's, and refused.
    tol, callback, options : as in SciPy
    compile : str, optional
        What SciPy calls is compiled for this backend, "numpy" or "native".

    Returns
    -------
    scipy.optimize.OptimizeResult
        Where a derivative flows to `fun`, by args or from outside, `x` is differentiable, to any order. Inside of
        `vmap`, the result has no other fields.

    Raises
    ------
    SolverError
        If the method fails, with SciPy's message; or in the derivative, if the Jacobian is singular at the root.
    """
    refuse_own("root", jac=jac)
    problem = Problem(fun, x0, args, compile)

    def solve(start: Any) -> Any:
        if (count := problem.plain_values(start).size) != start.size:
            raise ValueError(
                f"root takes a function with as many numbers as there are unknowns, {start.size}; it returned {count}. "
                f"Where there are more equations, use least_squares"
            )
        slopes = problem.jacobian if method in BY_JACOBIANS else None
        given = {"method": method, "tol": tol, "callback": callback, "options": options}
        return scipy.optimize.root(problem.plain_values, start, jac=slopes, **given)

    return problem.found("root", problem.values, solve)


def of_number(name: str, f: Callable[..., Any], args: Any, solve: Callable[..., float], given: Sequence[Any]) -> Any:
    """The root of a function of a number, which ``solve(*given)`` finds for plain numbers.

    A float, where no derivative flows to it, and else an array of shape ().
    """
    points: list[Any] = [x if isinstance(x, Watched) else np.asarray(x, float) for x in given]
    given = [np.reshape(x, -1) for x in points]

    def solved(*numbers: Any) -> Any:
        try:
            return np.array([solve(*(float(x[0]) for x in numbers))])
        except RuntimeError as error:
            raise SolverError(f"{name} has not converged: {error}", getattr(error, "result", None)) from error

    def residual(x: Any, *_: Any) -> Any:
        return np.reshape(f(x[0], *args), (1,))

    x = implicit(residual, solved, given, name, start=given[0])[0]
    return x if isinstance(x, Watched) else float(x)


def brentq(
    f: Callable[..., Any],
    a: Any,
    b: Any,
    args: Any = (),
    xtol: float = 2e-12,
    rtol: float = 4 * float(np.finfo(float).eps),
    maxiter: int = 100,
    full_output: bool = False,
    disp: bool = True,
) -> Any:
    """`scipy.optimize.brentq`, the root of ``f(x, *args)`` between `a` and `b`.

    A float, or an array of shape () that is differentiable where a derivative flows to `f`, by args or from outside.

    Raises
    ------
    NoRuleError
        If more than the root is asked for, by `full_output`, or no error, by `disp=False`: see `root_scalar`.
    SolverError
        If it does not converge, with SciPy's message; or in the derivative, if f'(x) is zero at the root.
    ValueError
        As in SciPy, if `f` has one sign at `a` and `b`.
    """
    if full_output or not disp:
        raise NoRuleError("brentq returns the root alone, or raises: full_output= and disp= are root_scalar's")
    args = as_tuple(args)

    def solve(a: float, b: float) -> float:
        return scipy.optimize.brentq(lambda x: as_float(f(x, *args)), a, b, (), xtol, rtol, maxiter)

    return of_number("brentq", f, args, solve, [a, b])


def root_scalar(
    f: Callable[..., Any],
    args: Any = (),
    method: str | None = None,
    bracket: Any = None,
    fprime: None = None,
    fprime2: None = None,
    x0: Any = None,
    x1: Any = None,
    **options: Any,
) -> Any:
    """`scipy.optimize.root_scalar` with exact derivatives.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` of a number x.
    method, bracket : as in SciPy
        The default is "brentq" if there is a bracket, "secant" if there is an x1, and else "newton".
    fprime, fprime2 : None
        They are minigrad's, and refused.
    x0, x1 : as in SciPy
    **options
        SciPy's other options.

    Returns
    -------
    scipy.optimize.RootResults
        Its `root` is a float, or an array of shape () that is differentiable where a derivative flows to `f`. Inside
        of `vmap` it is the only field.

    Raises
    ------
    SolverError
        If it does not converge, with SciPy's message; or in the derivative, if f'(x) is zero at the root.
    """
    refuse_own("root_scalar", fprime=fprime, fprime2=fprime2)
    args = as_tuple(args)
    chosen = (method or ("brentq" if bracket is not None else "newton" if x1 is None else "secant")).lower()
    given = {"x0": x0, "x1": x1} | ({} if bracket is None else dict(zip(("a", "b"), bracket, strict=True)))
    given = {key: x for key, x in given.items() if x is not None}
    if not given:
        raise ValueError("root_scalar takes a bracket, or a point x0 to start from; got neither")
    slopes = slopes_for(lambda x: f(x, *args), chosen)
    results: list[Any] = []

    def solve(*numbers: float) -> float:
        points: dict[str, Any] = dict(zip(given, numbers, strict=True))
        ends = [points.pop(key) for key in ("a", "b") if key in points] or None
        results[:] = [
            scipy.optimize.root_scalar(
                lambda x: as_float(f(x, *args)), method=chosen, bracket=ends, **points, **slopes, **options
            )
        ]
        if not results[0].converged:
            raise SolverError(f"root_scalar has not converged: {results[0].flag}", results[0])
        return results[0].root

    x = of_number("root_scalar", f, args, solve, list(given.values()))
    result = scipy.optimize.OptimizeResult() if context.get().batches else results[0]
    result.root = x
    return result


def slopes_for(f: Callable[[Any], Any], method: str) -> dict[str, Any]:
    """The derivatives that a method uses."""
    first, second = (lambda x: direction(f, x)), (lambda x: direction(lambda x: direction(f, x), x))
    found = {"fprime": lambda x: as_float(first(np.asarray(x))), "fprime2": lambda x: as_float(second(np.asarray(x)))}
    return {key: found[key] for key in {"newton": ("fprime",), "halley": ("fprime", "fprime2")}.get(method, ())}


def fixed_point(
    func: Callable[..., Any], x0: Any, args: Any = (), xtol: float = 1e-8, maxiter: int = 500, method: str = "del2"
) -> Any:
    """`scipy.optimize.fixed_point`, an x with ``func(x, *args) == x``.

    An array, or tree of arrays, like `x0`, which is differentiable where a derivative flows to `func`, by args or from
    outside; its derivative is as accurate as x is.

    Raises
    ------
    SolverError
        If it does not converge, with SciPy's message; or in the derivative, if 1 is an eigenvalue of the Jacobian.
    """
    problem = Problem(func, x0, args)

    def solve(start: Any, *_: Any) -> Any:
        try:
            return scipy.optimize.fixed_point(problem.plain_values, start, (), xtol, maxiter, method)
        except RuntimeError as error:
            raise SolverError(f"fixed_point has not converged: {error}") from error

    x = implicit(*(lambda x, *_: x - problem.values(x), solve, [problem.start], "fixed_point"), start=problem.start)
    return problem.flat.tree(x)


def as_float(y: Any) -> float:
    """The value of a function of a number."""
    y = settled(y)
    if y.size != 1:
        raise ValueError(f"a root of a number is that of a function with one number as its value; got shape {y.shape}")
    return float(y.reshape(()))
