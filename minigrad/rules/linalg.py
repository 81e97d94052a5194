"""Linear algebra."""

import numpy as np

from ..primitive import multilinear


def _matmul(a, b):
    # The same product; np.dot needs a third of np.matmul's time to set up a small one.
    return a.dot(b) if a.ndim == 2 == b.ndim else np.matmul(a, b)


def _left(g, y, a, b):
    if a.ndim == 2 == b.ndim:
        return g.dot(b.T)
    if b.ndim == 1:  # y = a @ b takes the inner product with b along the last axis of a
        return np.expand_dims(g, -1) * b
    if a.ndim == 1:
        return matmul(b, np.expand_dims(g, -1))[..., 0]
    return matmul(g, b.mT)


def _right(g, y, a, b):
    if a.ndim == 2 == b.ndim:
        return a.T.dot(g)
    if a.ndim == 1:
        return a * g if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if b.ndim == 1:
        return matmul(np.expand_dims(g, -2), a)[..., 0, :]
    if b.ndim == 2 < a.ndim:  # one product sums over the stack, instead of a stack of products to be summed
        a, g = a.reshape(-1, a.shape[-1]), g.reshape(-1, g.shape[-1])
    return matmul(a.mT, g)


matmul = multilinear(np.matmul, _left, _right, compute=_matmul)
