"""What normalisations are made of: means, deviations from them, and one over their root mean square.

A matrix is normalised along axis 1, each row by itself, or along axis 0; an array of shape (batch, channels, positions)
along axes 0 and 2, each channel by itself. What a function, its rules and the running statistics of a network need
alike, `Statistics`, is computed once and handed on.

Sums are products with ones, and sums of products vecdot: BLAS does both several times as fast as np.sum. Large
arrays made here are changed in place, where they are still in the cache.
"""

import math
from typing import Any

import numpy as np

from ...core.primitive import general
from ...rules.batching import rewritten
from ..precision import floating


def summed(x, axes):
    """The sum over `axes`, which stay, with length 1."""
    return _weighted(x, axes, 1.0)


def mean(x, axes):
    """The mean over `axes`, which stay, with length 1."""
    return _weighted(x, axes, 1 / count(x, axes))


def _weighted(x, axes, weight):
    if axes == (1,):
        return np.matmul(x, np.full_like(x, weight, shape=(x.shape[1], 1)))
    if axes == (0,):
        return np.matmul(np.full_like(x, weight, shape=(1, x.shape[0])), x)
    batch, channels, positions = x.shape
    by_channel = np.reshape(summed(np.reshape(x, (batch * channels, positions)), (1,)), (batch, channels))
    return np.reshape(_weighted(by_channel, (0,), weight), (1, channels, 1))


def dotted(x, y, axes):
    """The sum of x * y over `axes`, which stay, with length 1."""
    if axes == (0,):
        return summed(x * y, axes)
    by_row = np.vecdot(x, y)
    return by_row[:, None] if axes == (1,) else np.reshape(summed(by_row, (0,)), (1, x.shape[1], 1))


def count(x, axes):
    """How many numbers are normalised together."""
    return math.prod([x.shape[i] for i in axes])


class Statistics:
    """The mean, variance and deviations of an array, and ``1 / sqrt(variance + eps)``.

    Parameters
    ----------
    x : array
        Not watched by any level.
    axes : (1,), (0,) or (0, 2)
        What to take the mean over.
    eps : float
    centre : bool
        Otherwise the mean is taken to be 0: the variance is the mean square.
    """

    def __init__(self, x, axes, eps, centre=True):
        self.x, self.axes, self.eps, self.centre = x, axes, eps, centre
        self.mean = mean(x, axes) if centre else None
        self.deviations = x - self.mean if centre else x
        self.var = dotted(self.deviations, self.deviations, axes) / count(x, axes)
        self.root = 1 / np.sqrt(self.var + eps)

    def of(self, x):
        """These if they are of that very array, or else its own."""
        return self if x is self.x else self.like(x)

    def like(self, x):
        """Those of another array, along the same axes."""
        return Statistics(x, self.axes, self.eps, self.centre)


# What takes the mean away is its own transpose.


def deviations(x, moments):
    """x less its mean, if that is not taken to be 0."""
    return moments.of(x).deviations


def project(g, y, x, moments):
    """g less its mean, if that is not taken to be 0."""
    return g - mean(g, moments.axes) if moments.centre else g


deviations = general(
    deviations,
    project,
    None,
    forward=[project, None],
    batch=rewritten(lambda x, moments: moments.like(x).deviations),
)


def inverse_root(x, moments):
    """1 / sqrt(variance of x + eps)."""
    return moments.of(x).root


inverse_root = general(
    inverse_root,
    lambda g, y, x, moments: (g * y**3) * (deviations(x, moments) / -count(x, moments.axes)),
    None,
    forward=[
        lambda t, y, x, moments: dotted(t, deviations(x, moments), moments.axes) * (y**3 / -count(x, moments.axes)),
        None,
    ],
    batch=rewritten(lambda x, moments: moments.like(x).root),
)


def direction(t, d, root, moments):
    """The tangent of d * root, over root, given that of x."""
    axes = moments.axes
    return project(t, None, None, moments) - d * (dotted(d, t, axes) * (root * root / count(d, axes)))


# Weight and bias


def weight_and_bias(weight: Any, bias: Any, shape: tuple[int, ...], dtype: Any) -> tuple[Any, Any]:
    """Ones and zeros where there is no weight or bias; refuses those of another shape."""
    check_shape("weight", weight, shape)
    check_shape("bias", bias, shape)
    weight = np.ones(shape, dtype) if weight is None else floating("normalisation", weight)
    return weight, np.zeros(shape, dtype) if bias is None else bias


def check_shape(name: str, v: Any, shape: tuple[int, ...]) -> None:
    """Refuse a weight or a bias that is there, and of another shape."""
    if v is not None and v.shape != shape:
        raise ValueError(f"normalisation takes a {name} of shape {shape}, as the input has; got {v.shape}")
