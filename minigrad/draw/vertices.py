"""What a drawing shows, as text: a vertex for each array, and for each stretch of operations that is left out."""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from ..core.tape import Node, is_freed, operands_of, parents_of
from .graph import Stretch, operations, repetitions, selection
from .labels import PARTS, option_text, shortened_list, shown_as_array
from .leaves import Leaves, Says, Vertex


def vertices_of(root: Any, says: Says, fold: bool, limit: int) -> list[Vertex]:
    """The vertices of the graph of `root`: leaves and constants, then operations in the order of computation."""
    leaves = Leaves(says, limit)
    nodes = [] if root.node is None else operations(root.node)
    if not nodes:
        leaves.constant(root) if root.node is None else leaves.leaf(root.node)
        return leaves.vertices()
    folded = repetitions(nodes[:-1]) if fold else []  # the result itself is always shown
    shown, folded = selection(len(nodes), folded, limit)
    calls = Calls(nodes, folded, shown[0], leaves)
    made = {i: calls.operation(i) for i in shown} | {stretch[0]: calls.repeated(*stretch) for stretch in folded}
    return [*leaves.vertices(), *([calls.before()] if shown[0] else []), *(made[i] for i in sorted(made))]


class Calls:
    """The vertices of operations; some are folded, and those before number `first` are left out."""

    def __init__(self, nodes: list[Node], folded: list[Stretch], first: int, leaves: Leaves) -> None:
        self.nodes = nodes
        self.number = {node: i for i, node in enumerate(nodes)}
        self.folded = folded
        self.first = first
        self.leaves = leaves
        self.says = leaves.says

    def name(self, i: int) -> str:
        """The name of the result of operation number `i`."""
        return self.says.name(self.nodes[i], f"v{i + 1}")

    def key(self, i: int) -> str:
        """The key of the vertex that stands for operation number `i`."""
        if i < self.first:
            return "before"
        place = bisect_right(self.folded, i, key=lambda stretch: stretch[0]) - 1
        if place >= 0 and i < self.folded[place][1]:
            return f"folded{self.folded[place][0]}"
        return f"v{i + 1}"

    def operand(self, x: Any) -> tuple[str, str]:
        """The name and the key of an argument, a node or a constant; a text and no key if it is no array."""
        if type(x) is Node:
            i = self.number.get(x)
            return self.leaves.leaf(x) if i is None else (self.name(i), self.key(i))
        return self.leaves.constant(x) if shown_as_array(x) else (option_text(x), "")

    def operation(self, i: int) -> Vertex:
        """The vertex of an operation."""
        node, name = self.nodes[i], self.name(i)
        operation = node.primitive.name
        text, label, keys = call(node, self.operand)
        return Vertex(
            key=self.key(i),
            kind="freed" if is_freed(node) else "operation",
            text=operation + text,
            title=f"{name} = {operation}" if self.says.names.get(id(node)) else operation,
            label=label,
            name=name,
            shape=str(tuple(node.y.shape)),
            dtype=str(node.y.dtype),
            details=self.says.details(node, node.notes is not None and node.notes.retained),
            inputs=tuple(keys),
        )

    def repeated(self, start: int, stop: int, period: int) -> Vertex:
        """The vertex of a stretch of operations that repeat those before."""
        times = (stop - start) // period
        lines = "line above" if period == 1 else f"{period} lines above"
        text = f"... {times:,} times more like the {lines}, to {self.name(stop - 1)}"
        block = [node.primitive.name for node in self.nodes[start : start + min(period, PARTS)]]
        label = f"{times:,} times more: {shortened_list(block, period)}"
        keys: dict[str, None] = {}
        for node in self.nodes[start:stop]:
            for x in parents_of(node):
                if x not in self.number:
                    keys[self.leaves.leaf(x)[1]] = None
                elif self.number[x] < start:
                    keys[self.key(self.number[x])] = None
        return Vertex(f"folded{start}", "omitted", text, label, inputs=tuple(keys))

    def before(self) -> Vertex:
        """The vertex of all operations that are beyond the limit."""
        count = f"... {self.first:,} more operation{'s' if self.first > 1 else ''}"
        return Vertex("before", "omitted", f"{count}, to {self.name(self.first - 1)}", count)


def call(node: Node, operand: Callable[[Any], tuple[str, str]]) -> tuple[str, str, list[str]]:
    """The arguments of the call that made a node: with the names of arrays and without, and the keys of the arrays.

    `operand` returns the name and the key of an argument.
    """
    if is_freed(node):
        return ", freed", ", freed", []
    operands, options = operands_of(node), node.args[1:] if node.primitive.sequence else ()
    texts, labels, keys = [], [], []
    for x in operands:
        text, key = operand(x)
        texts.append(text)
        labels.append("·" if key else text)
        keys += [key] if key else []
    rest = [*map(option_text, options), *(f"{name}={option_text(x)}" for name, x in node.kwargs.items())]
    plain = not rest and len(keys) == len(operands)
    text, label = (shortened_list(parts[: PARTS + 1], len(parts)) for parts in (texts, labels))
    if node.primitive.sequence:
        text, label = f"[{text}]", f"[{label}]"
    made, shown = (f"({', '.join([arrays, *rest])})" for arrays in (text, label))
    return made, "" if plain else shown, keys if len(keys) <= PARTS else list(dict.fromkeys(keys))
