"""Differential equations by SciPy's solvers."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.integrate
from scipy.optimize import OptimizeResult

from ...core.door import Watched, batch_of, plain
from ...core.tree import leaves, rebuild
from ...core.values import as_numbers
from ...errors import BatchError, NoRuleError, SolverError
from ...transforms.closed import Closed
from ...transforms.implicit import Flat, at_once, vector_of
from .flow import flow
from .method import EquationMethod

METHODS = ("RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA")


def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Any,
    args: Any = (),
    *,
    tfirst: bool = False,
    rtol: float = 1.49012e-8,
    atol: Any = 1.49012e-8,
    mode: str | None = None,
    compile: str | None = None,
    **options: Any,
) -> Any:
    """`scipy.integrate.odeint`: the states at times `t` of ``dy/dt = func(y, t, *args)``.

    Parameters
    ----------
    func : callable
        Returns the derivative of the state: an array, a list of numbers, or a tree like `y0`.
    y0 : array, or tree of arrays
        The state at the first of the times.
    t : array
        The times, increasing or decreasing.
    args : tuple
        Further arguments of `func`.
    tfirst : bool
        ``func(t, y, *args)``.
    rtol, atol : float
        The tolerances, also those of the equations by which derivatives are found.
    mode : {"adjoint", "forward"}, optional
        How the backward pass goes: by the adjoint equation, of as many numbers as twice the state and all parameters,
        which starts anew at each time; or by the tangents of the state by each number of the first state and of the
        parameters, all at once. By default the latter, if these are at most 200 numbers, and else the former. It
        does not matter for `jvp`.
    compile : str, optional
        The right-hand sides, and those of derivatives, are compiled for this backend, "numpy" or "native": they are
        called often. See `minigrad.compile` for what cannot be, such as branches on the state.
    **options
        SciPy's, but for `Dfun` and `full_output`.

    Returns
    -------
    array, or tree of arrays
        The states, with an axis of times in front. Where a derivative flows to `func`, by args or from outside, to `y0`
        or `t`, it is differentiable, to any order.

    Raises
    ------
    SolverError
        If SciPy does not get to the last time, with its message.
    """
    refuse("odeint", options, ("Dfun", "full_output"))

    def solve(f: Callable[..., Any], y0: Any, t: Any) -> Any:
        own = {"rtol": rtol, "atol": scalar_for(atol, y0), "tfirst": True, "full_output": True} | options
        states, report = scipy.integrate.odeint(f, y0, t, **own)
        if report["message"] != "Integration successful.":
            raise SolverError(f"odeint has not come to the last time: {report['message']}", report)
        return states

    (flat, start), args = initial(y0), args if isinstance(args, tuple) else (args,)
    problem = Equation("odeint", lambda t, y, *args: func(t, y, *args) if tfirst else func(y, t, *args), flat, args)
    method = EquationMethod("odeint", solve, mode, compile, func, problem.key and (problem.key, tfirst))
    return rows(flat, flow(problem.right_side, start, times("odeint", t), inputs_of(args), method))


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: str = "RK45",
    t_eval: Any = None,
    args: Any = (),
    *,
    rtol: float = 1e-3,
    atol: Any = 1e-6,
    mode: str | None = None,
    compile: str | None = None,
    **options: Any,
) -> Any:
    """`scipy.integrate.solve_ivp`: the solution of ``dy/dt = fun(t, y, *args)`` from `y0` at the first time.

    Parameters
    ----------
    fun : callable
        Returns the derivative of the state: an array, or a list of numbers.
    t_span : (float, float)
        The first and the last time.
    y0 : (n,) array
        The state at the first time.
    method : str
        SciPy's: RK45, RK23, DOP853, Radau, BDF or LSODA.
    t_eval : array, optional
        Times at which the state is wanted; those of SciPy's steps by default.
    args : tuple
        Further arguments of `fun`.
    rtol, atol : float
        The tolerances, also those of the equations by which derivatives are found: the defaults are SciPy's, and
        derivatives to three digits.
    mode, compile : str, optional
        As in `odeint`.
    **options
        SciPy's, but for `events`, `dense_output`, `vectorized` and `jac`.

    Returns
    -------
    object
        SciPy's result, with `y` of shape (n, times) and the times `t`. Where a derivative flows to `fun`, `y0`,
        `t_span` or `t_eval`, `y` is differentiable, to any order; steps of SciPy's between the ends count as fixed
        times. Inside of `vmap` it has no other fields, and needs `t_eval`.

    Raises
    ------
    SolverError
        If SciPy does not get to the last time, with its message.
    """
    refuse("solve_ivp", options, ("events", "dense_output", "vectorized", "jac"))
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(METHODS)}; got {method!r}")
    (flat, start), args = initial(y0), args if isinstance(args, tuple) else (args,)
    if [len(shape) for shape in flat.shapes] != [1]:
        raise ValueError(
            f"solve_ivp takes the first state as an array of one axis; got {', '.join(map(str, flat.shapes))}. "
            f"odeint takes arrays of any shape, and trees"
        )
    problem, inputs = Equation("solve_ivp", fun, flat, args), inputs_of(args)
    results: list[Any] = []

    def solve(f: Callable[..., Any], y0: Any, t: Any, given: bool = True) -> tuple[Any, Any]:
        own = {"rtol": rtol, "atol": scalar_for(atol, y0), "method": method} | options
        result = scipy.integrate.solve_ivp(f, (t[0], t[-1]), y0, t_eval=t if given else None, **own)
        if not result.success:
            raise SolverError(f"solve_ivp has not come to the last time: {result.message}", result)
        results[1:] = [result]  # the first one stays, as the others are of equations of derivatives
        return result.t, result.y.T

    def at_times(f: Callable[..., Any], y0: Any, t: Any) -> Any:
        changes = np.concatenate([[True], np.diff(t) != 0])  # SciPy takes no time twice
        if not changes[1:].any():
            return np.stack([y0] * len(t))
        return solve(f, y0, t[changes])[1][np.cumsum(changes) - 1]

    how = EquationMethod("solve_ivp", at_times, mode, compile, fun, problem.key)
    ends = [np.reshape(as_floats(x), 1) for x in two_times(t_span)]
    if t_eval is None:
        t, value = steps(problem.right_side, start, inputs, how, solve, ends)
        t = np.concatenate([ends[0], t[1:-1], ends[1]])
        y = flow(problem.right_side, start, t, inputs, how, value)
    else:
        t = times("solve_ivp", t_eval)
        at = np.concatenate([ends[0], t, ends[1]])
        y = flow(problem.right_side, start, at, inputs, how)[1:-1]
    result = results[0] if results and not (isinstance(y, Watched) and y.level.is_batch) else OptimizeResult()
    result.t, result.y = t, np.moveaxis(y, 0, -1)
    return result


def steps(
    f: Callable[..., Any], y0: Any, inputs: Any, method: EquationMethod, solve: Callable[..., Any], ends: Any
) -> tuple[Any, Any]:
    """The times of SciPy's own steps, and the states there."""
    start, first, last, *given = values = [plain(x) for x in (y0, *ends, *inputs)]
    if batch_of(*values) is None:
        own = EquationMethod(method.name, lambda *given: solve(*given, False), None, method.backend, None, None)
        own.kept, found = method.kept, partial(own.solved, f, "f")
        apart = not Closed(f, first[0], start, *given).outer
        both = at_once(
            lambda *given: np.column_stack(found(*given)), (start, np.concatenate([first, last]), *given), apart
        )
        if both is not None:
            return both[:, 0], both[:, 1:]
    raise BatchError("solve_ivp inside of vmap returns states at times that all entries have. Pass t_eval")


