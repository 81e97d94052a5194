"""Picking by positions along an axis, counting them, and sorting, which is a permutation."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.door import plain_index
from ..core.engine import total
from ..core.primitive import constant, general, linear
from .batching import along, beyond, flat_entries, one_by_one, refused, rewritten, whole
from .indexing import scatter, take_at
from .precision import of_floats


def _within(indices, n, mode):
    # Positions out of range as NumPy's modes take them.
    return indices if mode == "raise" else np.clip(indices, 0, n - 1) if mode == "clip" else np.remainder(indices, n)


def _take(g, y, x, indices, axis=None, out=None, mode="raise"):
    indices = plain_index(indices)
    if isinstance(indices, tuple | list):
        indices = np.array(indices, dtype=np.intp)
    elif np.ndim(indices) and indices.dtype != np.intp:
        indices = indices.astype(np.intp)  # booleans as well, which np.take reads as 0 and 1
    if mode != "raise":
        indices = _within(indices, x.size if axis is None else x.shape[axis], mode)
    if axis is None:
        return np.reshape(scatter(g, indices, (x.size,)), x.shape)
    before = (slice(None),) * normalize_axis_index(axis, x.ndim)
    return scatter(g, plain_index((*before, indices)) if before else indices, x.shape)


def grid_along(indices, axis, shape):
    # Indices for all axes, of which those along `axis` are given and the others count.
    grid = [np.arange(n).reshape((-1,) + (1,) * (len(shape) - i - 1)) for i, n in enumerate(shape)]
    grid[axis] = indices
    return tuple(grid)


def _take_along_axis(g, y, x, indices, axis=-1):
    indices = plain_index(indices)
    if axis is None:
        return np.reshape(scatter(g, indices, (x.size,)), x.shape)
    return scatter(g, plain_index(grid_along(indices, axis, x.shape)), x.shape)


def _batched_take(call):
    if call.only_first():
        return along(none="flat", place=2)(call)

    def take(x, indices, axis=None, out=None, mode="raise"):
        x = np.reshape(x, -1) if axis is None else x
        axis = normalize_axis_index(axis or 0, x.ndim)
        indices, before = _within(indices, x.shape[axis], mode), (slice(None),) * axis
        return take_at(x, (*before, indices.astype(np.intp)))

    return rewritten(take)(call)


def _batched_along(call):
    x, indices, axis = call.full(0), call.full(1), call.option("axis", 2, -1)
    if axis is None:
        return np.take_along_axis(flat_entries(x), indices, 1)
    return np.take_along_axis(x, indices, beyond(axis, x.ndim - 1))


linear(np.take, _take, None, batch=_batched_take)
linear(np.take_along_axis, _take_along_axis, None, batch=_batched_along)


def repeated(x, counts, axis):
    """Each slice of `x` along an axis as often as `counts` says, one number or an array, one after the other."""
    return np.repeat(x, counts, axis)


@of_floats
def summed_runs(x, counts, axis):
    """The sums of consecutive parts of `x` along an axis, each as long as `counts` says."""
    if not np.ndim(counts):
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        apart = np.reshape(x, (*before, x.shape[axis] // counts, counts, *after))
        return np.squeeze(total(apart, (axis + 1,), keepdims=True), axis + 1)
    x = np.moveaxis(x, axis, 0)
    sums, starts = np.zeros_like(x, shape=(counts.size, *x.shape[1:])), np.cumsum(counts) - counts
    for k in range(np.max(counts, initial=0)) if x.shape[0] else ():
        some = np.flatnonzero(counts > k)
        sums[some] += x[starts[some] + k]
    return np.moveaxis(sums, 0, axis)


repeated = linear(repeated, lambda g, y, x, counts, axis: summed_runs(g, counts, axis), None, batch=along(0, place=2))
summed_runs = linear(
    summed_runs, lambda g, y, x, counts, axis: repeated(g, counts, axis), None, batch=along(0, place=2)
)


def weighted_counts(x, weights, minlength=0):
    """The sum of the weights of each integer in `x`, from 0 on."""
    return np.bincount(x, weights, minlength)


COUNTED = refused(
    "makes an array as long as the largest integer", "Use mg.index_add(np.zeros(n), x, weights), which is n long"
)


weighted_counts = linear(
    weighted_counts,
    None,
    lambda g, y, x, weights, minlength=0: g[x],
    batch=lambda call: (COUNTED if call.own[0] else one_by_one)(call),
)


# Sorting is a permutation, a stable one where elements are equal.


def _sorting_order(x, axis):
    return np.argsort(x, axis=axis, kind="stable")


def _sort(g, y, x, axis=-1, kind=None, order=None, *, stable=None):
    if axis is None:
        return np.reshape(_sort(g, y, np.reshape(x, -1), 0), x.shape)
    return _take_along_axis(g, y, x, _sorting_order(x, axis), None if x.ndim == 1 else axis)


def _sort_forward(t, y, x, axis=-1, kind=None, order=None, *, stable=None):
    return np.take_along_axis(t, _sorting_order(x, axis), axis)


general(np.sort, _sort, forward=[_sort_forward], batch=along(-1, "flat"))


# Positions


def last_extreme(x, axis, ufunc):
    """Along an axis, for each element, where the running maximum or minimum was attained last; a NaN attains it."""
    here = np.cumsum(np.ones_like(x, dtype=np.intp), axis=axis) - 1
    attained = (ufunc.accumulate(x, axis=axis) == x) | (x != x)
    return np.maximum.accumulate(np.where(attained, here, 0), axis=axis)


last_extreme = constant(last_extreme, batch=along())
constant(np.argsort, batch=along(-1, "flat"))
constant(np.argpartition, batch=along(-1, "flat", place=2))
constant(
    *(np.argwhere, np.nonzero, np.flatnonzero),
    batch=refused("finds a number of elements", "Use np.where(condition, x, 0), or a sum over the condition"),
)


def _batched_search(call):
    # Of one sorted array, the positions of any numbers; others are searched one by one.
    return one_by_one(call) if call.own[0] else whole(call)


constant(np.searchsorted, batch=_batched_search)
constant(np.digitize, np.isin, batch=lambda call: (whole if call.only_first() else one_by_one)(call))
constant(np.unravel_index, batch=whole)
constant(np.lexsort, np.ravel_multi_index)
