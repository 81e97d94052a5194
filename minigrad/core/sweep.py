"""The reverse sweep over a graph, where it starts, and what it leaves behind.

A sweep changes nothing. What it found is committed in one call that no signal and no thread comes between, so
that an error anywhere leaves gradients and graph as they were.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

import numpy as np

from ..errors import GraphError
from .array import Array, own_copy
from .context import context
from .door import Watched, unwrap
from .engine import fitted, pull_back
from .recorder import state_array
from .tape import Node, Notes, changed_since, is_freed, last_change, operands_of, parents_of
from .values import as_array

ndarray = np.ndarray
ONE = np.float64(1)
DOUBLE = ONE.dtype
NUMBERS = (int, float)
# By the notes of a leaf: what receives its gradient within a backward pass, as soon as the last term has arrived. Code
# that changes the gradient later calls `complete()` first.
arrivals: dict[Notes, Any] = {}


def sweep(roots: Sequence[Node], cotangents: Sequence[Any], wrap: Callable[[Node], Any] | None = None) -> "Sweep":
    """The cotangents of the leaves that roots depend on, given those of the roots.

    `wrap` makes of a node the array that it is the node of, where what rules do is to be recorded.
    """
    going = Sweep(wrap)
    if arrivals and wrap is None and not going.recording:
        going.awaited = awaited_leaves(roots)
    if len(roots) == 1 and roots[0].primitive is not None:
        going.descend(roots[0], cotangents[0])
    else:
        for root, g in zip(roots, cotangents, strict=True):
            going.add(root, g)
    while going.heap:
        node = heappop(going.heap)[1]
        if going.awaited:
            going.deliver(node.born)
        going.descend(node, going.total(node))
    if going.awaited:
        going.deliver(0)
    totals = going.totals
    if going.parts:
        for leaf in list(going.parts):
            totals[leaf] = going.total(leaf)
    for leaf, g in totals.items():
        if leaf not in going.delivered and (leaf.notes is None or leaf.notes.hooks):
            totals[leaf] = after_hooks(leaf, g)
    return going


class Sweep:
    """A sweep under way. Nodes are visited from the youngest to the oldest: each after all calls that it went into."""

    __slots__ = (
        *("awaited", "delivered", "heap", "observed", "ours", "parts", "quick"),
        *("recording", "retained", "totals", "visited", "wrap"),
    )

    def __init__(self, wrap: Callable[[Node], Any] | None) -> None:
        here = context.get()
        self.wrap = wrap
        self.recording = here.recorder is not None
        self.observed = bool(here.observers)
        self.quick = wrap is None and not self.recording and not self.observed
        self.heap: list[tuple[int, Node]] = []  # nodes that wait to be visited
        self.totals: dict[Node, Any] = {}  # their cotangents so far, and those of leaves
        self.ours: set[Node] = set()  # those whose total is an array made here, which can be added to in place
        self.parts: dict[Node, list[Any]] = {}  # terms that are mostly zeros, and so are added all at once
        self.visited: list[Node] = []
        self.retained: list[tuple[Any, Any]] = []  # notes of results that retain their gradient, and the gradient
        self.awaited: list[tuple[int, Node]] = []  # leaves of `arrivals`, by when they were used first: the latest last
        self.delivered: set[Node] = set()  # those whose gradient was handed over

    def descend(self, node: Node, g: Any) -> None:
        """Visit a node, and its parent, and so on, for as long as there is one alone and no other has to come first."""
        heap, visit, changed, quick = self.heap, self.visited.append, last_change[0], self.quick
        while True:
            visit(node)
            if node.born < changed:
                check_unchanged(node)
            primitive, args = node.primitive, node.args
            if node.notes is not None:
                return self.pull(node, self.noticed(node, g))
            count = len(args) if quick and primitive.plain else 0
            if count == 1:
                parent, unchecked = args[0], True
                g = primitive.rules[0](g, node.y, parent.y)
            elif count == 2:
                parent, other = args
                if type(parent) is not Node:
                    g = primitive.rules[1](g, node.y, parent, other.y)
                    parent, other = other, parent
                elif type(other) is not Node:
                    g = primitive.rules[0](g, node.y, parent.y, other)
                else:
                    return self.pull_both(primitive, g, node.y, parent, other)
                # A number makes no shape wider, but a rule may make a wider NumPy scalar of it.
                unchecked = type(other) in NUMBERS and g.dtype is parent.y.dtype
            else:
                return self.pull(node, g)
            if not unchecked:
                x = parent.y
                if type(g) is not ndarray or g.dtype is not x.dtype or g.shape != x.shape:
                    g = fitted(primitive, int(parent is not args[0]), g, x, node.y.shape)
            if parent.primitive is None or (heap and -heap[0][0] >= parent.born):
                return self.add(parent, g)
            node = parent

    def pull_both(self, primitive: Any, g: Any, y: Any, a: Node, b: Node) -> None:
        """Add the terms of the two parents of a call of two arrays."""
        rules, x, z = primitive.rules, a.y, b.y
        left, right = rules[0](g, y, x, z), rules[1](g, y, x, z)
        if type(left) is not ndarray or left.dtype is not x.dtype or left.shape != x.shape:
            left = fitted(primitive, 0, left, x, y.shape)
        if type(right) is not ndarray or right.dtype is not z.dtype or right.shape != z.shape:
            right = fitted(primitive, 1, right, z, y.shape)
        self.add(a, left)
        self.add(b, right)

    def add(self, node: Node, term: Any, ours: bool = False) -> None:
        """Add a term to the cotangent of a node, which waits to be visited if it is no leaf."""
        totals = self.totals
        if node not in totals:
            totals[node] = term
            if node.primitive is not None:
                heappush(self.heap, (-node.born, node))
            if ours:
                self.ours.add(node)
        elif totals[node] is None:
            totals[node] = term
        elif node in self.ours and not isinstance(term, Watched) and not isinstance(totals[node], Watched):
            totals[node] += term
        else:
            totals[node] = total = totals[node] + term
            if isinstance(total, Watched):
                self.ours.discard(node)
            else:
                self.ours.add(node)

    def total(self, node: Node) -> Any:
        """The cotangent of a node, all of whose terms have come."""
        total = self.totals[node]
        if node in self.parts:
            calls = self.parts.pop(node)
            gs, args = [g for _, g in calls], [self.values(call) for call, _ in calls]
            assemble = calls[0][0].primitive.assemble
            if total is None or isinstance(total, Watched) or not any(isinstance(g, Watched) for g in gs):
                own = total if total is None or node in self.ours else own_copy(total)
                total = assemble(gs, args, own)
            else:  # an array cannot be added to what is watched in place
                total = total + assemble(gs, args)
            self.ours.add(node)
        if node.primitive is not None:
            del self.totals[node]
        return total

    def deliver(self, born: int) -> None:
        """Hand over the gradients of awaited leaves that only younger calls have used: no term is missing."""
        while self.awaited and self.awaited[-1][0] > born:
            leaf = self.awaited.pop()[1]
            self.totals[leaf] = g = after_hooks(leaf, self.total(leaf))
            self.delivered.add(leaf)
            if (arrival := arrivals.get(leaf.notes)) is not None:  # rather than gone since the sweep began
                arrival(g)

    def noticed(self, node: Node, g: Any) -> Any:
        """The cotangent of a node after its hooks; taken down if it is retained."""
        g = after_hooks(node, g)
        if node.notes.retained:
            self.retained.append((node.notes, g))
        if node.notes.retained or node.notes.hooks:
            self.ours.discard(node)
        return g

    def pull(self, node: Node, g: Any) -> None:
        """Add the terms that any node makes of its cotangent to those of its parents."""
        check_usable(node)
        primitive, operands = node.primitive, operands_of(node)
        if primitive.assemble is not None and type(operands[0]) is Node and not self.observed:
            if operands[0] not in self.totals:
                self.add(operands[0], None)
            self.parts.setdefault(operands[0], []).append((node, g))
            return
        parents: list[Any] = [x if type(x) is Node else None for x in operands]
        erased = primitive.erase is not None and parents[0] is not None and not isinstance(operands[1], Watched)
        args, y = self.values(node), node.y if self.wrap is None else self.wrap(node)
        pulled = [None, *parents[1:]] if erased else parents
        terms = pull_back(primitive, g, y, args, node.kwargs, pulled)
        if erased:
            terms = [None, *(own_term(term) for term in terms[1:])]
        for parent, term in zip(pulled, terms, strict=False):
            if parent is not None:
                self.add(parent, term)
        if erased:
            g = g if node in self.ours and not isinstance(g, np.generic) else own_copy(g)
            primitive.erase(g, *args)
            self.add(parents[0], g, ours=True)

    def values(self, node: Node) -> Sequence[Any]:
        """The arguments of a call as its rules are to see them."""
        values = [self.value(x) if type(x) is Node else x for x in operands_of(node)]
        return (values, *node.args[1:]) if node.primitive.sequence else values

    def value(self, node: Node) -> Any:
        """The value of an operand to which a derivative flows."""
        if self.wrap is not None:
            return self.wrap(node)
        return state_array(node.y) if self.recording else node.y


def awaited_leaves(roots: Sequence[Node]) -> list[tuple[int, Node]]:
    """The leaves of a graph with an entry in `arrivals`, each with the time of the call that used it first."""
    first: dict[Node, int] = {}
    waiting, known = list(roots), set(roots)
    while waiting:
        node = waiting.pop()
        for x in parents_of(node):
            if x.primitive is None and x.notes in arrivals:
                first[x] = min(node.born, first.get(x, node.born))
            elif x not in known:
                known.add(x)
                waiting.append(x)
    return sorted(((born, leaf) for leaf, born in first.items()), key=itemgetter(0))


def own_term(g: Any) -> Any:
    """A term that shares no memory with the cotangent that it was cut out of."""
    return g.copy() if isinstance(g, ndarray) and g.base is not None else g


def after_hooks(node: Node, g: Any) -> Any:
    """The cotangent `g` after the hooks of a node."""
    notes = node.notes
    if notes is None:
        raise GraphError(
            "a leaf of this graph has ceased to require grad since it was used, or has been changed in place since, to "
            "another dtype. Do that after backward(), or compute the result again"
        )
    for hook in notes.hooks:
        g = hook(g)
    return g


# What a sweep refuses


def check_usable(node: Node) -> None:
    """Refuse a node that an earlier sweep has freed."""
    if is_freed(node):
        raise GraphError(
            f"an earlier backward pass has freed this graph, as far as {node.primitive.name}. To go through a graph "
            f"twice, pass retain_graph=True the first time"
        )


def check_unchanged(node: Node) -> None:
    """Refuse a node whose rules would read the memory of a leaf that was changed since."""
    operands = operands_of(node)
    called = [i for i, x in enumerate(operands) if type(x) is Node]
    read = [x for i, x in enumerate(operands) if node.primitive.may_read(i, called)]
    if node.primitive.kind not in ("linear", "multilinear"):
        read.append(node.y)
    if any(changed_since(unwrap(x.y if type(x) is Node else x), node.born) for x in read):
        raise GraphError(
            f"{node.primitive.name} saved a leaf that has been changed in place since, so its derivative would be "
            f"wrong. Call backward() before the change, or compute the result again after it"
        )


# Where it starts, and what it leaves


def first_cotangent(y: Any, g: Any = None) -> Any:
    """The cotangent of `y` to start from: `g`, in the dtype of `y`, or 1 for a single element."""
    if g is None:
        if not y.shape:  # an array of shape () would cost ten times as much in each rule
            return ONE if y.dtype is DOUBLE else y.dtype.type(1)
        if y.size != 1:
            raise ValueError(
                f"a derivative starts from a single number, and this result has shape {y.shape}. Reduce it, to a "
                f"sum or a mean, or pass gradient=, an array of that shape"
            )
        return np.ones_like(y)
    if not hasattr(y, "dtype"):
        raise TypeError(f"derivatives are of functions that return arrays; one returned a {type(y).__name__}")
    g = state_array(g if hasattr(g, "__array_ufunc__") else np.asarray(g))
    if g.shape != y.shape or g.dtype.kind not in "biuf":
        raise ValueError(
            f"a cotangent is an array of real numbers of the result's shape {y.shape}; got {g.dtype} of {g.shape}"
        )
    return g if g.dtype == y.dtype else g.astype(y.dtype)


adding: Any = threading.RLock()  # threads may share leaves


def renew_lock() -> None:
    """After a fork, no thread could release a lock that another thread of the parent held."""
    adding._at_fork_reinit()  # as the standard library does with its own


if hasattr(os, "register_at_fork"):  # pragma: no branch: only Windows has none
    os.register_at_fork(after_in_child=renew_lock)


def commit(found: Sweep, start: Any, free: bool) -> None:
    """Add what a sweep found to the gradients, and free the graph if wanted: all of it, or nothing.

    Gradients are in arrays that are neither `start` nor another leaf's.
    """
    taken, recording = {id(start)}, context.get().recorder
    owners, values = [], []
    with adding:
        for node, g in found.totals.items():
            notes = node.notes
            grad = notes.grad if recording is None else recording.gradient(node)
            owners.append(notes)
            values.append(owned(g, taken) if grad is None else as_array(grad + g))
        for notes, g in found.retained:
            owners.append(notes)
            values.append(as_array(+g if notes.grad is None else notes.grad + g))
        freed = map(set_args, found.visited, repeat(())) if free else ()
        at_once(chain(map(setattr, owners, repeat("grad"), values), freed))


at_once = deque(maxlen=0).extend
set_args = vars(Node)["args"].__set__


def owned(g: Any, taken: set[int]) -> Any:
    """`g`, or a copy if it may share memory with another array: it is a view, or among those `taken` before."""
    if type(g) is ndarray and g.base is None and id(g) not in taken:
        taken.add(id(g))
        return g
    return g.copy() if type(g) is ndarray else as_array(+g)  # in C order, whatever the strides of a view


class Hook:
    """A user's function that sees a tensor's gradient on its way, and may return another."""

    def __init__(self, function: Callable[[Any], Any], wrap: Callable[[Any], Any]) -> None:
        self.function = function
        self.wrap = wrap

    def __call__(self, g: Any) -> Any:
        recorded = isinstance(g, Watched)
        result: Any = self.function(g if recorded else self.wrap(as_array(+g)))  # which the user may keep
        if result is None:
            return g
        if not (recorded and isinstance(result, Array)):
            result = unwrap(result)
            result = result.copy() if hasattr(result, "__array_ufunc__") else np.array(result)
        if result.shape != g.shape or result.dtype.kind not in "biuf":
            raise ValueError(
                f"a hook must return a gradient of shape {g.shape}, or None; got {result.dtype} of {result.shape}"
            )
        return result if result.dtype == g.dtype else result.astype(g.dtype)
