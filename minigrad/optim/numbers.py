"""Numbers that an optimizer keeps: in arrays without dimensions, and for updates as Python's floats.

Python's numbers are exact to double precision, and take the dtype of an array where they meet one.
"""

from typing import Any

import numpy as np

from ..core.context import context
from ..core.recorder import state_array


def taken(x: Any) -> Any:
    """The number in an array without dimensions; in a recording, what stands for it, read anew in each replay."""
    recorder = context.get().recorder
    return x.item() if recorder is None else recorder.call(float, (recorder.state_array(x),))


def as_array(number: Any) -> Any:
    """A number in an array without dimensions."""
    recorder = context.get().recorder
    return np.array(number, np.float64) if recorder is None else recorder.array(number)


def put(x: Any, number: Any) -> None:
    """Write a number into an array without dimensions."""
    state_array(x)[...] = number


def at_least(number: Any, least: float) -> Any:
    """The larger of both."""
    recorder = context.get().recorder
    return max(number, least) if recorder is None or isinstance(number, float) else recorder.call(max, (number, least))


def smaller(a: Any, b: Any) -> Any:
    """The smaller of two numbers, without a question that a recording would have to answer."""
    return a * (a <= b) + b * (a > b)
