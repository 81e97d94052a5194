"""Linear algebra."""

import math

import numpy as np
from numpy import ndarray
from numpy.linalg import LinAlgError

from ..core.engine import undo_broadcast
from ..core.foreign import is_sparse
from ..core.primitive import constant, general, multilinear
from .batching import beyond, one_by_one, rewritten, trailing, with_rank
from .reductions import products_of_others

# Products


class SparseFactor:
    """The product with a sparse matrix, on the left or on the right, as a function of dense arrays of any rank."""

    __slots__ = ("matrix", "on_left")
    __name__ = "sparse_factor"

    def __init__(self, matrix, on_left):
        self.matrix, self.on_left = matrix, on_left

    def __call__(self, x):
        if not self.on_left:
            y = self.matrix.T.dot(x.reshape(math.prod(x.shape[:-1]), x.shape[-1]).T).T
            return np.asarray(y).reshape(*x.shape[:-1], self.matrix.shape[1])
        if x.ndim < 3:
            return np.asarray(self.matrix.dot(x))
        columns = np.moveaxis(x, -2, 0)
        y = self.matrix.dot(columns.reshape(len(columns), math.prod(columns.shape[1:])))
        return np.moveaxis(y.reshape(self.matrix.shape[0], *columns.shape[1:]), 0, -2)


def sparse_product(a, b):
    """The product of a sparse matrix and an array, in either order, as a dense array."""
    on_left = is_sparse(type(a))
    times, x = (SparseFactor(a, True), b) if on_left else (SparseFactor(b, False), a)
    check_lengths(a, b)
    return times(x) if isinstance(x, ndarray) else x.__array_function__(times, (type(x),), (x,), {})


def check_lengths(a, b):
    """Refuse operands of a product that do not fit, or have no axes, as np.matmul does."""
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[0 if b.ndim == 1 else -2]:
        raise ValueError(
            "the last axis of the left operand is as long as the last but one of the right one, or its only one"
        )


def _matmul(a, b):
    # The same product; np.dot needs a third of np.matmul's time to set up a small one.
    if a.ndim == 2 == b.ndim and type(b) is ndarray:
        return a.dot(b)
    if (type(a) is not ndarray and is_sparse(type(a))) or (type(b) is not ndarray and is_sparse(type(b))):
        return sparse_product(a, b)
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
    return matmul(g, b.T if b.ndim == 2 else b.mT)


def _right(g, y, a, b):
    if a.ndim == 2 == b.ndim:
        return a.T.dot(g) if type(a) is type(g) else matmul(a.T, g)
    if a.ndim == 1:
        return a * g if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if b.ndim == 1:
        return matmul(np.expand_dims(g, -2), a)[..., 0, :]
    if b.ndim == 2 < a.ndim:  # one product sums over the stack, instead of a stack of products to be summed
        rows = math.prod(a.shape[:-1])
        a, g = a.reshape(rows, a.shape[-1]), g.reshape(rows, g.shape[-1])
    return matmul(a.T if a.ndim == 2 else a.mT, g)


def _batched_matmul(call):
    (a, b), (n, m) = call.operands, (call.rank(0), call.rank(1))
    if not n or not m:
        return one_by_one(call)  # which is refused
    if not call.own[1] and n and m in (1, 2):  # one product of the rows of all entries
        return call.result([a, b])
    if not call.own[0] and m == 1 and n in (1, 2):
        return call.result([b, a.T])
    a, b = np.expand_dims(a, -2) if n == 1 else a, np.expand_dims(b, -1) if m == 1 else b
    stack = max(n, m, 2)
    y = call.result([with_rank(a, stack) if call.own[0] else a, with_rank(b, stack) if call.own[1] else b])
    y = y[..., 0, :] if n == 1 else y
    return y[..., 0] if m == 1 else y


matmul = multilinear(np.matmul, _left, _right, compute=_matmul, batch=_batched_matmul, sparse="product")


def _core_axis_last(call, axis):
    # Operands with the axis that a function of vectors is along as their last, lined up.
    arrays = []
    for i, (x, own) in enumerate(zip(call.operands, call.own, strict=True)):
        x = np.moveaxis(x, beyond(axis, call.rank(i)) - (not own), -1)
        arrays.append(with_rank(x, max(call.rank(0), call.rank(1))) if own else x)
    return arrays


def _batched_cross(call):
    axis = call.option("axis", 2, -1)
    y = np.linalg.cross(*_core_axis_last(call, axis))
    return np.moveaxis(y, -1, beyond(axis, y.ndim - 1))


multilinear(
    np.vecdot,
    lambda g, y, a, b, axis=-1: np.expand_dims(g, axis) * b,
    lambda g, y, a, b, axis=-1: np.expand_dims(g, axis) * a,
    batch=lambda call: np.vecdot(*_core_axis_last(call, call.option("axis", 2, -1))),
)
multilinear(  # a x b . g = b x g . a = g x a . b
    np.linalg.cross,
    lambda g, y, a, b, axis=-1: np.linalg.cross(b, g, axis=axis),
    lambda g, y, a, b, axis=-1: np.linalg.cross(g, a, axis=axis),
    batch=_batched_cross,
)


