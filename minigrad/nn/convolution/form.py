"""Convolution: one form in an image x, a kernel w and a cotangent g, linear in each, and its partial derivatives.

``convolve(x, w)``, ``spread(g, w)`` and ``weigh(x, g)`` are the derivatives of <g, convolve(x, w)> with respect to g, x
and w; so the rules of each are the other two. The kernel need not have been in all places that the image has for it: a
transposed convolution with much output padding makes an image with more.

Kernels have shape (out, channels of a group, ..., width), as PyTorch's. There is a product of matrices for each row
of the image and each group of channels: few enough numbers to stay in the cache.
"""

import math

import numpy as np

from ...core.primitive import multilinear
from ..window import add_up, image_of, padded_rows, rows_of


def _matrices(w, groups):
    # A matrix for each group: (groups, out of a group, taps * channels of a group).
    out, channels, *kernel = w.shape
    w = w.reshape(groups, out // groups, channels, math.prod(kernel))
    return w.transpose(0, 1, 3, 2).reshape(groups, out // groups, math.prod(kernel) * channels)


def _columns(x, window, groups, places):
    # What the kernel meets in each place: (rows, groups, taps * channels of a group, width * n).
    n, channels, *outer, width = *x.shape[:2], *places
    rows = padded_rows(x, window)
    rows = rows.reshape(*rows.shape[:-3], groups, channels // groups, *rows.shape[-2:])
    met = [rows[(*index, slice(None), across)] for *index, across in window.taps(places)]
    met = np.concatenate(met, axis=-3)
    return met.reshape(math.prod(outer), groups, met.shape[-3], width * n)


def _grouped(g, groups):
    # Of an image, (rows, groups, channels of a group, width * n).
    n, channels, *outer, width = g.shape
    return rows_of(g).reshape(math.prod(outer), groups, channels // groups, width * n)


SMALL = 1_000_000  # multiplications: OpenBLAS has kernels for such products, which are twice as fast


def _pieces(rows, columns, depth):
    # In how many pieces to cut the columns of a product, (rows, depth) times (depth, columns), for those kernels.
    fitting = SMALL // max(rows * depth, 1)
    if columns <= fitting or fitting < 32:
        return 1
    return next((n for n in range(2, columns // 32) if columns % n == 0 and columns // n <= fitting), 1)


def convolve(x, w, window, groups, places):
    """The products of the kernels with what they meet in the first `places`, (n, out, *places)."""
    w, met = _matrices(w, groups), _columns(x, window, groups, places)
    height, _, depth, columns = met.shape
    pieces = _pieces(w.shape[1], columns, depth)
    met = met.reshape(height, groups, depth, pieces, columns // pieces).transpose(0, 3, 1, 2, 4)
    y = (w @ met).transpose(0, 2, 3, 1, 4)
    return image_of(y.reshape(*places[:-1], groups * w.shape[1], places[-1], len(x)))


def spread(g, w, window, groups, size):
    """The sum over all places of `g` times the kernels there, (n, channels, *size)."""
    n, _, *outer, width = g.shape
    channels, taps = w.shape[1], math.prod(w.shape[2:])
    parts = _matrices(w, groups).mT @ _grouped(g, groups)
    parts = parts.reshape(math.prod(outer), groups, taps, channels, width, n).transpose(2, 0, 1, 3, 4, 5)
    parts = [part.reshape(*outer, groups * channels, width, n) for part in parts]
    return add_up(parts, window, (*outer, width), size)


def weigh(x, g, window, groups):
    """For each tap of each kernel, the sum over all places of `g` times what the tap meets there."""
    out, channels = g.shape[1], x.shape[1] // groups
    w = np.add.reduce(_columns(x, window, groups, g.shape[2:]) @ _grouped(g, groups).mT, axis=0)
    w = w.reshape(groups, math.prod(window.kernel), channels, out // groups).transpose(0, 3, 2, 1)
    return w.reshape(out, channels, *window.kernel)


convolve = multilinear(
    convolve,
    lambda g, y, x, w, window, groups, places: spread(g, w, window, groups, x.shape[2:]),
    lambda g, y, x, w, window, groups, places: weigh(x, g, window, groups),
)
spread = multilinear(
    spread,
    lambda v, y, g, w, window, groups, size: convolve(v, w, window, groups, g.shape[2:]),
    lambda v, y, g, w, window, groups, size: weigh(v, g, window, groups),
)
weigh = multilinear(
    weigh,
    lambda v, y, x, g, window, groups: spread(g, v, window, groups, x.shape[2:]),
    lambda v, y, x, g, window, groups: convolve(x, v, window, groups, g.shape[2:]),
)
