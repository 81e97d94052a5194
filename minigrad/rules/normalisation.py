"""Normalisation: deviations from the mean over their root mean square, times a weight, plus a bias.

A matrix is normalised along axis 1, each row by itself, or along axis 0; an array of shape (batch, channels, positions)
along axes 0 and 2, each channel by itself. The deviations and the inverse root are computed before the call, as
running statistics need them, too, and come as plain numbers; the rules know how they depend on x.

Sums are products with ones, and sums of products vecdot: BLAS does both several times as fast as np.sum. Large
arrays made here are changed in place, where they are still in the cache.
"""

import math

import numpy as np

from ..primitive import general


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


# Two functions of x whose values are known. What takes the mean away is its own transpose.


def deviations(x, axes, known):
    """x less its mean over `axes`, which is `known`."""
    return known


def _project(g, y, x, axes, known):
    return g - mean(g, axes)


deviations = general(deviations, _project, None, None, forward=[_project, None, None])


def inverse_root(x, axes, known):
    """1 / sqrt(mean(x**2) + eps) over `axes`, which is `known`."""
    return known


inverse_root = general(
    inverse_root,
    lambda g, y, x, axes, known: (g * y**3) * (x / -count(x, axes)),
    None,
    None,
    forward=[lambda t, y, x, axes, known: dotted(t, x, axes) * (y**3 / -count(x, axes)), None, None],
)


def _parts(arrays, axes, root, known):
    x, weight, _ = arrays
    d = x if known is None else deviations(x, axes, known)
    return d, weight, inverse_root(d, axes, root)


def _direction(t, d, axes, root, known):
    # The tangent of d * root, over root.
    t = t if known is None else _project(t, None, None, axes, known)
    return t - d * (dotted(d, t, axes) * (root * root / count(d, axes)))


# Rows


def normalised_rows(arrays, root, known=None):
    """``d * root * weight + bias``; `arrays` are x, weight and bias, and the deviations d are `known`, or x itself."""
    x, weight, bias = arrays
    y = _outer(root, weight)
    y *= x if known is None else known
    y += bias
    return y


def _outer(column, row):
    # For the product of two columns with two rows NumPy calls BLAS, which takes a quarter of the time of column * row.
    if column.size * row.size < 16384:
        return column * row
    half = np.full_like(row, 0.5, shape=(2, 1))
    return np.matmul((half * column.T).T, np.ones_like(row, shape=(2, 1)) * row)


def _normalised_rows(g, y, arrays, root, known=None):
    d, weight, root = _parts(arrays, (1,), root, known)
    gd = g * d
    gw = np.matmul(root[:, 0], gd)
    share = np.matmul(gd, weight[:, None]) * (root * root * root / d.shape[1])
    gx = _outer(root, weight)
    gx *= g
    gx -= d * share
    if known is not None:
        gx -= mean(gx, (1,))
    return [gx, gw, summed(g, (0,))[0]]


def _normalised_rows_forward(t, y, arrays, root, known=None):
    d, weight, root = _parts(arrays, (1,), root, known)
    return (_direction(t[0], d, (1,), root, known) * weight + d * t[1]) * root + t[2]


normalised_rows = general(normalised_rows, _normalised_rows, forward=[_normalised_rows_forward], sequence=True)


# Channels


def normalised_channels(arrays, axes, root, known):
    """``d * root * weight + bias``; `arrays` are x, weight and bias, and the deviations d are `known`."""
    x, weight, bias = arrays
    y = known * (root * _beside(weight, x))
    y += _beside(bias, x)
    return y


def _beside(v, x):
    return v if x.ndim == 2 else v[:, None]  # a number for each channel


def _normalised_channels(g, y, arrays, axes, root, known):
    d, weight, root = _parts(arrays, axes, root, known)
    n = count(d, axes)
    scale = root * _beside(weight, d)
    gw, gb = root * dotted(g, d, axes), summed(g, axes)
    gx = g - gb / n
    gx -= d * (gw * root / n)
    gx *= scale
    return [gx, np.reshape(gw, -1), np.reshape(gb, -1)]


def _normalised_channels_forward(t, y, arrays, axes, root, known):
    d, weight, root = _parts(arrays, axes, root, known)
    tx = _direction(t[0], d, axes, root, known)
    return (tx * _beside(weight, d) + d * _beside(t[1], d)) * root + _beside(t[2], d)


normalised_channels = general(
    normalised_channels, _normalised_channels, forward=[_normalised_channels_forward], sequence=True
)
