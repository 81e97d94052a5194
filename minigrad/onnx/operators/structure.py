"""Functions that move elements about: shapes, axes, joining, cutting, padding."""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.lib.stride_tricks import sliding_window_view

from ...core.primitive import REGISTRY
from ...rules import positions, structure
from ..graph import BOOL, Graph, code_of
from ..trace import TracedCall, no_counterpart
from .table import arguments, rewrites, translates


@translates(np.copy)
def copied(graph: Graph, call: TracedCall) -> str:
    """The same."""
    return graph("Identity", call.args[0])


@translates(np.ndarray.astype)
def astype(graph: Graph, call: TracedCall) -> str:
    """In another dtype."""
    return graph("Cast", call.args[0], to=code_of(call.value.dtype))


@translates(structure.reshape)
def reshape(graph: Graph, call: TracedCall) -> str:
    """In another shape; in the order of Fortran, as the reverse of the axes in the order of C."""
    _, order = arguments(call, shape=None, order="C")
    x, shape = call.args[0], call.value.shape
    if id(x) in graph.unstacked and shape == (1, *x.shape):
        graph.states[id(call.value)] = graph.unstacked[id(x)]
    if order == "F":
        back = graph.permuted(x, range(len(x.shape))[::-1])
        return graph.permuted(graph.reshape(back, shape[::-1]), range(len(shape))[::-1])
    return graph.reshape(x, shape)


@translates(np.transpose)
def transpose(graph: Graph, call: TracedCall) -> str:
    """With axes in another order."""
    (axes,) = arguments(call, axes=None)
    n = len(call.args[0].shape)
    return graph.permuted(call.args[0], range(n)[::-1] if axes is None else normalize_axis_tuple(axes, n))


@translates(np.matrix_transpose)
def matrix_transpose(graph: Graph, call: TracedCall) -> str:
    """With the last two axes exchanged."""
    n = call.value.ndim
    return graph.permuted(call.args[0], (*range(n - 2), n - 1, n - 2))


@translates(np.expand_dims)
def expand_dims(graph: Graph, call: TracedCall) -> str:
    """With axes of length 1."""
    (axis,) = arguments(call, axis=None)
    axes = normalize_axis_tuple(axis, call.value.ndim)
    return graph("Unsqueeze", call.args[0], graph.ints(axes))


@translates(np.squeeze)
def squeeze(graph: Graph, call: TracedCall) -> str:
    """Without axes of length 1."""
    (axis,) = arguments(call, axis=None)
    shape = call.args[0].shape
    axes = [i for i, n in enumerate(shape) if n == 1] if axis is None else normalize_axis_tuple(axis, len(shape))
    return graph("Squeeze", call.args[0], graph.ints(axes)) if axes else graph("Identity", call.args[0])


@translates(np.broadcast_to)
def broadcast_to(graph: Graph, call: TracedCall) -> str:
    """Stretched to a shape."""
    return graph("Expand", call.args[0], graph.ints(call.value.shape))


FARTHEST = 2**62


def sliced(graph: Graph, x: Any, slices: Any) -> str:
    """Slices along axes, given as (axis, start, stop, step) with None for what is left out."""
    if not slices:
        return x if isinstance(x, str) else graph.name(x)
    axes, starts, stops, steps = [], [], [], []
    for axis, start, stop, step in slices:
        step = 1 if step is None else step
        axes.append(axis)
        starts.append((0 if step > 0 else FARTHEST) if start is None else start)
        stops.append((FARTHEST if step > 0 else -FARTHEST) if stop is None else stop)
        steps.append(step)
    return graph("Slice", x, *(graph.ints(numbers) for numbers in (starts, stops, axes, steps)))


@translates(np.flip)
def flip(graph: Graph, call: TracedCall) -> str:
    """In the opposite order along axes."""
    (axis,) = arguments(call, axis=None)
    n = call.value.ndim
    axes = range(n) if axis is None else normalize_axis_tuple(axis, n)
    return sliced(graph, call.args[0], [(i, None, None, -1) for i in axes])


@rewrites(np.roll)
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """With the last elements first."""
    if axis is None:
        return np.reshape(roll(np.reshape(x, -1), shift, 0), x.shape)
    pairs = np.broadcast(shift, axis)
    for by, along in ((int(by), int(along)) for by, along in pairs):
        along, by = normalize_axis_index(along, x.ndim), by % max(x.shape[along], 1)
        before = (slice(None),) * along
        x = np.concatenate([x[*before, x.shape[along] - by :], x[*before, : x.shape[along] - by]], axis=along)
    return x


@rewrites(positions.repeated)
def repeated(x: Any, counts: Any, axis: int) -> Any:
    """Each slice several times."""
    if np.ndim(counts):
        return x[*(slice(None),) * axis, np.repeat(np.arange(x.shape[axis]), counts)]
    before, n, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    wide = np.broadcast_to(np.expand_dims(x, axis + 1), (*before, n, counts, *after))
    return np.reshape(wide, (*before, n * counts, *after))


@translates(np.tril, np.triu)
def triangle(graph: Graph, call: TracedCall) -> str:
    """One half of matrices."""
    (k,) = arguments(call, k=0)
    x = call.args[0]
    inside = np.dtype(np.int64) if x.dtype == BOOL else x.dtype  # as runtimes have no triangle of booleans
    half = graph("Trilu", graph.name(x, inside), np.int64(k), upper=int(call.primitive is REGISTRY[np.triu]))
    return half if inside == x.dtype else graph.cast(half, x.dtype)


@translates(np.concatenate, np.stack)
def joined(graph: Graph, call: TracedCall) -> str:
    """Arrays side by side, along an axis that they have or a new one."""
    (axis,) = arguments(call, axis=0)
    parts = [graph.name(x, call.value.dtype) for x in call.args[0]]
    if axis is None:
        parts, axis = [graph.reshape(part, (-1,)) for part in parts], 0
    axis = normalize_axis_index(axis, call.value.ndim)
    if call.primitive is REGISTRY[np.stack]:
        parts = [graph("Unsqueeze", part, graph.ints([axis])) for part in parts]
    return graph("Concat", *parts, axis=axis)


@translates(structure.padded)
def padded(graph: Graph, call: TracedCall) -> str:
    """With one number around."""
    x, widths, values = call.args
    numbers = {*np.asarray(values).reshape(-1).tolist()}
    if len(numbers) > 1:
        raise no_counterpart("pad", " with several constants")
    pairs = np.broadcast_to(widths, (call.value.ndim, 2))
    return graph("Pad", x, graph.ints(pairs.T), call.value.dtype.type(numbers.pop()))


@translates(sliding_window_view)
def windows(graph: Graph, call: TracedCall) -> str:
    """Views through a window, of which each is picked."""
    shape, axis = arguments(call, window_shape=None, axis=None)
    x = call.args[0]
    n, shape = len(x.shape), tuple(shape) if np.iterable(shape) else (shape,)
    axes = range(n) if axis is None else normalize_axis_tuple(axis, n, allow_duplicate=True)
    name, wide, lengths = graph.name(x), n, [*x.shape]
    for along, length in zip(axes, shape, strict=True):
        lengths[along] -= length - 1
        name = graph("Gather", name, np.arange(lengths[along])[:, None] + np.arange(length), axis=along)
        wide += 1
        name = graph.permuted(name, [*range(along + 1), *range(along + 2, wide), along + 1])
    return name
