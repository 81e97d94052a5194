"""Logarithms of small probabilities, which have all their digits where the probabilities round to 0 or to 1."""

import math

import numpy as np
from scipy import special

from ...core.primitive import elementwise
from ..special.incomplete import gammainc_by_a

TAIL_TERMS = 52  # of a series of powers of 1 / 2, and more than the continued fraction takes


def log1mexp(x):
    """``log(1 - exp(-x))`` for x > 0, by expm1 for small x and log1p for large (Maechler 2012)."""
    small = x < math.log(2)
    a, b = np.where(small, x, 1.0), np.where(small, 1.0, x)
    return np.where(small, np.log(-np.expm1(-a)), np.log1p(-np.exp(-b)))


def _log_density(a, x):
    """The logarithm of x^a exp(-x) / gamma(a)."""
    return special.xlogy(a, x) - x - special.gammaln(a)


def log_share(y, rest):
    """The logarithm of `y`, of which ``1 - y`` is `rest`: of the smaller one; where y is 0, it has no derivative."""
    small, zero = y < 0.5, y == 0
    log = np.where(zero, -np.inf, np.log(np.where(small & ~zero, y, 1.0)))
    return np.where(small, log, np.log1p(-np.where(small, 0.0, rest)))


def log_gammainc(a, x):
    """The logarithm of gammainc(a, x); for x < a / 2 of its power series (DLMF 8.11.4)."""
    far = (x < 0.5 * a) & (x > 0)
    p, q = np.where(far, a, 2.0), np.where(far, x, 1.0)
    total = term = 1 / p
    for n in range(1, TAIL_TERMS):
        term = term * (q / (p + n))
        total = total + term
    return np.where(far, _log_density(p, q) + np.log(total), log_share(special.gammainc(a, x), special.gammaincc(a, x)))


def log_gammaincc(a, x):
    """The logarithm of gammaincc(a, x); for x > 2 a + 50 of its continued fraction (DLMF 8.9.2)."""
    far = (x > 2 * a + 50) & (x < np.inf)
    p, q = np.where(far, a, 1.0), np.where(far, x, 60.0)
    fraction = q + 2 * TAIL_TERMS + 1 - p
    for n in range(TAIL_TERMS, 0, -1):
        fraction = q + 2 * n - 1 - p - n * (n - p) / fraction
    return np.where(
        far, _log_density(p, q) - np.log(fraction), log_share(special.gammaincc(a, x), special.gammainc(a, x))
    )


log_gammainc = elementwise(
    log_gammainc,
    lambda g, y, a, x: g * gammainc_by_a(a, x, y),
    lambda g, y, a, x: g * np.exp(special.xlogy(a - 1.0, x) - x - special.gammaln(a) - y),
)
log_gammaincc = elementwise(
    log_gammaincc,
    lambda g, y, a, x: g * -gammainc_by_a(a, x, y),
    lambda g, y, a, x: g * -np.exp(special.xlogy(a - 1.0, x) - x - special.gammaln(a) - y),
)


def implicit_gamma(a, z):
    """`z`, drawn from the gamma distribution with shape `a`, as a function of `a`."""
    return z + 0.0 * a


# Along a curve of equal probability, dP/da + dP/dz dz/da is 0 (Figurnov et al., NeurIPS 2018).
implicit_gamma = elementwise(
    implicit_gamma,
    lambda g, z, a, _: g * -gammainc_by_a(a, z, special.xlogy(a - 1.0, z) - z - special.gammaln(a)),
    None,
)
