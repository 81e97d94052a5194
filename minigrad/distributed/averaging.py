"""Means over ranks: of any arrays, as a function that has a derivative; and of gradients that are there."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.primitive import linear
from ..core.recorder import refuse_recording
from ..core.short import public
from ..core.tensor import Tensor
from ..optim.parameters import checked_parameters
from ..optim.slot import computing_dtype
from .buckets import COMPILED, Averager
from .world import world


def averaged(x, weight):
    """The mean over ranks of arrays of one shape, in which each rank's counts `weight` times."""
    here = world()
    if here.comm is None:
        return np.positive(x)
    refuse_recording(
        "takes a mean over ranks",
        "Compile what comes before it and what comes after it by themselves, or leave it uncompiled",
    )
    message = np.empty(x.size + 1, computing_dtype(x.dtype))
    np.multiply(np.reshape(x, -1), weight, out=message[:-1])
    message[-1] = weight
    here.comm.Allreduce(in_place(), message)
    return np.reshape(message[:-1] / message[-1], x.shape).astype(x.dtype)


# Where each rank's loss is a mean over its samples and counts by their number, the function is its own transpose.
averaged = public(linear(averaged, lambda g, y, x, weight: averaged(g, weight), None))


def in_place() -> Any:
    """What tells MPI that the result goes where the operand is."""
    from mpi4py import MPI

    return MPI.IN_PLACE


def average(x: Any, weight: float = 1.0) -> Any:
    """The mean over ranks of what each has for `x`; of losses and metrics that are means over each rank's samples.

    It has a derivative: that of the mean loss over all samples, provided that each rank's loss is a mean over its
    samples, and gradients are averaged by the same weights.

    Parameters
    ----------
    x : array or number
        Of one shape and dtype on all ranks. Integers become floats.
    weight : float > 0
        How much this rank counts, as the number of its samples does; in units of the other ranks'.

    Returns
    -------
    array
        Equal on all ranks.

    Raises
    ------
    ValueError
        If the weight is not a finite number above 0.
    RecordingError
        If there are several ranks, in a function that is being compiled.
    """
    if not (isinstance(weight, int | float | np.number) and 0 < weight < math.inf):
        raise ValueError(f"a rank counts by a finite number above 0, as that of its samples; got {weight!r}")
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return averaged(x if x.dtype.kind == "f" else x.astype(float), float(weight))


def average_gradients(params: Iterable[Tensor], samples: float = 1.0) -> None:
    """Put the mean over ranks of each parameter's gradient in the gradient's place, on all ranks.

    It is called between `backward()` and the optimizer's step, on all ranks. A parameter without a gradient on one rank
    counts as one of zeros there; without any, it stays without.

    Parameters
    ----------
    params : iterable of Tensor
        In the same order on all ranks.
    samples : float > 0
        How much this rank's gradients count: of how many samples they are the mean.
    """
    if world().size > 1:
        refuse_recording("averages gradients over ranks", COMPILED)
    averager = Averager(list(checked_parameters(params, {}, "average_gradients").values()), listens=False, stays=False)
    averager.weight = samples
    averager.finish()


def summed_up(sums: dict[str, float], count: float) -> tuple[dict[str, float], float]:
    """Sums over this rank's samples, and their number, over all ranks: the same to the last bit on each."""
    found = world().from_all((sums, count))
    names = found[0][0]
    return {name: math.fsum(part[name] for part, _ in found) for name in names}, sum(n for _, n in found)
