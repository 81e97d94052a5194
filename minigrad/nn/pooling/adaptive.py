"""Pooling to a size that is given: an image is cut into so many parts along each axis, as evenly as can be.

Part i of m begins at floor(i n / m) and ends at ceil((i + 1) n / m), as in PyTorch: where m does not divide n, some
parts overlap by an element.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...core.door import bind
from ...core.primitive import constant
from ...core.short import public
from ...ops.functions import mean, reshape, take_along_axis
from ...rules.batching import merged
from ..module import Module
from ..precision import rounded_back, widened
from ..sizes import checked_count, checked_flag, checked_images
from ..stencil import Stencil, resampled
from ..window import Window
from .maximum import checked_floats, max_windows, picked_positions

Sizes = int | Sequence[int | None] | None
FEW = 64  # numbers in a part, up to which a window takes less time to find the largest than np.argmax


def first_places(x, sizes):
    """Where the first of the largest numbers of each part is, in its channel of the image, (n, channels) + sizes."""
    places = np.arange(math.prod(x.shape[2:]), like=x).reshape(1, 1, *x.shape[2:])
    x, places = _members(x, sizes), _members(places, sizes)
    first = np.argmax(x, axis=-1)
    return np.take_along_axis(np.broadcast_to(places, x.shape), first[..., None], -1)[..., 0]


def _members(x, sizes):
    # What is in each part, (n, channels, *sizes, most).
    for axis, m in enumerate(sizes, 2):
        if x.shape[axis] % m:
            x = np.take(x, members(x.shape[axis], m).reshape(-1), axis)
    k, lengths = len(sizes), [n // m for n, m in zip(x.shape[2:], sizes, strict=True)]
    x = x.reshape(*x.shape[:2], *(n for pair in zip(sizes, lengths, strict=True) for n in pair))
    x = x.transpose(0, 1, *range(2, 2 + 2 * k, 2), *range(3, 3 + 2 * k, 2))
    return x.reshape(*x.shape[: 2 + k], math.prod(lengths))


first_places = public(constant(first_places, batch=merged(0)))


def adaptive_avg_pool1d(x: Any, output_size: Sizes) -> Any:
    """As `adaptive_avg_pool2d`, of sequences: (n, channels, length) to (n, channels) + output_size.

    Parameters
    ----------
    x : array of shape (n, channels, length)
    output_size : int >= 1
    """
    return adaptive_means("adaptive_avg_pool1d", 1, x, output_size)


def adaptive_avg_pool2d(x: Any, output_size: Sizes) -> Any:
    """The means of the parts of an image that is divided as evenly as possible.

    Parameters
    ----------
    x : array of shape (n, channels, height, width)
    output_size : int >= 1, or a pair
        How many parts there are along each axis; None for as many as there are elements. Parts overlap by an element
        where their number does not divide the length.

    Returns
    -------
    array of shape (n, channels) + output_size
    """
    return adaptive_means("adaptive_avg_pool2d", 2, x, output_size)


def adaptive_avg_pool3d(x: Any, output_size: Sizes) -> Any:
    """As `adaptive_avg_pool2d`, of volumes: (n, channels, depth, height, width) to (n, channels) + output_size.

    Parameters
    ----------
    x : array of shape (n, channels, depth, height, width)
    output_size : int >= 1, or a triple
    """
    return adaptive_means("adaptive_avg_pool3d", 3, x, output_size)


def adaptive_max_pool1d(x: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """As `adaptive_max_pool2d`, of sequences: (n, channels, length) to (n, channels) + output_size.

    Parameters
    ----------
    x : floating array of shape (n, channels, length)
    output_size : int >= 1
    return_indices : bool
    """
    return adaptive_maxima("adaptive_max_pool1d", 1, x, output_size, return_indices)


def adaptive_max_pool2d(x: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """The maxima of the parts of an image, divided as evenly as possible; of equal ones, the first gets the gradient.

    Parameters
    ----------
    x : floating array of shape (n, channels, height, width)
    output_size : int >= 1, or a pair
        As in `adaptive_avg_pool2d`.
    return_indices : bool
        Whether to return, too, where each of the largest numbers is, as in `max_pool2d`.

    Returns
    -------
    array of shape (n, channels) + output_size
    array of int64 of the same shape, with `return_indices`
    """
    return adaptive_maxima("adaptive_max_pool2d", 2, x, output_size, return_indices)


def adaptive_max_pool3d(x: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """As `adaptive_max_pool2d`, of volumes: (n, channels, depth, height, width) to (n, channels) + output_size.

    Parameters
    ----------
    x : floating array of shape (n, channels, depth, height, width)
    output_size : int >= 1, or a triple
    return_indices : bool
    """
    return adaptive_maxima("adaptive_max_pool3d", 3, x, output_size, return_indices)


def adaptive_means(name: str, axes: int, x: Any, output_size: Any) -> Any:
    """The means of parts along so many axes."""
    given = checked_images(f"the input of {name}", x, axes)
    x, size = widened(name, given), given.shape[2:]
    sizes = checked_sizes(name, output_size, size)
    if any(n % m for n, m in zip(size, sizes, strict=True)):
        return rounded_back(bind(resampled, (x, tuple(map(means, size, sizes)))), given)
    split = [k for n, m in zip(size, sizes, strict=True) for k in (m, n // m)]
    return rounded_back(mean(reshape(x, (*x.shape[:2], *split)), axis=tuple(range(3, 3 + 2 * axes, 2))), given)


def adaptive_maxima(name: str, axes: int, x: Any, output_size: Any, return_indices: Any) -> Any:
    """The largest numbers of parts along so many axes."""
    x = checked_floats(name, x, axes)
    size = x.shape[2:]
    sizes = checked_sizes(name, output_size, size)
    return_indices = checked_flag(f"return_indices of {name}", return_indices)
    kernel = tuple(n // m for n, m in zip(size, sizes, strict=True))
    if math.prod(kernel) <= FEW and not any(n % m for n, m in zip(size, sizes, strict=True)):
        window = Window(kernel, kernel, ((0, 0),) * axes, (1,) * axes)
        y = max_windows(x, window)
        return (y, picked_positions(x, y, window)) if return_indices else y
    places = first_places(x, sizes)
    numbers, at = (reshape(a, (*a.shape[:2], math.prod(a.shape[2:]))) for a in (x, places))
    y = reshape(take_along_axis(numbers, at, axis=-1), places.shape)
    return (y, places) if return_indices else y


def checked_sizes(name: str, output_size: Any, size: tuple[int, ...]) -> tuple[int, ...]:
    """How many parts there are along each axis."""
    wanted = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size,) * len(size)
    if len(wanted) != len(size):
        raise ValueError(f"output_size of {name} is an integer, or {len(size)} of them; got {output_size!r}")
    if not min(size):
        raise ValueError(f"{name} takes at least one number for each channel; got an image of {size}")
    pairs = zip(size, wanted, strict=True)
    return tuple(n if m is None else checked_count(f"output_size of {name}", m, 1) for n, m in pairs)


def part_bounds(n: int, m: int) -> tuple[Any, Any]:
    """Where each of m parts of n elements begins, and how long each is."""
    part = np.arange(m)
    begins = part * n // m
    return begins, -(-(part + 1) * n // m) - begins


@lru_cache(256)
def means(n: int, m: int) -> Stencil:
    """The map to the means of m parts of n elements."""
    begins, lengths = part_bounds(n, m)
    term = np.arange(lengths.max())[:, None]
    inside = term < lengths
    return Stencil(np.where(inside, begins + term, n), inside / lengths, n)


@lru_cache(256)
def members(n: int, m: int) -> Any:
    """What is in each of m parts of n elements, (m, most), the last of a shorter part twice: it is not the first."""
    begins, lengths = part_bounds(n, m)
    return begins[:, None] + np.minimum(np.arange(lengths.max()), lengths[:, None] - 1)


class AdaptiveAvgPool(Module):
    """What the layers of means have in common."""

    axes = 2

    def __init__(self, output_size: Sizes) -> None:
        checked_sizes(type(self).__name__, output_size, (1,) * self.axes)
        self.output_size = output_size

    def forward(self, x: Any) -> Any:
        return adaptive_means(f"adaptive_avg_pool{self.axes}d", self.axes, x, self.output_size)


class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """`functional.adaptive_avg_pool1d` as a layer: (n, channels, length) -> (n, channels) + output_size.

    Parameters
    ----------
    output_size : as of `functional.adaptive_avg_pool1d`
    """

    axes = 1


class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """`functional.adaptive_avg_pool2d` as a layer: (n, channels, height, width) -> (n, channels) + output_size.

    Parameters
    ----------
    output_size : as of `functional.adaptive_avg_pool2d`
    """

    axes = 2


class AdaptiveAvgPool3d(AdaptiveAvgPool):
    """`functional.adaptive_avg_pool3d` as a layer: (n, channels, depth, height, width) -> (n, channels) + output_size.

    Parameters
    ----------
    output_size : as of `functional.adaptive_avg_pool3d`
    """

    axes = 3


class AdaptiveMaxPool(Module):
    """What the layers of the largest numbers have in common."""

    axes = 2

    def __init__(self, output_size: Sizes, return_indices: bool = False) -> None:
        checked_sizes(type(self).__name__, output_size, (1,) * self.axes)
        self.output_size = output_size
        self.return_indices = checked_flag(f"return_indices of {type(self).__name__}", return_indices)

    def forward(self, x: Any) -> Any:
        return adaptive_maxima(f"adaptive_max_pool{self.axes}d", self.axes, x, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """`functional.adaptive_max_pool1d` as a layer: (n, channels, length) -> (n, channels) + output_size.

    Parameters
    ----------
    output_size, return_indices : as of `functional.adaptive_max_pool1d`
    """

    axes = 1


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """`functional.adaptive_max_pool2d` as a layer: (n, channels, height, width) -> (n, channels) + output_size.

    Parameters
    ----------
    output_size, return_indices : as of `functional.adaptive_max_pool2d`
    """

    axes = 2


class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """`functional.adaptive_max_pool3d` as a layer: (n, channels, depth, height, width) -> (n, channels) + output_size.

    Parameters
    ----------
    output_size, return_indices : as of `functional.adaptive_max_pool3d`
    """

    axes = 3
