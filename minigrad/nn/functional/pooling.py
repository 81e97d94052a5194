"""Pooling: one number for each place of a window, by channel."""

from typing import Any

import numpy as np

from ...core.door import bind
from ..precision import narrowed, widened
from ..rules.pooling import max_windows, sum_windows
from ..rules.window import Window
from ..sizes import checked_counts, checked_images
from .convolution import Counts, check_places


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
    window = window_of("max_pool2d", kernel_size, stride, padding, dilation)
    check_places("max_pool2d", window, x.shape[2:])
    return bind(max_windows, (x, window))


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
    window = window_of("avg_pool2d", kernel_size, stride, padding)
    check_places("avg_pool2d", window, x.shape[2:])
    if count_include_pad or not any(map(any, window.padding)):
        return narrowed(bind(sum_windows, (x, window, 1 / (window.kernel[0] * window.kernel[1]))), given)
    counts = bind(sum_windows, (np.ones_like(x, shape=(1, 1, *x.shape[2:])), window, 1))
    return narrowed(bind(sum_windows, (x, window, 1)) / counts, given)


def window_of(name: str, kernel: Counts, stride: Counts | None, padding: Counts, dilation: Counts = 1) -> Window:
    """How a window moves over an image; refuses so much padding that it could meet nothing else."""
    kernels = checked_counts(f"kernel_size of {name}", kernel, 2, 1)
    strides = kernels if stride is None else checked_counts(f"stride of {name}", stride, 2, 1)
    pads = checked_counts(f"padding of {name}", padding, 2, 0)
    if any(2 * p > k for p, k in zip(pads, kernels, strict=True)):
        raise ValueError(f"padding of {name} is at most half its window of {kernels}; got {pads}")
    dilations = checked_counts(f"dilation of {name}", dilation, 2, 1)
    return Window(kernels, strides, ((pads[0],) * 2, (pads[1],) * 2), dilations)
