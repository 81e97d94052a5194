"""The short way past the door: operators and public functions for Tensors at ground level.

What happens to a Tensor that no transformation watches is always the same: compute, and make a node. Small networks
spend most of their time between NumPy's calls, so this is spelled out here once for operators and once for
functions; everything else takes the door. The results are the same.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .array import operators
from .context import is_unusual, is_watched, recorded_from, unusual
from .door import apply
from .primitive import NO_OPTIONS, REGISTRY, Primitive
from .tape import clock
from .tensor import Tensor


def fast_operators(ufunc: np.ufunc) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The forward and reflected method of an operator."""
    primitive = REGISTRY[ufunc]
    door_forward, door_reflected, _ = operators(ufunc)

    def forward(a: Tensor, b: Any) -> Any:
        if isinstance(b, Tensor):
            right = b.value
            q = b if b.parents is not None else None
        elif type(b) is float or type(b) is int:
            right, q = b, None
        else:
            return door_forward(a, b)
        left = a.value
        p = a if a.parents is not None else None
        if unusual:
            if is_watched():
                return apply(primitive, (a, b))
            if recorded_from.get():
                p = q = None
        try:
            y = primitive.compute(left, right)
        except Exception:
            return apply(primitive, (a, b))  # it fails again there, and says of what
        out = Tensor()
        out.value = y
        out.notes = None
        if p is None and q is None:
            out.primitive = out.parents = None
        else:
            out.primitive = primitive.unchecked if right is b else primitive
            out.args = (left, right)
            out.born = clock[0]
            if q is None:
                out.parents = p
                out.only = 0
            elif p is None:
                out.parents = q
                out.only = 1
            else:
                out.parents = (p, q)
                out.kwargs = NO_OPTIONS
        return out

    def reflected(b: Tensor, a: Any) -> Any:
        if (type(a) is not float and type(a) is not int) or b.parents is None or (unusual and is_unusual()):
            return door_reflected(b, a)
        right = b.value
        try:
            y = primitive.compute(a, right)
        except Exception:
            return apply(primitive, (a, b))
        out = Tensor()
        out.value = y
        out.notes = None
        out.primitive = primitive.unchecked
        out.args = (a, right)
        out.parents = b
        out.only = 1
        out.born = clock[0]
        return out

    return forward, reflected


def unary(primitive: Primitive) -> Callable[[Any], Any]:
    """The function of one array without options."""

    def call(x: Any) -> Any:
        if not isinstance(x, Tensor) or (unusual and is_watched()):
            return apply(primitive, (x,))
        value = x.value
        try:
            y = primitive.compute(value)
        except Exception:
            return apply(primitive, (x,))
        out = Tensor()
        out.value = y
        out.notes = None
        if x.parents is None or (unusual and recorded_from.get()):
            out.primitive = out.parents = None
        else:
            out.primitive = primitive.unchecked
            out.args = (value,)
            out.parents = x
            out.only = 0
            out.born = clock[0]
        return out

    return call


def public(key: Any) -> Callable[..., Any]:
    """The function that users call for a primitive, or for what is registered under a function of NumPy's."""
    primitive = key if isinstance(key, Primitive) else REGISTRY[key]
    short = unary(primitive)

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != 1:
            return apply(primitive, args, kwargs)
        return short(args[0])

    def through_the_door(*args: Any, **kwargs: Any) -> Any:
        return apply(primitive, args, kwargs)

    if primitive.kind in ("constant", "composed") or primitive.sequence:
        function = through_the_door
    else:
        function = short if takes_one_array(primitive.function) else call
    function.__name__ = function.__qualname__ = primitive.name
    function.__doc__ = primitive.function.__doc__
    function.__dict__["__wrapped__"] = primitive.function  # whose signature inspect and help() show
    return function


def takes_one_array(function: Any) -> bool:
    """Whether a function, or ufunc, has a single parameter."""
    code = getattr(function, "__code__", None)
    if code is None:
        return getattr(function, "nin", 0) == 1
    return code.co_argcount == 1 and not code.co_kwonlyargcount and not code.co_flags & 0x0C  # *args, **kwargs


def fast_power() -> Callable[[Tensor, Any], Any]:
    """The method of ``**``, with a shorter way still for squares."""
    square, power = unary(REGISTRY[np.square]), Tensor.__pow__

    def forward(x: Tensor, exponent: Any) -> Any:
        return square(x) if type(exponent) is int and exponent == 2 else power(x, exponent)

    return forward


def shorten() -> None:
    """Put the short ways into Tensor."""
    ufuncs = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "matmul": np.matmul}
    for name, ufunc in ufuncs.items():
        forward, reflected = fast_operators(ufunc)
        setattr(Tensor, f"__{name}__", forward)
        setattr(Tensor, f"__r{name}__", reflected)
    for name, call in {
        "__neg__": unary(REGISTRY[np.negative]),
        "__pow__": fast_power(),
        "sum": public(np.sum),
        "mean": public(np.mean),
    }.items():
        call.__doc__ = getattr(Tensor, name).__doc__
        setattr(Tensor, name, call)


shorten()
