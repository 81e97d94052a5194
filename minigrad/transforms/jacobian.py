"""Transformations made of others: Hessian-vector products, Jacobians and Hessians."""

import math
from collections.abc import Callable, Sequence
from functools import partial, wraps
from itertools import accumulate
from typing import Any

import numpy as np

from ..core.context import next_depth
from ..core.door import unwrap
from ..core.tree import leaves, rebuild, tree_map
from .arguments import as_argument, as_primal, check_function, of_arguments, zeros_like
from .batch import Batch
from .forward import jvp
from .generators import States, generators_of
from .reverse import grad, vjp
from .vmap import run_batch


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The Hessian of `f`, times a vector: the derivative of the gradient in the direction of `tangents`.

    Costs a few times as much as the gradient, and no more memory: forward mode over reverse mode.

    Parameters
    ----------
    f : callable
        Has a single number as its value.
    primals, tangents : tuple
        The arguments, and what to multiply by: for each argument a tree of the same structure and shapes.

    Returns
    -------
    tuple
        For each argument, a tree of its structure and shapes.
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise TypeError(
            f"hvp takes a tuple of arguments and a tuple of their tangents; got {type(primals).__name__} and "
            f"{type(tangents).__name__}. For a single argument: hvp(f, (x,), (dx,))"
        )
    _, product = jvp(grad(f, argnums=tuple(range(len(primals)))), primals, tangents)
    return product


def jacobian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    mode: str | None = None,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that computes all partial derivatives of `f`.

    The derivatives by all inputs are pushed forward together, or those of all outputs are pulled back together,
    as one batch: forward if fewer go in than come out, and in reverse otherwise.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested lists, tuples and dicts of arrays.
    argnums : int or tuple of int
        The positions of the arguments to differentiate by.
    mode : {"forward", "reverse"}, optional
        Which of the two, whatever the sizes.
    chunk_size : int > 0, optional
        How many numbers at a time, to bound the memory that it takes: that of `f` and its derivative, so many times.
        All by default.

    Returns
    -------
    callable
        Takes the arguments of `f`; returns a tree of the structure of the result of `f`. In place of each array is
        a tree of the structure of the argument (a tuple of such trees, if `argnums` is one), of arrays whose shape is
        that of the result followed by that of the argument.
    """
    check_function("jacobian", f)
    if mode not in (None, "forward", "reverse"):
        raise ValueError(f"mode is 'forward', 'reverse', or None for the narrower one; got {mode!r}")
    if chunk_size is not None and not (isinstance(chunk_size, int | np.integer) and chunk_size > 0):
        raise ValueError(f"chunk_size is an integer above 0, or None for all at once; got {chunk_size!r}")

    @wraps(f)
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        of_chosen, primals = of_arguments(f, argnums, args, kwargs)
        primals = tree_map(as_primal, primals)
        states = States(generators_of(f, args, kwargs) if chunk_size else ())  # all chunks are of one function
        if mode == "forward":
            y, blocks = by_columns(of_chosen, primals, chunk_size, states)
        else:
            y, pull_back = vjp(of_chosen, *primals)
            if mode is None and sum(x.size for x in leaves(primals)) < sum(v.size for v in leaves(y)):
                y, blocks = by_columns(of_chosen, primals, chunk_size, states)
            else:
                blocks = by_rows(pull_back, leaves(primals), y, chunk_size)
        rows = [rebuild(primals, row) for row in blocks]
        return rebuild(y, [row if isinstance(argnums, tuple | list) else row[0] for row in rows])

    return derivatives


def by_rows(pull_back: Callable[[Any], Any], inputs: Sequence[Any], y: Any, chunk_size: int | None) -> list[list[Any]]:
    """For each output the Jacobian's block of each input, in reverse mode."""
    outputs = leaves(y)
    pulled = over_units(lambda g: leaves(pull_back(g)), y, chunk_size)
    rows = [split_like(part, outputs) for part in pulled] if pulled else [outputs] * len(inputs)
    return [[block(part[k], v.shape, x) for part, x in zip(rows, inputs, strict=True)] for k, v in enumerate(outputs)]


def by_columns(
    f: Callable[..., Any], primals: Any, chunk_size: int | None, states: States
) -> tuple[Any, list[list[Any]]]:
    """The value of a function, and for each output the Jacobian's block of each input, in forward mode.

    Each run but for the first begins where the generators' `states` were.
    """
    inputs: list[Any] = leaves(primals)
    values: list[Any] = []

    def pushed(tangents: Any) -> list[Any]:
        run = partial(jvp, f, primals, tangents)
        value, along = states.run_again(run) if values else run()
        values.append(value)
        return leaves(along)

    columns = over_units(pushed, primals, chunk_size)
    y = values[0] if values else vjp(f, *primals)[0]
    parts = [[np.moveaxis(c, 0, -1) for c in split_like(part, inputs)] for part in columns] or [inputs] * len(leaves(y))
    return y, [
        [block(c, v.shape, x) for c, x in zip(part, inputs, strict=True)]
        for part, v in zip(parts, leaves(y), strict=True)
    ]


def over_units(f: Callable[[Any], list[Any]], tree: Any, chunk_size: int | None) -> list[Any]:
    """What a function makes of a tree of zeros with a one at one place, for each place: along a first axis."""
    zeros = [zeros_like(x) for x in leaves(tree)]
    n, parts = sum(zero.size for zero in zeros), []
    for start in range(0, n, chunk_size or max(n, 1)):
        chosen = np.arange(start, min(start + (chunk_size or n), n))
        level = Batch(next_depth(), len(chosen), draws=False)
        units, before = [], 0
        for zero in zeros:
            units.append(level.made(ones_at(zero, chosen - before), True))
            before += zero.size
        parts.append(run_batch(level, f, (rebuild(tree, units),), {}, 0))
    return parts[0] if len(parts) == 1 else [np.concatenate(part) for part in zip(*parts, strict=True)]


def ones_at(zero: Any, places: Any) -> Any:
    """Arrays like `zero` along a first axis, with a one at each place, or none where it lies outside."""
    units = np.zeros_like(zero, shape=(len(places), zero.size))
    (inside,) = np.nonzero((places >= 0) & (places < zero.size))
    units[inside, places[inside]] = 1
    return units.reshape(len(places), *zero.shape)


def split_like(part: Any, arrays: Sequence[Any]) -> list[Any]:
    """What belongs to each of some arrays, of what was made for all of their places."""
    ends = list(accumulate(x.size for x in arrays))
    return [part[end - x.size : end] for x, end in zip(arrays, ends, strict=True)]


def block(part: Any, shape: tuple[int, ...], x: Any) -> Any:
    """A block of a Jacobian by the argument `x`, of a result of a shape; empty where there are no parts."""
    whole = shape + x.shape
    if not math.prod(whole):
        return as_argument(x, np.zeros_like(unwrap(x), shape=whole))
    part = np.reshape(part, whole)
    return as_argument(x, part if part.dtype == x.dtype else part.astype(x.dtype))


def hessian(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    mode: str | None = None,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that computes all second partial derivatives of `f`, which has a single number as its value.

    The arguments are those of `jacobian`, as it is the Jacobian of the gradient: forward mode over reverse mode.
    """
    return jacobian(grad(f, argnums), argnums, mode or "forward", chunk_size)
