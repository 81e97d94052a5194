"""Pooling: one number for each place of a window. See `window` for how images lie in memory."""

import numpy as np

from ...core.primitive import constant, general, linear
from .window import add_up, image_of, padded_rows, rows_of


def sum_windows(x, window, scale):
    """The sum of what the window meets in each place, times the number `scale`."""
    rows, places = padded_rows(x, window), window.places(x.shape[2:])
    first, *others = (rows[met] for met in window.taps(places))
    total = first + others[0] if others else first.copy()
    for part in others[1:]:
        total += part
    total *= scale
    return image_of(total)


def spread_evenly(g, window, scale, size):
    """The sum over all places of `g` times `scale`, at all that the window meets there."""
    part = rows_of(g) * scale
    if not window.tiles(size):
        return add_up([part] * (window.kernel[0] * window.kernel[1]), window, g.shape[2:], size)
    height, channels, width, n = part.shape
    tiled = part.reshape(height, 1, channels, width, 1, n)
    tiled = np.broadcast_to(tiled, (height, window.kernel[0], channels, width, window.kernel[1], n))
    return image_of(tiled.reshape(size[0], channels, size[1], n))


sum_windows = linear(sum_windows, lambda g, y, x, window, scale: spread_evenly(g, window, scale, x.shape[2:]))
spread_evenly = linear(spread_evenly, lambda v, y, g, window, scale, size: sum_windows(v, window, scale))


# The largest element of a window: the derivative is that of picking it, the first if there are several.


def max_windows(x, window):
    """The largest of what the window meets in each place."""
    rows = padded_rows(x, window, -np.inf)
    first, *others = (rows[met] for met in window.taps(window.places(x.shape[2:])))
    y = np.maximum(first, others[0]) if others else first.copy()
    for part in others[1:]:
        y = np.maximum(y, part)
    return image_of(y)


def firsts(x, y, window):
    """Where each element of the window is the first that is the largest, or not a number: a list of rows."""
    rows, top = padded_rows(x, window, -np.inf), rows_of(y)
    picks, left = [], None
    for met in window.taps(y.shape[2:]):
        part = rows[met]
        hit = (part == top) | (part != part)
        if left is None:
            left = ~hit
        else:
            hit &= left
            left ^= hit
        picks.append(hit)
    return picks


def place(g, picks, window, size):
    """`g` put where the elements were picked, (n, channels, *size); added up where windows overlap."""
    rows = rows_of(g)
    return add_up([rows * picked for picked in picks], window, g.shape[2:], size)


def pick(x, picks, window):
    """The elements of `x` at the places in windows where they were picked."""
    rows = padded_rows(x, window)
    parts = (rows[met] * picked for met, picked in zip(window.taps(window.places(x.shape[2:])), picks, strict=True))
    return image_of(sum(parts))


firsts = constant(firsts)
place = linear(place, lambda v, y, g, picks, window, size: pick(v, picks, window))
pick = linear(pick, lambda g, y, x, picks, window: place(g, picks, window, x.shape[2:]))
max_windows = general(
    max_windows,
    lambda g, y, x, window: place(g, firsts(x, y, window), window, x.shape[2:]),
    forward=[lambda t, y, x, window: pick(t, firsts(x, y, window), window)],
)
