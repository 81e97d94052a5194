"""New Tensors: NumPy's functions of the same names, with a Tensor for a result.

All take `requires_grad`, as `tensor` does. What is made of values through which a derivative flows keeps it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..composed import creation as composed
from ..core.door import Watched, bind, plain
from ..core.foreign import admitted
from ..core.primitive import REGISTRY
from ..core.recorder import drawn
from ..core.tensor import Tensor, asarray


def public(function: Callable[..., Any], create: Callable[..., Any]) -> Callable[..., Any]:
    """`create` as what users call in the place of a NumPy function."""
    create = wraps(function)(create)
    create.__doc__ = f"NumPy's {function.__name__} as a Tensor, which may require grad."
    create.__module__, create.__qualname__ = __name__, function.__name__
    return create


def as_created(name: str, made: Any, requires_grad: bool) -> Any:
    """The Tensor of a new array; an array that a transformation watches stays what it is."""
    made = asarray(made)
    if requires_grad and made.node is not None:
        raise TypeError(
            f"{name} of an array through which a derivative flows makes no leaf, so that it cannot have "
            f"requires_grad=True. Leave that out to keep the derivative, or pass x.detach() for a leaf"
        )
    if requires_grad:
        made.requires_grad = True
    return made


def of_shape(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose result has no derivative: it reads no more than shapes and dtypes of its arguments."""

    def create(*args: Any, requires_grad: bool = False, **kwargs: Any) -> Any:
        name = function.__name__
        if function in (np.zeros, np.ones) and len(args) > 1 and isinstance(args[1], int):
            raise TypeError(f"{name} takes the shape as a tuple, as NumPy does: {name}({args}); got {name}{args}")
        return as_created(name, function(*(admitted(name, plain(x)) for x in args), **kwargs), requires_grad)

    return public(function, create)


def of_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function through which derivatives flow to its arguments."""
    primitive = REGISTRY[function]

    def create(*args: Any, requires_grad: bool = False, **kwargs: Any) -> Any:
        made = bind(primitive, args, kwargs)
        if isinstance(made, tuple):  # with the step between the numbers
            return as_created(function.__name__, made[0], requires_grad), asarray(made[1])
        return as_created(function.__name__, made, requires_grad)

    return public(function, create)


def _full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, requires_grad: bool = False) -> Any:
    shape = tuple(shape) if isinstance(shape, list) else shape
    return as_created("full", composed.full(fill_value, shape, dtype, order), requires_grad)


def _arange(*args: Any, requires_grad: bool = False, **kwargs: Any) -> Any:
    if any(isinstance(x, Watched) and x.flows() for x in (*args, *kwargs.values())):
        raise TypeError(
            "arange has no derivative: how many numbers it makes depends on its arguments, and a derivative flows "
            "through one of them. Use start + step * np.arange(n), or mg.linspace, or pass x.detach()"
        )
    options = {key: plain(x) for key, x in kwargs.items()}
    return as_created("arange", np.arange(*map(plain, args), **options), requires_grad)


zeros = of_shape(np.zeros)
ones = of_shape(np.ones)
full = public(np.full, _full)
arange = public(np.arange, _arange)
linspace = of_values(np.linspace)
eye = of_shape(np.eye)
zeros_like = of_shape(np.zeros_like)
ones_like = of_shape(np.ones_like)
full_like = of_values(np.full_like)


def meshgrid(*arrays: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> tuple[Any, ...]:
    """NumPy's meshgrid as Tensors, through which the derivatives of the arguments flow."""
    options = {"indexing": indexing, "sparse": sparse, "copy": copy}
    return tuple(map(asarray, bind(REGISTRY[np.meshgrid], [*map(asarray, arrays)], options)))


def sample(rng: "np.random.Generator", method: str, *args: Any, requires_grad: bool = False, **kwargs: Any) -> Tensor:
    """A Tensor of random numbers, drawn by a method of a generator; a compiled function draws others in each call.

    Parameters
    ----------
    rng : numpy.random.Generator
    method : str
        One of its methods, such as "normal" or "permutation".
    *args
        What the method takes by position.
    requires_grad : bool
    **kwargs
        What it takes by name.
    """
    return as_created("sample", drawn(rng, method, *args, **kwargs), requires_grad)
