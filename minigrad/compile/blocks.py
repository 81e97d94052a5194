"""Statements of native code that are no loops over single elements: sums, products of matrices, gathers, scatters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .elements import cast
from .loops import Operand, Say, Statement, collapsed, literal, narrowed
from .places import Place

SMALL = 512  # multiplications of a product of matrices for which BLAS is not worth the call
SIDE_BY_SIDE = 8  # sums that are made at the same time

STEPS: dict[Any, Any] = {
    np.add: "{0} + {1}",
    np.multiply: "{0} * {1}",
    np.maximum: "{0} if {0} >= {1} or {0} != {0} else {1}",
    np.minimum: "{0} if {0} <= {1} or {0} != {0} else {1}",
    np.logical_or: "{0} or {1}",
    np.logical_and: "{0} and {1}",
}
STARTS: dict[Any, Any] = {np.add: 0, np.multiply: 1, np.logical_or: False, np.logical_and: True}


@dataclass(eq=False, slots=True)
class Reduction(Statement):
    """One number of many: `x`, of a shape, reduced over some axes into `y`, which has strides of 0 there."""

    function: Any  # a ufunc
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    x: Operand
    y: Operand
    reads: list[Place] = field(init=False)
    writes: list[Place] = field(init=False)

    def __post_init__(self) -> None:
        self.reads, self.writes = [self.x.place], [self.y.place]  # type: ignore[list-item]

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        x, y = self.x.place, self.y.place
        assert x is not None
        assert y is not None
        kept = tuple(1 if k in self.axes else n for k, n in enumerate(self.shape))
        over = tuple(n if k in self.axes else 1 for k, n in enumerate(self.shape))
        outer, inner = collapsed(kept, [x, y]), collapsed(over, [x], "j")
        into = f"{say(y.base)}, {outer.index(y)}"
        steps = " + ".join(f"j{k} * {s}" for k, s in enumerate(inner.strides[x])) or "0"
        item = cast(f"load({say(x.base)}, {outer.index(x)} + {steps})", self.x.dtype, self.y.dtype)
        if self.function in STARTS and outer.sizes and outer.strides[x][-1] == 1 == outer.strides[y][-1]:
            first = [f"store({into}, {literal(STARTS[self.function], self.y.dtype)})"]
            step = [f"store({into}, {self._step(f'load({into})', item)})"]
            return [*outer.around(first), *inner.around(outer.around(step))]
        first = literal(STARTS[self.function], self.y.dtype) if self.function in STARTS else ""
        first = first or cast(f"load({say(x.base)}, {outer.index(x)})", self.x.dtype, self.y.dtype)
        if self.function is np.add and inner.sizes and inner.sizes[-1] >= 2 * SIDE_BY_SIDE:
            body = self._side_by_side(say, outer.index(x), inner, first)
        else:
            body = [
                f"total = {first}",
                *inner.around([f"element = {item}", f"total = {self._step('total', 'element')}"]),
            ]
        return outer.around([*body, f"store({into}, total)"])

    def _step(self, total: str, item: str) -> str:
        return narrowed(STEPS[self.function].format(total, item), self.y.dtype)

    def _side_by_side(self, say: Say, start: str, inner: Any, zero: str) -> list[str]:
        """Several sums at a time: each waits for its last addition only, and rounding errors grow more slowly."""
        x = self.x.place
        assert x is not None
        *outer, last = inner.strides[x]
        n = inner.sizes[-1]
        sums = [f"total{i}" for i in range(SIDE_BY_SIDE)]
        base = " + ".join([start, *(f"j{k} * {s}" for k, s in enumerate(outer))])

        def add(name: str, j: str) -> str:
            item = cast(f"load({say(x.base)}, {base} + ({j}) * {last})", self.x.dtype, self.y.dtype)
            return f"{name} = {self._step(name, item)}"

        whole = n - n % SIDE_BY_SIDE
        lines = [f"for j in range(0, {whole}, {SIDE_BY_SIDE}):"]
        lines += [f"    {add(name, f'j + {i}')}" for i, name in enumerate(sums)]
        lines += [add(sums[i], str(whole + i)) for i in range(n - whole)]
        around = type(inner)(inner.sizes[:-1], {}, "j").around(lines)
        pairs = [f"({a} + {b})" for a, b in zip(sums[::2], sums[1::2], strict=True)]
        return [*(f"{name} = {zero}" for name in sums), *around, f"total = {narrowed(' + '.join(pairs), self.y.dtype)}"]


@dataclass(eq=False, slots=True)
class Product(Statement):
    """``c = a @ b``, with places of matrices: a is m by k, and b is k by n."""

    a: Place
    b: Place
    c: Place
    size: tuple[int, int, int]
    dtype: np.dtype
    reads: list[Place] = field(init=False)
    writes: list[Place] = field(init=False)

    def __post_init__(self) -> None:
        self.reads, self.writes = [self.a, self.b], [self.c]

    @property
    def is_small(self) -> bool:
        """Whether loops are better than BLAS."""
        m, n, k = self.size
        return m * n * k <= SMALL

    def possible(self) -> bool:
        """Whether loops or BLAS can do it."""
        m, n, k = self.size
        by_blas = layout(self.a, m, k) and layout(self.b, k, n) and layout(self.c, m, n)
        return self.is_small or (self.dtype.kind == "f" and bool(by_blas) and layout(self.c, m, n)[0] == "N")  # type: ignore[index]

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        a, b, c = (say(p.base) for p in (self.a, self.b, self.c))
        m, n, k = self.size
        if not self.is_small:
            (turn_a, lda), (turn_b, ldb), (_, ldc) = layout(self.a, m, k), layout(self.b, k, n), layout(self.c, m, n)  # type: ignore[misc]
            gemm, turns = (
                {"float32": "sgemm", "float64": "dgemm"}[self.dtype.name],
                2 * (turn_b == "T") + (turn_a == "T"),
            )
            at_a, at_b, at_c = (f"past({name}, {p.offset})" for name, p in ((a, self.a), (b, self.b), (c, self.c)))
            one, zero = literal(1, self.dtype), literal(0, self.dtype)
            # By columns, as BLAS sees it, this is the transpose of c: the transpose of b times that of a.
            return [f"{gemm}({turns}, {n}, {m}, {k}, {one}, {at_b}, {ldb}, {at_a}, {lda}, {zero}, {at_c}, {ldc})"]
        left = f"load({a}, i * {self.a.strides[0]} + p * {self.a.strides[1]} + {self.a.offset})"
        right = f"load({b}, p * {self.b.strides[0]} + j * {self.b.strides[1]} + {self.b.offset})"
        into = f"{c}, i * {self.c.strides[0]} + j * {self.c.strides[1]} + {self.c.offset}"
        return [
            f"for i in range({m}):",
            f"    for j in range({n}):",
            f"        total = {literal(0, self.dtype)}",
            f"        for p in range({k}):",
            f"            total = {narrowed(f'total + {left} * {right}', self.dtype)}",
            f"        store({into}, total)",
        ]


def layout(place: Place, rows: int, columns: int) -> tuple[str, int] | None:
    """How BLAS is told where a matrix lies: by rows ("N") or by columns ("T"), and how far apart they are."""
    down, right = place.strides
    if (columns == 1 or right == 1) and (rows == 1 or down >= columns):
        return "N", down if rows > 1 else columns
    if (rows == 1 or down == 1) and (columns == 1 or right >= rows):
        return "T", right if columns > 1 else rows
    return None


@dataclass(eq=False, slots=True)
class Picked:
    """The elements ``x[indices]``, with arrays of integers for the first axes of x.

    `steps` and `sizes` are of these axes; `rest` has the strides of the others, after as many zeros as indices have.
    """

    shape: tuple[int, ...]
    rest: Place
    indices: list[Operand]
    steps: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def places(self) -> list[Place]:
        """Where the indices are."""
        return [i.place for i in self.indices if i.place]

    def around(self, say: Say, other: Place, line: Callable[[str, str], str]) -> list[str]:
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
    y: Place
    reads: list[Place] = field(init=False)
    writes: list[Place] = field(init=False)

    def __post_init__(self) -> None:
        self.reads, self.writes = [self.x.rest, *self.x.places], [self.y]

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        return self.x.around(say, self.y, lambda x, i: f"store({say(self.y.base)}, {i}, load({x}))")


@dataclass(eq=False, slots=True)
class Scatter(Statement):
    """``x[indices] = v``; where an element is named more than once, the last one stays."""

    x: Picked
    v: Operand
    dtype: np.dtype
    reads: list[Place] = field(init=False)
    writes: list[Place] = field(init=False)

    def __post_init__(self) -> None:
        self.reads, self.writes = [*self.x.places, *([self.v.place] if self.v.place else [])], [self.x.rest]

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
    reads: list[Place] = field(init=False)
    writes: list[Place] = field(init=False)

    def __post_init__(self) -> None:
        self.reads = [x.place for x in (self.positions, self.weights) if x.place]
        self.writes = [self.y.place]  # type: ignore[list-item]

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
