"""The parameters of a distribution: numbers and arrays, and where they are valid."""

import math
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

import numpy as np

from ...core.foreign import admitted

# What parameters are, in words, and how that is asked.
RANGES: dict[str, Callable[..., Any]] = {
    "above 0": lambda p: p > 0,
    "from 0 on": lambda p: p >= 0,
    "from 0 to 1": lambda p: (p >= 0) & (p <= 1),
    "above 0 and up to 1": lambda p: (p > 0) & (p <= 1),
    "a whole number from 0 on": lambda p: (p >= 0) & (np.floor(p) == p),
}


def new_parameter(name: str) -> Parameter:
    """A parameter of a signature."""
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD)


def number(taker: str, x: Any) -> Any:
    """An argument as an array or a number; lists of numbers as arrays, and data of pandas by position."""
    x = np.asarray(x) if isinstance(x, list | tuple) else admitted(taker, x)
    if not isinstance(x, int | float) and (not hasattr(x, "dtype") or x.dtype.kind not in "biuf"):
        kind = f"an array of {x.dtype}" if hasattr(x, "dtype") else f"a {type(x).__name__}"
        raise TypeError(f"{taker} takes real numbers, and arrays of them; got {kind}. Use x.astype(float)")
    return x


def replaced(good: Any, x: Any, instead: float) -> Any:
    """A parameter where it is good, and another number elsewhere; Python's numbers stay such.

    The other number depends on the parameter, by a slope of 0, which makes NaN of a derivative that is NaN.
    """
    return (x if good else instead) if isinstance(x, int | float) else np.where(good, x, instead + 0.0 * x)


def as_narrow(shape: Any, z: Any) -> Any:
    """A shape that is a Python number in the precision of the variable, which it shall not widen."""
    dtype = getattr(z, "dtype", None)
    return shape if dtype is None or not isinstance(shape, int | float) else dtype.type(shape)


def log_of(scale: Any) -> Any:
    """The logarithm of a scale, of a Python number as such."""
    return math.log(scale) if isinstance(scale, int | float) else np.log(scale)


def masked(valid: Any, y: Any) -> Any:
    """A value where the parameters are valid, and NaN elsewhere, which are the derivatives as well."""
    if valid is True:
        return y
    factor = np.where(valid, 1.0, np.nan)
    return y * (factor.astype(y.dtype) if hasattr(y, "dtype") else factor)


def as_written(args: Any, kwargs: Mapping[str, Any]) -> str:
    """The parameters of a call, as they were written."""
    return ", ".join([*map(str, args), *(f"{name}={x}" for name, x in kwargs.items())])
