"""Nested lists, tuples and mappings of arrays, of any of their subclasses."""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any

PLAIN = frozenset({dict, list, tuple})


def is_branch(x: Any) -> bool:
    """Whether it is a list, tuple or mapping, rather than a leaf."""
    return type(x) in PLAIN or (not hasattr(x, "dtype") and isinstance(x, list | tuple | Mapping))


def leaves(tree: Any) -> list[Any]:
    """What lies in `tree` and is no list, tuple or mapping itself, in order; None is an empty tree."""
    if is_branch(tree):
        return [leaf for branch in (tree.values() if isinstance(tree, Mapping) else tree) for leaf in leaves(branch)]
    return [] if tree is None else [tree]


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """A tree like `tree`, of `function` of each leaf and of what is in its place in the `others`.

    Raises
    ------
    ValueError
        If one of the others has another structure.
    """
    if not is_branch(tree):
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
    return rebuilt(tree, iter(new_leaves))


def rebuilt(tree: Any, remaining: Iterator[Any]) -> Any:
    if not is_branch(tree):
        return None if tree is None else next(remaining)
    branches = [rebuilt(b, remaining) for b in (tree.values() if isinstance(tree, Mapping) else tree)]
    return with_branches(tree, branches)
