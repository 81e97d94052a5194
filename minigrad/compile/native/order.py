"""The order of floating numbers as that of integers, of which LLVM knows how to find the largest in vector registers.

The bits of floating numbers, seen as integers, are in their order if these are positive, and in the reverse order if
they are negative. NaN comes after all numbers, as in NumPy's maximum.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from .exponentials import bits, number


def ranks(whole: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The function that gives a floating number its rank, an integer of type `whole`, and the one that undoes it."""
    last = whole(np.iinfo(whole).max)
    sign = whole(8 * np.dtype(whole).itemsize - 1)

    @numba.njit(forceinline=True)
    def turned(i: Any) -> Any:  # pragma: no cover: compiled
        return whole(i ^ whole(whole(i >> sign) & last))

    @numba.njit(forceinline=True)
    def rank(x: Any) -> Any:  # pragma: no cover: compiled
        return last if x != x else turned(bits(x))

    @numba.njit(forceinline=True)
    def ranked(i: Any) -> Any:  # pragma: no cover: compiled
        return number(turned(i))

    return rank, ranked


rank32, ranked32 = ranks(np.int32)
rank64, ranked64 = ranks(np.int64)
