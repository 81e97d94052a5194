"""Exponential, trigonometric and elliptic integrals, and the inverse of w exp(w)."""

import math

import numpy as np
from scipy import special

from ...core.door import raise_if
from ...core.primitive import elementwise
from .known import known, named_as, stepped
from .slopes import agm_sum

exp1 = known(special.exp1, lambda g, y, x: g * (-np.exp(-x) / x), about="The integral of exp(-t) / t from x on, x > 0.")
expi = known(
    special.expi,
    lambda g, y, x: g * (np.exp(x) / x),
    about="The integral of exp(t) / t up to x, past the pole at 0 by its principal value.",
)


def _expn_slope(n, x):
    n = stepped(n, 0.0)
    return np.where(np.equal(n, 0), -np.exp(-x) * (1 + x) / (x * x), -special.expn(np.maximum(n - 1.0, 0.0), x))


expn = known(
    special.expn,
    None,
    lambda g, y, n, x: g * _expn_slope(n, x),
    about="The integral of exp(-x t) / t^n from 1 on, n a whole number from 0 on; its derivative is -expn(n - 1, x).",
)


def sine_integral(x):
    """The integral of sin(t) / t from 0 to x."""
    return special.sici(x)[0]


def cosine_integral(x):
    """The integral of cos(t) / t up to x."""
    return special.sici(x)[1]


sine_integral = elementwise(sine_integral, lambda g, y, x: g * np.sinc(x / math.pi))
cosine_integral = elementwise(cosine_integral, lambda g, y, x: g * (np.cos(x) / x))


@named_as(special.sici)
def sici(x):
    """The integral of sin(t) / t from 0 to x, and that of cos(t) / t up to x, which is infinite at 0: two arrays."""
    return sine_integral(x), cosine_integral(x)


ellipk = known(
    special.ellipk,
    lambda g, y, m: g * (y * (1 - agm_sum(m)) / (2 * (1 - m))),
    about="The complete elliptic integral of the first kind, of the parameter m < 1: infinite at 1.",
)
ellipe = known(
    special.ellipe,
    lambda g, y, m: g * (special.ellipk(m) * agm_sum(m) / -2),
    about="The complete elliptic integral of the second kind, of the parameter m <= 1.",
)

BRANCH_POINT, BRANCHES = -math.exp(-1), special._ufuncs._lambertw


def _lambertw(z, k=0):
    w = np.real(BRANCHES(z, np.long(k), 1e-8))
    return np.where(np.equal(z, BRANCH_POINT), -1.0, w).astype(getattr(z, "dtype", float))


def _lambertw_rule(g, w, z, k=0):
    return g * (np.exp(-w) / (1 + w))


real_lambertw = elementwise(_lambertw, _lambertw_rule)


@named_as(special.lambertw)
def lambertw(z, k=0):
    """The real number w with w exp(w) = z: from -1 on for the branch k = 0, and up to -1 for the branch k = -1.

    Its derivative is exp(-w) / (1 + w), infinite at the branch point z = -1 / e. SciPy's function returns complex
    numbers, this one their real parts.

    Raises
    ------
    ValueError
        If w is no real number: for other branches, z < -1 / e, and z >= 0 with k = -1.
    """
    if k not in (0, -1):
        raise ValueError(f"lambertw has the real branches k = 0 and k = -1; got k = {k}. Use scipy.special.lambertw")
    low, high = BRANCH_POINT, np.inf if k == 0 else 0.0
    raise_if(
        (np.less(z, low) | np.greater(z, high)) if k == 0 else (np.less(z, low) | np.greater_equal(z, high)),
        lambda: ValueError(
            f"lambertw is a real number for z from -1 / e = {low:.7g} on, with k = -1 below 0; got {z}. "
            "Use scipy.special.lambertw"
        ),
    )
    return real_lambertw(z, k)
