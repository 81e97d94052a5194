"""Comparing Tensors, arrays and trees of them."""

from typing import Any

import numpy as np

from ..traced import bare
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
    names, others = ([name for name, _ in named(tree)] for tree in (actual, desired))
    if names != others:
        raise AssertionError(f"structure: {names} is not {others}")
    for (name, a), (_, b) in zip(named(actual), named(desired), strict=True):
        a, b = bare(a), bare(b)
        strict = hasattr(a, "dtype") and hasattr(b, "dtype")
        np.testing.assert_allclose(a, b, rtol, atol, err_msg=name, strict=strict)