INPUT = object()  # where an input was among further arguments


class Equation:
    """A differential equation of a tree of arrays as one of vectors.

    It keeps none of the arrays and numbers that it is given, so that a program for it is good for others. `key` tells
    arguments apart that are not these alone; None if that cannot be told.
    """

    def __init__(self, name: str, function: Callable[..., Any], flat: Flat, args: Any) -> None:
        self.name, self.function, self.flat = name, function, flat
        self.args = rebuild(args, [INPUT if is_input(x) else x for x in leaves(args)])
        simple = flat.plain and all(x is INPUT for x in self.args)
        self.key = ("equation", len(args), flat.size) if simple else None

    def right_side(self, t: Any, y: Any, *inputs: Any) -> Any:
        """The derivative of the state, a vector."""
        remaining = iter(inputs)
        args = rebuild(self.args, [next(remaining) if x is INPUT else x for x in leaves(self.args)])
        slope = self.function(t, self.flat.tree(y), *args)
        count = sum(getattr(x, "size", 1) for x in leaves(slope))
        if count != self.flat.size:
            raise ValueError(
                f"the right-hand side of {self.name} has a number for each of the state, {self.flat.size}; it "
                f"returned {count}"
            )
        return vector_of(slope)


def inputs_of(args: Any) -> list[Any]:
    """The arrays and numbers among further arguments."""
    return [x for x in leaves(args) if is_input(x)]


def is_input(x: Any) -> bool:
    """Whether a further argument is an array or a number."""
    return isinstance(x, Watched | np.ndarray | np.generic | float | int) and not isinstance(x, bool)


def refuse(name: str, options: Any, lacking: Any) -> None:
    """Refuse options of SciPy's that are not served."""
    for option in lacking:
        if options.get(option) is not None and options[option] is not False:
            raise NoRuleError(f"{name} does not serve SciPy's {option}=, which has no derivative. Leave it out")
        options.pop(option, None)


def initial(y0: Any) -> tuple[Flat, Any]:
    """How the state lies in a vector, and the first one."""
    if isinstance(y0, list | tuple) and all(np.ndim(x) == 0 for x in y0):  # SciPy's users' arrays
        y0 = np.stack([as_floats(x) for x in y0]) if len(y0) else np.zeros(0)
    start = vector_of(y0)
    return Flat(y0, "y0"), start if start.dtype == np.float64 else start.astype(np.float64)


def times(name: str, t: Any) -> Any:
    """The times of a solution."""
    t = as_floats(t)
    if t.ndim != 1 or not t.size:
        raise ValueError(f"{name} takes times along one axis, at least one; got shape {t.shape}")
    return t


def two_times(t_span: Any) -> Any:
    """The first and the last time."""
    if not hasattr(t_span, "__len__") or len(t_span) != 2:
        raise ValueError(f"t_span is a pair (first, last) of times; got {t_span!r:.60}")
    return t_span


def as_floats(x: Any) -> Any:
    """An array of float64."""
    array: Any = x if isinstance(x, Watched) else as_numbers(x)
    return array if array.dtype == np.float64 else array.astype(np.float64)


def scalar_for(atol: Any, y0: Any) -> Any:
    """A tolerance for each number of a state; for the larger one of an equation of derivatives, the smallest."""
    return atol if np.size(atol) in (1, len(y0)) else np.min(atol)


def rows(flat: Flat, y: Any) -> Any:
    """The tree of the states at all times, whose vectors are rows."""
    parts, start = [], 0
    for shape, dtype in zip(flat.shapes, flat.dtypes, strict=True):
        size = math.prod(shape)
        part = np.reshape(y[:, start : start + size], (len(y), *shape))
        parts.append(part if part.dtype == dtype else part.astype(dtype))
        start += size
    return rebuild(flat.form, parts)
