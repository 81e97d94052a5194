"""The short way past the door: operators and functions of one or two arrays, where nothing is to be decided.

A call on arrays that are recorded is always the same: compute, and make a node. Small networks spend most of their time
between NumPy's calls, so this is spelled out here, in one pattern for one operand and for two: first for Tensors, then
for arrays of any level in reverse mode. The other operand may be an ndarray or a number; everything else takes the
door, and so does a call that fails, as its error says more there. The results are the same.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import float32, float64, ndarray

from .array import Array, operators
from .context import context
from .door import bind, snapshot
from .primitive import REGISTRY, Primitive
from .tape import Node, Variable, tick
from .tensor import Tensor

TENSORS = {Tensor}  # and those classes of Tensors that are registered as such
NOTHING: Any = object()
PLACES = frozenset({int, slice, type(None), type(Ellipsis)})
PLAIN = frozenset({ndarray, float, int, float64, float32})
here, new = context.get, object.__new__


def short_way(cls: type) -> type:
    """Let operations on arrays of a class of Tensors take the short way; their results are Tensors."""
    TENSORS.add(cls)
    return cls


def short_unary(primitive: Primitive, ours: Any, otherwise: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of an array of one of `ours`: classes of Tensors, or Variable; `otherwise` serves all others."""
    compute, trusted, leveled, made = primitive.compute, primitive.trusted, Variable in ours, result_class(ours)

    def call(x: Any) -> Any:
        if type(x) not in ours or not here().short:
            return otherwise(x)
        value, p = x.value, x.node
        if leveled and (not x.level.open or type(value) not in PLAIN):
            return otherwise(x)
        try:
            y = compute(value)
            if not trusted and y.dtype.kind != "f":
                return otherwise(x)
        except Exception:
            return otherwise(x)
        if leveled and p is None:
            return y
        out = new(made)
        out.value = y
        if leveled:
            out.level = x.level
        if p is None:
            out.node = None
        else:
            out.node = node = Node()
            node.primitive, node.args, node.y, node.born, node.notes = primitive, (p,), y, tick(), None
        return out

    return call


