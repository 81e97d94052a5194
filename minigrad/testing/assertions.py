"""Comparing Tensors, arrays and trees of them."""

from typing import Any

import numpy as np

from ..core.door import unwrap
from .function import named_leaves


def assert_allclose(actual: Any, desired: Any, rtol: float = 1e-7, atol: float = 0.0) -> None:
    """Raise AssertionError unless two trees agree: in structure, shapes, dtypes, and values to a tolerance.

    The leaves of nested lists, tuples and dicts are Tensors, arrays and numbers. A Python number stands for an array of
    any shape and dtype. NaN equals NaN. Values may differ by ``atol + rtol * abs(desired)``.
    """
    __tracebackhide__ = True
    left, right = named_leaves(actual), named_leaves(desired)
    if list(left) != list(right):
        raise AssertionError(f"structure: {list(left)} is not {list(right)}")
    for name in left:
        a, b = unwrap(left[name]), unwrap(right[name])
        strict = hasattr(a, "dtype") and hasattr(b, "dtype")
        np.testing.assert_allclose(a, b, rtol, atol, err_msg=name, strict=strict)
