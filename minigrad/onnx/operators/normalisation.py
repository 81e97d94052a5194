"""Normalisation: by rows as one operator, and by means and deviations."""

from typing import Any

import numpy as np

from ...nn.normalisation import batch, layer, moments
from ..graph import Graph
from ..trace import TracedCall
from .table import rewrites, translates


@translates(layer.normalised_rows)
def normalised_rows(graph: Graph, call: TracedCall) -> str:
    """Each row by itself, in single precision, as the operator computes; without a mean, by its root mean square."""
    (x, weight, bias), known = call.args
    dtype = call.value.dtype
    name, scale, shift = (graph.name(v, dtype) for v in (x, weight, bias))
    if known.centre and dtype == np.float32:
        return graph("LayerNormalization", name, scale, shift, axis=-1, epsilon=float(known.eps))
    axes = graph.ints([-1])
    name = graph("Sub", name, graph("ReduceMean", name, axes, keepdims=1)) if known.centre else name
    square = graph("ReduceMean", graph("Mul", name, name), axes, keepdims=1)
    root = graph("Sqrt", graph("Add", square, dtype.type(known.eps)))
    return graph("Add", graph("Mul", graph("Div", name, root), scale), shift)


def parts(x: Any, known: Any) -> tuple[Any, Any]:
    """Deviations from the mean, and one over their root mean square."""
    d = x - np.mean(x, axis=known.axes, keepdims=True) if known.centre else x
    return d, 1 / np.sqrt(np.mean(d * d, axis=known.axes, keepdims=True) + known.eps)


rewrites(moments.deviations)(lambda x, known: parts(x, known)[0])
rewrites(moments.inverse_root)(lambda x, known: parts(x, known)[1])


@rewrites(batch.normalised_channels)
def normalised_channels(arrays: Any, known: Any) -> Any:
    """Each channel by the numbers that it has in this batch."""
    x, weight, bias = arrays
    d, root = parts(x, known)
    beside = (lambda v: v) if x.ndim == 2 else (lambda v: np.reshape(v, (-1, 1)))
    return d * (root * beside(weight)) + beside(bias)
