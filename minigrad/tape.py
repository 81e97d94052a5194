"""The graph of a computation, and the reverse sweep over it.

Each recorded array is a node: it knows the call that made it and the nodes that went in. Nothing points the other
way, so a graph that nobody holds is freed at once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import GraphError
from .primitive import Primitive, fitted, observers, pull_back

clock = [0]  # counts the changes in place, so that a call can tell whether its arguments have changed since


class Node:
    """An array in a graph: ``value = primitive(*args, **kwargs)``.

    `parents` has the node of each argument, None where no derivative flows to it. A leaf, which the user made, has
    neither parents nor primitive; a constant's parents are None; a node that a sweep has freed has lost its own.
    """

    __slots__ = ("args", "born", "kwargs", "notes", "parents", "primitive", "value")
    value: Any
    primitive: Primitive | None
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    parents: Sequence["Node | None"] | None
    born: int  # the clock when the call was recorded
    notes: "Notes | None"


class Notes:
    """What is known of few nodes: leaves, and those with hooks or changed in place.

    `grad` is the sum of the cotangents that came by, kept for a leaf or if `retained`; `hooks` are called with each
    and answer with the one to go on. `changed` is the clock after the last change in place, and `former` what the
    node was before: pairs (until when, node), the oldest first.
    """

    __slots__ = ("changed", "former", "grad", "hooks", "retained")

    def __init__(self) -> None:
        self.grad: Any = None
        self.retained = False
        self.hooks: Sequence[Callable[[Any], Any]] = ()
        self.changed = 0
        self.former: Sequence[tuple[int, Node]] = ()


class Sum:
    """The cotangent of a node that went into several calls, until all of its terms are there."""

    __slots__ = ("missing", "ours", "total")

    def __init__(self, terms: int) -> None:
        self.missing = terms
        self.total: Any = None
        self.ours = False  # whether the total is an array made here, which can be added to in place

    def add(self, term: Any) -> Any:
        """Add a term; answers the total if it is complete, else None."""
        if self.total is None:
            self.total = term
        elif self.ours:
            self.total += term
        else:
            self.total, self.ours = self.total + term, True
        self.missing -= 1
        if self.missing:
            return None
        total, self.total = self.total, None
        return total


def sweep(
    root: Node,
    cotangent: Any,
    retain: bool = False,
    recorded: Callable[[Node], tuple[Any, Sequence[Any]]] | None = None,
) -> dict[Node, Any]:
    """The cotangents of the leaves that `root` depends on, given that of `root`.

    A node is visited after all the calls that it went into, and freed then, unless `retain`. `recorded` answers
    a node's value and arguments as its rules are to see them, if these are not the bare arrays.
    """
    shared = shared_nodes(root)
    leaves: dict[Node, Any] = {}
    ready = [(root, cotangent)]
    while ready:
        node, g = ready.pop()
        while True:  # from parent to parent, for as long as there is only one
            notes = node.notes
            if notes is not None:
                if notes.hooks or notes.retained:
                    g = after_hooks(node, g)
                if node.primitive is None:
                    leaves[node] = g
                    break
            primitive: Any = node.primitive
            parents, args = node.parents, node.args
            count = len(parents) if node.kwargs is None and not (recorded or observers) else 0
            if count == 1:
                i = 0
                answer = primitive.rules[0](g, node.value, args[0])
            elif count == 2 and (parents[0] is None or parents[1] is None):
                i = 0 if parents[1] is None else 1
                answer = primitive.rules[i](g, node.value, args[0], args[1])
            else:
                y, args = recorded(node) if recorded else (node.value, args)
                answers = pull_back(primitive, g, y, args, node.kwargs or {}, parents)
                ready += complete(shared, parents, answers)
                if not retain:
                    node.args = node.parents = ()
                break
            if primitive.checked:
                x = args[i]
                if answer.shape != x.shape or answer.dtype != x.dtype:
                    answer = fitted(primitive, i, answer, x)
            if not retain:
                node.args = node.parents = ()
            node, g = parents[i], answer
            if node in shared:
                g = shared[node].add(g)
                if g is None:
                    break
    return leaves


def complete(
    shared: Mapping[Node, Sum], parents: Sequence[Node | None], answers: Sequence[Any]
) -> list[tuple[Node, Any]]:
    """The parents whose cotangent is complete with these answers, and the cotangent."""
    pairs = [
        (parent, shared[parent].add(answer) if parent in shared else answer)
        for parent, answer in zip(parents, answers, strict=True)
        if parent is not None
    ]
    return [(parent, g) for parent, g in pairs if g is not None]


def shared_nodes(root: Node) -> dict[Node, Sum]:
    """The nodes below `root` that went into several calls; raises GraphError if the graph cannot be swept."""
    seen = {root}
    order = [root]
    shared: dict[Node, Sum] = {}
    see, visit = seen.add, order.append
    for node in order:  # which grows meanwhile
        parents = node.parents
        if not parents and node.primitive is not None:
            raise GraphError(
                f"an earlier backward pass has freed this graph, as far as {node.primitive.name}. To go through a "
                f"graph twice, pass retain_graph=True the first time"
            )
        for parent in parents:
            if parent is None:
                continue
            notes = parent.notes
            if notes is not None and notes.changed > node.born:
                parent = as_it_was(parent, node)
            if parent not in seen:
                see(parent)
                visit(parent)
            elif parent in shared:
                shared[parent].missing += 1
            else:
                shared[parent] = Sum(terms=2)
    return shared


def as_it_was(parent: Node, node: Node) -> Node:
    """What `parent`, changed in place since, was when it went into `node`."""
    if parent.primitive is None:
        for i, other in enumerate(node.parents):
            if other is parent and node.primitive.reads(i):
                raise GraphError(
                    f"{node.primitive.name} saved a leaf that has been changed in place since, so its derivative "
                    f"would be wrong. Call backward() before the change, or compute the result again after it"
                )
        return parent
    former = next(old for until, old in parent.notes.former if until > node.born)
    node.parents = tuple(former if other is parent else other for other in node.parents)
    return former


def after_hooks(node: Node, g: Any) -> Any:
    """The cotangent `g` after the hooks of the node."""
    notes = node.notes
    for hook in notes.hooks:
        g = hook(g)
    if notes.retained and node.primitive is not None:
        notes.grad = +g if notes.grad is None else notes.grad + g
    return g
