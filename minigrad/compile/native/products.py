"""Products of matrices: loops if they are small, else BLAS."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..array import Method
from ..program import Call, Value
from .loops import Statement
from .operands import Say, literal, narrowed
from .places import Place, Places

SMALL = 512  # multiplications of a product of matrices for which BLAS is not worth the call
DOTS = {np.dot, np.matmul, operator.matmul, Method("dot")}


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


def product(call: Call, result: Value, places: Places) -> Statement | None:
    """A product of two matrices, or of a matrix and a vector."""
    if call.function not in DOTS or len(call.args) != 2 or call.kwargs:
        return None
    a, b = call.args
    if not (isinstance(a, Value) and isinstance(b, Value)) or not (a.dtype == b.dtype == result.dtype):
        return None
    if not (1 <= len(a.shape) <= 2 and 1 <= len(b.shape) <= 2) or a.dtype.kind == "b":
        return None
    at = [places.of(x) for x in (a, b, result)]
    if any(place is None for place in at):
        return None
    left, right, into = at
    assert left is not None
    assert right is not None
    assert into is not None
    m, n, k = a.shape[0] if len(a.shape) == 2 else 1, b.shape[1] if len(b.shape) == 2 else 1, a.shape[-1]
    down = left.strides if len(a.shape) == 2 else (0, *left.strides)
    across = right.strides if len(b.shape) == 2 else (*right.strides, 0)
    strides = iter(into.strides)
    to = (next(strides) if len(a.shape) == 2 else 0, next(strides) if len(b.shape) == 2 else 0)

    def placed(place: Place, strides: tuple[int, ...]) -> Place:
        return Place(place.base, place.offset, strides, place.memory)

    made = Product(placed(left, down), placed(right, across), placed(into, to), (m, n, k), a.dtype)
    return made if made.possible() else None
