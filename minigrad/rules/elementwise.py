"""Functions of each element by itself, in the order of a calculus book.

`reads` declares for each rule the arguments whose values it reads, where these are not all.
"""

import math
import operator

import numpy as np

from ..core.primitive import constant, elementwise
from . import erf as error_function
from .batching import lined_up, one_by_one, rewritten
from .network import sigmoid
from .precision import InSingle

# Arithmetic

elementwise(np.add, lambda g, *_: g, lambda g, *_: g, reads=[(), ()], compute=operator.add, sparse="values")
elementwise(np.subtract, lambda g, *_: g, lambda g, *_: -g, reads=[(), ()], compute=operator.sub, sparse="values")
elementwise(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, reads=[(1,), (0,)], compute=operator.mul)
elementwise(
    np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b, reads=[(1,), (1,)], compute=operator.truediv
)
elementwise(np.negative, lambda g, *_: -g, reads=[()])
elementwise(np.positive, lambda g, *_: g, reads=[()])
elementwise(np.deg2rad, lambda g, *_: np.deg2rad(g), reads=[()])
elementwise(np.rad2deg, lambda g, *_: np.rad2deg(g), reads=[()])

# x - n * y with n = floor(x / y), which np.floor_divide gets right where the quotient rounds up.
elementwise(np.remainder, lambda g, *_: g, lambda g, y, a, b: -g * np.floor_divide(a, b), reads=[(), (0, 1)])
elementwise(np.fmod, lambda g, *_: g, lambda g, y, a, b: -g * np.rint((a - y) / b), reads=[(), (0, 1)])


def fraction(x):
    """What is left of a number without its whole part, which is rounded towards 0."""
    return np.modf(x)[0]


fraction = elementwise(fraction, lambda g, *_: g, reads=[()])
elementwise(np.ldexp, lambda g, y, x, i: np.ldexp(g, i), None, reads=[(1,)])

# Powers. g + g, not 2 * g: for small arrays NumPy spends more on converting the 2 than on the product.

elementwise(np.square, lambda g, y, x: (g + g) * x)
elementwise(np.sqrt, lambda g, y, *_: g / (y + y), reads=[()])
elementwise(np.cbrt, lambda g, y, *_: g / (3 * y * y), reads=[()])
elementwise(np.reciprocal, lambda g, y, *_: -g * (y * y), reads=[()])

# d/dx: the exponent of p = 0 stays 0, so that 0 * x ** 0 is 0 at x = 0 as well.
# d/dp: at x = 0, y * log 1 is the limit 0 for p >= 0, and inf * 0 = nan for p < 0, where there is none. The 1 has
# the dtype of y, so that a plain number for x does not widen it.
elementwise(
    np.power,
    lambda g, y, x, p: g * (p * x ** (p - (p != 0))),
    lambda g, y, x, p: g * (y * np.log(np.where(x == 0, y.dtype.type(1), x))),
)

# Exponential and logarithm

LOG_2, LOG_10 = math.log(2), math.log(10)
elementwise(np.exp, lambda g, y, *_: g * y, reads=[()])
elementwise(np.exp2, lambda g, y, *_: g * (y * LOG_2), reads=[()])
elementwise(np.expm1, lambda g, y, x: g * np.exp(x))  # y + 1 would be 0 where exp(x) is small
elementwise(np.log, lambda g, y, x: g / x)
elementwise(np.log2, lambda g, y, x: g / (x * LOG_2))
elementwise(np.log10, lambda g, y, x: g / LOG_10 / x)
elementwise(np.log1p, lambda g, y, x: g / (1 + x))


# The partials of log(e^a + e^b) are softmax weights, made of a - b, as a large y is rounded by more than 1. Both are 0
# where both terms are. The 0 has the dtype of y, so that a plain number for b does not widen it.
def _ahead(y, a, b):
    return a - np.where(y == -np.inf, y.dtype.type(0), b)


def _weight(g, y, a, b):
    return g * sigmoid(_ahead(y, a, b))


def _weight_of_base_2(g, y, a, b):
    return g * sigmoid(LOG_2 * _ahead(y, a, b))


elementwise(np.logaddexp, _weight, lambda g, y, a, b: _weight(g, y, b, a))
elementwise(np.logaddexp2, _weight_of_base_2, lambda g, y, a, b: _weight_of_base_2(g, y, b, a))


def xlogy(x, y):
    """``x * log(y)``, and 0 where x is 0."""
    return x * np.log(np.where(np.equal(x, 0) & np.equal(y, y), 1.0, y))


def _one_at_origin(x, y):
    return np.where((x == 0) & (y == 0), 1.0, y)


xlogy = elementwise(
    xlogy,
    lambda g, _, x, y: g * np.log(_one_at_origin(x, y)),
    lambda g, _, x, y: g * (x / _one_at_origin(x, y)),
)

# Trigonometric functions and their inverses. (1 - x) * (1 + x) keeps the digits that 1 - x * x loses near 1.

