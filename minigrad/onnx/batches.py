"""One graph for batches of any size, of graphs that were made for several sizes.

The graphs have to be the same but for numbers in constants: lengths, which must be the same expression ``a * n + b`` of
the size n in all of them; and arrays that are longer in a larger batch, of equal or evenly spaced numbers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ExportError
from .graph import Graph, Operator


class Lengths:
    """The operators, in front of all others, that compute lengths from the size of the batch.

    That is the length of an axis of an input; `sizes` are those that arrays are known for.
    """

    def __init__(self, graph: Graph, name: str, axis: int, sizes: Sequence[int]) -> None:
        self.graph, self.name, self.axis, self.sizes = graph, name, axis, sizes
        self.made: dict[tuple[int, int], str] = {}

    def line(self, numbers: Sequence[Any], reader: Operator) -> tuple[int, int]:
        """The integers of an expression, see `line_of`."""
        return line_of(numbers, self.sizes, reader.origin)

    def vector(self, lines: Sequence[tuple[int, int]]) -> str:
        """The name of the vector of ``a * n + b`` for each pair."""
        parts, fixed = [], []
        for a, b in lines:
            if a:
                parts += [self.graph.ints(fixed)] if fixed else []
                parts.append(self.one(a, b))
                fixed = []
            else:
                fixed.append(b)
        parts += [self.graph.ints(fixed)] if fixed else []
        return parts[0] if len(parts) == 1 else self.graph("Concat", *parts, axis=0)

    def one(self, a: int, b: int) -> str:
        """The name of the vector of ``a * n + b`` alone."""
        if (a, b) not in self.made:
            if (a, b) == (1, 0):
                name = self.graph("Shape", self.name, start=self.axis, end=self.axis + 1)
            else:
                name = self.one(1, 0) if b == 0 else self.one(a, 0)
                name = (
                    self.graph("Add", name, self.graph.ints([b]))
                    if b
                    else self.graph("Mul", name, self.graph.ints([a]))
                )
            self.made[a, b] = name
        return self.made[a, b]


def generalised(graphs: Sequence[Graph], sizes: Sequence[int], name: str, axis: int) -> Graph:
    """The graph for any size of batch, the length of an axis of an input, of those for three sizes or more."""
    first, *others = graphs
    for other in others:
        check_alike(first, other)
    general = Graph(first.known, prefix="batch_")
    lengths = Lengths(general, name, axis, sizes)
    readers = {part: node for node in reversed(first.nodes) for part in node.inputs}
    renamed = {}
    for key, array in first.constants.items():
        arrays = [array, *(other.constants[key] for other in others)]
        if all(same(array, x) for x in arrays):
            renamed[key] = general.constant(array, None if key.startswith("/") else key)
        else:
            renamed[key] = varying(lengths, arrays, readers[key])
    for node in first.nodes:
        inputs = [renamed.get(part, part) for part in node.inputs]
        general.nodes.append(Operator(node.kind, inputs, node.outputs, node.attributes, node.origin))
    return general


def same(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two constants are equal."""
    return x is y or (x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes())


def check_alike(first: Graph, other: Graph) -> None:
    """Refuse graphs of several sizes that differ in more than numbers."""
    for a, b in zip(first.nodes, other.nodes, strict=False):  # if one had more of them, its results had other names
        if (a.kind, a.inputs, a.outputs, a.attributes) != (b.kind, b.inputs, b.outputs, b.attributes):
            raise depends(a.origin)


def depends(name: str, detail: str = "") -> ExportError:
    """The error of a computation that another size of batch would make another one."""
    return ExportError(
        f"{name} is called in a way that depends on the size of the batch{detail}, so one graph cannot be for all "
        f"sizes. Let lengths be sums and multiples of len(x), or pass dynamic_batch=False for the size of the example"
    )


def varying(lengths: Lengths, arrays: Sequence[np.ndarray], reader: Operator) -> str:
    """The name of a constant that has other numbers, or is longer, for other sizes."""
    graph, array = lengths.graph, arrays[0]
    graph.origin = reader.origin
    if array.dtype.kind in "iuf" and all(x.shape == array.shape and x.ndim < 2 for x in arrays):
        lines = [lengths.line([x.reshape(-1)[i] for x in arrays], reader) for i in range(array.size)]
        if reader.kind == "Reshape" and sum(a != 0 for a, _ in lines) == 1 and 0 not in array:
            return graph.ints([-1 if a else b for a, b in lines])
        name = lengths.vector(lines)
        name = name if array.ndim else graph.reshape(name, ())
        return name if array.dtype == np.int64 else graph.cast(name, array.dtype)
    axes = [i for i in range(array.ndim) if len({x.shape[i] for x in arrays if x.ndim == array.ndim}) > 1]
    if len(axes) != 1 or any(x.ndim != array.ndim for x in arrays):
        raise depends(reader.origin, ", by an array that does not grow with it evenly")
    return grown(lengths, arrays, axes[0], reader)


def grown(lengths: Lengths, arrays: Sequence[np.ndarray], axis: int, reader: Operator) -> str:
    """The name of an array that is longer for larger sizes, with evenly spaced numbers along that axis."""
    graph, longest = lengths.graph, max(arrays, key=np.size)
    before, after = [1] * axis, [1] * (longest.ndim - axis - 1)
    if longest.shape[axis] < 2:  # as is the shape of a number beside that of an array
        raise depends(reader.origin, ", by an array that does not grow with it evenly")
    start = longest.take([0], axis)
    step = longest.take([1], axis) - start if longest.dtype.kind in "iuf" else np.zeros_like(start)
    places = np.arange(longest.shape[axis]).reshape(*before, -1, *after)
    line = (start + step * places).astype(longest.dtype) if np.any(step) else np.repeat(start, places.size, axis)
    if not all(same(np.ascontiguousarray(x), line.take(range(x.shape[axis]), axis)) for x in arrays):
        raise depends(reader.origin, ", by an array of other numbers for each size")
    count = lengths.one(*lengths.line([x.shape[axis] for x in arrays], reader))
    if not np.any(step):
        parts = [graph.ints(ones) for ones in (before, after)]
        return graph("Expand", start, graph("Concat", parts[0], count, parts[1], axis=0))
    numbers = graph("Range", np.int64(0), graph.reshape(count, ()), np.int64(1))
    numbers = graph.cast(graph.reshape(numbers, [*before, -1, *after]), longest.dtype)
    return graph("Add", graph("Mul", numbers, step), start)


def line_of(numbers: Sequence[Any], sizes: Sequence[int], name: str) -> tuple[int, int]:
    """The integers a and b of the expression ``a * n + b`` that has these values for some sizes n."""
    numbers = [x.item() if isinstance(x, np.generic) else x for x in numbers]
    a = (numbers[1] - numbers[0]) / (sizes[1] - sizes[0])
    b = numbers[0] - a * sizes[0]
    if any(a * size + b != x for size, x in zip(sizes, numbers, strict=True)) or a % 1 or b % 1:
        raise depends(name, f", by a number that is {', '.join(map(str, numbers))} for {sizes} examples")
    return int(a), int(b)
