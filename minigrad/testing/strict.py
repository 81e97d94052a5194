"""An array type that refuses to become an ndarray, as arrays on a GPU do: what works on it works on those."""

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


class StrictArray(NDArrayOperatorsMixin):
    """An array that speaks NumPy's protocols and nothing else.

    It meets its own kind and numbers only; arrays of any other type must not slip in. Indices may be ndarrays, which
    the libraries for GPUs take as well.
    """

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError(f"a StrictArray of shape {self.shape} was asked to become an ndarray")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if not all(isinstance(x, StrictArray | np.generic | bool | int | float) for x in args):
            return NotImplemented
        return wrapped(getattr(ufunc, method)(*unwrapped(args), **unwrapped(kwargs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(kind, StrictArray | np.generic) for kind in types):
            return NotImplemented
        return wrapped(function(*unwrapped(args), **unwrapped(kwargs)))

    def __getitem__(self, index: Any) -> "StrictArray":
        return StrictArray(self.values[unwrapped(index)])

    def __setitem__(self, index: Any, v: Any) -> None:
        if isinstance(v, np.ndarray):
            raise TypeError(f"a StrictArray of shape {self.shape} was given an ndarray to hold")
        self.values[unwrapped(index)] = unwrapped(v)

    def __len__(self) -> int:
        return len(self.values)

    def __bool__(self) -> bool:
        return bool(self.values)

    def __getattr__(self, name: str) -> Any:
        """The attributes and methods of an ndarray."""
        if name.startswith("__"):
            raise AttributeError(name)
        attribute = getattr(self.values, name)
        if not callable(attribute):
            return wrapped(attribute)
        return lambda *args, **kwargs: wrapped(attribute(*unwrapped(args), **unwrapped(kwargs)))


def unwrapped(x: Any) -> Any:
    """The ndarrays inside nested lists, tuples and dicts of StrictArrays."""
    if isinstance(x, list | tuple):
        return type(x)(unwrapped(part) for part in x)
    if isinstance(x, dict):
        return {key: unwrapped(part) for key, part in x.items()}
    return x.values if isinstance(x, StrictArray) else x


def wrapped(x: Any) -> Any:
    """StrictArrays in place of the ndarrays, and of NumPy's scalars, in a result."""
    if isinstance(x, list | tuple) and any(isinstance(part, np.ndarray) for part in x):
        parts = [wrapped(part) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    return StrictArray(x) if isinstance(x, np.ndarray | np.generic) else x
