"""Derivatives of incomplete gamma and beta functions by their first arguments, integrated.

Such a derivative is the integral of a density, up to x or from x on, times a factor that is 0 on the average: so both
integrals have one value with opposite signs. On one side of x the factor has one sign, and there nothing cancels.
"""

import numpy as np
from scipy import special

from .slopes import digamma_step

# The double exponential rule for integrals from 0 on of what falls like exp(-s) (Takahasi & Mori 1974):
# s = exp(v - exp(-v)) at equal steps of v.
START, STEP, COUNT = -3.51, 0.11, 68
TERMS = 22  # of a power series for x < 1: 1 / 22! is 1e-21


def gammainc_by_a(a, x, log_scale=0.0):
    """The derivative of gammainc(a, x) by a, for positive numbers, over exp(log_scale), which may be small.

    The factor is log(t) - digamma(a).
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
    unit = _unit(np.minimum(a - x + np.sqrt(x), a))  # the integrand ends like exp(-a s)
    factor = _density(a, x, log_scale)
    a, x, unit, offset = (np.expand_dims(z, -1) for z in (a, x, unit, special.digamma(a) - np.log(x)))
    nodes, weights = _nodes(x)
    s = unit * nodes
    return -factor * np.sum(unit * weights * (s + offset) * np.exp(-a * s - x * np.expm1(-s)), axis=-1)


def _to_infinity(a, x, log_scale):
    # t = x + s
    unit = _unit(np.minimum(np.abs(x - a + 1) / x + 1 / np.sqrt(x), 1.0))  # the integrand ends like exp(-s)
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


# The beta density


def betainc_by_a(a, b, x):
    """The derivative of betainc(a, b, x) by a, for positive numbers and 0 < x < 1; it is 0 at both ends."""
    inside = (x > 0) & (x < 1)
    return np.where(inside, _beta_by_first(a, b, *_log_parts(np.where(inside, x, 0.5))), 0.0)


def betainc_by_b(a, b, x):
    """The derivative of betainc(a, b, x) by b, for positive numbers and 0 < x < 1; it is 0 at both ends."""
    inside = (x > 0) & (x < 1)
    log, rest, odds = _log_parts(np.where(inside, x, 0.5))
    return np.where(inside, -_beta_by_first(b, a, rest, log, 1 / odds), 0.0)


def _beta_by_first(a, b, log, rest, odds):
    """The derivative by a; for small x and a by a power series, as nodes would lie too far apart near x."""
    step, x = digamma_step(a, b), np.exp(log)
    small = (log + step > 0) & (x < 0.3) & (x * (1 + b) < 1)
    p, q, power = np.where(small, a, 1.0), np.where(small, b, 1.0), 1.0
    first, second, x = 1 / p, 1 / p**2, np.where(small, x, 0.1)
    for n in range(1, 30):  # 0.3^30 is 2e-16
        power = power * (x * (n - q) / n)
        first, second = first + power / (p + n), second + power / (p + n) ** 2
    near = np.where(small, log, -2.0)
    series = np.exp(p * near - special.betaln(p, q)) * ((near + np.where(small, step, 0.0)) * first - second)
    a, b, odds = (np.where(small, 1.0, z) for z in (a, b, odds))
    log, rest, step = (np.where(small, z, y) for z, y in ((-1.0, log), (-1.0, rest), (0.5, step)))
    return np.where(small, series, _beta_integral(_from_mean, step, a, b, (log, rest, odds)))


def stdtr_by_df(df, x):
    """The derivative by df of the distribution function of Student's t, of which df / (df + t^2) has a beta density."""
    away = (x != 0) & (np.abs(x) < np.inf)
    square = np.where(away, x, 1.0) ** 2
    half = 0.5 + 0 * df
    parts = (-np.log1p(square / df), -np.log1p(df / square), df / square)
    tail = _beta_integral(_from_student, df, df / 2, half, parts)
    return np.where(away, np.sign(x) * tail / -2, 0.0)


def _log_parts(x):
    """The logarithms of x and 1 - x, and x / (1 - x)."""
    return np.log(x), np.log1p(-x), x / (1 - x)


def _from_mean(log, step):
    """The logarithm minus its average."""
    return log + step


def _from_student(log, df):
    """The derivative by df of the logarithm of Student's density, where df / (df + t^2) has a logarithm."""
    return (digamma_step(df / 2, 0.5 + 0 * df) - 1 / df + log - (1 + 1 / df) * np.expm1(log)) / 2


def _beta_integral(factor, parameter, a, b, parts):
    """The integral from 0 to x of the beta density times a factor of log(t), negative first and positive then."""
    a, b, log, rest, odds, parameter = np.broadcast_arrays(a, b, *parts, parameter)
    # Near x = 0, where nodes from x on would lie too far apart, little cancels on the other side.
    below = (factor(log, parameter) <= 0) | (odds * (1 + b) < 0.01)
    parameter = np.expand_dims(parameter, -1)
    shifts, measure = _beta_measure(below, a, b, log, rest, odds)
    lower = np.sum(measure * factor(np.expand_dims(log, -1) - shifts[0], parameter), axis=-1)
    shifts, measure = _beta_measure(~below, b, a, rest, log, 1 / odds)
    upper = np.sum(measure * factor(np.expand_dims(log, -1) + shifts[1], parameter), axis=-1)
    return np.where(below, lower, -upper)


def _beta_measure(at, a, b, log, rest, odds):
    """Weights of nodes t = x exp(-s) for the beta density from 0 to x, with s and log((1 - t) / (1 - x))."""
    a, b, odds = (np.where(at, z, 1.0) for z in (a, b, odds))
    log, rest = (np.where(at, z, -1.0) for z in (log, rest))
    scale = np.exp(a * log + (b - 1) * rest - special.betaln(a, b))
    more = np.maximum(b - 1, 0.0)
    width = np.sqrt(np.maximum(more * odds * (1 + odds), 1e-30))
    unit = _unit(np.minimum(np.abs(a - more * odds) + width, a))  # the integrand ends like exp(-a s)
    a, b, odds, scale, unit = (np.expand_dims(z, -1) for z in (a, b, odds, scale, unit))
    nodes, weights = _nodes(a)
    s = unit * nodes
    growth = np.log1p(-odds * np.expm1(-s))
    return (s, growth), scale * unit * weights * np.exp(-a * s + (b - 1) * growth)
