"""Picking elements and putting them back: the transpose of one is the other."""

import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.door import plain_index
from ..core.engine import undo_broadcast
from ..core.primitive import REGISTRY, constant, general, linear


def getitem(x, index):
    """``x[index]``, for every kind of index that NumPy has."""
    return operator.getitem(x, index)


def scatter(g, index, shape):
    """Zeros of `shape` to which `g` is added at `index`, as often as an element is named there."""
    if names_once(index):
        out = np.zeros_like(g, shape=shape)
        out[index] = g
        return out
    if type(g) is type(index) is np.ndarray and len(shape) > 1 and g.size and index.size < shape[0]:
        return scattered_rows(g, index, shape)
    size = int(np.prod(shape))
    # np.bincount adds in float64, and takes a half to a quarter of the time of np.add.at.
    sums = np.bincount(positions(g, index, shape).reshape(-1), weights=g.reshape(-1), minlength=size)
    return sums.reshape(shape).astype(g.dtype, copy=False)


def scattered_rows(g, index, shape):
    """What `scatter` returns of one array of integers that leaves most rows as they are, such as words of a sentence.

    Rows that are named once are copied, and only those named more than once are added up: with the same bits.
    """
    out = np.zeros(shape, g.dtype)
    out[index] = g
    rows = index.astype(np.intp, copy=False).reshape(-1)
    rows = np.where(rows < 0, rows + shape[0], rows)
    counts = np.bincount(rows, minlength=shape[0])
    several = np.flatnonzero(counts > 1)
    if several.size:
        again = np.flatnonzero(counts[rows] > 1)
        compact = np.zeros_like(counts)
        compact[several] = np.arange(several.size)
        g = g.reshape(rows.size, *shape[1:])[again]
        out[several] = scatter(g, compact[rows[again]], (several.size, *shape[1:]))
    return out


def assembled(parts, indices, shape):
    """Zeros of `shape` to which each of the parts is added at its index, as often as an element is named there."""
    out = np.zeros_like(parts[0], shape=shape)
    for part, index in zip(parts, indices, strict=True):
        if names_once(index):
            out[index] += part
        else:
            out += scatter(part, index, shape)
    return out


def index_update(x, index, v):
    """A copy of `x` in which ``x[index]`` is `v`; where an element is named more than once, the last one stays."""
    out = np.array(x) if isinstance(x, np.generic) else x.copy()
    out[index] = v
    return out


def positions(g, index, shape):
    """Where ``x[index]`` lies in an x of `shape`, as positions in x.reshape(-1), in the shape and library of `g`."""
    if getattr(index, "ndim", 0):  # one array of integers: rows of x, of which there may be many more than are picked
        index = index.astype(np.intp, copy=False)  # a small type cannot count many elements
        if type(index) is type(g):  # or else its library may not know where()
            rows = np.where(index < 0, index + shape[0], index)
        else:
            rows = np.arange(shape[0], like=g)[index]
        if len(shape) == 1:
            return rows
        rows = rows * int(np.prod(shape[1:]))
        within = np.arange(int(np.prod(shape[1:])), like=g).reshape(shape[1:])
        return rows.reshape(rows.shape + (1,) * within.ndim) + within
    return np.arange(int(np.prod(shape)), like=g).reshape(shape)[index]


def names_once(index):
    """Whether no element can be named twice: there are only slices, single integers and masks."""
    parts = index if isinstance(index, tuple) else (index,)
    return not any(isinstance(p, list) or (getattr(p, "ndim", 0) and p.dtype != bool) for p in parts)


def _survivors(g, index):
    # The elements of g that an update at `index` wrote last: write the positions in the same way and look.
    g_at = g[index]
    if names_once(index):
        return g_at
    position = np.cumsum(np.ones_like(g_at, dtype=int)).reshape(g_at.shape)
    written = index_update(np.zeros_like(g, dtype=int), index, position)
    return np.where(getitem(written, index) == position, g_at, 0)


