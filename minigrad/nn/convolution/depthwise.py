"""Depthwise convolution: one kernel a channel, moved by one place at a time.

Recorded, it is a sum over the elements of the kernel, of planes moved against each other: native code makes one loop of
it. NumPy would go through memory for each element, so what is made of ndarrays is made of products, as far as it can.
In both, whole runs of memory are moved, whose ends meet what belongs to the next row; that falls on columns which are
left out.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

TAPS = 64  # elements of a kernel, of which one loop is made
IMAGES, BLOCK = 2**14, 2**19  # numbers of a channel of some images, and of all that is made for some channels


def is_depthwise(x, channels, window, groups):
    """Whether there is one kernel a channel, if a result has so many, and it moves by one place at a time."""
    return groups == x.shape[1] == channels and max(window.stride) == 1


def in_blocks(x, other, window):
    """Whether an image, and kernels or a cotangent, are worked on in blocks."""
    plain = type(x) is type(other) is np.ndarray and x.dtype == other.dtype
    return plain and has_rows(window)


def as_sum(x, other, window):
    """Whether they are recorded, or others' arrays, and the sum has not too many terms."""
    plain = type(x) is type(other) is np.ndarray
    return not plain and has_rows(window) and math.prod(window.kernel) <= TAPS


def has_rows(window):
    """Whether kernels have more than one row: others make few and long products as they are."""
    return len(window.kernel) == 2 and window.kernel[0] > 1


# As a sum over the elements of the kernel


def _planes(x, window):
    # The padded channels, (n, channels, run), with a row more at the end; and how far the elements of the kernel are
    # into them.
    first, *others = window.framed(x.shape[2:])
    *down, _, across = window.inside(x.shape[2:])
    frame = np.zeros_like(x, shape=(*x.shape[:2], first + 1, *others))
    frame[(slice(None), slice(None), *down, across)] = x
    steps = [d * math.prod(others[i:]) for i, d in enumerate(window.dilation)]
    starts = [sum(i * step for i, step in zip(index, steps, strict=True)) for index in np.ndindex(*window.kernel)]
    return frame.reshape(*x.shape[:2], -1), starts, others


def convolve(x, w, window, places):
    """As `form.convolve`."""
    planes, starts, others = _planes(x, window)
    run, w = places[0] * math.prod(others), w.reshape(len(w), -1, 1)
    y = planes[..., :run] * w[:, 0]
    for k, start in enumerate(starts[1:], 1):
        y = y + planes[..., start : start + run] * w[:, k]
    return y.reshape(*y.shape[:2], places[0], *others)[(..., *(slice(n) for n in places[1:]))]


def weigh_each(x, g, window):
    """As `form.weigh`."""
    planes, starts, others = _planes(x, window)
    frame = np.zeros_like(g, shape=(*g.shape[:3], *others))
    frame[(..., *(slice(n) for n in g.shape[3:]))] = g
    g = frame.reshape(*g.shape[:2], -1)
    run = g.shape[2]
    w = np.stack([np.sum(np.vecdot(planes[..., start : start + run], g), axis=0) for start in starts], axis=1)
    return w.reshape(len(w), 1, *window.kernel)


# In blocks: rows of the images lie side by side, (channels, height, n, width). Below one another is then what a column
# of the kernel meets in all images, and one product makes of it what each column adds. Some channels are done at a
# time, whose numbers stay in the cache.


def _slices(length, most):
    # Slices of at most so many.
    return [slice(i, min(i + most, length)) for i in range(0, length, most)]


def _images(x, window):
    # Slices of images, a channel of which is no more than a part of a block.
    return _slices(len(x), max(1, IMAGES // math.prod(window.framed(x.shape[2:]))))


def _channels(x, window):
    # Slices of channels of some images.
    return _slices(x.shape[1], max(1, BLOCK // (x[:, 0].size * (window.kernel[1] + 1))))


def _frame(like, channels, height, width, inside):
    # Zeros (channels, height, n, width), and a view of what is `inside` as images.
    down, across = inside
    frame = np.zeros((channels, height, len(like), width), like.dtype)
    return frame, frame[:, down, :, across].transpose(2, 0, 1, 3)


def _framed(x, channels, window):
    height, width = window.framed(x.shape[2:])
    down, _, across = window.inside(x.shape[2:])
    return _frame(x, channels, height, width, (down, across))


def convolve_blocks(x, w, window, places):
    """As `convolve`, of ndarrays."""
    y = np.empty((len(x), len(w), *places), x.dtype)
    for images in _images(x, window):
        _convolve_block(x[images], w[:, 0].mT, window, y[images])
    return y


def _convolve_block(x, w, window, y):
    (high, wide), (below, aside) = y.shape[2:], window.dilation
    pieces, (down, across) = _channels(x, window), window.kernel
    frame, inside = _framed(x, pieces[0].stop, window)
    rows = frame.reshape(*frame.shape[:2], -1)
    met = sliding_window_view(rows, (down - 1) * below + 1, axis=1)[:, :high, :, ::below].mT
    parts = np.empty((across, len(rows), high, *frame.shape[2:]), x.dtype)  # what each column adds
    made = parts.reshape(across, len(rows), high, -1).transpose(1, 2, 0, 3)
    runs, total = parts.reshape(across, len(rows), -1), parts[0, ..., :wide].transpose(2, 0, 1, 3)
    for channels in pieces:
        m = channels.stop - channels.start
        inside[:, :m] = x[:, channels]
        np.matmul(w[channels, None], met[:m], out=made[:m])
        for j in range(1, across):
            runs[0, :m, : -j * aside] += runs[j, :m, j * aside :]
        y[:, channels] = total[:, :m]


def weigh_blocks(x, g, window):
    """As `weigh_each`, of ndarrays."""
    w = np.zeros((x.shape[1], 1, *window.kernel), x.dtype)
    for images in _images(x, window):
        _weigh_block(x[images], g[images], window, w.reshape(len(w), -1))
    return w


def _weigh_block(x, g, window, w):
    (high, wide), (down, across), (below, aside) = g.shape[2:], window.kernel, window.dilation
    pieces = _channels(x, window)
    frame, image = _framed(x, pieces[0].stop, window)
    other, cotangent = _frame(g, len(frame), high, frame.shape[3], (slice(high), slice(wide)))
    rows, others = frame.reshape(len(frame), -1), other.reshape(len(other), -1)
    run, step = others.shape[1] - (across - 1) * aside, below * frame[0, 0].size  # past the run are zeros
    for channels in pieces:
        m = channels.stop - channels.start
        image[:, :m], cotangent[:, :m] = x[:, channels], g[:, channels]
        for k, (i, j) in enumerate(np.ndindex(down, across)):
            start = i * step + j * aside
            w[channels, k] += np.vecdot(rows[:m, start : start + run], others[:m, :run])
