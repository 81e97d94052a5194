"""What the functions of this room take, and how SciPy's functions of one matrix serve stacks of them."""

from functools import wraps
from typing import Any

import numpy as np

from ..core.door import Watched
from ..core.foreign import admitted
from ..rules.external import external

HALF = np.dtype(np.float16)


def array(taker: str, x: Any) -> Any:
    """`x` as an array of real floating numbers, which may be watched; integers become float64.

    Raises
    ------
    TypeError
        If it holds complex numbers, or something else than numbers.
    """
    given: Any = x if isinstance(x, Watched) else admitted(taker, x)
    given = given if hasattr(given, "dtype") else np.asarray(given)
    if given.dtype.kind in "biu":
        return given.astype(np.float64)
    if given.dtype.kind != "f":
        raise TypeError(
            f"{taker} takes real numbers; got an array of {given.dtype}. Use x.real and x.imag, or x.astype(float)"
        )
    return given


def matrices(taker: str, *xs: Any) -> list[Any]:
    """Arrays of two axes or more; raises ValueError for others."""
    arrays = [array(taker, x) for x in xs]
    for x in arrays:
        if x.ndim < 2:
            raise ValueError(f"{taker} takes matrices, or stacks of them; got an array of shape {x.shape}")
    return arrays


def square(taker: str, *xs: Any) -> list[Any]:
    """Arrays whose last two axes have one length; raises ValueError for others."""
    arrays = matrices(taker, *xs)
    for x in arrays:
        if x.shape[-1] != x.shape[-2]:
            raise ValueError(f"{taker} takes square matrices; got an array of shape {x.shape}")
    return arrays


def check_rows(taker: str, n: int, b: Any) -> None:
    """Refuse a right-hand side whose rows do not fit `n` equations."""
    rows = b.shape[0] if b.ndim == 1 else b.shape[-2] if b.ndim else None
    if rows != n:
        raise ValueError(
            f"{taker} of {n} equations takes a right-hand side of {n} rows; got an array of shape {b.shape}"
        )


def in_columns(solve: Any, b: Any) -> Any:
    """What `solve` makes of right-hand sides that are columns of matrices; an array of one axis is one column."""
    return solve(b[:, None])[..., 0] if b.ndim == 1 else solve(b)


def of_matrices(core: Any) -> Any:
    """A function of SciPy's of matrices, on stacks of them, which broadcast. Float16 is computed in float32.

    The result has the shape of the last matrix.
    """

    @external
    @wraps(core)
    def compute(*arrays: Any, **options: Any) -> Any:
        dtype = np.result_type(*arrays)
        arrays = tuple(x.astype(np.float32) if x.dtype == HALF else x for x in arrays)
        if all(x.ndim == 2 for x in arrays):
            return core(*arrays, **options).astype(dtype, copy=False)
        stack = np.broadcast_shapes(*(x.shape[:-2] for x in arrays))
        full = [np.broadcast_to(x, (*stack, *x.shape[-2:])) for x in arrays]
        y = np.empty(full[-1].shape, dtype)
        for i in np.ndindex(stack):
            y[i] = core(*(x[i] for x in full), **options)
        return y

    return compute
