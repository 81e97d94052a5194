"""Decompositions of matrices: Cholesky's, singular values with their vectors, the polar one."""

import numpy as np
from numpy.linalg import LinAlgError

from ..core.door import plain, raise_if, unwrap
from ..core.primitive import general
from .batching import trailing
from .linalg import over

# The Cholesky factor of a symmetric matrix, of which NumPy reads one triangle; the derivative is symmetric.
# I. Murray, Differentiation of the Cholesky decomposition (arXiv:1602.07527), equations 8 and 10.


def _half(x):
    return (np.tril(x) + np.tril(x, -1)) / 2


def symmetric(x):
    return (x + x.mT) / 2


def _cholesky(g, y, x, upper=False):
    if upper:
        return _cholesky(g.mT, y.mT, x)
    inner = np.linalg.solve(y.mT, _half(y.mT @ g))
    return symmetric(np.linalg.solve(y.mT, inner.mT).mT)


def _cholesky_forward(t, y, x, upper=False):
    if upper:
        return _cholesky_forward(t, y.mT, x).mT
    left = np.linalg.solve(y, symmetric(t))
    return y @ _half(np.linalg.solve(y, left.mT).mT)


general(np.linalg.cholesky, _cholesky, forward=[_cholesky_forward], batch=trailing(2))


# Singular vectors, which have a derivative where no two values coincide and none is 0.
# J. Townsend, Differentiating the singular value decomposition (2016).


def singular_vectors(x):
    """The left singular vectors of matrices as columns, above the right ones."""
    u, _, v = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, v.mT], axis=-2)


def _projections(w, x):
    u, v = w[..., : x.shape[-2], :], w[..., x.shape[-2] :, :]
    return u, v, np.sum(u * (x @ v), axis=-2)


def rounding(s, x):
    # The precision of singular values: some units in the last place of the largest.
    return 64 * max(x.shape[-2:]) * np.finfo(s.dtype).eps * np.max(s, axis=-1, keepdims=True, initial=0)


def _coincidence():
    return LinAlgError(
        "singular values that coincide, or are 0, have no second derivative one by one. Use np.linalg.matrix_norm for "
        "the largest (ord=2), the sum (ord='nuc') or the root of the sum of squares (ord='fro'), or change the matrix "
        "a little so that the values differ"
    )


def _refuse_coincidence(s, x):
    s = plain(s)
    raise_if(np.concatenate([s[..., :-1] - s[..., 1:], s[..., -1:]], axis=-1) <= rounding(s, x), _coincidence)


def _decomposed(y, x):
    u, v, s = _projections(y, x)
    _refuse_coincidence(s, x)
    s = s[..., None, :]
    differences = (s - s.mT) * (s + s.mT)
    return u, v, s, np.where(differences == 0, 0, 1 / np.where(differences == 0, 1, differences))


def _vectors(g, y, x):
    u, v, s, f = _decomposed(y, x)
    gu, gv = g[..., : x.shape[-2], :], g[..., x.shape[-2] :, :]
    a, b = u.mT @ gu, v.mT @ gv
    inner = symmetric(f * a) * (2 * s) + s.mT * symmetric(f * b) * 2
    return (u @ inner + (gu - u @ a) / s) @ v.mT + u @ ((gv - v @ b) / s).mT


def _vectors_forward(t, y, x):
    u, v, s, f = _decomposed(y, x)
    c = u.mT @ t @ v
    du = u @ (f * (c * s + s.mT * c.mT)) + (t @ v - u @ c) / s
    dv = v @ (f * (s.mT * c + c.mT * s)) + (t.mT @ u - v @ c.mT) / s
    return np.concatenate([du, dv], axis=-2)


singular_vectors = general(singular_vectors, _vectors, forward=[_vectors_forward], batch=trailing(2))

# A function with the gradient g by the singular values has U diag(g) V^T by the matrix. The derivative of that divides
# differences of g by those of the values (A. S. Lewis & H. S. Sendov, Twice differentiable spectral functions, 2001,
# for eigenvalues). Where two values coincide, the limit is a derivative of g, which no rule knows: it is 0 if g does
# not depend on the matrix, and refused if it does.


def spectral(g, x):
    """Matrices with the singular vectors of `x`, and `g` in place of the singular values."""
    u, _, v = np.linalg.svd(x, full_matrices=False)
    return (u * g[..., None, :]) @ v


def values_along(t, x):
    u, v, _ = _projections(singular_vectors(x), x)
    return np.sum(u * (t @ v), axis=-2)


def _quotient(a, b, near):
    # a / b, and 0 where a is 0 and b is 0 but for rounding.
    is_zero = np.abs(plain(b)) <= near
    raise_if(is_zero & (plain(a) != 0), _coincidence)
    return np.where(is_zero, 0, a / np.where(is_zero, 1, b))


