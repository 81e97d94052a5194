"""Functions of one example as functions of a whole batch."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from operator import index as as_index
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.context import context, next_depth, run_at, run_in, with_changes
from ..core.door import Watched
from ..core.tree import is_branch, leaves, rebuild
from ..core.values import as_numbers
from .arguments import check_function, left_level
from .batch import Batch


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """The function that maps `f` over an axis of its arguments, all entries at once.

    It equals a loop over the entries whose results are stacked, at the cost of one call of `f` on larger arrays. `f` is
    written for a single entry: inside, arrays have the shape of one.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested lists, tuples and mappings of arrays.
    in_axes : int, None, or a tuple with one for each argument
        The axis of each array that holds the entries; None for an argument that all entries share. For an argument that
        is a tree, either one for all of its arrays, or a tree of the same structure. Arguments by keyword are shared.
    out_axes : int, None, or a tree of them
        Where the axis of the entries comes in each result; None for a result that is the same for all entries.

    Returns
    -------
    callable
        Takes the arguments of `f`, of which the arrays that are mapped have one axis more. It nests with all other
        transformations, in any order, and `backward()` goes through it.

    Raises
    ------
    ValueError
        If no argument is mapped, or those that are have different numbers of entries.
    BatchError
        If `f` needs one value of what differs between entries: a branch on a value, `float(x)`, a length that
        depends on values.

    Examples
    --------
    >>> gradients = mg.vmap(mg.grad(loss), in_axes=(None, 0, 0))(w, X, Y)  # one for each example
    """
    check_function("vmap", f)

    @wraps(f)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        axes = axes_of("in_axes", in_axes, args)
        given = leaves(args)
        level = Batch(next_depth(), common_size(given, axes))
        inside = [
            x if axis is None else level.made(entries_first(x, axis), True) for x, axis in zip(given, axes, strict=True)
        ]
        return run_batch(level, f, rebuild(args, inside), kwargs, out_axes)

    return mapped


def run_batch(level: Batch, f: Callable[..., Any], args: Any, kwargs: Any, out_axes: Any) -> Any:
    """The results of a function of arrays of a batch, with the axis of the entries where it is wanted."""
    inside = with_changes(batches=(*context.get().batches, level))
    y = run_in(inside, run_at, level, partial(f, *args, **kwargs))
    axes = axes_of("out_axes", out_axes, y)
    return rebuild(y, [with_out_axis(level, x, axis) for x, axis in zip(leaves(y), axes, strict=True)])


def entries_first(x: Any, axis: int) -> Any:
    """An argument with the axis of the entries in front."""
    x = x.level.made(x.value, x.node) if isinstance(x, Watched) else as_numbers(x)
    return np.moveaxis(x, axis, 0) if axis % x.ndim else x


def with_out_axis(level: Batch, x: Any, axis: int | None) -> Any:
    """A result as seen from outside, with the axis of the entries where it is wanted."""
    own = isinstance(x, Watched) and x.level is level
    given, x = x, left_level(level, x) if own or hasattr(x, "dtype") else np.asarray(x)
    if x.dtype.kind == "O":
        raise TypeError(
            f"a function that vmap maps returns arrays, numbers, and lists, tuples and mappings of them; got a "
            f"{type(given).__name__}"
        )
    if axis is None:
        if own:
            raise ValueError(
                f"out_axes is None for a result that is the same for all entries; this one, of shape {x.shape[1:]}, "
                f"depends on what is mapped. Say which axis of the result holds the entries, such as 0"
            )
        return x
    if not own:
        x = np.broadcast_to(x, (level.size, *x.shape))
        x = np.copy(x)
    place = normalize_axis_index(axis, x.ndim)
    return np.moveaxis(x, 0, place) if place else x


def axes_of(name: str, axes: Any, tree: Any) -> list[int | None]:
    """For each leaf of a tree its axis, given one for all leaves of a branch, or a tree of them."""
    if axes is None or (isinstance(axes, int | np.integer) and not isinstance(axes, bool)):
        return [None if axes is None else as_index(axes)] * len(leaves(tree))
    if not is_branch(axes):
        raise TypeError(f"{name} takes an integer, None, or a tree of these; got a {type(axes).__name__}")
    keys = list(axes) if isinstance(axes, Mapping) else range(len(axes))
    is_fitting = is_branch(tree) and isinstance(tree, Mapping) == isinstance(axes, Mapping) and len(tree) == len(axes)
    if not is_fitting or (isinstance(axes, Mapping) and set(axes) != set(tree)):
        what = "arguments" if name == "in_axes" else "results"
        raise ValueError(
            f"{name} is a number, None, or has the structure of the {what}, one axis for each; got {axes!r} for "
            f"{type(tree).__name__} of {len(tree) if is_branch(tree) else 1}"
        )
    if isinstance(axes, Mapping):
        keys = list(tree)
    return [axis for key in keys for axis in axes_of(name, axes[key], tree[key])]


def common_size(given: Sequence[Any], axes: Sequence[int | None]) -> int:
    """The number of entries that all arguments have which are mapped."""
    sizes = []
    for x, axis in zip(given, axes, strict=True):
        if axis is None:
            continue
        shape = np.shape(x)
        if not -len(shape) <= axis < len(shape):
            raise ValueError(
                f"vmap maps over axis {axis} of an argument of shape {shape}. Pass an array, as a list is a tree of "
                f"arguments, or set in_axes=None for what all entries share"
            )
        sizes.append(shape[axis])
    if not sizes:
        raise ValueError("vmap maps over an axis of at least one array; no argument has one. See in_axes")
    if len(set(sizes)) > 1:
        raise ValueError(f"the axes that vmap maps over have equal lengths; got {sizes}. See in_axes")
    return sizes[0]
