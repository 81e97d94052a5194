"""The mean under a window, at each of its positions."""

import math
from typing import Any

import numpy as np

from ...core.primitive import linear
from ...core.short import public
from ...rules.batching import merged
from ..module import Module
from ..precision import rounded_back, widened
from ..sizes import checked_count, checked_flag, checked_images
from ..window import Counts, Window, add_up, ceiled, check_places, image_of, image_rows, padded_rows, pooling_window


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
    part = image_rows(g) * scale
    if not window.tiles(size):
        return add_up([part] * math.prod(window.kernel), window, g.shape[2:], size)
    *outer, channels, width, n = part.shape
    *down, across = window.kernel
    single = [m for places in outer for m in (places, 1)]
    copies = [m for pair in zip(outer, down, strict=True) for m in pair]
    tiled = part.reshape(*single, channels, width, 1, n)
    tiled = np.broadcast_to(tiled, (*copies, channels, width, across, n))
    return image_of(tiled.reshape(*size[:-1], channels, size[-1], n))


sum_windows = linear(
    sum_windows, lambda g, y, x, window, scale: spread_evenly(g, window, scale, x.shape[2:]), batch=merged(0)
)
spread_evenly = linear(
    spread_evenly, lambda v, y, g, window, scale, size: sum_windows(v, window, scale), batch=merged(0)
)
window_sums = public(sum_windows)


def avg_pool1d(
    x: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """As `avg_pool2d`, of sequences: (n, channels, length) to (n, channels, places).

    Parameters
    ----------
    x : array of shape (n, channels, length)
    kernel_size, stride, padding, ceil_mode, count_include_pad : as of `avg_pool2d`
        With one number for pairs.
    """
    return mean_pooled("avg_pool1d", 1, x, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    x: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean under a window, at each of its positions.

    Parameters
    ----------
    x : array of shape (n, channels, height, width)
    kernel_size, stride : as of `max_pool2d`
    padding : int >= 0, or a pair
        Zeros around the image: at most half the window.
    ceil_mode : as of `max_pool2d`
    count_include_pad : bool
        Whether the mean is over the padding as well. What `ceil_mode` adds to it never counts.
    divisor_override : int >= 1, optional
        What to divide all sums by, in place of how many numbers there are.

    Returns
    -------
    array of shape (n, channels, (height + 2 padding - kernel_size) // stride + 1, likewise)
        With `ceil_mode`, the division rounds up.

    Raises
    ------
    ValueError
        If the shape is another, the window is larger than the padded image, or a number is out of range.
    """
    return mean_pooled("avg_pool2d", 2, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    x: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """As `avg_pool2d`, of volumes: (n, channels, depth, height, width) to (n, channels, places...).

    Parameters
    ----------
    x : array of shape (n, channels, depth, height, width)
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override : as of `avg_pool2d`
        With three numbers for pairs.
    """
    return mean_pooled("avg_pool3d", 3, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def mean_pooled(
    name: str,
    axes: int,
    x: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil_mode: Any,
    count_include_pad: Any,
    divisor: Any,
) -> Any:
    """The means along so many axes."""
    given = checked_images(f"the input of {name}", x, axes)
    x, size = widened(name, given), given.shape[2:]
    window = pooling_window(name, axes, kernel, stride, padding)
    counted = window.padding if checked_flag(f"count_include_pad of {name}", count_include_pad) else ((0, 0),) * axes
    if checked_flag(f"ceil_mode of {name}", ceil_mode):
        window = ceiled(window, size)
    check_places(name, window, size)
    if divisor is not None:
        return rounded_back(window_sums(x, window, 1 / checked_count(f"divisor_override of {name}", divisor, 1)), given)
    if counted == window.padding:
        return rounded_back(window_sums(x, window, 1 / math.prod(window.kernel)), given)
    return rounded_back(window_sums(x, window, 1) / counts_in_window(x, window, counted), given)


def counts_in_window(x: Any, window: Window, counted: Any) -> Any:
    """How many numbers of the image, and of the padding that is `counted`, the window meets in each place."""
    whole = window._replace(padding=counted).framed(x.shape[2:])
    rest = tuple((b - c, a - d) for (b, a), (c, d) in zip(window.padding, counted, strict=True))
    return window_sums(np.ones_like(x, shape=(1, 1, *whole)), window._replace(padding=rest), 1)


class AvgPool(Module):
    """What the layers of means have in common."""

    axes = 2

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Counts = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        name = type(self).__name__
        pooling_window(name, self.axes, kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode = checked_flag(f"ceil_mode of {name}", ceil_mode)
        self.count_include_pad = checked_flag(f"count_include_pad of {name}", count_include_pad)
        if divisor_override is not None:
            divisor_override = checked_count(f"divisor_override of {name}", divisor_override, 1)
        self.divisor_override = divisor_override

    def forward(self, x: Any) -> Any:
        numbers = self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        return mean_pooled(f"avg_pool{self.axes}d", self.axes, x, *numbers, self.divisor_override)


class AvgPool1d(AvgPool):
    """`functional.avg_pool1d` as a layer: (n, channels, length) -> (n, channels, places).

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad : as of `functional.avg_pool1d`
    """

    axes = 1

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Counts = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)


class AvgPool2d(AvgPool):
    """`functional.avg_pool2d` as a layer: (n, channels, height, width) -> (n, channels, places down, places across).

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override : as of `functional.avg_pool2d`
    """

    axes = 2


class AvgPool3d(AvgPool):
    """`functional.avg_pool3d` as a layer: (n, channels, depth, height, width) -> (n, channels, places...).

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override : as of `functional.avg_pool3d`
    """

    axes = 3
