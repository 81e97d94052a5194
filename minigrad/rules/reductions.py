"""Functions that reduce axes to one number, and those that keep the partial results."""

from typing import Any

import numpy as np

from ..core.engine import broadcast
from ..core.primitive import constant, general, linear
from .batching import along
from .lengths import denominator
from .precision import DOUBLE, HALF, SINGLE, InSingle, accumulated, of_floats


def keepdims_shape(shape, axis):
    """`shape` with length 1 in place of the axes that a reduction over `axis` removes."""
    if axis is None:
        return (1,) * len(shape)
    axes = {i % max(len(shape), 1) for i in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


# Sums and means: every element that was added gets the sum's g.


def _sum(x, axis=None, dtype=None, out=None, keepdims=False, reduce: Any = np.add.reduce):
    # A third of the time that np.sum takes on a small array.
    if dtype or x.dtype is HALF:
        return accumulated(reduce)(x, axis, dtype, out, keepdims)
    return reduce(x, axis, None, out, True) if keepdims else reduce(x, axis)


def _sum_rule(g, y, x, axis=None, dtype=None, out=None, keepdims=False):
    return broadcast(g if axis is None and not keepdims else g.reshape(keepdims_shape(x.shape, axis)), x.shape)


def _over(g, n):
    # A count beyond 65504 is no number of float16.
    return g / n if g.dtype is not HALF else (g / np.float32(n)).astype(np.float16)


def _mean_rule(g, y, x, axis=None, dtype=None, out=None, keepdims=False):
    return _sum_rule(_over(g, x.size // max(y.size, 1)), y, x, axis, keepdims=keepdims)


def _of_some(function):
    """A function that refuses empty reductions, whose value would be NaN."""
    in_single = accumulated(function)

    def compute(x, axis=None, *args, **kwargs):
        if np.size(x) == 0 and 0 not in keepdims_shape(np.shape(x), axis):
            raise ValueError("no elements to reduce: there is no such value of an empty array")
        return (in_single if args or "dtype" in kwargs or x.dtype is HALF else function)(x, axis, *args, **kwargs)

    return compute


_mean_of_any = _of_some(np.mean)


def _mean(x, axis=None, dtype=None, out=None, keepdims=False):
    # A third of the time that np.mean takes on a small array, for as long as the count is a number of float32.
    if dtype or out is not None or x.dtype not in (DOUBLE, SINGLE) or not x.shape or not 0 < x.size < 2**24:
        options = {} if dtype is None else {"dtype": dtype}
        return _mean_of_any(x, axis, keepdims=keepdims, **options if out is None else options | {"out": out})
    y = _sum(x, axis, keepdims=keepdims)
    return y / (x.size // y.size)


total = linear(np.sum, _sum_rule, compute=_sum, batch=along())
linear(np.mean, _mean_rule, compute=_mean, batch=along())


# Variance: the derivative of a mean of squared deviations. The deviation of a constant is rounding error, and the
# square root has a kink there: its gradient is 0.


def _var(g, y, x, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, correction=None):
    count = x.size // max(y.size, 1) - (ddof if correction is None else correction)
    return g.reshape(keepdims_shape(x.shape, axis)) * (x - np.mean(x, axis=axis, keepdims=True)) / (count / 2)


def _var_forward(t, y, x, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, correction=None):
    return np.sum(_var(np.ones_like(y), y, x, axis, ddof=ddof, correction=correction) * t, axis=axis, keepdims=keepdims)


def _over_twice_std(g, y, x, axis, keepdims):
    varies = np.max(x, axis=axis, keepdims=keepdims) > np.min(x, axis=axis, keepdims=keepdims)
    return np.where(varies, g / (2 * denominator(y, varies)), 0)


def _std(g, y, x, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, correction=None):
    return _var(_over_twice_std(g, y, x, axis, keepdims), y, x, axis, ddof=ddof, correction=correction)


def _std_forward(t, y, x, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, correction=None):
    of_var = _var_forward(t, y, x, axis, ddof=ddof, keepdims=keepdims, correction=correction)
    return _over_twice_std(of_var, y, x, axis, keepdims)


general(np.var, InSingle(_var), forward=[InSingle(_var_forward)], compute=_of_some(np.var), batch=along())
general(
    np.std,
    InSingle(_std, of=np.std),
    forward=[InSingle(_std_forward, of=np.std)],
    compute=_of_some(np.std),
    batch=along(),
)


# Extrema: the gradient goes to the elements that attain it, in equal parts; a NaN attains any.


def _attained(y, x, axis):
    y = y.reshape(keepdims_shape(x.shape, axis))
    return (x == y) | (x != x)


def _extremum(g, y, x, axis=None, out=None, keepdims=False):
    attained = _attained(y, x, axis)
    return np.where(attained, g.reshape(keepdims_shape(x.shape, axis)) / _number(attained, g, axis, True), 0)


def _extremum_forward(t, y, x, axis=None, out=None, keepdims=False):
    attained = _attained(y, x, axis)
    return np.sum(np.where(attained, t, 0), axis=axis, keepdims=keepdims) / _number(attained, t, axis, keepdims)


def _number(attained, g, axis, keepdims):
    return np.sum(attained, axis=axis, keepdims=keepdims).astype(g.dtype)


for extremum in (np.max, np.min, np.amax, np.amin):
    general(extremum, InSingle(_extremum), forward=[InSingle(_extremum_forward)], batch=along())


# Products, without a division by factors that may be 0.


def products_of_others(x):
    """The product of all other elements along the last axis, for each, in one pass up and one down a tree."""
    n = x.shape[-1]
    if n <= 1:
        return np.ones_like(x)
    if n % 2:
        return products_of_others(np.concatenate([x, np.ones_like(x[..., :1])], axis=-1))[..., :n]
    left, right = x[..., ::2], x[..., 1::2]
    outside = products_of_others(left * right)  # of the pair
    return np.reshape(np.stack([outside * right, outside * left], axis=-1), x.shape)


def _product_of_others(x, axis):
    if x.size == 0:
        return np.ones_like(x)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [i % x.ndim for i in axes if x.ndim]  # a single number has axis 0, too, as NumPy's reductions see it
    order = [i for i in range(x.ndim) if i not in axes] + axes
    rows = np.transpose(x, order)
    flat = np.reshape(rows, (*rows.shape[: x.ndim - len(axes)], -1))
    return np.transpose(np.reshape(products_of_others(flat), rows.shape), np.argsort(order).tolist())


def _prod(g, y, x, axis=None, dtype=None, out=None, keepdims=False):
    return g.reshape(keepdims_shape(x.shape, axis)) * _product_of_others(x, axis)


def _prod_forward(t, y, x, axis=None, dtype=None, out=None, keepdims=False):
    return np.sum(t * _product_of_others(x, axis), axis=axis, keepdims=keepdims)


general(np.prod, InSingle(_prod), forward=[InSingle(_prod_forward)], compute=accumulated(np.prod), batch=along())

# Running sums and products. The transpose of a running sum is the one from the other end.


def _flip_sum(g, axis):
    return np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)


def _cumsum(g, y, x, axis=None, dtype=None):
    return np.reshape(_flip_sum(g, 0 if axis is None else axis), x.shape)


running_sum = linear(np.cumsum, InSingle(_cumsum), compute=accumulated(np.cumsum), batch=along(none="flat"))


def recur(a, b):
    """The solution of ``s[i] = a[i] * s[i - 1] + b[i]`` along the last axis, by elimination of every other element."""
    n = b.shape[-1]
    if n <= 1:
        return b
    if n % 2:
        s = recur(a[..., :-1], b[..., :-1])
        return np.concatenate([s, a[..., -1:] * s[..., -1:] + b[..., -1:]], axis=-1)
    first, second = a[..., ::2], a[..., 1::2]
    at_second = recur(first * second, second * b[..., ::2] + b[..., 1::2])
    before = np.concatenate([np.zeros_like(at_second[..., :1]), at_second[..., :-1]], axis=-1)
    return np.reshape(np.stack([first * before + b[..., ::2], at_second], axis=-1), b.shape)


def along_last(function, axis, *arrays):
    return np.moveaxis(function(*(np.moveaxis(x, axis, -1) for x in arrays)), -1, axis)


def _before(y, first):
    return np.concatenate([first(y[..., :1]), y[..., :-1]], axis=-1)


# y[k] is y[k - 1] x[k]. In reverse, s[i] = g[i] + x[i + 1] s[i + 1] is the cotangent of y[i], through all of the
# later products.
def _cumprod(g, y, x, axis=None, dtype=None):
    def rule(g, y, x):
        cotangent = np.flip(recur(_before(np.flip(x, -1), np.zeros_like), np.flip(g, -1)), -1)
        return cotangent * _before(y, np.ones_like)

    if axis is None or not x.ndim:
        return np.reshape(rule(g, y, np.reshape(x, -1)), x.shape)
    return along_last(rule, axis, g, y, x)


def _cumprod_forward(t, y, x, axis=None, dtype=None):
    def rule(t, y, x):
        return recur(x, t * _before(y, np.ones_like))

    if axis is None or not x.ndim:
        return rule(np.reshape(t, -1), y, np.reshape(x, -1))
    return along_last(rule, axis, t, y, x)


running_product = general(
    np.cumprod,
    _cumprod,
    forward=[_cumprod_forward],
    compute=accumulated(np.cumprod),
    batch=along(none="flat"),
)

# Norms


def _norm(g, y, x, axis=None, keepdims=False, ord=2):
    y, g = y.reshape(keepdims_shape(x.shape, axis)), g.reshape(keepdims_shape(x.shape, axis))
    unit = x / denominator(y)  # 0 at 0, the middle of the subgradients
    if ord < 1:  # where an element is 0, the slopes to both sides are infinite, or all others are 0
        x, unit = np.where(y == 0, 0, x), np.where(unit == 0, 1, unit)
    return g * (unit if ord == 2 else np.sign(x) * np.abs(unit) ** (ord - 1))


def _norm_forward(t, y, x, axis=None, keepdims=False, ord=2):
    return np.sum(_norm(np.ones_like(y), y, x, axis, keepdims, ord) * t, axis=axis, keepdims=keepdims)


@of_floats
def power_norm(x, axis=None, keepdims=False, ord=2):
    """``sum(abs(x) ** ord) ** (1 / ord)``, also where a power leaves the range of its dtype."""
    if x.dtype.kind != "f":
        return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    if ord > 0:
        size = np.maximum(np.max(x, axis, keepdims=True, initial=0), -np.min(x, axis, keepdims=True, initial=0))
    else:
        size = np.min(np.abs(x), axis, keepdims=True, initial=np.inf)
    # A power of two, so that scaling rounds nothing: it brings the element that dominates the sum near 1.
    factor = np.ldexp(np.ones_like(size), np.minimum(-np.frexp(size)[1], np.finfo(x.dtype).maxexp - 1))
    scaled = x * factor
    if ord == 2:
        scaled *= scaled
        y = np.sqrt(np.sum(scaled, axis=axis, keepdims=keepdims))
    else:
        y = np.linalg.vector_norm(scaled, axis=axis, keepdims=keepdims, ord=ord)
    return y / factor.reshape(np.shape(y))


def _norm_again(x, *args, **kwargs):
    return power_norm(x, *args, **kwargs)


power_norm = general(
    power_norm,
    InSingle(_norm, of=_norm_again),
    forward=[InSingle(_norm_forward, of=_norm_again)],
    batch=along(),
)


constant(np.any, np.all, np.count_nonzero, batch=along())
constant(np.argmax, np.argmin, batch=along(none="flat"))
