"""Functions that move elements about: shapes, axes, joining, cutting, dtypes."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.lib.stride_tricks import sliding_window_view

from ..core.engine import undo_broadcast
from ..core.primitive import REGISTRY, constant, general, linear
from .precision import InSingle

# Shapes and axes: the transpose puts each element back.


def reshape(x, shape, order="C"):
    """As np.reshape, in an order that does not depend on memory: a tangent may have another layout than `x`."""
    return np.reshape(x, shape, order=order)


reshape = linear(
    reshape,
    lambda g, y, x, shape, order="C": np.reshape(g, x.shape, order=order),
    compute=lambda x, shape, order="C": x.reshape(shape, order=order),
)
linear(np.copy, lambda g, y, a, order="K", subok=False: g)
linear(
    np.transpose,
    lambda g, y, x, axes=None: np.transpose(g, axes and tuple(np.argsort(np.mod(axes, x.ndim)).tolist())),
    compute=lambda x, axes=None: x.transpose(axes),
)
linear(np.matrix_transpose, lambda g, *_: np.matrix_transpose(g))
linear(np.expand_dims, lambda g, y, x, axis: np.reshape(g, x.shape))
linear(np.squeeze, lambda g, y, x, axis=None: np.reshape(g, x.shape))
linear(np.broadcast_to, lambda g, y, x, shape: undo_broadcast(g, x.shape))
linear(np.flip, lambda g, y, x, axis=None: np.flip(g, axis))
linear(np.roll, lambda g, y, x, shift, axis=None: np.roll(g, np.negative(shift).tolist(), axis))
linear(np.tril, lambda g, y, x, k=0: np.tril(g, k))
linear(np.triu, lambda g, y, x, k=0: np.triu(g, k))


# Joining: each array gets its own part back.


def _parts(g, y, arrays, axis=0):
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


linear(np.concatenate, _parts, sequence=True)
linear(np.stack, _layers, sequence=True)


# Padding and windows


def padded(x, widths, values):
    """`x` with constant `values` around, in widths and values as np.pad takes them."""
    return np.pad(x, widths, constant_values=values)


def _inside(widths, shape):
    pairs = np.broadcast_to(widths, (len(shape), 2)).tolist()
    return tuple(slice(first, first + n) for (first, _), n in zip(pairs, shape, strict=True))


padded = general(
    padded,
    lambda g, y, x, widths, values: g[_inside(widths, x.shape)],
    forward=[lambda t, y, x, widths, values: padded(t, widths, 0)],
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


linear(
    sliding_window_view,
    InSingle(lambda g, y, x, window_shape, axis=None: add_windows(g, _window_axes(x, axis), x.shape)),
)
add_windows = linear(
    add_windows,
    lambda g, y, x, axes, shape: sliding_window_view(g, x.shape[len(shape) :], axes),
)


# Dtypes


def astype(x, dtype):
    """`x` in another dtype."""
    return x.astype(dtype)


astype = linear(astype, lambda g, y, x, dtype: g.astype(x.dtype), None)
REGISTRY[np.ndarray.astype] = astype

# Questions and new arrays

constant(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.result_type)
constant(
    np.can_cast, np.iscomplexobj, np.isrealobj, np.isscalar, np.broadcast_shapes, np.min_scalar_type, np.common_type
)
constant(np.shares_memory, np.may_share_memory, np.array_str, np.array_repr, np.array2string)