def _written(g, shape):
    # The cotangent of what was written: NumPy drops leading axes of length 1 if there are too many.
    return np.reshape(undo_broadcast(g, shape[max(len(shape) - g.ndim, 0) :]), shape)


def _together(gs, calls, total=None):
    # What the rule of getitem makes of several cotangents for parts of one array, added up; in place, if to a total.
    shape, indices = calls[0][0].shape, [index for _, index in calls]
    if total is None:
        return scatter(gs[0], indices[0], shape) if len(gs) == 1 else assembled(gs, indices, shape)
    for g, index in zip(gs, indices, strict=True):
        if names_once(index) and total.ndim:
            total[index] = total[index] + g
        else:
            total = total + scatter(g, index, shape)
    return total


def _erase(g, x, index, v):
    g[index] = 0


getitem = linear(getitem, lambda g, y, x, index: scatter(g, index, x.shape), None, assemble=_together)
scatter = linear(scatter, lambda g, y, x, index, shape: g[index], None, None)
assembled = linear(assembled, lambda g, y, parts, indices, shape: [g[index] for index in indices], sequence=True)
index_update = linear(
    index_update,
    lambda g, y, x, index, v: index_update(g, index, 0),
    None,
    lambda g, y, x, index, v: _written(_survivors(g, index), np.shape(v)),
    erase=_erase,
)
REGISTRY[np.ndarray.__getitem__], REGISTRY[np.ndarray.__setitem__] = getitem, index_update

# By position along an axis


def _take(g, y, x, indices, axis=None):
    indices = plain_index(indices)
    if isinstance(indices, tuple | list):
        indices = np.array(indices, dtype=np.intp)
    elif np.ndim(indices):
        indices = indices.astype(np.intp, copy=False)  # booleans as well, which np.take reads as 0 and 1
    if axis is None:
        return np.reshape(scatter(g, indices, (x.size,)), x.shape)
    before = (slice(None),) * normalize_axis_index(axis, x.ndim)
    return scatter(g, (*before, indices) if before else indices, x.shape)


def _along(indices, axis, shape):
    # Indices for all axes, of which those along `axis` are given and the others count.
    grid = [np.arange(n).reshape((-1,) + (1,) * (len(shape) - i - 1)) for i, n in enumerate(shape)]
    grid[axis] = indices
    return tuple(grid)


def _take_along_axis(g, y, x, indices, axis=-1):
    indices = plain_index(indices)
    if axis is None:
        return np.reshape(scatter(g, indices, (x.size,)), x.shape)
    return scatter(g, _along(indices, axis, x.shape), x.shape)


linear(np.take, _take, None)
linear(np.take_along_axis, _take_along_axis, None)


def weighted_counts(x, weights, minlength=0):
    """The sum of the weights of each integer in `x`, from 0 on."""
    return np.bincount(x, weights, minlength)


weighted_counts = linear(weighted_counts, None, lambda g, y, x, weights, minlength=0: g[x])


# Sorting is a permutation, a stable one where elements are equal.


def _order(x, axis):
    return np.argsort(x, axis=axis, kind="stable")


def _sort(g, y, x, axis=-1, kind=None, order=None, *, stable=None):
    if axis is None:
        return np.reshape(_sort(g, y, np.reshape(x, -1), 0), x.shape)
    return _take_along_axis(g, y, x, _order(x, axis), None if x.ndim == 1 else axis)


def _sort_forward(t, y, x, axis=-1, kind=None, order=None, *, stable=None):
    return np.take_along_axis(t, _order(x, axis), axis)


general(np.sort, _sort, forward=[_sort_forward])


# Positions

constant(np.argsort, np.argpartition, np.argwhere, np.nonzero, np.flatnonzero, np.searchsorted, np.digitize)
constant(np.isin, np.lexsort, np.unravel_index, np.ravel_multi_index)
