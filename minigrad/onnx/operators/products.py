"""Products of matrices, affine maps, and attention."""

from typing import Any

import numpy as np

from ...composed import linalg as composed
from ...nn import linear, rotary
from ...nn.attention import attention_weights
from ...rules import linalg, network
from ..graph import Graph, is_constant
from ..trace import TracedCall
from .table import arguments, by_definition, rewrites, translates

by_definition(rotary.turned)


@translates(np.matmul)
def matmul(graph: Graph, call: TracedCall) -> str:
    """A product of matrices, as NumPy's."""
    arguments(call, other=None)
    return graph("MatMul", *(graph.name(x, call.value.dtype) for x in call.args))


@translates(linear.affine)
def affine(graph: Graph, call: TracedCall) -> str:
    """A product and a sum, which are one operator for matrices."""
    x, w, b = (graph.name(x, call.value.dtype) for x in call.args)
    if call.value.ndim == 2:
        return graph("Gemm", x, w, b)
    return graph("Add", graph("MatMul", x, w), b)


rewrites(np.vecdot)(lambda a, b, axis=-1: np.sum(a * b, axis=axis))


@rewrites(np.linalg.cross)
def cross(a: Any, b: Any, axis: int = -1) -> Any:
    """Of vectors in space."""
    (a0, a1, a2), (b0, b1, b2) = ([np.take(x, i, axis) for i in range(3)] for x in (a, b))
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=axis)


@translates(np.linalg.det)
def det(graph: Graph, call: TracedCall) -> str:
    """The determinant of matrices."""
    return graph("Det", graph.name(call.args[0], call.value.dtype))


rewrites(linalg.logabsdet)(lambda a: np.log(np.abs(np.linalg.det(a))))
rewrites(composed.sign_of_det)(lambda a: np.sign(np.linalg.det(a)))


@rewrites(attention_weights)
def weights(arrays: Any, allowed: Any = None, scale: float = 1.0) -> Any:
    """Softmax of scores; a row that may look at no key has zeros, so with masks it is written out."""
    q, k, *bias = arrays
    if not k.shape[-2] or bias or (allowed is not None and not always_some(allowed)):
        return attention_weights.__dict__["__wrapped__"](arrays, allowed, scale)
    scores = (q * scale) @ np.matrix_transpose(k)
    if allowed is not None:
        scores = scores + np.where(allowed, 0.0, -np.inf).astype(scores.dtype)
    return network.softmax(scores)


def always_some(allowed: Any) -> bool:
    """Whether a mask is known, and has a key for each query."""
    return is_constant(allowed) and bool(np.all(np.any(allowed, axis=-1)))
