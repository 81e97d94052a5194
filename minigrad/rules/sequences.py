"""Sums of products of two sequences, of which one moves along the other: each is the transpose of the other."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..core.primitive import multilinear
from .batching import rewritten
from .precision import InSingle, as_single


def slid(a, v):
    """At each place where `v` lies in `a`, the sum of the products of the elements that meet."""
    return np.convolve(a, v[::-1], "valid")


def overlapped(a, v):
    """At each place where `v`, turned round, meets `a`, the sum of the products: np.convolve."""
    return np.convolve(a, v)


def _by_windows(a, v):
    return np.matmul(sliding_window_view(a, np.shape(v)[0]), v)


def _by_padding(a, v):
    return _by_windows(np.pad(a, np.shape(v)[0] - 1), np.flip(v))


def _summed(function):
    # Sums of float16 lose small terms.
    def compute(a, v):
        y = function(as_single(a), as_single(v))
        return y.astype(np.result_type(a, v)) if y.dtype == np.float32 else y

    compute.__name__, compute.__doc__ = function.__name__, function.__doc__
    return compute


slid = multilinear(
    _summed(slid),
    InSingle(lambda g, y, a, v: overlapped(g, v)),
    InSingle(lambda g, y, a, v: slid(a, g)),
    batch=rewritten(_by_windows),
)
overlapped = multilinear(
    _summed(overlapped),
    InSingle(lambda g, y, a, v: slid(g, v)),
    InSingle(lambda g, y, a, v: slid(g, a)),
    batch=rewritten(_by_padding),
)
