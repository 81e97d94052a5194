"""How functions take one axis more: the declarations that vmap reads, option `batch` of a primitive.

Such a declaration is a function of a `BatchedCall`, whose own operands have all entries of the batch along their first
axis, and returns all results along the first axis. Elementwise functions have theirs by their kind; a function
without any is called for one entry after the other, which is always right.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.door import Watched, bind
from ..core.primitive import Primitive
from ..errors import BatchError


class BatchedCall:
    """A call as a batch, a `level`, sees it: those operands that are its `own` hold all entries, the batch first.

    `rest` is what follows the operands of a function of a sequence.
    """

    __slots__ = ("kwargs", "level", "operands", "own", "primitive", "rest", "size")

    def __init__(
        self,
        primitive: Primitive,
        level: Any,
        operands: Sequence[Any],
        own: Sequence[bool],
        rest: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.primitive, self.level, self.size, self.kwargs = primitive, level, level.size, kwargs
        self.operands, self.own, self.rest = operands, own, rest

    def result(self, operands: Sequence[Any], *rest: Any, **kwargs: Any) -> Any:
        """The function of other operands, with other options."""
        return bind(self.primitive, (operands, *rest) if self.primitive.sequence else (*operands, *rest), kwargs)

    def rank(self, i: int) -> int:
        """How many axes operand `i` has, as one entry sees it."""
        return np.ndim(self.operands[i]) - self.own[i]

    def option(self, name: str, place: int, default: Any = None) -> Any:
        """An option, by its name or its place among all arguments."""
        if name in self.kwargs:
            return self.kwargs[name]
        at = place - 1 if self.primitive.sequence else place
        given = self.rest if self.primitive.sequence else self.operands
        return given[at] if len(given) > at else default

    def only_first(self) -> bool:
        """Whether the first operand alone has entries."""
        return self.own[0] and not any(self.own[1:])

    def full(self, i: int) -> Any:
        """Operand `i` with all entries, also if it is the same for all."""
        x = self.operands[i]
        return x if self.own[i] else np.broadcast_to(x, (self.size, *np.shape(x)))

    def entry(self, k: int) -> Any:
        """What entry `k` makes of the call."""
        operands = [x[k] if own else x for x, own in zip(self.operands, self.own, strict=True)]
        return self.result(operands, *self.rest, **self.kwargs)


class Unbatched:
    """A result that is the same for all entries."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


Declaration = Callable[[BatchedCall], Any]


def with_rank(x: Any, ndim: int) -> Any:
    """All entries of an array, each with `ndim` axes: new ones of length 1 come first in each."""
    missing = ndim + 1 - x.ndim
    return np.reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:])) if missing > 0 else x


def flat_entries(x: Any) -> Any:
    """All entries of an array, each along one axis."""
    return np.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


def lined_up(call: BatchedCall) -> Any:
    """A function of each element: entries are lined up as broadcasting would."""
    ndim = max(np.ndim(x) - own for x, own in zip(call.operands, call.own, strict=True))
    return call.result(
        [with_rank(x, ndim) if own else x for x, own in zip(call.operands, call.own, strict=True)],
        **call.kwargs,
    )


def whole(call: BatchedCall) -> Any:
    """A function that does not depend on axes."""
    return call.result(call.operands, *call.rest, **call.kwargs)


def one_by_one(call: BatchedCall) -> Any:
    """Any function, called for one entry after the other."""
    return stacked_results([call.entry(k) for k in range(call.size)])


def stacked_results(results: Sequence[Any]) -> Any:
    """The results of all entries, in one array, or a tuple of arrays as each of them is."""
    if not results:
        raise BatchError(
            "random numbers, and functions without a declaration, are made for one entry after the other, and this "
            "batch has none. Use a batch of one entry or more"
        )
    first = results[0]
    if not isinstance(first, tuple):
        shapes = {np.shape(y) for y in results}
        if len(shapes) > 1:
            raise BatchError(
                f"the results of the entries of a batch have one shape; got {' and '.join(map(str, sorted(shapes)))}. "
                f"Use a mask, as in np.where(condition, x, 0)"
            )
        return np.stack(results)
    parts = [stacked_results(parts) for parts in zip(*results, strict=True)]
    return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)


def by_kind(primitive: Primitive) -> Declaration:
    """The declaration of a function that has none of its own."""
    return lined_up if primitive.kind == "elementwise" else one_by_one


