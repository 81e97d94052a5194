"""Frames, series and indices of pandas, which is not imported: their values by position, without their labels."""

from typing import Any

import numpy as np


def is_frame(x: Any) -> bool:
    """Whether it is one of pandas' frames, series or indices, or of a class made of these."""
    if type(x) is np.ndarray or not hasattr(x, "to_numpy"):
        return False
    return any(kind.__module__.startswith("pandas.") for kind in type(x).__mro__)


def frame_values(x: Any) -> Any:
    """The numbers of a frame, a series or an index; anything else is returned as it is.

    Raises
    ------
    TypeError
        If a column holds something else than numbers.
    ValueError
        If a value is missing.
    """
    if not is_frame(x):
        return x
    if x.ndim == 1:
        return column_of(x, x.name)
    columns = [column_of(x.iloc[:, i], name) for i, name in enumerate(x.columns)]
    return np.stack(columns, axis=1) if columns else np.empty(x.shape)


def column_of(x: Any, name: Any) -> np.ndarray:
    """The numbers of a column."""
    label = f"the column {name!r}" if name is not None else f"a {type(x).__name__}"
    if getattr(x.dtype, "kind", "O") not in "biufc":
        raise TypeError(f"{label} holds {x.dtype}, and arrays hold numbers. Leave it out, or encode it")
    missing = np.flatnonzero(x.isna())
    if missing.size:
        raise ValueError(f"{label} has no value in row {missing[0]} (counted from 0). Fill it or drop the row")
    return x.to_numpy(dtype=getattr(x.dtype, "numpy_dtype", None))
