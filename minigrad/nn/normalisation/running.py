"""Running statistics, and the layers that keep them: what batch and instance normalisation have in common."""

from typing import Any

import numpy as np

from ...core.context import is_second_run
from ...core.door import batch_of, plain
from ...errors import BatchError
from ..module import Module
from ..parameter import Buffer, Parameter
from ..precision import as_constant
from ..sizes import checked_count, checked_flag


def checked_statistics(function: str, x: Any, training: bool, statistics: dict[str, Any]) -> list[Any]:
    """Running statistics as plain arrays; refuses those that are missing or do not fit, and arrays without channels."""
    if x.ndim < 2:
        raise ValueError(
            f"{function} takes (batch, channels) or (batch, channels, ...); got an array of shape {x.shape}"
        )
    for name, statistic in statistics.items():
        if statistic is None:
            if not training:
                raise ValueError(f"{function} takes a {name} where it is not training; got None")
        elif statistic.shape != x.shape[1:2]:
            raise ValueError(
                f"{function} takes a {name} of shape {x.shape[1:2]}, as the input has; got {statistic.shape}"
            )
        elif training and statistic.dtype.kind != "f":
            raise TypeError(
                f"{function} changes its {name} in place, which takes floating numbers; got {statistic.dtype}. Use "
                f"{name}.astype(float)"
            )
    known = [as_constant(name, statistic) for name, statistic in statistics.items()]
    if training and any(s is not None for s in known) and batch_of(plain(x), *known):
        raise BatchError(
            f"{function} in training changes its running statistics, which the entries of a batch that vmap maps over "
            f"share. Call eval() on the network, build it with track_running_stats=False, or use GroupNorm"
        )
    return known


def move(running: Any, value: Any, share: float, rest: float) -> None:
    """Change a running statistic in place: `rest` of it stays, and `share` of the value is added."""
    if running is not None and not is_second_run():
        running *= rest
        running += share * value.reshape(-1)


class Tracking(Module):
    """What batch and instance normalisation have in common: a weight and a bias, and running statistics."""

    axes: tuple[int, ...] = ()  # how many an input may have

    def __init__(self, num_features: int, eps: float, momentum: float | None, affine: bool, tracks: bool) -> None:
        name = type(self).__name__
        affine = checked_flag(f"affine of {name}", affine)
        tracks = checked_flag(f"track_running_stats of {name}", tracks)
        self.num_features = checked_count(f"num_features of {name}", num_features, 1)
        self.eps = eps
        self.momentum = momentum
        self.weight = Parameter(np.ones(num_features)) if affine else None
        self.bias = Parameter(np.zeros(num_features)) if affine else None
        self.running_mean = Buffer(np.zeros(num_features)) if tracks else None
        self.running_var = Buffer(np.ones(num_features)) if tracks else None

    def check_input(self, x: Any) -> None:
        """Refuse an array of other axes or channels."""
        if x.ndim not in self.axes or x.shape[1] != self.num_features:
            axes = " or ".join(map(str, self.axes))
            raise ValueError(
                f"this {type(self).__name__} takes {axes} axes, the second of them of {self.num_features} channels; "
                f"got an array of shape {x.shape}"
            )
