"""Operations on chosen elements that NumPy has no function for: the largest ones, and those of a mask."""

from typing import Any, NamedTuple

import numpy as np

from ..core.door import plain
from ..core.foreign import admitted
from .functions import take_along_axis, where


class TopK(NamedTuple):
    """The largest or smallest elements, and where they are."""

    values: Any
    indices: Any


def topk(x: Any, k: int, axis: int = -1, largest: bool = True) -> TopK:
    """The k largest elements along an axis, the largest first, with their positions; the derivative goes to these.

    Parameters
    ----------
    x : array
        A NaN counts as the largest number, as in sorting.
    k : int
        From 0 to the length of the axis.
    axis : int
    largest : bool
        Otherwise the smallest, the smallest first.

    Returns
    -------
    TopK
        A named tuple of `values` and `indices`, with k elements along the axis. Which of several equal elements are
        taken is not said.

    Raises
    ------
    TypeError
        If k or the axis is not an integer.
    ValueError
        If there is no such axis, or it has fewer than k elements.
    """
    x = admitted("topk", x)
    x = x if hasattr(x, "shape") else np.asarray(x)
    for name, value in (("k", k), ("axis", axis)):
        if not hasattr(value, "__index__"):
            raise TypeError(f"the {name} of topk is an integer; got {value!r:.60}")
    if not -x.ndim <= axis < x.ndim or not 0 <= k <= x.shape[axis]:
        raise ValueError(f"topk takes at most as many elements as an axis has; got {k} of axis {axis} of {x.shape}")
    n, before, values = x.shape[axis], (slice(None),) * (axis % x.ndim), plain(x)
    if 0 < k < n:
        found = np.argpartition(values, n - k if largest else k - 1, axis=axis)
    else:
        found = np.argsort(values, axis=axis)
    found = found[(*before, slice(n - k, n) if largest else slice(k))]
    order = np.argsort(np.take_along_axis(values, found, axis), axis=axis, kind="stable")
    found = np.take_along_axis(found, np.flip(order, axis) if largest else order, axis)
    return TopK(take_along_axis(x, found, axis=axis), found)


def masked_fill(x: Any, mask: Any, value: float) -> Any:
    """`x`, and `value` where the mask is true: ``where(mask, value, x)``, with checks.

    Parameters
    ----------
    x : array
    mask : array of truths
        May broadcast to x.
    value : number

    Raises
    ------
    TypeError
        If the mask is of other numbers, which may be meant the other way round.
    ValueError
        If the mask does not broadcast to x, or there are several values.
    """
    x, mask = admitted("masked_fill", x), admitted("masked_fill", mask)
    mask, shape = (mask if hasattr(mask, "shape") else np.asarray(mask)), np.shape(x)
    if mask.dtype != np.bool_:
        raise TypeError(f"the mask of masked_fill is of truths; got {mask.dtype}. Use mask.astype(bool)")
    own = mask.shape
    if len(own) > len(shape) or any(n not in (1, m) for n, m in zip(own[::-1], shape[::-1], strict=False)):
        raise ValueError(f"masked_fill of {shape} takes a mask that broadcasts to it; got {own}")
    if np.shape(value):
        raise ValueError(f"masked_fill takes one value; got {np.shape(value)}. Use where(mask, values, x)")
    return where(mask, value, x)
