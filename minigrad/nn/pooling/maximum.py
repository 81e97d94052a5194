"""The maximum under a window, at each of its positions: its derivative is that of picking it, the first of several."""

import math
from typing import Any

import numpy as np

from ...core.primitive import constant, general, linear
from ...core.short import public
from ...rules.batching import merged
from ..module import Module
from ..sizes import checked_flag, checked_images
from ..window import Counts, add_up, ceiled, check_places, image_of, image_rows, padded_rows, pooling_window


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
    rows, top = padded_rows(x, window, -np.inf), image_rows(y)
    picks, left = [], None
    image = padded_rows(np.ones_like(x, shape=(1, 1, *x.shape[2:]), dtype=bool), window) if window.is_framed() else None
    for met in window.taps(y.shape[2:]):
        part = rows[met]
        hit = (part == top) | (part != part)
        if image is not None:  # where all is -inf, so is the padding
            hit &= image[met]
        if left is None:
            left = ~hit
        else:
            hit &= left
            left ^= hit
        picks.append(hit)
    return picks


def place(g, picks, window, size):
    """`g` put where the elements were picked, (n, channels, *size); added up where windows overlap."""
    rows = image_rows(g)
    return add_up([rows * picked for picked in picks], window, g.shape[2:], size)


def pick(x, picks, window):
    """The elements of `x` at the places in windows where they were picked."""
    rows = padded_rows(x, window)
    parts = (rows[met] * picked for met, picked in zip(window.taps(window.places(x.shape[2:])), picks, strict=True))
    return image_of(sum(parts))


def picked_positions(x, y, window):
    """Where the elements were picked, as positions in a channel of the image, (n, channels, *places)."""
    size = x.shape[2:]
    rows = padded_rows(np.arange(math.prod(size), like=x).reshape(1, 1, *size), window)
    parts = zip(firsts(x, y, window), window.taps(y.shape[2:]), strict=True)
    return image_of(sum(picked * rows[met] for picked, met in parts))


# The rows of what was picked in all entries of a batch have the examples of all in their last axis.


def _firsts_of_batch(call):
    x, y = (np.reshape(full := call.full(i), (-1, *full.shape[2:])) for i in (0, 1))
    picks = np.stack(call.result([x, y, *call.operands[2:]]))
    return np.moveaxis(np.reshape(picks, (*picks.shape[:-1], call.size, -1)), -2, 0)


def _picks_of_batch(call):
    image, picks, *rest = call.operands
    image = call.full(0)
    picks = picks if call.own[1] else np.broadcast_to(np.stack(picks), (call.size, *np.shape(picks)))
    picks = np.moveaxis(picks, 0, -2)
    picks = np.reshape(picks, (*picks.shape[:-2], -1))
    y = call.result([np.reshape(image, (-1, *image.shape[2:])), picks, *rest])
    return np.reshape(y, (call.size, -1, *y.shape[1:]))


firsts = constant(firsts, batch=_firsts_of_batch)
picked_positions = public(constant(picked_positions, batch=merged(0, 1)))
place = linear(place, lambda v, y, g, picks, window, size: pick(v, picks, window), batch=_picks_of_batch)
pick = linear(pick, lambda g, y, x, picks, window: place(g, picks, window, x.shape[2:]), batch=_picks_of_batch)
max_windows = public(
    general(
        max_windows,
        lambda g, y, x, window: place(g, firsts(x, y, window), window, x.shape[2:]),
        forward=[lambda t, y, x, window: pick(t, firsts(x, y, window), window)],
        batch=merged(0),
    )
)


def max_pool1d(
    x: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    dilation: Counts = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """As `max_pool2d`, of sequences: (n, channels, length) to (n, channels, places).

    Parameters
    ----------
    x : floating array of shape (n, channels, length)
    kernel_size, stride, padding, dilation, ceil_mode, return_indices : as of `max_pool2d`
        With one number for pairs.
    """
    return max_pooled("max_pool1d", 1, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    x: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    dilation: Counts = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum under a window, at each position; of equal ones, the first, row by row, gets the gradient.

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
    ceil_mode : bool
        Whether the window also has a place where it begins in the image and reaches over its end.
    return_indices : bool
        Whether to return, too, where each of the largest numbers is.

    Returns
    -------
    array of shape (n, channels, (height + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1, likewise)
        With `ceil_mode`, the division rounds up.
    array of int64 of the same shape, with `return_indices`
        Positions in a channel of the image, row by row: row * width + column.

    Raises
    ------
    ValueError
        If the shape is another, the window is larger than the padded image, or a number is out of range.
    """
    return max_pooled("max_pool2d", 2, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    x: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    dilation: Counts = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """As `max_pool2d`, of volumes: (n, channels, depth, height, width) to (n, channels, places...).

    Parameters
    ----------
    x : floating array of shape (n, channels, depth, height, width)
    kernel_size, stride, padding, dilation, ceil_mode, return_indices : as of `max_pool2d`
        With three numbers for pairs.
    """
    return max_pooled("max_pool3d", 3, x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pooled(
    name: str,
    axes: int,
    x: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: Any,
    return_indices: Any,
) -> Any:
    """The largest numbers along so many axes."""
    x = checked_floats(name, x, axes)
    window = pooling_window(name, axes, kernel, stride, padding, dilation)
    if checked_flag(f"ceil_mode of {name}", ceil_mode):
        window = ceiled(window, x.shape[2:])
    check_places(name, window, x.shape[2:])
    y = max_windows(x, window)
    return (y, picked_positions(x, y, window)) if checked_flag(f"return_indices of {name}", return_indices) else y


def checked_floats(name: str, x: Any, axes: int) -> Any:
    """`x` as an image of floats; refuses integers, which have no number below all others, and no derivative."""
    x = checked_images(f"the input of {name}", x, axes)
    if x.dtype.kind != "f":
        raise TypeError(f"{name} takes floating numbers; got {x.dtype}. Use x.astype(float)")
    return x


class MaxPool(Module):
    """What the layers of the largest numbers have in common."""

    axes = 2

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Counts = 0,
        dilation: Counts = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        name = type(self).__name__
        pooling_window(name, self.axes, kernel_size, stride, padding, dilation)
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.return_indices = checked_flag(f"return_indices of {name}", return_indices)
        self.ceil_mode = checked_flag(f"ceil_mode of {name}", ceil_mode)

    def forward(self, x: Any) -> Any:
        numbers = self.kernel_size, self.stride, self.padding, self.dilation
        return max_pooled(f"max_pool{self.axes}d", self.axes, x, *numbers, self.ceil_mode, self.return_indices)


class MaxPool1d(MaxPool):
    """`functional.max_pool1d` as a layer: (n, channels, length) -> (n, channels, places).

    Parameters
    ----------
    kernel_size, stride, padding, dilation, return_indices, ceil_mode : as of `functional.max_pool1d`
    """

    axes = 1


class MaxPool2d(MaxPool):
    """`functional.max_pool2d` as a layer: (n, channels, height, width) -> (n, channels, places down, places across).

    Parameters
    ----------
    kernel_size, stride, padding, dilation, return_indices, ceil_mode : as of `functional.max_pool2d`
    """

    axes = 2


class MaxPool3d(MaxPool):
    """`functional.max_pool3d` as a layer: (n, channels, depth, height, width) -> (n, channels, places...).

    Parameters
    ----------
    kernel_size, stride, padding, dilation, return_indices, ceil_mode : as of `functional.max_pool3d`
    """

    axes = 3
