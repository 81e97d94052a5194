"""Convolution: one form in an image x, a kernel w and a cotangent g, linear in each, and its partial derivatives.

``convolve(x, w)``, ``spread(g, w)`` and ``weigh(x, g)`` are the derivatives of <g, convolve(x, w)> with respect to g, x
and w; so the rules of each are the other two. The kernel need not have been in all places that the image has for it: a
transposed convolution with much output padding makes an image with more.

Kernels have shape (out, channels of a group, ..., width), as PyTorch's. With the groups first, rows of the image that
are met together lie one after the other in memory. So for each element of the kernel across there is a product of
matrices with the rows as they lie, for each row of the result and each group: few enough numbers to stay in the cache.
One kernel a channel leaves products too small for that to pay; see `depthwise`.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...core.primitive import multilinear
from ...rules.batching import merged
from ..window import add_up, image_of, image_rows
from . import depthwise


def _matrices(w, groups):
    # For each element across a matrix for each group: (groups, 1, out of a group, elements down * channels of a group).
    out, channels, *down, across = w.shape
    w = w.reshape(groups, out // groups, channels, math.prod(down), across).transpose(4, 0, 1, 3, 2).copy()
    return w.reshape(across, groups, 1, out // groups, math.prod(down) * channels)


def _by_group(x, window, groups):
    # The rows of an image and its padding, the groups first: (groups, ..., channels of a group, width, n).
    n, channels, *outer, width = x.shape
    if groups == 1 and not window.is_framed():
        return image_rows(x).reshape(1, *outer, channels, width, n)
    parts = x.reshape(n, groups, channels // groups, *outer, width)
    last = parts.ndim - 1
    *framed, width = window.framed(x.shape[2:])
    rows = np.zeros_like(x, shape=(groups, *framed, channels // groups, width, n))
    *down, every, across = window.inside(x.shape[2:])
    rows[(slice(None), *down, every, across)] = parts.transpose(1, *range(3, last), 2, last, 0)
    return rows


def _met(x, window, groups, places):
    # What each element across meets: matrices (groups, rows, elements down * channels of a group, width * n).
    rows, (*outer, width) = _by_group(x, window, groups), places
    *down, _ = window.kernel
    *dilated, apart = window.dilation
    *steps, step = window.stride
    channels, whole, n = rows.shape[-3:]
    if max(down, default=1) > 1:
        reach = tuple(d * (k - 1) + 1 for k, d in zip(down, dilated, strict=True))
        rows = sliding_window_view(rows, reach, tuple(range(1, len(down) + 1)))
        rows = rows[(..., *(slice(None, None, d) for d in dilated))]
    else:
        rows = rows.reshape(*rows.shape, *down)
    rows = rows[(slice(None), *(slice(0, s * (m - 1) + 1, s) for m, s in zip(outer, steps, strict=True)))]
    k = len(down)
    rows = rows.transpose(*range(k + 1), *range(k + 4, 2 * k + 4), k + 1, k + 2, k + 3)
    rows = rows.reshape(groups, math.prod(outer), math.prod(down) * channels, whole, n)
    starts = [apart * j for j in range(window.kernel[-1])]
    parts = [rows[:, :, :, start : start + step * (width - 1) + 1 : step] for start in starts]
    return [part.reshape(*rows.shape[:3], width * n) for part in parts]


def _grouped(g, groups):
    # Of an image, (groups, rows, channels of a group, width * n).
    n, channels, *outer, width = g.shape
    rows = image_rows(g).reshape(math.prod(outer), groups, channels // groups, width * n)
    return rows.transpose(1, 0, 2, 3)


SMALL = 1_000_000  # multiplications: OpenBLAS has kernels for such products, which are twice as fast


def _count_pieces(rows, columns, depth):
    # In how many pieces to cut the columns of a product, (rows, depth) times (depth, columns), for those kernels.
    fitting = SMALL // max(rows * depth, 1)
    if columns <= fitting or fitting < 32:
        return 1
    return next((n for n in range(2, columns // 32) if columns % n == 0 and columns // n <= fitting), 1)


def _summed(parts):
    # The sum of arrays that are made here, in the first of them.
    total = next(parts)
    for part in parts:
        total += part
    return total


def convolve(x, w, window, groups, places):
    """The products of the kernels with what they meet in the first `places`, (n, out, *places)."""
    n, out, (*outer, width) = len(x), len(w), places
    matrices, met = _matrices(w, groups), _met(x, window, groups, places)
    depth, columns = met[0].shape[2:]
    pieces = _count_pieces(out // groups, columns, depth)
    cut = (groups, math.prod(outer), depth, pieces, columns // pieces)
    met = [part.reshape(cut).transpose(0, 1, 3, 2, 4) for part in met] if pieces > 1 else met
    matrices = matrices[:, :, None] if pieces > 1 else matrices
    y = _summed(m @ part for m, part in zip(matrices, met, strict=True))
    y = y.transpose(1, 0, 3, 2, 4) if pieces > 1 else y.transpose(1, 0, 2, 3)
    return image_of(y.reshape(*outer, out, width, n))


FEW_PRODUCTS = 32  # for each number of the result, most with zeros: more take longer than adding up what overlaps


def spread(g, w, window, groups, size):
    """The sum over all places of `g` times the kernels there, (n, channels, *size)."""
    out, channels, *kernel = w.shape
    if max(window.stride) > 1 and math.prod(window.stride) * (out // groups) <= FEW_PRODUCTS:
        g, window = _spaced(g, window.stride), window._replace(stride=(1,) * len(kernel))
    axes = zip(kernel, window.dilation, window.padding, size, g.shape[2:], strict=True)
    around = tuple((d * (k - 1) - before, n + before - m) for k, d, (before, _), n, m in axes)
    if max(window.stride) > 1 or min(map(min, around)) < 0:
        return _put_down(g, w, window, groups, size)
    # The kernel turned round meets what it would put down.
    turned = w.reshape(groups, out // groups, channels, *kernel).swapaxes(1, 2)
    turned = turned[(..., *(slice(None, None, -1) for _ in kernel))].reshape(groups * channels, out // groups, *kernel)
    return _convolve(g, turned, window._replace(padding=around), groups, size)


def _spaced(g, stride):
    # An image with zeros between its numbers, of which there is one at each multiple of the stride.
    rows = image_rows(g)
    *outer, width = (s * (m - 1) + 1 for s, m in zip(stride, g.shape[2:], strict=True))
    *down, across = (slice(None, None, s) for s in stride)
    spaced = np.zeros_like(rows, shape=(*outer, g.shape[1], width, len(g)))
    spaced[(*down, slice(None), across)] = rows
    return image_of(spaced)


def _put_down(g, w, window, groups, size):
    # Each number of g times the kernel, added up where it lies.
    n, _, *outer, width = g.shape
    channels, taps = w.shape[1], math.prod(w.shape[2:])
    matrices = w.reshape(groups, 1, -1, channels * taps).mT @ _grouped(g, groups)
    parts = matrices.reshape(groups, math.prod(outer), channels, taps, width, n).transpose(3, 1, 0, 2, 4, 5)
    parts = [part.reshape(*outer, groups * channels, width, n) for part in parts]
    return add_up(parts, window, (*outer, width), size)


def weigh(x, g, window, groups):
    """For each tap of each kernel, the sum over all places of `g` times what the tap meets there."""
    out, channels = g.shape[1], x.shape[1] // groups
    *down, across = window.kernel
    columns = _grouped(g, groups).mT
    w = np.stack([np.add.reduce(part @ columns, axis=1) for part in _met(x, window, groups, g.shape[2:])])
    w = w.reshape(across, groups, math.prod(down), channels, out // groups).transpose(1, 4, 3, 2, 0)
    return w.reshape(out, channels, *window.kernel)


_form, _weights = convolve, weigh


def _convolve(x, w, window, groups, places):
    # The function alone, which others here are made of.
    if depthwise.is_depthwise(x, len(w), window, groups):
        if depthwise.in_blocks(x, w, window):
            return depthwise.convolve_blocks(x, w, window, places)
        if depthwise.as_sum(x, w, window):
            return depthwise.convolve(x, w, window, places)
    return _form(x, w, window, groups, places)


def _weigh(x, g, window, groups):
    if depthwise.is_depthwise(x, g.shape[1], window, groups):
        if depthwise.in_blocks(x, g, window):
            return depthwise.weigh_blocks(x, g, window)
        if depthwise.as_sum(x, g, window):
            return depthwise.weigh_each(x, g, window)
    return _weights(x, g, window, groups)


# Entries of a batch that share the kernel are images more; those that have kernels of their own are groups more.


def _channels_of_all(call, i):
    # (entries, n, channels, ...) as (n, entries * channels, ...).
    x = np.swapaxes(call.full(i), 0, 1)
    return np.reshape(x, (x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:]))


def _of_batch(call):
    if not call.own[1]:
        return _images_of_all(call)
    w, (window, groups, size) = call.operands[1], call.operands[2:]
    w = np.reshape(w, (w.shape[0] * w.shape[1], *w.shape[2:]))
    y = call.result([_channels_of_all(call, 0), w, window, groups * call.size, size])
    return np.swapaxes(np.reshape(y, (y.shape[0], call.size, -1, *y.shape[2:])), 0, 1)


_images_of_all = merged(0)


def _weights_of_batch(call):
    window, groups = call.operands[2:]
    w = call.result([_channels_of_all(call, 0), _channels_of_all(call, 1), window, groups * call.size])
    return np.reshape(w, (call.size, -1, *w.shape[1:]))


convolve = multilinear(
    convolve,
    lambda g, y, x, w, window, groups, places: spread(g, w, window, groups, x.shape[2:]),
    lambda g, y, x, w, window, groups, places: weigh(x, g, window, groups),
    compute=_convolve,
    batch=_of_batch,
)
spread = multilinear(
    spread,
    lambda v, y, g, w, window, groups, size: convolve(v, w, window, groups, g.shape[2:]),
    lambda v, y, g, w, window, groups, size: weigh(v, g, window, groups),
    batch=_of_batch,
)
weigh = multilinear(
    weigh,
    lambda v, y, x, g, window, groups: spread(g, v, window, groups, x.shape[2:]),
    lambda v, y, x, g, window, groups: convolve(x, v, window, groups, g.shape[2:]),
    compute=_weigh,
    batch=_weights_of_batch,
)
