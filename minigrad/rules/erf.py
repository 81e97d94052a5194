"""The error function, which NumPy does not have."""

import numpy as np

# W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969), 631-637, with the
# coefficients of his program CALERF (netlib.org/specfun/erf); the highest power comes first.
# erf(x) / x in x^2, for |x| <= 0.46875
SMALL = (
    [1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3],
    [1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3],
)
# fmt: off
# exp(x^2) erfc(x) in x, for 0.46875 <= x <= 4
MEDIUM = (
    [2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
     8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3],
    [1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3],
)
# (1 / sqrt(pi) - x exp(x^2) erfc(x)) x^2 in 1 / x^2, for x >= 4
LARGE = (
    [1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4],
    [1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3],
)
# erf(x) / x in x^2, for |x| <= 3.92, to 2e-8: a fit of our own, by least squares with Lawson's weights;
# times 1 + 2e-7, so that it does not stop one unit of the last place before 1
SINGLE = (
    [2.0500902283e-06, 2.8488284923e-04, 3.7656149916e-03, 5.2748727555e-02, 1.9040642353e-01,
     1.1283793718e+00],
    [3.8091744330139765e-5, 1.1625350526591768e-3, 1.4969211726469964e-2, 1.1410908214307891e-1, 5.0207600651832150e-1,
     1.0],
)
# fmt: on
TWO_OVER_SQRT_PI = 1.1283791670955126


def erf(x):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    x = np.multiply(x, 1.0)
    a = np.minimum(np.abs(x.astype(np.float64)), 6.0)  # erf(6) rounds to 1
    small, medium, large = np.minimum(a, 0.46875), np.clip(a, 0.46875, 4.0), np.maximum(a, 4.0)
    square = 1 / (large * large)
    tail = (TWO_OVER_SQRT_PI / 2 - square * _ratio(LARGE, square)) / large
    scaled = np.where(a > 4, tail, _ratio(MEDIUM, medium))
    y = np.where(a <= 0.46875, small * _ratio(SMALL, small * small), 1 - np.exp(-a * a) * scaled)
    return np.copysign(y, x).astype(x.dtype)


def erf_single(x):
    """The error function in single precision, to 6e-7, in a fifth of the time of `erf`."""
    x = np.minimum(np.maximum(x, -3.92), 3.92)  # erf(3.92) rounds to 1
    return np.minimum(np.maximum(x * _ratio(SINGLE, x * x), -1), 1)


def _ratio(coefficients, x):
    above, below = coefficients
    p, q = above[0], below[0]
    for c, d in zip(above[1:], below[1:], strict=True):
        p, q = p * x + c, q * x + d
    return p / q
