"""Singular values together with their vectors, and factors with orthonormal columns and triangular ones.

Several results are one array, so that a decomposition is made once and has one rule.
"""

import numpy as np
from numpy.linalg import LinAlgError

from ..core.door import plain, raise_if
from ..core.primitive import general
from .batching import trailing
from .decompositions import rounding
from .eigen import columns, determined, reciprocal, undetermined

# Columns that complete orthonormal ones to a basis are known up to a rotation among them. They move as little as they
# can, which is right for functions that do not ask which ones they are; a cotangent that asks is refused.


def _arbitrary():
    return LinAlgError(
        "the last columns of a full basis, by full_matrices=True or mode='complete', are not determined where there "
        "are several, and a function that depends on the choice has no derivative. Use np.linalg.svd(x, "
        "full_matrices=False) or np.linalg.qr(x), which leave them out"
    )


def _skew(a):
    return a - a.mT


def completed(g, q, k):
    """The cotangent of the first k columns of a basis, given that of all; the others follow them."""
    if q.shape[-1] == k:
        return g
    first, last, others = q[..., :k], q[..., k:], g[..., k:]
    turn = plain(last.mT @ others)
    size = np.max(np.abs(plain(others)), axis=(-2, -1), keepdims=True)
    raise_if(np.abs(_skew(turn)) > 256 * q.shape[-2] * np.finfo(q.dtype).eps * size, _arbitrary)
    return g[..., :k] - last @ (others.mT @ first)


def following(t, q, k):
    """The tangent of a basis, given that of its first k columns."""
    if q.shape[-1] == k:
        return t
    return np.concatenate([t, -q[..., :k] @ (t.mT @ q[..., k:])], axis=-1)


# J. Townsend, Differentiating the singular value decomposition (2016).


def _wide(a, n):
    # With columns of zeros, so that there are n.
    missing = n - a.shape[-1]
    return np.concatenate([a, np.zeros_like(a, shape=(*a.shape[:-1], missing))], axis=-1) if missing else a


def singular_triples(x, full):
    """The left singular vectors, which are columns, above a row of the singular values and the right vectors.

    The vectors of the shorter side are followed by columns of zeros where a full basis of the other one has more.
    """
    u, s, v = np.linalg.svd(x, full_matrices=full)
    n = max(u.shape[-1], v.shape[-2])
    return np.concatenate([_wide(u, n), _wide(columns(s), n), _wide(v.mT, n)], axis=-2)


def parts_of_triples(y, x, full):
    """The left vectors, the values and the right vectors, each without the zeros."""
    m, n = x.shape[-2:]
    k = min(m, n)
    return y[..., :m, : m if full else k], y[..., m, :k], y[..., m + 1 :, : n if full else k]


def _close(s, x):
    """Reciprocals of all differences of squares and of the values, and which have vectors that are not determined."""
    near = rounding(plain(s), x)
    differences = columns(s) - s[..., :, None]
    close, zero = np.abs(plain(differences)) <= near[..., None], plain(s) <= near
    squares = differences * (columns(s) + s[..., :, None])
    return reciprocal(squares, close), columns(reciprocal(s, zero)), (np.sum(close, axis=-1) > 1) | zero


def _triples(g, y, x, full):
    k = min(x.shape[-2:])
    u, s, v = parts_of_triples(y, x, full)
    gu, gs, gv = parts_of_triples(g, x, full)
    f, inverse, unknown = _close(s, x)
    gu, gv = determined(completed(gu, u, k), unknown), determined(completed(gv, v, k), unknown)
    u, v, s = u[..., :k], v[..., :k], columns(s)
    a, b = u.mT @ gu, v.mT @ gv
    inner = f * _skew(a) * s + s.mT * f * _skew(b)
    y = u @ (inner @ v.mT + gs[..., :, None] * v.mT)
    if x.shape[-2] > k:
        y = y + ((gu - u @ a) * inverse) @ v.mT
    return y + u @ ((gv - v @ b) * inverse).mT if x.shape[-1] > k else y


def _triples_forward(t, y, x, full):
    k = min(x.shape[-2:])
    all_u, s, all_v = parts_of_triples(y, x, full)
    f, inverse, unknown = _close(s, x)
    raise_if(unknown, undetermined)
    u, v, s = all_u[..., :k], all_v[..., :k], columns(s)
    tv, tu = t @ v, t.mT @ u
    c = u.mT @ tv
    du = u @ (f * (c * s + s.mT * c.mT)) + (tv - u @ c) * inverse
    dv = v @ (f * (s.mT * c + c.mT * s)) + (tu - v @ c.mT) * inverse
    ds = columns(np.diagonal(c, 0, -2, -1))
    n = y.shape[-1]
    parts = following(du, all_u, k), ds, following(dv, all_v, k)
    return np.concatenate([_wide(part, n) for part in parts], axis=-2)


singular_triples = general(singular_triples, _triples, forward=[_triples_forward], batch=trailing(2))


# S. F. Walter & L. Lehmann, Algorithmic differentiation of linear algebra functions (arXiv:1001.1654). Of a wide
# matrix the first square block decides on the factor q, and the rest of r is q^T times the other columns.


def orthogonal_triangular(x, mode):
    """The factor q of matrices, above the transposed triangular one."""
    q, r = np.linalg.qr(x, mode=mode)
    return np.concatenate([q, r.mT], axis=-2)


def _dependent():
    return LinAlgError(
        "qr has a derivative where the first columns, as many as there are rows or all, are linearly independent. "
        "Change the matrix a little, or use np.linalg.pinv or np.linalg.lstsq, which take any rank"
    )


def _factors(y, x):
    m, n = x.shape[-2:]
    k = min(m, n)
    q, r = y[..., :m, :], y[..., m:, :].mT[..., :k, :]
    sizes = np.abs(plain(np.diagonal(r, 0, -2, -1)))
    raise_if(sizes <= rounding(sizes, x), _dependent)
    return q, r[..., :k], k


def _qr(g, y, x, mode):
    all_q, r, k = _factors(y, x)
    m = x.shape[-2]
    gq, gr = completed(g[..., :m, :], all_q, k), g[..., m:, :].mT[..., :k, :]
    q, others = all_q[..., :k], x[..., k:]
    if others.shape[-1]:
        gq = gq + others @ gr[..., k:].mT
    inner = r @ gr[..., :k].mT - gq.mT @ q
    inner = np.tril(inner) + np.tril(inner, -1).mT
    first = np.linalg.solve(r, (gq + q @ inner).mT).mT
    return np.concatenate([first, q @ gr[..., k:]], axis=-1) if others.shape[-1] else first


def _qr_forward(t, y, x, mode):
    all_q, r, k = _factors(y, x)
    q = all_q[..., :k]
    a = np.linalg.solve(r.mT, t[..., :k].mT).mT
    c = q.mT @ a
    turn = _skew(np.tril(c, -1))
    dq = q @ turn + (a - q @ c)
    dr = np.concatenate([(c - turn) @ r, dq.mT @ x[..., k:] + q.mT @ t[..., k:]], axis=-1)
    return np.concatenate([following(dq, all_q, k), _wide(dr.mT, y.shape[-1])], axis=-2)


orthogonal_triangular = general(orthogonal_triangular, _qr, forward=[_qr_forward], batch=trailing(2))
