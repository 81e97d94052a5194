"""The larger and the smaller of the numbers of an update, without a question that a recording would have to answer."""

from typing import Any

import numpy as np

from ..core.values import as_number


def larger(a: Any, b: float) -> Any:
    """The larger of two numbers."""
    return as_number(np.maximum(a, b))


def smaller(a: Any, b: Any) -> Any:
    """The smaller of two numbers, through which a derivative may flow."""
    return a * (a <= b) + b * (a > b)
