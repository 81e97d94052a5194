"""The graph of a computation, and the levels that record one.

A node is the record of one call, and never changes. An array has a node; a change in place gives it another one.
Nothing points from a node to those that use it, so a graph without references is freed immediately.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, ClassVar

import numpy as np

from .array import WRITTEN_CLASSES, Array, fill, memory_of, own_part, with_written
from .context import Level, context
from .door import Call, Watched, outward
from .primitive import NO_OPTIONS, REGISTRY, Primitive

tick = count(1).__next__  # gives each call its time, and each change of a leaf's memory
last_change = [0]  # the time of the last such change


class Node:
    """One call: ``y = primitive(*args, **kwargs)``; in the place of an operand to which a derivative flows is its node.

    So the value of such an operand is the node's `y`. A leaf has no primitive. `born` is the time of the call: what
    goes in is older. A sweep that frees a graph takes the arguments of its nodes away.
    """

    __slots__ = ("args", "born", "notes", "primitive", "y")
    primitive: Any  # a Primitive, or None
    args: Sequence[Any]
    y: Any
    born: int
    notes: Any  # Notes, or None for most nodes

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """The options of the call."""
        return NO_OPTIONS if self.notes is None else self.notes.kwargs


class Notes:
    """What is known of few nodes: those of calls with options, leaves, and those with hooks.

    `grad` is the sum of the cotangents, kept for a leaf or if `retained`; `hooks` are called with each cotangent and
    return the one to go on. `kind` is what a leaf is for.
    """

    kwargs: Mapping[str, Any] = NO_OPTIONS
    grad: Any = None
    retained = False
    hooks: Sequence[Callable[[Any], Any]] = ()
    change: Any = None  # where the time of its memory's last change is kept
    kind = ""


WITHOUT_GRADIENT = Notes()  # of all leaves of transformations, which return what they find
WITHOUT_GRADIENT.kind = "leaf"


def noted(primitive: Any, args: Sequence[Any], kwargs: Mapping[str, Any], y: Any) -> Node:
    """The record of a call."""
    node = Node()
    node.primitive, node.args, node.y, node.born, node.notes = primitive, args, y, tick(), None
    if kwargs:
        node.notes = Notes()
        node.notes.kwargs = kwargs
    return node


def leaf(y: Any, kind: str = "leaf") -> Node:
    """The node of an array that no recorded call made."""
    node = noted(None, (), NO_OPTIONS, y)
    node.notes = Notes()
    node.notes.kind = kind
    return node


def operands_of(node: Node) -> Sequence[Any]:
    """The arrays that went into a call: nodes, and plain values where no derivative flows."""
    return node.args[0] if node.args and node.primitive.sequence else node.args


def parents_of(node: Node) -> list[Node]:
    """The nodes that went into a call."""
    return [x for x in operands_of(node) if type(x) is Node]


def is_freed(node: Node) -> bool:
    """Whether a sweep has taken a node's arguments away."""
    return node.primitive is not None and not node.args


def succeeding(before: Node | None, node: Any) -> Any:
    """The node that an array has now, which retains its gradient if the one before did."""
    if type(node) is Node and before is not None and before.notes is not None and before.notes.retained:
        node.notes = node.notes or Notes()
        node.notes.retained = True
    return node


# Leaves


def gradient_of(node: Node) -> Any:
    """What backward passes have left in a leaf: a plain array, a Tensor or None."""
    recording = context.get().recorder
    return node.notes.grad if recording is None else recording.gradient(node)


def set_gradient(node: Node, g: Any) -> None:
    """Leave a gradient in a leaf, or None."""
    if (recording := context.get().recorder) is not None:
        recording.keep_gradient(node)
    put_gradient(node, g)


def forget_gradients(arrays: Sequence[Any]) -> None:
    """Leave None in the leaves of arrays that require grad."""
    recording = context.get().recorder
    for x in arrays:
        if recording is not None:
            recording.operands((x,), (x.value,))  # whose replays are of no use once x is frozen, or freed
        node = x.node
        if node is not None:
            if recording is not None:
                recording.keep_gradient(node)
            node.notes.grad = None


def put_gradient(node: Node, g: Any) -> None:
    """Leave a gradient in a leaf without telling a recording, as the recording itself does."""
    node.notes.grad = g


changes: dict[int, list[Any]] = {}  # by identity: what leads to each array that was changed in place, and when


def mark_changed(node: Node) -> None:
    """Say that the memory of a leaf was changed: graphs whose rules would read what was there refuse to be swept."""
    notes = node.notes
    if notes.change is None:
        notes.change = change_of(node.y)
    notes.change[1] = last_change[0] = tick()
    if (recording := context.get().recorder) is not None:
        recording.touch(node)


