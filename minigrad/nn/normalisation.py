"""Layers that normalise."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.recorder import depends, is_second_run, seen
from . import functional
from .module import Module
from .parameter import Buffer, Parameter
from .sizes import checked_flag


class BatchNorm(Module):
    """What the batch normalisations have in common.

    Parameters
    ----------
    num_features : int
        The number of channels, the length of axis 1.
    eps : float
        Is added to the variance.
    momentum : float in [0, 1], or None
        The part of the batch's statistics in the new running ones, which are used after `eval()`. With None these are
        the means over all batches so far, which the buffer `num_batches_tracked` counts.
    affine : bool
        Whether to learn a weight and a bias for each channel.
    """

    axes: tuple[int, ...] = ()  # how many an input may have

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True) -> None:
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(f"momentum is a share, from 0 to 1, or None for means over all batches; got {momentum!r}")
        affine = checked_flag(f"affine of {type(self).__name__}", affine)
        self.eps = eps
        self.momentum = momentum
        self.weight = Parameter(np.ones(num_features)) if affine else None
        self.bias = Parameter(np.zeros(num_features)) if affine else None
        self.running_mean = Buffer(np.zeros(num_features))
        self.running_var = Buffer(np.ones(num_features))
        if momentum is None:
            self.num_batches_tracked = Buffer(0)

    def forward(self, x: Any) -> Any:
        channels = self.running_mean.shape[0]
        if x.ndim not in self.axes or x.shape[1] != channels:
            axes = " or ".join(map(str, self.axes))
            raise ValueError(
                f"this {type(self).__name__} takes {axes} axes, the second of them of {channels} channels; got an "
                f"array of shape {x.shape}"
            )
        statistics, training = (self.running_mean, self.running_var), depends(self, "training")
        if self.momentum is not None or not training:
            share = self.momentum or 0.0
            return functional.batch_norm(x, *statistics, self.weight, self.bias, training, share, self.eps)
        count = seen(self.num_batches_tracked.value)
        y = functional.batch_norm(x, *statistics, self.weight, self.bias, True, 1 / (count + 1), self.eps)
        count += not is_second_run()  # after a refused batch it is as it was
        return y

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        return {name: x for name, x in state.items() if name != "num_batches_tracked" or self.momentum is None}


class BatchNorm1d(BatchNorm):
    """Each channel of (batch, channels) or (batch, channels, length) less its mean over its standard deviation.

    Its parameters are those of `BatchNorm`.
    """

    axes = (2, 3)


class BatchNorm2d(BatchNorm):
    """Each channel of (batch, channels, height, width) less its mean over its standard deviation.

    Its parameters are those of `BatchNorm`.
    """

    axes = (4,)


class LayerNorm(Module):
    """Each example less its mean over its standard deviation, along the last axes.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The lengths of these axes, and the shape of weight and bias.
    eps : float
        Is added to the variance.
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
        return functional.layer_norm(x, self.weight, self.bias, self.eps, len(self.normalized_shape))


class RMSNorm(Module):
    """Each example over its root mean square, along the last axes.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The lengths of these axes, and the shape of the weight.
    eps : float, optional
        Is added to the mean square. By default, the dtype's distance from 1 to the next number.
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
        return functional.rms_norm(x, self.weight, self.eps, len(self.normalized_shape))


class GroupNorm(Module):
    """Each group of channels of each example of (batch, channels, ...) less its mean over its standard deviation.

    Parameters
    ----------
    num_groups, num_channels : int
        The channels are divided evenly.
    eps : float
        Is added to the variance.
    affine : bool
        Whether to learn a weight and a bias for each channel.
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
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
        return functional.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


def shape_of(lengths: int | Sequence[int]) -> tuple[int, ...]:
    """The lengths of the axes that are normalised."""
    shape = (lengths,) if isinstance(lengths, int) else tuple(lengths)
    if not shape or math.prod(shape) < 1:
        raise ValueError(f"normalized_shape is a length, or several, of at least 1; got {lengths!r}")
    return shape


def check_last_axes(layer: LayerNorm | RMSNorm, x: Any) -> None:
    """Refuse an array that does not end with the axes of the layer."""
    shape = layer.normalized_shape
    if x.shape[max(x.ndim - len(shape), 0) :] != shape:
        raise ValueError(f"this {type(layer).__name__} takes last axes of {shape}; got an array of shape {x.shape}")
