"""The precision that a function computes in, where that is not the dtype of its arrays.

Sums of float16 lose small terms from 2048 on, and overflow at 65504. So what adds up many numbers does it in float32
for them, forward and in its rules, as PyTorch does on a GPU. Integers hold no fractions: functions whose values are
fractions take them as float64, as np.mean does.
"""

from functools import wraps

import numpy as np

DOUBLE, SINGLE, HALF = np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.float16)


def as_floats(x):
    """`x`, but integers and booleans as float64."""
    return x.astype(np.float64) if getattr(x, "dtype", DOUBLE).kind in "biu" else x


def as_single(x):
    """`x`, but float16 as float32."""
    return x.astype(np.float32) if getattr(x, "dtype", DOUBLE) is HALF else x


def of_floats(function):
    """A function of an array, and options, that takes integers as float64, and float16 as float32 for a while."""

    @wraps(function)
    def compute(x, *args, **kwargs):
        dtype = getattr(x, "dtype", DOUBLE)
        if dtype is DOUBLE or dtype is SINGLE:
            return function(x, *args, **kwargs)
        if dtype is HALF:
            return function(x.astype(np.float32), *args, **kwargs).astype(np.float16)
        return function(as_floats(x), *args, **kwargs)

    return compute


def accumulated(function):
    """A reduction with NumPy's arguments that makes a result of float16 by way of float32."""

    @wraps(function)
    def compute(x, *args, **kwargs):
        dtype = args[1] if len(args) > 1 else kwargs.get("dtype")
        if (x.dtype if dtype is None else np.dtype(dtype)) != HALF:
            return function(x, *args, **kwargs)
        if len(args) > 1:
            args = (args[0], SINGLE, *args[2:])
        else:
            kwargs["dtype"] = SINGLE
        return function(x, *args, **kwargs).astype(np.float16)

    return compute


class InSingle:
    """A rule that computes in float32 for a result of float16; `of` computes that result again, if its bits matter."""

    __slots__ = ("__code__", "of", "rule")

    def __init__(self, rule, of=None):
        self.rule, self.of = rule, of
        self.__code__ = rule.__code__  # by which the engine knows which options a rule takes

    def __call__(self, g, y, *args, **kwargs):
        if y.dtype is not HALF:
            return self.rule(g, y, *args, **kwargs)
        args = [as_single(x) for x in args]
        y = as_single(y) if self.of is None else self.of(*args, **kwargs)
        return self.rule(as_single(g), y, *args, **kwargs).astype(np.float16)
