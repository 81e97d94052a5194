"""Products of matrices that are stored by their diagonals: ``ab[upper + i - j, j] = a[i, j]``, as LAPACK does.

They are linear in each operand, and each is the transpose of others here, so the rules of banded systems are made of
them, at the cost of the bands alone.
"""

import numpy as np

from ...core.primitive import Primitive
from ...rules.batching import trailing
from ...rules.external import external


def diagonals(n, lower, upper):
    """For each row of a store: its number, and which rows i and columns j of the matrix it holds."""
    for r in range(lower + upper + 1):
        k = r - upper  # i - j
        yield r, slice(max(k, 0), max(n + min(k, 0), 0)), slice(max(-k, 0), max(n - max(k, 0), 0))


@external
def _band_product(ab, x, lower, upper, trans=False):
    stack = np.broadcast_shapes(ab.shape[:-2], x.shape[:-2])
    y = np.zeros((*stack, *x.shape[-2:]), np.result_type(ab, x))
    for r, i, j in diagonals(ab.shape[-1], lower, upper):
        to, of = (j, i) if trans else (i, j)
        y[..., to, :] += ab[..., r, j, None] * x[..., of, :]
    return y


@external
def _band_outer(p, q, lower, upper):
    stack, n = np.broadcast_shapes(p.shape[:-2], q.shape[:-2]), p.shape[-2]
    ab = np.zeros((*stack, lower + upper + 1, n), np.result_type(p, q))
    for r, i, j in diagonals(n, lower, upper):
        ab[..., r, j] = np.sum(p[..., i, :] * q[..., j, :], axis=-1)
    return ab


def _of_store(g, y, ab, x, lower, upper, trans=False):
    return band_outer(x, g, lower, upper) if trans else band_outer(g, x, lower, upper)


band_product = Primitive(  # a x, or a^T x
    _band_product,
    [
        _of_store,
        lambda g, y, ab, x, lower, upper, trans=False: band_product(ab, g, lower, upper, trans=not trans),
    ],
    "multilinear",
    batch=trailing(2, 2, 0, 0),
)
band_outer = Primitive(  # the store of p q^T
    _band_outer,
    [
        lambda g, y, p, q, lower, upper: band_product(g, q, lower, upper),
        lambda g, y, p, q, lower, upper: band_product(g, p, lower, upper, trans=True),
    ],
    "multilinear",
    batch=trailing(2, 2, 0, 0),
)


# Of lower triangular matrices, stored with upper = 0: the lower triangle's diagonals of c z^T + z c^T, and of
# (w + w^T) z. All stores are zero outside of the matrix. For a fixed operand the two maps are transposes of each other.


@external
def _symmetric(c, z):
    stack, (rows, n) = np.broadcast_shapes(c.shape[:-2], z.shape[:-2]), c.shape[-2:]
    y = np.zeros((*stack, rows, n), np.result_type(c, z))
    for d in range(rows):
        for e in range(rows - d):
            to, of = slice(e, None), slice(None, max(n - e, 0))  # column j of the result, and k = j - e of the factors
            y[..., d, to] += z[..., d + e, of] * c[..., e, of] + c[..., d + e, of] * z[..., e, of]
    return y


@external
def _symmetrised(w, z):
    stack, (rows, n) = np.broadcast_shapes(w.shape[:-2], z.shape[:-2]), w.shape[-2:]
    y = np.zeros((*stack, rows, n), np.result_type(w, z))
    for d in range(rows):
        for e in range(rows):
            least, most = min(d, e), max(d, e)
            j = slice(None, max(n - most, 0))
            term = w[..., most - least, least : least + max(n - most, 0)] * z[..., e, j]
            y[..., d, j] += 2 * term if d == e else term
    return y


symmetric = Primitive(
    _symmetric,
    [lambda g, y, c, z: symmetrised(g, z), lambda g, y, c, z: symmetrised(g, c)],
    "multilinear",
    batch=trailing(2, 2),
)
symmetrised = Primitive(
    _symmetrised,
    [lambda g, y, w, z: symmetric(z, g), lambda g, y, w, z: symmetrised(w, g)],
    "multilinear",
    batch=trailing(2, 2),
)
