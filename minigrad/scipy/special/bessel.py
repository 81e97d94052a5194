"""Bessel functions. They have derivatives by x, and none by the order."""

import math

import numpy as np
from scipy import special

from .known import known, stepped
from .slopes import bessel_tail


def _kind(function, about, first=0.5, second=-0.5):
    """The derivative of most is a sum of two neighbours, (f(v - 1) - f(v + 1)) / 2 for J and Y (DLMF 10.6.1)."""
    return known(
        function,
        None,
        lambda g, y, v, x: g * (first * function(stepped(v, -1), x) + second * function(stepped(v, 1), x)),
        about=about,
    )


def _away(x):
    return np.where(x == 0, 1.0, x)


jv = jn = _kind(special.jv, "The Bessel function of the first kind, of order v.")
j0 = known(special.j0, lambda g, y, x: g * -special.j1(x), about="The Bessel function of the first kind, of order 0.")
j1 = known(
    special.j1,
    lambda g, y, x: g * ((special.j0(x) - special.jv(2.0, x)) / 2),
    about="The Bessel function of the first kind, of order 1.",
)


def _yv_slope(v, x):
    away = _away(x)
    slope = (special.yv(stepped(v, -1), away) - special.yv(stepped(v, 1), away)) / 2
    return np.where(x == 0, np.inf, slope)


yv = known(
    special.yv,
    None,
    lambda g, y, v, x: g * _yv_slope(v, x),
    about="The Bessel function of the second kind, of order v: -inf at 0, with an infinite derivative.",
)
yn = known(
    special.yn,
    None,
    lambda g, y, n, x: g * _yv_slope(stepped(n, 0.0), x),
    about="The Bessel function of the second kind, of an order n that is a whole number.",
)
y0 = known(special.y0, lambda g, y, x: g * -special.y1(x), about="The Bessel function of the second kind, of order 0.")
y1 = known(
    special.y1, lambda g, y, x: g * _yv_slope(1.0, x), about="The Bessel function of the second kind, of order 1."
)

# Modified

iv = _kind(special.iv, "The modified Bessel function of the first kind, of order v.", 0.5, 0.5)
i0 = known(
    special.i0, lambda g, y, x: g * special.i1(x), about="The modified Bessel function of the first kind, of order 0."
)
i1 = known(
    special.i1,
    lambda g, y, x: g * ((special.i0(x) + special.iv(2.0, x)) / 2),
    about="The modified Bessel function of the first kind, of order 1.",
)
kv = _kind(special.kv, "The modified Bessel function of the second kind, of order v: infinite at 0.", -0.5, -0.5)
kn = known(
    special.kn,
    None,
    lambda g, y, n, x: g * ((special.kv(stepped(n, -1.0), x) + special.kv(stepped(n, 1.0), x)) / -2),
    about="The modified Bessel function of the second kind, of an order n that is a whole number.",
)
k0 = known(
    special.k0, lambda g, y, x: g * -special.k1(x), about="The modified Bessel function of the second kind, of order 0."
)
k1 = known(
    special.k1,
    lambda g, y, x: g * ((special.k0(x) + special.kv(2.0, x)) / -2),
    about="The modified Bessel function of the second kind, of order 1.",
)

# Scaled: the derivative is a small difference for large x, where the asymptotic series takes over.


def _is_far(v, x):
    return np.abs(x) > 40 * (1 + v * v)


def _ive_slope(y, v, x):
    v = stepped(v, 0)
    far = _is_far(v, x)
    near, tail = np.where(far, 1.0, x), np.where(far, np.abs(x), 40 * (1 + v * v))
    neighbours = (special.ive(stepped(v, -1), near) + special.ive(stepped(v, 1), near)) / 2
    slope = neighbours - np.sign(near) * special.ive(v, near)
    return np.where(far, np.sign(x) * np.sign(y) * bessel_tail(v, tail, -1) / math.sqrt(2 * math.pi), slope)


def _kve_slope(v, x):
    v = stepped(v, 0)
    far = _is_far(v, x)
    near, tail = np.where(far, 1.0, x), np.where(far, x, 40 * (1 + v * v))
    slope = special.kve(v, near) - (special.kve(stepped(v, -1), near) + special.kve(stepped(v, 1), near)) / 2
    return np.where(far, bessel_tail(v, tail, 1) * math.sqrt(math.pi / 2), slope)


ive = known(special.ive, None, lambda g, y, v, x: g * _ive_slope(y, v, x), about="``iv(v, x) exp(-|x|)``.")
i0e = known(
    special.i0e, lambda g, y, x: g * _ive_slope(y, 0.0, x), about="``i0(x) exp(-|x|)``; the derivative at 0 is 0."
)
i1e = known(special.i1e, lambda g, y, x: g * _ive_slope(y, 1.0, x), about="``i1(x) exp(-|x|)``.")
kve = known(special.kve, None, lambda g, y, v, x: g * _kve_slope(v, x), about="``kv(v, x) exp(x)``.")
k0e = known(special.k0e, lambda g, y, x: g * _kve_slope(0.0, x), about="``k0(x) exp(x)``.")
k1e = known(special.k1e, lambda g, y, x: g * _kve_slope(1.0, x), about="``k1(x) exp(x)``.")
