"""New Tensors: NumPy's functions of the same names, with a Tensor for a result.

All take `requires_grad`, as `tensor` does.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..core.door import bare
from ..core.recorder import drawn, fixed
from ..core.tensor import Tensor, asarray
from ..core.values import as_numbers


def made_by(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that makes a Tensor of what one of NumPy's makes; arrays that are watched are looked at only."""

    @wraps(function)
    def create(*args: Any, requires_grad: bool = False, **kwargs: Any) -> Tensor:
        if function in (np.zeros, np.ones) and len(args) > 1 and isinstance(args[1], int):
            name = function.__name__
            raise TypeError(f"{name} takes the shape as a tuple, as NumPy does: {name}({args}); got {name}{args}")
        made = asarray(fixed(function(*map(bare, args), **kwargs)))
        made.requires_grad = requires_grad
        return made

    create.__doc__ = f"As numpy.{function.__name__}; the result is a Tensor, which may require grad."
    return create


zeros = made_by(np.zeros)
ones = made_by(np.ones)
full = made_by(np.full)
arange = made_by(np.arange)
linspace = made_by(np.linspace)
eye = made_by(np.eye)
zeros_like = made_by(np.zeros_like)
ones_like = made_by(np.ones_like)
full_like = made_by(np.full_like)


def meshgrid(*arrays: Any, indexing: Any = "xy") -> tuple[Tensor, ...]:
    """As numpy.meshgrid; the results are Tensors, outside of any graph."""
    return tuple(asarray(grid) for grid in np.meshgrid(*(as_numbers(bare(x)) for x in arrays), indexing=indexing))


def sample(rng: "np.random.Generator", method: str, *args: Any, requires_grad: bool = False, **kwargs: Any) -> Tensor:
    """A Tensor of the random numbers that a method of a generator draws; a compiled function draws them anew.

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
    made = asarray(drawn(rng, method, *args, **kwargs))
    made.requires_grad = requires_grad
    return made
