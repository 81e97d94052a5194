"""Picking elements and putting them back: the transpose of one is the other."""

import operator

import numpy as np

from ..core.door import Watched, plain_index
from ..core.engine import undo_broadcast
from ..core.primitive import REGISTRY, linear
from ..errors import BatchError
from .batching import rewritten, with_rank
from .indices import BatchIndex, Picks, index_parts, of_all, whole_batch_index


def getitem(x, index):
    """``x[index]``, for every kind of index that NumPy has."""
    return operator.getitem(x, index)


def take_at(x, index):
    """``x[index]``, also where `x` is a plain array and the positions are a batch's."""
    return x[index] if isinstance(x, Watched) else getitem(x, plain_index(index) if type(index) is tuple else index)


def scatter(g, index, shape):
    """Zeros of `shape` to which `g` is added at `index`, as often as an element is named there."""
    if names_once(index):
        out = np.zeros_like(g, shape=shape)
        out[index] = g
        return out
    if type(g) is type(index) is np.ndarray and len(shape) > 1 and g.size and index.size < shape[0]:
        return scattered_rows(g, index, shape)
    size = int(np.prod(shape))
    if type(g) is np.ndarray and g.dtype == np.float64:  # NumPy adds in place at flat positions alone this fast
        out = np.zeros(size)
        if not g.ndim == len(shape) == 1:
            index, g = flat_positions(g, index, shape).reshape(-1), g.reshape(-1)
        np.add.at(out, index, g)
        return out.reshape(shape)
    # np.bincount adds in float64, whatever the dtype.
    sums = np.bincount(flat_positions(g, index, shape).reshape(-1), weights=g.reshape(-1), minlength=size)
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
    """A copy of `x` in which ``x[index]`` is `v`; where an index names an element repeatedly, the last value stays."""
    out = np.array(x) if isinstance(x, np.generic) else x.copy()
    out[index] = v
    return out


def flat_positions(g, index, shape):
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
    if isinstance(index, Watched) and _is_mask(index):  # of a batch: one number was written
        return np.sum(np.where(_over_rest(index, g.ndim), g, 0))
    g_at = take_at(g, index)
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
    if any(isinstance(index, Watched) for index in indices):  # of a batch: positions differ
        return sum(map(scatter, gs, indices, [shape] * len(gs)), 0 if total is None else total)
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


# One axis more, see batching.py


def _picks_of(call, k, x):
    # The places of the index, operand k, in entries of the shape of x, unless they are the same for all and stay.
    index, shape = call.operands[k], x
    if call.own[k]:
        return None, BatchIndex(index if isinstance(index, Picks) else Picks([index], [True]), shape, call.size)
    target = whole_batch_index(index)
    if target is not None:
        return target, None
    parts = index_parts(index)
    return None, BatchIndex(Picks(parts, [False] * len(parts)), shape, call.size)


def _batched_getitem(call):
    x = call.operands[0]
    target, places = _picks_of(call, 1, np.shape(x)[call.own[0] :])
    if places is None:
        return take_at(x, target)
    within = places.basic
    x = places.first(take_at(x, of_all(within) if call.own[0] else within), int(call.own[0]))
    return places.placed(take_at(x, (places.entries, *places.arrays) if call.own[0] else places.arrays))


def _batched_scatter(call):
    g, _, shape = call.full(0), *call.operands[1:]
    target, places = _picks_of(call, 1, shape)
    if places is None:
        return scatter(g, plain_index(target), (call.size, *shape))
    y = scatter(places.gathered(g), plain_index((places.entries, *places.arrays)), (call.size, *places.inside))
    y = places.back(y)
    return y if places.is_all() else scatter(y, of_all(places.basic), (call.size, *shape))


def _batched_update(call):
    x, index, v = call.full(0), *call.operands[1:]
    if _is_mask(index) and (call.own[1] or isinstance(index, Watched)):
        return _batched_mask(call, x, index)
    target, places = _picks_of(call, 1, x.shape[1:])
    if places is None:
        if call.own[2]:
            v = _fitting(v, take_at(np.broadcast_to(False, x.shape), target).ndim - 1)
        return index_update(x, plain_index(target), v)
    v = _fitting(v, len(places.result)) if call.own[2] else v
    v = places.gathered(np.broadcast_to(v, (call.size, *places.result)))
    inside = places.first(take_at(x, of_all(places.basic)))
    inside = places.back(index_update(inside, plain_index((places.entries, *places.arrays)), v))
    return inside if places.is_all() else index_update(x, of_all(places.basic), inside)


def _is_mask(index):
    return getattr(getattr(index, "dtype", None), "kind", "") == "b"


def _fitting(v, ndim):
    # All entries of what is written, with `ndim` axes each; NumPy drops leading axes of length 1 if there are more.
    return with_rank(v, ndim) if v.ndim <= ndim + 1 else np.reshape(v, (v.shape[0], *v.shape[v.ndim - ndim :]))


def _batched_mask(call, x, mask):
    if call.rank(2):
        raise BatchError(
            "x[mask] = v with a mask that differs between the entries of a batch takes a single number v. Use "
            "np.where(mask, v, x) with a v of the shape of x"
        )
    v = with_rank(call.operands[2], x.ndim - 1) if call.own[2] else call.operands[2]
    return np.where(_over_rest(mask, x.ndim - (not call.own[1])), v, x).astype(x.dtype)


def _over_rest(mask, ndim):
    # A mask of the first axes of an array of `ndim`.
    return np.reshape(mask, (*mask.shape, *(1,) * (ndim - mask.ndim)))


def _batched_assembled(call):
    return rewritten(lambda parts, indices, shape: sum(map(scatter, parts, indices, [shape] * len(parts))))(call)


# The rules

getitem = linear(
    getitem, lambda g, y, x, index: scatter(g, index, x.shape), None, assemble=_together, batch=_batched_getitem
)
scatter = linear(scatter, lambda g, y, x, index, shape: take_at(g, index), None, None, batch=_batched_scatter)
assembled = linear(
    assembled,
    lambda g, y, parts, indices, shape: [take_at(g, index) for index in indices],
    sequence=True,
    batch=_batched_assembled,
)
index_update = linear(
    index_update,
    lambda g, y, x, index, v: index_update(g, index, 0),
    None,
    lambda g, y, x, index, v: _written(_survivors(g, index), np.shape(v)),
    erase=_erase,
    batch=_batched_update,
)
REGISTRY[np.ndarray.__getitem__], REGISTRY[np.ndarray.__setitem__] = getitem, index_update
