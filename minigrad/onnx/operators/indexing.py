"""Picking elements by index or positions, and putting them in."""

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ...core.door import Watched, unwrap
from ...rules import indexing
from ...rules.indices import adjacent, is_number, picks_positions
from ..graph import BOOL, Graph
from ..trace import TracedCall, TracedValue, no_counterpart
from .structure import FARTHEST, sliced
from .table import arguments, translates


def spread_out(index: Any, shape: Any) -> list[Any]:
    """The parts of an index: slices in place of an ellipsis and of axes that are not named; positions for masks."""
    parts: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        part = unwrap(part) if isinstance(part, Watched) else part
        part = np.asarray(part, None if part else int) if isinstance(part, list) else part
        if getattr(part, "dtype", None) == BOOL and part.ndim:
            if isinstance(part, TracedValue):
                raise no_counterpart("picking by a mask", ", of elements whose number is not known,")
            parts += np.nonzero(part)
        elif isinstance(part, bool | np.bool_):
            raise no_counterpart("an index of True or False")
        else:
            parts.append(part)
    named = sum(part is not None and part is not Ellipsis for part in parts)
    place = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    return [*parts[:place], *[slice(None)] * (len(shape) - named), *parts[place + 1 :]]


def picks(part: Any) -> bool:
    """Whether a part of an index picks by positions."""
    return isinstance(part, TracedValue) or picks_positions(part)


@translates(indexing.getitem)
def getitem(graph: Graph, call: TracedCall) -> str:
    """``x[index]``: slices and numbers first, then positions."""
    x, index = call.args
    if id(x) in graph.states and (state := state_at(graph.states[id(x)], index)):
        return state
    parts = spread_out(index, x.shape)
    positions = any(map(picks, parts))
    slices, numbers, axis = [], [], 0
    for part in parts:
        if isinstance(part, slice) and part != slice(None):
            slices.append((axis, part.start, part.stop, part.step))
        elif not positions and is_number(part):
            number = int(part)
            slices.append((axis, number, number + 1 if number != -1 else None, 1))
            numbers.append(axis)
        axis += part is not None
    name = sliced(graph, x, slices)
    if positions:
        return picked(graph, name, parts, call)
    name = graph("Squeeze", name, graph.ints(numbers)) if numbers else name
    new = [i for i, part in enumerate(p for p in parts if not is_number(p)) if part is None]
    return graph("Unsqueeze", name, graph.ints(new)) if new else name


def state_at(states: list[tuple[str, str]], index: Any) -> str:
    """The states of a kind after the initial one, or the last; "" if the index is of others."""
    if not isinstance(index, tuple) or len(index) != 2 or not is_number(index[0]):
        return ""
    every, last = states[index[0]]
    return last if is_number(index[1]) and index[1] == -1 else every if index[1] == slice(1, None) else ""


def picked(graph: Graph, name: str, parts: list[Any], call: TracedCall) -> str:
    """The elements at positions along some axes, the slices being done."""
    picking = [picks(part) or is_number(part) for part in parts]
    at = picking.index(True) if adjacent(picking) else 0
    kept = [part for part in parts if part is not None]
    axes = [i for i, part in enumerate(kept) if picks(part) or is_number(part)]
    arrays = [kept[i] for i in axes]
    count = max(len(np.shape(x)) if not isinstance(x, TracedValue) else x.ndim for x in arrays)
    at -= sum(part is None for part in parts[:at])
    if len(axes) == 1:
        name = graph("Gather", name, position(graph, arrays[0]), axis=axes[0])
    else:
        rest = [i for i in range(len(kept)) if i not in axes]
        index = graph("Concat", *(lined_up(graph, x, arrays) for x in arrays), axis=-1)
        name = graph("GatherND", graph.permuted(name, [*axes, *rest]), index)
        made = [*range(count)]
        order = [*range(count, count + at), *made, *range(count + at, count + len(rest))]
        name = graph.permuted(name, order)
    result = [None if part is None else part for part in parts if part is None or isinstance(part, slice)]
    before = sum(part is None or isinstance(part, slice) for part in parts[: picking.index(True)])
    place = before if adjacent(picking) else 0
    spots = [*result[:place], *[slice(None)] * count, *result[place:]]
    new = [i for i, part in enumerate(spots) if part is None]
    return graph("Unsqueeze", name, graph.ints(new)) if new else name


