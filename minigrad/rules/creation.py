"""Numbers between two others."""

import numpy as np

from ..core.engine import undo_broadcast
from ..core.primitive import general, linear
from .batching import beyond, with_rank
from .precision import InSingle


def _end_weights(y, num, endpoint, axis):
    # How much of the start is in each number, from 1 down, and how much of the stop, from 0 up.
    zero = np.zeros_like(y, shape=_without(axis, y))
    t = np.linspace(zero, zero + 1, num, endpoint, axis=axis)
    return 1 - t, t


def _without(axis, y):
    axis %= y.ndim
    return (*y.shape[:axis], *y.shape[axis + 1 :])


def _added_up(g, axis, x):
    return undo_broadcast(np.sum(g, axis=axis), np.shape(x))


def linspace(start, stop, num, endpoint=True, dtype=None, axis=0):
    """As np.linspace."""
    return np.linspace(start, stop, num, endpoint, dtype=dtype, axis=axis)


def _batched_ends(call):
    ndim = max(call.rank(0), call.rank(1))
    ends = [with_rank(x, ndim) if own else x for x, own in zip(call.operands[:2], call.own[:2], strict=True)]
    axis = beyond(call.option("axis", 5, 0), ndim + 1)
    return call.result([*ends, *call.operands[2:5]], **dict(call.kwargs) | {"axis": axis})


def _linspace(end):
    def rule(g, y, start, stop, num, endpoint=True, dtype=None, axis=0):
        return _added_up(g * _end_weights(g, num, endpoint, axis)[end], axis, (start, stop)[end])

    return rule


linspace = linear(linspace, InSingle(_linspace(0)), InSingle(_linspace(1)), batch=_batched_ends)


# start^(1 - t) stop^t, and minus that of the absolute values of negative ones.


def geomspace(start, stop, num, endpoint=True, dtype=None, axis=0):
    """As np.geomspace."""
    return np.geomspace(start, stop, num, endpoint, dtype, axis)


def _geomspace(end):
    def rule(g, y, start, stop, num, endpoint=True, dtype=None, axis=0):
        x = (start, stop)[end]
        return undo_broadcast(np.sum(g * y * _end_weights(y, num, endpoint, axis)[end], axis=axis) / x, np.shape(x))

    return rule


def _geomspace_forward(end):
    def rule(t, y, start, stop, num, endpoint=True, dtype=None, axis=0):
        relative = np.broadcast_to(t / (start, stop)[end], _without(axis, y))
        return np.expand_dims(relative, axis) * y * _end_weights(y, num, endpoint, axis)[end]

    return rule


geomspace = general(
    geomspace,
    InSingle(_geomspace(0)),
    InSingle(_geomspace(1)),
    forward=[_geomspace_forward(0), _geomspace_forward(1)],
    batch=_batched_ends,
)
