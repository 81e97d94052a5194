"""Which calls of a program native code can make, and as what."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .array import Method
from .blocks import STEPS, Count, Gather, Picked, Product, Reduction, Scatter
from .elements import can_become, expression
from .loops import Element, Loop, Operand, Statement, memories
from .places import KINDS, Place, Places, as_view, imagined
from .program import ARGUMENT, CONSTANT, PURE, WRITE, Call, Value

METHODS = {Method("sum"): np.add, Method("prod"): np.multiply, Method("max"): np.maximum, Method("min"): np.minimum}
METHODS |= {Method("any"): np.logical_or, Method("all"): np.logical_and}
DOTS = {np.dot, np.matmul, operator.matmul, Method("dot")}


def statement(call: Call, places: Places) -> Statement | None:
    """A call as native code, None if that cannot make it just as NumPy does."""
    if call.kind not in (PURE, WRITE) or (isinstance(call.target, Value) and call.target.root.origin == ARGUMENT):
        return None
    result = call.target if call.kind == WRITE else call.pattern
    if not isinstance(result, Value) or result.number or result.dtype.kind not in KINDS:
        return None
    for make in (setting, element, reduction, product, gathering, scattering, counting):
        made = make(call, result, places)
        if made is not None:
            return made if is_safe(made) else None
    return None


def is_safe(made: Statement) -> bool:
    """Whether the order does not matter in which a statement's elements are read and written."""
    if isinstance(made, Loop):
        return made.joined(Loop(made.shape, [])) is not None
    return not memories(made.reads) & memories(made.writes)


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


def loop(text: str, xs: Sequence[Any], types: Any, result: np.dtype, y: Value, at: Place | None, places: Places, shape: Any) -> Loop | None:  # fmt: skip # noqa: E501
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
    y = Operand(result.dtype, Place(into.base, into.offset, tuple(strides), into.memory))
    return Reduction(function, x.shape, axes, from_x, y)


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
        wide = Place(found.base, found.offset, found.strides + (0,) * len(left), found.memory)
        indices.append(Operand(part.dtype, wide))
    rest = Place(place.base, place.offset, (0,) * len(shape) + place.strides[len(parts) :], place.memory)
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
    v = operand(call.args[2], found.shape, places) if found and fits(call.args[2], found.shape) else None
    return Scatter(found, v, x.dtype) if found and v and can_become(v.dtype, x.dtype) else None


def fits(v: Any, shape: tuple[int, ...]) -> bool:
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
