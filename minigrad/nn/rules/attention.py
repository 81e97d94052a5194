"""Attention: how much each query takes of each value."""

import numpy as np

from ...core.engine import undo_broadcast
from ...core.primitive import general
from ...rules.network import quiet


def attention_weights(arrays, allowed=None, scale=1.0):
    """Softmax over the last axis of the scores ``scale * q @ k.mT + bias``; `arrays` are q, k and, if any, the bias.

    `allowed` is true or false for each score, after broadcasting. A score that is not allowed, or -inf, gets 0; and
    so do all scores of a row that has no other.
    """
    q, k, *bias = arrays
    weights = (q * scale) @ k.mT
    if bias:
        weights = weights + bias[0]
    if allowed is not None:
        weights += np.where(allowed, 0.0, -np.inf).astype(weights.dtype)
    top = np.max(weights, axis=-1, keepdims=True)
    weights -= np.where(np.isinf(top), 0, top)  # -inf less -inf is not a number
    weights = quiet.copy().run(np.exp, weights)
    # A product with ones adds up short rows in a fifth of np.sum's time.
    total = weights @ np.ones_like(weights, shape=(weights.shape[-1], 1))
    total += total == 0
    weights /= total
    return weights


def _softmax(t, y):  # its Jacobian, diag(y) - y y^T, is symmetric
    return y * (t - np.expand_dims(np.vecdot(t, y), -1))


def _attention_weights(g, y, arrays, allowed=None, scale=1.0):
    q, k, *bias = arrays
    g = _softmax(g, y)
    gq, gk = undo_broadcast(g @ k, q.shape), undo_broadcast(g.mT @ q, k.shape)
    return [gq * scale, gk * scale, *(undo_broadcast(g, x.shape) for x in bias)]


def _attention_weights_forward(tangents, y, arrays, allowed=None, scale=1.0):
    (tq, tk, *bias), (q, k, *_) = tangents, arrays
    t = (tq @ k.mT + q @ tk.mT) * scale
    return _softmax(t + bias[0] if bias else t, y)


attention_weights = general(attention_weights, _attention_weights, forward=[_attention_weights_forward], sequence=True)
