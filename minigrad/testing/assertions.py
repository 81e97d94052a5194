"""Comparing Tensors, arrays and trees of them."""

from typing import Any

import numpy as np

from ..traced import bare
from ..tree import leaves
from .function import named


def assert_allclose(actual: Any, desired: Any, rtol: float = 1e-7, atol: float = 0.0) -> None:
    """Raise AssertionError unless two trees agree: in structure, shapes, dtypes, and values to a tolerance.

    Parameters
    ----------
    actual, desired : Tensor, array or number, or nested lists, tuples and dicts of them
        A Python number stands for an array of any shape and dtype. NaN equals NaN.
    rtol, atol : float
        Values may differ by ``atol + rtol * abs(desired)``.
    """
    __tracebackhide__ = True
    if named(actual) != named(desired):
        raise AssertionError(f"structure: {named(actual)} is not {named(desired)}")
    told = []
    for name, a, b in zip(named(actual), leaves(actual), leaves(desired), strict=True):
        told += [f"{name}: {line}" if name else line for line in differences(bare(a), bare(b), rtol, atol)]
    if told:
        raise AssertionError("\n".join(told))


def differences(a: Any, b: Any, rtol: float, atol: float) -> list[str]:
    """What two arrays do not have in common, a line each."""
    told = []
    if hasattr(a, "dtype") and hasattr(b, "dtype"):
        told = [
            f"{name}: {getattr(a, name)} is not {getattr(b, name)}"
            for name in ("shape", "dtype")
            if getattr(a, name) != getattr(b, name)
        ]
        if a.shape != b.shape:
            return told
    a, b = np.broadcast_arrays(a, b)
    wrong = ~np.isclose(a, b, rtol, atol, equal_nan=True)
    if wrong.any():
        with np.errstate(all="ignore"):
            gap = np.where(wrong, np.nan_to_num(np.abs(a - b), nan=np.inf), -1)
        i = np.unravel_index(np.argmax(gap), gap.shape)
        told.append(
            f"values: {np.count_nonzero(wrong)} of {wrong.size} differ by more than rtol={rtol:g}, atol={atol:g}; "
            f"most at {tuple(map(int, i))}, {a[i]!s} against {b[i]!s}"
        )
    return told
