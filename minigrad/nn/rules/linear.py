"""The affine map of a linear layer: a product, and a bias added in the product's own memory."""

import math

import numpy as np

from ...core.primitive import general
from ...rules.linalg import matmul


def affine(x, w, b):
    """``x @ w + b`` of a matrix w and a vector b, and of any x with rows in its last axis."""
    y = matmul.compute(x, w)
    if y.dtype != np.result_type(y, b):
        return y + b
    y += b
    return y


def _affine_shift(g, y, x, w, b):
    count = math.prod(g.shape[:-1])  # a product with ones adds up rows in half of np.sum's time
    return matmul(np.ones_like(g, shape=(1, count)), g.reshape(count, g.shape[-1])).reshape(g.shape[-1])


affine = general(
    affine,
    lambda g, y, x, w, b: matmul.rules[0](g, y, x, w),
    lambda g, y, x, w, b: matmul.rules[1](g, y, x, w),
    _affine_shift,
    forward=[
        lambda t, y, x, w, b: t @ w,
        lambda t, y, x, w, b: x @ t,
        lambda t, y, x, w, b: np.broadcast_to(t, y.shape),
    ],
)
