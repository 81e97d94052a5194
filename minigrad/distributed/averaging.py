"""Means over ranks: of any arrays, as a function that has a derivative; and of gradients that are there."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.door import Watched
from ..core.primitive import linear
from ..core.recorder import refuse_recording
from ..core.short import public
from ..core.tensor import Tensor
from ..optim.parameters import checked_parameters
from ..optim.slot import computing_dtype
from .buckets import COMPILED, Averager, checked_weight, refuse_nobody, weighted
from .world import world


def averaged(x, weight):
    """The mean over ranks of arrays of one shape, in which each rank's counts `weight` times."""
    here = world()
    if here.comm is None:
        refuse_nobody(weight)
        return np.positive(x)
    refuse_recording(
        "takes a mean over ranks",
        "Compile what comes before it and what comes after it by themselves, or leave it uncompiled",
    )
    what = f"take the mean of {x.dtype} of shape {x.shape}"
    total = here.meet(what, weight).sum()
    refuse_nobody(total)
    message = weighted(np.reshape(x, -1), weight, np.empty(x.size, computing_dtype(x.dtype)))
    here.sum(message, what)
    return np.reshape(message / total, x.shape).astype(x.dtype)


# Where each rank's loss is a mean over its samples and counts by their number, the function is its own transpose.
averaged = public(linear(averaged, lambda g, y, x, weight: averaged(g, weight), None))


def average(x: Any, weight: float = 1.0) -> Any:
    """The mean over ranks of what each has for `x`; of losses and metrics that are means over each rank's samples.

    It has a derivative: that of the mean loss over all samples, provided that each rank's loss is a mean over its
    samples, and gradients are averaged by the same weights.

    Parameters
    ----------
    x : array of real numbers, or number
        Of one shape and dtype on all ranks. Integers become floats.
    weight : float >= 0
        How much this rank counts, as the number of its samples does; in units of the other ranks'. What a rank has that
        counts 0 may be NaN.

    Returns
    -------
    array
        Equal on all ranks.

    Raises
    ------
    TypeError
        If `x` is not real.
    ValueError
        If the weight is not a finite number from 0 on, or is 0 on all ranks.
    RuntimeError
        On all ranks, if they differ in shape or dtype, or do not all take a mean.
    RecordingError
        If there are several ranks, in a function that is being compiled.
    """
    weight = checked_weight(weight)
    x: Any = x if isinstance(x, Watched) else np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"a mean over ranks is of real numbers; got an array of {x.dtype}")
    return averaged(x if x.dtype.kind == "f" else x.astype(float), weight)


def average_gradients(params: Iterable[Tensor], samples: float = 1.0) -> None:
    """Put the mean over ranks of each parameter's gradient in the gradient's place, on all ranks.

    It is called between `backward()` and the optimizer's step, on all ranks. A parameter without a gradient on one rank
    counts as one of zeros there; without any, it stays without.

    Parameters
    ----------
    params : iterable of Tensor
        In the same order on all ranks.
    samples : float >= 0
        How much this rank's gradients count: of how many samples they are the mean.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, or comes twice; the parameters differ between ranks in shape or
        dtype; or `samples` is not a finite number from 0 on, or 0 on all ranks.
    RecordingError
        If there are several ranks, in a function that is being compiled.
    """
    weight = checked_weight(samples)
    if world().size > 1:
        refuse_recording("averages gradients over ranks", COMPILED)
    else:
        refuse_nobody(weight)
    averager = Averager(list(checked_parameters(params, {}, "average_gradients").values()), listens=False, stays=False)
    averager.weight = weight
    averager.finish()


def summed_up(sums: dict[str, float], count: float) -> tuple[dict[str, float], float]:
    """Sums over this rank's samples, and their number, over all ranks: the same to the last bit on each."""
    found = world().from_all((sums, count))
    names = found[0][0]
    return {name: math.fsum(part[name] for part, _ in found) for name in names}, sum(n for _, n in found)
