"""The modified Bessel functions of the first kind and of whole orders, whose derivatives are their neighbours' means.

Abramowitz & Stegun, Handbook of Mathematical Functions, 1964: 9.6.10 is the series, 9.7.1 the asymptotic expansion and
9.6.26 the derivative.
"""

import math

import numpy as np

from ..core.primitive import elementwise
from .precision import of_floats

NEAR = 20.0  # below it the series is used, whose terms are all positive, so that none of its digits is lost
TERMS, FAR_TERMS = 44, 24  # after as many, what is left out is below 1e-17 of the sum on either side of NEAR


def _series(x, n):
    quarter, total = x * x / 4, 1.0
    for k in range(TERMS, 0, -1):
        total = 1 + total * (quarter / (k * (k + n)))
    return (x / 2) ** n * (total / math.factorial(n))


def _expansion(x, n):
    total = 1.0
    for k in range(FAR_TERMS, 0, -1):
        total = 1 - total * ((4 * n * n - (2 * k - 1) ** 2) / (8 * k * x))
    half = np.exp(x / 2)  # twice, as exp(x) overflows before the value does
    return half * (half * (total / np.sqrt(2 * math.pi * x)))


@of_floats
def bessel_i(x, order=0):
    """The modified Bessel function of the first kind, of a whole order from 0 on."""
    size = np.abs(x)
    near = size < NEAR
    y = np.where(near, _series(np.where(near, size, 0), order), _expansion(np.where(near, NEAR, size), order))
    return np.where(x < 0, -y, y) if order % 2 else y


def _slope(g, y, x, order=0):
    return g * ((bessel_i(x, abs(order - 1)) + bessel_i(x, order + 1)) / 2)


bessel_i = elementwise(bessel_i, _slope)
elementwise(np.i0, lambda g, y, x: g * bessel_i(x, 1))
