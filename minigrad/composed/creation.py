"""New arrays of values that may be watched."""

import numpy as np

from ..core.primitive import composed
from ..rules import creation
from ..rules.indexing import index_update


def full(fill_value, shape, dtype=None, order="C"):
    """An array filled with `fill_value`, which is broadcast to its shape."""
    return index_update(np.zeros_like(fill_value, dtype, order, shape=shape), ..., fill_value)


full = composed(full)(full)


@composed(np.full_like)
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None):
    return index_update(np.zeros_like(a, dtype, order, subok, shape), ..., fill_value)


@composed(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    y = creation.linspace(start, stop, num, endpoint, dtype, axis)
    if not retstep:
        return y
    steps = num - 1 if endpoint else num
    return y, np.subtract(np.multiply(stop, 1.0), np.multiply(start, 1.0)) / steps if steps > 0 else np.nan


@composed(np.geomspace)
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    return creation.geomspace(start, stop, num, endpoint, dtype, axis)


@composed(np.logspace)
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    if np.ndim(base):
        n = max(np.ndim(x) for x in (start, stop, base))
        start, stop, base = (np.reshape(x, (*(1,) * (n - np.ndim(x)), *np.shape(x))) for x in (start, stop, base))
        base = np.expand_dims(base, axis)
    y = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else y.astype(dtype)


@composed(np.meshgrid)
def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    if indexing not in ("xy", "ij"):
        raise ValueError(f"the axes of a grid are in the order indexing='xy' or 'ij'; got {indexing!r}")
    places = list(range(len(xi)))
    if indexing == "xy":
        places[:2] = reversed(places[:2])
    grids = [
        np.reshape(x, [-1 if i == place else 1 for i in range(len(xi))]) for x, place in zip(xi, places, strict=True)
    ]
    if not sparse:
        grids = np.broadcast_arrays(*grids)
    return tuple(np.copy(x) if copy else x for x in grids)
