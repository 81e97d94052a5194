"""Numbers, flags and shapes that layers are given."""

import operator
from typing import Any

import numpy as np

from .precision import as_input

AXES = {1: "length", 2: "height, width", 3: "depth, height, width"}


def checked_integer(name: str, value: Any) -> int:
    """`value` as an integer."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is an integer; got {value!r}") from None


def checked_number(name: str, value: Any) -> Any:
    """`value`, if numbers can be compared with it."""
    try:
        operator.gt(value, 0)
    except TypeError:
        raise TypeError(f"{name} is a number; got {value!r:.60}") from None
    return value


def checked_count(name: str, value: Any, least: int) -> int:
    """`value` as an integer that is at least `least`."""
    count = checked_integer(name, value)
    if count < least:
        raise ValueError(f"{name} is at least {least}; got {count}")
    return count


def checked_flag(name: str, value: Any) -> bool:
    """True or False; refuses all else, such as a word or a seed in the wrong place."""
    if not isinstance(value, bool | np.bool_):
        seed = ". A seed or generator goes by name: rng=..." if isinstance(value, int | np.random.Generator) else ""
        raise TypeError(f"{name} is True or False; got {value!r:.60}{seed}")
    return bool(value)


def checked_counts(name: str, value: Any, axes: int, least: int) -> tuple[int, ...]:
    """An integer for each of `axes` axes, of one for all or a sequence of them."""
    if not isinstance(value, tuple | list):
        return (checked_count(name, value, least),) * axes
    if len(value) != axes:
        raise ValueError(f"{name} is an integer, or {axes} of them; got {value!r}")
    return tuple(checked_count(name, n, least) for n in value)


def checked_images(name: str, x: Any, axes: int, leading: str = "n, channels") -> Any:
    """`x` as an array with `axes` axes after two others."""
    x = as_input(x)
    if x.ndim != axes + 2:
        raise ValueError(f"{name} has shape ({leading}, {AXES[axes]}); got an array of shape {x.shape}")
    return x
