"""Arrays whose operations are recorded in a graph: those of reverse mode."""

from collections.abc import Mapping, Sequence
from typing import Any

from .door import Traced, differentiable
from .primitive import Primitive
from .tape import Node, Notes, clock, replace_parent


class Recorded(Traced, Node):
    """An array in a graph. A subclass says of which level, and how another of its kind is made."""

    __slots__ = ()

    @property
    def connected(self) -> bool:
        return self.parents is not None

    def unconnected(self, value: Any) -> Any:
        """A result that has no derivative, as this level sees it."""
        raise NotImplementedError  # pragma: no cover: abstract

    def note(
        self, primitive: Primitive, y: Any, args: Sequence[Any], kwargs: Mapping[str, Any], watched: Sequence[Any]
    ) -> Any:
        if not differentiable(primitive, y, watched):
            return self.unconnected(y) if hasattr(y, "dtype") else y  # which answers a question: a shape, a truth
        result = self.alike(y)
        result.primitive, result.args, result.kwargs = primitive, args, kwargs
        result.parents, result.born = watched, clock[0]
        return result

    def become(self, other: Any) -> None:
        other = self.fitting(other)
        if self.parents is not None:
            self.leave_behind(other)
        copy_call(other, self)

    def leave_behind(self, other: "Recorded") -> None:
        """Put a copy into this array's place in the graph, as this one is about to become `other`."""
        clock[0] += 1
        former = self.alike(self.value)
        copy_call(self, former)
        former.notes = self.notes
        replace_parent(other, self, former)
        other.born = clock[0]
        self.notes = Notes()
        self.notes.changed = clock[0]
        if former.notes is not None:
            self.notes.retained = former.notes.retained
            self.notes.former, former.notes.former = former.notes.former, []  # no node points to itself
        self.notes.former.append((clock[0], former))


def copy_call(source: Node, target: Node) -> None:
    """Give a node the value of another, and the call that made it, in so far as there was one."""
    for name in ("value", "primitive", "args", "kwargs", "parents", "only", "born"):
        if hasattr(source, name):
            setattr(target, name, getattr(source, name))
