"""Products of matrices: loops if they are small, else BLAS."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..array import Method
from ..program import Call, Value
from .loops import Statement, collapsed
from .operands import Say, literal, narrowed
from .places import Elements, Places

SMALL = 512  # multiplications of a product of matrices for which BLAS is not worth the call
DOTS = {np.dot, np.matmul, operator.matmul, Method("dot")}


@dataclass(eq=False, slots=True)
class Product(Statement):
    """``c = a @ b``, with places of matrices, or of a batch of them: a is m by k, and b is k by n."""

    a: Elements
    b: Elements
    c: Elements
    size: tuple[int, int, int]
    dtype: np.dtype
    batch: tuple[int, ...] = ()
    reads: list[Elements] = field(init=False)
    writes: list[Elements] = field(init=False)

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
        by_blas = as_blas(self.a, m, k) and as_blas(self.b, k, n) and as_blas(self.c, m, n)
        return self.is_small or (self.dtype.kind == "f" and bool(by_blas) and as_blas(self.c, m, n)[0] == "N")  # type: ignore[index]

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        a, b, c = (say(p.base) for p in (self.a, self.b, self.c))
        m, n, k = self.size
        firsts = [Elements(p.base, p.offset, p.strides[:-2], p.memory) for p in (self.a, self.b, self.c)]
        axes = collapsed(self.batch, firsts)
        from_a, from_b, from_c = map(axes.index, firsts)
        if not self.is_small:
            (turn_a, lda), (turn_b, ldb), (_, ldc) = as_blas(self.a, m, k), as_blas(self.b, k, n), as_blas(self.c, m, n)  # type: ignore[misc]
            gemm, turns = (
                {"float32": "sgemm", "float64": "dgemm"}[self.dtype.name],
                2 * (turn_b == "T") + (turn_a == "T"),
            )
            at_a, at_b, at_c = f"past({a}, {from_a})", f"past({b}, {from_b})", f"past({c}, {from_c})"
            one, zero = literal(1, self.dtype), literal(0, self.dtype)
            # By columns, as BLAS sees it, this is the transpose of c: the transpose of b times that of a.
            line = f"{gemm}({turns}, {n}, {m}, {k}, {one}, {at_b}, {ldb}, {at_a}, {lda}, {zero}, {at_c}, {ldc})"
            return axes.around([line])
        left = f"load({a}, i * {self.a.strides[-2]} + p * {self.a.strides[-1]} + {from_a})"
        right = f"load({b}, p * {self.b.strides[-2]} + j * {self.b.strides[-1]} + {from_b})"
        into = f"{c}, i * {self.c.strides[-2]} + j * {self.c.strides[-1]} + {from_c}"
        lines = [
            f"for i in range({m}):",
            f"    for j in range({n}):",
            f"        total = {literal(0, self.dtype)}",
            f"        for p in range({k}):",
            f"            total = {narrowed(f'total + {left} * {right}', self.dtype)}",
            f"        store({into}, total)",
        ]
        return axes.around(lines)


def as_blas(place: Elements, rows: int, columns: int) -> tuple[str, int] | None:
    """How BLAS is told where a matrix lies: by rows ("N") or by columns ("T"), and how far apart they are."""
    down, right = place.strides[-2:]
    if (columns == 1 or right == 1) and (rows == 1 or down >= columns):
        return "N", down if rows > 1 else columns
    if (rows == 1 or down == 1) and (columns == 1 or right >= rows):
        return "T", right if columns > 1 else rows
    return None


def product(call: Call, result: Value, places: Places) -> Statement | None:
    """A product of two matrices, of a matrix and a vector, or of matrices in batches."""
    if call.function not in DOTS or len(call.args) != 2 or call.kwargs:
        return None
    a, b = call.args
    if not (isinstance(a, Value) and isinstance(b, Value)) or not (a.dtype == b.dtype == result.dtype):
        return None
    if not a.shape or not b.shape or a.dtype.kind == "b":
        return None
    many = max(len(a.shape), len(b.shape)) > 2
    if many and (min(len(a.shape), len(b.shape)) < 2 or call.function not in (np.matmul, operator.matmul)):
        return None
    left, right, into = (places.of(x) for x in (a, b, result))
    if left is None or right is None or into is None:
        return None
    m, n, k = a.shape[-2] if len(a.shape) > 1 else 1, b.shape[-1] if len(b.shape) > 1 else 1, a.shape[-1]
    batch = result.shape[:-2] if many else ()
    strides = iter(into.strides[len(batch) :])
    made = Product(
        batched(a, left, left.strides[-2:] if len(a.shape) > 1 else (0, *left.strides), batch),
        batched(b, right, right.strides[-2:] if len(b.shape) > 1 else (*right.strides, 0), batch),
        batched(result, into, tuple(next(strides) if len(x.shape) > 1 else 0 for x in (a, b)), batch),
        (m, n, k),
        a.dtype,
        batch,
    )
    return made if made.possible() else None


def batched(x: Value, place: Elements, strides: tuple[int, ...], batch: tuple[int, ...]) -> Elements:
    """The place of a batch of matrices with such strides."""
    if not batch:
        return Elements(place.base, place.offset, strides, place.memory)
    outer = Elements(place.base, place.offset, place.strides[:-2], place.memory).stretched(x.shape[:-2], batch)
    return Elements(place.base, place.offset, outer.strides + strides, place.memory)
