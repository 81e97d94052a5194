"""Points that a curve goes through, at places that increase."""

from typing import Any

import numpy as np

from ...core.door import Watched, raise_if, unwrap
from ...ops.creation import asarray
from ..operands import array


def points(taker: str, x: Any, y: Any, axis: int, least: int = 2) -> tuple[Any, Any]:
    """Points at increasing places: the places, and the values with the axis of the points first."""
    x, y = array(taker, x), array(taker, y)
    if x.ndim != 1 or not y.ndim:
        raise ValueError(f"{taker} takes x of one axis, and y of one or more; got the shapes {x.shape} and {y.shape}")
    y = np.moveaxis(y, axis, 0)
    if y.shape[0] != x.shape[0]:
        raise ValueError(
            f"{taker} takes as many values along the axis {axis} of y as there are in x, {x.shape[0]}; got {y.shape[0]}"
        )
    if x.shape[0] < least:
        raise ValueError(f"{taker} takes {least} points or more; got {x.shape[0]}")
    return x, y


def check_increasing(taker: str, x: Any) -> None:
    """Refuse places that do not increase."""
    raise_if(
        ~(np.diff(unwrap(x)) > 0), lambda: ValueError(f"{taker} takes places x that increase from one to the next")
    )


def interval_of(x: Any, at: Any) -> Any:
    """The number of the interval between two places of `x` that `at` is in; the first or last one beyond the ends."""
    return np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.shape[0] - 2)


def taken(x: Any, i: Any) -> Any:
    """``x[i]`` along the first axis, also for positions that differ between the entries of a batch."""
    return (asarray(x) if isinstance(i, Watched) and not isinstance(x, Watched) else x)[i]


def beside(v: Any, y: Any) -> Any:
    """Numbers along the first axis, as factors of `y`."""
    return np.reshape(v, (-1, *(1,) * (y.ndim - 1)))
