"""Functions that reduce axes to one number: sums, means, extrema."""

from typing import Any

import numpy as np

from ..primitive import broadcast, composed, constant, general, linear


def kept(shape, axis):
    """`shape` with length 1 in place of the axes that a reduction over `axis` removes."""
    if axis is None:
        return (1,) * len(shape)
    axes = {i % len(shape) for i in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def spread(g, x, axis):
    """The transpose of a sum of `x` over `axis`: every element that was added gets the sum's `g`."""
    return broadcast(g if axis is None and not g.shape else g.reshape(kept(x.shape, axis)), x.shape)


def _sum(x, axis=None, dtype=None, out=None, keepdims=False, reduce: Any = np.add.reduce):
    # A third of the time that np.sum takes on a small array.
    return reduce(x, axis, dtype, out, keepdims) if keepdims or dtype else reduce(x, axis)


def _sum_rule(g, y, x, axis=None, dtype=None, out=None, keepdims=False):
    return broadcast(g if axis is None and not keepdims else g.reshape(kept(x.shape, axis)), x.shape)


def _mean_rule(g, y, x, axis=None, dtype=None, out=None, keepdims=False):
    return _sum_rule(g / (x.size / y.size), y, x, axis, keepdims=keepdims)


linear(np.sum, _sum_rule, compute=_sum)
linear(np.mean, _mean_rule)


@composed((np.add, "reduce"))
def add_reduce(x, axis=0, dtype=None, out=None, keepdims=False):
    return np.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)


# The gradient of an extremum goes to the elements that attain it, in equal parts; a NaN attains any.


def _attained(y, x, axis):
    y = y.reshape(kept(x.shape, axis))
    return (x == y) | (x != x)


def _extremum(g, y, x, axis=None, out=None, keepdims=False):
    attained = _attained(y, x, axis)
    shares = g.reshape(kept(x.shape, axis)) / np.sum(attained, axis=axis, keepdims=True)
    return np.where(attained, shares.astype(g.dtype), 0)


def _extremum_forward(t, y, x, axis=None, out=None, keepdims=False):
    attained = _attained(y, x, axis)
    total = np.sum(np.where(attained, t, 0), axis=axis, keepdims=keepdims)
    return total / np.sum(attained, axis=axis, keepdims=keepdims)


for extremum in (np.max, np.min):
    general(extremum, _extremum, forward=[_extremum_forward])

constant(np.argmax, np.argmin, np.any, np.all, np.count_nonzero, np.array_equal, np.allclose, np.isclose)
