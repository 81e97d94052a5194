"""The graph of a computation, and the reverse sweep over it.

Each recorded array is a node: it knows the call that made it and the nodes that went in. Nothing points the other
way, so a graph that nobody holds is freed at once.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from ..errors import GraphError
from .primitive import NO_OPTIONS, fitted, observers, pull_back, shares_memory

clock = [0]  # counts the changes in place, so that a call can tell whether its arguments have changed since


class Node:
    """An array in a graph: ``value = primitive(*args, **kwargs)``.

    `parents` has a node for each argument, None where no derivative flows to it. Where it flows to just one of at
    most two arguments, and there are no options, as in most calls, `parents` is that node itself, of argument
    number `only`. A leaf, which the user made, has no parents and no primitive; the parents of a constant are None;
    a node that was freed by a sweep has lost its own.
    """

    __slots__ = ("args", "born", "kwargs", "notes", "only", "parents", "primitive", "value")
    value: Any
    primitive: Any  # a Primitive, or None
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    parents: Any  # a tuple, a node, or None
    only: int
    born: int  # the clock when the call was recorded
    notes: Any  # Notes, or None for most nodes

    def call(self) -> "tuple[Sequence[Any], Mapping[str, Any], tuple[Node | None, ...]]":
        """The arguments, the options and the parents, of any call in one form."""
        if isinstance(self.parents, tuple):
            return self.args, self.kwargs, self.parents
        return self.args, NO_OPTIONS, tuple(self.parents if i == self.only else None for i in range(len(self.args)))


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
        self.former: list[tuple[int, Node]] = []


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
        elif self.ours and not hasattr(term, "__apply__"):
            self.total += term
        else:
            self.total = self.total + term
            self.ours = not hasattr(self.total, "__apply__")
        return self.counted()

    def add_by(self, add_to: Callable[..., Any], g: Any, args: Sequence[Any]) -> Any:
        """Add the term that a rule makes of `g` to a total that is ours, in place; answers as `add` does."""
        self.total = add_to(self.total, g, *args)
        return self.counted()

    def counted(self) -> Any:
        """The total if its last term has come, else None."""
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
    by_the_book = bool(recorded or observers)
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
            primitive, parent = node.primitive, node.parents
            if by_the_book or type(parent) is tuple:
                ready += parents_of(node, g, shared, recorded)
                if not retain:
                    node.args = node.parents = ()
                break
            i, args = node.only, node.args
            if len(args) == 1:
                g = primitive.rules[0](g, node.value, args[0])
            else:
                g = primitive.rules[i](g, node.value, args[0], args[1])
            if primitive.checked:
                try:
                    fits = g.shape == args[i].shape and g.dtype == args[i].dtype
                except AttributeError:  # it is no array
                    fits = False
                if not fits:
                    g = fitted(primitive, i, g, args[i])
            if not retain:
                node.args = node.parents = ()
            if parent in shared:
                g = shared[parent].add(g)
                if g is None:
                    break
            node = parent
    return leaves


def parents_of(
    node: Node, g: Any, shared: Mapping[Node, Sum], recorded: Callable[[Node], tuple[Any, Sequence[Any]]] | None
) -> list[tuple[Any, Any]]:
    """The parents whose cotangents are complete with those that come from `node`, and the cotangents."""
    args, kwargs, parents = node.call()
    add_to = node.primitive.add_to
    if add_to is not None and not (recorded or observers or hasattr(g, "__apply__")):
        parent = parents[0]
        if parent in shared and shared[parent].ours:
            answer = shared[parent].add_by(add_to, g, args)
            return [] if answer is None else [(parent, answer)]
    y, args = recorded(node) if recorded else (node.value, args)
    complete = []
    for parent, answer in zip(parents, pull_back(node.primitive, g, y, args, kwargs, parents), strict=True):
        if parent in shared:
            answer = shared[parent].add(answer)
        if answer is not None:
            complete.append((parent, answer))
    return complete


def shared_nodes(root: Node) -> dict[Node, Sum]:
    """The nodes below `root` that went into several calls; raises GraphError if the graph cannot be swept."""
    seen = {root}
    order = [root]
    shared: dict[Node, Sum] = {}
    changed: set[Node] = set()
    for node in order:  # which grows meanwhile
        parents = node.parents
        if type(parents) is not tuple:
            if parents is not None and parents.notes is None and parents not in seen:  # as most are, so that it pays
                seen.add(parents)
                order.append(parents)
                continue
            check_usable(node)
            parents = (parents,)
        elif not parents:
            check_usable(node)
        for parent in parents:
            if parent is None:
                continue
            notes = parent.notes
            if notes is not None and notes.changed > node.born:
                before = as_it_was(parent, node)
                if before is parent:
                    changed.add(parent)
                parent = before
            if parent not in seen:
                seen.add(parent)
                order.append(parent)
            elif parent in shared:
                shared[parent].missing += 1
            else:
                shared[parent] = Sum(terms=2)
    for leaf in changed:
        refuse_views(leaf, order)
    return shared


def check_usable(node: Node) -> None:
    """Refuse a node that can no longer be visited."""
    if node.parents is None:
        raise GraphError(
            "a leaf of this graph has ceased to require grad since it was used. Set requires_grad after backward(), "
            "or compute the result again"
        )
    if is_freed(node):
        raise GraphError(
            f"an earlier backward pass has freed this graph, as far as {node.primitive.name}. To go through a graph "
            f"twice, pass retain_graph=True the first time"
        )


def is_freed(node: Node) -> bool:
    """Whether a sweep has freed the call that made a node."""
    return type(node.parents) is tuple and node.primitive is not None and not node.parents


def refuse_views(leaf: Node, nodes: Sequence[Node]) -> None:
    """Raise GraphError if a call among `nodes` saved a view of the memory of `leaf` before it was changed."""
    for node in nodes:
        if node.primitive is None or node.born >= leaf.notes.changed:
            continue
        args, _, _ = node.call()
        if any(shares_memory(x, leaf.value) and node.primitive.reads(i) for i, x in enumerate(args)):
            raise stale(node)


def as_it_was(parent: Node, node: Node) -> Node:
    """What `parent`, changed in place since, was when it went into `node`, which is told so."""
    former = former_of(parent, node)
    if former is parent:  # a leaf, which is changed in its memory
        _, _, parents = node.call()
        if any(other is parent and node.primitive.reads(i) for i, other in enumerate(parents)):
            raise stale(node)
        return parent
    replace_parent(node, parent, former)
    return former


def former_of(parent: Node, node: Node) -> Node:
    """The node that stands for what `parent` was when it went into `node`: itself, if it is unchanged or a leaf."""
    if parent.notes is None:
        return parent
    formers = parent.notes.former
    first = bisect_right(formers, node.born, key=itemgetter(0))
    return parent if first == len(formers) else formers[first][1]


def stale(node: Node) -> GraphError:
    """The error of a sweep that would need a value which is gone."""
    return GraphError(
        f"{node.primitive.name} saved a leaf that has been changed in place since, so its derivative would be wrong. "
        f"Call backward() before the change, or compute the result again after it"
    )


def replace_parent(node: Node, old: Node, other: Node) -> None:
    """Let the cotangents of `node` flow to `other` where they would have flown to `old`."""
    if isinstance(node.parents, tuple):
        node.parents = tuple(other if parent is old else parent for parent in node.parents)
    elif node.parents is old:
        node.parents = other


def after_hooks(node: Node, g: Any) -> Any:
    """The cotangent `g` after the hooks of the node."""
    notes = node.notes
    for hook in notes.hooks:
        g = hook(g)
    if notes.retained and node.primitive is not None:
        notes.grad = +g if notes.grad is None else notes.grad + g
    return g
