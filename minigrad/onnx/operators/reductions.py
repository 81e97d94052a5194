"""Functions that reduce axes to one number, keep partial results, or put numbers in order."""

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ...core.primitive import REGISTRY
from ...rules import network, reductions
from ..graph import WIDE, Graph
from ..trace import TracedCall
from .table import arguments, by_definition, primitive_of, rewrites, translates

REDUCED: dict[Any, str] = {np.sum: "ReduceSum", np.mean: "ReduceMean", np.prod: "ReduceProd"}
REDUCED |= {np.max: "ReduceMax", np.amax: "ReduceMax", np.min: "ReduceMin", np.amin: "ReduceMin"}
REDUCERS = {primitive_of(key): kind for key, kind in REDUCED.items()}


def axes_of(x: Any, axis: Any) -> list[int]:
    """The axes that a reduction is over, from 0 on."""
    n = len(x.shape)
    return [*range(n)] if axis is None else [*normalize_axis_tuple(axis, n)]


def reduced(graph: Graph, kind: str, x: str, axes: Any, keepdims: Any) -> str:
    """An operator that reduces axes; none, if there are none."""
    if not axes:
        return graph("Identity", x)
    return graph(kind, x, graph.ints(axes), keepdims=int(bool(keepdims)))


@translates(*REDUCED)
def reduction(graph: Graph, call: TracedCall) -> str:
    """A number for each part, in the dtype of the result."""
    if call.primitive is REGISTRY[np.prod] or "Sum" in REDUCERS[call.primitive] or "Mean" in REDUCERS[call.primitive]:
        axis, _, keepdims = arguments(call, axis=None, dtype=None, keepdims=False)
    else:
        axis, keepdims = arguments(call, axis=None, keepdims=False)
    x, dtype = call.args[0], call.value.dtype
    inside = dtype if dtype in WIDE else np.dtype(np.float32 if dtype == np.float16 else np.int64)
    y = reduced(graph, REDUCERS[call.primitive], graph.name(x, inside), axes_of(x, axis), keepdims)
    return y if inside == dtype else graph.cast(y, dtype)


@translates(np.any, np.all, np.count_nonzero)
def counted(graph: Graph, call: TracedCall) -> str:
    """Whether any or all are true, or how many."""
    axis, keepdims = arguments(call, axis=None, keepdims=False)
    kinds = {REGISTRY[np.any]: "ReduceMax", REGISTRY[np.all]: "ReduceMin"}
    truths = graph.cast(graph.name(call.args[0], bool), np.int64)
    y = reduced(graph, kinds.get(call.primitive, "ReduceSum"), truths, axes_of(call.args[0], axis), keepdims)
    return graph.cast(y, bool) if call.primitive in kinds else y


@translates(np.argmax, np.argmin)
def place(graph: Graph, call: TracedCall) -> str:
    """Where the first of the largest or smallest numbers is."""
    axis, keepdims = arguments(call, axis=None, keepdims=False)
    x, kind = call.args[0], "ArgMax" if call.primitive is REGISTRY[np.argmax] else "ArgMin"
    dtype = x.dtype if x.dtype in WIDE else np.dtype(np.float32 if x.dtype == np.float16 else np.int32)
    name = graph.name(x, dtype)
    if axis is None:
        first = graph(kind, graph.reshape(name, (-1,)), axis=0, keepdims=0)
        return graph.reshape(first, call.value.shape)
    return graph(kind, name, axis=normalize_axis_index(axis, len(x.shape)), keepdims=int(bool(keepdims)))


@rewrites(np.var)
def var(
    x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **more: Any
) -> Any:
    """The mean of squared deviations from the mean."""
    x = x.astype(np.float64) if x.dtype.kind in "biu" else x
    ddof = more.get("correction", ddof)
    d = x - np.mean(x, axis=axis, keepdims=True)
    if not ddof:
        return np.mean(d * d, axis=axis, keepdims=keepdims)
    count = math.prod(x.shape[i] for i in axes_of(x, axis))
    return np.sum(d * d, axis=axis, keepdims=keepdims) / (count - ddof)


