"""The way back from pooling of the largest numbers: each is put where it was."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.door import unwrap
from ...ops.functions import index_update, reshape
from ..module import Module
from ..precision import as_input
from ..sizes import checked_counts, checked_images
from ..window import Counts, pooling_window


def max_unpool1d(
    x: Any,
    indices: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    output_size: Sequence[int] | None = None,
) -> Any:
    """As `max_unpool2d`, of sequences, for the indices of `max_pool1d`.

    Parameters
    ----------
    x : array of shape (n, channels, places)
    indices : array of int of that shape
    kernel_size, stride, padding, output_size : as of `max_unpool2d`
        With one number for pairs.
    """
    return put_back("max_unpool1d", 1, x, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    x: Any,
    indices: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    output_size: Sequence[int] | None = None,
) -> Any:
    """Put numbers back where `max_pool2d` found them, in an image of zeros.

    Parameters
    ----------
    x : array of shape (n, channels, places down, places across)
    indices : array of int of that shape
        Positions in a channel of the result, as `max_pool2d` returns them. Where one is there twice, the last counts.
    kernel_size, stride, padding : as of `max_pool2d`
    output_size : sequence of int, optional
        The height and width of the result, or its shape: several sizes are pooled to one. By default the least,
        ``(places - 1) stride - 2 padding + kernel_size``.

    Returns
    -------
    array of shape (n, channels, height, width)

    Raises
    ------
    ValueError
        If shapes do not fit, a size is further than a stride from the default, or a number is out of range.
    IndexError
        If an index lies outside of the result.
    """
    return put_back("max_unpool2d", 2, x, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    x: Any,
    indices: Any,
    kernel_size: Counts,
    stride: Counts | None = None,
    padding: Counts = 0,
    output_size: Sequence[int] | None = None,
) -> Any:
    """As `max_unpool2d`, of volumes, for the indices of `max_pool3d`.

    Parameters
    ----------
    x : array of shape (n, channels, places...)
    indices : array of int of that shape
    kernel_size, stride, padding, output_size : as of `max_unpool2d`
        With three numbers for pairs.
    """
    return put_back("max_unpool3d", 3, x, indices, kernel_size, stride, padding, output_size)


def put_back(
    name: str, axes: int, x: Any, indices: Any, kernel: Any, stride: Any, padding: Any, output_size: Any
) -> Any:
    """The images, along so many axes, in which numbers are where the indices say."""
    x, indices = checked_images(f"the input of {name}", x, axes), as_input(indices)
    if indices.dtype.kind not in "iu" or indices.shape != x.shape:
        raise ValueError(
            f"{name} takes indices, integers of the shape {x.shape} of its input, as max_pool{axes}d(..., "
            f"return_indices=True) returns; got {indices.dtype} of shape {indices.shape}"
        )
    window = pooling_window(name, axes, kernel, stride, padding)
    size = unpooled_size(name, x.shape, window, output_size)
    n, channels, whole = *x.shape[:2], math.prod(size)
    indices = reshape(indices, (n, channels, -1) if x.size else (n, channels, 0))
    at = unwrap(indices)
    if np.any((at < 0) | (at >= whole)):
        raise IndexError(
            f"{name} takes indices from 0 to {whole - 1} for an image of {size}; got others. Pass the "
            f"output_size that was pooled"
        )
    rows, columns = np.arange(n)[:, None, None], np.arange(channels)[:, None]
    y = index_update(np.zeros((n, channels, whole), x.dtype), (rows, columns, indices), reshape(x, indices.shape))
    return reshape(y, (n, channels, *size))


def unpooled_size(name: str, shape: tuple[int, ...], window: Any, output_size: Any) -> tuple[int, ...]:
    """The size of what was pooled: the least that there is, or the one that is given."""
    axes = len(shape) - 2
    numbers = zip(shape[2:], window.kernel, window.stride, window.padding, strict=True)
    least = tuple((m - 1) * s - 2 * p + k for m, k, s, (p, _) in numbers)
    if output_size is None:
        return least
    is_shape = isinstance(output_size, tuple | list) and len(output_size) == len(shape)
    size = checked_counts(f"output_size of {name}", output_size[-axes:] if is_shape else output_size, axes, 1)
    if any(abs(n - m) >= s for n, m, s in zip(size, least, window.stride, strict=True)):
        raise ValueError(f"output_size of {name} is less than a stride from {least}; got {size}")
    return size


class MaxUnpool(Module):
    """What the layers have in common."""

    axes = 2

    def __init__(self, kernel_size: Counts, stride: Counts | None = None, padding: Counts = 0) -> None:
        pooling_window(type(self).__name__, self.axes, kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, x: Any, indices: Any, output_size: Sequence[int] | None = None) -> Any:
        numbers = self.kernel_size, self.stride, self.padding
        return put_back(f"max_unpool{self.axes}d", self.axes, x, indices, *numbers, output_size)


class MaxUnpool1d(MaxUnpool):
    """`functional.max_unpool1d` as a layer, called with the indices, and optionally an output size.

    Parameters
    ----------
    kernel_size, stride, padding : as of `functional.max_unpool1d`
    """

    axes = 1


class MaxUnpool2d(MaxUnpool):
    """`functional.max_unpool2d` as a layer, called with the indices, and optionally an output size.

    Parameters
    ----------
    kernel_size, stride, padding : as of `functional.max_unpool2d`
    """

    axes = 2


class MaxUnpool3d(MaxUnpool):
    """`functional.max_unpool3d` as a layer, called with the indices, and optionally an output size.

    Parameters
    ----------
    kernel_size, stride, padding : as of `functional.max_unpool3d`
    """

    axes = 3
