"""Loops over the elements of arrays as text: what is computed element by element shares one."""

import math
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .operands import Operand, Say, cast, literal, narrowed
from .places import Elements

PARALLEL = 2**18  # elements of a loop that several threads share; a smaller one is done before they are awake
UNROLLED = 16  # an innermost loop of that length LLVM may write out; loops around a longer one are best left alone


@dataclass(eq=False, slots=True)
class Element:
    """An expression of single elements, and the place for its result; all places are of the shape of the loop."""

    text: str
    operands: list[Operand]
    types: list[np.dtype]
    result: np.dtype
    target: Operand


class Statement:
    """Something that reads from some places, and writes to some."""

    reads: list[Elements]
    writes: list[Elements]

    def conflicts(self, other: "Statement") -> bool:
        """Whether it matters which of two comes first."""
        if isinstance(self, Refusal) or isinstance(other, Refusal):
            return True  # nothing is to be changed before it that is changed after it
        touched = memories(other.reads) | memories(other.writes)
        return bool(memories(self.writes) & touched) or bool(memories(self.reads) & memories(other.writes))

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        """The text; memory of which `keep` says no is not needed afterwards."""
        raise NotImplementedError  # pragma: no cover: abstract

    def checks(self, say: Say, changed: Container[Any]) -> list[str]:
        """Text that refuses, before all else, what the statement cannot do, where that looks at nothing `changed`."""
        return []


@dataclass(eq=False, slots=True)
class Refusal(Statement):
    """A look at truths, of which none may be true."""

    shape: tuple[int, ...]
    bad: Elements
    reads: list[Elements] = field(init=False)
    writes: list[Elements] = field(init=False)

    def __post_init__(self) -> None:
        self.reads, self.writes = [self.bad], []

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        axes = collapsed(self.shape, [self.bad])
        return axes.around([f"if load({say(self.bad.base)}, {axes.index(self.bad)}):", "    raise Refused"])


@dataclass(eq=False, slots=True)
class Loop(Statement):
    """A loop over all elements of arrays of one shape, in which results stay in registers from line to line."""

    shape: tuple[int, ...]
    body: list[Element]
    reads: list[Elements] = field(init=False)
    writes: list[Elements] = field(init=False)

    def __post_init__(self) -> None:
        self.reads = [x.place for element in self.body for x in element.operands if x.place]
        self.writes = [element.target.place for element in self.body if element.target.place]

    def joined(self, other: "Loop") -> "Loop | None":
        """One loop that does first what this one does, and then the other; None if they cannot share one."""
        if self.shape != other.shape:
            return None
        both = Loop(self.shape, self.body + other.body)
        written = memories(both.writes)
        first: dict[Any, Elements] = {}
        for place in both.reads + both.writes:
            if place.memory in written and first.setdefault(place.memory, place) != place:
                return None  # an element would be written before another one has read it, or the other way round
        return both

    def _loaded(self) -> list[Elements]:
        """The places that are read before anything is written to them."""
        known: set[Any] = set()
        loaded = []
        for element in self.body:
            loaded += [x.place for x in element.operands if x.place and x.place not in known]
            known.add(element.target.place)
        return loaded

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        kept = [p for p in self.writes if keep(p.memory)]
        places = [*self._loaded(), *kept]
        axes = collapsed(self.shape, places, any_order=True)
        known: dict[Elements, str] = {}
        body: list[str] = []

        def operand(x: Operand, dtype: np.dtype) -> str:
            if x.place is None:
                return literal(x.number, dtype)
            if x.place not in known:
                known[x.place] = f"_{len(body)}"
                body.append(f"{known[x.place]} = load({say(x.place.base)}, {axes.index(x.place)})")
            return cast(known[x.place], x.dtype, dtype)

        for element in self.body:
            words = [operand(x, t) for x, t in zip(element.operands, element.types, strict=True)]
            text = cast(narrowed(element.text.format(*words), element.result), element.result, element.target.dtype)
            place = element.target.place
            assert place is not None
            known[place] = f"_{len(body)}"
            body.append(f"{known[place]} = {text}")
        # Each place once: what is written here is read here through variables only.
        body += [f"store({say(p.base)}, {axes.index(p)}, {known[p]})" for p in dict.fromkeys(kept)]
        return axes.around(body, shared=bool(kept) and axes.can_be_shared(kept))


