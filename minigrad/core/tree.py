"""Nested lists, tuples and dicts of arrays."""

from collections.abc import Callable
from typing import Any

BRANCHED = (dict, list, tuple)


def leaves(tree: Any) -> list[Any]:
    """What lies in `tree` and is no list, tuple or dict itself, in order; None is an empty tree."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    if isinstance(tree, list | tuple):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """A tree like `tree`, of `function` of each leaf and of what is in its place in the `others`.

    Raises
    ------
    ValueError
        If one of the others has another structure.
    """
    if not isinstance(tree, BRANCHED):
        return None if tree is None else function(tree, *others)
    keys = tree if isinstance(tree, dict) else range(len(tree))
    if others:
        branches = [tree_map(function, tree[key], *(part(other, key, tree) for other in others)) for key in keys]
    else:
        branches = [tree_map(function, tree[key]) for key in keys]
    if isinstance(tree, dict):
        return type(tree)(zip(keys, branches, strict=True))
    return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)


def part(other: Any, key: Any, tree: Any) -> Any:
    """The branch of `other` that corresponds to that of `tree` under `key`."""
    if (
        isinstance(tree, dict) != isinstance(other, dict)
        or not hasattr(other, "__getitem__")
        or len(other) != len(tree)
        or (isinstance(tree, dict) and key not in other)
    ):
        raise ValueError(f"expected a {type(tree).__name__} of {len(tree)}, as the argument is; got {other!r}")
    return other[key]


def rebuild(tree: Any, new_leaves: list[Any]) -> Any:
    """A tree like `tree` of other leaves, in the order of `leaves`."""
    remaining = iter(new_leaves)
    return tree_map(lambda _: next(remaining), tree)
