"""Between places and channels: what a window meets in each place as channels, and channels as places side by side."""

import math
from typing import Any

import numpy as np

from ..core.primitive import linear
from ..core.short import public
from ..ops.functions import permute_dims, reshape
from ..rules.batching import merged
from .module import Module
from .precision import as_input, rounded_back, widened
from .sizes import checked_count, checked_counts, checked_images
from .window import Counts, add_up, check_places, kernel_window, padded_rows


def blocks(x, window):
    """What the window meets in each place, (n, channels * elements of the window, places)."""
    n, channels, *size = x.shape
    rows, places = padded_rows(x, window), window.places(size)
    met = np.stack([rows[tap] for tap in window.taps(places)], axis=-3)
    met = met.transpose(met.ndim - 1, met.ndim - 4, met.ndim - 3, *range(met.ndim - 4), met.ndim - 2)
    return met.reshape(n, channels * math.prod(window.kernel), math.prod(places))


def overlaid(g, window, size):
    """The image in which each of the blocks `g` is added where the window meets it, (n, channels) + size."""
    places, taps = window.places(size), math.prod(window.kernel)
    g = g.reshape(len(g), g.shape[1] // taps, taps, *places)
    rows = g.transpose(2, *range(3, g.ndim - 1), 1, g.ndim - 1, 0)
    return add_up([rows[i] for i in range(taps)], window, places, size)


blocks = public(linear(blocks, lambda g, y, x, window: overlaid(g, window, x.shape[2:]), batch=merged(0)))
overlaid = public(linear(overlaid, lambda v, y, g, window, size: blocks(v, window), batch=merged(0)))


def unfold(x: Any, kernel_size: Counts, dilation: Counts = 1, padding: Counts = 0, stride: Counts = 1) -> Any:
    """The elements under a window, at each of its positions, as columns.

    Parameters
    ----------
    x : array of shape (n, channels, height, width)
    kernel_size : int >= 1, or a pair
        The height and width of the window.
    dilation, padding, stride : int, or a pair, as of `conv2d`

    Returns
    -------
    array of shape (n, channels * elements of the window, places)
        Convolution is a product with it: ``weight.reshape(out, -1) @ unfold(x, kernel_size)``.

    Raises
    ------
    ValueError
        If the shape is another, the window is larger than the padded image, or a number is out of range.
    """
    given = checked_images("the input of unfold", x, 2)
    window = block_window("unfold", kernel_size, dilation, padding, stride)
    check_places("unfold", window, given.shape[2:])
    x = widened("unfold", given) if given.dtype.char == "e" else given  # as its gradient is added up
    return rounded_back(blocks(x, window), given)


def fold(
    x: Any,
    output_size: Counts,
    kernel_size: Counts,
    dilation: Counts = 1,
    padding: Counts = 0,
    stride: Counts = 1,
) -> Any:
    """The transpose of `unfold`: the image in which columns are added up where the window took them from.

    Parameters
    ----------
    x : array of shape (n, channels * elements of the window, places)
    output_size : int >= 1, or a pair
        The height and width of the image.
    kernel_size, dilation, padding, stride : int, or a pair, as of `unfold`

    Returns
    -------
    array of shape (n, channels) + output_size

    Raises
    ------
    ValueError
        If shapes do not fit, the window is larger than the padded image, or a number is out of range.
    """
    given = as_input(x)
    size = checked_counts("output_size of fold", output_size, 2, 1)
    window = block_window("fold", kernel_size, dilation, padding, stride)
    check_places("fold", window, size)
    taps, places = math.prod(window.kernel), math.prod(window.places(size))
    if given.ndim != 3 or given.shape[1] % taps or given.shape[2] != places:
        raise ValueError(
            f"fold takes (n, channels * {taps}, {places}) for a window of {window.kernel} in an image of {size}; got "
            f"an array of shape {given.shape}"
        )
    return rounded_back(overlaid(widened("fold", given), window, size), given)


def block_window(name: str, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    """How a window moves over an image; its padding is in numbers."""
    padding = checked_counts(f"padding of {name}", padding, 2, 0)
    return kernel_window(name, checked_counts(f"kernel_size of {name}", kernel, 2, 1), stride, padding, dilation)


def pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    """Channels as pixels: (..., channels * r**2, height, width) to (..., channels, height * r, width * r).

    Parameters
    ----------
    x : array
    upscale_factor : int >= 1
        The factor r: each pixel becomes a square of r by r, whose numbers were channels.

    Raises
    ------
    ValueError
        If the channels are no multiple of r**2.

    References
    ----------
    Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural
    network, CVPR 2016 (arXiv:1609.05158).
    """
    x, r = as_input(x), checked_count("upscale_factor of pixel_shuffle", upscale_factor, 1)
    if x.ndim < 3 or x.shape[-3] % r**2:
        raise ValueError(
            f"pixel_shuffle by {r} takes (..., channels * {r**2}, height, width); got an array of shape {x.shape}"
        )
    *before, channels, height, width = x.shape
    x = reshape(x, (*before, channels // r**2, r, r, height, width))
    k = len(before)
    x = permute_dims(x, (*range(k + 1), k + 3, k + 1, k + 4, k + 2))
    return reshape(x, (*before, channels // r**2, height * r, width * r))


def pixel_unshuffle(x: Any, downscale_factor: int) -> Any:
    """The inverse of `pixel_shuffle`: (..., channels, height * r, width * r) to (..., channels * r**2, height, width).

    Parameters
    ----------
    x : array
    downscale_factor : int >= 1
        The factor r, which divides the height and the width.

    Raises
    ------
    ValueError
        If it does not.
    """
    x, r = as_input(x), checked_count("downscale_factor of pixel_unshuffle", downscale_factor, 1)
    if x.ndim < 3 or x.shape[-2] % r or x.shape[-1] % r:
        raise ValueError(
            f"pixel_unshuffle by {r} takes (..., channels, height, width) whose height and width {r} divides; got an "
            f"array of shape {x.shape}"
        )
    *before, channels, height, width = x.shape
    x = reshape(x, (*before, channels, height // r, r, width // r, r))
    k = len(before)
    x = permute_dims(x, (*range(k + 1), k + 2, k + 4, k + 1, k + 3))
    return reshape(x, (*before, channels * r**2, height // r, width // r))


class Unfold(Module):
    """`functional.unfold` as a layer: (n, channels, height, width) -> (n, channels * elements of the window, places).

    Parameters
    ----------
    kernel_size, dilation, padding, stride : as of `functional.unfold`
    """

    def __init__(self, kernel_size: Counts, dilation: Counts = 1, padding: Counts = 0, stride: Counts = 1) -> None:
        block_window("Unfold", kernel_size, dilation, padding, stride)
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, x: Any) -> Any:
        return unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Module):
    """`functional.fold` as a layer: (n, channels * elements of the window, places) -> (n, channels) + output_size.

    Parameters
    ----------
    output_size, kernel_size, dilation, padding, stride : as of `functional.fold`
    """

    def __init__(
        self,
        output_size: Counts,
        kernel_size: Counts,
        dilation: Counts = 1,
        padding: Counts = 0,
        stride: Counts = 1,
    ) -> None:
        checked_counts("output_size of Fold", output_size, 2, 1)
        block_window("Fold", kernel_size, dilation, padding, stride)
        self.output_size, self.kernel_size, self.dilation = output_size, kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, x: Any) -> Any:
        return fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)


class PixelShuffle(Module):
    """`functional.pixel_shuffle` as a layer.

    Parameters
    ----------
    upscale_factor : int >= 1
    """

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = checked_count("upscale_factor of PixelShuffle", upscale_factor, 1)

    def forward(self, x: Any) -> Any:  # (..., channels * r**2, height, width) -> (..., channels, height * r, width * r)
        return pixel_shuffle(x, self.upscale_factor)


class PixelUnshuffle(Module):
    """`functional.pixel_unshuffle` as a layer.

    Parameters
    ----------
    downscale_factor : int >= 1
    """

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = checked_count("downscale_factor of PixelUnshuffle", downscale_factor, 1)

    def forward(self, x: Any) -> Any:  # (..., channels, height * r, width * r) -> (..., channels * r**2, height, width)
        return pixel_unshuffle(x, self.downscale_factor)
