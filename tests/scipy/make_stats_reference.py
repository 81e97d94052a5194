"""Write stats_reference.json: logarithms of probabilities in the tails, and their derivatives, by mpmath.

Each entry is a distribution, its method, the arguments, the value, and the derivative by the argument `by`.
"""

import json
import pathlib

import mpmath as mp

mp.mp.dps = 700  # of which most cancel where a probability is almost 1


def log_ndtr(x):
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def log_gamma_cdf(x, a):
    return mp.log(mp.gammainc(a, 0, x, regularized=True))


def log_gamma_sf(x, a):
    return mp.log(mp.gammainc(a, x, mp.inf, regularized=True))


def log_student_cdf(x, df):
    return mp.log(mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + x * x), regularized=True) / 2)


def log_laplace_cdf(x):
    return mp.log1p(-mp.exp(-x) / 2) if x > 0 else x - mp.log(2)


def log_poisson_cdf(k, mu):
    return mp.log(mp.gammainc(k + 1, mu, mp.inf, regularized=True))


def log_poisson_sf(k, mu):
    return mp.log(mp.gammainc(k + 1, 0, mu, regularized=True))


CASES = [
    ("norm", "logcdf", log_ndtr, (-50.0,), 0),
    ("norm", "logcdf", log_ndtr, (9.0,), 0),
    ("norm", "logsf", lambda x: log_ndtr(-x), (50.0,), 0),
    ("t", "logcdf", log_student_cdf, (-1e30, 2.5), 0),
    ("t", "logcdf", log_student_cdf, (-3.0, 1e6), 0),
    ("cauchy", "logsf", lambda x: mp.log(mp.atan(1 / x) / mp.pi), (1e100,), 0),
    ("cauchy", "logcdf", lambda x: mp.log1p(-mp.atan(1 / x) / mp.pi), (1e5,), 0),
    ("laplace", "logcdf", log_laplace_cdf, (-800.0,), 0),
    ("laplace", "logcdf", log_laplace_cdf, (40.0,), 0),
    ("logistic", "logcdf", lambda x: -mp.log1p(mp.exp(-x)), (-800.0,), 0),
    ("logistic", "logsf", lambda x: -mp.log1p(mp.exp(x)), (-40.0,), 0),
    *[("gamma", "logcdf", log_gamma_cdf, at, by) for at in [(1e-90, 3.5), (20.0, 100.0), (60.0, 2.5)] for by in (0, 1)],
    *[("gamma", "logsf", log_gamma_sf, at, by) for at in [(900.0, 2.5), (300.0, 40.0), (1e-9, 2.5)] for by in (0, 1)],
    ("chi2", "logsf", lambda x, df: log_gamma_sf(x / 2, df / 2), (2500.0, 5.0), 1),
    ("expon", "logcdf", lambda x: mp.log1p(-mp.exp(-x)), (1e-20,), 0),
    ("expon", "logcdf", lambda x: mp.log1p(-mp.exp(-x)), (50.0,), 0),
    ("lognorm", "logcdf", lambda x, s: log_ndtr(mp.log(x) / s), (1e-20, 0.5), 1),
    ("weibull_min", "logsf", lambda x, c: -(x**c), (1e4, 1.5), 1),
    ("weibull_min", "logcdf", lambda x, c: mp.log1p(-mp.exp(-(x**c))), (1e-9, 1.5), 1),
    ("pareto", "logsf", lambda x, b: -b * mp.log(x), (1e300, 3.0), 1),
    ("poisson", "logcdf", log_poisson_cdf, (2, 900.0), 1),
    ("poisson", "logcdf", log_poisson_cdf, (40, 2.5), 1),
    ("poisson", "logsf", log_poisson_sf, (200, 0.5), 1),
    ("geom", "logsf", lambda k, p: k * mp.log1p(-p), (10000, 0.2), 1),
    ("geom", "logcdf", lambda k, p: mp.log1p(-((1 - p) ** k)), (1, 1e-9), 1),
    ("geom", "logcdf", lambda k, p: mp.log1p(-((1 - p) ** k)), (200, 0.2), 1),
]


def slope(function, at, i):
    """The derivative by argument i, by differences of a step that leaves most of the digits."""
    step = abs(at[i]) / mp.mpf(10) ** 20
    low, high = ([*at[:i], at[i] + sign * step, *at[i + 1 :]] for sign in (-1, 1))
    return (function(*high) - function(*low)) / (2 * step)


if __name__ == "__main__":
    lines = []
    for name, method, function, at, by in CASES:
        exact = [mp.mpf(x) for x in at]
        entry = [name, method, at, float(function(*exact)), by, float(slope(function, exact, by))]
        lines.append(f" {json.dumps(entry)}")
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    pathlib.Path(__file__).with_name("stats_reference.json").write_text(text)