elementwise(np.sin, lambda g, y, x: g * np.cos(x))
elementwise(np.cos, lambda g, y, x: -g * np.sin(x))
elementwise(np.tan, lambda g, y, *_: g * (1 + y * y), reads=[()])
elementwise(np.arcsin, lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)))
elementwise(np.arccos, lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)))
elementwise(np.arctan, lambda g, y, x: g / (1 + x * x))


# sin(t) / t for t = pi x. (cos(t) - sin(t) / t) / x cancels near 0, where the series of the derivative,
# sum over k > 0 of (-1)^k 2k t^(2k - 1) / (2k + 1)!, has an error of 1e-17 at |t| = 1/2 after seven terms.
SINC = [math.pi * (-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(7, 0, -1)]


def _sinc(g, y, x):
    t = math.pi * x
    near = np.abs(t) < 0.5
    small, series = np.where(near, t, 0), 0
    for c in SINC:
        series = series * (small * small) + c
    away = np.where(near, 1.0, x)
    return g * np.where(near, series * small, (np.cos(math.pi * away) - np.sinc(away)) / away)


elementwise(np.sinc, InSingle(_sinc))

# Hyperbolic functions and their inverses

elementwise(np.sinh, lambda g, y, x: g * np.cosh(x))
elementwise(np.cosh, lambda g, y, x: g * np.sinh(x))
elementwise(np.tanh, lambda g, y, *_: g * (1.0 - y * y), reads=[()])
elementwise(np.arcsinh, lambda g, y, x: g / np.hypot(1.0, x))
elementwise(np.arccosh, lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))  # each root has the range of x
elementwise(np.arctanh, lambda g, y, x: g / ((1 - x) * (1 + x)))

# The error function

erf = elementwise(error_function.erf, lambda g, y, x: g * (error_function.TWO_OVER_SQRT_PI * np.exp(-x * x)))

# Choices. At a tie each argument has half of the gradient; a NaN wins over numbers and keeps all of it.

for absolute in (np.abs, np.fabs):
    elementwise(absolute, lambda g, y, x: g * np.sign(x))
elementwise(
    np.copysign, lambda g, y, a, b: g * (np.sign(a) * np.sign(y)), lambda g, *_: np.zeros_like(g), reads=[(0,), ()]
)


def _chosen(g, y, a, b):
    return np.where(a == b, g / 2, g * ((a == y) | (a != a)))


elementwise(np.maximum, _chosen, lambda g, y, a, b: _chosen(g, y, b, a))
elementwise(np.minimum, _chosen, lambda g, y, a, b: _chosen(g, y, b, a))


def _chosen_number(g, y, a, b):  # numbers win over a NaN here, and both keep the gradient of two
    return np.where(a == b, g / 2, g * ((a == y) | ((a != a) & (b != b))))


elementwise(np.fmax, _chosen_number, lambda g, y, a, b: _chosen_number(g, y, b, a))
elementwise(np.fmin, _chosen_number, lambda g, y, a, b: _chosen_number(g, y, b, a))
elementwise(
    np.heaviside, lambda g, *_: np.zeros_like(g), lambda g, y, x, at_0: np.where(x == 0, g, 0), reads=[(), (0,)]
)
elementwise(
    np.where,
    None,
    lambda g, y, condition, a, b: np.where(condition, g, 0),
    lambda g, y, condition, a, b: np.where(condition, 0, g),
    reads=[(), (0,), (0,)],
)
elementwise(
    np.nan_to_num,
    lambda g, y, x, copy=True, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(x), g, 0),
    compute=lambda x, copy=True, nan=0.0, posinf=None, neginf=None: np.nan_to_num(x, True, nan, posinf, neginf),
)


def bounded(x, low=None, high=None):
    """As np.clip."""
    return np.clip(x, low, high)


bounded = elementwise(
    bounded,
    lambda g, y, x, low, high: g * ((low is None or x > low) & (high is None or x < high)),
    lambda g, y, x, low, high: g * ((x <= low) & (high is None or low < high)),
    lambda g, y, x, low, high: g * ((x >= high) | (low is not None and low >= high)),
)


# Steps: their derivative is 0, and they stay in the graph.


def _flat(g, y, x, decimals=0):
    return np.zeros_like(g)


for step in (np.sign, np.floor, np.ceil, np.trunc, np.rint):
    elementwise(step, _flat, reads=[()])
elementwise(np.round, _flat, reads=[()], batch=lambda call: (lined_up if call.only_first() else one_by_one)(call))
elementwise(np.floor_divide, lambda g, *_: np.zeros_like(g), lambda g, *_: np.zeros_like(g), reads=[(), ()])


# Questions

for question in (
    *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.signbit),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.bitwise_and, np.bitwise_or),
    *(np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.isnan, np.isinf, np.isfinite),
    *(np.isposinf, np.isneginf, np.isclose),
):
    constant(question, batch=lined_up)
constant(np.allclose, batch=rewritten(lambda a, b, *rest, **options: np.all(np.isclose(a, b, *rest, **options))))
constant(np.array_equal, np.array_equiv)
