"""What a recording must know of NumPy's functions: which ask for shapes, which write, which choose by value."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import RecordingError
from .array import Method, RecordingArray
from .program import Call, leaves_of

# Functions that answer with what is known without the values.
QUESTIONS = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.may_share_memory, np.shares_memory}
QUESTIONS |= {np.iscomplexobj, np.isrealobj, np.broadcast_shapes}

# Functions that answer in a shape that depends on values. (np.where does so if it is given a condition alone.)
VALUES_SHAPE = {np.nonzero, np.flatnonzero, np.argwhere, np.compress, np.extract, np.repeat, np.bincount, np.trim_zeros}
VALUES_SHAPE |= {np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, np.where}
VALUES_SHAPE |= {np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, Method("nonzero"), Method("compress")}
VALUES_SHAPE |= {Method("repeat"), operator.getitem}

# Functions and methods that change their first argument.
WRITERS = {operator.setitem, np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
WRITING_METHODS = {"fill", "sort", "partition", "put", "itemset", "byteswap", "setfield", "shuffle"}


def runnable(function: Any) -> Callable[..., Any]:
    """A function, which may be a ufunc's method, given as a pair."""
    return getattr(*function) if isinstance(function, tuple) else function


def writes(function: Any) -> bool:
    """Whether a function changes its first argument in place."""
    if isinstance(function, tuple):
        return function[1] == "at"
    return function in WRITERS or (isinstance(function, Method) and function.name in WRITING_METHODS)


def shape_varies(call: Call) -> bool:
    """Whether a call, of a function that may do so, answers in a shape that depends on values."""
    if call.function is operator.getitem:
        return any(isinstance(x, RecordingArray) and x.dtype == bool and x.shape for x in leaves_of(call.args[1]))
    return call.function is not np.where or len(call.args) == 1


def out_of(kwargs: Mapping[str, Any]) -> Any:
    """The array that a call is to write into, None if there is none."""
    out = kwargs.get("out")
    if isinstance(out, tuple):
        if len(out) > 1 and any(part is not None for part in out):
            raise RecordingError("a call with several arrays for out= cannot be recorded. Use its results instead")
        out = out[0] if len(out) == 1 else None
    return out
