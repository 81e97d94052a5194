"""Picking elements and putting them back: the transpose of one is the other."""

import operator

import numpy as np

from ..primitive import linear, undo_broadcast


def getitem(x, index):
    """``x[index]``, for every kind of index that NumPy has."""
    return operator.getitem(x, index)


def scatter(g, index, shape):
    """Zeros of `shape` to which `g` is added at `index`, as often as an element is named there."""
    out = np.zeros(shape, g.dtype, like=None if isinstance(g, np.generic) else g)
    if names_once(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def index_update(x, index, v):
    """A copy of `x` in which ``x[index]`` is `v`; where an element is named more than once, the last one stays."""
    out = np.array(x) if isinstance(x, np.generic) else x.copy()
    out[index] = v
    return out


def names_once(index):
    """Whether no element can be named twice: there are only slices, single integers and masks."""
    parts = index if isinstance(index, tuple) else (index,)
    return not any(isinstance(p, list) or (getattr(p, "ndim", 0) and p.dtype != bool) for p in parts)


def _survivors(g, index):
    # The elements of g that an update at `index` wrote last: write the positions in the same way and look.
    g_at = getitem(g, index)
    if names_once(index):
        return g_at
    position = np.arange(g_at.size).reshape(g_at.shape)
    written = np.zeros(g.shape, int)
    written[index] = position
    return np.where(written[index] == position, g_at, 0)


getitem = linear(getitem, lambda g, y, x, index: scatter(g, index, x.shape), None)
scatter = linear(scatter, lambda g, y, x, index, shape: getitem(g, index), None, None)
index_update = linear(
    index_update,
    lambda g, y, x, index, v: index_update(g, index, 0),
    None,
    lambda g, y, x, index, v: undo_broadcast(_survivors(g, index), np.shape(v)),
)
