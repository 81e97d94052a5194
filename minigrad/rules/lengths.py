"""Lengths and angles, which have no derivative at the origin: there it is 0, the mean of those along all directions.

The second derivative of a length grows beyond all bounds towards the origin, and that of its square is 2. A rule for
the length cannot tell which of them is wanted, so it is refused.
"""

import numpy as np

from ..core.door import plain, raise_if
from ..core.primitive import elementwise


def denominator(length, regular=None):
    """A length to divide by, and 1 where it is not regular; by default, where it is 0."""
    return np.where(length != 0 if regular is None else regular, length, 1)


def _error():
    return np.linalg.LinAlgError(
        "a length of 0, as of norm, hypot, arctan2 or std, has no second derivative. Differentiate its square, as "
        "np.sum(x * x) or np.var(x), or the root of the square and a small number"
    )


def _of_regular(g, _, length, regular=None):
    raise_if(plain(length) == 0 if regular is None else ~plain(regular), _error)
    return g


denominator = elementwise(denominator, _of_regular, None)


# The hypotenuse h divides twice, as its square may overflow.
def _angle(g, x, a, b):
    h = denominator(np.hypot(a, b))
    return g * (x / h / h)


elementwise(np.arctan2, lambda g, y, a, b: _angle(g, b, a, b), lambda g, y, a, b: -_angle(g, a, a, b))
elementwise(np.hypot, lambda g, y, a, b: g * (a / denominator(y)), lambda g, y, a, b: g * (b / denominator(y)))
