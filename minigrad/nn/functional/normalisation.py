"""Normalisation of batches, layers and groups: (x - mean) / sqrt(variance + eps) * weight + bias."""

import math
from typing import Any

import numpy as np

from ...core.door import bare
from ...core.recorder import fixed, is_second_run
from ...core.short import public
from ...ops.functions import reshape
from ..precision import constant, floating, narrowed, widened
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
    given, x = x, widened("group_norm", x)
    count = x.shape[1]
    if count % groups:
        raise ValueError(f"group_norm divides the channels evenly; got {count} channels for {groups} groups")
    grouped = reshape(x, (x.shape[0] * groups, -1))
    y = reshape(by_row("group_norm", grouped, 1, None, None, eps, centre=True), x.shape)
    shape = (count,) + (1,) * (x.ndim - 2)
    y = y if weight is None else y * reshape(weight, shape)
    y = y if bias is None else y + reshape(bias, shape)
    return y if x is given else narrowed(y, given, weight, bias)


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
    given, x = x, widened("batch_norm", x)
    mean, var = checked_statistics(x, training, {"running_mean": running_mean, "running_var": running_var})
    if training:
        y = with_moments(x, mean, var, weight, bias, momentum, eps)
    else:
        y = with_statistics(x, mean, var, weight, bias, eps)
    return y if x is given else narrowed(y, given, weight, bias)


def checked_statistics(x: Any, training: bool, statistics: dict[str, Any]) -> list[Any]:
    """Running statistics as plain arrays; refuses those that are missing or do not fit, and arrays without channels."""
    if x.ndim < 2:
        raise ValueError(
            f"batch_norm takes (batch, channels) or (batch, channels, ...); got an array of shape {x.shape}"
        )
    for name, statistic in statistics.items():
        if statistic is None:
            if not training:
                raise ValueError(f"batch_norm takes a {name} where it is not training; got None")
        elif statistic.shape != x.shape[1:2]:
            raise ValueError(
                f"batch_norm takes a {name} of shape {x.shape[1:2]}, as the input has; got {statistic.shape}"
            )
        elif training and statistic.dtype.kind != "f":
            raise TypeError(
                f"batch_norm changes its {name} in place, which takes floating numbers; got {statistic.dtype}. Use "
                f"{name}.astype(float)"
            )
    return [constant(name, statistic) for name, statistic in statistics.items()]


def with_moments(x: Any, mean: Any, var: Any, weight: Any, bias: Any, momentum: float, eps: float) -> Any:
    """Batch normalisation with the mean and the variance of the batch, towards which the running ones go."""
    axes, shape = (0,) if x.ndim == 2 else (0, 2), x.shape
    if x.size <= shape[1]:
        raise ValueError(
            f"batch normalisation in training takes more than one value for each channel, as it divides by their "
            f"deviation; got an array of shape {shape}. Use a larger batch, or eval()"
        )
    x = x if x.ndim < 4 else reshape(x, (*shape[:2], -1))
    moments, n = rules.Moments(bare(x), axes, eps), x.size // shape[1]
    y = channels([x, *weight_and_bias(weight, bias, shape[1:2], x.dtype)], moments)
    move(mean, moments.mean, momentum, 1 - momentum)
    move(var, moments.var, momentum * (n / (n - 1)), 1 - momentum)
    return y if len(shape) < 4 else reshape(y, shape)


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


def move(running: Any, value: Any, share: float, rest: float) -> None:
    """Change a running statistic in place: `rest` of it stays, and `share` of the value is added."""
    if running is not None and not is_second_run():
        running *= rest
        running += share * value.reshape(-1)


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
    moments = rules.Moments(bare(x), (1,), eps, centre)
    y = rows([x, *weight_and_bias(weight, bias, (n,), x.dtype)], moments)
    y = y if y.shape == wide.shape else reshape(y, wide.shape)
    return y if wide is given else narrowed(y, given, weight, bias)


def weight_and_bias(weight: Any, bias: Any, shape: tuple[int, ...], dtype: Any) -> tuple[Any, Any]:
    """Ones and zeros where there is no weight or bias; refuses those of another shape."""
    check_shape("weight", weight, shape)
    check_shape("bias", bias, shape)
    weight = fixed(np.ones(shape, dtype)) if weight is None else floating("normalisation", weight)
    return weight, fixed(np.zeros(shape, dtype)) if bias is None else bias


def check_shape(name: str, v: Any, shape: tuple[int, ...]) -> None:
    """Refuse a weight or a bias that is there, and of another shape."""
    if v is not None and v.shape != shape:
        raise ValueError(f"normalisation takes a {name} of shape {shape}, as the input has; got {v.shape}")
