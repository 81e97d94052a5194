"""Instance normalisation: each channel of each example by itself."""

import math
from collections.abc import Mapping
from typing import Any

from ...core.door import plain
from ...ops.functions import mean, reshape
from ..precision import rounded_back, widened
from .batch import batch_norm
from .layer import by_channel, normalised_rows
from .moments import Statistics, weight_and_bias
from .running import Tracking, checked_statistics, move


def instance_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Normalise each channel of each example: ``(x - mean) / sqrt(variance + eps) * weight + bias``.

    Parameters
    ----------
    x : array of shape (batch, channels, ...)
    running_mean, running_var : array of shape (channels,), optional
        Used in place of the examples' own, unless `use_input_stats`. With it they go, by the share `momentum` and in
        place, towards the means over the batch of the examples' means and (unbiased) variances.
    weight, bias : array of shape (channels,), optional
    use_input_stats : bool
    momentum : float in [0, 1]
    eps : float > 0
        Is added to the variance, in units of x squared.

    Raises
    ------
    ValueError
        If shapes do not fit, or an example has one number for each channel only, whose variance is 0.

    References
    ----------
    Ulyanov, Vedaldi & Lempitsky, Instance normalization, 2016 (arXiv:1607.08022).
    """
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    given, x = x, widened("instance_norm", x)
    shape, n = x.shape, math.prod(x.shape[2:])
    if x.ndim < 3 or n < 2:
        raise ValueError(
            f"instance_norm takes (batch, channels, ...) with more than one number for each channel, as it divides by "
            f"their deviation; got an array of shape {shape}"
        )
    statistics = {"running_mean": running_mean, "running_var": running_var}
    running = checked_statistics("instance_norm", x, True, statistics)
    rows = reshape(x, (shape[0] * shape[1], n))
    moments = Statistics(plain(rows), (1,), eps)
    y = reshape(normalised_rows([rows, *weight_and_bias(None, None, (n,), x.dtype)], moments), shape)
    y = by_channel(y, weight, bias)
    move(running[0], over_batch(moments.mean, shape), momentum, 1 - momentum)
    move(running[1], over_batch(moments.var, shape), momentum * (n / (n - 1)), 1 - momentum)
    return y if x is given else rounded_back(y, given, weight, bias)


def over_batch(statistic: Any, shape: tuple[int, ...]) -> Any:
    """The mean for each channel of what there is of each channel of each example."""
    return mean(reshape(statistic, shape[:2]), axis=0)


class InstanceNorm(Tracking):
    """`functional.instance_norm`, with a weight and a bias if `affine`.

    Parameters
    ----------
    num_features : int >= 1
        The number of channels, the length of axis 1.
    eps : float > 0
    momentum : float in [0, 1]
        The share of a batch in the running statistics.
    affine : bool
        Whether to learn a weight and a bias for each channel.
    track_running_stats : bool
        Whether to keep running statistics, which are used after `eval()`; otherwise the examples' own always are.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None:
        if momentum is None or not 0 <= momentum <= 1:
            raise ValueError(f"momentum of {type(self).__name__} is a share, from 0 to 1; got {momentum!r}")
        super().__init__(num_features, eps, momentum, affine, track_running_stats)

    def forward(self, x: Any) -> Any:
        self.check_input(x)
        own = self.training or self.running_mean is None
        statistics, momentum = (self.running_mean, self.running_var), self.momentum or 0.0
        return instance_norm(x, *statistics, self.weight, self.bias, own, momentum, self.eps)

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        return {name: x for name, x in state.items() if name != "num_batches_tracked"}


class InstanceNorm1d(InstanceNorm):
    """Instance normalisation of (batch, channels, length).

    Its parameters are those of `InstanceNorm`.
    """

    axes = (3,)


class InstanceNorm2d(InstanceNorm):
    """Instance normalisation of (batch, channels, height, width).

    Its parameters are those of `InstanceNorm`.
    """

    axes = (4,)


class InstanceNorm3d(InstanceNorm):
    """Instance normalisation of (batch, channels, depth, height, width).

    Its parameters are those of `InstanceNorm`.
    """

    axes = (5,)
