"""Normalisation of each example by itself, over its last axes or over groups of its channels."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.door import plain
from ...core.primitive import general
from ...core.short import public
from ...ops.functions import reshape
from ...rules.batching import rewritten
from ..module import Module
from ..parameter import Parameter
from ..precision import floating, rounded_back, widened
from ..sizes import checked_count, checked_flag, checked_integer
from .moments import Statistics, check_shape, deviations, direction, inverse_root, summed, weight_and_bias


def normalised_rows(arrays, moments):
    """``deviations * root * weight + bias`` along axis 1; `arrays` are x, weight and bias."""
    x, weight, bias = arrays
    known = moments.of(x)
    y = _outer(known.root, weight)
    y *= known.deviations
    y += bias
    return y


def _outer(column, row):
    # For the product of two columns with two rows NumPy calls BLAS, which takes a quarter of the time of column * row.
    if column.size * row.size < 16384:
        return column * row
    half = np.full_like(row, 0.5, shape=(2, 1))
    return np.matmul((half * column.T).T, np.ones_like(row, shape=(2, 1)) * row)


def _normalised_rows(g, y, arrays, moments):
    x, weight, _ = arrays
    d, root = deviations(x, moments), inverse_root(x, moments)
    gd = g * d
    gw = np.matmul(root[:, 0], gd)
    share = np.matmul(gd, weight[:, None]) * (root * root * root / d.shape[1])
    gx = _outer(root, weight) * g  # not in place, as g may be watched where x and weight are not
    gx -= d * share
    if moments.centre:  # the mean of that, as deviations have none
        gx -= np.matmul(g, weight[:, None]) * (root / d.shape[1])
    return [gx, gw, summed(g, (0,))[0]]


def _normalised_rows_forward(t, y, arrays, moments):
    x, weight, _ = arrays
    d, root = deviations(x, moments), inverse_root(x, moments)
    return (direction(t[0], d, root, moments) * weight + d * t[1]) * root + t[2]


def _rows_of_batch(arrays, moments):
    x, weight, bias = arrays
    known = moments.like(x)
    return known.deviations * (known.root * weight) + bias


normalised_rows = public(
    general(
        normalised_rows,
        _normalised_rows,
        forward=[_normalised_rows_forward],
        sequence=True,
        batch=rewritten(_rows_of_batch),
    )
)


def layer_norm(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, axes: int = 1) -> Any:
    """Normalise each example over its last axes: ``(x - mean) / sqrt(variance + eps) * weight + bias``.

    Parameters
    ----------
    x : array
    weight, bias : array of the shape of the last axes, optional
    eps : float > 0
        Is added to the variance, in units of x squared.
    axes : int >= 1
        How many axes at the end belong to an example.

    References
    ----------
    Ba, Kiros & Hinton, Layer normalization, 2016 (arXiv:1607.06450).
    """
    return by_row("layer_norm", x, axes, weight, bias, eps, centre=True)


def rms_norm(x: Any, weight: Any = None, eps: float | None = None, axes: int = 1) -> Any:
    """As `layer_norm`, without the mean: ``x / sqrt(mean(x**2) + eps) * weight`` over the last axes.

    Parameters
    ----------
    x : array
    weight : array of the shape of the last axes, optional
    eps : float > 0, optional
        Is added to the mean square. By default the dtype's distance from 1 to the next number, as in PyTorch.
    axes : int >= 1
        How many axes at the end belong to an example.

    References
    ----------
    Zhang & Sennrich, Root mean square layer normalization, NeurIPS 2019 (arXiv:1910.07467).
    """
    eps = float(np.finfo(floating("rms_norm", x).dtype).eps) if eps is None else eps
    return by_row("rms_norm", x, axes, weight, None, eps, centre=False)


def group_norm(x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Normalise groups of channels of each example, as `layer_norm` does; then apply a weight for each channel.

    Parameters
    ----------
    x : array of shape (batch, channels, ...)
    groups : int >= 1
        Divides the channels evenly.
    weight, bias : array of shape (channels,), optional
    eps : float > 0
        Is added to the variance, in units of x squared.

    References
    ----------
    Wu & He, Group normalization, ECCV 2018 (arXiv:1803.08494).
    """
    given, x = x, widened("group_norm", x)
    count = x.shape[1]
    if count % groups:
        raise ValueError(f"group_norm divides the channels evenly; got {count} channels for {groups} groups")
    grouped = reshape(x, (x.shape[0] * groups, -1))
    y = reshape(by_row("group_norm", grouped, 1, None, None, eps, centre=True), x.shape)
    y = by_channel(y, weight, bias)
    return y if x is given else rounded_back(y, given, weight, bias)


