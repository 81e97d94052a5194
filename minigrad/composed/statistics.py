"""Averages, medians and quantiles, and covariances.

A quantile is made of one or two elements in sorted order, and these have its derivative. NaNs are sorted to the end: if
there is one, the quantile is NaN.
"""

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..core.door import plain, plain_index, raise_if, unwrap
from ..core.foreign import admitted
from ..core.primitive import composed
from ..rules.indexing import take_at
from ..rules.precision import as_single
from ..rules.reductions import keepdims_shape


def as_array(x, like=None, dtype=None):
    """`x`, or the array of a number or a list, in the library of `like`."""
    x = admitted("this function", x)
    if hasattr(x, "shape"):
        return x
    return np.asarray(x, dtype) if like is None else np.asarray(x, dtype, like=unwrap(like))


# Order statistics: the sorted elements of each row, along the last axis


def sorted_rows(a, axis):
    """The elements that belong together in a row each, in order; NaNs come last."""
    axes = range(a.ndim) if axis is None else normalize_axis_tuple(axis, a.ndim)
    others = [i for i in range(a.ndim) if i not in axes]
    shape = tuple(a.shape[i] for i in others)
    rows = np.reshape(np.transpose(a, (*others, *axes)), (*shape, -1 if a.size else 0))
    if not rows.shape[-1]:
        raise ValueError("no elements to reduce, of which there is no such value")
    return np.sort(rows, axis=-1)


def with_nan(y, rows):
    """`y`, which has one number for each row along its last axis, or NaN if one is in the row."""
    last = rows[..., -1:]
    return np.where(np.isnan(last), last, y) if rows.dtype.kind == "f" else y


def finished(y, a, axis, keepdims, first=()):
    """A result for each row, in the shape that a reduction of `a` has, behind the axes `first`."""
    axes = range(a.ndim) if axis is None else normalize_axis_tuple(axis, a.ndim)
    rest = tuple(n for i, n in enumerate(a.shape) if i not in axes)
    return np.reshape(y, (*first, *(keepdims_shape(a.shape, tuple(axes)) if keepdims else rest)))


@composed(np.median)
def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    a = as_array(a)
    rows = sorted_rows(a, axis)
    n = rows.shape[-1]
    middle = np.mean(rows[..., (n - 1) // 2 : n // 2 + 1], axis=-1, keepdims=True)
    return finished(with_nan(middle, rows), a, axis, keepdims)


# The methods of Hyndman & Fan, Sample Quantiles in Statistical Packages, 1996, that interpolate: alpha and beta.
INTERPOLATING = {
    "linear": (1, 1),
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (1 / 2, 1 / 2),
    "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}


def _next_unless(at, stays):
    # The position after `at` rounded down, or that position itself where the function of it and the fraction is true.
    below = np.floor(at)
    return np.where(stays(below, at - below), below, below + 1)


PICKING = {
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.around((n - 1) * q),
    "inverted_cdf": lambda n, q: _next_unless(n * q - 1, lambda _, part: part == 0),
    "closest_observation": lambda n, q: _next_unless(n * q - 1.5, lambda below, part: (part == 0) & (below % 2 == 1)),
}
HALVING = {
    "midpoint": lambda n, q: (np.floor((n - 1) * q), np.ceil((n - 1) * q)),
    "averaged_inverted_cdf": lambda n, q: (np.ceil(n * q - 1), np.floor(n * q)),
}


def places(n, q, method):
    """The positions of two of `n` sorted elements, and the share of the second one in the quantile."""
    if method in PICKING:
        at = PICKING[method](n, plain(q))
        return at, at, None
    if method in HALVING:
        return *HALVING[method](n, plain(q)), np.result_type(q.dtype, np.float16).type(0.5)
    alpha, beta = INTERPOLATING[method]
    at = (n - 1) * q if method == "linear" else n * q + (alpha + q * (1 - alpha - beta)) - 1
    below = np.floor(plain(at))
    return below, below + 1, at - below


def between(a, b, share):
    """The number between `a` and `b`, exactly these for the shares 0 and 1."""
    step = b - a
    return np.where(plain(share) >= 0.5, b - step * (1 - share), a + step * share)


def _quantiles(rows, n, q, method):
    # Of sorted rows, whose first n elements count, the quantiles along the last axis. The positions are given as
    # floats: a number of quantiles is small, so that these are exact.
    def picked(place):
        place = np.clip(place, 0, n - 1).astype(np.intp)
        return np.take_along_axis(rows, place, axis=-1) if np.ndim(n) else take_at(rows, plain_index((..., place)))

    q = q.astype(np.float64) if q.dtype.kind in "iu" and method != "linear" else q
    first, second, share = places(n if np.ndim(n) == 0 or q.dtype.kind != "f" else n.astype(q.dtype), q, method)
    if share is None or (method == "linear" and q.dtype.kind in "iu"):
        return picked(first)
    return between(picked(first), picked(second), share)


def _probabilities(q, a):
    # As an array in the library of `a`, and, for a number, in its dtype.
    single = type(q) in (int, float) and a.dtype.kind == "f"
    q = as_array(q, a, np.result_type(a.dtype, np.float32) if single else None)
    raise_if(~((plain(q) >= 0) & (plain(q) <= 1)), lambda: ValueError("a quantile is of a probability between 0 and 1"))
    return q


def _check_method(method, weights):
    known = [*INTERPOLATING, *PICKING, *HALVING]
    if method not in known:
        raise ValueError(f"quantiles have the methods {', '.join(sorted(known))}; got {method!r}")
    if weights is not None:
        raise ValueError(
            "quantiles with weights= have no derivative rule. Use np.quantile of np.repeat(x, counts) for whole "
            "numbers, or x.detach()"
        )


@composed(np.quantile)
def quantile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None
):  # fmt: skip
    _check_method(method, weights)
    a = as_array(a)
    q, rows = _probabilities(q, a), sorted_rows(a, axis)
    y = with_nan(_quantiles(as_single(rows), rows.shape[-1], np.reshape(q, -1), method), rows)
    return _of_probabilities(y, a, q, axis, keepdims)


def _of_probabilities(y, a, q, axis, keepdims):
    y = finished(np.moveaxis(y, -1, 0), a, axis, keepdims, np.shape(q))
    return y.astype(a.dtype) if a.dtype == np.float16 and y.dtype == np.float32 else y


@composed(np.nanquantile)
def nanquantile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None
):  # fmt: skip
    _check_method(method, weights)
    a = as_array(a)
    q, rows = _probabilities(q, a), sorted_rows(a, axis)
    n = np.sum(rows == rows, axis=-1, keepdims=True)
    return _of_probabilities(_quantiles(as_single(rows), n, np.reshape(q, -1), method), a, q, axis, keepdims)


@composed(np.percentile)
def percentile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None
):  # fmt: skip
    return quantile(a, _hundredths(q, a), axis, None, False, method, keepdims, weights=weights)


