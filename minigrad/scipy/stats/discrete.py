"""Distributions of whole numbers, by the formulas of SciPy's pages; binomial coefficients are written as betas."""

import numpy as np
from scipy import special

from .distribution import Discrete
from .tails import log1mexp, log_gammainc, log_gammaincc

poisson = Discrete(
    "poisson",
    {
        "pmf": lambda k, mu: np.power(mu, k) * np.exp(-mu) / special.gamma(k + 1),
        "logpmf": lambda k, mu: special.xlogy(k, mu) - mu - special.gammaln(k + 1),
        "cdf": lambda k, mu: special.gammaincc(k + 1, mu),
        "logcdf": lambda k, mu: log_gammaincc(k + 1, mu),
        "sf": lambda k, mu: special.gammainc(k + 1, mu),
        "logsf": lambda k, mu: log_gammainc(k + 1, mu),
    },
    (0.0, np.inf),
    inner=1.0,
    ranges={"mu": "from 0 on"},
)


def _log_binomial(n, k):
    return -special.betaln(n - k + 1, k + 1) - np.log(n + 1)


def _binomial(log):
    # Where it overflows, it is times a power of 0 that no derivative of a common order is rid of.
    return np.exp(np.minimum(log, 700.0))


binom = Discrete(
    "binom",
    {
        "pmf": lambda k, n, p: _binomial(_log_binomial(n, k)) * np.power(p, k) * np.power(1 - p, n - k),
        "logpmf": lambda k, n, p: _log_binomial(n, k) + special.xlogy(k, p) + special.xlog1py(n - k, -p),
        "cdf": lambda k, n, p: np.where(k == n, 1.0, special.betaincc(k + 1, np.where(k == n, 1.0, n - k), p)),
        "sf": lambda k, n, p: np.where(k == n, 0.0, special.betainc(k + 1, np.where(k == n, 1.0, n - k), p)),
    },
    lambda n, p: (0.0, n),
    inner=0.0,
    ranges={"n": "a whole number from 0 on", "p": "from 0 to 1"},
)


def _log_negative(n, k):
    return -special.betaln(n, k + 1) - np.log(n + k)


nbinom = Discrete(
    "nbinom",
    {
        "pmf": lambda k, n, p: _binomial(_log_negative(n, k)) * np.power(p, n) * np.power(1 - p, k),
        "logpmf": lambda k, n, p: _log_negative(n, k) + special.xlogy(n, p) + special.xlog1py(k, -p),
        "cdf": lambda k, n, p: special.betainc(n, k + 1, p),
        "sf": lambda k, n, p: special.betaincc(n, k + 1, p),
    },
    (0.0, np.inf),
    inner=1.0,
    ranges={"p": "above 0 and up to 1"},
)
geom = Discrete(
    "geom",
    {
        "pmf": lambda k, p: p * np.power(1 - p, k - 1),
        "logpmf": lambda k, p: np.log(p) + special.xlog1py(k - 1, -p),
        "cdf": lambda k, p: -np.expm1(k * np.log1p(-p)),
        "logcdf": lambda k, p: log1mexp(-k * np.log1p(-p)),
        "sf": lambda k, p: np.exp(k * np.log1p(-p)),
        "logsf": lambda k, p: k * np.log1p(-p),
        "entropy": lambda p: (special.entr(p) + special.entr(1 - p)) / p,
    },
    (1.0, np.inf),
    inner=1.0,
    ranges={"p": "above 0 and up to 1"},
)
bernoulli = Discrete(
    "bernoulli",
    {
        "pmf": lambda k, p: np.power(p, k) * np.power(1 - p, 1 - k),
        "logpmf": lambda k, p: special.xlogy(k, p) + special.xlog1py(1 - k, -p),
        "cdf": lambda k, p: np.where(k < 1, 1 - p, 1.0 + 0 * k),
        "sf": lambda k, p: np.where(k < 1, p, 0 * k),
        "entropy": lambda p: special.entr(p) + special.entr(1 - p),
    },
    (0.0, 1.0),
    inner=0.0,
    ranges={"p": "from 0 to 1"},
)
