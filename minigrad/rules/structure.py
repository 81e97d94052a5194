"""Functions that move elements about: shapes, axes, joining, dtypes."""

import numpy as np

from ..primitive import constant, linear, undo_broadcast

# Shapes and axes: the transpose puts each element back.

linear(
    np.reshape,
    lambda g, y, x, shape, order="C": np.reshape(g, x.shape, order=order),
    compute=lambda x, shape, order="C": x.reshape(shape, order=order),
)
linear(
    np.transpose,
    lambda g, y, x, axes=None: np.transpose(g, axes and tuple(np.argsort(np.mod(axes, x.ndim)))),
    compute=lambda x, axes=None: x.transpose(axes),
)
linear(np.matrix_transpose, lambda g, *_: np.matrix_transpose(g))
linear(np.expand_dims, lambda g, y, x, axis: np.reshape(g, x.shape))
linear(np.squeeze, lambda g, y, x, axis=None: np.reshape(g, x.shape))
linear(np.broadcast_to, lambda g, y, x, shape: undo_broadcast(g, x.shape))

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

# Dtypes


def astype(x, dtype):
    """`x` in another dtype."""
    return x.astype(dtype)


astype = linear(astype, lambda g, y, x, dtype: g.astype(x.dtype), None)

# Questions and new arrays

constant(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.result_type)
