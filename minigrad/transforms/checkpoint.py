"""Checkpoints: functions that are computed again in the backward pass, so that it needs less memory."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from ..core.context import Level, new_level, running_again
from ..core.door import Traced, apply, bare
from ..core.primitive import Primitive
from ..core.tensor import Tensor, constant
from ..core.tree import leaves, rebuild, tree_map
from .reverse import as_dual, as_variable, sweep_from, tangent_of


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, which keeps nothing of its inside for the backward pass but is computed again there.

    For less memory at the cost of another evaluation. The arrays that `f` uses from outside, such as parameters,
    get their derivatives as well.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested lists, tuples and dicts of arrays; other arguments are passed on. It must
        compute the same when called again: one that draws random numbers starts from a seed of its own.
    """

    @wraps(f)
    def checked(*args: Any, **kwargs: Any) -> Any:
        inputs = [x for x in leaves((args, kwargs)) if is_floating(x)]
        call = partial(called, f, args, kwargs)
        y, outer = first_run(call, inputs)
        results = leaves(y)
        inside = [i for i, v in enumerate(results) if isinstance(v, Opaque) and not v.level.open]
        if inside:
            values = [results[i].value for i in inside]
            forms = [(v.shape, v.dtype) for v in values]
            packed = apply(rerun(call, len(inputs), outer, inside, forms, values), ([*inputs, *outer],))
            for i, part in zip(inside, unpack(packed, forms), strict=True):
                results[i] = part
        return rebuild(y, results)

    return checked


def is_floating(x: Any) -> bool:
    """Whether a derivative can flow to an argument, or from a result."""
    return getattr(getattr(x, "dtype", None), "kind", "") == "f"


def called(f: Callable[..., Any], args: Any, kwargs: Any, arrays: Sequence[Any]) -> Any:
    """The result of `f` with others in place of the floating arrays among its arguments."""
    given = iter(arrays)
    args, kwargs = tree_map(lambda x: next(given) if is_floating(x) else x, (args, kwargs))
    return f(*args, **kwargs)


class Opaque(Traced):
    """An array of the first run of a checkpointed function, which nobody differentiates."""

    __slots__ = ("level", "value")

    def __init__(self, value: Any, level: Level) -> None:
        self.value = value
        self.level = level

    def note(
        self, primitive: Primitive, y: Any, args: Sequence[Any], kwargs: Mapping[str, Any], watched: Sequence[Any]
    ) -> Any:
        return Opaque(bare(y), self.level) if is_floating(y) else y

    def become(self, other: Any) -> None:
        self.value = self.fitting(other).value

    def detach(self) -> Tensor:
        """The same values, as a Tensor that nothing watches."""
        return constant(self.value)


def first_run(call: Callable[[Sequence[Any]], Any], inputs: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The value of a function, and the watched arrays from outside that it meets, in order."""
    outer: list[Any] = []
    with new_level() as level:
        level.stand_in = partial(registered, level, outer)
        return call([Opaque(bare(x), level) for x in inputs]), outer


def registered(level: Level, outer: list[Any], x: Any) -> Any:
    """Take down an array from outside that meets one of `level`."""
    if not isinstance(x, Traced) or x.level is level:
        return x
    if x.connected and not any(x is other for other in outer):
        outer.append(x)
    return bare(x)


def rerun(
    call: Callable[[Sequence[Any]], Any],
    count: int,
    outer: Sequence[Any],
    inside: Sequence[int],
    forms: Sequence[Any],
    values: list[Any],
) -> Primitive:
    """A function that computes itself again, as a primitive of a list: `count` inputs, then those of `outer`.

    Its results are those numbered `inside`, of the shapes and dtypes in `forms`, packed into one. The `values` are
    those of the first run.
    """
    shapes = [shape for shape, _ in forms]
    depth = max((x.level.depth for x in outer), default=0)

    def checkpointed(arrays: Sequence[Any]) -> Any:
        y = pack(values)
        values.clear()  # they would stay for as long as the graph
        return y

    def evaluated(wrap: Callable[[Level, int, Any], Any], arrays: Sequence[Any]) -> tuple[Level, list[Any], list[Any]]:
        with new_level(below=depth) as level, again():
            watched = [wrap(level, i, x) for i, x in enumerate(arrays)]
            level.stand_in = partial(replaced, level, [], watched[count:])
            results = leaves(call(watched[:count]))
            outputs = [results[i] for i in inside]
        if [v.shape for v in outputs] != shapes:
            raise ValueError(
                f"a checkpointed function computes the same when called again; its results had the shapes {shapes} "
                f"and now have {[v.shape for v in outputs]}"
            )
        return level, watched, outputs

    def rule(g: Any, y: Any, arrays: Sequence[Any]) -> list[Any]:
        level, watched, outputs = evaluated(lambda level, i, x: as_variable(level, x), arrays)
        found = sweep_from(outputs, unpack(g, forms), level, False)
        return [found[v] if v in found else np.zeros_like(x) for v, x in zip(watched, arrays, strict=True)]

    def forward(tangents: Sequence[Any], y: Any, arrays: Sequence[Any]) -> Any:
        level, _, outputs = evaluated(lambda level, i, x: as_dual(level, x, tangents[i]), arrays)
        return pack([tangent_of(level, v) for v in outputs])

    return Primitive(checkpointed, [rule], "general", [forward], sequence=True)


@contextlib.contextmanager
def again() -> Iterator[None]:
    """Let arrays pass of transformations that have returned: those that come are replaced."""
    token = running_again.set(True)
    try:
        yield
    finally:
        running_again.reset(token)


def pack(arrays: Sequence[Any]) -> Any:
    """Several arrays as one, of one axis; a single one stays as it is."""
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.reshape(x, -1) for x in arrays])


def unpack(packed: Any, forms: Sequence[tuple[tuple[int, ...], np.dtype]]) -> list[Any]:
    """The parts of what `pack` makes of arrays, in their shapes and dtypes."""
    if len(forms) == 1:
        return [packed]
    parts, start = [], 0
    for shape, dtype in forms:
        size = math.prod(shape)
        part = np.reshape(packed[start : start + size], shape)
        parts.append(part if part.dtype == dtype else part.astype(dtype))
        start += size
    return parts


def replaced(level: Level, met: list[Any], variables: Sequence[Any], x: Any) -> Any:
    """In place of an array from outside, the variable that stands for it: the arrays come in the same order again."""
    if not isinstance(x, Traced) or x.level is level or not x.connected:
        return x
    for other, variable in zip(met, variables, strict=False):
        if x is other:
            return variable
    met.append(x)
    if len(met) > len(variables):
        raise ValueError("a checkpointed function uses the same arrays when called again; there is a new one now")
    return variables[len(met) - 1]
