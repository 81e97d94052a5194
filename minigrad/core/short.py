"""The short way past the door: operators and functions of one or two arrays, where nothing is to be decided.

A call on arrays that are recorded is always the same: compute, and make a node. Small networks spend most of their time
between NumPy's calls, so this is spelled out here, in one pattern for one operand and for two. The operands may be
arrays of any level in reverse mode, ndarrays and numbers; everything else takes the door, and so does a call that
fails, as its error says more there. The results are the same.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import float32, float64, ndarray

from .array import SHORT, Array, operators
from .context import context
from .door import bind, now
from .primitive import REGISTRY, Primitive
from .tape import Node, Variable, tick
from .tensor import GROUND, Tensor

WATCHED = {Tensor, Variable}  # classes of arrays in reverse mode; those of users are not among them
PLAIN = frozenset({ndarray, float, int, float64, float32})
here = context.get


def short_way(cls: type) -> type:
    """Let operations on arrays of a class of Tensors take the short way; their results are Tensors."""
    WATCHED.add(cls)
    return cls


def unary(primitive: Primitive, otherwise: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of one array; `otherwise` is what it is where the short way does not serve."""

    def call(x: Any) -> Any:
        kind = type(x)
        if kind not in WATCHED or not here().short:
            return otherwise(x)
        value, p = x.value, x.node
        try:
            if kind is not Variable:
                y = primitive.compute(value)
            elif x.level.open:
                y = primitive.compute(value) if type(value) in PLAIN else call(value)
            else:
                return otherwise(x)
        except Exception:
            return otherwise(x)
        if p is not None:
            node = Node()
            node.primitive, node.args, node.y, node.born, node.notes = primitive, (p,), y, tick(), None
            p = node
        if kind is not Variable:
            out = Tensor()
        elif p is not None:
            out = Variable()
            out.level = x.level
        else:
            return y
        out.value, out.node = y, p
        return out

    return call


def binary(primitive: Primitive, otherwise: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The function of two arrays, of which one may be plain; `otherwise` as for `unary`."""

    def call(a: Any, b: Any) -> Any:
        if not here().short:
            return otherwise(a, b)
        p = q = None
        if type(a) in WATCHED:
            level, left, p = a.level, a.value, a.node
            if type(b) in WATCHED:
                right, q = b.value, b.node
                if b.level is not level:  # to the inner one the other is a constant, as it is at this moment
                    if not b.level.open or b.level.depth == level.depth:
                        return otherwise(a, b)
                    if b.level.depth > level.depth:
                        left, p, level = now(a), None, b.level
                    else:
                        right, q = now(b), None
            elif type(b) in PLAIN:
                right = b
            else:
                return otherwise(a, b)
        elif type(b) in WATCHED and type(a) in PLAIN:
            level, left, right, q = b.level, a, b.value, b.node
        else:
            return otherwise(a, b)
        try:
            if level is GROUND or (type(left) in PLAIN and type(right) in PLAIN and level.open):
                y = primitive.compute(left, right)
            elif level.open:
                y = call(left, right)
            else:
                return otherwise(a, b)
            if y.dtype.kind != "f":
                return otherwise(a, b)
        except Exception:
            return otherwise(a, b)
        if p is not None or q is not None:
            node = Node()
            node.primitive, node.args = primitive, (left if p is None else p, right if q is None else q)
            node.y, node.born, node.notes = y, tick(), None
        elif level is GROUND:
            node = None
        else:
            return y
        if level is GROUND:
            out = Tensor()
        else:
            out = Variable()
            out.level = level
        out.value, out.node = y, node
        return out

    return call


def public(key: Any) -> Callable[..., Any]:
    """The function that users call for a primitive, or for what is registered under a function of NumPy's."""
    primitive = key if isinstance(key, Primitive) else REGISTRY[key]

    def through_the_door(*args: Any, **kwargs: Any) -> Any:
        return bind(primitive, args, kwargs)

    short: Any = None
    if primitive.kind not in ("constant", "composed") and not primitive.sequence and primitive.has_rule(0):
        short = unary(primitive, through_the_door)
    count = parameters_of(primitive.function)
    two = binary(primitive, through_the_door) if short is not None and count == 2 and primitive.has_rule(1) else None

    def call(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            if len(args) == 1:
                return short(args[0])
            if len(args) == 2 and two is not None:
                return two(*args)
        return bind(primitive, args, kwargs)

    function = through_the_door if short is None else short if count == 1 else call
    if short is not None and key is not primitive:
        SHORT[key] = handed_over(key, binary if two is not None else unary, primitive)
    function.__name__ = function.__qualname__ = primitive.name
    function.__doc__ = primitive.function.__doc__
    function.__dict__["__wrapped__"] = primitive.function  # whose signature inspect and help() show
    return function


def handed_over(key: Any, short: Callable[..., Any], primitive: Primitive) -> Callable[..., Any]:
    """The short way of a call that NumPy hands over, where the array that it is handed to has to answer otherwise."""

    def otherwise(*args: Any) -> Any:
        first = next(x for x in args if isinstance(x, Array))
        return first.called_by_numpy(key, map(type, args), args, {})

    return short(primitive, otherwise)


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

    call = binary(primitive, otherwise)
    SHORT[ufunc] = handed_over(ufunc, binary, primitive)
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
