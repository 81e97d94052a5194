"""Functions together with the arrays from outside that they use, by which solvers are differentiated.

The function that somebody hands to a solver may use arrays from outside, to which derivatives flow. `Closed` runs it
once and takes these arrays down. Then it can be evaluated with others in their places: with plain ones, or at a level
that differentiates it by all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core.context import Level, next_depth, no_grad, run_at
from ..core.door import Watched, bind, outward, snapshot
from ..core.primitive import Primitive
from ..core.tape import Reverse
from ..errors import GraphError
from .arguments import left_level
from .checkpoint import Opaque, is_floating
from .forward import Forward, tangent_of
from .reverse import cotangents


def key_of(x: Any) -> tuple[int, int]:
    """By what an array from outside is known, which may be wrapped anew each time."""
    return id(x.value), id(x.node)


class Exchanging(Level):
    """An ambient level that computes with other arrays in the places of its operands."""

    __slots__ = ()

    def process(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return outward(self.exchanged, (primitive, args, kwargs))

    def exchanged(self, call: Any) -> Any:
        """The result of a call."""
        primitive, args, kwargs = call
        inner = [self.operand(x) for x in (args[0] if primitive.sequence else args)]
        options = {name: self.operand(x) for name, x in kwargs.items()}
        return self.outcome(bind(primitive, (inner, *args[1:]) if primitive.sequence else inner, options))

    def operand(self, x: Any) -> Any:
        """What to compute with in place of an operand."""
        raise NotImplementedError  # pragma: no cover: abstract

    def outcome(self, y: Any) -> Any:
        """A result as the function sees it."""
        return y


class Probe(Exchanging):
    """The run of a function that takes down which arrays it uses from outside, by their keys.

    These are arrays to which a derivative flows, and those of which each entry of a batch has its own.
    """

    __slots__ = ("outer",)

    def __init__(self, depth: int) -> None:
        super().__init__(depth)
        self.outer: dict[tuple[int, int], Any] = {}

    def operand(self, x: Any) -> Any:
        if not isinstance(x, Watched):
            return x
        if x.level is self:
            return x.value
        x = snapshot(x)
        if isinstance(x, Watched):
            self.outer.setdefault(key_of(x), x)
        return x

    def outcome(self, y: Any) -> Any:
        return self.made(y, True) if hasattr(y, "dtype") else y

    def made(self, value: Any, node: Any) -> Any:
        opaque = Opaque()
        opaque.value, opaque.node, opaque.level = value, node, self
        return opaque

    def write(self, x: Any, index: Any, v: Any) -> None:
        x.assign_item(index, v)


class Given(Exchanging):
    """The run of a function on plain arrays in the places of those from outside."""

    __slots__ = ("stand_ins",)

    def __init__(self, depth: int, stand_ins: Mapping[tuple[int, int], Any]) -> None:
        super().__init__(depth)
        self.stand_ins = stand_ins

    def operand(self, x: Any) -> Any:
        x = snapshot(x)
        return self.stand_ins.get(key_of(x), x) if isinstance(x, Watched) else x


class OuterStandIns(Level):
    """What makes a level differentiate by arrays from outside: its own stand for them."""

    __slots__ = ()
    stand_ins: Mapping[tuple[int, int], Any]

    def constant(self, y: Any) -> Any:
        """A result that has no derivative: an array that can be filled, as it could when probed."""
        return self.made(y, None) if hasattr(y, "dtype") else y

    def own(self, x: Any) -> Any:
        """The array of this level that stands for an operand."""
        if x.level is self:
            return x
        if not isinstance(snapshot(x), Watched):
            return None
        x = snapshot(x)
        if key_of(x) not in self.stand_ins:
            if not x.flows():  # an entry of a batch, detached from what has a derivative
                return None
            raise GraphError(
                f"a function that was solved for is evaluated again for its derivative, and now uses an array of shape "
                f"{x.shape} that it did not use then: a variable was assigned anew. Pass what changes as an "
                f"argument (args=), or call backward() before the change"
            )
        return self.stand_ins[key_of(x)]


class InReverse(OuterStandIns, Reverse):
    """A function and what it uses, in reverse mode."""

    __slots__ = ("stand_ins",)


class InForward(OuterStandIns, Forward):
    """A function and what it uses, in forward mode."""

    __slots__ = ("stand_ins",)


class Closed:
    """A function of arrays, and the arrays from outside that it uses, found in a run on `arrays`.

    Evaluated with other arrays, it takes its `count` arguments, and then one for each of those from outside.
    """

    def __init__(self, function: Callable[..., Any], *arrays: Any) -> None:
        self.function, self.count = function, len(arrays)
        probe = Probe(next_depth())
        with no_grad():
            inside = (probe.made(x, True) if hasattr(x, "dtype") else x for x in arrays)
            self.result = run_at(probe, function, *inside, ambient=True)
        self.outer = list(probe.outer.values())
        self.keys = list(probe.outer)
        self.below = max((x.level.depth for x in self.outer), default=0)

    def depth(self) -> int:
        """That of a level inside of all those that the function knows."""
        return next_depth(self.below)

    def plainly(self, function: Callable[..., Any], arrays: Sequence[Any], count: int) -> Any:
        """The result of a function that uses the same from outside, such as a solver; its arguments are the first."""
        level = Given(self.depth(), dict(zip(self.keys, arrays[count:], strict=True)))
        with no_grad():
            return run_at(level, function, *arrays[:count], ambient=True)

    def run(self, level: Any, arrays: Sequence[Any]) -> Any:
        """The result at a level whose arrays these are."""
        level.stand_ins = dict(zip(self.keys, arrays[self.count :], strict=True))
        try:
            return run_at(level, self.function, *arrays[: self.count], ambient=True)
        finally:
            level.stand_ins = {}  # which know the level, in a circle that would stay until it is collected

    def pulled(self, arrays: Sequence[Any], held: Sequence[int] = ()) -> tuple[Any, Callable[[Any], list[Any]]]:
        """The result, and what pulls a cotangent of it back to all arrays.

        That is None for arrays on which the result does not depend, and for those that are `held` fixed.
        """
        level = InReverse(self.depth())
        variables = [
            x if i in held else level.variables([x])[0] if is_floating(x) else level.made(x, None)
            for i, x in enumerate(arrays)
        ]
        nodes: list[Any] = [getattr(v, "node", None) for v in variables]
        result = self.run(level, variables)
        own = isinstance(result, Watched) and result.level is level

        def pull(g: Any) -> list[Any]:
            found = cotangents([result.node if own else None], [g])
            return [found.get(node) for node in nodes]

        return result.value if own else result, pull

    def pushed(self, arrays: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
        """The result and its tangent; that of an array is None where it is held fixed."""
        level = InForward(self.depth())
        pairs = zip(arrays, tangents, strict=True)
        duals = [level.made(x, t if is_floating(x) else None) if hasattr(x, "dtype") else x for x, t in pairs]
        result = self.run(level, duals)
        return left_level(level, result), tangent_of(level, result)
