"""Systems of equations whose matrices have few diagonals."""

from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from ...core.engine import undo_broadcast
from ...core.primitive import Primitive
from ...rules.batching import trailing
from ..operands import array, check_rows, in_columns, matrices, of_matrices
from .bands import band_outer, band_product, diagonals, symmetric, symmetrised

# The store of the transpose has each diagonal at its mirror's place, begun at the other end.


def _turned(ab, lower, upper):
    turned = np.zeros_like(ab)
    for r, i, j in diagonals(ab.shape[-1], lower, upper):
        turned[lower + upper - r, i] = ab[r, j]
    return turned


@of_matrices
def _solve_banded(ab, b, lower=0, upper=0, trans=False, check_finite=False):
    if trans:
        ab, lower, upper = _turned(ab, lower, upper), upper, lower
    return scipy.linalg.solve_banded((lower, upper), ab, b, check_finite=check_finite)


def _of_bands(g, y, ab, b, lower, upper, trans=False, check_finite=False):
    s = banded(ab, g, lower=lower, upper=upper, trans=not trans)
    return undo_broadcast(-band_outer(y, s, lower, upper) if trans else -band_outer(s, y, lower, upper), ab.shape)


def _bands_along(t, y, ab, b, lower, upper, trans=False, check_finite=False):
    return -banded(ab, band_product(t, y, lower, upper, trans=trans), lower=lower, upper=upper, trans=trans)


def _of_right(g, y, ab, b, lower, upper, trans=False, check_finite=False):
    return undo_broadcast(banded(ab, g, lower=lower, upper=upper, trans=not trans), b.shape)


def _right_along(t, y, ab, b, lower, upper, trans=False, check_finite=False):
    return banded(ab, np.broadcast_to(t, y.shape), lower=lower, upper=upper, trans=trans)


banded = Primitive(_solve_banded, [_of_bands, _of_right], "general", [_bands_along, _right_along], batch=trailing(2, 2))


# A symmetric matrix, of which one triangle is stored: both of its diagonals get what one would, the main one half.


@of_matrices
def _solveh_banded(ab, b, lower=False, check_finite=False):
    return scipy.linalg.solveh_banded(ab, b, lower=lower, check_finite=check_finite)


def _width(ab, lower):
    rows = ab.shape[-2] - 1
    return (rows, 0) if lower else (0, rows)


def _halved(ab, lower):
    rows = np.arange(ab.shape[-2])[:, None]
    return np.where(rows == (0 if lower else ab.shape[-2] - 1), ab / 2, ab)


def _of_triangle(g, y, ab, b, lower=False, check_finite=False):
    s, width = symmetric_solve(ab, g, lower=lower), _width(ab, lower)
    return undo_broadcast(-_halved(band_outer(s, y, *width) + band_outer(y, s, *width), lower), ab.shape)


def _triangle_along(t, y, ab, b, lower=False, check_finite=False):
    t, width = _halved(t, lower), _width(ab, lower)
    return -symmetric_solve(ab, band_product(t, y, *width) + band_product(t, y, *width, trans=True), lower=lower)


symmetric_solve = Primitive(
    _solveh_banded,
    [
        _of_triangle,
        lambda g, y, ab, b, lower=False, check_finite=False: undo_broadcast(
            symmetric_solve(ab, g, lower=lower), b.shape
        ),
    ],
    "general",
    [
        _triangle_along,
        lambda t, y, ab, b, lower=False, check_finite=False: symmetric_solve(
            ab, np.broadcast_to(t, y.shape), lower=lower
        ),
    ],
    batch=trailing(2, 2),
)


# Cholesky's factor c: the diagonals of da are those of c dl^T + dl l^T, a map of dl that is triangular, column by
# column, with as many numbers as the bands have. It is solved, or its transpose is, as a sparse system.


@of_matrices
def _cholesky_banded(ab, check_finite=False):
    c = scipy.linalg.cholesky_banded(ab, lower=True, check_finite=check_finite)
    for d in range(1, len(c)):
        c[d, max(c.shape[1] - d, 0) :] = 0  # beyond the matrix
    return c


def _column_map(c):
    # Unknown (d, k) is number k * rows + d; equation (d, j) has unknowns of the columns k = j - e.
    (rows, n), data, where = c.shape, [], []
    for d in range(rows):
        j = np.arange(max(n - d, 0))
        for e in range(rows - d):
            k = j[e:] - e
            equation = j[e:] * rows + d
            data += [c[e, k], c[d + e, k]]
            where += [(equation, k * rows + d + e), (equation, k * rows + e)]
    beyond = np.concatenate([j * rows + d for d in range(rows) for j in [np.arange(max(n - d, 0), n)]])
    data, where = [*data, np.ones(len(beyond))], [*where, (beyond, beyond)]
    at = tuple(np.concatenate(part) for part in zip(*where, strict=True))
    return scipy.sparse.csc_array((np.concatenate(data), at), shape=(n * rows, n * rows))


@of_matrices
def _factor_solve(c, t, adjoint=False):
    rows, n = t.shape
    inside = np.arange(rows)[:, None] < n - np.arange(n)
    lu = scipy.sparse.linalg.splu(_column_map(c.astype(np.float64)), permc_spec="NATURAL", diag_pivot_thresh=0)
    x = lu.solve(np.where(inside, t, 0).astype(np.float64).T.ravel(), "T" if adjoint else "N")
    return np.where(inside, x.reshape(n, rows).T, 0)


