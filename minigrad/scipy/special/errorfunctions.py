"""The error function, the normal distribution, and the logistic function, exact in their tails."""

import math

import numpy as np
from scipy import special

from .known import known
from .slopes import erfcx_slope, inverse_mills

TWO_OVER_ROOT_PI, ROOT_TAU = 2 / math.sqrt(math.pi), math.sqrt(2 * math.pi)

erf = known(
    special.erf,
    lambda g, y, x: g * (TWO_OVER_ROOT_PI * np.exp(-x * x)),
    about="The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.",
)
erfc = known(
    special.erfc,
    lambda g, y, x: g * (-TWO_OVER_ROOT_PI * np.exp(-x * x)),
    about="1 - erf(x), to all digits.",
)
erfcx = known(
    special.erfcx,
    lambda g, y, x: g * erfcx_slope(x),
    about="``exp(x^2) erfc(x)``; its derivative is 2 x erfcx(x) - 2 / sqrt(pi).",
)
erfinv = known(
    special.erfinv,
    lambda g, y, x: g * (np.exp(y * y) / TWO_OVER_ROOT_PI),
    about="The inverse of erf, infinite with an infinite derivative at -1 and 1.",
)
erfcinv = known(
    special.erfcinv,
    lambda g, y, x: g * (-np.exp(y * y) / TWO_OVER_ROOT_PI),
    about="The inverse of erfc, infinite with an infinite derivative at 0 and 2.",
)
ndtr = known(
    special.ndtr,
    lambda g, y, x: g * (np.exp(x * x / -2) / ROOT_TAU),
    about="The distribution function of the standard normal distribution.",
)
log_ndtr = known(
    special.log_ndtr,
    lambda g, y, x: g * inverse_mills(x),
    about="The logarithm of ndtr(x), and its derivative, to all digits in both tails.",
)
ndtri = known(
    special.ndtri,
    lambda g, y, x: g * (np.exp(y * y / 2) * ROOT_TAU),
    about="The inverse of ndtr, infinite with an infinite derivative at 0 and 1.",
)
expit = known(
    special.expit,
    lambda g, y, x: g * (y * special.expit(-x)),
    about="The logistic function, 1 / (1 + exp(-x)). Its derivative, expit(x) expit(-x), has all digits on both sides.",
)
log_expit = known(
    special.log_expit,
    lambda g, y, x: g * special.expit(-x),
    about="The logarithm of expit(x); its derivative is expit(-x).",
)
logit = known(
    special.logit,
    lambda g, y, x: g / (x * (1 - x)),
    about="``log(x / (1 - x))``, the inverse of expit: infinite at 0 and 1, NaN outside.",
)