@dataclass(frozen=True, slots=True)
class Axes:
    """Nested loops: how often each runs, and how far each takes one in each place."""

    sizes: tuple[int, ...]
    strides: dict[Elements, tuple[int, ...]]
    names: str = "i"

    def index(self, place: Elements, offset: int = 0) -> str:
        """The number of the element of a place that it is the turn of."""
        steps = [(f"{self.names}{k}", s) for k, s in enumerate(self.strides[place]) if s]
        words = [name if s == 1 else f"{name} * {s}" for name, s in steps]
        start = place.offset + offset
        return " + ".join(words + [str(start)] * bool(start or not words))

    def around(self, body: Iterable[str], shared: bool = False) -> list[str]:
        """The loops around some lines; the outermost may be shared by threads."""
        times = [str(n) for n in self.sizes]
        if self.sizes and self.sizes[-1] > UNROLLED:
            times[:-1] = [f"rolled({n})" for n in self.sizes[:-1]]
        lines = [f"{'    ' * k}for {self.names}{k} in range({n}):" for k, n in enumerate(times)]
        if shared:
            lines[0] = f"for {self.names}0 in shared({self.sizes[0]}):"
        return [*lines, *("    " * len(self.sizes) + line for line in body)]

    def can_be_shared(self, written: Iterable[Elements], inside: int = 1) -> bool:
        """Whether threads may do parts of the outermost loop, which writes to other elements in each turn.

        `inside` is the number of elements that are read for each turn of the innermost loop.
        """
        if not self.sizes or math.prod(self.sizes) * inside < PARALLEL:
            return False
        for place in written:
            first, *others = map(abs, self.strides[place])
            if first <= sum(step * (n - 1) for step, n in zip(others, self.sizes[1:], strict=True)):
                return False
        return True


def collapsed(shape: Sequence[int], places: Sequence[Elements], names: str = "i", any_order: bool = False) -> Axes:
    """As few loops as possible over arrays of a shape: axes whose elements follow each other are one.

    If they may come in any order, the innermost loop is that over the elements which lie closest to each other.
    """
    every = list(dict.fromkeys(places))
    steps_of = [(n, [p.strides[k] for p in every]) for k, n in enumerate(shape)]
    if any_order:
        steps_of.sort(key=lambda axis: -sum(map(abs, axis[1])))
    axes: list[list[Any]] = []
    for n, strides in steps_of:
        if n == 1:
            continue
        if axes and all(outer == n * inner for outer, inner in zip(axes[-1][1], strides, strict=True)):
            axes[-1] = [axes[-1][0] * n, strides]
        else:
            axes.append([n, strides])
    steps = {p: tuple(strides[i] for _, strides in axes) for i, p in enumerate(every)}
    return Axes(tuple(n for n, _ in axes), steps, names)


def memories(places: Iterable[Elements]) -> set[Any]:
    """In whose memory places are."""
    return {place.memory for place in places}


def fused(statements: Iterable[Statement]) -> list[Statement]:
    """The statements, with loops joined where nothing in between depends on their order."""
    done: list[Statement] = []
    for statement in statements:
        for i in range(len(done) - 1, -1, -1):
            earlier = done[i]
            both = earlier.joined(statement) if isinstance(earlier, Loop) and isinstance(statement, Loop) else None
            if both is not None:
                done[i] = both
                break
            if statement.conflicts(earlier):
                done.append(statement)
                break
        else:
            done.append(statement)
    return done
