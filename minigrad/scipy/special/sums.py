"""Sums of exponentials, which do not overflow."""

import numpy as np
from scipy import special

from ...core.door import plain
from ...rules import network
from .known import array_of, named_as

ROOM = 80.0  # by which a number with the weight 0 may exceed the others: exp(80) is a float32


def _weighted_exponentials(a, b, axis, keepdims):
    """The sum of ``b * exp(a - top)``, and `top`, a number for each row from which nothing overflows."""
    a, b = np.broadcast_arrays(a, array_of(b))
    none = b == 0
    top = plain(np.max(np.where(none, -np.inf, a), axis=axis, keepdims=True))
    top = np.where(np.isinf(top), 0.0, top).astype(top.dtype)
    shifted = a - top
    weighted = b * np.exp(np.where(none, np.minimum(shifted, ROOM), shifted))
    return np.sum(weighted, axis=axis, keepdims=keepdims), top if keepdims else np.squeeze(top, axis)


@named_as(special.logsumexp)
def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """The logarithm of the sum of ``b * exp(a)`` over an axis, or several.

    Parameters
    ----------
    a, b : array
        Exponents and weights, which broadcast. Without weights, all are 1.
    axis : int, tuple of int or None
        None stands for all axes.
    return_sign : bool
        Return two arrays, the logarithm of the sum's absolute value, and its sign. Otherwise the logarithm of a
        negative sum is NaN. A sum of 0 has the logarithm -inf, and no derivative.
    """
    if b is None:
        y = network.logsumexp(a, axis=axis, keepdims=keepdims)
        return (y, np.ones_like(y)) if return_sign else y
    total, top = _weighted_exponentials(a, b, axis, keepdims)
    size = np.abs(total) if return_sign else np.where(total < 0, np.nan, total)
    zero = total == 0
    y = np.where(zero, -np.inf, np.log(np.where(zero, 1.0, size)) + top)
    return (y, np.sign(total)) if return_sign else y


@named_as(special.softmax)
def softmax(x, axis=None):
    """``exp(x)`` over its sum along an axis, over all axes unless one is named."""
    return network.softmax(x, axis=axis)


@named_as(special.log_softmax)
def log_softmax(x, axis=None):
    """The logarithm of softmax, which is exact where softmax is 0."""
    return network.log_softmax(x, axis=axis)


@named_as(getattr(special, "softplus", None))
def softplus(x):
    """``log(1 + exp(x))``, whose derivative is expit(x)."""
    return np.logaddexp(0.0, x)
