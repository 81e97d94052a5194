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

from .array import SHORT, Array, operators
from .context import context
from .door import bind, now
from .primitive import REGISTRY, Primitive
from .tape import Node, Variable, tick
from .tensor import Tensor

TENSORS = {Tensor}  # and those classes of Tensors that are registered as such
PLAIN = frozenset({ndarray, float, int, float64, float32})
here = context.get


def short_way(cls: type) -> type:
    """Let operations on arrays of a class of Tensors take the short way; their results are Tensors."""
    TENSORS.add(cls)
    return cls


def unary(primitive: Primitive, otherwise: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of one Tensor; `otherwise` is what it is where the short way does not serve."""
    compute, trusted = primitive.compute, primitive.trusted

    def call(x: Any) -> Any:
        if type(x) not in TENSORS or not here().short:
            return otherwise(x)
        p = x.node
        try:
            y = compute(x.value)
            if not trusted and y.dtype.kind != "f":
                return otherwise(x)
        except Exception:
            return otherwise(x)
        out = Tensor()
        out.value = y
        if p is None:
            out.node = None
        else:
            out.node = node = Node()
            node.primitive, node.args, node.y, node.born, node.notes = primitive, (p,), y, tick(), None
        return out

    return call


def binary(primitive: Primitive, otherwise: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The function of two arrays, one of them a Tensor, the other a Tensor or plain."""
    compute, trusted = primitive.compute, primitive.trusted

    def call(a: Any, b: Any) -> Any:
        left, right, p, q = a, b, None, None
        kind, other = type(a), type(b)
        if kind in TENSORS:
            left, p = a.value, a.node
            if other in TENSORS:
                right, q = b.value, b.node
            elif other not in PLAIN or (other is ndarray and b.dtype.kind not in "fiub"):
                return otherwise(a, b)
        elif other not in TENSORS or kind not in PLAIN or (kind is ndarray and a.dtype.kind not in "fiub"):
            return otherwise(a, b)
        else:
            right, q = b.value, b.node
        if not here().short:
            return otherwise(a, b)
        try:
            y = compute(left, right)
            if not trusted and y.dtype.kind != "f":
                return otherwise(a, b)
        except Exception:
            return otherwise(a, b)
        out = Tensor()
        out.value = y
        if p is None and q is None:
            out.node = None
        else:
            out.node = node = Node()
            node.primitive, node.args = primitive, (left if p is None else p, right if q is None else q)
            node.y, node.born, node.notes = y, tick(), None
        return out

    return call


def at_level(primitive: Primitive, whole: Callable[..., Any], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """The function of arrays of which one is of a level in reverse mode; `whole` is the function of what is inside."""
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
                x = now(x)  # to the inner level it is a constant, as it is at this moment
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


def short(primitive: Primitive, count: int, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """The function of `count` arrays by the short way, for Tensors and arrays of all levels in reverse mode."""

    def whole(*args: Any) -> Any:
        return call(*args)

    kind = unary if count == 1 else binary
    call = kind(primitive, at_level(primitive, whole, otherwise))
    return call


def public(key: Any) -> Callable[..., Any]:
    """The function that users call for a primitive, or for what is registered under a function of NumPy's."""
    primitive = key if isinstance(key, Primitive) else REGISTRY[key]

    def through_the_door(*args: Any, **kwargs: Any) -> Any:
        return bind(primitive, args, kwargs)

    count = parameters_of(primitive.function)
    ruled = primitive.kind not in ("constant", "composed") and not primitive.sequence and primitive.has_rule(0)
    one = short(primitive, 1, through_the_door) if ruled else through_the_door
    two = short(primitive, 2, through_the_door) if ruled and count == 2 and primitive.has_rule(1) else through_the_door

    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            return one(*args)
        return two(*args) if len(args) == 2 and not kwargs else bind(primitive, args, kwargs)

    function = one if count == 1 or not ruled else call
    if ruled and key is not primitive:
        hand_over(key, primitive, 1 if two is through_the_door else 2)
    function.__name__ = function.__qualname__ = primitive.name
    function.__module__ = sys._getframe(1).f_globals["__name__"]  # where it has its name
    function.__doc__ = primitive.function.__doc__
    function.__dict__["__wrapped__"] = primitive.function  # whose signature inspect and help() show
    return function


def hand_over(key: Any, primitive: Primitive, count: int) -> None:
    """Let calls that NumPy hands over take the short way; otherwise the array that it hands them to has to answer."""

    def otherwise(*args: Any) -> Any:
        first = next(x for x in args if isinstance(x, Array))
        return first.called_by_numpy(key, map(type, args), args, {})

    SHORT[key] = short(primitive, count, otherwise)


def parameters_of(function: Any) -> int:
    """How many arrays a function, or ufunc, takes, if it takes nothing else; 0 if it does."""
    code = getattr(function, "__code__", None)
    if code is None:
        return getattr(function, "nin", 0)
    takes_more = code.co_kwonlyargcount or code.co_flags & 0x0C or function.__defaults__  # *args, **kwargs
    return 0 if takes_more else code.co_argcount


def fast_operators(ufunc: np.ufunc) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The forward and the reflected method of an operator."""
    forward, reflected, _ = operators(ufunc)
    primitive = REGISTRY[ufunc]

    def otherwise(a: Any, b: Any) -> Any:
        return forward(a, b) if isinstance(a, Array) else reflected(b, a)

    call = short(primitive, 2, otherwise)
    hand_over(ufunc, primitive, 2)
    return call, lambda b, a: call(a, b)


def fast_power(power: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The method of ``**``, with a shorter way still for squares."""
    square = public(np.square)

    def forward(x: Any, exponent: Any) -> Any:
        return square(x) if type(exponent) is int and exponent == 2 else power(x, exponent)

    return forward


def shorten() -> None:
    """Put the short ways into the operators and methods of arrays."""
    ufuncs = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "matmul": np.matmul}
    methods = {"__neg__": public(np.negative), "__pow__": fast_power(Array.__pow__)}
    methods |= {"sum": public(np.sum), "mean": public(np.mean)}
    for name, ufunc in ufuncs.items():
        methods[f"__{name}__"], methods[f"__r{name}__"] = fast_operators(ufunc)
    for name, call in methods.items():
        call.__doc__ = getattr(Array, name).__doc__
        for cls in (Tensor, Variable):
            setattr(cls, name, call)
