"""Triangular systems, and the factorisations that end in them."""

from typing import Any

import numpy as np
import scipy.linalg

from ...core.engine import undo_broadcast
from ...core.primitive import Primitive
from ...rules.batching import trailing
from ...rules.external import external
from ..operands import HALF, array, check_rows, in_columns, of_matrices, square

# With op(a) x = b, where op may transpose: db = op(da) x + op(a) dx, so op(a)^T s = g gives the cotangents s of b and
# -s x^T of op(a), of which only the triangle that is read counts.


@of_matrices
def _solve_triangular(a, b, lower=False, trans=False, unit=False, check_finite=False):
    return scipy.linalg.solve_triangular(
        a, b, lower=lower, trans=int(trans), unit_diagonal=unit, check_finite=check_finite
    )


def read(x, lower, unit):
    """The triangle of matrices that is read, with zeros elsewhere."""
    return np.tril(x, -1 if unit else 0) if lower else np.triu(x, 1 if unit else 0)


def _left(g, y, a, b, lower=False, trans=False, unit=False, check_finite=False):
    s = triangular(a, g, lower=lower, trans=not trans, unit=unit)
    return undo_broadcast(-read(y @ s.mT if trans else s @ y.mT, lower, unit), a.shape)


def _right(g, y, a, b, lower=False, trans=False, unit=False, check_finite=False):
    return undo_broadcast(triangular(a, g, lower=lower, trans=not trans, unit=unit), b.shape)


def _along_left(t, y, a, b, lower=False, trans=False, unit=False, check_finite=False):
    t = read(t, lower, unit)
    return -triangular(a, (t.mT if trans else t) @ y, lower=lower, trans=trans, unit=unit)


def _along_right(t, y, a, b, lower=False, trans=False, unit=False, check_finite=False):
    return triangular(a, np.broadcast_to(t, y.shape), lower=lower, trans=trans, unit=unit)


triangular = Primitive(_solve_triangular, [_left, _right], "general", [_along_left, _along_right], batch=trailing(2, 2))

TRANSPOSED = {0: False, "N": False, 1: True, "T": True, 2: True, "C": True}


def transposed(taker: str, trans: Any) -> bool:
    """Whether SciPy's option `trans` asks for the transpose."""
    if trans not in TRANSPOSED:
        raise ValueError(f"{taker} takes trans=0 or 'N' for a, 1, 2, 'T' or 'C' for its transpose; got {trans!r}")
    return TRANSPOSED[trans]


def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """The solution x of ``a @ x = b``, or of ``a.T @ x = b``, for triangular matrices `a`.

    Parameters
    ----------
    a : array (..., n, n)
        Only the triangle that is read has a derivative; with `unit_diagonal` the diagonal is not read.
    b : array (n,) or (..., n, k)
    trans : {0, 1, 2, 'N', 'T', 'C'}
        0 and 'N' solve with `a`, the others with its transpose.
    lower, unit_diagonal : bool
        As of `scipy.linalg.solve_triangular`.
    overwrite_b : bool
        Accepted, and without effect: arguments keep their values.
    check_finite : bool
        As of `scipy.linalg.solve_triangular`.

    Raises
    ------
    LinAlgError
        If a matrix is singular.
    ValueError
        If shapes do not fit, or a number is not finite.
    """
    taker, transpose = "solve_triangular", transposed("solve_triangular", trans)
    (a,), b = square(taker, a), array(taker, b)
    check_rows(taker, a.shape[-1], b)
    options = {"lower": bool(lower), "trans": transpose, "unit": bool(unit_diagonal), "check_finite": check_finite}
    return in_columns(lambda b: triangular(a, b, **options), b)


# Cholesky's factor, in the triangle that SciPy's user chooses.


def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Cholesky's factor of symmetric positive definite matrices: ``U.T @ U``, or ``L @ L.T`` if `lower`.

    Parameters
    ----------
    a : array (..., n, n)
        The triangle of the factor is read; the derivative is that of a symmetric matrix, and symmetric.
    lower : bool
    overwrite_a : bool
        Taken, and without effect.
    check_finite : bool
        Whether numbers that are not finite are refused by ValueError.

    Raises
    ------
    LinAlgError
        If a matrix is not positive definite.
    """
    (a,) = square("cholesky", a)
    single = a.astype(np.float32) if a.dtype == HALF else a
    c = np.linalg.cholesky(checked(single) if check_finite else single, upper=not lower)
    return c if c.dtype == a.dtype else c.astype(a.dtype)


checked = Primitive(  # the array itself, whose numbers are looked at again in a replay
    external(lambda x: np.array(np.asarray_chkfinite(x))), [lambda g, y, x: g], "linear", batch=trailing(0)
)


def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, bool]:
    """Cholesky's factor for `cho_solve`, with the triangle that it fills: a pair (c, lower).

    As `cholesky`; the other triangle of c, whose numbers SciPy leaves undefined, is zero.
    """
    return cholesky(a, lower, overwrite_a, check_finite), bool(lower)


def cho_solve(c_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """The solution x of ``a @ x = b``, given `cho_factor` of a.

    Parameters
    ----------
    c_and_lower : (array (..., n, n), bool)
        A pair as `cho_factor` returns it; the derivative goes through the factor, or by it if it is given.
    b : array (n,) or (..., n, k)
    overwrite_b : bool
        Taken, and without effect.
    check_finite : bool
        Whether numbers that are not finite are refused by ValueError.
    """
    c, lower = c_and_lower
    (c,), b = square("cho_solve", c), array("cho_solve", b)
    check_rows("cho_solve", c.shape[-1], b)

    def solve(b):
        first = triangular(c, b, lower=bool(lower), trans=not lower, check_finite=check_finite)
        return triangular(c, first, lower=bool(lower), trans=bool(lower))

    return in_columns(solve, b)
