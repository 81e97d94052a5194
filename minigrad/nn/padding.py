"""A frame around arrays, and labels as rows of zeros and a one."""

from typing import Any

import numpy as np

from ..core.door import batch_of, plain, unwrap
from ..core.foreign import admitted
from ..errors import BatchError
from ..ops.functions import pad as framed
from .precision import as_input, check_array
from .sizes import checked_count, checked_integer

NUMPY_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(x: Any, pad: Any, mode: str = "constant", value: float = 0.0) -> Any:
    """`x` with a frame around it: PyTorch's function; `mg.pad` is NumPy's.

    Parameters
    ----------
    x : array
    pad : sequence of int
        The widths before and after the last axis, then those of the axis before, and so on. Negative ones cut off:
        before a circular frame is made, as the other end is what is left, and after any other.
    mode : {"constant", "reflect", "replicate", "circular"}
    value : float
        What a constant frame has.

    Raises
    ------
    TypeError
        If the widths are not integers.
    ValueError
        If the widths are odd in number, more than twice the axes, or wider than the mode has numbers for.
    """
    check_array("pad", x)
    x, widths = admitted("pad", x), checked_widths(pad)
    if mode not in NUMPY_MODES:
        raise ValueError(f"pad takes the modes {', '.join(NUMPY_MODES)}; got {mode!r}")
    if len(widths) % 2 or len(widths) > 2 * x.ndim:
        raise ValueError(
            f"pad takes a width before and one after for the last axes, at most {2 * x.ndim} for an array of shape "
            f"{x.shape}; got {widths}"
        )
    if value and mode != "constant":
        raise ValueError(f"value is of a constant frame; got {value!r} with mode {mode!r}")
    pairs = [(0, 0)] * (x.ndim - len(widths) // 2) + list(zip(widths[::2], widths[1::2], strict=True))[::-1]
    check_widths(x.shape, pairs, mode)
    x = cut(x, pairs) if mode == "circular" else x
    wide = [(max(before, 0), max(after, 0)) for before, after in pairs]
    if any(map(any, wide)):
        x = framed(x, wide, constant_values=value) if mode == "constant" else framed(x, wide, NUMPY_MODES[mode])
    return x if mode == "circular" else cut(x, pairs)


def cut(x: Any, pairs: list[tuple[int, int]]) -> Any:
    """`x` without what negative widths cut off."""
    if min(map(min, pairs), default=0) >= 0:
        return x
    return x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pairs, strict=True))]


def checked_widths(pad: Any) -> tuple[int, ...]:
    """Widths as integers."""
    if not np.iterable(pad):
        raise TypeError(f"pad takes a sequence of widths, such as (1, 1) for the last axis; got {pad!r}")
    return tuple(checked_integer("a width of pad", n) for n in pad)


def check_widths(shape: tuple[int, ...], pairs: list[tuple[int, int]], mode: str) -> None:
    """Refuse widths that cut off more than there is, or for which a mode has no numbers."""
    for axis, (n, pair) in enumerate(zip(shape, pairs, strict=True)):
        if n + sum(pair) < 0:
            raise ValueError(f"pad cuts {pair} off axis {axis}, which has a length of {n}")
        limit = {"reflect": n - 1, "circular": max(n + min(pair[0], 0) + min(pair[1], 0), 0)}.get(mode)
        if limit is not None and max(pair) > limit:
            raise ValueError(
                f"a frame of mode {mode!r} is at most {limit} wide along axis {axis}, of length {n}; got {pair}"
            )
        if mode == "replicate" and not n and any(pair):
            raise ValueError(f"a frame of mode 'replicate' repeats the ends of axis {axis}, which has none")


def one_hot(labels: Any, num_classes: int = -1) -> Any:
    """For each label a row of zeros with a 1 at it: an array of integers of shape (..., classes), without a derivative.

    Parameters
    ----------
    labels : array of integers
        From 0 on.
    num_classes : int
        How many there are; -1 for one more than the largest label.

    Raises
    ------
    TypeError
        If the labels or the number of classes are no integers.
    ValueError
        If one is out of range.
    """
    given = as_input(labels)
    labels = unwrap(given)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"one_hot takes labels that are integers; got {labels.dtype}. Use labels.astype(int)")
    if checked_integer("num_classes of one_hot", num_classes) == -1:
        if batch_of(plain(given)):
            raise BatchError(
                "one_hot takes num_classes for a batch that vmap maps over, as the largest label differs between its "
                "entries"
            )
        if not labels.size:
            raise ValueError("one_hot of no labels takes num_classes, as there is no largest one")
        num_classes = max(int(np.max(labels)), 0) + 1
    else:
        checked_count("num_classes of one_hot", num_classes, 1)
    if np.any((labels < 0) | (labels >= num_classes)):
        worst = int(np.min(labels)) if np.any(labels < 0) else int(np.max(labels))
        raise ValueError(f"one_hot of {num_classes} classes takes labels 0 to {num_classes - 1}; got {worst}")
    return (given[..., None] == np.arange(num_classes)).astype(np.int64)
