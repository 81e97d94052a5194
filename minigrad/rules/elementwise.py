"""Functions of each element by itself, in the order of a calculus book.

A rule that does not name an argument does not need its value.
"""

import operator

import numpy as np

from ..primitive import constant, elementwise

# Arithmetic

elementwise(np.add, lambda g, *_: g, lambda g, *_: g, compute=operator.add)
elementwise(np.subtract, lambda g, *_: g, lambda g, *_: -g, compute=operator.sub)
elementwise(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, compute=operator.mul)
elementwise(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b, compute=operator.truediv)
elementwise(np.negative, lambda g, *_: -g)
elementwise(np.positive, lambda g, *_: g)

# Powers. x + x, not 2 * x: for small arrays NumPy spends more on converting the 2 than on the product.

elementwise(np.square, lambda g, y, x: g * (x + x))
elementwise(np.sqrt, lambda g, y, *_: g / (y + y))
elementwise(np.reciprocal, lambda g, y, *_: -g * (y * y))

# d/dx: the exponent of p = 0 stays 0, so that 0 * x ** 0 is 0 at x = 0 as well.
# d/dp: at x = 0, y * log 1 is the limit 0 for p >= 0, and inf * 0 = nan for p < 0, where there is none.
elementwise(
    np.power,
    lambda g, y, x, p: g * (p * x ** (p - (p != 0))),
    lambda g, y, x, p: g * (y * np.log(np.where(x == 0, 1.0, x))),
)

# Exponential and logarithm

elementwise(np.exp, lambda g, y, *_: g * y)
elementwise(np.log, lambda g, y, x: g / x)

# Trigonometric and hyperbolic functions

elementwise(np.sin, lambda g, y, x: g * np.cos(x))
elementwise(np.cos, lambda g, y, x: -g * np.sin(x))
elementwise(np.tanh, lambda g, y, *_: g * (1.0 - y * y))

# Choices. At a tie each argument has half of the gradient; a NaN wins over numbers and keeps all of it.

elementwise(np.abs, lambda g, y, x: g * np.sign(x))


def _chosen(g, y, a, b):
    return np.where(a == b, g / 2, g * ((a == y) | (a != a)))


elementwise(np.maximum, _chosen, lambda g, y, a, b: _chosen(g, y, b, a))
elementwise(np.minimum, _chosen, lambda g, y, a, b: _chosen(g, y, b, a))
elementwise(
    np.where,
    None,
    lambda g, y, condition, a, b: np.where(condition, g, 0),
    lambda g, y, condition, a, b: np.where(condition, 0, g),
)

# Questions

constant(np.sign, np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
constant(np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.bitwise_and, np.bitwise_or)
constant(np.bitwise_xor, np.invert, np.isnan, np.isinf, np.isfinite)
