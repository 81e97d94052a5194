"""Normalisation of batches, layers and groups: (x - mean) / sqrt(variance + eps) * weight + bias."""

import math
from typing import Any

import numpy as np

from ...core.door import bare
from ...core.recorder import fixed, is_second_run, seen
from ...core.short import public
from ...ops.functions import reshape
from ..rules import normalisation as rules

rows, channels = public(rules.normalised_rows), public(rules.normalised_channels)


def layer_norm(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, axes: int = 1) -> Any:
    """Each example by itself, over its last axes: ``(x - mean) / sqrt(variance + eps) * weight + bias``.

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
    return by_row(x, last_axes(x, axes), weight, bias, eps, centre=True)


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
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    return by_row(x, last_axes(x, axes), weight, None, eps, centre=False)


def group_norm(x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Groups of channels, each group of each example by itself, as in `layer_norm`; then a weight for each channel.

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
    count = x.shape[1]
    if count % groups:
        raise ValueError(f"group_norm divides the channels evenly; got {count} channels for {groups} groups")
    grouped = reshape(x, (x.shape[0] * groups, -1))
    y = reshape(by_row(grouped, grouped.shape[1:], None, None, eps, centre=True), x.shape)
    shape = (count,) + (1,) * (x.ndim - 2)
    y = y if weight is None else y * reshape(weight, shape)
    return y if bias is None else y + reshape(bias, shape)


def batch_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel of x (batch, channels) or (batch, channels, ...) by itself.

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

    Raises
    ------
    ValueError
        If a batch has one value for each channel only, whose variance is 0, in training.

    References
    ----------
    Ioffe & Szegedy, Batch normalization, ICML 2015 (arXiv:1502.03167).
    """
    check_statistics(x, running_mean, running_var, training)
    if not training:
        return with_statistics(x, running_mean, running_var, weight, bias, eps)
    axes, shape = (0,) if x.ndim == 2 else (0, 2), x.shape
    if x.size <= shape[1]:
        raise ValueError(
            f"batch normalisation in training takes more than one value for each channel, as it divides by their "
            f"deviation; got an array of shape {shape}. Use a larger batch, or eval()"
        )
    x = x if x.ndim < 4 else reshape(x, (*shape[:2], -1))
    moments, n = rules.Moments(bare(x), axes, eps), x.size // shape[1]
    y = channels([x, *weight_and_bias(weight, bias, shape[1:2], x.dtype)], moments)
    move(running_mean, moments.mean, momentum, 1 - momentum)
    move(running_var, moments.var, momentum * (n / (n - 1)), 1 - momentum)
    return y if len(shape) < 4 else reshape(y, shape)


def check_statistics(x: Any, mean: Any, var: Any, training: bool) -> None:
    """Refuse an array without channels, and running statistics that are not there or not of its channels."""
    if x.ndim < 2:
        raise ValueError(
            f"batch_norm takes (batch, channels) or (batch, channels, ...); got an array of shape {x.shape}"
        )
    for name, statistic in (("running_mean", mean), ("running_var", var)):
        if statistic is None and not training:
            raise ValueError(f"batch_norm takes a {name} where it is not training; got None")
        if statistic is not None and statistic.shape != x.shape[1:2]:
            raise ValueError(
                f"batch_norm takes a {name} of shape {x.shape[1:2]}, as the input has; got {statistic.shape}"
            )


def with_statistics(x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    """Batch normalisation with statistics that are known: a factor and a shift for each channel."""
    scale = 1 / np.sqrt(seen(bare(var)) + eps)
    scale = scale if weight is None else weight * scale
    shift = +seen(bare(mean)) * scale  # a copy: the graph keeps it, and training changes the running mean in place
    shift = -shift if bias is None else bias - shift
    shape = (-1,) + (1,) * (x.ndim - 2)
    return x * reshape(scale, shape) + reshape(shift, shape)


def move(running: Any, value: Any, share: float, rest: float) -> None:
    """Change a running statistic in place: `rest` of it stays, and `share` of the value is added."""
    if running is not None and not is_second_run():
        kept = seen(bare(running))
        kept *= rest
        kept += share * np.reshape(value, -1)


def last_axes(x: Any, axes: int) -> tuple[int, ...]:
    """The lengths of so many axes at the end."""
    if not 1 <= axes <= x.ndim:
        raise ValueError(f"axes counts axes at the end, from 1 to {x.ndim} for an array of shape {x.shape}; got {axes}")
    return x.shape[x.ndim - axes :]


def by_row(x: Any, shape: tuple[int, ...], weight: Any, bias: Any, eps: float, centre: bool) -> Any:
    """Normalisation over the last axes, which have this `shape`."""
    n, shape_of_x = math.prod(shape), x.shape
    if x.ndim != 2 or len(shape) != 1:
        x = reshape(x, (-1, n))
    if len(shape) != 1:
        weight, bias = (v if v is None else reshape(v, -1) for v in (weight, bias))
    moments = rules.Moments(bare(x), (1,), eps, centre)
    y = rows([x, *weight_and_bias(weight, bias, (n,), x.dtype)], moments)
    return y if y.shape == shape_of_x else reshape(y, shape_of_x)


def weight_and_bias(weight: Any, bias: Any, shape: tuple[int, ...], dtype: Any) -> tuple[Any, Any]:
    """Ones and zeros where there is no weight or bias; refuses those of another shape."""
    weight = fixed(np.ones(shape, dtype)) if weight is None else weight
    bias = fixed(np.zeros(shape, dtype)) if bias is None else bias
    for name, v in (("weight", weight), ("bias", bias)):
        if v.shape != shape:
            raise ValueError(f"normalisation takes a {name} of shape {shape}, as the input has; got {v.shape}")
    return weight, bias
