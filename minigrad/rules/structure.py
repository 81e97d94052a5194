"""Functions that move elements about: shapes, axes, joining, cutting, dtypes."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.lib.stride_tricks import sliding_window_view

from ..core.engine import undo_broadcast
from ..core.primitive import REGISTRY, constant, general, linear
from .batching import (
    along,
    beyond,
    flat_entries,
    of_entry,
    one_by_one,
    refused,
    rewritten,
    trailing,
    whole,
    with_rank,
)
from .precision import InSingle

# Shapes and axes: the transpose puts each element back.


def _batched_reshape(call):
    x, shape, order = call.operands[0], call.operands[1], call.option("order", 2, "C")
    if order == "F":  # as the reverse of the axes in the order C
        shape = tuple(shape) if np.iterable(shape) else (shape,)
        return rewritten(lambda x, *_: np.transpose(np.reshape(np.transpose(x), shape[::-1])))(call)
    length = math.prod(x.shape[1:])
    return np.reshape(x, (call.size, *resolved_shape(shape, length)))


def resolved_shape(shape, size):
    """The lengths of the axes that an array of `size` elements has in `shape`, of which one may be -1."""
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    return np.broadcast_to(False, (size,)).reshape(shape).shape if -1 in shape or not size else shape


def _batched_transpose(call):
    n, axes = call.rank(0), call.option("axes", 1)
    axes = range(n)[::-1] if axes is None else normalize_axis_tuple(axes, n)
    return np.transpose(call.operands[0], (0, *(i + 1 for i in axes)))


def _batched_expand_dims(call):
    axis = call.option("axis", 1)
    count = len(axis) if isinstance(axis, tuple | list) else 1
    return np.expand_dims(call.operands[0], beyond(axis, call.rank(0) + count))


def _batched_squeeze(call):
    x, axis = call.operands[0], call.option("axis", 1)
    axis = tuple(i for i, n in enumerate(x.shape) if i and n == 1) if axis is None else beyond(axis, call.rank(0))
    return np.squeeze(x, axis)


def _batched_broadcast_to(call):
    x, shape = call.operands[0], call.option("shape", 1)
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    if call.rank(0) > len(shape):
        raise ValueError(f"an array of shape {x.shape[1:]} is not broadcast to fewer axes; got the shape {shape}")
    return np.broadcast_to(with_rank(x, len(shape)), (call.size, *shape))


def _batched_roll(call):
    x, shift, axis = call.operands[0], call.option("shift", 1), call.option("axis", 2)
    if call.own != [True, *[False] * (len(call.own) - 1)]:
        return one_by_one(call)
    if axis is None:
        return np.reshape(np.roll(flat_entries(x), np.sum(shift), 1), x.shape)
    return np.roll(x, shift, beyond(axis, call.rank(0)))


def reshape(x, shape, order="C"):
    """As np.reshape, in an order that does not depend on memory: a tangent may have another layout than `x`."""
    return np.reshape(x, shape, order=order)


reshape = linear(
    reshape,
    lambda g, y, x, shape, order="C": np.reshape(g, x.shape, order=order),
    compute=lambda x, shape, order="C": x.reshape(shape, order=order),
    batch=_batched_reshape,
)
linear(np.copy, lambda g, y, a, order="K", subok=False: g, batch=whole)
linear(
    np.transpose,
    lambda g, y, x, axes=None: np.transpose(g, axes and tuple(np.argsort(np.mod(axes, x.ndim)).tolist())),
    compute=lambda x, axes=None: x.transpose(axes),
    batch=_batched_transpose,
)
linear(np.matrix_transpose, lambda g, *_: np.matrix_transpose(g), batch=trailing(2))
linear(np.expand_dims, lambda g, y, x, axis: np.reshape(g, x.shape), batch=_batched_expand_dims)
linear(np.squeeze, lambda g, y, x, axis=None: np.reshape(g, x.shape), batch=_batched_squeeze)
linear(np.broadcast_to, lambda g, y, x, shape: undo_broadcast(g, x.shape), batch=_batched_broadcast_to)
linear(np.flip, lambda g, y, x, axis=None: np.flip(g, axis), batch=along())
linear(
    np.roll,
    lambda g, y, x, shift, axis=None: np.roll(g, np.negative(shift).tolist(), axis),
    batch=_batched_roll,
)
linear(np.tril, lambda g, y, x, k=0: np.tril(g, k), batch=trailing(2))
linear(np.triu, lambda g, y, x, k=0: np.triu(g, k), batch=trailing(2))


# Joining: each array gets its own part back.


def _cut_like(g, y, arrays, axis=0):
    if axis is None:
        return [np.reshape(part, x.shape) for part, x in zip(_cut(g, [x.size for x in arrays], 0), arrays, strict=True)]
    return _cut(g, [x.shape[axis] for x in arrays], axis)


def _cut(g, lengths, axis):
    before = (slice(None),) * (axis % g.ndim)
    ends = np.cumsum(lengths).tolist()
    return [g[*before, end - n : end] for n, end in zip(lengths, ends, strict=True)]


def _layers(g, y, arrays, axis=0):
    before = (slice(None),) * (axis % g.ndim)
    return [g[*before, i] for i in range(len(arrays))]


def _batched_concatenate(call):
    axis, parts = call.option("axis", 1, 0), [call.full(i) for i in range(len(call.operands))]
    if axis is None:
        return np.concatenate([flat_entries(x) for x in parts], 1)
    return np.concatenate(parts, beyond(axis, call.rank(0)))


def _batched_stack(call):
    parts = [call.full(i) for i in range(len(call.operands))]
    return np.stack(parts, beyond(call.option("axis", 1, 0), call.rank(0) + 1))


linear(np.concatenate, _cut_like, sequence=True, batch=_batched_concatenate)
linear(np.stack, _layers, sequence=True, batch=_batched_stack)


# Padding and windows


def padded(x, widths, values):
    """`x` with constant `values` around, in widths and values as np.pad takes them."""
    return np.pad(x, widths, constant_values=values)


def _unpadded(widths, shape):
    pairs = np.broadcast_to(widths, (len(shape), 2)).tolist()
    return tuple(slice(first, first + n) for (first, _), n in zip(pairs, shape, strict=True))


def _batched_padded(call):
    x, widths, values = call.operands
    if not call.only_first():
        return one_by_one(call)
    pairs = [np.broadcast_to(pair, (call.rank(0), 2)).tolist() for pair in (widths, values)]
    return padded(x, [(0, 0), *pairs[0]], [(0, 0), *pairs[1]])


padded = general(
    padded,
    lambda g, y, x, widths, values: g[_unpadded(widths, x.shape)],
    forward=[lambda t, y, x, widths, values: padded(t, widths, 0)],
    batch=_batched_padded,
)


def add_windows(g, axes, shape):
    """The transpose of sliding_window_view: zeros of `shape` to which each window is added where it was cut out."""
    out = np.zeros_like(g, shape=shape)
    for offset in np.ndindex(g.shape[len(shape) :]):
        place = [slice(None)] * len(shape)
        for axis, start in zip(axes, offset, strict=True):
            place[axis] = slice(place[axis].start or 0, None)
            place[axis] = slice(place[axis].start + start, place[axis].start + start + g.shape[axis])
        out[tuple(place)] += g[(..., *offset)]
    return out


def _window_axes(x, axis):
    return normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim, allow_duplicate=True)


def _batched_windows(call):
    axis, n = call.option("axis", 2), call.rank(0)
    axes = normalize_axis_tuple(range(n) if axis is None else axis, n, allow_duplicate=True)
    return sliding_window_view(call.operands[0], call.operands[1], [i + 1 for i in axes])


linear(
    sliding_window_view,
    InSingle(lambda g, y, x, window_shape, axis=None: add_windows(g, _window_axes(x, axis), x.shape)),
    batch=_batched_windows,
)
add_windows = linear(
    add_windows,
    lambda g, y, x, axes, shape: sliding_window_view(g, x.shape[len(shape) :], axes),
    batch=lambda call: add_windows(
        call.operands[0], [axis + 1 for axis in call.operands[1]], (call.size, *call.operands[2])
    ),
)


# Dtypes


def astype(x, dtype):
    """`x` in another dtype."""
    return x.astype(dtype)


astype = linear(astype, lambda g, y, x, dtype: g.astype(x.dtype), None, batch=whole)
REGISTRY[np.ndarray.astype] = astype

# Questions and new arrays

constant(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.result_type, batch=of_entry)
constant(np.can_cast, np.iscomplexobj, np.isrealobj, np.isscalar, np.broadcast_shapes, batch=of_entry)
constant(np.min_scalar_type, np.common_type, np.shares_memory, np.may_share_memory, batch=of_entry)
constant(np.array_str, np.array_repr, np.array2string, batch=refused("makes text", "Return the array, and print that"))
