"""Whose memory an array lies in, and what is in it."""

import ctypes
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds


def owner(x: Any) -> Any:
    """What owns the memory of an array."""
    base = getattr(x, "base", None)
    while base is not None:
        x, base = base, getattr(base, "base", None)
    return x


def twin(x: np.ndarray) -> np.ndarray:
    """A copy of an array with the same strides, and so of the memory between its elements."""
    low, high = byte_bounds(x)
    memory: Any = (ctypes.c_ubyte * (high - low)).from_address(low)
    memory = np.frombuffer(memory, np.uint8).copy()
    return np.ndarray(x.shape, x.dtype, memory, x.__array_interface__["data"][0] - low, x.strides)
