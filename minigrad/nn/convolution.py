"""Convolution: one form in an image x, a kernel w and a cotangent g, linear in each, and its partial derivatives.

``convolve(x, w)``, ``spread(g, w)`` and ``weigh(x, g)`` are the derivatives of <g, convolve(x, w)> with respect to g, x
and w; so the rules of each are the other two. The kernel need not have been in all places that the image has for it: a
transposed convolution with much output padding makes an image with more.

Kernels have shape (out, channels of a group, height, width), as PyTorch's. There is a product of matrices for each row
of the image and each group of channels: few enough numbers to stay in the cache.
"""

import math
from typing import Any

import numpy as np

from ..core.door import bind
from ..core.primitive import multilinear
from ..ops.functions import pad
from .init import RNG, uniform
from .module import Module
from .parameter import Parameter
from .precision import narrowed, widened
from .sizes import checked_count, checked_counts, checked_flag, checked_images
from .window import Counts, Window, add_up, check_places, image_of, kernel_window, padded_rows, padding_of, rows_of


def _matrices(w, groups):
    # A matrix for each group: (groups, out of a group, taps * channels of a group).
    out, channels, height, width = w.shape
    w = w.reshape(groups, out // groups, channels, height * width)
    return w.transpose(0, 1, 3, 2).reshape(groups, out // groups, height * width * channels)


def _columns(x, window, groups, places):
    # What the kernel meets in each place: (height, groups, taps * channels of a group, width * n).
    n, channels, (height, width) = *x.shape[:2], places
    rows = padded_rows(x, window)
    rows = rows.reshape(len(rows), groups, channels // groups, *rows.shape[2:])
    seen = np.concatenate([rows[down, :, :, across] for down, _, across in window.taps((height, width))], axis=2)
    return seen.reshape(height, groups, seen.shape[2], width * n)


def _grouped(g, groups):
    # Of an image, (height, groups, channels of a group, width * n).
    n, channels, height, width = g.shape
    return rows_of(g).reshape(height, groups, channels // groups, width * n)


SMALL = 1_000_000  # multiplications: OpenBLAS has kernels for such products, which are twice as fast


def _pieces(rows, columns, depth):
    # In how many pieces to cut the columns of a product, (rows, depth) times (depth, columns), for those kernels.
    fitting = SMALL // max(rows * depth, 1)
    if columns <= fitting or fitting < 32:
        return 1
    return next((n for n in range(2, columns // 32) if columns % n == 0 and columns // n <= fitting), 1)


def convolve(x, w, window, groups, places):
    """The products of the kernels with what they meet in the first `places`, (n, out, *places)."""
    height, width = places
    w, seen = _matrices(w, groups), _columns(x, window, groups, places)
    _, out, depth = w.shape
    pieces = _pieces(out, width * len(x), depth)
    seen = seen.reshape(height, groups, depth, pieces, seen.shape[3] // pieces).transpose(0, 3, 1, 2, 4)
    y = (w @ seen).transpose(0, 2, 3, 1, 4)
    return image_of(y.reshape(height, groups * out, width, len(x)))


def spread(g, w, window, groups, size):
    """The sum over all places of `g` times the kernels there, (n, channels, *size)."""
    n, _, height, width = g.shape
    parts = _matrices(w, groups).mT @ _grouped(g, groups)
    taps = w.shape[2] * w.shape[3]
    parts = parts.reshape(height, groups, taps, w.shape[1], width, n).transpose(2, 0, 1, 3, 4, 5)
    parts = [part.reshape(height, groups * w.shape[1], width, n) for part in parts]
    return add_up(parts, window, (height, width), size)


def weigh(x, g, window, groups):
    """For each tap of each kernel, the sum over all places of `g` times what the tap meets there."""
    out, channels = g.shape[1], x.shape[1] // groups
    height, width = window.kernel
    w = np.add.reduce(_columns(x, window, groups, g.shape[2:]) @ _grouped(g, groups).mT, axis=0)
    w = w.reshape(groups, height * width, channels, out // groups).transpose(0, 3, 2, 1)
    return w.reshape(out, channels, height, width)


convolve = multilinear(
    convolve,
    lambda g, y, x, w, window, groups, places: spread(g, w, window, groups, x.shape[2:]),
    lambda g, y, x, w, window, groups, places: weigh(x, g, window, groups),
)
spread = multilinear(
    spread,
    lambda v, y, g, w, window, groups, size: convolve(v, w, window, groups, g.shape[2:]),
    lambda v, y, g, w, window, groups, size: weigh(v, g, window, groups),
)
weigh = multilinear(
    weigh,
    lambda v, y, x, g, window, groups: spread(g, v, window, groups, x.shape[2:]),
    lambda v, y, x, g, window, groups: convolve(x, v, window, groups, g.shape[2:]),
)


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Counts = 1,
    padding: Counts | str = 0,
    dilation: Counts = 1,
    groups: int = 1,
) -> Any:
    """Products of kernels with what they meet along sequences, (n, in, length) to (n, out, places).

    Parameters
    ----------
    x : array of shape (n, in, length)
    weight : array of shape (out, in / groups, kernel)
    bias : array of shape (out,), optional
    stride, padding, dilation, groups : as of `conv2d`
        With one number for pairs.

    Returns
    -------
    array of shape (n, out, (length + 2 padding - dilation (kernel - 1) - 1) // stride + 1)
    """
    x = checked_images("the input of conv1d", x, 1)
    weight = checked_images("the weight of conv1d", weight, 1, "out, in / groups")
    check_channels("conv1d", x, weight, bias, groups)
    window = kernel_window("conv1d", weight.shape[2:], stride, padding, dilation)
    check_places("conv1d", window, x.shape[2:])
    x, weight = (a.reshape(*a.shape[:2], 1, a.shape[2]) for a in (x, weight))
    y = of_floats("conv1d", convolve, x, weight, window, groups, window.places(x.shape[2:]))
    return shifted(y.reshape(*y.shape[:2], y.shape[3]), bias)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Counts = 1,
    padding: Counts | str = 0,
    dilation: Counts = 1,
    groups: int = 1,
) -> Any:
    """Products of kernels with what they meet in images: cross-correlation, as all libraries call convolution.

    Parameters
    ----------
    x : array of shape (n, in, height, width)
    weight : array of shape (out, in / groups, kernel height, kernel width)
    bias : array of shape (out,), optional
        Is added to each channel.
    stride : int >= 1, or a pair
        The distance between places of the kernel, in rows and columns.
    padding : int >= 0, a pair, "valid" or "same"
        How many zeros there are on each side: none if "valid"; as many as keep the size if "same", and where the
        sides differ, one more at the end. "same" takes stride 1.
    dilation : int >= 1, or a pair
        The distance between elements of the kernel.
    groups : int >= 1
        The channels are in so many groups, and each output belongs to one and sees its channels only.

    Returns
    -------
    array of shape (n, out, (height + 2 padding - dilation (kernel - 1) - 1) // stride + 1, likewise the width)

    Raises
    ------
    ValueError
        If shapes do not fit, `groups` does not divide the channels, the kernel is larger than the padded image, or a
        number is out of range.
    """
    x = checked_images("the input of conv2d", x, 2)
    weight = checked_images("the weight of conv2d", weight, 2, "out, in / groups")
    check_channels("conv2d", x, weight, bias, groups)
    window = kernel_window("conv2d", weight.shape[2:], stride, padding, dilation)
    check_places("conv2d", window, x.shape[2:])
    return shifted(of_floats("conv2d", convolve, x, weight, window, groups, window.places(x.shape[2:])), bias)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Counts = 1,
    padding: Counts = 0,
    output_padding: Counts = 0,
    groups: int = 1,
    dilation: Counts = 1,
) -> Any:
    """The transpose of `conv2d` as a linear map of its image: each number of `x` puts down the kernel times itself.

    Parameters
    ----------
    x : array of shape (n, in, height, width)
    weight : array of shape (in, out / groups, kernel height, kernel width)
    bias : array of shape (out,), optional
    stride, padding : int or a pair, as of `conv2d`
        Those of the convolution that this is the transpose of; `groups` and `dilation` as well.
    output_padding : int >= 0, or a pair
        Rows and columns more at the end: less than the stride or the dilation. Images of several sizes have
        convolutions of the same size; this says which of them is meant.
    groups, dilation : as of `conv2d`

    Returns
    -------
    array of shape (n, out, (height - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1, likewise)

    Raises
    ------
    ValueError
        If shapes do not fit, `groups` does not divide the channels, or a number is out of range.
    """
    name = "conv_transpose2d"
    x = checked_images(f"the input of {name}", x, 2)
    weight = checked_images(f"the weight of {name}", weight, 2, "in, out / groups")
    groups = checked_count(f"groups of {name}", groups, 1)
    if len(weight) != x.shape[1] or len(weight) % groups:
        raise ValueError(
            f"{name} takes as many channels as its weight has rows, in groups={groups} equal groups; got "
            f"{x.shape[1]} channels and a weight of shape {weight.shape}"
        )
    check_bias(name, bias, groups * weight.shape[1])
    padding = checked_counts(f"padding of {name}", padding, 2, 0)
    window = kernel_window(name, weight.shape[2:], stride, padding, dilation)
    size = spread_size(window, x.shape[2:], checked_counts(f"output_padding of {name}", output_padding, 2, 0))
    return shifted(of_floats(name, spread, x, weight, window, groups, size), bias)


# What the functions have in common


def of_floats(name: str, function: Any, x: Any, weight: Any, *options: Any) -> Any:
    """A function of an image and of kernels as floats; in float32 where they are float16, which is slow as well."""
    image = widened(name, x) if x.dtype.char == "e" else x
    return narrowed(bind(function, (image, widened(name, weight), *options)), x, weight)


def shifted(y: Any, bias: Any) -> Any:
    """`y` with the bias added to each of its channels."""
    return y if bias is None else y + bias.reshape(1, -1, *(1,) * (y.ndim - 2))


def spread_size(window: Window, size: Any, extra: Any) -> tuple[int, ...]:
    """The height and width of what a transposed convolution makes of an image of height and width `size`."""
    if any(e >= max(s, d) for e, s, d in zip(extra, window.stride, window.dilation, strict=True)):
        raise ValueError(
            f"output_padding of conv_transpose2d is less than the stride or the dilation; got {extra} for stride "
            f"{window.stride} and dilation {window.dilation}"
        )
    spreads = zip(size, window.kernel, window.stride, window.padding, window.dilation, extra, strict=True)
    made = tuple((n - 1) * s - sum(p) + d * (k - 1) + e + 1 for n, k, s, p, d, e in spreads)
    if min(made) < 1:
        raise ValueError(f"conv_transpose2d of an image of {size} would leave {made} with this padding. Take less")
    return made


def check_channels(name: str, x: Any, weight: Any, bias: Any, groups: int) -> None:
    """Refuse channels that do not fit, or are not in equal groups."""
    groups = checked_count(f"groups of {name}", groups, 1)
    channels, out = x.shape[1], len(weight)
    if channels != groups * weight.shape[1]:
        raise ValueError(
            f"{name} with a weight of shape {weight.shape} and groups={groups} takes {groups * weight.shape[1]} "
            f"channels; got {channels} in an array of shape {x.shape}"
        )
    if out % groups:
        raise ValueError(f"{name} makes channels in groups={groups} equal groups; got a weight of shape {weight.shape}")
    check_bias(name, bias, out)


def check_bias(name: str, bias: Any, channels: int) -> None:
    """Refuse a bias that is not one number for each channel."""
    if bias is not None and bias.shape != (channels,):
        raise ValueError(f"{name} takes a bias of shape ({channels},), a number a channel; got shape {bias.shape}")


# Layers. Their parameters have PyTorch's names, shapes and first distribution.

# What is around the input, and the name that np.pad has for it.
PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


class Convolution(Module):
    """What the layers below have in common: the numbers, a weight and a bias."""

    axes = 2
    padding_mode = "zeros"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Counts,
        stride: Counts = 1,
        padding: Counts | str = 0,
        dilation: Counts = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        rng: RNG = None,
    ) -> None:
        name, axes = type(self).__name__, self.axes
        self.in_channels = checked_count(f"in_channels of {name}", in_channels, 1)
        self.out_channels = checked_count(f"out_channels of {name}", out_channels, 1)
        self.kernel_size = checked_counts(f"kernel_size of {name}", kernel_size, axes, 1)
        self.stride = checked_counts(f"stride of {name}", stride, axes, 1)
        self.dilation = checked_counts(f"dilation of {name}", dilation, axes, 1)
        padding_of(name, padding, self.kernel_size, self.stride, self.dilation)
        self.padding: Any = padding
        if padding_mode not in PADDING_MODES:
            modes = ", ".join(map(repr, PADDING_MODES))
            raise ValueError(f"padding_mode of {name} is one of {modes}; got {padding_mode!r}")
        if padding_mode != "zeros":
            self.padding_mode = padding_mode
        self.groups = checked_count(f"groups of {name}", groups, 1)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name} takes groups that divide in_channels and out_channels; got groups={groups} for "
                f"{in_channels} and {out_channels}"
            )
        self.draw(checked_flag(f"bias of {name}", bias), np.random.default_rng(rng))

    def draw(self, bias: bool, rng: np.random.Generator) -> None:
        """Make the parameters: uniform in ±1 / sqrt(fan in), as PyTorch does, whose fan in is of the weight's rows."""
        shape = (*self.weight_channels(), *self.kernel_size)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        field = math.prod(self.kernel_size)
        fans = self.in_channels // self.groups * field, self.out_channels // self.groups * field
        self.weight = Parameter(uniform(shape, -bound, bound, rng), fans=fans)
        self.bias = Parameter(uniform((self.out_channels,), -bound, bound, rng)) if bias else None

    def framed(self, x: Any) -> tuple[Any, Any]:
        """`x`, and how many zeros go around it: none, if it has got a frame of another kind here."""
        if self.padding_mode == "zeros":
            return x, self.padding
        x = checked_images(f"the input of {type(self).__name__}", x, self.axes)
        widths = padding_of(type(self).__name__, self.padding, self.kernel_size, self.stride, self.dilation)
        return pad(x, ((0, 0), (0, 0), *widths), PADDING_MODES[self.padding_mode]), 0

    def weight_channels(self) -> tuple[int, int]:
        """The first two lengths of the weight."""
        return self.out_channels, self.in_channels // self.groups


class Conv1d(Convolution):
    """Convolution of sequences, (n, in_channels, length) to (n, out_channels, places); see `functional.conv1d`.

    Parameters
    ----------
    in_channels, out_channels : int >= 1
    kernel_size : int >= 1
    stride, padding, dilation, groups : as of `functional.conv1d`
    bias : bool
        Whether to add a number to each channel.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What the padding is made of: zeros, the mirror image without the border itself, copies of the border, or the
        other end.
    rng : np.random.Generator, seed or None
        Draws the parameters, uniformly in ±1 / sqrt(in_channels / groups * kernel_size).
    """

    axes = 1

    def forward(self, x: Any) -> Any:  # (n, in_channels, length) -> (n, out_channels, places)
        x, zeros = self.framed(x)
        return conv1d(x, self.weight, self.bias, self.stride, zeros, self.dilation, self.groups)


class Conv2d(Convolution):
    """Convolution of images, (n, in_channels, height, width) to (n, out_channels, ...); see `functional.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int >= 1
    kernel_size : int >= 1, or a pair
    stride, padding, dilation, groups : as of `functional.conv2d`
    bias : bool
        Whether to add a number to each channel.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What the padding is made of; see `Conv1d`.
    rng : np.random.Generator, seed or None
        Draws the parameters, uniformly in ±1 / sqrt(in_channels / groups * kernel height * kernel width).
    """

    def forward(
        self, x: Any
    ) -> Any:  # (n, in_channels, height, width) -> (n, out_channels, places down, places across)
        x, zeros = self.framed(x)
        return conv2d(x, self.weight, self.bias, self.stride, zeros, self.dilation, self.groups)


class ConvTranspose2d(Convolution):
    """The transpose of a convolution of images, which makes them larger where that has a stride.

    Parameters
    ----------
    in_channels, out_channels : int >= 1
    kernel_size : int >= 1, or a pair
    stride, padding, output_padding, groups : as of `functional.conv_transpose2d`
        Their order is PyTorch's.
    bias : bool
        Whether to add a number to each channel.
    dilation : as of `functional.conv_transpose2d`
    rng : np.random.Generator, seed or None
        Draws the parameters, uniformly in ±1 / sqrt(out_channels / groups * kernel height * kernel width).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Counts,
        stride: Counts = 1,
        padding: Counts = 0,
        output_padding: Counts = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Counts = 1,
        rng: RNG = None,
    ) -> None:
        numbers = checked_counts("padding of ConvTranspose2d", padding, 2, 0)
        super().__init__(in_channels, out_channels, kernel_size, stride, numbers, dilation, groups, bias, rng=rng)
        self.output_padding = checked_counts("output_padding of ConvTranspose2d", output_padding, 2, 0)

    def weight_channels(self) -> tuple[int, int]:
        return self.in_channels, self.out_channels // self.groups

    def forward(self, x: Any) -> Any:  # (n, in_channels, height, width) -> (n, out_channels, larger, larger)
        return conv_transpose2d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )
