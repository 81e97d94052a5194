"""Where the elements of a program's arrays lie: whose memory, from which element on, and how far apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

from ..program import CONSTANT, OUTSIDE, RESULT, VIEW, Call, Program, Value, mapped

KINDS = "biuf"  # of dtypes that loops compute with


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements ``base[offset + i * strides[0] + j * strides[1] + ...]``; `memory` tells what overlaps."""

    base: Value
    offset: int
    strides: tuple[int, ...]
    memory: Value

    def stretched(self, shape: Sequence[int], to: Sequence[int]) -> "Elements":
        """The same elements seen as an array of another shape, by NumPy's rules of broadcasting."""
        missing = len(to) - len(shape)
        kept = tuple(s if n > 1 else 0 for n, s in zip(shape, self.strides, strict=True))
        return Elements(self.base, self.offset, (0,) * missing + kept, self.memory)


class Places:
    """The places of a program's values. Values that a loop cannot address have none."""

    def __init__(self, program: Program) -> None:
        self._shift: dict[Value, tuple[Value, int]] = {}  # of views: the value in the same memory, and the first byte
        values = dict.fromkeys(v for call in program.calls for v in call.values())
        self._memory = overlapping(v for v in values if v.origin in (OUTSIDE, CONSTANT))
        for call in program.calls:
            if call.kind == VIEW and isinstance(call.pattern, Value) and len(call.operands()) == 1:
                (x,) = call.operands()
                array = imagined(x)
                args, kwargs = mapped(
                    lambda part, x=x, array=array: array if part is x else part, (call.args, call.kwargs)
                )
                self._shift[call.pattern] = x, address(call.function(*args, **kwargs)) - address(array)

    def knows(self, call: Call) -> bool:
        """Whether a call does nothing but make a view of which the place is known."""
        return isinstance(call.pattern, Value) and call.pattern in self._shift

    def of(self, value: Value) -> Elements | None:
        """The place of a value, None if it has none."""
        base, offset, size = value, 0, value.dtype.itemsize
        while base in self._shift:
            base, step = self._shift[base]
            offset += step
        fits = value.dtype.kind in KINDS and value.dtype.isnative and value.dtype.itemsize <= 8
        fits = fits and not any(s % size for s in (offset, *value.strides)) and value.dtype == base.dtype
        if not fits or value.dtype == np.float16 or 0 in value.shape or (base.number and base.dtype.kind != "f"):
            return None
        if base.origin in (OUTSIDE, CONSTANT) and not is_readable(base.source, base.strides):
            return None
        if base.origin == RESULT and base.root.origin == OUTSIDE:
            return None  # a view of who knows what
        memory = self._memory.get(base, base.root)
        return Elements(base, offset // size, tuple(s // size for s in value.strides), memory)

    def of_element(self, value: Value, index: Any) -> Elements | None:
        """The place of ``value[index]``, an index without arrays; None if the value has none."""
        place = self.of(value)
        if place is None:
            return None
        array = imagined(value)
        y = array[as_view(index)]
        size = value.dtype.itemsize
        offset = place.offset + (address(y) - address(array)) // size
        return Elements(place.base, offset, tuple(s // size for s in y.strides), place.memory)


def is_readable(x: Any, strides: tuple[int, ...]) -> bool:
    """Whether something that is there already is an array whose address can be in the text of a loop."""
    return isinstance(x, np.ndarray) and x.flags.aligned and x.strides == strides


def as_view(index: Any) -> tuple[Any, ...]:
    """An index that returns an array of shape () where `index` returns an element."""
    index = index if isinstance(index, tuple) else (index,)
    return index if any(part is ... for part in index) else (*index, ...)


def imagined(value: Value) -> np.ndarray:
    """An array with the layout of a value, whose elements must not be looked at."""
    return as_strided(np.empty(1, value.dtype), value.shape, value.strides)


def address(array: np.ndarray) -> int:
    """Where an array begins."""
    return array.__array_interface__["data"][0]


def overlapping(values: Iterable[Value]) -> dict[Value, Value]:
    """For arrays that are there already: one value to stand for all that lie in overlapping memory."""
    arrays = [(byte_bounds(np.asarray(v.source)), v) for v in values if isinstance(v.source, np.ndarray)]
    arrays.sort(key=lambda found: found[0])
    memory: dict[Value, Value] = {}
    end, first = -1, None
    for (low, high), value in arrays:
        if low >= end or first is None:
            first = value
        memory[value], end = first, max(high, end if first is not value else high)
    for value, first in memory.items():
        first.scratch = first.scratch and value.scratch and value.root is value
    return memory