def position(graph: Graph, x: Any) -> str:
    """Positions in the dtype that ONNX has for them."""
    return graph.name(x, np.int64)


def lined_up(graph: Graph, x: Any, others: list[Any]) -> str:
    """Positions in the shape of all of them together, with an axis at the end for each."""
    shape = np.broadcast_shapes(
        *(other.shape if isinstance(other, TracedValue) else np.shape(other) for other in others)
    )
    own = x.shape if isinstance(x, TracedValue) else np.shape(x)
    name = position(graph, x)
    name = name if own == shape else graph("Expand", name, graph.ints(shape))
    return graph("Unsqueeze", name, graph.ints([-1]))


@translates(np.take)
def take(graph: Graph, call: TracedCall) -> str:
    """The elements at positions along an axis."""
    indices, axis, _, mode = arguments(call, indices=None, axis=None, out=None, mode="raise")
    x = call.args[0]
    name, n = graph.name(x), math.prod(x.shape)
    if axis is None:
        name, axis = graph.reshape(name, (-1,)), 0
    else:
        axis = normalize_axis_index(axis, len(x.shape))
        n = x.shape[axis]
    places = position(graph, indices)
    if mode == "wrap":
        places = graph("Mod", places, graph.ints([n]))
    elif mode == "clip":
        places = graph("Max", graph("Min", places, graph.ints([n - 1])), graph.ints([0]))
    if mode != "raise" and not np.ndim(indices.data if isinstance(indices, TracedValue) else indices):
        places = graph.reshape(places, ())
    return graph("Gather", name, places, axis=axis)


@translates(np.take_along_axis)
def take_along_axis(graph: Graph, call: TracedCall) -> str:
    """For each place of the others axes the elements at positions of its own."""
    indices, axis = arguments(call, indices=None, axis=-1)
    x = call.args[0]
    if axis is None:
        return graph("Gather", graph.reshape(x, (-1,)), position(graph, indices), axis=0)
    axis = normalize_axis_index(axis, len(x.shape))
    own = indices.shape if isinstance(indices, TracedValue) else np.shape(indices)
    wide = np.broadcast_shapes(*((*s[:axis], 1, *s[axis + 1 :]) for s in (x.shape, own)))
    names = []
    for name, shape in ((graph.name(x), x.shape), (position(graph, indices), own)):
        full = (*wide[:axis], shape[axis], *wide[axis + 1 :])
        names.append(name if full == shape else graph("Expand", name, graph.ints(full)))
    return graph("GatherElements", *names, axis=axis)


@translates(indexing.index_update)
def index_update(graph: Graph, call: TracedCall) -> str:
    """``x[index] = v``: a mask as a choice, slices between what stays, and positions one after the other."""
    x, index, v = call.args
    dtype = call.value.dtype
    if is_mask(index, x):
        return masked(graph, x, index, v, dtype)
    return written(graph, graph.name(x, dtype), x.shape, index, v, dtype)


@translates(indexing.scatter)
def scatter(graph: Graph, call: TracedCall) -> str:
    """Zeros to which an array is added at an index, as often as an element is named there."""
    g, index, shape = call.args
    zeros = graph.constant(np.zeros(shape, call.value.dtype))
    return written(graph, zeros, shape, index, g, call.value.dtype, reduction="add")


