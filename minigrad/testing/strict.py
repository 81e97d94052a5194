"""An array type that refuses to become an ndarray, as arrays on a GPU do: what works on it works on those."""

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core.tree import tree_map


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
        return self.__array_function__(getattr(ufunc, method), map(type, args), args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(kind, StrictArray | np.generic | bool | int | float) for kind in types):
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


def unwrapped(tree: Any) -> Any:
    """The ndarrays of StrictArrays."""
    return tree_map(lambda x: x.values if isinstance(x, StrictArray) else x, tree)


def wrapped(tree: Any) -> Any:
    """StrictArrays of ndarrays, and of NumPy's scalars."""
    return tree_map(lambda x: StrictArray(x) if isinstance(x, np.ndarray | np.generic) else x, tree)
