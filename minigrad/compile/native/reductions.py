"""Sums, products, maxima and the like over axes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..array import Method
from ..program import Call, Value
from .loops import Axes, Statement, collapsed
from .operands import Operand, Say, can_become, cast, literal, narrowed, operand
from .places import Elements, Places

METHODS = {Method("sum"): np.add, Method("prod"): np.multiply, Method("max"): np.maximum, Method("min"): np.minimum}
METHODS |= {Method("any"): np.logical_or, Method("all"): np.logical_and}
BLOCK = 1024  # elements of a sum that is added to others
SIDE_BY_SIDE = 8  # sums that are made at the same time

STEPS: dict[Any, Any] = {
    np.add: "{0} + {1}",
    np.multiply: "{0} * {1}",
    np.maximum: "{0} if {0} > {1} or {0} != {0} else {1}",
    np.minimum: "{0} if {0} < {1} or {0} != {0} else {1}",
    np.logical_or: "{0} or {1}",
    np.logical_and: "{0} and {1}",
}
SIGNS: dict[Any, str] = {np.maximum: "", np.minimum: "-"}
STARTS: dict[Any, Any] = {np.add: 0, np.multiply: 1, np.logical_or: False, np.logical_and: True}


@dataclass(eq=False, slots=True)
class Reduction(Statement):
    """One number of many: `x`, of a shape, reduced over some axes into `y`, which has strides of 0 there."""

    function: Any  # a ufunc
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    x: Operand
    y: Operand
    reads: list[Elements] = field(init=False)
    writes: list[Elements] = field(init=False)

    def __post_init__(self) -> None:
        self.reads, self.writes = [self.x.place], [self.y.place]  # type: ignore[list-item]

    def lines(self, say: Say, keep: Callable[[Any], bool]) -> list[str]:
        x, y = self.x.place, self.y.place
        assert x is not None
        assert y is not None
        kept = tuple(1 if k in self.axes else n for k, n in enumerate(self.shape))
        over = tuple(n if k in self.axes else 1 for k, n in enumerate(self.shape))
        outer, inner = collapsed(kept, [x, y], any_order=True), collapsed(over, [x], "j", any_order=True)
        into = f"{say(y.base)}, {outer.index(y)}"
        steps = " + ".join(f"j{k} * {s}" for k, s in enumerate(inner.strides[x])) or "0"
        element = f"load({say(x.base)}, {outer.index(x)} + {steps})"
        if self.function in STARTS and outer.sizes and outer.strides[x][-1] == 1 == outer.strides[y][-1]:
            first = [f"store({into}, {literal(STARTS[self.function], self.y.dtype)})"]
            item = cast(element, self.x.dtype, self.y.dtype)
            step = [f"store({into}, {self._step(f'load({into})', item, self.y.dtype)})"]
            return [*outer.around(first), *inner.around(outer.around(step))]
        shared = outer.can_be_shared([y], math.prod(inner.sizes))
        if self.function in SIGNS and self.y.dtype.kind == "f":
            first = f"load({say(x.base)}, {outer.index(x)})"
            return outer.around(self._extreme(first, element, inner, into), shared)
        first = literal(STARTS[self.function], self.within) if self.function in STARTS else ""
        first = first or cast(f"load({say(x.base)}, {outer.index(x)})", self.x.dtype, self.within)
        if self.function is np.add and inner.sizes and inner.sizes[-1] >= 2 * SIDE_BY_SIDE:
            body = self._side_by_side(say, outer.index(x), inner, first)
        else:
            item = cast(element, self.x.dtype, self.within)
            body = inner.around([f"element = {item}", f"total = {self._step('total', 'element', self.within)}"])
        total = cast("total", self.within, self.y.dtype)
        return outer.around([f"total = {first}", *body, f"store({into}, {total})"], shared)

    def _extreme(self, first: str, element: str, inner: Axes, into: str) -> list[str]:
        """The largest of numbers, or of those with the other sign, by their rank."""
        rank, sign = f"rank{8 * self.y.dtype.itemsize}", SIGNS[self.function]
        first, element = (f"{rank}({sign}{cast(x, self.x.dtype, self.y.dtype)})" for x in (first, element))
        steps = inner.around([f"total = max(total, {element})"])
        return [f"total = {first}", *steps, f"store({into}, {sign}{rank.replace('rank', 'ranked')}(total))"]

    @property
    def within(self) -> np.dtype:
        """The type in which one number is computed: sums of many in single precision would lose digits."""
        single = self.function is np.add and self.y.dtype == np.float32
        return np.dtype(np.float64) if single else self.y.dtype

    def _step(self, total: str, item: str, dtype: np.dtype) -> str:
        return narrowed(STEPS[self.function].format(total, item), dtype)

    def _side_by_side(self, say: Say, start: str, inner: Axes, zero: str) -> list[str]:
        """Several sums at a time: each waits for its last addition only.

        They start anew after some elements, as rounding errors grow with the number of additions in a row.
        """
        x = self.x.place
        assert x is not None
        *outer, last = inner.strides[x]
        n = inner.sizes[-1]
        sums = [f"total{i}" for i in range(SIDE_BY_SIDE)]
        base = " + ".join([start, *(f"j{k} * {s}" for k, s in enumerate(outer))])

        def add(name: str, j: str) -> str:
            item = cast(f"load({say(x.base)}, {base} + ({j}) * {last})", self.x.dtype, self.within)
            return f"{name} = {self._step(name, item, self.within)}"

        whole = n - n % SIDE_BY_SIDE
        pairs = " + ".join(f"({a} + {b})" for a, b in zip(sums[::2], sums[1::2], strict=True))
        lines = [f"for block in range(0, {whole}, {BLOCK}):"]
        lines += [f"    {name} = {zero}" for name in sums]
        lines += [f"    for j in range(block, min(block + {BLOCK}, {whole}), {SIDE_BY_SIDE}):"]
        lines += [f"        {add(name, f'j + {i}')}" for i, name in enumerate(sums)]
        lines += [f"    total = {self._step('total', pairs, self.within)}"]
        lines += [add("total", str(whole + i)) for i in range(n - whole)]
        return Axes(inner.sizes[:-1], {}, "j").around(lines)


def reduction(call: Call, result: Value, places: Places) -> Statement | None:
    """A sum, a product, a maximum or a minimum over axes."""
    method = METHODS.get(call.function)
    function, name = (method, "reduce") if method else call.function if isinstance(call.function, tuple) else (None, "")
    options = dict(zip(("x", "axis"), call.args, strict=False)) | dict(call.kwargs)
    if name != "reduce" or function not in STEPS or not set(options) <= {"x", "axis", "keepdims"} or len(call.args) > 2:
        return None
    x, axis, keepdims = options["x"], options.get("axis", None if method else 0), options.get("keepdims", False)
    axes = tuple(range(len(x.shape))) if axis is None else tuple(a % len(x.shape) for a in np.atleast_1d(axis))
    logical = function in (np.logical_or, np.logical_and)
    fitting = x.dtype.kind == "b" if logical else can_become(x.dtype, result.dtype) and result.dtype.kind != "b"
    from_x, into = operand(x, x.shape, places), places.of(result)
    if not fitting or from_x is None or from_x.place is None or into is None:
        return None
    left = iter(into.strides)
    strides = [
        0 * next(left) if k in axes and keepdims else 0 if k in axes else next(left) for k in range(len(x.shape))
    ]
    y = Operand(result.dtype, Elements(into.base, into.offset, tuple(strides), into.memory))
    return Reduction(function, x.shape, axes, from_x, y)
