"""Which calls of a program native code can make, and as what."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..program import ARGUMENT, LOOKED_UP, PURE, REFUSE, WRITE, Call, Value
from .elements import expression
from .indexing import counting, gathering, scattering
from .loops import Element, Loop, Refusal, Statement, memories
from .operands import Operand, can_become, operands
from .places import KINDS, Elements, Places, as_view, imagined
from .products import product
from .reductions import reduction


def statement(call: Call, places: Places) -> Statement | None:
    """A call as native code, None if that cannot make it just as NumPy does."""
    if call.kind == REFUSE:
        return refusal(call.args[0], places)
    if call.kind not in (PURE, WRITE) or (call.kind == WRITE and call.target.root.origin in (ARGUMENT, LOOKED_UP)):
        return None  # what comes with a call may overlap with anything
    result = call.target if call.kind == WRITE else call.pattern
    if not isinstance(result, Value) or result.number or result.dtype.kind not in KINDS:
        return None
    for make in (setting, element, reduction, product, gathering, scattering, counting):
        made = make(call, result, places)
        if made is not None:
            return made if is_safe(made) else None
    return None


def refusal(bad: Any, places: Places) -> Statement | None:
    """A look at truths, if these are in an array."""
    place = places.of(bad) if isinstance(bad, Value) and bad.dtype.kind == "b" else None
    return Refusal(bad.shape, place) if place else None


def is_safe(made: Statement) -> bool:
    """Whether the order does not matter in which a statement's elements are read and written."""
    if isinstance(made, Loop):
        return made.joined(Loop(made.shape, [])) is not None
    return not memories(made.reads) & memories(made.writes)


def loop(text: str, xs: Sequence[Any], types: Any, result: np.dtype, y: Value, at: Elements | None, places: Places, shape: Any) -> Loop | None:  # fmt: skip # noqa: E501
    """A loop of one expression."""
    made = operands(xs, shape, places)
    if made is None or at is None or not can_become(result, y.dtype):
        return None
    return Loop(tuple(shape), [Element(text, made, list(types), result, Operand(y.dtype, at))])


def element(call: Call, result: Value, places: Places) -> Statement | None:
    """A function of single elements."""
    if call.kind == WRITE and not call.out:
        return None
    found = expression(call)
    if found is None:
        return None
    text, args, types, dtype = found
    place = places.of(result)
    return loop(
        text, args, types, dtype, result, place and place.stretched(result.shape, result.shape), places, result.shape
    )


def setting(call: Call, result: Value, places: Places) -> Statement | None:
    """``x[index] = v`` without arrays in the index, and the copy of an element or a part."""
    if call.function is operator.setitem and is_basic(call.args[1]):
        x, index, v = call.args
        place = places.of_element(x, index)
        shape = part_shape(x, index)
    elif call.function is np.copyto and len(call.args) == 2 and not call.kwargs:
        (x, v), place = call.args, places.of(call.args[0])
        shape = x.shape
    elif call.function is operator.getitem and call.kind == PURE and is_basic(call.args[1]):
        x, index = call.args
        source, place = isinstance(x, Value) and places.of_element(x, index), places.of(result)
        if not source or not place or result.shape != part_shape(x, index):
            return None
        made = Element("{0}", [Operand(x.dtype, source)], [x.dtype], x.dtype, Operand(result.dtype, place))
        return Loop(result.shape, [made])
    else:
        return None
    dtype = v.dtype if isinstance(v, Value) else np.asarray(v).dtype
    missing = len(np.shape(v) if not isinstance(v, Value) else v.shape) - len(shape)
    if place is None or dtype.kind not in KINDS or missing > 0:
        return None
    return loop("{0}", [v], [dtype], dtype, x, place.stretched(shape, shape), places, shape)


def is_basic(index: Any) -> bool:
    """Whether an index has neither arrays nor None in it."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(type(part) is int or part is ... or is_plain_slice(part) for part in parts)


def is_plain_slice(part: Any) -> bool:
    """Whether something is a slice between known numbers."""
    return isinstance(part, slice) and all(x is None or type(x) is int for x in (part.start, part.stop, part.step))


def part_shape(x: Value, index: Any) -> tuple[int, ...]:
    """The shape of ``x[index]``."""
    return imagined(x)[as_view(index)].shape