def _spectral_along(t, y, g, x):  # a symmetric map, so that it is its own transpose
    u, v, s = _projections(singular_vectors(x), x)
    c, near = u.mT @ t @ v, rounding(plain(s), x)
    outer = _quotient(g, s, near)[..., None, :]  # for what lies outside the span of the vectors
    g, s, near = g[..., None, :], s[..., None, :], near[..., None]
    even = _quotient(g - g.mT, s - s.mT, near) * symmetric(c)
    odd = _quotient(g + g.mT, s + s.mT, near) * (c - c.mT) / 2
    inner = u @ (even + odd) + (t @ v - u @ c) * outer
    return inner @ v.mT + (u * outer) @ (t.mT @ u - v @ c.mT).mT


def _by_values(g, y, x, values):
    _refuse_coincidence(_projections(singular_vectors(x), x)[2], x)
    return values(g, x)


spectral = general(
    spectral,
    lambda t, y, g, x: _by_values(t, y, x, values_along),
    _spectral_along,
    forward=[lambda t, y, g, x: _by_values(t, y, x, spectral), _spectral_along],
    batch=trailing(1, 2),
)
general(
    np.linalg.svdvals,
    lambda g, y, x: spectral(g, x),
    forward=[lambda t, y, x: values_along(t, x)],
    batch=trailing(2),
)


# The largest and the smallest value, whose derivatives ask only that the others differ from it.


def extreme_singular_value(x, largest):
    """The largest singular value of matrices, or the smallest."""
    return (np.max if largest else np.min)(np.linalg.svdvals(x), axis=-1)


def extreme_pair(x, largest):
    """The gradient of the largest or smallest singular value; the mean of those of all that attain it."""
    s = np.linalg.svdvals(x)
    attained = (s == (np.max if largest else np.min)(s, axis=-1, keepdims=True)).astype(s.dtype)
    return spectral(attained / np.sum(attained, axis=-1, keepdims=True), x)


def _extreme_along(t, y, x, largest):
    only = np.zeros_like(unwrap(x), shape=(*x.shape[:-2], min(x.shape[-2:])))
    only[..., 0 if largest else -1] = 1
    return _spectral_along(t, y, only, x)


extreme_pair = general(extreme_pair, _extreme_along, forward=[_extreme_along], batch=trailing(2))
extreme_singular_value = general(
    extreme_singular_value,
    lambda g, y, x, largest: over(g) * extreme_pair(x, largest),
    forward=[lambda t, y, x, largest: np.sum(extreme_pair(x, largest) * t, axis=(-2, -1))],
    batch=trailing(2),
)


# Their sum, the nuclear norm, has a derivative of every order where none is 0, also where some are equal. The first is
# q of the polar decomposition x = q p; its own one has a solution z of p z + z p = a.


def nuclear_norm(x):
    """The sum of the singular values of matrices."""
    return np.sum(np.linalg.svdvals(x), axis=-1)


def polar(x):
    """The factor with orthonormal columns, or rows, in the polar decomposition of matrices."""
    u, _, v = np.linalg.svd(x, full_matrices=False)
    return u @ v


def sylvester(p, a):
    """The solution of ``p @ z + z @ p = a``, for a symmetric positive definite p."""
    w, v = np.linalg.eigh(p)
    raise_if(w <= rounding(w, p), _no_polar)
    return v @ ((v.mT @ a @ v) / (w[..., None, :] + w[..., :, None])) @ v.mT


def _no_polar():
    return LinAlgError(
        "the nuclear norm, the sum of the singular values, has no second derivative where one of them is 0. Change the "
        "matrix a little so that it has full rank"
    )


def _polar(t, q, x):  # a symmetric map, so that it is its own transpose
    if x.shape[-2] < x.shape[-1]:
        return _polar(t.mT, q.mT, x.mT).mT
    p, a = symmetric(q.mT @ x), q.mT @ t
    z = q @ sylvester(p, a - a.mT)
    return z if x.shape[-2] == x.shape[-1] else z + np.linalg.solve(p, (t - q @ a).mT).mT


def _sylvester(g, z, p, a):
    s = sylvester(p, g)
    return symmetric(-(s @ z.mT + z.mT @ s))


def _right_side(g, z, p, a):
    return sylvester(p, g)


def _sylvester_forward(t, z, p, a):
    t = symmetric(t)
    return -sylvester(p, t @ z + z @ t)


nuclear_norm = general(
    nuclear_norm,
    lambda g, y, x: over(g) * polar(x),
    forward=[lambda t, y, x: np.sum(polar(x) * t, axis=(-2, -1))],
    batch=trailing(2),
)
polar = general(polar, _polar, forward=[_polar], batch=trailing(2))
sylvester = general(sylvester, _sylvester, _right_side, forward=[_sylvester_forward, _right_side], batch=trailing(2, 2))
