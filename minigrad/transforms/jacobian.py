"""Transformations made of others: Hessian-vector products, Jacobians and Hessians."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..core.door import bare
from ..core.tree import leaves, rebuild, tree_map
from .arguments import as_primal, check_function, like, of_arguments
from .forward import jvp
from .reverse import grad, vjp


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


def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that computes all partial derivatives of `f`.

    It takes forward mode, one pass for each number that goes in, if fewer go in than come out, and reverse mode
    otherwise.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested lists, tuples and dicts of arrays.
    argnums : int or tuple of int
        The positions of the arguments to differentiate by.

    Returns
    -------
    callable
        Takes the arguments of `f`; returns a tree of the structure of the result of `f`. In place of each array is
        a tree of the structure of the argument (a tuple of such trees, if `argnums` is one), of arrays whose shape is
        that of the result followed by that of the argument.
    """
    check_function("jacobian", f)

    @wraps(f)
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        of_chosen, primals = of_arguments(f, argnums, args, kwargs)
        primals = tree_map(as_primal, primals)
        y, pull_back = vjp(of_chosen, *primals)
        inputs, outputs = leaves(primals), leaves(y)
        if sum(x.size for x in inputs) < sum(v.size for v in outputs):
            blocks = by_columns(of_chosen, primals, outputs)
        else:
            blocks = by_rows(pull_back, inputs, y)
        rows = [rebuild(primals, row) for row in blocks]
        return rebuild(y, [row if isinstance(argnums, tuple | list) else row[0] for row in rows])

    return derivatives


def by_rows(pull_back: Callable[[Any], Any], inputs: Sequence[Any], y: Any) -> list[list[Any]]:
    """For each output the Jacobian's block of each input, in reverse mode."""
    zeros = [np.zeros_like(bare(v)) for v in leaves(y)]
    blocks = []
    for k, zero in enumerate(zeros):
        rows = [leaves(pull_back(rebuild(y, [*zeros[:k], unit(zero, i), *zeros[k + 1 :]]))) for i in range(zero.size)]
        blocks.append(
            [stacked(part, 0, zero.shape + x.shape, x) for part, x in zip(turned(rows, inputs), inputs, strict=True)]
        )
    return blocks


def by_columns(f: Callable[..., Any], primals: Any, outputs: Sequence[Any]) -> list[list[Any]]:
    """For each output the Jacobian's block of each input, in forward mode."""
    inputs = leaves(primals)
    zeros = [np.zeros_like(bare(x)) for x in inputs]
    blocks: list[list[Any]] = [[] for _ in outputs]
    for k, (zero, x) in enumerate(zip(zeros, inputs, strict=True)):
        columns = [
            leaves(jvp(f, primals, rebuild(primals, [*zeros[:k], unit(zero, i), *zeros[k + 1 :]]))[1])
            for i in range(zero.size)
        ]
        for block, part, y in zip(blocks, turned(columns, outputs), outputs, strict=True):
            block.append(stacked(part, -1, y.shape + x.shape, x))
    return blocks


def turned(rows: Sequence[Sequence[Any]], wanted: Sequence[Any]) -> list[list[Any]]:
    """The columns of rows, also if there are no rows."""
    return [[row[i] for row in rows] for i in range(len(wanted))]


def unit(zero: Any, i: int) -> Any:
    """One at position `i` among zeros."""
    e = np.zeros_like(bare(zero), order="C")
    e.reshape(-1)[i] = 1  # a view, as the order is C
    return e


def stacked(parts: Sequence[Any], axis: int, shape: tuple[int, ...], x: Any) -> Any:
    """A block of a Jacobian by the argument `x`, from its rows or columns."""
    if not parts:
        return like(x, np.zeros_like(bare(x), shape=shape))
    return like(x, np.reshape(np.stack(parts, axis=axis), shape))


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that computes all second partial derivatives of `f`, which has a single number as its value.

    The arguments are those of `jacobian`, as it is the Jacobian of the gradient.
    """
    return jacobian(grad(f, argnums), argnums)
