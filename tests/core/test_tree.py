"""Nested lists, tuples and dicts: mapped in their structure, with other trees beside them."""

from collections import OrderedDict, namedtuple

import pytest

from minigrad.core.tree import leaves, rebuild, tree_map

Pair = namedtuple("Pair", "a b")
TREE = {"x": [1, (2, None)], "y": Pair(3, {"z": 4}), "empty": []}


def test_leaves_come_in_order():
    """leaves lists what is no container, in order; None is an empty tree."""
    assert leaves(TREE) == [1, 2, 3, 4]
    assert leaves(None) == []
    assert leaves("ab") == ["ab"]


def test_tree_map_keeps_the_structure():
    """tree_map answers containers of the same types and keys."""
    result = tree_map(lambda x: -x, TREE)
    assert result == {"x": [-1, (-2, None)], "y": Pair(-3, {"z": -4}), "empty": []}
    assert type(result["y"]) is Pair
    assert type(tree_map(abs, OrderedDict(b=1, a=2))) is OrderedDict
    assert list(tree_map(abs, OrderedDict(b=1, a=2))) == ["b", "a"]
    assert tree_map(abs, -1) == 1


def test_tree_map_of_several_trees():
    """Others are looked up in the place of each leaf: by key in dicts, by position in sequences."""
    assert tree_map(lambda x, y: x + y, {"a": 1, "b": [2, 3]}, {"b": (20, 30), "a": 10}) == {"a": 11, "b": [22, 33]}


@pytest.mark.parametrize(
    ("tree", "other", "wanted"),
    [
        ([1, 2], [1], "a list of 2"),
        ([1, 2], 3, "a list of 2"),
        ((1,), {0: 1}, "a tuple of 1"),
        ({"a": 1}, [1], "a dict of 1"),
        ({"a": 1}, {"b": 1}, "a dict of 1"),
        ({"a": [1]}, {"a": None}, "a list of 1"),
    ],
)
def test_another_structure_is_refused(tree, other, wanted):
    """A tree of another structure raises, with what was expected and what came."""
    with pytest.raises(ValueError, match=f"expected {wanted}, as the argument is; got "):
        tree_map(lambda x, y: x, tree, other)


def test_none_beside_a_tree_is_refused():
    """It is an empty tree, and what is beside it would be lost."""
    with pytest.raises(ValueError, match=r"expected None, as the argument is; got \[3\.0\]"):
        tree_map(lambda *parts: parts, {"x": 1.0, "y": None}, {"x": 2.0, "y": [3.0]})
    assert tree_map(lambda *parts: parts, {"x": 1.0, "y": None}, {"x": 2.0, "y": None}) == {"x": (1.0, 2.0), "y": None}


def test_rebuild_is_the_inverse_of_leaves():
    """rebuild puts new leaves into the places of the old ones."""
    assert rebuild(TREE, leaves(TREE)) == TREE
    assert rebuild({"a": [1, 2]}, ["x", "y"]) == {"a": ["x", "y"]}