@composed(np.nanpercentile)
def nanpercentile(
    a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None
):  # fmt: skip
    return nanquantile(a, _hundredths(q, a), axis, None, False, method, keepdims, weights=weights)


def _hundredths(q, a):
    return q / 100 if isinstance(q, int | float) else as_array(q, a) / 100


@composed(np.nanmedian)
def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    a = as_array(a)
    rows = sorted_rows(a, axis)
    n = np.sum(rows == rows, axis=-1, keepdims=True)
    middle = np.maximum(np.concatenate([(n - 1) // 2, n // 2], axis=-1), 0)
    return finished(np.mean(np.take_along_axis(rows, middle, axis=-1), axis=-1), a, axis, keepdims)


# Averages and covariances


@composed(np.average)
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    a = as_array(a)
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keepdims)
        return (y, np.ones_like(y) * (a.size / max(y.size, 1))) if returned else y
    weights = _weights_of(as_array(weights), a, axis)
    dtype = np.result_type(a.dtype, weights.dtype, *([np.float64] if a.dtype.kind in "biu" else []))
    total = np.sum(weights.astype(dtype), axis=axis, keepdims=keepdims)
    raise_if(plain(total) == 0, lambda: ZeroDivisionError("the weights of an average add up to 0"))
    y = np.sum(a * weights.astype(dtype), axis=axis, keepdims=keepdims) / total
    return (y, np.copy(np.broadcast_to(total, y.shape))) if returned else y


def _weights_of(weights, a, axis):
    # In the shape of `a`, or with axes of length 1 where they do not differ.
    if weights.shape == a.shape:
        return weights
    axes = None if axis is None else normalize_axis_tuple(axis, a.ndim)
    if axes is None or weights.shape != tuple(a.shape[i] for i in axes):
        raise ValueError(
            f"the weights of an average are of the shape of the array, or of its axes that are averaged; "
            f"got {weights.shape} for axis={axis} of {a.shape}"
        )
    weights = np.transpose(weights, sorted(range(len(axes)), key=axes.__getitem__))
    shape = [n if i in axes else 1 for i, n in enumerate(a.shape)]
    return np.broadcast_to(np.reshape(weights, shape), a.shape)


def _as_rows(x, rowvar, single):
    # The variables of a covariance in rows of observations.
    x = as_array(x)
    if x.ndim > 2:
        raise ValueError(f"a covariance is of arrays of one axis or two; got one of shape {x.shape}")
    wide = np.atleast_2d(x)
    return wide if rowvar or (x.ndim < 2 if single else wide.shape[0] == 1) else wide.T


def _joint_weights(fweights, aweights, x):
    # The product of both.
    n = x.shape[1]
    w = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is not None:
            given = as_array(given, x)
            if given.shape != (n,):
                raise ValueError(f"cov takes as many {name} as there are observations, {n}; got {given.shape}")
            raise_if(plain(given) < 0, lambda name=name: ValueError(f"{name} of cov are not negative"))
            if name == "fweights":
                raise_if(plain(given) % 1 != 0, lambda: TypeError("fweights of cov are whole numbers"))
            w = given * np.float64(1) if w is None else w * given
    return w


@composed(np.cov)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"ddof is an integer; got {ddof}")
    parts = [_as_rows(m, rowvar, True), *([] if y is None else [_as_rows(y, rowvar, False)])]
    dtype = np.result_type(*(x.dtype for x in parts), np.float64) if dtype is None else dtype
    x = np.concatenate([part.astype(dtype) for part in parts], axis=0)
    n, ddof = x.shape[1], (0 if bias else 1) if ddof is None else ddof
    w = _joint_weights(fweights, aweights, x)
    if w is None:
        deviations = x - np.mean(x, axis=1, keepdims=True)
        weighted, count = deviations, n - ddof
    else:
        total = np.sum(w)
        deviations = x - np.sum(x * w, axis=1, keepdims=True) / total
        lost = ddof if aweights is None else ddof * np.sum(w * aweights) / total
        weighted, count = (deviations * w).astype(dtype), total - lost
    raise_if(plain(count) <= 0, lambda: ValueError(f"a covariance takes more than ddof={ddof} observations; got {n}"))
    return np.squeeze(np.matmul(deviations, weighted.T) / count)


@composed(np.corrcoef)
def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    lengths = np.sqrt(np.diagonal(c))
    return np.clip(c / lengths[:, None] / lengths, -1, 1)