def by_channel(y: Any, weight: Any, bias: Any) -> Any:
    """`y` times a weight of each channel, plus a bias of each."""
    check_shape("weight", weight, y.shape[1:2])
    check_shape("bias", bias, y.shape[1:2])
    shape = (y.shape[1],) + (1,) * (y.ndim - 2)
    y = y if weight is None else y * reshape(weight, shape)
    return y if bias is None else y + reshape(bias, shape)


def last_axes(x: Any, axes: int) -> tuple[int, ...]:
    """The lengths of so many axes at the end."""
    if not 1 <= axes <= x.ndim:
        raise ValueError(f"axes counts axes at the end, from 1 to {x.ndim} for an array of shape {x.shape}; got {axes}")
    return x.shape[x.ndim - axes :]


def by_row(name: str, given: Any, axes: int, weight: Any, bias: Any, eps: float, centre: bool) -> Any:
    """Normalisation over so many axes at the end."""
    x = wide = widened(name, given)
    shape = last_axes(x, axes)
    n = math.prod(shape)
    if x.ndim != 2 or len(shape) != 1:
        x = reshape(x, (-1, n))
    if len(shape) != 1:
        weight, bias = (v if v is None else reshape(v, -1) for v in (weight, bias))
    moments = Statistics(plain(x), (1,), eps, centre)
    y = normalised_rows([x, *weight_and_bias(weight, bias, (n,), x.dtype)], moments)
    y = y if y.shape == wide.shape else reshape(y, wide.shape)
    return y if wide is given else rounded_back(y, given, weight, bias)


class LayerNorm(Module):
    """`functional.layer_norm` over last axes of these lengths.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The lengths of these axes, and the shape of weight and bias.
    eps : float > 0
    affine, bias : bool
        Whether to learn a weight and a bias; without `affine` there is neither.
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, affine: bool = True, bias: bool = True
    ) -> None:
        affine, bias = checked_flag("affine of LayerNorm", affine), checked_flag("bias of LayerNorm", bias)
        self.normalized_shape = shape_of(normalized_shape)
        self.eps = eps
        self.weight = Parameter(np.ones(self.normalized_shape)) if affine else None
        self.bias = Parameter(np.zeros(self.normalized_shape)) if affine and bias else None

    def forward(self, x: Any) -> Any:
        check_last_axes(self, x)
        return layer_norm(x, self.weight, self.bias, self.eps, len(self.normalized_shape))


class RMSNorm(Module):
    """`functional.rms_norm` over last axes of these lengths.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The lengths of these axes, and the shape of the weight.
    eps : float > 0, optional
    affine : bool
        Whether to learn a weight.
    """

    def __init__(self, normalized_shape: int | Sequence[int], eps: float | None = None, affine: bool = True) -> None:
        affine = checked_flag("affine of RMSNorm", affine)
        self.normalized_shape = shape_of(normalized_shape)
        self.eps = eps
        self.weight = Parameter(np.ones(self.normalized_shape)) if affine else None

    def forward(self, x: Any) -> Any:
        check_last_axes(self, x)
        return rms_norm(x, self.weight, self.eps, len(self.normalized_shape))


class GroupNorm(Module):
    """`functional.group_norm` of (batch, channels, ...).

    Parameters
    ----------
    num_groups, num_channels : int >= 1
    eps : float > 0
    affine : bool
        Whether to learn a weight and a bias for each channel.
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        num_groups = checked_count("num_groups of GroupNorm", num_groups, 1)
        num_channels = checked_count("num_channels of GroupNorm", num_channels, 1)
        if num_channels % num_groups:
            raise ValueError(f"groups divide the channels evenly; got {num_channels} channels for {num_groups} groups")
        affine = checked_flag("affine of GroupNorm", affine)
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.weight = Parameter(np.ones(num_channels)) if affine else None
        self.bias = Parameter(np.zeros(num_channels)) if affine else None

    def forward(self, x: Any) -> Any:
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ValueError(
                f"this GroupNorm takes (batch, channels, ...) of {self.num_channels} channels; got an array of shape "
                f"{x.shape}"
            )
        return group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


def shape_of(lengths: int | Sequence[int]) -> tuple[int, ...]:
    """The lengths of the axes that are normalised."""
    shape = tuple(checked_integer("normalized_shape", n) for n in (lengths if np.iterable(lengths) else [lengths]))
    if min(shape, default=0) < 1:
        raise ValueError(f"normalized_shape is a length, or several, of at least 1; got {lengths!r}")
    return shape


def check_last_axes(layer: LayerNorm | RMSNorm, x: Any) -> None:
    """Refuse an array that does not end with the axes of the layer."""
    shape = layer.normalized_shape
    if x.shape[max(x.ndim - len(shape), 0) :] != shape:
        raise ValueError(f"this {type(layer).__name__} takes last axes of {shape}; got an array of shape {x.shape}")
