"""What transformations have in common: which arguments they take, and what they make of results."""

from collections.abc import Callable, Mapping, Sequence
from operator import index
from typing import Any

import numpy as np

from ..core.context import Level
from ..core.door import Watched, unwrap
from ..core.tensor import Tensor
from ..core.values import as_array, as_numbers

NUMBERS = (int, float, bool)


def check_function(taker: str, f: Any) -> None:
    """Refuse to differentiate anything but a function, such as its result."""
    if not callable(f):
        came = f"{type(f).__name__}. For the gradient of a result, call y.backward(), which leaves it in x.grad"
        raise TypeError(f"{taker} takes a function and returns its derivative, also a function; got a {came}")


def of_arguments(
    f: Callable[..., Any], argnums: int | tuple[int, ...], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """`f` as a function of the arguments at `argnums` alone, and those arguments."""
    if argnums == 0 and len(args) == 1 and not kwargs:
        return f, tuple(args)
    positions = tuple(argnums) if isinstance(argnums, tuple | list) else (index(argnums),)
    count = len(args)
    if any(not -count <= i < count for i in positions) or len({i % count for i in positions}) < len(positions):
        raise ValueError(f"argnums takes different positions among the {count} arguments; got {positions}")

    def of_chosen(*primals: Any) -> Any:
        replaced = list(args)
        for i, x in zip(positions, primals, strict=True):
            replaced[i] = x
        return f(*replaced, **kwargs)

    return of_chosen, tuple(args[i] for i in positions)


def split_aux(result: Any, has_aux: bool) -> tuple[Any, Any]:
    """What a function returned that is to be differentiated, and what comes along."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"with has_aux the function returns a pair (value, aux); got {type(result).__name__}")
    return result


def as_primal(x: Any) -> Any:
    """An argument as an array that can be differentiated by, as it is now; refuses others."""
    if type(x) is np.ndarray and x.dtype.kind == "f" and x.dtype.isnative:
        return x
    if isinstance(x, Watched):
        x = x.level.made(x.value, x.node)
    elif callable(x):
        advice = "For the parameters of a module, see nn.functional_call"
        raise TypeError(f"derivatives are with respect to floating arrays; got a {type(x).__name__}. {advice}")
    else:
        x = as_numbers(x)
    if x.dtype.kind != "f":
        raise TypeError(
            f"derivatives are with respect to floating arrays; got {x.dtype}. Use x.astype(float), or see argnums"
        )
    return x


def left_level(level: Level, v: Any) -> Any:
    """A result as seen from outside of `level`, as it is now."""
    if isinstance(v, Watched) and v.level is level:
        v = v.value
    return v.level.made(v.value, v.node) if isinstance(v, Watched) else as_array(v)


def result(level: Level, v: Any) -> Any:
    """A result that is to be differentiated, as seen from outside of `level`; a number is an array."""
    return np.asarray(v) if type(v) in NUMBERS else left_level(level, v)


def as_argument(x: Any, g: Any) -> Any:
    """A derivative as what its argument was: an array for an array, unless it can be differentiated further."""
    if type(x) is np.ndarray is type(g):
        return g
    if isinstance(x, Watched):
        if isinstance(g, Watched):
            return g
        g = as_argument(x.value, g)
        return g if x.level.is_batch else x.level.made(g, None)
    return g.value if isinstance(g, Tensor) and g.node is None else g


def zeros_like(x: Any) -> Any:
    """The derivative of what does not depend on `x`."""
    return np.zeros_like(unwrap(x), shape=x.shape)
