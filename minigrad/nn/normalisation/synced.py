"""Batch normalisation over the batches of all ranks, as one batch."""

from typing import Any

import numpy as np

from ...core.door import plain
from ...distributed import average, world
from ...ops.functions import mean, reshape
from .moments import weight_and_bias


def normalised_together(x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    """Batch normalisation over all ranks; also the mean and the (unbiased) variance, which are no part of a graph.

    Means over ranks are differentiated, too: so the gradients, averaged, are those of the whole batch.
    """
    channels, axes = x.shape[1], (0, *range(2, x.ndim))
    shape, n = (1, channels) + (1,) * (x.ndim - 2), 0 if world().idle else x.size // channels
    total = int(world().meet(f"normalise {channels} channels over all ranks", n).sum())
    if total < 2:
        raise ValueError(f"batch normalisation in training takes more than one value for each channel; got {total}")
    centre = average(mean(x, axis=axes, keepdims=True), n)
    deviations = x - centre
    var = average(mean(deviations * deviations, axis=axes, keepdims=True), n)
    weight, bias = weight_and_bias(weight, bias, (channels,), x.dtype)
    y = deviations / np.sqrt(var + eps) * reshape(weight, shape) + reshape(bias, shape)
    return y, plain(centre), plain(var) * (total / (total - 1))
