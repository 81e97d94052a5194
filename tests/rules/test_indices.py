"""Indices of a batch: reading, updates and gradients at places shared or of each entry, by Hypothesis."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import minigrad as mg

rng = np.random.default_rng(0)


def loop(f, *args):
    """What `f` makes of one entry after the other, all of whose arguments have the entries first."""
    return np.stack([f(*entry) for entry in zip(*args, strict=True)])


def close(a, b):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-12, atol=1e-12)


@st.composite
def indices(draw):
    """An index of an array of shape (3, 4, 2), and which of its parts each entry has of its own."""
    parts, own = [], []
    length = draw(st.integers(1, 3))  # of all arrays of positions
    for n in (3, 4, 2)[: draw(st.integers(1, 3))]:
        kind = draw(st.sampled_from(["slice", "integer", "positions", "entry integer", "entry positions"]))
        position = st.integers(-n, n - 1)
        if draw(st.booleans()) and not any(p is None for p in parts):
            parts.append(None)
            own.append(False)
        if kind == "slice":
            parts.append(slice(draw(st.integers(0, n)), None, draw(st.sampled_from([1, 2, -1]))))
        elif kind == "integer":
            parts.append(draw(position))
        else:
            shape = {"positions": (length,), "entry integer": (2,), "entry positions": (2, length)}[kind]
            size = int(np.prod(shape))
            parts.append(np.reshape(draw(st.lists(position, min_size=size, max_size=size)), shape))
        own.append(kind.startswith("entry"))
    if draw(st.booleans()):
        parts.append(...)
        own.append(False)
    return parts, own


# The positions stand apart behind a slice: the axis that they make comes first.
APART = [slice(None), np.array([[0, 3], [2, 1]]), None, np.array([1, 0])], [False, True, False, True]
GRID = rng.normal(size=(2, 3, 4, 2))


def mapped_with(f, index):
    """The map of `f(x, index)` over the entries of GRID and of those parts that each entry has, and its loop."""
    parts, own = index
    mine = [p for p, b in zip(parts, own, strict=True) if b]

    def of_entry(x, *given):
        given = iter(given)
        return f(x, tuple(next(given) if b else p for p, b in zip(parts, own, strict=True)))

    return of_entry, mine, mg.vmap(of_entry)(GRID, *mine), loop(of_entry, GRID, *mine)


@given(indices())
@example(APART)
def test_an_index_picks_what_it_picks_of_each_entry(index):
    """Slices, integers, positions, new axes and an ellipsis, shared or of each entry, and their gradient."""
    of_entry, mine, y, expected = mapped_with(lambda x, i: x[i], index)
    np.testing.assert_array_equal(y, expected)
    slope = mg.grad(lambda x, *i: np.sum(of_entry(x, *i) ** 3))
    close(mg.vmap(slope)(GRID, *mine), loop(slope, GRID, *mine))


@given(indices())
@example(APART)
def test_an_index_is_written_to_in_each_entry(index):
    """Updates by index_update, index_add and in place, at places that differ."""
    for f in (
        lambda x, i: mg.index_update(x, i, 7.0),
        lambda x, i: mg.index_add(x, i, x[i] * 2),
        lambda x, i: changed(x, i),
    ):
        _, _, y, expected = mapped_with(f, index)
        close(y, expected)


def changed(x, i):
    x = x * 1
    x[i] = 3.0
    return x


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.booleans())
def test_masks_shared_and_of_each_entry(mask, reverse):
    """A shared mask picks; one of each entry is written to with a number, and serves np.where."""
    mask, x = np.array(mask), GRID[:, 0]
    np.testing.assert_array_equal(mg.vmap(lambda e: e[mask])(x), x[:, mask])

    def emptied(e):
        e = e * 1
        e[e < 0 if reverse else e > 0] = 0
        return e

    close(mg.vmap(emptied)(x), loop(emptied, x))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take_and_take_along_axis(axis):
    """Positions that are shared, or those of each entry in order of its numbers."""
    where = lambda x: np.take_along_axis(x, np.argsort(x, axis=axis), axis=axis)
    close(mg.vmap(where)(GRID), np.sort(GRID, axis=axis if axis < 0 else axis + 1))
    close(mg.vmap(lambda x: np.take(x, [1, 0, 1], axis=axis))(GRID), loop(lambda x: np.take(x, [1, 0, 1], axis), GRID))
    few = np.array([[0, 1], [1, 0]])
    close(mg.vmap(lambda x, i: np.take(x, i, axis=axis))(GRID, few), loop(lambda x, i: np.take(x, i, axis), GRID, few))
