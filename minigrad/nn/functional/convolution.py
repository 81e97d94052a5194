"""Convolution. Weights have PyTorch's shapes."""

from collections.abc import Sequence
from typing import Any

from ...core.door import bind
from ...core.primitive import Primitive
from ..precision import narrowed, widened
from ..rules.convolution import convolve, spread
from ..rules.window import Window
from ..sizes import checked_count, checked_counts, checked_images

Counts = int | Sequence[int]


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
    window = window_of("conv1d", weight.shape[2:], stride, padding, dilation)
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
    window = window_of("conv2d", weight.shape[2:], stride, padding, dilation)
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
    window = window_of(name, weight.shape[2:], stride, checked_counts(f"padding of {name}", padding, 2, 0), dilation)
    size = spread_size(window, x.shape[2:], checked_counts(f"output_padding of {name}", output_padding, 2, 0))
    return shifted(of_floats(name, spread, x, weight, window, groups, size), bias)


# What the functions have in common


def of_floats(name: str, function: Primitive, x: Any, weight: Any, *options: Any) -> Any:
    """A function of an image and of kernels as floats; in float32 where they are float16, which is slow as well."""
    image = widened(name, x) if x.dtype.char == "e" else x
    return narrowed(bind(function, (image, widened(name, weight), *options)), x, weight)


def shifted(y: Any, bias: Any) -> Any:
    """`y` with the bias added to each of its channels."""
    return y if bias is None else y + bias.reshape(1, -1, *(1,) * (y.ndim - 2))


def window_of(name: str, kernel: Sequence[int], stride: Counts, padding: Counts | str, dilation: Counts) -> Window:
    """How a kernel of that shape moves; sequences are images of height 1."""
    axes = len(kernel)
    strides = checked_counts(f"stride of {name}", stride, axes, 1)
    dilations = checked_counts(f"dilation of {name}", dilation, axes, 1)
    pads = padding_of(name, padding, kernel, strides, dilations)
    if axes == 1:
        return Window((1, *kernel), (1, *strides), ((0, 0), *pads), (1, *dilations))
    return Window(tuple(kernel), strides, pads, dilations)


def padding_of(name: str, padding: Any, kernel: Any, strides: Any, dilations: Any) -> Any:
    """The padding before and after, along each axis."""
    if not isinstance(padding, str):
        return tuple((n, n) for n in checked_counts(f"padding of {name}", padding, len(kernel), 0))
    if padding not in ("same", "valid"):
        raise ValueError(f'padding of {name} is a number, one for each axis, "same" or "valid"; got {padding!r}')
    if padding == "valid":
        return tuple((0, 0) for _ in kernel)
    if max(strides) > 1:
        raise ValueError(f'padding="same" of {name} takes stride 1; got {strides}. Give the padding in numbers')
    totals = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


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


def check_places(name: str, window: Window, size: Any) -> None:
    """Refuse a kernel that has no place in the image."""
    whole = (1, *size) if len(size) == 1 else tuple(size)
    if min(window.places(whole)) < 1:
        kernel, dilation, framed = (
            part[2 - len(size) :] for part in (window.kernel, window.dilation, window.framed(whole))
        )
        raise ValueError(
            f"{name} takes a kernel that fits into the padded image; got one of {kernel} with dilation {dilation} for "
            f"an image of {framed} with its padding"
        )
