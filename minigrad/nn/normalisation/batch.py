"""Batch normalisation: each channel by itself, ``(x - mean) / sqrt(variance + eps) * weight + bias``."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...core.context import is_second_run
from ...core.door import plain, unwrap
from ...core.primitive import general
from ...core.short import public
from ...ops.functions import permute_dims, reshape
from ...rules.batching import rewritten
from ..parameter import Buffer
from ..precision import rounded_back, widened
from ..sizes import checked_flag
from .moments import (
    Statistics,
    check_shape,
    count,
    deviations,
    direction,
    dotted,
    inverse_root,
    summed,
    weight_and_bias,
)
from .running import Tracking, checked_statistics, move


def normalised_channels(arrays, moments):
    """``deviations * root * weight + bias`` along axes 0 or 0 and 2; `arrays` are x, weight and bias."""
    x, weight, bias = arrays
    known = moments.of(x)
    y = known.deviations * (known.root * _beside(weight, x))
    y += _beside(bias, x)
    return y


def _beside(v, x):
    return v if x.ndim == 2 else v[:, None]  # a number for each channel


def _normalised_channels(g, y, arrays, moments):
    x, weight, _ = arrays
    d, root, axes = deviations(x, moments), inverse_root(x, moments), moments.axes
    n = count(d, axes)
    gw, gb = root * dotted(g, d, axes), summed(g, axes)
    gx = (g - gb / n - d * (gw * root / n)) * (root * _beside(weight, d))
    return [gx, np.reshape(gw, -1), np.reshape(gb, -1)]


def _normalised_channels_forward(t, y, arrays, moments):
    x, weight, _ = arrays
    d, root = deviations(x, moments), inverse_root(x, moments)
    tx = direction(t[0], d, root, moments)
    return (tx * _beside(weight, d) + d * _beside(t[1], d)) * root + _beside(t[2], d)


def _channels_of_batch(arrays, moments):
    x, weight, bias = arrays
    known = moments.like(x)
    return known.deviations * (known.root * _beside(weight, x)) + _beside(bias, x)


normalised_channels = public(
    general(
        normalised_channels,
        _normalised_channels,
        forward=[_normalised_channels_forward],
        sequence=True,
        batch=rewritten(_channels_of_batch),
    )
)


def batch_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    sync: bool = False,
) -> Any:
    """Normalise each channel of x, (batch, channels) or (batch, channels, ...), over the batch.

    Parameters
    ----------
    x : array
    running_mean, running_var : array of shape (channels,)
        Used in place of the batch's own, unless `training`. In training they go towards the batch's mean and (unbiased)
        variance, in place, by the share `momentum`.
    weight, bias : array of shape (channels,), optional
    training : bool
    momentum : float in [0, 1]
        For means over all batches, 1 / n in the n-th of them.
    eps : float > 0
        Is added to the variance.
    sync : bool
        In training, take mean and variance over the batches of all ranks, see `minigrad.distributed`; all have to call
        it. In a world of one nothing is different.

    Raises
    ------
    ValueError
        If a batch has one value for each channel only, whose variance is 0, in training.

    References
    ----------
    Ioffe & Szegedy, Batch normalization, ICML 2015 (arXiv:1502.03167).
    """
    given, x = x, widened("batch_norm", x)
    statistics = {"running_mean": running_mean, "running_var": running_var}
    mean, var = checked_statistics("batch_norm", x, training, statistics)
    if training and sync and several_ranks():
        from .synced import normalised_together

        y, *found = normalised_together(x, weight, bias, eps)
        for running, value in zip((mean, var), found, strict=True):
            move(running, value, momentum, 1 - momentum)
    elif training:
        y = with_moments(x, mean, var, weight, bias, momentum, eps)
    else:
        y = with_statistics(x, mean, var, weight, bias, eps)
    return y if x is given else rounded_back(y, given, weight, bias)


def several_ranks() -> bool:
    """Whether this process is one of several ranks."""
    from ...distributed import world  # which few networks need

    return world().size > 1


def with_moments(x: Any, mean: Any, var: Any, weight: Any, bias: Any, momentum: float, eps: float) -> Any:
    """Batch normalisation with the mean and the variance of the batch, towards which the running ones go."""
    axes, shape = (0,) if x.ndim == 2 else (0, 2), x.shape
    if x.size <= shape[1]:
        raise ValueError(
            f"batch normalisation in training takes more than one value for each channel, as it divides by their "
            f"deviation; got an array of shape {shape}. Use a larger batch, or running statistics in eval()"
        )
    as_rows = x.ndim > 2 and not unwrap(x).flags.c_contiguous
    x = rows_between(x) if as_rows else x if x.ndim < 4 else reshape(x, (*shape[:2], -1))
    moments, n = Statistics(plain(x), axes, eps), x.size // shape[1]
    y = normalised_channels([x, *weight_and_bias(weight, bias, shape[1:2], x.dtype)], moments)
    move(mean, moments.mean, momentum, 1 - momentum)
    move(var, moments.var, momentum * (n / (n - 1)), 1 - momentum)
    return image_between(y, shape) if as_rows else y if len(shape) < 4 else reshape(y, shape)


# Images that convolution made lie in memory in another order, (..., channels, width, batch), and need no copy either.


def rows_between(x: Any) -> Any:
    """An image as (rows, channels, width * batch), as it lies in memory."""
    last = x.ndim - 1
    rows = permute_dims(x, (*range(2, last), 1, last, 0))
    return reshape(rows, (math.prod(x.shape[2:last]), x.shape[1], x.shape[last] * x.shape[0]))


def image_between(y: Any, shape: tuple[int, ...]) -> Any:
    """What `rows_between` made of an image of this shape, as an image again."""
    batch, channels, *outer, width = shape
    k = len(outer)
    return permute_dims(reshape(y, (*outer, channels, width, batch)), (k + 2, k, *range(k), k + 1))


def with_statistics(x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    """Batch normalisation with statistics that are known: a factor and a shift for each channel."""
    check_shape("weight", weight, x.shape[1:2])
    check_shape("bias", bias, x.shape[1:2])
    scale = 1 / np.sqrt(widened("running_var", var) + eps)
    scale = scale if weight is None else weight * scale
    # A copy: the graph keeps it, and training changes the running mean in place.
    shift = +widened("running_mean", mean) * scale
    shift = -shift if bias is None else bias - shift
    if x.ndim == 2:
        return x * scale + shift
    shape = (-1,) + (1,) * (x.ndim - 2)
    return x * reshape(scale, shape) + reshape(shift, shape)


class BatchNorm(Tracking):
    """`functional.batch_norm` with running statistics, and a weight and a bias if `affine`.

    Parameters
    ----------
    num_features : int
        The number of channels, the length of axis 1.
    eps : float > 0
    momentum : float in [0, 1], or None
        None makes the running statistics, used after `eval()`, the means over all batches so far, which the buffer
        `num_batches_tracked` counts.
    affine : bool
        Whether to learn a weight and a bias for each channel.
    track_running_stats : bool
        Without running statistics, each batch is normalised by its own, after `eval()` as well.
    sync : bool
        Take mean and variance over the batches of all ranks in training, as `functional.batch_norm` does.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        sync: bool = False,
    ) -> None:
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(f"momentum is a share, from 0 to 1, or None for means over all batches; got {momentum!r}")
        super().__init__(num_features, eps, momentum, affine, track_running_stats)
        self.sync = checked_flag(f"sync of {type(self).__name__}", sync)
        if momentum is None and track_running_stats:
            self.num_batches_tracked = Buffer(0)

    def forward(self, x: Any) -> Any:
        self.check_input(x)
        if self.running_mean is None:
            return batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps, sync=self.sync)
        statistics, training = (self.running_mean, self.running_var), self.training
        if self.momentum is not None or not training:
            share = self.momentum or 0.0
            return batch_norm(x, *statistics, self.weight, self.bias, training, share, self.eps, self.sync)
        count = self.num_batches_tracked.data
        y = batch_norm(x, *statistics, self.weight, self.bias, True, 1 / (count + 1), self.eps, self.sync)
        count += not is_second_run()  # after a refused batch it is as it was
        return y

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        counts = hasattr(self, "num_batches_tracked")
        return {name: x for name, x in state.items() if name != "num_batches_tracked" or counts}


class BatchNorm1d(BatchNorm):
    """Batch normalisation of (batch, channels) or (batch, channels, length).

    Its parameters are those of `BatchNorm`.
    """

    axes = (2, 3)


class BatchNorm2d(BatchNorm):
    """Batch normalisation of (batch, channels, height, width).

    Its parameters are those of `BatchNorm`.
    """

    axes = (4,)


class BatchNorm3d(BatchNorm):
    """Batch normalisation of (batch, channels, depth, height, width).

    Its parameters are those of `BatchNorm`.
    """

    axes = (5,)
