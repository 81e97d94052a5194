"""The gamma function and its relatives."""

import math

import numpy as np
from scipy import special

from ...core.door import raise_if
from .incomplete import betainc_by_a, betainc_by_b, gammainc_by_a, stdtr_by_df
from .known import known, named_as, stepped
from .slopes import digamma_step, rgamma_slope, zeta_slope

HURWITZ, RIEMANN = special._ufuncs._zeta, special._ufuncs._riemann_zeta  # special.zeta calls one of these

gamma = known(
    special.gamma,
    lambda g, y, x: g * (y * special.digamma(x)),
    about="The gamma function. It has poles at 0, -1, ..., where the derivative is NaN.",
)
gammaln = known(
    special.gammaln,
    lambda g, y, x: g * special.digamma(x),
    about="The logarithm of the absolute value of gamma(x); its derivative is digamma(x).",
)
loggamma = known(
    special.loggamma,
    lambda g, y, x: g * special.digamma(np.where(x < 0, np.nan, x)),
    about="The principal branch of the logarithm of gamma(x), of real numbers: NaN for x < 0.",
)
rgamma = known(
    special.rgamma,
    lambda g, y, x: g * rgamma_slope(x),
    about="1 / gamma(x), which is 0 at the poles 0, -1, ... of gamma, with a derivative there.",
)
digamma = psi = known(
    special.digamma,
    lambda g, y, x: g * polygamma(1, x),
    about="The derivative of gammaln(x); that of digamma is polygamma(1, x).",
)


def _polygamma(n, x):
    raise_if(np.less(n, 0), lambda: ValueError(f"the order of polygamma is a whole number from 0 on; got {n}"))
    if isinstance(n, int):
        return (-1.0) ** (n + 1) * float(special.gamma(n + 1.0)) * HURWITZ(n + 1.0, x) if n else special.digamma(x)
    m = np.add(n, 1.0)
    return np.where(np.equal(n, 0), special.digamma(x), (-1.0) ** m * special.gamma(m) * HURWITZ(m, x))


_polygamma.__name__ = "polygamma"
polygamma = known(
    _polygamma,
    None,
    lambda g, y, n, x: g * polygamma(stepped(n, 1), x),
    about="The derivative of digamma(x) of order n, a whole number; that of polygamma(n, x) is polygamma(n + 1, x).",
)
hurwitz = known(
    HURWITZ,
    lambda g, y, x, q: g * zeta_slope(x, q),
    lambda g, y, x, q: g * (-x * HURWITZ(x + 1.0, q)),
    about="The sum of 1 / (k + q)^x over k from 0 on.",
)
riemann = known(
    RIEMANN,
    lambda g, y, x: g * zeta_slope(x, np.ones_like(x)),
    about="The sum of 1 / k^x over k from 1 on.",
)


@named_as(special.zeta)
def zeta(x, q=None):
    """The zeta function of Riemann, the sum of 1 / k^x over k from 1 on, or of Hurwitz, of 1 / (k + q)^x from k = 0 on.

    The derivative by x is that of Euler and Maclaurin's sum; it is NaN for x < -1. That by q is -x zeta(x + 1, q).
    """
    return riemann(x) if q is None else hurwitz(x, q)


# Of several numbers

beta = known(
    special.beta,
    lambda g, y, a, b: g * (-y * digamma_step(a, b)),
    lambda g, y, a, b: g * (-y * digamma_step(b, a)),
    about="``gamma(a) gamma(b) / gamma(a + b)``.",
)
betaln = known(
    special.betaln,
    lambda g, y, a, b: g * -digamma_step(a, b),
    lambda g, y, a, b: g * -digamma_step(b, a),
    about="The logarithm of the absolute value of beta(a, b); the derivative by a is digamma(a) - digamma(a + b).",
)


def _beta_density(a, b, x):
    return np.exp(special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x) - special.betaln(a, b))


betainc = known(
    special.betainc,
    lambda g, y, a, b, x: g * betainc_by_a(a, b, x),
    lambda g, y, a, b, x: g * betainc_by_b(a, b, x),
    lambda g, y, a, b, x: g * _beta_density(a, b, x),
    about="The share of beta(a, b) of its integral from 0 to x. Derivatives by a and b are integrated, to ten digits.",
)
betaincc = known(
    special.betaincc,
    lambda g, y, a, b, x: g * -betainc_by_a(a, b, x),
    lambda g, y, a, b, x: g * -betainc_by_b(a, b, x),
    lambda g, y, a, b, x: g * -_beta_density(a, b, x),
    about="1 - betainc(a, b, x), the share of the integral from x to 1.",
)


def _gamma_density(a, x):
    return np.exp(special.xlogy(a - 1.0, x) - x - special.gammaln(a))


gammainc = known(
    special.gammainc,
    lambda g, y, a, x: g * gammainc_by_a(a, x),
    lambda g, y, a, x: g * _gamma_density(a, x),
    about="The share of gamma(a) of its integral from 0 to x. The derivative by a is integrated, to ten digits.",
)
gammaincc = known(
    special.gammaincc,
    lambda g, y, a, x: g * -gammainc_by_a(a, x),
    lambda g, y, a, x: g * -_gamma_density(a, x),
    about="1 - gammainc(a, x), the share of the integral from x on.",
)


def _student_density(df, x):
    return np.exp(-special.betaln(df / 2, 0.5) - (df + 1) / 2 * np.log1p(x / df * x)) / np.sqrt(df)


stdtr = known(
    special.stdtr,
    lambda g, y, df, x: g * stdtr_by_df(df, x),
    lambda g, y, df, x: g * _student_density(df, x),
    about="The distribution function of Student's t. The derivative by the degrees of freedom df is integrated.",
)


@named_as(special.multigammaln)
def multigammaln(a, d):
    """The logarithm of the gamma function of `d` dimensions, a sum of gammaln(a - k / 2) over k < d.

    Raises
    ------
    ValueError
        If `d` is no whole number from 1 on, or any of `a` is not above (d - 1) / 2.
    """
    if d != int(d) or d < 1:
        raise ValueError(f"the dimension d is a whole number from 1 on; got {d}")
    raise_if(np.less_equal(a, (d - 1) / 2), lambda: ValueError(f"a is above (d - 1) / 2 = {(d - 1) / 2}; got {a}"))
    return sum((special.gammaln(a - k / 2) for k in range(1, d)), special.gammaln(a)) + d * (d - 1) / 4 * LOG_PI


LOG_PI = math.log(math.pi)
