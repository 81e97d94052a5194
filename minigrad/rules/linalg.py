"""Linear algebra."""

import math

import numpy as np
from numpy.linalg import LinAlgError

from ..primitive import constant, general, multilinear, undo_broadcast

# Products


def _matmul(a, b):
    # The same product; np.dot needs a third of np.matmul's time to set up a small one.
    if a.ndim == 2 == b.ndim:
        return a.dot(b)
    if a.ndim > 2 == b.ndim:  # one product of many rows, instead of a stack of products
        return a.reshape(math.prod(a.shape[:-1]), a.shape[-1]).dot(b).reshape(*a.shape[:-1], b.shape[-1])
    return np.matmul(a, b)


# Two matrices of one type multiply by their own method, which is the shortest way; others meet in the primitive.


def _left(g, y, a, b):
    if a.ndim == 2 == b.ndim:
        return g.dot(b.T) if type(g) is type(b) else matmul(g, b.T)
    if b.ndim == 1:  # y = a @ b takes the inner product with b along the last axis of a
        return np.expand_dims(g, -1) * b
    if a.ndim == 1:
        return matmul(b, np.expand_dims(g, -1))[..., 0]
    return matmul(g, b.mT)


def _right(g, y, a, b):
    if a.ndim == 2 == b.ndim:
        return a.T.dot(g) if type(a) is type(g) else matmul(a.T, g)
    if a.ndim == 1:
        return a * g if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if b.ndim == 1:
        return matmul(np.expand_dims(g, -2), a)[..., 0, :]
    if b.ndim == 2 < a.ndim:  # one product sums over the stack, instead of a stack of products to be summed
        a, g = a.reshape(-1, a.shape[-1]), g.reshape(-1, g.shape[-1])
    return matmul(a.mT, g)


matmul = multilinear(np.matmul, _left, _right, compute=_matmul)


def affine(x, w, b):
    """``x @ w + b`` of a matrix w and a vector b, and of any x with rows in its last axis."""
    y = _matmul(x, w)
    if y.dtype != np.result_type(y, b):
        return y + b
    y += b
    return y


def _affine_shift(g, y, x, w, b):
    count = math.prod(g.shape[:-1])  # a product with ones adds up rows in half of np.sum's time
    return matmul(np.ones_like(g, shape=(1, count)), g.reshape(count, g.shape[-1])).reshape(g.shape[-1])


affine = general(
    affine,
    lambda g, y, x, w, b: _left(g, y, x, w),
    lambda g, y, x, w, b: _right(g, y, x, w),
    _affine_shift,
    forward=[
        lambda t, y, x, w, b: t @ w,
        lambda t, y, x, w, b: x @ t,
        lambda t, y, x, w, b: np.broadcast_to(t, y.shape),
    ],
)

multilinear(
    np.vecdot,
    lambda g, y, a, b, axis=-1: np.expand_dims(g, axis) * b,
    lambda g, y, a, b, axis=-1: np.expand_dims(g, axis) * a,
)
multilinear(  # a x b . g = b x g . a = g x a . b
    np.linalg.cross,
    lambda g, y, a, b, axis=-1: np.linalg.cross(b, g, axis=axis),
    lambda g, y, a, b, axis=-1: np.linalg.cross(g, a, axis=axis),
)


# Solving


def _named(name, function):
    """`function`, whose errors say that `name` needed it."""

    def call(x, *args):
        try:
            return function(x, *args)
        except LinAlgError as error:
            raise LinAlgError(f"the derivative of {name} of {x.shape}: {error}") from None

    return call


general(
    np.linalg.inv,
    lambda g, y, x: -(y.mT @ g @ y.mT),
    forward=[lambda t, y, x: -(y @ t @ y)],
)


def _solve(a, g, vector):
    # A single right-hand side is a vector, and one for each matrix of a stack a column: np.linalg.solve asks.
    return np.linalg.solve(a, g[..., None])[..., 0] if vector else np.linalg.solve(a, g)


def _solve_left(g, y, a, b):
    s = _solve(a.mT, g, b.ndim == 1)
    outer = s[..., :, None] * y[..., None, :] if b.ndim == 1 else s @ y.mT
    return undo_broadcast(-outer, a.shape)


general(
    np.linalg.solve,
    _solve_left,
    lambda g, y, a, b: undo_broadcast(_solve(a.mT, g, b.ndim == 1), b.shape),
    forward=[
        lambda t, y, a, b: -_solve(a, (t @ y[..., None])[..., 0] if b.ndim == 1 else t @ y, b.ndim == 1),
        lambda t, y, a, b: _solve(a, np.broadcast_to(t, y.shape), b.ndim == 1),
    ],
)

# Determinants: d det(x) = det(x) tr(inv(x) dx)

_inverse = _named("the determinant", np.linalg.inv)


def _over(g):
    return np.reshape(g, (*g.shape, 1, 1))


general(
    np.linalg.det,
    lambda g, y, x: _over(g * y) * _inverse(x).mT,
    forward=[lambda t, y, x: y * np.sum(_inverse(x).mT * t, axis=(-2, -1))],
)


def logabsdet(x):
    """The logarithm of the determinant's absolute value."""
    return np.linalg.slogdet(x)[1]


logabsdet = general(
    logabsdet,
    lambda g, y, x: _over(g) * _inverse(x).mT,
    forward=[lambda t, y, x: np.sum(_inverse(x).mT * t, axis=(-2, -1))],
)
# The Cholesky factor of a symmetric matrix, of which NumPy reads the lower triangle; the derivative is symmetric.
# I. Murray, Differentiation of the Cholesky decomposition (arXiv:1602.07527), equations 8 and 10.


def _half(x):
    return (np.tril(x) + np.tril(x, -1)) / 2


def _symmetric(x):
    return (x + x.mT) / 2


def _cholesky(g, y, x):
    inner = np.linalg.solve(y.mT, _half(y.mT @ g))
    return _symmetric(np.linalg.solve(y.mT, inner.mT).mT)


def _cholesky_forward(t, y, x):
    left = np.linalg.solve(y, _symmetric(t))
    return y @ _half(np.linalg.solve(y, left.mT).mT)


general(np.linalg.cholesky, _cholesky, forward=[_cholesky_forward])


# Norms. Those of singular values have U^T dx V on the diagonal for a derivative.


def singular_vectors(x):
    """The left and right singular vectors of matrices, the latter as rows. Their derivatives are not in here."""
    u, _, v = np.linalg.svd(x, full_matrices=False)
    return u, v


singular_vectors = general(singular_vectors, None, forward=[None])


def _svdvals(g, y, x):
    u, v = singular_vectors(x)
    return (u * g[..., None, :]) @ v


def _svdvals_forward(t, y, x):
    u, v = singular_vectors(x)
    return np.sum(u * (t @ v.mT), axis=-2)


general(np.linalg.svdvals, _svdvals, forward=[_svdvals_forward])


constant(np.linalg.matrix_rank, np.linalg.cond)