def trailing(*cores: int) -> Declaration:
    """A function of the last axes, as many of each operand as `cores` says; more in front are a stack."""

    def declaration(call: BatchedCall) -> Any:
        needed = [cores[min(i, len(cores) - 1)] for i in range(len(call.operands))]
        arrays = [i for i, x in enumerate(call.operands) if hasattr(x, "shape")]
        if any(call.rank(i) < needed[i] for i in arrays):
            return one_by_one(call)
        # A general function of several arrays need not sum over the copies that broadcasting makes.
        full = call.primitive.kind == "general" and len(arrays) > 1
        stack = max(call.rank(i) - needed[i] for i in arrays)
        operands = [
            with_rank(call.full(i) if full else x, stack + needed[i]) if call.own[i] or (full and i in arrays) else x
            for i, x in enumerate(call.operands)
        ]
        return call.result(operands, *call.rest, **call.kwargs)

    return declaration


def along(default: Any = None, none: str = "all", place: int = 1) -> Declaration:
    """A function of one array along an axis, or several, given by the option `axis`.

    `default` is the axis if none is given. Where it is None, that means ``"all"`` axes, or the array made
    ``"flat"``.
    """

    def declaration(call: BatchedCall) -> Any:
        if not call.only_first():
            return one_by_one(call)
        x, axis, n = call.operands[0], call.option("axis", place, default), call.rank(0)
        if axis is None and none == "flat":
            x, axis = flat_entries(x), 1
            if call.kwargs.get("keepdims"):
                return np.reshape(call.result([x], axis=1), (call.size, *(1,) * n))
        elif axis is None:
            axis = tuple(range(1, n + 1))
        elif not n:  # some NumPy functions take a number for an array of one axis
            return one_by_one(call)
        else:
            axis = beyond(axis, n)
        return with_axis(call, [x], axis, place)

    return declaration


def beyond(axis: Any, n: int) -> Any:
    """Axes of an entry that has `n`, as those of the whole batch."""
    if isinstance(axis, tuple | list):
        return tuple(i + 1 for i in normalize_axis_tuple(axis, n))
    return normalize_axis_index(axis, n) + 1


def with_axis(call: BatchedCall, arrays: Sequence[Any], axis: Any, place: int) -> Any:
    """The function of other arrays and along another axis."""
    count = len(arrays)
    rest = [axis if k == place else x for k, x in enumerate(call.operands[count:], count)]
    options = dict(call.kwargs)
    if place >= count + len(rest):
        options["axis"] = axis
    options.update({"axis": axis} if "axis" in options else {})
    return call.result([*arrays, *rest], **options)


def refused(what: str, remedy: str) -> Declaration:
    """A function that has no meaning for a batch."""

    def declaration(call: BatchedCall) -> Any:
        raise BatchError(f"{call.primitive.name} {what}, which differs between the entries of a batch. {remedy}")

    return declaration


def of_entry(call: BatchedCall) -> Any:
    """A function of shapes and dtypes alone, whose result is the same for all entries."""
    entries = [
        one_entry(call.level.made(x, True)) if own else x for x, own in zip(call.operands, call.own, strict=True)
    ]
    return Unbatched(call.result(entries, *call.rest, **call.kwargs))


def one_entry(x: Any) -> Any:
    """The plain array inside all levels, of the shape of `x`: of a batch, one entry."""
    entries = 0
    while isinstance(x, Watched):
        entries += x.level.hidden_axes()
        x = x.value
    for _ in range(entries):
        x = x[0] if x.shape[0] else np.zeros_like(x, shape=x.shape[1:])
    return x


def rewritten(function: Callable[..., Any]) -> Declaration:
    """A function that equals another one, of the same arguments, which is made of functions that take a batch."""

    def declaration(call: BatchedCall) -> Any:
        arrays = [call.level.made(x, True) if own else x for x, own in zip(call.operands, call.own, strict=True)]
        y = function(arrays, *call.rest, **call.kwargs) if call.primitive.sequence else function(*arrays, **call.kwargs)
        return call.level.entries(y)

    return declaration


def merged(*which: int) -> Declaration:
    """A function whose operands `which` have an axis of examples in front: those of all entries are one long axis."""

    def declaration(call: BatchedCall) -> Any:
        operands = [
            np.reshape(full := call.full(i), (-1, *full.shape[2:])) if i in which else x
            for i, x in enumerate(call.operands)
        ]
        y = call.result(operands, *call.rest, **call.kwargs)
        return np.reshape(y, (call.size, -1 if call.size else 0, *y.shape[1:]))

    return declaration
