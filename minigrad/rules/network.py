"""Functions of neural networks, in forms that neither overflow nor lose small numbers."""

from contextvars import Context

import numpy as np

from ..core.primitive import elementwise, general
from .batching import along
from .precision import DOUBLE, SINGLE, InSingle, of_floats
from .reductions import along_last, keepdims_shape, recur

# NumPy keeps its error state in a context variable: a call in a copy of this context costs a tenth of np.errstate.
quiet = Context()
quiet.run(np.seterr, over="ignore", under="ignore")


def _sigmoid(x, exp=np.exp, reciprocal=np.reciprocal):
    return reciprocal(1.0 + exp(-x))  # where exp overflows to inf, 1 / inf is the right value


_sigmoid_of_others = of_floats(_sigmoid)


def sigmoid(x):
    """The logistic function, 1 / (1 + exp(-x)), exact at both ends."""
    dtype = getattr(x, "dtype", DOUBLE)
    return quiet.copy().run(_sigmoid if dtype is DOUBLE or dtype is SINGLE else _sigmoid_of_others, x)


sigmoid = elementwise(sigmoid, lambda g, y, *_: g * y * (1.0 - y), reads=[()])


def vanishing_exp(x):
    """exp(x), which may round to 0: in weights whose sum is 1 there is nothing to warn of."""
    return quiet.copy().run(np.exp, x)


vanishing_exp = elementwise(vanishing_exp, lambda g, y, *_: g * y, reads=[()])


def _top(x, axis):
    # A row's maximum, or 0 where that is infinite: inf - inf is not a number.
    top = np.max(x, axis=axis, keepdims=True)
    return np.where(np.isinf(top), 0, top)


def _exponentials(x, axis, top):
    e = quiet.copy().run(np.exp, x - top)
    return e, np.sum(e, axis=axis, keepdims=True)


@of_floats
def logsumexp(x, axis=None, keepdims=False):
    """The logarithm of the sum of exp(x) over an axis, or several."""
    top = _top(x, axis)
    y = quiet.copy().run(_log, _exponentials(x, axis, top)[1]) + top
    return y if keepdims else np.squeeze(y, axis)


def _log(x):
    with np.errstate(divide="ignore"):  # log 0 is -inf, as it should be
        return np.log(x)


# The partials of logsumexp. Not exp(x - y): y is rounded to its last place, which for large numbers is more than 1.


@of_floats
def softmax_or_zero(x, axis):
    """Softmax over an axis, or several, and 0 where every term is 0."""
    e, total = _exponentials(x, axis, _top(x, axis))
    return e / np.where(total == 0, 1, total)


def _softmax(g, y, x, axis=-1):  # the Jacobian diag(y) - y y^T is symmetric
    if axis == -1 or axis == y.ndim - 1:
        return y * (g - np.vecdot(g, y)[..., None])  # by BLAS
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


softmax_or_zero = general(softmax_or_zero, _softmax, forward=[_softmax], reads=[()], batch=along())


def _logsumexp(g, y, x, axis=None, keepdims=False):
    return g.reshape(keepdims_shape(x.shape, axis)) * softmax_or_zero(x, axis)


def _logsumexp_forward(t, y, x, axis=None, keepdims=False):
    return np.sum(t * softmax_or_zero(x, axis), axis=axis, keepdims=keepdims)


logsumexp = general(logsumexp, InSingle(_logsumexp), forward=[InSingle(_logsumexp_forward)], batch=along())


# y[k] is log(exp(y[k - 1]) + exp(x[k])), of which exp(y[k - 1] - y[k]) and exp(x[k] - y[k]) are the partials.


@of_floats
def running_logsumexp(x, axis=0):
    """The logarithms of the running sums of exp(x) along an axis."""
    return np.logaddexp.accumulate(x, axis=axis)


def _shares_so_far(y, x):
    # Both are 0 where both terms are.
    size = np.where(y == -np.inf, 0, y)
    before = np.concatenate([np.full_like(y[..., :1], -np.inf), y[..., :-1]], axis=-1)
    return vanishing_exp(before - size), vanishing_exp(x - size)


def _running_logsumexp(g, y, x, axis=0):
    def rule(g, y, x):
        kept, new = _shares_so_far(y, x)
        after = np.flip(np.concatenate([kept[..., 1:], np.zeros_like(kept[..., :1])], axis=-1), -1)
        return np.flip(recur(after, np.flip(g, -1)), -1) * new

    return along_last(rule, axis, g, y, x)


def _running_logsumexp_forward(t, y, x, axis=0):
    def rule(t, y, x):
        kept, new = _shares_so_far(y, x)
        return recur(kept, t * new)

    return along_last(rule, axis, t, y, x)


running_logsumexp = general(
    running_logsumexp,
    InSingle(_running_logsumexp),
    forward=[InSingle(_running_logsumexp_forward)],
    batch=along(0),
)


@of_floats
def softmax(x, axis=-1):
    """``exp(x)`` over its sum along an axis: positive numbers that add up to 1. Large numbers do not overflow.

    A row of nothing but -inf has NaN, as its sum is 0.
    """
    e, total = _exponentials(x, axis, np.max(x, axis=axis, keepdims=True))
    return e / total


softmax = general(softmax, InSingle(_softmax), forward=[InSingle(_softmax)], reads=[()], batch=along(-1))


@of_floats
def log_softmax(x, axis=-1):
    """The logarithm of softmax over an axis, ``x - log(sum(exp(x)))``, which is exact where softmax is 0."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(quiet.copy().run(np.exp, shifted), axis=axis, keepdims=True))


def _log_softmax(g, y, x, axis=-1):
    return g - vanishing_exp(y) * np.sum(g, axis=axis, keepdims=True)


def _log_softmax_forward(t, y, x, axis=-1):
    return t - np.sum(vanishing_exp(y) * t, axis=axis, keepdims=True)


log_softmax = general(
    log_softmax,
    InSingle(_log_softmax),
    forward=[InSingle(_log_softmax_forward)],
    reads=[()],
    batch=along(-1),
)
