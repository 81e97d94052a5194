"""Functions of each element between the layers of a network; see `network` for sigmoid and softmax.

At a kink each has the derivative from the left.
"""

import math

import numpy as np

from ...core.primitive import elementwise
from ...rules.elementwise import erf
from ...rules.erf import erf_single
from ...rules.network import quiet, sigmoid, vanishing_exp
from ...rules.precision import as_floats


def relu(x):
    """``x``, or 0 where x is negative. The gradient at 0 is 0."""
    return np.maximum(x, 0.0)  # a float, to which integers are promoted


relu = elementwise(relu, lambda g, y, *_: g * (y > 0))


# 1 where x is positive and `a` elsewhere, by arithmetic: np.where takes four times as long where signs are mixed.
def _slopes(x, a):
    positive = (x > 0).astype(x.dtype)
    return positive + (1.0 - positive) * a


def leaky_relu(x, negative_slope=0.01):
    """``x``, or `negative_slope` times x where x is negative. At 0 the gradient is `negative_slope`."""
    return x * _slopes(x, negative_slope)


leaky_relu = elementwise(leaky_relu, lambda g, y, x, negative_slope=0.01: g * _slopes(x, negative_slope))


def elu(x, alpha=1.0):
    """``x``, or ``alpha * (exp(x) - 1)`` where x is negative. At 0 the gradient is `alpha`."""
    return np.maximum(x, 0.0) + alpha * np.expm1(np.minimum(x, 0.0))


elu = elementwise(elu, lambda g, y, x, alpha=1.0: g * _slopes(x, alpha * vanishing_exp(np.minimum(x, 0))))


# gelu and silu are products of x and a share, normal_cdf(x) or sigmoid(x), and composed of both: a rule for the
# product would have to compute the share again.

LOG_SQRT_2_PI = 0.5 * math.log(2 * math.pi)


def _density(x):
    return vanishing_exp(-0.5 * x * x - LOG_SQRT_2_PI)


def normal_cdf(x):
    """The part of a normal distribution that is below x; in single precision to 3e-7."""
    x = np.multiply(x, math.sqrt(0.5))
    return 0.5 + 0.5 * (erf_single(x) if x.dtype == np.float32 else erf(x))


normal_cdf = elementwise(normal_cdf, lambda g, y, x: g * _density(x))


def gelu_tanh(x):
    """The usual approximation of gelu, ``x * (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) * (x + 0.044715 x**3)``."""
    return 0.5 * x * (1 + np.tanh(_inside(x)))


SLOPE, CUBIC = math.sqrt(2 / math.pi), 0.044715


def _inside(x):
    return SLOPE * x * (1 + CUBIC * x * x)


# A product begins with what is 0 for large x, and squares come last: x * x alone may be infinite.
def _gelu_tanh(g, y, x):
    t = np.tanh(_inside(x))
    s = (0.5 * SLOPE) * x * ((1 - t) * (1 + t))
    return g * (0.5 * (1 + t) + (s + s * x * (3 * CUBIC) * x))


gelu_tanh = elementwise(gelu_tanh, _gelu_tanh)


# log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), whose exponential is at most 1.


def softplus(x):
    """log(1 + exp(x)), a smooth relu."""
    return quiet.copy().run(_softplus, as_floats(x))


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


softplus = elementwise(softplus, lambda g, y, x: g * sigmoid(x))


def log_sigmoid(x):
    """The logarithm of sigmoid(x), ``-log(1 + exp(-x))``, exact where that overflows."""
    return -quiet.copy().run(_softplus, -as_floats(x))


log_sigmoid = elementwise(log_sigmoid, lambda g, y, x: g * sigmoid(-x))
