"""Convolution: what each kernel makes of what it meets in each place."""

import math
from typing import Any

import numpy as np

from ...core.door import bind
from ...ops.functions import pad
from ..init import RNG, uniform
from ..module import Module
from ..parameter import Parameter
from ..precision import rounded_back, widened
from ..sizes import checked_count, checked_counts, checked_flag, checked_images
from ..window import Counts, check_places, kernel_window, padding_of
from .form import convolve


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Counts = 1,
    padding: Counts | str = 0,
    dilation: Counts = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation of sequences with kernels, (n, in, length) to (n, out, places).

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
    return convolved("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Counts = 1,
    padding: Counts | str = 0,
    dilation: Counts = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation of images with kernels, which all libraries call convolution.

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
    return convolved("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


def conv3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Counts = 1,
    padding: Counts | str = 0,
    dilation: Counts = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation of volumes with kernels, (n, in, depth, height, width) to (n, out, places...).

    Parameters
    ----------
    x : array of shape (n, in, depth, height, width)
    weight : array of shape (out, in / groups, kernel depth, kernel height, kernel width)
    bias : array of shape (out,), optional
    stride, padding, dilation, groups : as of `conv2d`
        With three numbers for pairs.

    Returns
    -------
    array of shape (n, out, (depth + 2 padding - dilation (kernel - 1) - 1) // stride + 1, likewise, likewise)
    """
    return convolved("conv3d", 3, x, weight, bias, stride, padding, dilation, groups)


def convolved(
    name: str, axes: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    """The convolution along so many axes."""
    x = checked_images(f"the input of {name}", x, axes)
    weight = checked_images(f"the weight of {name}", weight, axes, "out, in / groups")
    check_channels(name, x, weight, bias, groups)
    window = kernel_window(name, weight.shape[2:], stride, padding, dilation)
    check_places(name, window, x.shape[2:])
    return with_bias(call_with_floats(name, convolve, x, weight, window, groups, window.places(x.shape[2:])), bias)


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


# What convolutions and their transposes have in common


def check_bias(name: str, bias: Any, channels: int) -> None:
    """Refuse a bias that is not one number for each channel."""
    if bias is not None and bias.shape != (channels,):
        raise ValueError(f"{name} takes a bias of shape ({channels},), a number a channel; got shape {bias.shape}")


def call_with_floats(name: str, function: Any, x: Any, weight: Any, *options: Any) -> Any:
    """A function of an image and of kernels as floats; in float32 where they are float16, which is slow as well."""
    image = widened(name, x) if x.dtype.char == "e" else x
    return rounded_back(bind(function, (image, widened(name, weight), *options)), x, weight)


def with_bias(y: Any, bias: Any) -> Any:
    """`y` with the bias added to each of its channels."""
    return y if bias is None else y + bias.reshape(1, -1, *(1,) * (y.ndim - 2))


# What is around the input, and the name that np.pad has for it.
PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


class Convolution(Module):
    """What the layers have in common: the numbers, a weight and a bias, with PyTorch's shapes and first values."""

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

    def weight_channels(self) -> tuple[int, int]:
        """The first two lengths of the weight."""
        return self.out_channels, self.in_channels // self.groups

    def forward(self, x: Any) -> Any:
        name, zeros = type(self).__name__, self.padding
        if self.padding_mode != "zeros":  # a frame of another kind in place of zeros
            x, zeros = checked_images(f"the input of {name}", x, self.axes), 0
            widths = padding_of(name, self.padding, self.kernel_size, self.stride, self.dilation)
            x = pad(x, ((0, 0), (0, 0), *widths), PADDING_MODES[self.padding_mode])
        function = f"conv{self.axes}d"
        return convolved(function, self.axes, x, self.weight, self.bias, self.stride, zeros, self.dilation, self.groups)


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

    axes = 2


class Conv3d(Convolution):
    """`functional.conv3d` as a layer: (n, in_channels, depth, height, width) to (n, out_channels, ...).

    Parameters
    ----------
    in_channels, out_channels : int >= 1
    kernel_size : int >= 1, or a triple
    stride, padding, dilation, groups : as of `functional.conv3d`
    bias : bool
        Whether to add a number to each channel.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What the padding is made of; see `Conv1d`.
    rng : np.random.Generator, seed or None
        Draws the parameters, uniformly in ±1 / sqrt(in_channels / groups * the size of the kernel).
    """

    axes = 3
