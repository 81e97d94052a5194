"""Distributions with a density, each a few formulas of the standard variable, which are those of SciPy's pages."""

import math

import numpy as np
from scipy import special

from ...core.door import plain
from ..special.slopes import digamma_step
from .distribution import Continuous
from .tails import implicit_gamma, log1mexp, log_gammainc, log_gammaincc

LOG_2, LOG_PI, LOG_ROOT_TAU, EULER = math.log(2), math.log(math.pi), math.log(2 * math.pi) / 2, 0.5772156649015329
FROM_ZERO, SHARE = (0.0, np.inf), (0.0, 1.0)


def gamma_at(a, p):
    """The gamma variable with the probability `p` of smaller ones, as a function of its shape `a`."""
    return implicit_gamma(a, special.gammaincinv(plain(a), p))


# Of all real numbers

norm = Continuous(
    "norm",
    {
        "logpdf": lambda x: x * x / -2 - LOG_ROOT_TAU,
        "cdf": lambda x: special.ndtr(x),
        "logcdf": lambda x: special.log_ndtr(x),
        "sf": lambda x: special.ndtr(-x),
        "logsf": lambda x: special.log_ndtr(-x),
        "entropy": lambda: LOG_ROOT_TAU + 0.5,
        "draw": lambda source: source.draw("standard_normal"),
    },
)


def _draw_t(source, df):
    """A normal variable over the root of a chi-squared one over df, of two uniform ones in one draw."""
    u, v = source.draw("random", first=(2,)) + 2.0**-54
    return special.ndtri(u) / np.sqrt(gamma_at(df / 2, v) * 2 / df)


def _log_half_beta(df):
    """The logarithm of beta(df / 2, 1 / 2), which is sqrt(pi) gamma(df / 2) / gamma((df + 1) / 2) for large df, too."""
    return special.betaln(df / 2, _half(df))


def _half(df):
    return 0 * df + 0.5  # in its precision


t = Continuous(
    "t",
    {
        "logpdf": lambda x, df: -_log_half_beta(df) - np.log(df) / 2 - (df + 1) / 2 * np.log1p(x / df * x),
        "cdf": lambda x, df: special.stdtr(df, x),
        "sf": lambda x, df: special.stdtr(df, -x),
        "entropy": lambda df: (df + 1) / 2 * digamma_step(df / 2, _half(df)) + np.log(df) / 2 + _log_half_beta(df),
        "draw": _draw_t,
    },
)
cauchy = Continuous(
    "cauchy",
    {
        "logpdf": lambda x: -LOG_PI - 2 * np.log(np.hypot(x, 1.0)),
        "cdf": lambda x: np.arctan2(1.0, -x) / math.pi,
        "sf": lambda x: np.arctan2(1.0, x) / math.pi,
        "entropy": lambda: math.log(4 * math.pi),
        "draw": lambda source: source.draw("standard_cauchy"),
    },
)


def _laplace_cdf(x):
    right = x > 0
    return np.where(right, 1 - np.exp(-np.where(right, x, 0.0)) / 2, np.exp(np.where(right, 0.0, x)) / 2)


def _laplace_logcdf(x):
    right = x > 0
    return np.where(right, np.log1p(np.exp(-np.where(right, x, 0.0)) / -2), np.where(right, 0.0, x) - LOG_2)


laplace = Continuous(
    "laplace",
    {
        "logpdf": lambda x: -np.abs(x) - LOG_2,
        "cdf": _laplace_cdf,
        "logcdf": _laplace_logcdf,
        "sf": lambda x: _laplace_cdf(-x),
        "logsf": lambda x: _laplace_logcdf(-x),
        "entropy": lambda: LOG_2 + 1,
        "draw": lambda source: source.draw("laplace", 0.0, 1.0),
    },
)
logistic = Continuous(
    "logistic",
    {
        "logpdf": lambda x: special.log_expit(x) + special.log_expit(-x),
        "cdf": lambda x: special.expit(x),
        "logcdf": lambda x: special.log_expit(x),
        "sf": lambda x: special.expit(-x),
        "logsf": lambda x: special.log_expit(-x),
        "entropy": lambda: 2.0,
        "draw": lambda source: source.draw("logistic", 0.0, 1.0),
    },
)

# Of positive numbers

