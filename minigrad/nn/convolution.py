"""Layers that convolve. Their parameters have PyTorch's names, shapes and first distribution."""

import math
from typing import Any

import numpy as np

from ..ops.functions import pad
from .functional.convolution import Counts, conv1d, conv2d, conv_transpose2d, padding_of
from .init import RNG, uniform
from .module import Module
from .parameter import Parameter
from .sizes import checked_count, checked_counts, checked_flag, checked_images

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
