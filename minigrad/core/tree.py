"""Nested lists, tuples and mappings of arrays, of any of their subclasses."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from typing import Any

import numpy as np

CONTAINERS = frozenset({dict, list, tuple})
LEAVES = frozenset({np.ndarray, np.float64, float, int})  # which most leaves are


def is_branch(x: Any) -> bool:
    """Whether it is a list, tuple or mapping, rather than a leaf."""
    kind = type(x)
    if kind in CONTAINERS:
        return True
    # SciPy's dok matrices are dicts.
    return isinstance(x, list | tuple | Mapping) and not (hasattr(kind, "__array_ufunc__") or hasattr(kind, "tocsr"))


def children_of(tree: Any) -> Iterable[Any]:
    """What a list, tuple or mapping holds."""
    if type(tree) is dict:  # which Python knows faster than a mapping
        return tree.values()
    return tree.values() if type(tree) not in CONTAINERS and isinstance(tree, Mapping) else tree


def leaves(tree: Any) -> list[Any]:
    """What lies in `tree` and is no list, tuple or mapping itself, in order; None is an empty tree."""
    found: list[Any] = []
    collect(tree, found)
    return found


def collect(tree: Any, found: list[Any]) -> None:
    """Add the leaves of a tree to those found so far."""
    if type(tree) not in LEAVES and is_branch(tree):
        for branch in children_of(tree):
            if type(branch) in LEAVES:
                found.append(branch)
            else:
                collect(branch, found)
    elif tree is not None:
        found.append(tree)


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """A tree like `tree`, of `function` of each leaf and of what is in its place in the `others`.

    Raises
    ------
    ValueError
        If one of the others has another structure.
    """
    if tree is None and any(other is not None for other in others):
        raise ValueError(f"expected None, as the argument is; got {next(x for x in others if x is not None)!r}")
    if type(tree) in LEAVES or not is_branch(tree):
        return None if tree is None else function(tree, *others)
    keys = tree if isinstance(tree, Mapping) else range(len(tree))
    if others:
        branches = [tree_map(function, tree[key], *(part(other, key, tree) for other in others)) for key in keys]
    else:
        branches = [tree_map(function, tree[key]) for key in keys]
    return with_branches(tree, branches)


def with_branches(tree: Any, branches: list[Any]) -> Any:
    """A container of the kind of `tree`, and with all that it has, but for other branches."""
    kind = type(tree)
    if kind is list:
        return branches
    if kind is tuple:
        return tuple(branches)
    if kind is dict:
        return dict(zip(tree, branches, strict=True))
    if isinstance(tree, tuple):
        return kind(*branches) if hasattr(tree, "_fields") else kind(branches)
    if isinstance(tree, list):
        new = copy(tree)
        new[:] = branches
        return new
    if not hasattr(tree, "__setitem__"):
        return kind(dict(zip(tree, branches, strict=True)))
    new = copy(tree)
    for key, branch in zip(tree, branches, strict=True):
        new[key] = branch
    return new


def part(other: Any, key: Any, tree: Any) -> Any:
    """The branch of `other` that corresponds to that of `tree` under `key`."""
    if (
        isinstance(tree, Mapping) != isinstance(other, Mapping)
        or not hasattr(other, "__getitem__")
        or len(other) != len(tree)
        or (isinstance(tree, Mapping) and key not in other)
    ):
        raise ValueError(f"expected a {type(tree).__name__} of {len(tree)}, as the argument is; got {other!r}")
    return other[key]


def rebuild(tree: Any, new_leaves: list[Any]) -> Any:
    """A tree like `tree` of other leaves, in the order of `leaves`."""
    return with_leaves(tree, iter(new_leaves))


def with_leaves(tree: Any, remaining: Iterator[Any]) -> Any:
    """A tree like `tree`, of the leaves that remain."""
    kind = type(tree)
    if kind not in CONTAINERS and not is_branch(tree):
        return None if tree is None else next(remaining)
    if kind is dict:
        return {k: next(remaining) if type(b) in LEAVES else with_leaves(b, remaining) for k, b in tree.items()}
    branches = tree if kind in CONTAINERS else children_of(tree)
    branches = [next(remaining) if type(b) in LEAVES else with_leaves(b, remaining) for b in branches]
    return branches if kind is list else with_branches(tree, branches)