def short_binary(primitive: Primitive, ours: Any, otherwise: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The function of two arrays, one of them of `ours`, and the other one of the same level, or plain."""
    compute, trusted, leveled, made = primitive.compute, primitive.trusted, Variable in ours, result_class(ours)

    def call(a: Any, b: Any) -> Any:
        left, right, p, q, kind, other, level = a, b, None, None, type(a), type(b), None
        if kind in ours:
            left, p = a.value, a.node
            if other in ours:
                right, q = b.value, b.node
            elif other not in PLAIN or (other is ndarray and b.dtype.kind not in "fiub"):
                return otherwise(a, b)
        elif other not in ours or kind not in PLAIN or (kind is ndarray and a.dtype.kind not in "fiub"):
            return otherwise(a, b)
        else:
            right, q = b.value, b.node
        if leveled:
            level = a.level if kind in ours else b.level
            if type(left) not in PLAIN or type(right) not in PLAIN or not level.open:
                return otherwise(a, b)
            if kind is other and b.level is not level:
                return otherwise(a, b)
        if not here().short:
            return otherwise(a, b)
        try:
            y = compute(left, right)
            if not trusted and y.dtype.kind != "f":
                return otherwise(a, b)
        except Exception:
            return otherwise(a, b)
        if leveled and p is None and q is None:
            return y
        out = new(made)
        out.value = y
        if leveled:
            out.level = level
        if p is None and q is None:
            out.node = None
        else:
            out.node = node = Node()
            node.primitive, node.args = primitive, (left if p is None else p, right if q is None else q)
            node.y, node.born, node.notes = y, tick(), None
        return out

    return call


def result_class(ours: Any) -> type:
    """The class of results."""
    return Variable if Variable in ours else Tensor


def nested(primitive: Primitive, whole: Callable[..., Any], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """The function of arrays of several levels in reverse mode; `whole` is the function of what is inside."""
    compute = primitive.compute

    def call(*args: Any) -> Any:
        level = None
        for x in args:
            if type(x) is Variable and (level is None or x.level.depth > level.depth):
                level = x.level
        if level is None or not level.open or not here().short:
            return otherwise(*args)
        values, kept, plain, connected = [], [], True, False
        for x in args:
            kind, node = type(x), None
            if kind is Variable and x.level is level:
                x, node = x.value, x.node
                connected = connected or node is not None
            elif kind not in PLAIN:
                if (kind is not Variable and kind not in TENSORS) or not x.level.open or x.level.depth == level.depth:
                    return otherwise(*args)
                x = snapshot(x)  # to the inner level it is a constant, as it is at this moment
            plain = plain and type(x) in PLAIN
            values.append(x)
            kept.append(x if node is None else node)
        try:
            y = compute(*values) if plain else whole(*values)
            if y.dtype.kind != "f":
                return otherwise(*args)
        except Exception:
            return otherwise(*args)
        if not connected:
            return y
        out, node = Variable(), Node()
        node.primitive, node.args, node.y, node.born, node.notes = primitive, tuple(kept), y, tick(), None
        out.value, out.node, out.level = y, node, level
        return out

    return call


def short_part(ours: Any) -> Callable[[Any, Any], Any]:
    """``x[index]`` for arrays of one of `ours`, where the index is of whole numbers and slices."""
    primitive, otherwise = REGISTRY[ndarray.__getitem__], Array.__getitem__
    compute, leveled, made = primitive.compute, Variable in ours, result_class(ours)

    def part(self: Any, index: Any) -> Any:
        x, kind = self, type(index)
        if kind not in PLACES and (kind is not tuple or not PLACES.issuperset(map(type, index))):
            return otherwise(x, index)
        if type(x) not in ours or not here().short:
            return otherwise(x, index)
        value, p = x.value, x.node
        if leveled and (not x.level.open or type(value) is not ndarray):
            return otherwise(x, index)
        try:
            y = compute(value, index)
            if y.dtype.kind != "f":
                return otherwise(x, index)
        except Exception:
            return otherwise(x, index)
        if leveled and p is None:
            return y
        out = new(made)
        out.value = y
        if leveled:
            out.level = x.level
        if p is None:
            out.node = None
        else:
            out.node = node = Node()
            node.primitive, node.args, node.y, node.born, node.notes = primitive, (p, index), y, tick(), None
        return out

    part.__name__, part.__qualname__ = "__getitem__", f"{made.__qualname__}.__getitem__"
    return part


def unrecorded(primitive: Primitive, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """The function of Tensors and plain arrays where nothing is recorded, as in `no_grad`."""
    compute, trusted = primitive.compute, primitive.trusted

    def call(*args: Any) -> Any:
        if not here().unrecorded:
            return otherwise(*args)
        values = []
        for x in args:
            kind = type(x)
            if kind in TENSORS:
                x = x.value
            elif kind not in PLAIN or (kind is ndarray and x.dtype.kind not in "fiub"):
                return otherwise(*args)
            values.append(x)
        try:
            y = compute(*values)
            if not trusted and y.dtype.kind != "f":
                return otherwise(*args)
        except Exception:
            return otherwise(*args)
        out = new(Tensor)
        out.value, out.node = y, None
        return out

    return call


def short(primitive: Primitive, count: int, otherwise: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """The function of one or two arrays by the short way, as it is best tried first for Tensors, and for variables."""

    def whole(*args: Any) -> Any:
        return of_tensors(*args)

    way: Any = short_unary if count == 1 else short_binary
    inner = unrecorded(primitive, nested(primitive, whole, otherwise))
    of_tensors = way(primitive, TENSORS, way(primitive, {Variable}, inner))
    return of_tensors, way(primitive, {Variable}, inner)


def public(key: Any) -> Callable[..., Tensor]:
    """The function that users call for a primitive, or for what is registered under a NumPy function."""
    primitive = key if isinstance(key, Primitive) else REGISTRY[key]

    def through_the_door(*args: Any, **kwargs: Any) -> Any:
        return bind(primitive, args, kwargs)

    count = count_arrays(primitive.function)
    ruled = primitive.kind not in ("constant", "composed") and not primitive.sequence and primitive.has_rule(0)
    one = two = through_the_door
    if ruled:
        one, two = short(primitive, 1, one)[0], short(primitive, 2, two)[0] if has_two(primitive) else two

    def call(x: Any = NOTHING, /, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs and x is not NOTHING:
            return one(x)
        given = args if x is NOTHING else (x, *args)  # mg.sum(a=x)
        return two(*given) if len(given) == 2 and not kwargs else bind(primitive, given, kwargs)

    function = one if count == 1 or not ruled else call
    if ruled and key is not primitive and (count < 2 or has_two(primitive)):
        hand_over(key, primitive, 2 if has_two(primitive) else 1)
    function.__name__ = function.__qualname__ = primitive.name
    function.__module__ = sys._getframe(1).f_globals["__name__"]  # where it has its name
    function.__doc__ = primitive.function.__doc__
    function.__dict__["__wrapped__"] = primitive.function  # whose signature inspect and help() show
    return function


def has_two(primitive: Primitive) -> bool:
    """Whether a function takes two arrays, both with rules, and nothing else."""
    return count_arrays(primitive.function) == 2 and primitive.has_rule(1)


def hand_over(key: Any, primitive: Primitive, count: int) -> None:
    """Let calls that NumPy hands over take the short way, and fall back on the array that receives them."""

    def otherwise(*args: Any) -> Any:
        first = next(x for x in args if isinstance(x, Array))
        return first.called_by_numpy(key, map(type, args), args, {})

    Tensor.shorts[key], Variable.shorts[key] = short(primitive, count, otherwise)


def count_arrays(function: Any) -> int:
    """How many arrays a function, or ufunc, takes, if it takes nothing else; 0 if it does."""
    code = getattr(function, "__code__", None)
    if code is None:
        return getattr(function, "nin", 0)
    takes_more = code.co_kwonlyargcount or code.co_flags & 0x0C or function.__defaults__  # *args, **kwargs
    return 0 if takes_more else code.co_argcount


def shorten_operator(name: str, ufunc: np.ufunc) -> None:
    """Put the short way of an operator, forward and reflected, into the classes of arrays."""
    forward, reflected, _ = operators(ufunc)

    def otherwise(a: Any, b: Any) -> Any:
        return forward(a, b) if isinstance(a, Array) else reflected(b, a)

    for cls, call in zip((Tensor, Variable), short(REGISTRY[ufunc], 2, otherwise), strict=True):
        setattr(cls, f"__{name}__", call)
        setattr(cls, f"__r{name}__", lambda b, a, call=call: call(a, b))
    hand_over(ufunc, REGISTRY[ufunc], 2)


def fast_power(power: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The method of ``**``, with a shorter way still for squares."""
    square = public(np.square)

    def forward(x: Any, exponent: Any) -> Any:
        return square(x) if type(exponent) is int and exponent == 2 else power(x, exponent)

    return forward


def shorten() -> None:
    """Put the short ways into the operators and methods of arrays."""
    ufuncs = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "matmul": np.matmul}
    for name, ufunc in ufuncs.items():
        shorten_operator(name, ufunc)
    methods = {"__neg__": public(np.negative), "__pow__": fast_power(Array.__pow__)}
    methods |= {"sum": public(np.sum), "mean": public(np.mean)}
    for name, call in methods.items():
        call.__doc__ = getattr(Array, name).__doc__
        for cls in (Tensor, Variable):
            setattr(cls, name, call)
    for cls, ours in ((Tensor, TENSORS), (Variable, {Variable})):
        setattr(cls, "__getitem__", short_part(ours))  # noqa: B010
