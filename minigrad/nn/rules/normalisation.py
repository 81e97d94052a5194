"""Normalisation: deviations from the mean over their root mean square, times a weight, plus a bias.

A matrix is normalised along axis 1, each row by itself, or along axis 0; an array of shape (batch, channels, positions)
along axes 0 and 2, each channel by itself. What a function, its rules and the running statistics of a network need
alike, `Moments`, is computed once and handed on.

Sums are products with ones, and sums of products vecdot: BLAS does both several times as fast as np.sum. Large
arrays made here are changed in place, where they are still in the cache.
"""

import math

import numpy as np

from ...core.primitive import general


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


class Moments:
    """The mean, variance and deviations of an array, and ``1 / sqrt(variance + eps)``.

    Parameters
    ----------
    x : array
        That nobody watches.
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
        return self if x is self.x else Moments(x, self.axes, self.eps, self.centre)


# What takes the mean away is its own transpose.


def deviations(x, moments):
    """x less its mean, if that is not taken to be 0."""
    return moments.of(x).deviations


def _project(g, y, x, moments):
    return g - mean(g, moments.axes) if moments.centre else g


deviations = general(deviations, _project, None, forward=[_project, None])


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
)


def _direction(t, d, root, moments):
    # The tangent of d * root, over root.
    axes = moments.axes
    return _project(t, None, None, moments) - d * (dotted(d, t, axes) * (root * root / count(d, axes)))


# Rows


def normalised_rows(arrays, moments):
    """``deviations * root * weight + bias`` along axis 1; `arrays` are x, weight and bias."""
    x, weight, bias = arrays
    known = moments.of(x)
    y = _outer(known.root, weight)
    y *= known.deviations
    y += bias
    return y


def _outer(column, row):
    # For the product of two columns with two rows NumPy calls BLAS, which takes a quarter of the time of column * row.
    if column.size * row.size < 16384:
        return column * row
    half = np.full_like(row, 0.5, shape=(2, 1))
    return np.matmul((half * column.T).T, np.ones_like(row, shape=(2, 1)) * row)


def _normalised_rows(g, y, arrays, moments):
    x, weight, _ = arrays
    d, root = deviations(x, moments), inverse_root(x, moments)
    gd = g * d
    gw = np.matmul(root[:, 0], gd)
    share = np.matmul(gd, weight[:, None]) * (root * root * root / d.shape[1])
    gx = _outer(root, weight) * g - d * share
    if moments.centre:
        gx = gx - mean(gx, (1,))
    return [gx, gw, summed(g, (0,))[0]]


def _normalised_rows_forward(t, y, arrays, moments):
    x, weight, _ = arrays
    d, root = deviations(x, moments), inverse_root(x, moments)
    return (_direction(t[0], d, root, moments) * weight + d * t[1]) * root + t[2]


normalised_rows = general(normalised_rows, _normalised_rows, forward=[_normalised_rows_forward], sequence=True)


# Channels


def normalised_channels(arrays, moments):
    """``deviations * root * weight + bias`` along axes 0 or 0 and 2; `arrays` are x, weight and bias."""
    x, weight, bias = arrays
    known = moments.of(x)
    y = known.deviations * (known.root * _beside(weight, x))
    y += _beside(bias, x)
    return y


def _beside(v, x):
    return v if x.ndim == 2 else v[:, None]  # a number for each channel


def _normalised_channels(g, y, arrays, moments):
    x, weight, _ = arrays
    d, root, axes = deviations(x, moments), inverse_root(x, moments), moments.axes
    n = count(d, axes)
    gw, gb = root * dotted(g, d, axes), summed(g, axes)
    gx = (g - gb / n - d * (gw * root / n)) * (root * _beside(weight, d))
    return [gx, np.reshape(gw, -1), np.reshape(gb, -1)]


def _normalised_channels_forward(t, y, arrays, moments):
    x, weight, _ = arrays
    d, root = deviations(x, moments), inverse_root(x, moments)
    tx = _direction(t[0], d, root, moments)
    return (tx * _beside(weight, d) + d * _beside(t[1], d)) * root + _beside(t[2], d)


normalised_channels = general(
    normalised_channels, _normalised_channels, forward=[_normalised_channels_forward], sequence=True
)
