"""Write special_reference.json: values and derivatives by mpmath, in 100 digits. It takes mpmath, and half a minute.

For each function the points `at`, its values there, and for each argument in `by` its first and second derivatives.
"""

import json
import pathlib

import mpmath as mp

mp.mp.dps = 100
ROOT_2 = mp.sqrt(2)


def log_gamma(x):
    return mp.log(abs(mp.gamma(x)))


def ndtr(x):
    return mp.erfc(-x / ROOT_2) / 2


def betainc(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


def gammainc(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def gammaincc(a, x):
    return mp.gammainc(a, x, mp.inf, regularized=True)


def scaled(bessel, sign):
    return lambda v, x: bessel(v, x) * mp.exp(sign * abs(x))


def of_order(bessel, v):
    return lambda x: bessel(v, x)


def stdtr(df, x):
    half = mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + x * x), regularized=True) / 2
    return half if x < 0 else 1 - half


def points(*xs):
    return [(x,) for x in xs]


ORDERS = [(0, 0.3), (1, 2.5), (2, 1e-3), (0.5, 4.0), (-0.3, 1.1), (3.7, 20.0), (12, 9.0), (1, 300.0)]
WHOLE = [(0, 0.3), (1, 2.5), (2, 1e-3), (5, 4.0), (3, 20.0)]
SCALED = [*ORDERS, (0, 39.0), (0, 41.0), (1, 1e3), (2.5, 1e5), (0.5, 1e8)]
POSITIVE = points(1e-6, 0.3, 1.7, 8.0, 35.0)
FAR = [*POSITIVE, *points(50.0, 1e4, 1e9)]
REAL = points(-20.0, -3.0, -0.4, 1e-9, 0.7, 2.0, 15.0)
TAILS = [*REAL, *points(-1e4, -37.0, 30.0)]
SHARES = points(1e-12, 1e-3, 0.2, 0.5, 0.9, 0.999)
PAIRS = [(0.5, 0.5), (1e-3, 2.0), (3.0, 1e-6), (30.0, 40.0), (1e-8, 1e-8), (7.0, 0.1)]
GAMMAS = [
    *[(0.01, 1e-20), (2.0, 1.0), (2.0, 5.0), (0.5, 0.3), (0.5, 8.0), (1e-3, 0.9), (30.0, 29.0), (30.0, 31.0)],
    *[
        (30.0, 90.0),
        (300.0, 250.0),
        (1000.0, 1000.0),
        (1000.0, 1200.0),
        (5.0, 0.01),
        (0.1, 40.0),
        (1.0, 1.0),
        (0.1, 1.0),
    ],
]
BETAS = [
    *[(0.5, 0.5, 0.1), (2.0, 3.0, 0.7), (30.0, 0.2, 0.99), (100.0, 100.0, 0.5), (5.0, 2.0, 1e-5), (0.01, 0.02, 1e-9)],
    *[(2.0, 300.0, 0.01), (700.0, 8.0, 0.985), (1e-3, 40.0, 1e-4), (0.3, 0.01, 0.9999), (1.5, 0.03, 0.98)],
]
CASES = {
    "gamma": (mp.gamma, points(-3.5, -0.5, 1e-3, 0.3, 1.7, 12.0, 150.0), [0]),
    "gammaln": (log_gamma, points(-7.3, -0.5, 1e-8, 0.3, 1.9, 2.1, 50.0, 1e6), [0]),
    "loggamma": (mp.loggamma, points(1e-8, 0.3, 1.9, 2.1, 50.0, 1e6), [0]),
    "rgamma": (mp.rgamma, points(-6.0, -3.0, 0.0, -2.7, -1e-6, 0.4, 0.6, 3.0, 40.0), [0]),
    "digamma": (mp.digamma, points(-2.5, -0.3, 0.1, 3.0, 1e5), [0]),
    "polygamma": (mp.polygamma, [(0, 0.7), (1, 0.5), (2, 3.0), (5, 0.1), (3, 1e3)], [1]),
    "zeta": (mp.zeta, [(1.1, 0.5), (2.0, 1.0), (3.7, 0.1), (12.0, 5.0), (40.0, 0.9), (2.5, 1e3)], [0, 1]),
    "riemann": (mp.zeta, points(1.01, 2.0, 5.5, 30.0, 55.0), [0]),
    "beta": (mp.beta, PAIRS, [0, 1]),
    "betaln": (lambda a, b: mp.log(mp.beta(a, b)), [*PAIRS, (1e6, 1e-3), (1e-3, 1e6), (1e5, 2e5)], [0, 1]),
    "betainc": (betainc, BETAS, [0, 1, 2]),
    "betaincc": (lambda a, b, x: 1 - betainc(a, b, x), BETAS[:4], [0, 1, 2]),
    "gammainc": (gammainc, GAMMAS, [0, 1]),
    "gammaincc": (gammaincc, GAMMAS, [0, 1]),
    "stdtr": (
        stdtr,
        [(2.5, -30.0), (0.7, -1.0), (4.0, 0.5), (4.3, 1.75), (100.0, 3.0), (2.0, 1e-4), (0.02, 300.0)],
        [0, 1],
    ),
    "erf": (mp.erf, points(-5.0, -0.5, 1e-9, 0.8, 4.0), [0]),
    "erfc": (mp.erfc, points(-5.0, -0.5, 1e-9, 0.8, 26.0), [0]),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), points(-5.0, -0.5, 0.8, 19.5, 20.5, 300.0, 1e6), [0]),
    "erfinv": (mp.erfinv, points(-0.999, -0.3, 1e-9, 0.5, 0.99999), [0]),
    "erfcinv": (lambda x: mp.erfinv(1 - mp.mpf(x)), points(1e-9, 1e-3, 0.5, 1.2, 1.9), [0]),
    "ndtr": (ndtr, points(-30.0, -3.0, -0.4, 1e-9, 0.7, 5.0), [0]),
    "log_ndtr": (lambda x: mp.log1p(-ndtr(-x)) if x > 0 else mp.log(ndtr(x)), TAILS, [0]),
    "ndtri": (lambda p: -ROOT_2 * mp.erfinv(1 - 2 * mp.mpf(p)), points(1e-9, 1e-3, 0.2, 0.5, 0.9, 0.999), [0]),
    "expit": (lambda x: 1 / (1 + mp.exp(-x)), TAILS[:-3] + TAILS[-2:], [0]),
    "log_expit": (lambda x: -mp.log1p(mp.exp(-x)), TAILS[:-3] + TAILS[-2:], [0]),
    "logit": (lambda p: mp.log(p / (1 - p)), SHARES, [0]),
    "xlogy": (lambda x, y: x * mp.log(y), [(0.5, 2.0), (-3.0, 1e-5), (1e-9, 30.0)], [0, 1]),
    "xlog1py": (lambda x, y: x * mp.log1p(y), [(0.5, 2.0), (-3.0, 1e-9), (1e-9, -0.9)], [0, 1]),
    "entr": (lambda x: -x * mp.log(x), points(1e-12, 0.2, 1.5, 1e4), [0]),
    "rel_entr": (lambda x, y: x * mp.log(x / y), [(0.5, 2.0), (3.0, 1e-5), (1.0, 1.0 + 1e-9)], [0, 1]),
    "kl_div": (lambda x, y: x * mp.log(x / y) - x + y, [(0.5, 2.0), (3.0, 1e-5), (1e-20, 2.0)], [0, 1]),
    "huber": (lambda d, r: r**2 / 2 if abs(r) < d else d * (abs(r) - d / 2), [(1.0, 0.4), (1.0, -3.0)], [0, 1]),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), REAL, [0]),
    "jv": (mp.besselj, [*ORDERS, (3, -2.0)], [1]),
    "yv": (mp.bessely, ORDERS, [1]),
    "yn": (mp.bessely, WHOLE, [1]),
    "iv": (mp.besseli, [*ORDERS, (3, -2.0)], [1]),
    "kv": (mp.besselk, ORDERS, [1]),
    "kn": (mp.besselk, WHOLE, [1]),
    "ive": (scaled(mp.besseli, -1), SCALED, [1]),
    "kve": (scaled(mp.besselk, 1), SCALED, [1]),
    "j0": (of_order(mp.besselj, 0), REAL, [0]),
    "j1": (of_order(mp.besselj, 1), REAL, [0]),
    "y0": (of_order(mp.bessely, 0), POSITIVE, [0]),
    "y1": (of_order(mp.bessely, 1), POSITIVE, [0]),
    "i0": (of_order(mp.besseli, 0), REAL, [0]),
    "i1": (of_order(mp.besseli, 1), REAL, [0]),
    "k0": (of_order(mp.besselk, 0), POSITIVE, [0]),
    "k1": (of_order(mp.besselk, 1), POSITIVE, [0]),
    "i0e": (lambda x: scaled(mp.besseli, -1)(0, x), [*points(-50.0, -2.0), *FAR], [0]),
    "i1e": (lambda x: scaled(mp.besseli, -1)(1, x), [*points(-90.0, -2.0), *FAR], [0]),
    "k0e": (lambda x: scaled(mp.besselk, 1)(0, x), FAR, [0]),
    "k1e": (lambda x: scaled(mp.besselk, 1)(1, x), FAR, [0]),
    "exp1": (mp.e1, POSITIVE, [0]),
    "expi": (mp.ei, [*points(-3.0, -0.2), *POSITIVE], [0]),
    "expn": (mp.expint, [(0, 0.3), (1, 2.0), (2, 0.1), (7, 12.0)], [1]),
    "lambertw": (mp.lambertw, [*points(-0.36, -0.1, 1e-9, 0.5, 30.0, 1e9)], [0]),
    "lambertw of the lower branch": (lambda x: mp.lambertw(x, -1), points(-0.36, -0.1, -1e-9), [0]),
    "ellipk": (mp.ellipk, points(-1e3, -2.0, -1e-9, 0.0, 1e-3, 0.5, 0.99, 1 - 1e-9), [0]),
    "ellipe": (mp.ellipe, points(-1e3, -2.0, -1e-9, 0.0, 1e-3, 0.5, 0.99, 1 - 1e-9), [0]),
    "sine integral": (mp.si, REAL, [0]),
    "cosine integral": (mp.ci, POSITIVE, [0]),
}