gamma = Continuous(
    "gamma",
    {
        "logpdf": lambda x, a: special.xlogy(a - 1, x) - x - special.gammaln(a),
        "cdf": lambda x, a: special.gammainc(a, x),
        "logcdf": lambda x, a: log_gammainc(a, x),
        "sf": lambda x, a: special.gammaincc(a, x),
        "logsf": lambda x, a: log_gammaincc(a, x),
        "entropy": lambda a: special.gammaln(a) + a + (1 - a) * special.digamma(a),
        "draw": lambda source, a: implicit_gamma(a, source.draw("standard_gamma", a)),
    },
    FROM_ZERO,
)
chi2 = Continuous(
    "chi2",
    {
        "logpdf": lambda x, df: special.xlogy(df / 2 - 1, x / 2) - x / 2 - special.gammaln(df / 2) - LOG_2,
        "cdf": lambda x, df: special.gammainc(df / 2, x / 2),
        "logcdf": lambda x, df: log_gammainc(df / 2, x / 2),
        "sf": lambda x, df: special.gammaincc(df / 2, x / 2),
        "logsf": lambda x, df: log_gammaincc(df / 2, x / 2),
        "entropy": lambda df: LOG_2 + special.gammaln(df / 2) + df / 2 + (1 - df / 2) * special.digamma(df / 2),
        "draw": lambda source, df: 2 * implicit_gamma(df / 2, source.draw("standard_gamma", df / 2)),
    },
    FROM_ZERO,
)
expon = Continuous(
    "expon",
    {
        "logpdf": lambda x: -x,
        "cdf": lambda x: -np.expm1(-x),
        "logcdf": lambda x: log1mexp(x),
        "sf": lambda x: np.exp(-x),
        "logsf": lambda x: -x,
        "entropy": lambda: 1.0,
        "draw": lambda source: source.draw("standard_exponential"),
    },
    FROM_ZERO,
)
lognorm = Continuous(
    "lognorm",
    {
        "logpdf": lambda x, s: -((np.log(x) / s) ** 2) / 2 - np.log(x) - np.log(s) - LOG_ROOT_TAU,
        "cdf": lambda x, s: special.ndtr(np.log(x) / s),
        "logcdf": lambda x, s: special.log_ndtr(np.log(x) / s),
        "sf": lambda x, s: special.ndtr(-np.log(x) / s),
        "logsf": lambda x, s: special.log_ndtr(-np.log(x) / s),
        "entropy": lambda s: LOG_ROOT_TAU + 0.5 + np.log(s),
        "draw": lambda source, s: np.exp(s * source.draw("standard_normal")),
    },
    FROM_ZERO,
    is_open=True,
)
weibull_min = Continuous(
    "weibull_min",
    {
        "logpdf": lambda x, c: np.log(c) + special.xlogy(c - 1, x) - x**c,
        "cdf": lambda x, c: -np.expm1(-(x**c)),
        "logcdf": lambda x, c: log1mexp(x**c),
        "sf": lambda x, c: np.exp(-(x**c)),
        "logsf": lambda x, c: -(x**c),
        "entropy": lambda c: EULER + 1 - EULER / c - np.log(c),
        "draw": lambda source, c: source.draw("standard_exponential") ** (1 / c),
    },
    FROM_ZERO,
)
pareto = Continuous(
    "pareto",
    {
        "logpdf": lambda x, b: np.log(b) - (b + 1) * np.log(x),
        "cdf": lambda x, b: -np.expm1(-b * np.log(x)),
        "logcdf": lambda x, b: log1mexp(b * np.log(x)),
        "sf": lambda x, b: x**-b,
        "logsf": lambda x, b: -b * np.log(x),
        "entropy": lambda b: 1 + 1 / b - np.log(b),
        "draw": lambda source, b: np.exp(source.draw("standard_exponential") / b),
    },
    (1.0, np.inf),
    inner=2.0,
)

# Of an interval


def _draw_beta(source, a, b):
    """One gamma variable over the sum of two, of two uniform ones in one draw."""
    u, v = source.draw("random", first=(2,)) + 2.0**-54
    x, y = gamma_at(a, u), gamma_at(b, v)
    return x / (x + y)


beta = Continuous(
    "beta",
    {
        "logpdf": lambda x, a, b: special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b),
        "cdf": lambda x, a, b: special.betainc(a, b, x),
        "sf": lambda x, a, b: special.betaincc(a, b, x),
        "entropy": lambda a, b: special.betaln(a, b) + (a - 1) * digamma_step(a, b) + (b - 1) * digamma_step(b, a),
        "draw": _draw_beta,
    },
    SHARE,
)
uniform = Continuous(
    "uniform",
    {
        "logpdf": lambda x: 0.0 * x,
        "cdf": lambda x: x,
        "sf": lambda x: 1 - x,
        "entropy": lambda: 0.0,
        "draw": lambda source: source.draw("random"),
    },
    SHARE,
)
