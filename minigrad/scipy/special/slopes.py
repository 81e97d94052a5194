"""Derivatives for which SciPy has no function, made of NumPy's and SciPy's, so that they can be derived in turn.

Where an expression cancels, another one takes over: `np.where` chooses, and each side is given numbers it can take.
"""

import math

import numpy as np
from scipy import special

# B_2k / 2k, for Stirling's series of digamma (DLMF 5.11.2); from 10 on, its error is 1e-17 after seven terms.
STIRLING = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12]


def digamma_step(a, b):
    """``digamma(a + b) - digamma(a)``, to all digits for positive numbers, also where b is small."""
    usual = (a > 0) & (b > 0)
    p, q = np.where(usual, a, 1.0), np.where(usual, b, 1.0)
    total = 0.0
    for _ in range(10):
        total, p = total + q / (p * (p + q)), p + 1.0
    u, v = (1 / p) ** 2, (1 / (p + q)) ** 2
    series, powers, power = 0.0, 1.0, v  # (u^k - v^k) / (u - v)
    for c in STIRLING:
        series, powers, power = series + c * powers, powers * u + power, power * v
    total = total + np.log1p(q / p) + q / (2 * p * (p + q)) + q * (2 * p + q) * u * v * series
    return np.where(usual, total, special.digamma(a + b) - special.digamma(a))


def rgamma_slope(x):
    """The derivative of 1 / gamma(x), by Euler's reflection below 1/2, where gamma has its poles."""
    left = x < 0.5
    a, b = np.where(left, x, 0.0), np.where(left, 1.0, x)
    turned = math.pi * a
    reflected = special.gamma(1 - a) * (np.cos(turned) - special.digamma(1 - a) * (np.sin(turned) / math.pi))
    return np.where(left, reflected, -special.rgamma(b) * special.digamma(b))


def zeta_slope(s, q):
    """The derivative of zeta(s, q) by s, of eight terms of the sum and Euler and Maclaurin's rest (DLMF 25.11.5)."""
    s = np.where(s < -1, np.nan, s)
    total = 0.0
    for _ in range(8):
        log = np.log(q)
        total, q = total - log * np.exp(-s * log), q + 1.0
    log = np.log(q)
    term = np.exp(-s * log)
    total = total - term * (q * (log + 1 / (s - 1)) / (s - 1) + log / 2)
    rising, slope, term = s, 1.0, term / q  # s (s + 1) ... and its derivative
    for k, c in enumerate(STIRLING, 1):
        total = total + c / math.factorial(2 * k - 1) * term * (slope - log * rising)
        for i in (2 * k - 1, 2 * k):
            rising, slope = rising * (s + i), slope * (s + i) + rising
        term = term / (q * q)
    return total


def erfcx_slope(x):
    """``2 x erfcx(x) - 2 / sqrt(pi)``, by the asymptotic series from 20 on, where that is a small difference."""
    far = x > 20
    near, x = np.where(far, 0.0, x), np.where(far, x, 20.0)
    u, series = 0.5 / (x * x), 0.0
    for k in range(9, 0, -1):  # (2k + 1)!! (-u)^k, 2e-16 after eight terms
        series = -(2 * k + 1) * u * (1 + series)
    return np.where(far, -2 * u * (1 + series), 2 * near * special.erfcx(near) * ROOT_PI - 2) / ROOT_PI


def inverse_mills(x):
    """The density of the normal distribution over ndtr(x), by erfcx where both are small."""
    left = x < 0
    a, b = np.where(left, x, 0.0), np.where(left, 0.0, x)
    ratio = np.exp(b * b / -2) / (ROOT_TAU * special.ndtr(b))
    return np.where(left, ROOT_2_OVER_PI / special.erfcx(-a / ROOT_2), ratio)


def log_ratio(x, y):
    """``log(x / y)``, to all digits near 0, where x is almost y."""
    near = np.abs(x - y) < 0.5 * y
    p = np.where(near, y, 1.0)
    return np.where(near, np.log1p(np.where(near, x - y, 0.0) / p), np.log(x) - np.log(y))


def bessel_tail(v, x, sign):
    """The derivative of the asymptotic series of a scaled Bessel function, but for its constant factor (DLMF 10.40).

    That of the sum over k of ``sign^k a_k(v) / x^(k + 1/2)``, with eight terms: for x > 40 (1 + v^2).
    """
    term, total = 1.0 / x, 0.0
    for k in range(9):
        total = total - (k + 0.5) * term
        term = sign * term * (4 * v * v - (2 * k + 1) ** 2) / (8 * (k + 1) * x)
    return total / np.sqrt(x)


def agm_sum(m):
    """``(K - E) / (m K)`` of the complete elliptic integrals, by the arithmetic-geometric mean (DLMF 19.8.6)."""
    a, b, c, total = 1.0, np.sqrt(1 - m), 1.0, 0.5
    for n in range(13):
        a, b = (a + b) / 2, np.sqrt(a * b)
        c = m * c * c / (16 * a * a)
        total = total + 2.0**n * c
    return total


ROOT_2, ROOT_PI, ROOT_TAU, ROOT_2_OVER_PI = map(math.sqrt, (2, math.pi, 2 * math.pi, 2 / math.pi))
