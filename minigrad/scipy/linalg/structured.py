"""Matrices made of fewer numbers than they have places."""

from typing import Any

import numpy as np
import scipy.linalg

from ...core.engine import undo_broadcast
from ...core.primitive import Primitive
from ...rules.batching import trailing
from ..convolution import convolution
from ..operands import array, check_rows, in_columns, of_matrices


def block_diag(*arrs: Any) -> Any:
    """A matrix with the given matrices along its diagonal, and zeros elsewhere.

    Parameters
    ----------
    *arrs : arrays of two axes at most
        Numbers and arrays of one axis are matrices of one row.
    """
    blocks = [array("block_diag", x) for x in arrs] or [np.empty((1, 0))]
    for x in blocks:
        if x.ndim > 2:
            raise ValueError(f"block_diag takes arrays of two axes at most; got an array of shape {x.shape}")
    blocks = [x if x.ndim == 2 else np.reshape(x, (1, -1)) for x in blocks]
    width, column, rows = sum(x.shape[1] for x in blocks), 0, []
    for x in blocks:
        rows.append(np.pad(x, [(0, 0), (column, width - column - x.shape[1])]))
        column += x.shape[1]
    return np.concatenate(rows, axis=0)


def diagonals_of(taker: str, c: Any, r: Any) -> Any:
    """The numbers of Toeplitz matrices along the last row reversed and the first column: row i, column j has
    number ``i - j`` counted from that of the main diagonal.
    """
    c = array(taker, c)
    r = c if r is None else array(taker, r)
    for name, x in (("c", c), ("r", r)):
        if not x.ndim:
            raise ValueError(f"{taker} takes a first column and a first row; got the number {name}")
    stack = np.broadcast_shapes(c.shape[:-1], r.shape[:-1])
    c, r = (x if x.shape[:-1] == stack else np.broadcast_to(x, (*stack, x.shape[-1])) for x in (c, r))
    return np.concatenate([np.flip(r[..., 1:], -1), c], axis=-1)


def toeplitz(c: Any, r: Any = None) -> Any:
    """Matrices with constant diagonals, of shape (..., m, n).

    Parameters
    ----------
    c : array (..., m)
        First columns.
    r : array (..., n), optional
        First rows, whose first number is not read. By default `c`, which makes the matrix symmetric.
    """
    v, rows = diagonals_of("toeplitz", c, r), np.shape(c)[-1]
    columns = v.shape[-1] - rows + 1
    return v[..., np.arange(rows)[:, None] - np.arange(columns) + columns - 1]


# A product with a Toeplitz matrix is a convolution with its numbers, of which the part without edges counts. The
# transpose has the numbers in reverse.


@of_matrices
def _solve_toeplitz(v, b, check_finite=False):
    n = b.shape[0]
    row, column = v[0, n - 1 :: -1], v[0, n - 1 :]
    # SciPy 1.13 takes only arrays that could be written to.
    return scipy.linalg.solve_toeplitz((np.array(column), np.array(row)), np.array(b), check_finite=check_finite)


def _convolved(a, b, mode):
    return convolution(a, b, mode=mode, method="fft", axes=(a.ndim - 1,))


def _of_numbers(g, y, v, b, check_finite=False):
    s = toeplitz_solve(np.flip(v, -1), g)
    each = _convolved(s.mT, np.flip(y.mT, -1), "full")
    return undo_broadcast(-np.sum(each, axis=-2, keepdims=True), v.shape)


def _numbers_along(t, y, v, b, check_finite=False):
    return -toeplitz_solve(v, _convolved(np.broadcast_to(t, (*y.shape[:-2], 1, t.shape[-1])), y.mT, "valid").mT)


toeplitz_solve = Primitive(
    _solve_toeplitz,
    [
        _of_numbers,
        lambda g, y, v, b, check_finite=False: undo_broadcast(toeplitz_solve(np.flip(v, -1), g), b.shape),
    ],
    "general",
    [
        _numbers_along,
        lambda t, y, v, b, check_finite=False: toeplitz_solve(v, np.broadcast_to(t, y.shape)),
    ],
    batch=trailing(2, 2),
)


def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """The solution x of ``toeplitz(c, r) @ x = b``, by Levinson's recursion.

    Parameters
    ----------
    c_or_cr : array (..., n), or a pair of them
        The first columns, or first columns and first rows; see `toeplitz`.
    b : array (n,) or (..., n, k)
    check_finite : bool
        Whether numbers that are not finite are refused by ValueError.

    Raises
    ------
    LinAlgError
        If a leading part of the matrix is singular.
    """
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    v, b = diagonals_of("solve_toeplitz", c, r), array("solve_toeplitz", b)
    n = np.shape(c)[-1]
    if v.shape[-1] != 2 * n - 1:
        raise ValueError(
            f"solve_toeplitz takes a first row as long as the first column, of {n} numbers; got one of "
            f"{v.shape[-1] + 1 - n}"
        )
    check_rows("solve_toeplitz", n, b)
    return in_columns(lambda b: toeplitz_solve(v[..., None, :], b, check_finite=check_finite), b)
