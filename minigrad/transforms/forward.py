"""Derivatives in forward mode: jvp, and the level that carries tangents along."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..core.array import Array, fill, memory_of, own_copy, own_part, with_written
from ..core.context import Level, next_depth, run_at
from ..core.door import Call, Watched, outward
from ..core.engine import push_forward
from ..core.primitive import Primitive
from ..core.tree import leaves, rebuild, tree_map
from ..core.values import as_numbers
from .arguments import as_argument, as_primal, left_level, result, split_aux, zeros_like


class Forward(Level):
    """A transformation in forward mode: the node of an array is its tangent."""

    __slots__ = ()

    def process(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return outward(self.pushed, Call(self, primitive, args, kwargs))

    def pushed(self, call: Call) -> Any:
        """The result of a call, with its tangent."""
        y = call.made()
        if not call.differentiable(y):
            return self.constant(y)
        tangents = {i: t for i, t in enumerate(call.nodes) if t is not None}
        return self.made(y, push_forward(call.primitive, tangents, y, call.args, call.kwargs))

    def made(self, value: Any, node: Any) -> Any:
        dual = Dual()
        dual.value, dual.node, dual.level = value, node, self
        return dual

    def constant(self, y: Any) -> Any:
        """A result that has no derivative, as this level sees it."""
        return y

    # Filling an array: its tangent is filled as well.

    def write(self, x: Any, index: Any, v: Any) -> None:
        own, is_first = self.own(v) if isinstance(v, Watched) else None, type(x) is Dual
        part = None if own is None else memory_of(own)
        if isinstance(index, Watched) or not self.writes(v, memory_of(x), part):
            x.assign_item(index, v)
            return
        value, tangent, before = (v, None, x.node) if own is None else (own.value, own.node, x.node)

        def new_tangent(memory: Any) -> Any:
            t = zeros_like(memory) if before is None else own_copy(before) if is_first else before
            return tangent.level.taken_in(t) if isinstance(tangent, Watched) and not isinstance(t, Watched) else t

        if not self.records() or (before is None and tangent is None):
            fill(x, index, value, lambda memory: None)
        else:
            fill(x, index, value, new_tangent, 0 if tangent is None else tangent)

    def settle(self, x: Any, memory: Any) -> None:
        """Nothing else has to know the value of an array that was filled."""

    def part(self, x: Any, index: Any) -> Any:
        """``x[index]`` of an array that is being filled."""
        part = own_part(memory_of(x), index)
        if x.node is None or not self.records():
            return self.constant(part)
        return self.made(part, own_part(x.node, index))


@with_written
class Dual(Array):
    """An array that a transformation in forward mode watches."""

    __slots__ = ()


def jvp(f: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """The value of `f`, and its derivative in the direction of `tangents`.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested lists, tuples and mappings of arrays.
    primals : tuple
        Its arguments.
    tangents : tuple
        Their direction, of the same structure and shapes.
    has_aux : bool
        `f` returns a pair. The first is differentiated; the second is returned as a third result.

    Returns
    -------
    y, dy
        The value and the derivative, of one structure.
    """
    if not isinstance(primals, list | tuple) or not isinstance(tangents, list | tuple):
        raise TypeError(
            f"jvp takes a tuple of arguments and a tuple of their tangents; got {type(primals).__name__} and "
            f"{type(tangents).__name__}. For a single argument: jvp(f, (x,), (dx,))"
        )
    level = Forward(next_depth())
    duals = leaves(tree_map(partial(as_dual, level), primals, tangents))
    outputs, aux = split_aux(run_at(level, f, *rebuild(primals, duals)), has_aux)
    y = tree_map(partial(result, level), outputs)
    dy = tree_map(partial(tangent_of, level), outputs)
    return (y, dy, tree_map(partial(left_level, level), aux)) if has_aux else (y, dy)


def as_dual(level: Forward, x: Any, tangent: Any) -> Any:
    """An argument with its tangent, in the argument's shape and dtype."""
    x = as_primal(x)
    t = tangent.level.made(tangent.value, tangent.node) if isinstance(tangent, Watched) else as_numbers(tangent)
    if t.shape != x.shape:
        raise ValueError(f"a tangent has its argument's shape {x.shape}; got {t.shape}")
    return level.made(x, as_argument(x, t if t.dtype == x.dtype else t.astype(x.dtype)))


def tangent_of(level: Forward, v: Any) -> Any:
    """The tangent of a result, zero if it depends on no argument."""
    if isinstance(v, Watched) and v.level is level and v.node is not None:
        return left_level(level, v.node)
    y = result(level, v)
    return as_argument(y, zeros_like(y))
