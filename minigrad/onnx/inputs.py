"""The inputs of a graph: the arrays among the arguments of a module, their names, and their axes of examples."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.door import unwrap
from ..core.tree import is_branch, leaves, rebuild
from ..nn import Module
from .graph import code_of


class Inputs:
    """The arguments that a module is called with, of which the arrays are inputs of its graph.

    Each of the `arrays` has one of the `names`, and one of the `axes`, that of the examples, or None.
    """

    def __init__(self, module: Callable[..., Any], given: Any, names: Sequence[str] | None, axes: Any) -> None:
        by_name = isinstance(given, Mapping)
        args = () if by_name else given if isinstance(given, tuple) else (given,)
        self.tree: Any = args, dict(given) if by_name else {}
        self.leaves = leaves(self.tree)
        self.arrays = [as_input(x) for x in self.leaves if is_array(x)]
        if not self.arrays:
            raise ValueError("example_inputs has at least one array; got none, of which a graph would be no function")
        self.names = checked_names("input_names", names, usual_names(module, *self.tree))
        self.axes = self.checked_axes(axes_in(axes, self.tree[1] if by_name else args if given is args else given))

    def checked_axes(self, axes: list[int | None]) -> list[int | None]:
        """The axis of the examples of each array, from 0 on."""
        axes = [axis for x, axis in zip(self.leaves, axes, strict=True) if is_array(x)]
        for x, name, axis in zip(self.arrays, self.names, axes, strict=True):
            if axis is not None and not -x.ndim <= axis < x.ndim:
                raise ValueError(
                    f"the input {name} of shape {x.shape} has no axis {axis} for the examples of a batch. Say by "
                    f"batch_axes which axis has them, None for none, or pass dynamic_batch=False"
                )
        axes = [axis if axis is None else axis % x.ndim for x, axis in zip(self.arrays, axes, strict=True)]
        sizes = {
            x.shape[axis]: name for x, axis, name in zip(self.arrays, axes, self.names, strict=True) if axis is not None
        }
        if len(sizes) > 1 or 0 in sizes:
            raise ValueError(
                f"inputs have the same number of examples, at least 1, along batch_axes; got "
                f"{', '.join(f'{n} in {name}' for n, name in sizes.items())}. Say which axis has them, None for an "
                f"input without examples, as in batch_axes=(0, None)"
            )
        return axes

    def first(self) -> int | None:
        """The place of the first input that has examples; None if there is none."""
        return next((i for i, axis in enumerate(self.axes) if axis is not None), None)

    def sized(self, size: int) -> list[np.ndarray]:
        """The arrays with so many examples, in turn those that there are."""
        return [
            x if axis is None else np.take(x, np.arange(size) % x.shape[axis], axis)
            for x, axis in zip(self.arrays, self.axes, strict=True)
        ]

    def varied(self, size: int) -> list[np.ndarray]:
        """So many examples with floats that differ from each other."""
        rng = np.random.default_rng(0)
        return [(x + rng.normal(size=x.shape)).astype(x.dtype) if x.dtype.kind == "f" else x for x in self.sized(size)]

    def count(self) -> int:
        """How many examples are given; there is an axis of them."""
        return next(x.shape[axis] for x, axis in zip(self.arrays, self.axes, strict=True) if axis is not None)

    def called_with(self, arrays: Sequence[Any]) -> Any:
        """The arguments with other arrays, those by position and those by name."""
        remaining = iter(arrays)
        return rebuild(self.tree, [next(remaining) if is_array(x) else x for x in self.leaves])


def is_array(x: Any) -> bool:
    """Whether an argument becomes an input."""
    return hasattr(x, "shape") and hasattr(x, "__array__")


def as_input(x: Any) -> np.ndarray:
    """The plain array of an example."""
    array = np.asarray(unwrap(x))
    code_of(array.dtype)
    return array


def usual_names(module: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[str]:
    """A name for each array among the arguments: the argument's, and what leads to it in a list or dict."""
    function = module.forward if isinstance(module, Module) else module
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function without a signature
        parameters = ()
    own = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = {(own[i] if i < len(own) else f"input_{i}"): x for i, x in enumerate(args)} | dict(kwargs)
    return [name for key, tree in named.items() for name, x in paths(key, tree) if is_array(x)]


def paths(name: str, x: Any) -> list[tuple[str, Any]]:
    """The leaves of a tree with a name for each: what leads to it."""
    if not is_branch(x):
        return [] if x is None else [(name, x)]
    items = x.items() if isinstance(x, Mapping) else enumerate(x)
    return [leaf for key, branch in items for leaf in paths(f"{name}_{key}" if name else str(key), branch)]


def checked_names(what: str, given: Sequence[str] | None, usual: list[str]) -> list[str]:
    """The names of inputs or outputs, refused unless there is another for each."""
    names = usual if given is None else [given] if isinstance(given, str) else [*given]
    fit = all(isinstance(x, str) and x and not x.startswith("/") for x in names)  # as names of inner arrays do
    if not fit or len(names) != len(usual) or len({*names}) != len(names):
        raise ValueError(
            f"{what} has a name of its own for each of {', '.join(usual)}, that begins with no slash; got "
            f"{usual if given is None else given!r}"
        )
    return names


def axes_in(axes: Any, tree: Any) -> list[int | None]:
    """For each leaf of a tree its axis, given one for all leaves of a branch, or a tree of them."""
    if axes is None or (isinstance(axes, int | np.integer) and not isinstance(axes, bool)):
        return [axes if axes is None else int(axes)] * len(leaves(tree))
    fits = is_branch(axes) and is_branch(tree) and isinstance(axes, Mapping) == isinstance(tree, Mapping)
    if not fits or len(axes) != len(tree) or (isinstance(axes, Mapping) and {*axes} != {*tree}):
        raise ValueError(
            f"batch_axes is an axis, None, or has the structure of example_inputs, one for each array; got {axes!r}"
        )
    keys = tree if isinstance(tree, Mapping) else range(len(tree))
    return [axis for key in keys for axis in axes_in(axes[key], tree[key])]
