"""Factors L and U of matrices with their rows exchanged, and the solution of systems with them."""

from typing import Any

import numpy as np
import scipy.linalg

from ...core.primitive import Primitive
from ...rules.batching import trailing
from ...rules.external import external
from ..operands import HALF, array, check_rows, in_columns, matrices, square
from .triangular import transposed, triangular

# One array holds both results: below the factors, in a row of its own, the pivots.


@external
def _lu_factor(a, check_finite=False):
    stack, (m, n) = a.shape[:-2], a.shape[-2:]
    a = a.astype(np.float32) if a.dtype == HALF else a
    y = np.zeros((*stack, m + 1, n), a.dtype)
    for i in np.ndindex(stack):
        y[i][:-1], y[i][-1, : min(m, n)] = scipy.linalg.lu_factor(a[i], check_finite=check_finite)
    return y


@external
def _order(pivots, rows):
    order = np.empty((*pivots.shape[:-1], rows), np.intp)
    for i in np.ndindex(pivots.shape[:-1]):
        order[i] = np.arange(rows)
        for k, pivot in enumerate(pivots[i]):
            order[i][[k, pivot]] = order[i][[pivot, k]]
    return order


@external
def _pivots(packed):
    rows, columns = packed.shape[-2] - 1, packed.shape[-1]
    return packed[..., -1, : min(rows, columns)].astype(np.int32)


pivots_of = Primitive(_pivots, (), "constant", batch=trailing(2))
order_of = Primitive(_order, (), "constant", batch=trailing(1, 0))


def rows_in(order, x):
    """The rows of matrices in another order, which each of a stack has for itself."""
    if isinstance(order, np.ndarray) and order.ndim == 1:
        return x[..., order, :]
    stack = np.broadcast_shapes(order.shape[:-1], x.shape[:-2])
    order = np.broadcast_to(order[..., None], (*stack, *x.shape[-2:]))
    return np.take_along_axis(np.broadcast_to(x, (*stack, *x.shape[-2:])), order, axis=-2)


# With the rows in order, a = l u and l^-1 da u^-1 = l^-1 dl + du u^-1: the first term is strictly lower, the second
# upper triangular. Matrices that are not square are completed: with the identity in the corner, so are l and u.


def _completed(x, corner):
    m, n = x.shape[-2:]
    if m == n:
        return x
    size = max(m, n)
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, size - m), (0, size - n)])
    return x + np.eye(size, dtype=x.dtype) * (np.arange(size) >= min(m, n)) if corner else x


def _factors(packed, a):
    lu = _completed(packed[..., :-1, :], True)
    left = np.tril(lu, -1) + np.eye(lu.shape[-1], dtype=lu.dtype)
    return lu, left, np.triu(lu), order_of(pivots_of(packed), a.shape[-2])


def _lu(g, y, a, check_finite=False):
    (lu, left, right, order), g = _factors(y, a), _completed(g[..., :-1, :], False)
    inner = np.tril(left.mT @ np.tril(g, -1), -1) + np.triu(np.triu(g) @ right.mT)
    inner = triangular(lu, inner, lower=True, trans=True, unit=True)
    inner = triangular(lu, inner.mT, lower=False).mT
    return rows_in(np.argsort(order, axis=-1), inner[..., : a.shape[-2], : a.shape[-1]])


def _lu_along(t, y, a, check_finite=False):
    (lu, left, right, order), (m, n) = _factors(y, a), a.shape[-2:]
    t = _completed(rows_in(order, t), False)
    inner = triangular(lu, t, lower=True, unit=True)
    inner = triangular(lu, inner.mT, lower=False, trans=True).mT
    t = (left @ np.tril(inner, -1) + np.triu(inner) @ right)[..., :m, :n]
    return np.concatenate([t, np.zeros_like(t[..., :1, :])], axis=-2)


packed_lu = Primitive(_lu_factor, [_lu], "general", [_lu_along], batch=trailing(2))


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """Factors L and U of matrices, for `lu_solve`: a pair (lu, piv).

    Parameters
    ----------
    a : array (..., m, n)
    overwrite_a : bool
        Taken, and without effect.
    check_finite : bool
        Whether numbers that are not finite are refused by ValueError.

    Returns
    -------
    lu : array (..., m, n)
        U in the upper triangle, L without its diagonal of ones below.
    piv : array of int32 (..., min(m, n))
        Row i was exchanged with row ``piv[i]``. It has no derivative: where two rows compete for a pivot, L and U jump.
    """
    (a,) = matrices("lu_factor", a)
    packed = packed_lu(a, check_finite=check_finite)
    lu = packed[..., :-1, :]
    return lu if lu.dtype == a.dtype else lu.astype(a.dtype), pivots_of(packed)


def lu_solve(
    lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """The solution x of ``a @ x = b``, or of ``a.T @ x = b``, given `lu_factor` of a.

    Parameters
    ----------
    lu_and_piv : (array (..., n, n), array (..., n) of integers)
        A pair as `lu_factor` returns it.
    b : array (n,) or (..., n, k)
    trans : {0, 1, 2}
        0 solves with a, 1 and 2 with its transpose.
    overwrite_b : bool
        Taken, and without effect.
    check_finite : bool
        Whether numbers that are not finite are refused by ValueError.

    Raises
    ------
    LinAlgError
        If a is singular; SciPy returns infinite numbers or nan.
    """
    lu, piv = lu_and_piv
    (lu,), b = square("lu_solve", lu), array("lu_solve", b)
    n = lu.shape[-1]
    check_rows("lu_solve", n, b)
    order, transpose = order_of(piv if hasattr(piv, "dtype") else np.asarray(piv), n), transposed("lu_solve", trans)

    def solve(b):
        if transpose:
            b = triangular(lu, b, lower=False, trans=True, check_finite=check_finite)
            return rows_in(np.argsort(order, axis=-1), triangular(lu, b, lower=True, trans=True, unit=True))
        b = triangular(lu, rows_in(order, b), lower=True, unit=True, check_finite=check_finite)
        return triangular(lu, b, lower=False)

    return in_columns(solve, b)