def written(graph: Graph, x: str, shape: Any, index: Any, v: Any, dtype: Any, **options: Any) -> str:
    """An array of that shape with `v` at an index."""
    parts = spread_out(index, shape)
    whole = [part for part in parts if part is not None]
    result = np.broadcast_to(False, shape)[tuple(stand_in(part) for part in parts)].shape
    name, own = graph.name(v, dtype), v.shape if hasattr(v, "shape") else ()
    name = graph.reshape(name, own[len(own) - len(result) :]) if len(own) > len(result) else name
    name = name if own == result else graph("Expand", name, graph.ints(result))
    if any(map(picks, parts)):
        return scattered(graph, x, parts, name, result, options)
    ranges = [
        range(n)[part] if isinstance(part, slice) else range(int(part) % n, int(part) % n + 1)
        for part, n in zip(whole, shape, strict=True)
    ]
    block = tuple(map(len, ranges))
    name = name if block == result else graph.reshape(name, block)
    return put_in(graph, x, shape, ranges, name)


def stand_in(part: Any) -> Any:
    """A part of an index, with positions that are not known as zeros."""
    return np.zeros(part.shape, int) if isinstance(part, TracedValue) else part


def put_in(graph: Graph, x: str, shape: Any, ranges: Any, v: str) -> str:
    """An array with a block of it exchanged, axis by axis from the last."""
    axes = [i for i, (r, n) in enumerate(zip(ranges, shape, strict=True)) if r != range(n)]
    for k in reversed(range(len(axes))):
        axis, r, n = axes[k], ranges[axes[k]], shape[axes[k]]
        outer = [(i, ranges[i]) for i in axes[:k]]
        block = sliced(graph, x, [(i, b.start, b.stop if b.stop >= 0 else -FARTHEST, b.step) for i, b in outer])
        if r.step != 1:
            order = [axis, *(i for i in range(len(shape)) if i != axis)]
            names = graph.permuted(block, order), np.array(r, np.int64)[:, None], graph.permuted(v, order)
            v = graph.permuted(graph("ScatterND", *names), np.argsort(order))
        else:
            before = [sliced(graph, block, [(axis, 0, r.start, 1)])] if r.start else []
            after = [sliced(graph, block, [(axis, r.stop, None, 1)])] if r.stop < n else []
            v = graph("Concat", *before, v, *after, axis=axis)
    return v


def is_mask(index: Any, x: Any) -> bool:
    """Whether an index is one mask, of all axes or the first of them."""
    return getattr(index, "dtype", None) == BOOL and bool(index.shape) and len(index.shape) <= len(x.shape)


def masked(graph: Graph, x: Any, mask: Any, v: Any, dtype: Any) -> str:
    """A number where a mask is true, or several where it is known."""
    if v.shape if hasattr(v, "shape") else np.ndim(v):
        if isinstance(mask, TracedValue):
            raise no_counterpart("x[mask] = v", " of several numbers")
        return written(graph, graph.name(x, dtype), x.shape, mask, v, dtype)
    name, rest = graph.name(mask, bool), len(x.shape) - len(mask.shape)
    name = graph("Unsqueeze", name, graph.ints(range(-rest, 0))) if rest else name
    return graph("Where", name, graph.name(v, dtype), graph.name(x, dtype))


def scattered(graph: Graph, x: str, parts: Any, v: str, result: Any, options: Any) -> str:
    """With elements exchanged at positions along some axes; the axes that positions make come first."""
    whole = [part for part in parts if part is not None]
    axes = [i for i, part in enumerate(whole) if picks(part) or is_number(part)]
    rest = [i for i in range(len(whole)) if i not in axes]
    if len(whole) < len(parts) or any(whole[i] != slice(None) for i in rest):
        raise no_counterpart("x[index] = v", " by positions beside slices of a part")
    arrays, picking = [whole[i] for i in axes], [picks(part) or is_number(part) for part in parts]
    count, at = len(result) - len(rest), picking.index(True) if adjacent(picking) else 0
    index = graph("Concat", *(lined_up(graph, part, arrays) for part in arrays), axis=-1)
    made = [*range(at, at + count)]
    names = (
        graph.permuted(x, [*axes, *rest]),
        index,
        graph.permuted(v, [*made, *(i for i in range(len(result)) if i not in made)]),
    )
    return graph.permuted(graph("ScatterND", *names, **options), np.argsort([*axes, *rest]))