# Solving


general(
    np.linalg.inv,
    lambda g, y, x: -(y.mT @ g @ y.mT),
    forward=[lambda t, y, x: -(y @ t @ y)],
    batch=trailing(2),
)


def _solve(a, g, vector):
    # A single right-hand side is a vector, and one for each matrix of a stack a column: np.linalg.solve asks.
    return np.linalg.solve(a, g[..., None])[..., 0] if vector else np.linalg.solve(a, g)


def _batched_solve(call):
    a, b = call.operands
    if not call.own[0] and call.rank(0) == 2 and call.rank(1) in (1, 2):  # one matrix, factored once
        columns = np.moveaxis(b, 0, -1)
        y = np.linalg.solve(a, np.reshape(columns, (columns.shape[0], -1)))
        return np.moveaxis(np.reshape(y, (y.shape[0], *columns.shape[1:])), -1, 0)
    if call.rank(1) == 1:
        return rewritten(lambda a, b: np.linalg.solve(a, np.expand_dims(b, -1))[..., 0])(call)
    return trailing(2, 2)(call)


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
    batch=_batched_solve,
)

# Determinants. The derivative of one is the matrix of cofactors, which are determinants in turn: together with their
# derivatives along directions they are closed under differentiation, at singular matrices as well.

CONDITION = 1e5  # up to which cofactors are a determinant times an inverse, for five digits less than all
ORDERS = 8  # of derivatives of the cofactors: an eighth one takes minutes for a matrix of eight rows


def cofactors(x, *directions):
    """The matrix of cofactors, or its derivative along all of the directions: n^3 steps for up to one, then n^5."""
    if len(directions) > 1:
        return _by_minors(x, directions)
    y = None if directions else _by_inverse(x)
    if y is not None:
        return y
    u, s, v = np.linalg.svd(x)
    sign = over(np.sign(np.linalg.det(u) * np.linalg.det(v)))
    if not directions:
        return sign * ((u * products_of_others(s)[..., None, :]) @ v)
    # Between the bases u and v, x is diagonal; here are the products of all singular values but for two.
    one = np.eye(s.shape[-1], dtype=x.dtype, like=x)
    but_two = products_of_others(np.where(one > 0, 1, s[..., None, :])) * (1 - one)
    t = u.mT @ directions[0] @ v.mT
    on_diagonal = but_two @ np.sum(t * one, axis=-1)[..., None]
    return sign * (u @ (one * on_diagonal - but_two * t.mT) @ v)


def _by_inverse(x):
    # In a tenth of the time, with errors of about the condition number: None where that is large or out of range.
    try:
        inverse, determinant = np.linalg.inv(x), np.linalg.det(x)
    except LinAlgError:
        return None
    condition = np.linalg.norm(x, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    size = np.abs(determinant)
    if np.any(condition > CONDITION) or np.any(size < np.finfo(x.dtype).tiny) or not np.all(np.isfinite(size)):
        return None
    return over(determinant) * inverse.mT


def _by_minors(x, directions):
    # Laplace's expansion: each cofactor is a determinant, whose derivative is a sum over its own cofactors.
    out, n = np.zeros_like(x), x.shape[-1]
    kept = np.arange(n - 1) + (np.arange(n - 1) >= np.arange(n)[:, None])  # in row i all but i
    for i in range(n):  # a row of minors at a time: all at once they take much memory
        first, minor, *rest = (a[..., kept[i][:, None], kept[:, None]] for a in (directions[0], x, *directions[1:]))
        out[..., i, :] = np.sum(first * cofactors(minor, *rest), axis=(-2, -1))
        out[..., i, 1 - i % 2 :: 2] *= -1
    return out


def _replaced(i):
    return lambda g, y, x, *directions: cofactors(x, *directions[:i], g, *directions[i + 1 :])


# All of these derivatives are symmetric, and so their own transposes.
ALONG = [lambda g, y, x, *directions: cofactors(x, *directions, g), *map(_replaced, range(ORDERS - 1))]
cofactors = general(cofactors, *ALONG, forward=ALONG, batch=trailing(2))


def over(g):
    """A number for each matrix of a stack, as a factor of matrices."""
    return np.reshape(g, (*g.shape, 1, 1))


general(
    np.linalg.det,
    lambda g, y, x: over(g) * cofactors(x),
    forward=[lambda t, y, x: np.sum(cofactors(x) * t, axis=(-2, -1))],
    batch=trailing(2),
)


def logabsdet(x):
    """The logarithm of the determinant's absolute value."""
    return np.linalg.slogdet(x)[1]


def _inverse(x):
    try:
        return np.linalg.inv(x)
    except LinAlgError as error:
        raise LinAlgError(f"slogdet of {x.shape} is -inf and has no derivative: {error}") from None


logabsdet = general(
    logabsdet,
    lambda g, y, x: over(g) * _inverse(x).mT,
    forward=[lambda t, y, x: np.sum(_inverse(x).mT * t, axis=(-2, -1))],
    batch=trailing(2),
)

constant(np.linalg.matrix_rank, batch=trailing(2))
