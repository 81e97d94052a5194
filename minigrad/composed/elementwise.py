"""Other names and signatures of functions of each element."""

import numpy as np

from ..core.primitive import composed
from ..rules.elementwise import bounded


@composed(np.clip)
def clip(a, a_min=None, a_max=None, *, min=None, max=None):
    """`a` limited to an interval; a bound of None is no limit. The gradient of `a` at a bound is 0."""
    return bounded(a, a_min if min is None else min, a_max if max is None else max)


# Other names

composed(np.around)(lambda a, decimals=0: np.round(a, decimals))
composed(np.radians)(lambda x: np.deg2rad(x))
composed(np.degrees)(lambda x: np.rad2deg(x))


@composed(np.float_power)
def float_power(x, p):
    one = np.float64(1)  # which makes float64 of all that it meets
    return np.power(np.multiply(x, one), np.multiply(p, one))
