"""What a recording must know of NumPy's functions: which ask for shapes, which write, which choose by value."""

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
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

# Functions that take numbers as they take arrays; to others an integer may be a shape, an axis or a number of copies.
NUMERIC = {np.where, np.clip, np.full_like, np.copyto, np.astype, Method("astype"), Method("clip"), Method("fill")}


# Functions of an array whose other arguments are shapes, axes, widths or positions, which may come as arrays.
SHAPING = {np.reshape, np.broadcast_to, np.tile, np.resize, np.transpose, np.moveaxis, np.expand_dims, np.squeeze}
SHAPING |= {np.pad, np.split, np.array_split, Method("reshape"), Method("transpose"), Method("squeeze")}


def takes_numbers(function: Any) -> bool:
    """Whether the numbers among a function's arguments are operands, which change neither shape nor layout."""
    if isinstance(function, tuple):
        return function[1] in ("at", "outer")
    is_operator = type(function) is type(operator.add) and function.__module__ == "_operator"
    return isinstance(function, np.ufunc) or function in NUMERIC or is_operator


def runnable(function: Any) -> Callable[..., Any]:
    """A function, which may be a ufunc's method, given as a pair."""
    return getattr(*function) if isinstance(function, tuple) else function


def writes(function: Any) -> bool:
    """Whether a function changes its first argument in place."""
    if isinstance(function, tuple):
        return function[1] == "at"
    return function in WRITERS or (isinstance(function, Method) and function.name in WRITING_METHODS)


def shape_varies(call: Call) -> bool:
    """Whether the shape of a call's result depends on values: its function chooses by them, or counts with them."""
    if call.function is operator.getitem:
        masks = any(isinstance(x, RecordingArray) and x.dtype == bool and x.shape for x in leaves_of(call.args[1]))
    else:
        masks = call.function in VALUES_SHAPE and (call.function is not np.where or len(call.args) == 1)
    return masks or any(map(is_integer, deciding(call.function, call.args, call.kwargs)))


def deciding(function: Any, args: Any, kwargs: Any) -> list[Any]:
    """The parts of a call's arguments that decide on the shape of its result if they are integers."""
    if function in (operator.getitem, operator.setitem):
        index = args[1] if isinstance(args[1], tuple) else (args[1],)
        return leaves_of([part for part in index if isinstance(part, slice)])
    return [] if takes_numbers(function) else leaves_of((args, kwargs))


def is_integer(x: Any) -> bool:
    """Whether something stands for one integer."""
    return isinstance(x, RecordingArray) and x.dtype.kind in "biu" and not x.shape


def shapes(function: Any, args: Any, kwargs: Any) -> list[Any]:
    """The arrays of integers among a call's arguments that decide on the shape of its result."""
    options = leaves_of((args[1:], kwargs)) if function in SHAPING else []
    return [x for x in options if isinstance(x, RecordingArray) and x.dtype.kind in "iu" and x.shape]


@cache
def out_position(function: Any) -> int | None:
    """The position at which a function, ufunc or method takes the array to write into, None if it has none."""
    if isinstance(function, np.ufunc):
        return function.nin
    if isinstance(function, tuple):
        return {"reduce": 3, "accumulate": 3, "reduceat": 4}.get(function[1])
    known: Any = getattr(np, function.name, None) if type(function) is Method else function  # of the same positions
    try:
        names = inspect.signature(known)
    except (TypeError, ValueError):  # a method alone; and NumPy 2.0 has functions without a signature
        return 2 if known is np.dot else None
    out = names.parameters.get("out")
    return None if out is None or out.kind == out.KEYWORD_ONLY else [*names.parameters].index("out")


def with_out(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments of a call with the array that it writes into as out=, if that came by its position."""
    place = out_position(function)
    if place is None or len(args) <= place or "out" in kwargs:
        return args, kwargs
    if len(args) > place + 1:
        raise RecordingError(
            "the compiled function passes out=, and something after it, by position. Pass both by name, as out=y"
        )
    return args[:place], kwargs if args[place] is None else {**kwargs, "out": args[place]}


def out_of(kwargs: Mapping[str, Any]) -> Any:
    """The array that a call is to write into, None if there is none."""
    out = kwargs.get("out")
    if isinstance(out, tuple):
        if len(out) > 1 and any(part is not None for part in out):
            raise RecordingError("a call with several arrays for out= cannot be recorded. Use its results instead")
        out = out[0] if len(out) == 1 else None
    return out
