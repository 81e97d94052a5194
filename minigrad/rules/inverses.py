"""Inverses of matrices of any shape and rank: pseudo-inverses, and solutions by least squares."""

import numpy as np

from ..core.door import plain
from ..core.primitive import general
from .batching import trailing
from .decompositions import spectral, symmetric, values_along

# The rank is taken to stay what it is, as it does near a matrix of full rank.
# G. H. Golub & V. Pereyra, The differentiation of pseudo-inverses (1973), equation 4.12.


def pseudo_inverse(x, rcond, hermitian):
    """The pseudo-inverse of matrices, without singular values up to `rcond` times the largest."""
    return np.linalg.pinv(x, rcond=rcond, hermitian=hermitian)


def _from_lower(x):
    return np.tril(x) + np.tril(x, -1).mT


def _pinv(g, y, x, rcond, hermitian):
    if hermitian:
        return symmetric(_pinv(g, y, _from_lower(x), rcond, False))
    p, gt = y.mT, g.mT
    left, right = gt @ y @ p, p @ (y @ gt)
    return left - x @ (y @ left) + right - (right @ y) @ x - p @ g @ p


def _pinv_forward(t, y, x, rcond, hermitian):
    if hermitian:
        return _pinv_forward(symmetric(t), y, _from_lower(x), rcond, False)
    p, tt = y.mT, t.mT
    left, right = y @ p @ tt, tt @ (p @ y)
    return left - (left @ x) @ y + right - y @ (x @ right) - y @ t @ y


pseudo_inverse = general(pseudo_inverse, _pinv, forward=[_pinv_forward], batch=trailing(2))


def least_squares(a, b, rcond):
    """The shortest of the solutions, row by row, the sums of squares they leave, the rank and the singular values."""
    x, left, rank, s = np.linalg.lstsq(a, b, rcond=rcond)
    left = left if left.size else np.zeros_like(x, shape=x.shape[1:])
    return np.concatenate([np.reshape(x, -1), left, np.full_like(x, rank, shape=(1,)), s])


def parts_of_solution(y, a, b):
    """The solutions, the sums of squares, the rank and the singular values."""
    n, k = a.shape[1], b.shape[1]
    return np.reshape(y[: n * k], (n, k)), y[n * k : n * k + k], y[n * k + k], y[n * k + k + 1 :]


def _by_matrix(g, y, a, b, rcond):
    gx, gr, _, gs = parts_of_solution(g, a, b)
    x, p = parts_of_solution(y, a, b)[0], np.linalg.pinv(a, rcond=rcond)
    r, right = b - a @ x, (p.mT @ x) @ gx.mT
    return r @ (gx.mT @ p @ p.mT) + right - (right @ p) @ a - (p.mT @ gx + 2 * r * gr) @ x.mT + spectral(gs, a)


def _by_right_side(g, y, a, b, rcond):
    gx, gr, _, _ = parts_of_solution(g, a, b)
    x = parts_of_solution(y, a, b)[0]
    return np.linalg.pinv(a, rcond=rcond).mT @ gx + 2 * (b - a @ x) * gr


def _joined(dx, dr, ds):
    return np.concatenate([np.reshape(dx, -1), dr, np.zeros_like(ds, shape=(1,)), ds])


def _left_over(y, a, b, change):
    # The sums of squares are given only where the columns are independent, and fewer than the rows.
    x, _, rank, _ = parts_of_solution(y, a, b)
    given = (plain(rank) == a.shape[1]) & (a.shape[0] > a.shape[1])
    return np.where(given, 2 * np.sum((b - a @ x) * change, axis=0), 0)


def _along_matrix(t, y, a, b, rcond):
    x, p = parts_of_solution(y, a, b)[0], np.linalg.pinv(a, rcond=rcond)
    r, change, right = b - a @ x, -(t @ x), t.mT @ (p.mT @ x)
    dx = p @ change + p @ (p.mT @ (t.mT @ r)) + right - p @ (a @ right)
    return _joined(dx, _left_over(y, a, b, change), values_along(t, a))


def _along_right_side(t, y, a, b, rcond):
    s = parts_of_solution(y, a, b)[3]
    return _joined(np.linalg.pinv(a, rcond=rcond) @ t, _left_over(y, a, b, t), np.zeros_like(s))


least_squares = general(least_squares, _by_matrix, _by_right_side, forward=[_along_matrix, _along_right_side])
