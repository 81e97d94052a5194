"""Choosing among arrays and elements, by conditions and positions, and changing some of them."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.door import plain, plain_index, raise_if
from ..core.primitive import composed, constant
from ..core.recorder import refuse_recording
from ..rules.batching import refused
from ..rules.indexing import index_update, take_at
from ..rules.positions import grid_along
from .statistics import as_array

# Among arrays


@composed(np.select, sequence=True)
def select(condlist, choicelist, default=0):
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            f"select takes a choice for each condition, of one or more; got {len(condlist)} conditions, "
            f"{len(choicelist)} choices"
        )
    conditions = [as_array(condition) for condition in condlist]
    if any(condition.dtype != bool for condition in conditions):
        raise TypeError(f"the conditions of select are truths; got {', '.join(str(c.dtype) for c in conditions)}")
    numbers = [x if type(x) in (int, float) else as_array(x) for x in (*choicelist, default)]
    dtype = np.result_type(*numbers)
    y = numbers[-1]
    for condition, choice in zip(conditions[::-1], numbers[-2::-1], strict=True):
        y = np.where(condition, choice, y)
    return y.astype(dtype)


@composed(np.piecewise)
def piecewise(x, condlist, funclist, *args, **kw):
    x = as_array(x)
    if getattr(condlist, "shape", None) == () or np.isscalar(condlist) or (np.ndim(condlist[0]) == 0 and x.ndim):
        condlist = [condlist]
    conditions = [as_array(condition).astype(bool) for condition in condlist]
    if len(conditions) + 1 == len(funclist):
        conditions.append(~np.any(np.stack(conditions), axis=0))
    if len(conditions) != len(funclist):
        raise ValueError(
            f"piecewise takes a function for each condition, and perhaps one more for the rest; got "
            f"{len(conditions)} conditions and {len(funclist)} functions"
        )
    shape, x = x.shape, np.atleast_1d(x)
    conditions = [np.reshape(condition, condition.shape or (1,)) for condition in conditions]
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        if callable(function):
            part = take_at(x, plain_index(condition))
            values = function(part, *args, **kw) if part.size else part
        else:
            values = np.zeros_like(x, shape=()) + function
        y = index_update(y, plain_index(condition), values)
    return np.reshape(y, shape)


@composed(np.choose)
def choose(a, choices, out=None, mode="raise"):
    numbers = [x if type(x) in (int, float) else as_array(x) for x in choices]
    choices = np.broadcast_arrays(*(as_array(x).astype(np.result_type(*numbers)) for x in numbers))
    n, a = len(choices), as_array(a)
    if a.dtype.kind not in "biu":
        raise TypeError(f"choose takes positions, which are integers; got {a.dtype}")
    a = _wrapped(a.astype(np.intp), n, mode)
    raise_if((plain(a) < 0) | (plain(a) >= n), lambda: ValueError(f"choose takes positions from 0 to {n - 1}"))
    shape = np.broadcast_shapes(a.shape, choices[0].shape)
    choices = np.stack([np.broadcast_to(x, shape) for x in choices])
    return np.take_along_axis(choices, np.broadcast_to(a, shape)[None], axis=0)[0]


def _wrapped(positions, n, mode):
    if mode == "wrap":
        return np.remainder(positions, n)
    if mode == "clip":
        return np.clip(positions, 0, n - 1)
    if mode != "raise":
        raise ValueError(f"positions out of range have the mode raise, wrap or clip; got {mode!r}")
    return positions


# Among elements


@composed(np.compress)
def compress(condition, a, axis=None, out=None):
    condition, a = as_array(condition), as_array(a)
    if condition.ndim != 1:
        raise ValueError(f"compress takes a condition of one axis; got one of shape {condition.shape}")
    return np.take(a, np.flatnonzero(condition), axis=axis)


@composed(np.extract)
def extract(condition, arr):
    return np.compress(np.reshape(as_array(condition), -1).astype(bool), arr)


@composed(np.partition)
def partition(a, kth, axis=-1, kind="introselect", order=None):
    a = as_array(a)
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    return np.take_along_axis(a, np.argpartition(plain(a), kth, axis=axis, kind=kind, order=order), axis=axis)


def ends_of_zeros(x, trim, axes):
    """Along each axis, where the part of an array begins and ends that has all numbers but 0."""
    places = np.nonzero(x)
    ends = []
    for axis, (at, n) in enumerate(zip(places, x.shape, strict=True)):
        first, last = (np.min(at).item(), np.max(at).item() + 1) if len(at) else (0, 0)
        cut = axis in axes
        ends.append(
            (first if cut and ("f" in trim or not len(at)) else 0, last if cut and ("b" in trim or not len(at)) else n)
        )
    return ends


ends_of_zeros = constant(
    ends_of_zeros, batch=refused("finds a number of elements", "Use np.where(x == 0, ...), which keeps the shape")
)


@composed(np.trim_zeros)
def trim_zeros(filt, trim="fb", axis=None):
    x = as_array(filt)
    if trim.lower() not in ("fb", "bf", "f", "b"):
        raise ValueError(f"zeros are trimmed at the front, the back or both: trim='f', 'b' or 'fb'; got {trim!r}")
    refuse_recording("trims zeros, as many as there are", "Cut a fixed part off, as x[1:-1]")
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    return x[tuple(slice(*ends) for ends in ends_of_zeros(x, trim.lower(), axes))]


# With elements put in and left out


def _flat_or(x, axis):
    return (np.reshape(x, -1), 0) if axis is None else (x, normalize_axis_index(axis, x.ndim))


@composed(np.delete)
def delete(arr, obj, axis=None):
    x, axis = _flat_or(as_array(arr), axis)
    return np.take(x, np.delete(np.arange(x.shape[axis]), plain_index(obj)), axis=axis)


@composed(np.insert)
def insert(arr, obj, values, axis=None):
    x, axis = _flat_or(as_array(arr), axis)
    values, n, obj = as_array(values, x), x.shape[axis], plain_index(obj)
    places = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    places = np.flatnonzero(places) if places.dtype == bool else places
    if places.size == 1:  # how many there are, the values say
        values = np.reshape(values, (*(1,) * (x.ndim - values.ndim), *values.shape))
        values = np.moveaxis(values, 0, axis) if places.ndim == 0 else values
        count, places = values.shape[axis], places.reshape(-1)[0]
    else:
        count = places.size
    values = np.reshape(values, values.shape[max(values.ndim - x.ndim, 0) :])  # NumPy drops leading axes of length 1
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    parts = [x, np.broadcast_to(values, shape).astype(x.dtype)]
    order = np.insert(np.arange(n), places, np.arange(n, n + count))
    return np.take(np.concatenate(parts, axis=axis), order, axis=axis)


# Writing into the first argument, which has another value and node then


@composed(np.put_along_axis)
def put_along_axis(arr, indices, values, axis):
    if axis is None:
        flat = index_update(np.reshape(arr, -1), plain_index(as_array(indices)), values)
        arr[...] = np.reshape(flat, np.shape(arr))
    else:
        arr[grid_along(as_array(indices), normalize_axis_index(axis, np.ndim(arr)), np.shape(arr))] = values
