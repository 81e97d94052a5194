"""Pooling: one number for each place of a window, by channel. See `window` for how images lie in memory."""

import math
from typing import Any

import numpy as np

from ..core.primitive import constant, general, linear
from ..core.short import public
from .module import Module
from .precision import narrowed, widened
from .sizes import checked_counts, checked_images
from .window import Counts, Window, add_up, check_places, image_of, padded_rows, rows_of


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
        return add_up([part] * math.prod(window.kernel), window, g.shape[2:], size)
    *outer, channels, width, n = part.shape
    *down, across = window.kernel
    single = [m for places in outer for m in (places, 1)]
    copies = [m for pair in zip(outer, down, strict=True) for m in pair]
    tiled = part.reshape(*single, channels, width, 1, n)
    tiled = np.broadcast_to(tiled, (*copies, channels, width, across, n))
    return image_of(tiled.reshape(*size[:-1], channels, size[-1], n))


sum_windows = linear(sum_windows, lambda g, y, x, window, scale: spread_evenly(g, window, scale, x.shape[2:]))
spread_evenly = linear(spread_evenly, lambda v, y, g, window, scale, size: sum_windows(v, window, scale))
window_sums = public(sum_windows)


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
max_windows = public(
    general(
        max_windows,
        lambda g, y, x, window: place(g, firsts(x, y, window), window, x.shape[2:]),
        forward=[lambda t, y, x, window: pick(t, firsts(x, y, window), window)],
    )
)


def max_pool2d(
    x: Any, kernel_size: Counts, stride: Counts | None = None, padding: Counts = 0, dilation: Counts = 1
) -> Any:
    """The largest number in each place of a window; the first of them, row by row, gets the gradient.

    Parameters
    ----------
    x : floating array of shape (n, channels, height, width)
    kernel_size : int >= 1, or a pair
        The height and width of the window.
    stride : int >= 1, or a pair, optional
        The distance between places: `kernel_size` by default, so that windows lie side by side.
    padding : int >= 0, or a pair
        Rows and columns around the image, which are never the largest: at most half the window.
    dilation : int >= 1, or a pair
        The distance between elements of the window.

    Returns
    -------
    array of shape (n, channels, (height + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1, likewise)

    Raises
    ------
    ValueError
        If the shape is another, the window is larger than the padded image, or a number is out of range.
    """
    x = checked_images("the input of max_pool2d", x, 2)
    if x.dtype.kind != "f":
        raise TypeError(f"max_pool2d takes floating numbers; got {x.dtype}. Use x.astype(float)")
    window = pooling_window("max_pool2d", kernel_size, stride, padding, dilation)
    check_places("max_pool2d", window, x.shape[2:])
    return max_windows(x, window)


def avg_pool2d(
    x: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    count_include_pad: bool = True,
) -> Any:
    """The mean of the numbers in each place of a window.

    Parameters
    ----------
    x : array of shape (n, channels, height, width)
    kernel_size, stride : int >= 1, or a pair
        As in `max_pool2d`.
    padding : int >= 0, or a pair
        Zeros around the image: at most half the window.
    count_include_pad : bool
        Whether the mean is over the padding as well.

    Returns
    -------
    array of shape (n, channels, (height + 2 padding - kernel_size) // stride + 1, likewise)

    Raises
    ------
    ValueError
        If the shape is another, the window is larger than the padded image, or a number is out of range.
    """
    given = checked_images("the input of avg_pool2d", x, 2)
    x = widened("avg_pool2d", given)
    window = pooling_window("avg_pool2d", kernel_size, stride, padding)
    check_places("avg_pool2d", window, x.shape[2:])
    if count_include_pad or not window.is_framed():
        return narrowed(window_sums(x, window, 1 / (window.kernel[0] * window.kernel[1])), given)
    counts = window_sums(np.ones_like(x, shape=(1, 1, *x.shape[2:])), window, 1)
    return narrowed(window_sums(x, window, 1) / counts, given)


def pooling_window(name: str, kernel: Counts, stride: Counts | None, padding: Counts, dilation: Counts = 1) -> Window:
    """How a window moves over an image; refuses so much padding that it could meet nothing else."""
    kernels = checked_counts(f"kernel_size of {name}", kernel, 2, 1)
    strides = kernels if stride is None else checked_counts(f"stride of {name}", stride, 2, 1)
    pads = checked_counts(f"padding of {name}", padding, 2, 0)
    if any(2 * p > k for p, k in zip(pads, kernels, strict=True)):
        raise ValueError(f"padding of {name} is at most half its window of {kernels}; got {pads}")
    dilations = checked_counts(f"dilation of {name}", dilation, 2, 1)
    return Window(kernels, strides, ((pads[0],) * 2, (pads[1],) * 2), dilations)


class MaxPool2d(Module):
    """`functional.max_pool2d` as a layer: (n, channels, height, width) -> (n, channels, places down, places across).

    Parameters
    ----------
    kernel_size, stride, padding, dilation : as of `functional.max_pool2d`
    """

    def __init__(
        self, kernel_size: Counts, stride: Counts | None = None, padding: Counts = 0, dilation: Counts = 1
    ) -> None:
        pooling_window("MaxPool2d", kernel_size, stride, padding, dilation)
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation

    def forward(self, x: Any) -> Any:
        return max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)


class AvgPool2d(Module):
    """`functional.avg_pool2d` as a layer: (n, channels, height, width) -> (n, channels, places down, places across).

    Parameters
    ----------
    kernel_size, stride, padding, count_include_pad : as of `functional.avg_pool2d`
    """

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Counts = 0,
        count_include_pad: bool = True,
    ) -> None:
        pooling_window("AvgPool2d", kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.count_include_pad = count_include_pad

    def forward(self, x: Any) -> Any:
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.count_include_pad)
