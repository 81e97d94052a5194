"""Derivatives in reverse mode: grad, value_and_grad and vjp.

They take functions of arrays, of Tensors and of nested lists, tuples and mappings of these, and give the function
copies of these containers, so that it may change its own. Each runs the function at a level of its own, so they nest in
every order. A derivative has the structure of the argument that it belongs to, with Tensors for Tensors and arrays for
arrays.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from ..core.context import next_depth, run_at
from ..core.door import Watched
from ..core.engine import copied
from ..core.foreign import admitted
from ..core.sweep import first_cotangent, owned, sweep
from ..core.tape import Node, Reverse
from ..core.tree import leaves, rebuild, tree_map
from .arguments import as_argument, as_primal, check_function, left_level, of_arguments, result, split_aux, zeros_like

ndarray, DOUBLE = np.ndarray, np.dtype(np.float64)


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of `f`, a function with a single number as its value.

    Parameters
    ----------
    f : callable
        Takes arrays, or nested lists, tuples and mappings of arrays; other arguments are passed on.
    argnums : int or tuple of int
        The positions of the arguments to differentiate by.
    has_aux : bool
        `f` returns a pair. The first is differentiated; the second is returned along with the gradient.

    Returns
    -------
    callable
        Takes the arguments of `f`; returns the gradient, in the structure and with the shapes of the argument, a
        tuple of them if `argnums` is one, and as the first of a pair with `has_aux`.
    """
    check_function("grad", f)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        _, slope, aux = evaluated(f, argnums, has_aux, args, kwargs)
        return (slope, aux) if has_aux else slope

    return gradient


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes the value of `f` and its gradient, as a pair; see `grad`.

    With `has_aux` the first of the pair is what `f` returns, a pair itself.
    """
    check_function("grad", f)

    @wraps(f)
    def both(*args: Any, **kwargs: Any) -> Any:
        y, slope, aux = evaluated(f, argnums, has_aux, args, kwargs)
        return ((y, aux) if has_aux else y), slope

    return both


def evaluated(
    f: Callable[..., Any], argnums: int | tuple[int, ...], has_aux: bool, args: Any, kwargs: Any
) -> tuple[Any, Any, Any]:
    """The value of a function, its gradient, and what comes along."""
    of_chosen, primals = of_arguments(f, argnums, args, kwargs)
    y, pull_back, aux = pulled(of_chosen, primals, has_aux)
    if not hasattr(y, "shape") or y.size != 1:
        raise ValueError(
            f"grad differentiates a function with a single number as its value; it returned "
            f"{'shape ' + str(y.shape) if hasattr(y, 'shape') else type(y).__name__}. Reduce it, to a sum or a "
            f"mean, or use vjp or jacobian"
        )
    slopes = pull_back(None)
    return y, slopes if isinstance(argnums, tuple | list) else slopes[0], aux


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `f`, and the function that pulls cotangents of the value back to the arguments.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested lists, tuples and mappings of arrays.
    *primals
        Its arguments.
    has_aux : bool
        `f` returns a pair. The first is differentiated; the second is returned as a third result.

    Returns
    -------
    y, pull_back
        The value, in memory of its own; arrays among the arguments are not copied, so do not change them before the
        last pull-back. ``pull_back(g)`` takes a cotangent of the structure and shapes of `y`, and returns a tuple with
        one for each argument. It can be called any number of times.
    """
    y, pull_back, aux = pulled(f, primals, has_aux)
    y = tree_map(copied, y)  # the caller may change it before a pull-back needs what it was
    return (y, pull_back, aux) if has_aux else (y, pull_back)


def pulled(f: Callable[..., Any], primals: Any, has_aux: bool) -> tuple[Any, Callable[[Any], Any], Any]:
    """As vjp, always with the third result."""
    level = Reverse(next_depth())
    inputs = [x if type(x) is ndarray and x.dtype is DOUBLE else as_primal(x) for x in leaves(primals)]
    frame = rebuild(primals, inputs)  # the caller may change the containers
    variables = level.variables(inputs)
    nodes = [v.node for v in variables]
    outputs, aux = split_aux(run_at(level, f, *rebuild(primals, variables)), has_aux)
    single = isinstance(outputs, Watched)  # as most are: then there is nothing to take apart
    results = [outputs] if single else leaves(outputs)
    roots = [v.node if isinstance(v, Watched) and v.level is level else None for v in results]
    values = [result(level, v) for v in results]
    y = values[0] if single else rebuild(outputs, values)
    form = y if single else rebuild(outputs, values)  # the caller may change the containers of `y`

    def pull_back(g: Any) -> Any:
        given = [first_cotangent(v) for v in values] if g is None else leaves(tree_map(as_cotangent, form, g))
        found, taken = cotangents(roots, given), {id(one) for one in given}
        return rebuild(frame, [derivative(x, found.get(n), taken) for x, n in zip(inputs, nodes, strict=True)])

    return y, pull_back, None if aux is None else tree_map(partial(left_level, level), aux)


def as_cotangent(y: Any, g: Any) -> Any:
    """What a user passes as the cotangent of a result."""
    return first_cotangent(y, admitted("a pull-back", g))


def derivative(x: Any, g: Any, taken: set[int]) -> Any:
    """What is returned of the cotangent of an argument, in an array of its own."""
    if g is None:
        return as_argument(x, zeros_like(x))
    return owned(g, taken) if type(x) is type(g) is np.ndarray else as_argument(x, owned(g, taken))


def cotangents(roots: list[Any], given: list[Any]) -> dict[Node, Any]:
    """The cotangents of all leaves, given those of results; None stands for one that depends on no leaf."""
    if None in roots:
        given = [g for node, g in zip(roots, given, strict=True) if node is not None]
        roots = [node for node in roots if node is not None]
    return sweep(roots, given).totals
