"""What a Tensor may hold: arrays of real numbers."""

from typing import Any

import numpy as np

from .context import context
from .door import LISTS, Watched
from .foreign import USUAL_CLASSES, admitted, admitted_list, is_converted
from .recorder import array_of


def as_array(y: Any) -> Any:
    """NumPy's scalars as arrays of shape (); everything else as it is."""
    return np.asarray(y) if isinstance(y, np.generic) else y


def as_number(x: Any) -> Any:
    """The Python number in an array without dimensions: a recording follows what becomes of it."""
    recording = context.get().recorder
    return x.item() if recording is None else recording.call(float, (x,))


def as_data(x: Any) -> Any:
    """Data for a tensor as NumPy takes it; `admitted` unless NumPy converts it by itself."""
    return x if type(x) in USUAL_CLASSES or is_converted(type(x)) else admitted("a tensor", x)


def as_numbers(data: Any, dtype: Any = None, copy: bool | None = None) -> Any:
    """`data` as an array of real numbers; refuses what is not. With `copy` None it shares memory if it can.

    An array of another library that speaks NumPy's protocols stays with its library.
    """
    if isinstance(data, Watched):
        data = np.asarray(data)
    data = array_of(data)
    data = admitted_list(data, as_data) if type(data) in LISTS else as_data(data)
    if hasattr(data, "__array_ufunc__") and not isinstance(data, np.ndarray):
        array = data.copy() if copy else data
    else:
        try:
            array = np.array(data, copy=copy)
        except ValueError as error:
            raise ValueError(f"a tensor takes numbers, in rows of equal lengths: {error}") from None
    if array.dtype.kind == "c":
        raise TypeError(f"a tensor takes real numbers; got {array.dtype}. Keep real and imaginary parts apart")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"a tensor takes numbers; got {type(data).__name__}, of which NumPy makes {array.dtype}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array if dtype is None or array.dtype == dtype else as_numbers(array.astype(dtype))
