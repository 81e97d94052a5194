"""Reductions that leave NaNs out: these have the derivative 0."""

import numpy as np

from ..core.primitive import composed, constant
from ..rules.batching import along
from ..rules.precision import as_floats, as_single
from .statistics import as_array


def _nan_as(a, value):
    a = as_array(a)
    return np.where(np.isnan(a), value, a) if a.dtype.kind == "f" else a


def _options(dtype):
    return {} if dtype is None else {"dtype": dtype}


@composed(np.nansum)
def nansum(a, axis=None, dtype=None, out=None, keepdims=False):
    return np.sum(_nan_as(a, 0), axis=axis, keepdims=keepdims, **_options(dtype))


@composed(np.nanprod)
def nanprod(a, axis=None, dtype=None, out=None, keepdims=False):
    return np.prod(_nan_as(a, 1), axis=axis, keepdims=keepdims, **_options(dtype))


composed(np.nancumsum)(lambda a, axis=None, dtype=None, out=None: np.cumsum(_nan_as(a, 0), axis, **_options(dtype)))
composed(np.nancumprod)(lambda a, axis=None, dtype=None, out=None: np.cumprod(_nan_as(a, 1), axis, **_options(dtype)))


def _nan_extremum(extremum, bottom):
    def reduce(a, axis=None, out=None, keepdims=False):
        a = as_array(a)
        y = extremum(_nan_as(a, bottom), axis=axis, keepdims=keepdims)
        if a.dtype.kind != "f":
            return y
        return np.where(np.all(np.isnan(a), axis=axis, keepdims=keepdims), np.nan, y)

    return reduce


composed(np.nanmax)(_nan_extremum(np.max, -np.inf))
composed(np.nanmin)(_nan_extremum(np.min, np.inf))


def _count(a, axis, less=0):
    # Of the numbers; NaN if there is none left, so that nothing is divided by 0.
    n = np.sum(a == a, axis=axis, keepdims=True) - less
    return np.where(n > 0, n, np.nan).astype(a.dtype)


def _working(a, dtype):
    # As floats, float16 as float32, and the dtype of the result.
    a = as_array(a)
    a = as_floats(a) if dtype is None else a.astype(dtype)
    return as_single(a), a.dtype


def _mean(a, axis):
    return np.sum(np.where(a == a, a, 0), axis=axis, keepdims=True) / _count(a, axis)


def _finished(y, dtype, axis, keepdims):
    axis = axis if axis is not None or not y.ndim else tuple(range(y.ndim))
    return (y if keepdims or not y.ndim else np.squeeze(y, axis)).astype(dtype)


@composed(np.nanmean)
def nanmean(a, axis=None, dtype=None, out=None, keepdims=False):
    a, dtype = _working(a, dtype)
    return _finished(_mean(a, axis), dtype, axis, keepdims)


def _variance(a, axis, ddof):
    deviations = np.where(a == a, a - _mean(a, axis), 0)
    return np.sum(deviations * deviations, axis=axis, keepdims=True) / _count(a, axis, ddof)


@composed(np.nanvar)
def nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, correction=None):
    a, dtype = _working(a, dtype)
    return _finished(_variance(a, axis, ddof if correction is None else correction), dtype, axis, keepdims)


@composed(np.nanstd)
def nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, correction=None):
    a, dtype = _working(a, dtype)
    variance = _variance(a, axis, ddof if correction is None else correction)
    # That of a constant is rounding error, at a kink of the root: its gradient is 0.
    varies = np.max(_nan_as(a, -np.inf), axis, keepdims=True) > np.min(_nan_as(a, np.inf), axis, keepdims=True)
    root = np.where(varies, np.sqrt(np.where(varies, variance, 1)), 0 * variance)
    return _finished(root, dtype, axis, keepdims)


constant(np.nanargmax, np.nanargmin, batch=along(none="flat"))