def slope(function, at, i, order):
    """A derivative by argument i, by differences of a step that leaves most of the digits."""

    def along(x):
        return mp.re(function(*at[:i], x, *at[i + 1 :]))

    step = mp.mpf(10) ** -15 * (abs(at[i]) or 1)
    x, k = at[i], range(-2, 3)
    weights = {1: [1, -8, 0, 8, -1], 2: [-1, 16, -30, 16, -1]}[order]
    return sum(w * along(x + j * step) for j, w in zip(k, weights, strict=True) if w) / (12 * step**order)


def entry(function, at, by):
    exact = [[mp.mpf(x) if isinstance(x, float) else x for x in xs] for xs in at]
    return {
        "at": at,
        "by": by,
        "value": [float(mp.re(function(*xs))) for xs in exact],
        "slopes": [[float(slope(function, xs, i, 1)) for xs in exact] for i in by],
        "seconds": [[float(slope(function, xs, i, 2)) for xs in exact] for i in by],
    }


if __name__ == "__main__":
    reference = {}
    for name, case in CASES.items():
        reference[name] = entry(*case)
        print(name, flush=True)
    lines = (f" {json.dumps(name)}: {json.dumps(found)}" for name, found in reference.items())
    pathlib.Path(__file__).with_name("special_reference.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
