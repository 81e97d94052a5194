"""What stands in an expression: an element of an array or a constant, and its way from one type to another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..program import CONSTANT, Value
from .places import KINDS, Elements, Places

Say = Callable[[Any], str]  # the name of the pointer to a base


@dataclass(frozen=True, slots=True)
class Operand:
    """The elements of an array, or a constant."""

    dtype: np.dtype
    place: Elements | None = None
    number: Any = None


def operand(x: Any, shape: Sequence[int], places: Places) -> Operand | None:
    """Something as an operand of a loop over arrays of a shape."""
    if not isinstance(x, Value):
        is_number = isinstance(x, bool | int | float | np.bool_ | np.integer | np.floating)
        return Operand(np.asarray(x).dtype, number=x) if is_number and np.asarray(x).dtype.kind in KINDS else None
    if x.origin == CONSTANT and np.size(x.source) == 1 and x.dtype.kind in KINDS:
        return Operand(x.dtype, number=np.asarray(x.source).item())
    place = places.of(x)
    return Operand(x.dtype, place.stretched(x.shape, shape)) if place else None


def operands(xs: Sequence[Any], shape: Sequence[int], places: Places) -> list[Operand] | None:
    """All of some operands, None if one of them is none."""
    made = [operand(x, shape, places) for x in xs]
    return None if any(x is None for x in made) else made  # type: ignore[return-value]


def can_become(source: np.dtype, target: np.dtype) -> bool:
    """Whether a cast is the same in NumPy and in machine code; of floating numbers to integers it need not be."""
    return not (source.kind == "f" and target.kind in "iu")


def cast(text: str, source: np.dtype, target: np.dtype) -> str:
    """An expression, turned from one type into another."""
    if source == target:
        return text
    return f"({text}) != 0" if target.kind == "b" else f"{target.name}({text})"


def narrowed(text: str, dtype: np.dtype) -> str:
    """An expression of a type; Python's operators make int64 of smaller integers."""
    return f"{dtype.name}({text})" if dtype.kind in "iu" and dtype.itemsize < 8 else text


def literal(number: Any, dtype: np.dtype) -> str:
    """A constant of a type."""
    x = np.asarray(number).astype(dtype).item()
    if isinstance(x, bool):
        return repr(x)
    text = repr(x) if np.isfinite(x) else "nan" if x != x else "inf" if x > 0 else "-inf"
    return text if dtype == np.float64 else f"{dtype.name}({text})"