def mark_memory(x: Any) -> None:
    """Say that the memory of an array was changed in place."""
    change_of(x)[1] = last_change[0] = tick()


def change_of(x: Any) -> list[Any]:
    """Where the time of the last change of an array is kept, for as long as the array is there."""
    key = id(x)
    known = changes.get(key)
    if known is None or known[0]() is not x:
        try:
            reference: Any = weakref.ref(x, lambda _: changes.pop(key, None))
        except TypeError:  # arrays of another library need not have that
            reference = lambda: x  # noqa: E731
        known = changes[key] = [reference, 0]
    return known


def changed_since(x: Any, born: int) -> bool:
    """Whether a change of the memory of an array was marked since."""
    later = [y for reference, time in tuple(changes.values()) if time > born and (y := reference()) is not None]
    return any(x is y or overlap(x, y) for y in later)


def overlap(x: Any, y: Any) -> bool:
    """Whether two arrays have elements in common."""
    if not (isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and np.may_share_memory(x, y)):
        return False
    try:
        return np.shares_memory(x, y, max_work=10_000)  # pyrefly: ignore[bad-argument-type]
    except np.exceptions.TooHardError:
        return True


# Levels


class Reverse(Level):
    """A transformation in reverse mode: it records each call in a graph."""

    __slots__ = ()

    def process(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return outward(self.recorded, Call(self, primitive, args, kwargs))

    def recorded(self, call: Call) -> Any:
        """The result of a call, with the node that is its record."""
        y = call.made()
        if not call.differentiable(y):
            return self.constant(y)
        kept: Any = [x if node is None else node for x, node in zip(call.inner, call.nodes, strict=True)]
        kept = (kept, *call.args[1:]) if call.primitive.sequence else tuple(kept)
        return self.made(y, noted(call.primitive, kept, call.kwargs, y))

    def made(self, value: Any, node: Any) -> Any:
        variable = Variable()
        variable.value, variable.node, variable.level = value, node, self
        return variable

    def variables(self, arrays: Sequence[Any]) -> list[Any]:
        """Arrays of this level to differentiate by."""
        made = []
        for x in arrays:
            variable, node = Variable(), Node()
            node.primitive, node.args, node.y, node.born, node.notes = None, (), x, tick(), WITHOUT_GRADIENT
            variable.value, variable.node, variable.level = x, node, self
            made.append(variable)
        return made

    def constant(self, y: Any) -> Any:
        """A result that has no derivative, as this level sees it."""
        return y

    # Filling an array: the rules of index_update and getitem read no values, so their nodes have outlines only.

    def write(self, x: Any, index: Any, v: Any) -> None:
        own = self.own(v) if isinstance(v, Watched) else None
        if type(x) not in WRITTEN_CLASSES or not self.writes(v, memory_of(x), None if own is None else memory_of(own)):
            x.assign_item(index, v)
            return
        value, node, before = (v, None, x.node) if own is None else (own.value, own.node, x.node)
        connected = self.records() and not (before is None and node is None)

        def new_node(memory: Any) -> Any:
            form = outline(memory)
            args = (form if before is None else before, index, value if node is None else node)
            return succeeding(before, noted(REGISTRY[np.ndarray.__setitem__], args, NO_OPTIONS, form))

        fill(x, index, value, new_node if connected else lambda memory: None)

    def fresh(self, value: Any, node: Any) -> Any:
        copy = self.made(value, node)
        return copy if node is None or node.primitive is not None else +copy  # a leaf's memory is the leaf's

    def settle(self, x: Any, memory: Any) -> None:
        """Let the node of an array that was filled know its value."""
        if x.node is not None:
            x.node.y = memory

    def part(self, x: Any, index: Any) -> Any:
        """``x[index]`` of an array that is being filled."""
        part = own_part(memory_of(x), index)
        if x.node is None or not self.records():
            return self.constant(part)
        return self.made(part, noted(REGISTRY[np.ndarray.__getitem__], (x.node, index), NO_OPTIONS, part))


@with_written
class Variable(Array):
    """An array that a transformation in reverse mode watches."""

    __slots__ = ()
    shorts: ClassVar[dict[Any, Any]] = {}


ZERO = bytes(32)


def outline(x: Any) -> Any:
    """An array of the shape and dtype of `x`, without its memory."""
    return np.ndarray(x.shape, x.dtype, buffer=ZERO, strides=(0,) * len(x.shape))
