"""Elements named by arrays of integers: read, set, and counted."""

import operator
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..program import CONSTANT, PURE, Call, Value
from .loops import Statement, collapsed
from .operands import Operand, Say, can_become, cast, literal, operand, operands
from .places import Elements, Places


@dataclass(eq=False, slots=True)
class Picked:
    """The elements ``x[indices]``, with arrays of integers for the first axes of x.

    `steps` and `sizes` are of these axes; `rest` has the strides of the others, after as many zeros as indices have.
    """

    shape: tuple[int, ...]
    rest: Elements
    indices: list[Operand]
    steps: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def places(self) -> list[Elements]:
        """Where the indices are."""
        return [i.place for i in self.indices if i.place]

    def checks(self, say: Say, changed: Container[Any]) -> list[str]:
        """Text that refuses indices which are out of bounds, where these are known before all else."""
        lines = []
        for place, size in zip(self.places, self.sizes, strict=True):
            if place.memory not in changed and place.base.origin != CONSTANT:
                axes = collapsed(self.shape, [place])
                item = f"load({say(place.base)}, {axes.index(place)})"
                lines += axes.around([f"if {item} < -{size} or {item} >= {size}:", "    raise Refused"])
        return lines

    def around(self, say: Say, other: Elements, line: Callable[[str, str], str]) -> list[str]:
        """Loops around a line, given what stands for an element of x, and for the number of one in another place."""
        axes = collapsed(self.shape, [other, self.rest, *self.places])
        words = [axes.index(self.rest)]
        for place, step, size in zip(self.places, self.steps, self.sizes, strict=True):
            words.append(f"within(load({say(place.base)}, {axes.index(place)}), {size}) * {step}")
        return axes.around([line(f"{say(self.rest.base)}, {' + '.join(words)}", axes.index(other))])


@dataclass(eq=False, slots=True)
class Gather(Statement):
    """``y = x[indices]``."""

    x: Picked
    y: Elements
    reads: list[Elements] = field(init=False)
    writes: list[Elements] = field(init=False)

    def __post_init__(self) -> None:
        self.reads, self.writes = [self.x.rest, *self.x.places], [self.y]

    def checks(self, say: Say, changed: Container[Any]) -> list[str]:
        return self.x.checks(say, changed)

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        return self.x.around(say, self.y, lambda x, i: f"store({say(self.y.base)}, {i}, load({x}))")


@dataclass(eq=False, slots=True)
class Scatter(Statement):
    """``x[indices] = v``; where an element is named more than once, the last one stays."""

    x: Picked
    v: Operand
    dtype: np.dtype
    reads: list[Elements] = field(init=False)
    writes: list[Elements] = field(init=False)

    def __post_init__(self) -> None:
        self.reads, self.writes = [*self.x.places, *([self.v.place] if self.v.place else [])], [self.x.rest]

    def checks(self, say: Say, changed: Container[Any]) -> list[str]:
        return self.x.checks(say, changed)

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        place = self.v.place
        if place is None:
            return self.x.around(say, self.x.rest, lambda x, _: f"store({x}, {literal(self.v.number, self.dtype)})")
        base = say(place.base)
        return self.x.around(
            say, place, lambda x, i: f"store({x}, {cast(f'load({base}, {i})', self.v.dtype, self.dtype)})"
        )


@dataclass(eq=False, slots=True)
class Count(Statement):
    """np.bincount: `y`, of zeros, to which weights are added at positions."""

    length: int
    size: int
    positions: Operand
    weights: Operand
    y: Operand
    reads: list[Elements] = field(init=False)
    writes: list[Elements] = field(init=False)

    def __post_init__(self) -> None:
        self.reads = [x.place for x in (self.positions, self.weights) if x.place]
        self.writes = [self.y.place]  # type: ignore[list-item]

    def checks(self, say: Say, changed: Container[Any]) -> list[str]:
        at = self.positions.place
        if at is None or at.memory in changed:
            return []
        axes = collapsed((self.length,), [at])
        item = f"load({say(at.base)}, {axes.index(at)})"
        return axes.around([f"if {item} < 0 or {item} >= {self.size}:", "    raise Refused"])

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        at, weights, y = self.positions.place, self.weights.place, self.y.place
        assert at is not None
        assert weights is not None
        assert y is not None
        into = say(y.base)
        clear = [f"for i in range({self.size}):", f"    store({into}, i + {y.offset}, 0.0)"]
        axes = collapsed((self.length,), self.reads)
        weight = cast(f"load({say(weights.base)}, {axes.index(weights)})", self.weights.dtype, self.y.dtype)
        item = f"load({say(at.base)}, {axes.index(at)})"
        where = f"position = counted({item}, {self.size}) + {y.offset}"
        return [*clear, *axes.around([where, f"store({into}, position, load({into}, position) + {weight})"])]


def picked(x: Any, index: Any, places: Places) -> Picked | None:
    """The elements ``x[index]``, if the index is of arrays of integers."""
    parts = index if isinstance(index, tuple) else (index,)
    place = places.of(x) if isinstance(x, Value) else None
    if place is None or not all(isinstance(p, Value) and p.dtype.kind in "iu" and not p.number for p in parts):
        return None
    shape = np.broadcast_shapes(*(p.shape for p in parts))
    left = x.shape[len(parts) :]
    indices = []
    for part in parts:
        found = places.of(part)
        if found is None:
            return None
        found = found.stretched(part.shape, shape)
        wide = Elements(found.base, found.offset, found.strides + (0,) * len(left), found.memory)
        indices.append(Operand(part.dtype, wide))
    rest = Elements(place.base, place.offset, (0,) * len(shape) + place.strides[len(parts) :], place.memory)
    steps, sizes = place.strides[: len(parts)], x.shape[: len(parts)]
    return Picked((*shape, *left), rest, indices, steps, sizes)


def gathering(call: Call, result: Value, places: Places) -> Statement | None:
    """``x[i]``, ``x[i, j]`` and so on with arrays of integers, for the first axes of x."""
    if call.function is not operator.getitem or call.kind != PURE:
        return None
    found, into = picked(call.args[0], call.args[1], places), places.of(result)
    return Gather(found, into) if found and into and result.shape == found.shape else None


def scattering(call: Call, x: Value, places: Places) -> Statement | None:
    """The same elements, set."""
    if call.function is not operator.setitem:
        return None
    found = picked(x, call.args[1], places)
    v = operand(call.args[2], found.shape, places) if found and broadcasts(call.args[2], found.shape) else None
    return Scatter(found, v, x.dtype) if found and v and can_become(v.dtype, x.dtype) else None


def broadcasts(v: Any, shape: tuple[int, ...]) -> bool:
    """Whether something can be broadcast to a shape; NumPy also sets ``x[i]`` to what has more axes, of size 1."""
    return not isinstance(v, Value) or len(v.shape) <= len(shape)


def counting(call: Call, result: Value, places: Places) -> Statement | None:
    """np.bincount with weights."""
    if call.function is not np.bincount or len(call.args) != 1 or set(call.kwargs) != {"weights", "minlength"}:
        return None
    (x,), weights = call.args, call.kwargs["weights"]
    if not all(isinstance(v, Value) and v.dtype.kind == kind for v, kind in ((x, "i"), (weights, "f"))):
        return None
    made = operands([x, weights], x.shape, places)
    into = places.of(result)
    if (
        made is None
        or into is None
        or any(given.place is None for given in made)
        or result.shape != (call.kwargs["minlength"],)
    ):
        return None
    return Count(x.shape[0], result.shape[0], made[0], made[1], Operand(result.dtype, into))
