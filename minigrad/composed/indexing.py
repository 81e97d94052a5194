"""Diagonals, and adding at an index, by picking and putting back."""

import numpy as np

from ..core.primitive import composed
from ..rules.indexing import getitem, scatter
from ..rules.reductions import total


def index_add(x, index, v):
    """A copy of `x` with `v` added to ``x[index]``; where an index names an element repeatedly, all terms are added."""
    shape = getitem(x, index).shape
    return x + scatter(v if np.shape(v) == shape else np.broadcast_to(v, shape), index, x.shape)


index_add = composed(index_add)(index_add)


# The diagonal, and the matrix that has one


@composed(np.diagonal)
def diagonal(a, offset=0, axis1=0, axis2=1):
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    n, m = a.shape[-2:]
    i = np.arange(max(min(n + min(offset, 0), m - max(offset, 0)), 0))
    return a[..., i - min(offset, 0), i + max(offset, 0)]


@composed(np.diag)
def diag(v, k=0):
    if np.ndim(v) == 2:
        return np.diagonal(v, k)
    if np.ndim(v) != 1:
        raise ValueError(f"diag takes an array of one axis or two; got one of {np.ndim(v)}")
    n = np.shape(v)[0] + abs(k)
    i = np.arange(np.shape(v)[0])
    return scatter(v, (i - min(k, 0), i + max(k, 0)), (n, n))


@composed(np.trace)
def trace(a, offset=0, axis1=0, axis2=1):
    return total(np.diagonal(a, offset, axis1, axis2), axis=-1)
