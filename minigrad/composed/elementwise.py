"""Other names and signatures of functions of each element."""

import numpy as np

from ..core.door import no_out
from ..core.primitive import composed, constant
from ..rules.batching import lined_up
from ..rules.elementwise import bounded, fraction


@composed(np.clip)
def clip(a, a_min=None, a_max=None, *, min=None, max=None):
    """`a` limited to an interval; a bound of None is no limit. The gradient of `a` at a bound is 0."""
    return bounded(a, a_min if min is None else min, a_max if max is None else max)


# Two results: the derivative of a number is that of its part which is not whole.

composed(np.divmod)(lambda x1, x2, /: (np.floor_divide(x1, x2), np.remainder(x1, x2)))
composed(np.modf)(lambda x, /: (fraction(x), np.trunc(np.multiply(x, np.float16(1)))))


def exponent(x):
    """The power of two by which a number is larger than its mantissa."""
    return np.frexp(x)[1]


exponent = constant(exponent, batch=lined_up)


@composed(np.frexp)
def frexp(x, /):
    power = exponent(x)
    return np.ldexp(x, -power), power


# Other names


def fix(x, out=None):
    if out is not None:
        raise no_out("fix")
    return np.trunc(x)


if hasattr(np, "fix"):  # pragma: no branch: depends on NumPy's version
    composed(np.fix)(fix)
composed(np.around)(lambda a, decimals=0: np.round(a, decimals))
composed(np.radians)(lambda x: np.deg2rad(x))
composed(np.degrees)(lambda x: np.rad2deg(x))


@composed(np.float_power)
def float_power(x, p):
    one = np.float64(1)  # which makes float64 of all that it meets
    return np.power(np.multiply(x, one), np.multiply(p, one))
