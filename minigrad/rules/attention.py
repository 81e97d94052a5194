"""Attention: what each query takes of the values."""

import numpy as np

from ..primitive import general, multilinear
from .network import quiet


def row_products(a, b):
    """The inner product of each row of `a` with each row of `b`: ``a @ b.mT``, for stacks of matrices."""
    return a @ b.mT


row_products = multilinear(row_products, lambda g, y, a, b: g @ b, lambda g, y, a, b: g.mT @ a)


def attention_weights(scores, allowed=None):
    """Softmax over the last axis of the scores that are `allowed`; 0 for the others, and in a row that has none.

    `allowed` is true or false for each score, after broadcasting. A score of -inf is not allowed either.
    """
    if allowed is not None:
        scores = scores + np.where(allowed, 0.0, -np.inf).astype(scores.dtype)
    top = np.max(scores, axis=-1, keepdims=True)
    weights = scores - np.where(np.isinf(top), 0, top)  # -inf less -inf is not a number
    weights = quiet.copy().run(np.exp, weights)
    # A product with ones adds up short rows in a fifth of np.sum's time.
    total = weights @ np.ones_like(weights, shape=(weights.shape[-1], 1))
    total += total == 0
    weights /= total
    return weights


def _attention_weights(g, y, scores, allowed=None):  # the Jacobian diag(y) - y y^T is symmetric
    return y * (g - np.expand_dims(np.vecdot(g, y), -1))


attention_weights = general(attention_weights, _attention_weights, forward=[_attention_weights])