def _of_factor(g, y, c, t, adjoint=False):
    s = factor_solve(c, g, adjoint=not adjoint)
    return undo_broadcast(-(symmetrised(y, s) if adjoint else symmetrised(s, y)), c.shape)


def _factor_along(t, y, c, _, adjoint=False):
    return -factor_solve(c, symmetrised(y, t) if adjoint else symmetric(t, y), adjoint=adjoint)


factor_solve = Primitive(
    _factor_solve,
    [_of_factor, lambda g, y, c, t, adjoint=False: undo_broadcast(factor_solve(c, g, adjoint=not adjoint), t.shape)],
    "general",
    [_factor_along, lambda t, y, c, _, adjoint=False: factor_solve(c, np.broadcast_to(t, y.shape), adjoint=adjoint)],
    batch=trailing(2, 2),
)
factor = Primitive(
    _cholesky_banded,
    [lambda g, y, ab, check_finite=False: factor_solve(y, g, adjoint=True)],
    "general",
    [lambda t, y, ab, check_finite=False: factor_solve(y, t)],
    batch=trailing(2),
)


def _flipped(ab, lower):
    # The store of the other triangle of a symmetric matrix; `lower` is the triangle that it has now.
    rows = ab.shape[-2]
    n = ab.shape[-1]
    parts = []
    for r in reversed(range(rows)):
        k = min(r if lower else rows - 1 - r, n)
        pad = np.zeros_like(ab[..., r, :k])
        parts.append(np.concatenate([pad, ab[..., r, : n - k]] if lower else [ab[..., r, k:], pad], axis=-1))
    return np.stack(parts, axis=-2)


def solve_banded(
    l_and_u: tuple[int, int],
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """The solution x of ``a @ x = b`` for a matrix with few diagonals.

    Parameters
    ----------
    l_and_u : (int, int)
        How many diagonals lie below and above the main one.
    ab : array (..., l + u + 1, n)
        The diagonals: ``ab[u + i - j, j] = a[i, j]``. Numbers outside of the matrix have the derivative 0.
    b : array (n,) or (..., n, k)
    overwrite_ab, overwrite_b : bool
        Taken, and without effect: arguments keep their values.
    check_finite : bool
        Whether numbers that are not finite are refused by ValueError.

    Raises
    ------
    LinAlgError
        If the matrix is singular.
    """
    (ab,), b, (lower, upper) = matrices("solve_banded", ab), array("solve_banded", b), map(int, l_and_u)
    if lower < 0 or upper < 0 or ab.shape[-2] != lower + upper + 1:
        raise ValueError(
            f"solve_banded with {lower} diagonals below and {upper} above takes {lower + upper + 1} rows of "
            f"diagonals; got an array of shape {ab.shape}"
        )
    check_rows("solve_banded", ab.shape[-1], b)
    return in_columns(lambda b: banded(ab, b, lower=lower, upper=upper, check_finite=check_finite), b)


def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    """The solution x of ``a @ x = b`` for a symmetric positive definite matrix with few diagonals.

    Parameters
    ----------
    ab : array (..., u + 1, n)
        The diagonals of one triangle: ``ab[u + i - j, j] = a[i, j]``, or ``ab[i - j, j]`` if `lower`. A number off the
        main diagonal stands for both of its places, and its derivative is the sum of both.
    b : array (n,) or (..., n, k)
    overwrite_ab, overwrite_b : bool
        As of `solve_banded`.
    lower : bool
        Whether `ab` holds the lower triangle.
    check_finite : bool
        As of `solve_banded`.

    Raises
    ------
    LinAlgError
        If the matrix is not positive definite.
    """
    (ab,), b = matrices("solveh_banded", ab), array("solveh_banded", b)
    check_rows("solveh_banded", ab.shape[-1], b)
    return in_columns(lambda b: symmetric_solve(ab, b, lower=bool(lower), check_finite=check_finite), b)


def cholesky_banded(ab: Any, overwrite_ab: bool = False, lower: bool = False, check_finite: bool = True) -> Any:
    """Cholesky's factor of a matrix as of `solveh_banded`, stored in the same way; zero outside of the matrix.

    A number off the main diagonal of `ab` stands for both of its places, and its derivative is the sum of both.

    Raises
    ------
    LinAlgError
        If the matrix is not positive definite.
    """
    (ab,) = matrices("cholesky_banded", ab)
    if lower:
        return factor(ab, check_finite=check_finite)
    return _flipped(factor(_flipped(ab, False), check_finite=check_finite), True)


def cho_solve_banded(
    cb_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """The solution x of ``a @ x = b``, given the pair of `cholesky_banded` of a and its `lower`."""
    cb, lower = cb_and_lower
    (cb,), b = matrices("cho_solve_banded", cb), array("cho_solve_banded", b)
    check_rows("cho_solve_banded", cb.shape[-1], b)
    width = dict(zip(("lower", "upper"), _width(cb, lower), strict=True))

    def solve(b):
        first = banded(cb, b, **width, trans=not lower, check_finite=check_finite)
        return banded(cb, first, **width, trans=bool(lower))

    return in_columns(solve, b)