rewrites(np.std)(lambda *args, **kwargs: np.sqrt(var(*args, **kwargs)))


@rewrites(reductions.power_norm)
def power_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    """``sum(abs(x) ** ord) ** (1 / ord)``, of numbers near 1, so that no power leaves the range of the dtype."""
    x = x.astype(np.float64) if x.dtype.kind != "f" else x
    size = np.max(np.abs(x), axis=axis, keepdims=True) if ord > 0 else np.min(np.abs(x), axis=axis, keepdims=True)
    factor = np.where((size == 0) | np.isinf(size), 1, size)
    scaled = np.abs(x) / factor
    if ord == 2:
        y = np.sqrt(np.sum(scaled * scaled, axis=axis, keepdims=True))
    else:
        y = np.power(np.sum(np.power(scaled, ord), axis=axis, keepdims=True), 1 / ord)
    y = y * factor
    return y if keepdims else np.squeeze(y, axis)


@translates(np.cumsum)
def cumsum(graph: Graph, call: TracedCall) -> str:
    """Partial sums."""
    axis, _ = arguments(call, axis=None, dtype=None)
    dtype = call.value.dtype
    name = graph.name(call.args[0], dtype)
    if axis is None:
        name, axis = graph.reshape(name, (-1,)), 0
    return graph("CumSum", name, np.int64(normalize_axis_index(axis, call.value.ndim)))


@rewrites(np.cumprod)
def cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Partial products, one after the other."""
    x = np.reshape(x, -1) if axis is None else x
    x, axis = x if dtype is None else x.astype(dtype), normalize_axis_index(axis or 0, x.ndim)
    parts = [np.take(x, 0, axis)]
    for i in range(1, x.shape[axis]):
        parts.append(parts[-1] * np.take(x, i, axis))
    return np.stack(parts, axis=axis)


@translates(np.sort, np.argsort, np.argpartition)
def in_order(graph: Graph, call: TracedCall) -> str:
    """Numbers in order, or where they are, which is a partition as well; of equal ones the first comes first."""
    if call.primitive is REGISTRY[np.argpartition]:
        _, axis = arguments(call, kth=None, axis=-1)
    else:
        axis, *_ = arguments(call, axis=-1, kind=None, order=None, stable=None)
    x = call.args[0]
    name, shape = graph.name(x), x.shape
    if axis is None:
        name, shape, axis = graph.reshape(name, (-1,)), call.value.shape, 0
    axis = normalize_axis_index(axis, len(shape))
    both = graph.several("TopK", 2, name, graph.ints([shape[axis]]), axis=axis, largest=0, sorted=1)
    return both[call.primitive is not REGISTRY[np.sort]]


# Softmax and its kin

by_definition(network.logsumexp, network.softmax_or_zero)


@translates(network.softmax, network.log_softmax)
def softmax(graph: Graph, call: TracedCall) -> str:
    """Shares along one axis, or several that are made one."""
    (axis,) = arguments(call, axis=-1)
    kind = "Softmax" if call.primitive is network.softmax else "LogSoftmax"
    n = call.value.ndim
    name = graph.name(call.args[0], call.value.dtype)
    if axis is not None and not isinstance(axis, tuple):
        return graph(kind, name, axis=normalize_axis_index(axis, n))
    axes = axes_of(call.args[0], axis)
    order = [*(i for i in range(n) if i not in axes), *axes]
    moved = graph.permuted(name, order)
    shape = [call.value.shape[i] for i in order]
    flat = graph.reshape(moved, [*shape[: n - len(axes)], math.prod(shape[n - len(axes) :])])
    return graph.permuted(graph.reshape(graph(kind, flat, axis=-1), shape), np.argsort(order))
