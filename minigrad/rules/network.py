"""Functions of neural networks, in forms that neither overflow nor lose small numbers."""

from contextvars import Context

import numpy as np

from ..core.primitive import elementwise, general
from .reductions import kept

# NumPy keeps its error state in a context variable: a call in a copy of this context costs a tenth of np.errstate.
quiet = Context()
quiet.run(np.seterr, over="ignore", under="ignore")


def _sigmoid(x, exp=np.exp, reciprocal=np.reciprocal):
    return reciprocal(1.0 + exp(-x))  # where exp overflows to inf, 1 / inf is the right answer


def sigmoid(x):
    """The logistic function, 1 / (1 + exp(-x)), exact at both ends."""
    return quiet.copy().run(_sigmoid, x)


sigmoid = elementwise(sigmoid, lambda g, y, *_: g * y * (1.0 - y), reads=[()])


def vanishing_exp(x):
    """exp(x), which may round to 0: in weights whose sum is 1 there is nothing to warn of."""
    return quiet.copy().run(np.exp, x)


vanishing_exp = elementwise(vanishing_exp, lambda g, y, *_: g * y, reads=[()])


def _top(x, axis):
    # A row's maximum, or 0 where that is infinite: inf - inf is not a number.
    top = np.max(x, axis=axis, keepdims=True)
    return np.where(np.isinf(top), 0, top)


def _shifted(x, axis):
    return x - np.max(x, axis=axis, keepdims=True)


# Each weight is exp(x - y); all are 0 where y is -inf, as there every term is 0.


def logsumexp(x, axis=None, keepdims=False):
    """The logarithm of the sum of exp(x) over an axis, or several."""
    top = _top(x, axis)
    total = np.sum(quiet.copy().run(np.exp, x - top), axis=axis, keepdims=True)
    y = quiet.copy().run(_log, total) + top
    return y if keepdims else np.squeeze(y, axis)


def _log(x):
    with np.errstate(divide="ignore"):  # log 0 is -inf, as it shall be
        return np.log(x)


def _weights(y, x, axis):
    y = y.reshape(kept(x.shape, axis))
    return vanishing_exp(x - np.where(y == -np.inf, 0, y))


def _logsumexp(g, y, x, axis=None, keepdims=False):
    return g.reshape(kept(x.shape, axis)) * _weights(y, x, axis)


logsumexp = general(
    logsumexp,
    _logsumexp,
    forward=[lambda t, y, x, axis=None, keepdims=False: np.sum(t * _weights(y, x, axis), axis=axis, keepdims=keepdims)],
)


def softmax(x, axis=-1):
    """``exp(x)`` over its sum along an axis: positive numbers that add up to 1. Large numbers do not overflow.

    A row of nothing but -inf has NaN, as its sum is 0.
    """
    e = quiet.copy().run(np.exp, _shifted(x, axis))
    return e / np.sum(e, axis=axis, keepdims=True)


def _softmax(g, y, x, axis=-1):  # the Jacobian diag(y) - y y^T is symmetric
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


softmax = general(softmax, _softmax, forward=[_softmax], reads=[()])


def log_softmax(x, axis=-1):
    """The logarithm of softmax over an axis, ``x - log(sum(exp(x)))``, which is exact where softmax is 0."""
    shifted = _shifted(x, axis)
    return shifted - np.log(np.sum(quiet.copy().run(np.exp, shifted), axis=axis, keepdims=True))


log_softmax = general(
    log_softmax,
    lambda g, y, x, axis=-1: g - vanishing_exp(y) * np.sum(g, axis=axis, keepdims=True),
    forward=[lambda t, y, x, axis=-1: t - np.sum(vanishing_exp(y) * t, axis=axis, keepdims=True)],
    reads=[()],
)
