"""Logarithms with their factors, as entropies and losses have them."""

import numpy as np
from scipy import special

from .known import known
from .slopes import log_ratio


def _origin(x, y):
    """`y`, and 1 where both are 0, so that xlogy has no slope there."""
    return np.where((x == 0) & (y == 0), 1.0, y)


xlogy = known(
    special.xlogy,
    lambda g, _, x, y: g * np.log(_origin(x, y)),
    lambda g, _, x, y: g * (x / _origin(x, y)),
    about="``x log(y)``, and 0 where x is 0. Both derivatives are 0 at (0, 0), as those of mg.xlogy.",
)
xlog1py = known(
    special.xlog1py,
    lambda g, _, x, y: g * np.log1p(np.where((x == 0) & (y == -1), 0.0, y)),
    lambda g, _, x, y: g * (x / _origin(x, 1 + y)),
    about="``x log(1 + y)``, and 0 where x is 0. Both derivatives are 0 at (0, -1).",
)
entr = known(
    special.entr,
    lambda g, y, x: g * (-1 - np.log(np.where(x < 0, np.nan, x))),
    about="-x log(x), and 0 at 0, where the derivative is infinite; -inf, and NaN as the derivative, for x < 0.",
)
rel_entr = known(
    special.rel_entr,
    lambda g, _, x, y: g * (1 + log_ratio(x, y)),
    lambda g, _, x, y: g * (-x / y),
    about="``x log(x / y)``, for positive numbers, and 0 where x is 0: what relative entropies are sums of.",
)
kl_div = known(
    special.kl_div,
    lambda g, _, x, y: g * log_ratio(x, y),
    lambda g, _, x, y: g * ((y - x) / y),
    about="``x log(x / y) - x + y``, for positive numbers, and y where x is 0.",
)
huber = known(
    special.huber,
    lambda g, _, delta, r: g * np.where(np.abs(r) <= delta, 0.0, np.abs(r) - delta),
    lambda g, _, delta, r: g * np.clip(r, -delta, delta),
    about="``r^2 / 2`` up to ``|r| = delta``, and the line ``delta (|r| - delta / 2)`` from there on.",
)
