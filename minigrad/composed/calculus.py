"""Interpolation, differences and integrals of samples, and sums of products of sequences."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.door import plain, plain_index, raise_if
from ..core.primitive import composed
from ..rules.indexing import take_at
from ..rules.sequences import overlapped, slid
from .statistics import as_array, between

DOUBLE = np.float64(1)  # which makes float64 of all that it multiplies


# Interpolation: at a knot the slope is that to the right, and 0 at both ends, as that of np.clip is at its bounds.


@composed(np.interp)
def interp(x, xp, fp, left=None, right=None, period=None):
    x, xp, fp = (np.multiply(as_array(part), DOUBLE) for part in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.shape[0]:
        raise ValueError(f"interp takes as many values as knots, one or more, of one axis; got {xp.shape}, {fp.shape}")
    if period is not None:
        raise_if(plain(period) == 0, lambda: ValueError("interp has a period other than 0"))
        (x, xp, fp), left, right = _periodic(x, xp, fp, np.abs(period)), None, None
    first, last = xp[0], xp[-1]
    inside = np.clip(x, first, last)
    n = xp.shape[0]
    i = np.clip(np.searchsorted(plain(xp), plain(inside), "right") - 1, 0, n - 1)
    j = np.minimum(i + 1, n - 1)
    x0, x1, y0, y1 = (take_at(part, plain_index(k)) for part in (xp, fp) for k in (i, j))
    width = x1 - x0
    y = between(y0, y1, (inside - x0) / np.where(plain(width) == 0, 1, width))
    y = np.where(plain(x < first), fp[0] if left is None else left, y)
    return np.where(plain(x > last), fp[-1] if right is None else right, y)


def _periodic(x, xp, fp, period):
    # One period of knots in order, and one more on either side.
    x, xp = np.remainder(x, period), np.remainder(xp, period)
    order = plain_index(np.argsort(plain(xp)))
    xp, fp = take_at(xp, order), take_at(fp, order)
    return x, np.concatenate([xp[-1:] - period, xp, xp[:1] + period]), np.concatenate([fp[-1:], fp, fp[:1]])


# Differences


def _as_real(x):
    # `x`, but integers as float64.
    x = as_array(x)
    return x.astype(np.float64) if x.dtype.kind in "iu" else x


def _spacings(varargs, f, axes):
    # For each axis the distances of neighbours, or one for all.
    if not varargs:
        return [1.0] * len(axes)
    if len(varargs) == 1 and np.ndim(varargs[0]) == 0:
        return [varargs[0]] * len(axes)
    if len(varargs) != len(axes):
        raise TypeError(f"gradient takes one spacing, or one for each of {len(axes)} axes; got {len(varargs)}")
    return [
        _distances(as_array(at), f.shape[axis]) if np.ndim(at) else at for at, axis in zip(varargs, axes, strict=True)
    ]


def _distances(at, n):
    if at.shape != (n,):
        raise ValueError(f"the places along an axis of length {n} are as many; got an array of shape {at.shape}")
    steps = np.diff(_as_real(at))
    return steps.astype(np.float64) if steps.dtype == bool else steps  # of truths: whether they differ


def _weights(h, k, edge):
    # Of three values, distances h and k apart, for the slope at the first, the middle or the last of them.
    if edge == 0:
        return -(2 * h + k) / (h * (h + k)), (h + k) / (h * k), -h / (k * (h + k))
    if edge == 1:
        return -k / (h * (h + k)), (k - h) / (h * k), h / (k * (h + k))
    return k / (h * (h + k)), -(k + h) / (h * k), (2 * k + h) / (k * (h + k))


def _slopes(f, spacing, axis, edge_order):
    # Along the last axis: between neighbours, and at both ends.
    f = np.moveaxis(f, axis, -1)
    n, even = f.shape[-1], np.ndim(spacing) == 0
    h, k = (spacing, spacing) if even else (spacing[:-1], spacing[1:])
    if even:
        inside = (f[..., 2:] - f[..., :-2]) / (2.0 * spacing)
    else:
        inside = sum(w * f[..., i : n - 2 + i] for i, w in enumerate(_weights(h, k, 1)))
    if edge_order == 1:
        ends = [
            np.diff(f[..., s]) / (spacing if even else spacing[at]) for s, at in ((slice(2), 0), (slice(-2, None), -1))
        ]
    else:
        three = slice(3), slice(-3, None)
        pairs = [(h, k)] * 2 if even else [(h[0], k[0]), (h[-1], k[-1])]
        ends = [
            sum(w * f[..., s][..., i : i + 1] for i, w in enumerate(_weights(*pair, edge)))
            for s, pair, edge in zip(three, pairs, (0, 2), strict=True)
        ]
    return np.moveaxis(np.concatenate([ends[0], inside, ends[1]], axis=-1), -1, axis)


@composed(np.gradient)
def gradient(f, *varargs, axis=None, edge_order=1):
    f = _as_real(f)
    if f.dtype == bool:
        raise TypeError("gradient takes numbers; got truths. Use x.astype(float)")
    axes = normalize_axis_tuple(range(f.ndim) if axis is None else axis, f.ndim)
    if edge_order not in (1, 2):
        raise ValueError(f"gradient has the edge_order 1 or 2; got {edge_order}")
    if any(f.shape[i] < edge_order + 1 for i in axes):
        raise ValueError(f"gradient takes {edge_order + 1} elements or more along an axis; got an array of {f.shape}")
    slopes = [
        _slopes(f, spacing, i, edge_order).astype(f.dtype)
        for spacing, i in zip(_spacings(varargs, f, axes), axes, strict=True)
    ]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


@composed(np.ediff1d)
def ediff1d(ary, to_end=None, to_begin=None):
    x = np.reshape(as_array(ary), -1)
    ends = [None if end is None else np.reshape(as_array(end, x), -1) for end in (to_begin, to_end)]
    if any(end is not None and not np.can_cast(end.dtype, x.dtype, "same_kind") for end in ends):
        raise TypeError(f"the ends of differences of {x.dtype} are of its kind; got {[e and e.dtype for e in ends]}")
    parts = [ends[0], x[1:] - x[:-1], ends[1]]
    return np.concatenate([part.astype(x.dtype) for part in parts if part is not None])


@composed(np.unwrap)
def unwrap(p, discont=None, axis=-1, *, period=2 * math.pi):
    p = as_array(p)
    axis = normalize_axis_index(axis, p.ndim)
    before = (slice(None),) * axis
    steps = np.diff(p, axis=axis)
    whole = np.result_type(steps, period).kind in "iu"
    half = period // 2 if whole else period / 2
    near = np.remainder(steps + half, period) - half
    if not whole or period % 2 == 0:  # a step of half a period keeps its direction
        near = np.where((near == -half) & (steps > 0), near + period, near)
    corrections = np.where(np.abs(steps) < (period / 2 if discont is None else discont), 0, near - steps)
    y = np.concatenate([p[*before, :1], p[*before, 1:] + np.cumsum(corrections, axis=axis)], axis=axis)
    return y.astype(np.result_type(steps, period))


# Integrals


def _trapezoid(y, x=None, dx=1.0, axis=-1):
    y = as_array(y)
    before = (slice(None),) * normalize_axis_index(axis, y.ndim)
    if x is not None:
        x = as_array(x, y)
        dx = np.diff(x, axis=axis if x.ndim > 1 else -1)
        if x.ndim == 1:
            dx = np.reshape(dx, [-1 if i == len(before) else 1 for i in range(y.ndim)])
    return np.sum(dx * (y[*before, 1:] + y[*before, :-1]) / 2.0, axis=axis)


composed(np.trapezoid)(_trapezoid)


# Sums of products

MODES = ("full", "same", "valid")


def _sequences(a, v):
    a, v = (np.atleast_1d(as_array(x)) for x in (a, v))
    if a.ndim > 1 or v.ndim > 1 or not a.size or not v.size:
        raise ValueError(f"sequences have one axis and an element or more; got shapes {a.shape} and {v.shape}")
    return a, v


def _part(mode, a, v):
    # Of all places where v, turned round, meets the longer a: all, as many as a has, or those where v lies in a.
    mode = MODES[::-1][mode] if type(mode) is int and 0 <= mode < 3 else mode  # as NumPy numbers them
    if mode not in MODES:
        raise ValueError(f"the mode is one of {', '.join(MODES)}; got {mode!r}")
    if mode == "valid":
        return slid(a, np.flip(v))
    start = (v.shape[0] - 1) // 2 if mode == "same" else 0
    return overlapped(a, v)[start : start + a.shape[0] if mode == "same" else None]


@composed(np.convolve)
def convolve(a, v, mode="full"):
    a, v = _sequences(a, v)
    return _part(mode, a, v) if a.shape[0] >= v.shape[0] else _part(mode, v, a)


@composed(np.correlate)
def correlate(a, v, mode="valid"):
    a, v = _sequences(a, v)
    if a.shape[0] >= v.shape[0]:
        return _part(mode, a, np.flip(v))
    return np.flip(_part(mode, v, np.flip(a)))
