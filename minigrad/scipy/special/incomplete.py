"""The derivative of the incomplete gamma function by its first argument, integrated."""

import numpy as np
from scipy import special

# The double exponential rule for integrals from 0 on of what falls like exp(-s) (Takahasi & Mori 1974):
# s = exp(v - exp(-v)) at equal steps of v.
START, STEP, COUNT = -3.51, 0.11, 68
TERMS = 22  # of a power series for x < 1: 1 / 22! is 1e-21


def gammainc_by_a(a, x, log_scale=0.0):
    """The derivative of gammainc(a, x) by a, for positive numbers, over exp(log_scale), which may be small.

    It is the integral of the density times log(t) - digamma(a), from 0 to x, or from x on with the other sign, as the
    sum of both is 0: on the side of x where the factor has one sign, nothing cancels.
    """
    a, x = np.broadcast_arrays(a, x)
    log_scale = np.zeros_like(a) + log_scale
    center = special.digamma(a)
    inside = (x > 0) & (x < np.inf)
    below = inside & (np.log(np.where(inside, x, 1.0)) <= center)
    small = inside & ~below & (x < 1)
    above = inside & ~below & ~small
    parts = (
        (below, _from_zero, 2.0, 1.0),
        (small, _series, 0.5, 0.5),
        (above, _to_infinity, 1.0, 2.0),
    )
    return sum(
        np.where(at, part(np.where(at, a, p), np.where(at, x, q), np.where(at, log_scale, 0.0)), 0.0)
        for at, part, p, q in parts
    )


def _nodes(x):
    """The nodes and their weights, along one axis of an array like `x`."""
    v = START + STEP * np.cumsum(np.ones_like(x, shape=(COUNT,)))
    nodes = np.exp(v - np.exp(-v))
    return nodes, STEP * nodes * (1 + np.exp(-v))


def _density(a, x, log_scale):
    """x^a exp(-x) / gamma(a), over exp(log_scale)."""
    return np.exp(a * np.log(x) - x - special.gammaln(a) - log_scale)


def _unit(rate):
    """A step for the nodes: a power of 2, by which nothing is derived."""
    return np.exp2(-np.rint(np.log2(rate)))


def _from_zero(a, x, log_scale):
    # t = x exp(-s)
    unit = _unit(a - x + np.sqrt(x))
    factor = _density(a, x, log_scale)
    a, x, unit, offset = (np.expand_dims(z, -1) for z in (a, x, unit, special.digamma(a) - np.log(x)))
    nodes, weights = _nodes(x)
    s = unit * nodes
    return -factor * np.sum(unit * weights * (s + offset) * np.exp(-a * s - x * np.expm1(-s)), axis=-1)


def _to_infinity(a, x, log_scale):
    # t = x + s
    unit = _unit(np.abs(x - a + 1) / x + 1 / np.sqrt(x))
    factor = _density(a, x, log_scale) / x
    a, x, unit, offset = (np.expand_dims(z, -1) for z in (a, x, unit, np.log(x) - special.digamma(a)))
    nodes, weights = _nodes(x)
    s = unit * nodes
    log = np.log1p(s / x)
    return -factor * np.sum(unit * weights * (log + offset) * np.exp((a - 1) * log - s), axis=-1)


def _series(a, x, log_scale):
    # The derivative of x^a / gamma(a) times the sum of (-x)^n / n! / (a + n)
    first, second, power = 1 / a, 1 / a**2, 1.0
    for n in range(1, TERMS):
        power = power * (-x / n)
        first, second = first + power / (a + n), second + power / (a + n) ** 2
    log = np.log(x)
    return np.exp(a * log - special.gammaln(a) - log_scale) * ((log - special.digamma(a)) * first - second)
