"""The transpose of convolution: each element of the input adds a kernel scaled by it."""

from typing import Any

from ..init import RNG
from ..sizes import checked_count, checked_counts, checked_images
from ..window import Counts, Window, kernel_window
from .form import spread
from .plain import Convolution, call_with_floats, check_bias, with_bias


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Counts = 1,
    padding: Counts = 0,
    output_padding: Counts = 0,
    groups: int = 1,
    dilation: Counts = 1,
) -> Any:
    """The transpose of `conv1d` as a linear map of its sequence; see `conv_transpose2d`.

    Parameters
    ----------
    x : array of shape (n, in, length)
    weight : array of shape (in, out / groups, kernel)
    bias : array of shape (out,), optional
    stride, padding, output_padding, groups, dilation : as of `conv_transpose2d`
        With one number for pairs.

    Returns
    -------
    array of shape (n, out, larger)
    """
    return transposed("conv_transpose1d", 1, x, weight, bias, stride, padding, output_padding, groups, dilation)


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
    """The transpose of `conv2d` as a linear map of its image: each element of `x` adds a kernel scaled by it.

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
    return transposed("conv_transpose2d", 2, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Counts = 1,
    padding: Counts = 0,
    output_padding: Counts = 0,
    groups: int = 1,
    dilation: Counts = 1,
) -> Any:
    """The transpose of `conv3d` as a linear map of its volume; see `conv_transpose2d`.

    Parameters
    ----------
    x : array of shape (n, in, depth, height, width)
    weight : array of shape (in, out / groups, kernel depth, kernel height, kernel width)
    bias : array of shape (out,), optional
    stride, padding, output_padding, groups, dilation : as of `conv_transpose2d`
        With three numbers for pairs.

    Returns
    -------
    array of shape (n, out, larger, larger, larger)
    """
    return transposed("conv_transpose3d", 3, x, weight, bias, stride, padding, output_padding, groups, dilation)


def transposed(
    name: str,
    axes: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Any:
    """The transpose of the convolution along so many axes."""
    x = checked_images(f"the input of {name}", x, axes)
    weight = checked_images(f"the weight of {name}", weight, axes, "in, out / groups")
    groups = checked_count(f"groups of {name}", groups, 1)
    if len(weight) != x.shape[1] or len(weight) % groups:
        raise ValueError(
            f"{name} takes as many channels as its weight has rows, in groups={groups} equal groups; got "
            f"{x.shape[1]} channels and a weight of shape {weight.shape}"
        )
    check_bias(name, bias, groups * weight.shape[1])
    padding = checked_counts(f"padding of {name}", padding, axes, 0)
    window = kernel_window(name, weight.shape[2:], stride, padding, dilation)
    extra = checked_counts(f"output_padding of {name}", output_padding, axes, 0)
    size = spread_size(name, window, x.shape[2:], extra)
    return with_bias(call_with_floats(name, spread, x, weight, window, groups, size), bias)


def spread_size(name: str, window: Window, size: Any, extra: Any) -> tuple[int, ...]:
    """The lengths of what a transposed convolution makes of an image of that size."""
    if any(e >= max(s, d) for e, s, d in zip(extra, window.stride, window.dilation, strict=True)):
        raise ValueError(
            f"output_padding of {name} is less than the stride or the dilation; got {extra} for stride "
            f"{window.stride} and dilation {window.dilation}"
        )
    spreads = zip(size, window.kernel, window.stride, window.padding, window.dilation, extra, strict=True)
    made = tuple((n - 1) * s - sum(p) + d * (k - 1) + e + 1 for n, k, s, p, d, e in spreads)
    if min(made) < 1:
        raise ValueError(f"{name} of an image of {size} would leave {made} with this padding. Take less")
    return made


class ConvTranspose(Convolution):
    """The transpose of a convolution, which makes its input larger where the convolution has a stride.

    Parameters
    ----------
    in_channels, out_channels : int >= 1
    kernel_size : int >= 1, or one for each axis
    stride, padding, output_padding, groups : as of `functional.conv_transpose2d`
        Their order is PyTorch's.
    bias : bool
        Whether to add a number to each channel.
    dilation : as of `functional.conv_transpose2d`
    rng : np.random.Generator, seed or None
        Draws the parameters, uniformly in ±1 / sqrt(out_channels / groups * the size of the kernel).
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
        name, axes = type(self).__name__, self.axes
        numbers = checked_counts(f"padding of {name}", padding, axes, 0)
        super().__init__(in_channels, out_channels, kernel_size, stride, numbers, dilation, groups, bias, rng=rng)
        self.output_padding = checked_counts(f"output_padding of {name}", output_padding, axes, 0)

    def weight_channels(self) -> tuple[int, int]:
        return self.in_channels, self.out_channels // self.groups

    def forward(self, x: Any) -> Any:
        numbers = self.stride, self.padding, self.output_padding, self.groups, self.dilation
        return transposed(f"conv_transpose{self.axes}d", self.axes, x, self.weight, self.bias, *numbers)


class ConvTranspose1d(ConvTranspose):
    """The transpose of a convolution of sequences, (n, in_channels, length) to (n, out_channels, larger).

    Its parameters are those of `ConvTranspose`.
    """

    axes = 1


class ConvTranspose2d(ConvTranspose):
    """The transpose of a convolution of images, (n, in_channels, height, width) to (n, out_channels, larger, larger).

    Its parameters are those of `ConvTranspose`.
    """

    axes = 2


class ConvTranspose3d(ConvTranspose):
    """The transpose of a convolution of volumes, (n, in_channels, depth, height, width) to (n, out_channels, ...).

    Its parameters are those of `ConvTranspose`.
    """

    axes = 3
