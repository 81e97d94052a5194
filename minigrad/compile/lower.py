"""The same bits from the functions that NumPy itself would call, which take an out= and half the time."""

import operator
from typing import Any

import numpy as np

from .array import Method
from .program import PURE, RESULT, WRITE, Call, Value

REDUCTIONS = {np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.min: np.minimum}
REDUCTIONS |= {np.amax: np.maximum, np.amin: np.minimum, np.any: np.logical_or, np.all: np.logical_and}
FILLED = {np.zeros_like: 0, np.ones_like: 1, np.empty_like: 0, np.zeros: 0, np.ones: 1, np.empty: 0}
POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}  # for which ndarray.__pow__ calls these
SILENT = {np.negative, np.absolute, np.copysign, operator.neg, operator.abs}  # that never meet an error of arithmetic
FEW, SMALL = 8, 2**14  # arrays to be joined, and bytes of the result
EXACT = 2**24  # up to here float32 has all integers, so that a quotient by one is rounded once in any precision


def lowered(call: Call) -> list[Call]:
    """The calls to make in place of a call."""
    if call.function in SILENT and all(x.dtype.kind == "f" for x in call.operands()):
        call.errors = ()
    if call.function in REDUCTIONS and is_plain_reduction(call):
        as_reduction(call, REDUCTIONS[call.function])
    elif call.function is np.mean and is_plain_reduction(call):
        return as_quotient(call)
    elif call.function in (np.stack, np.concatenate) and (axis := joined_along(call)) is not None:
        return as_assignments(call, axis)
    elif call.function in FILLED or (call.function is np.full_like and isinstance(call.args[1], int | float)):
        as_full(call)
    elif call.function is np.matmul and not call.kwargs and all(map(is_matrix, call.args)):
        if call.args[0].dtype == call.args[1].dtype:
            call.function = Method("dot")
    elif call.function is operator.pow and is_array(call.args[0]) and call.args[0].dtype.kind == "f":
        exponent = call.args[1]
        if type(exponent) in (int, float) and exponent in POWERS:
            call.function, call.args = POWERS[exponent], call.args[:1]
    return [call]


def is_plain_reduction(call: Call) -> bool:
    """Whether a call names an array and an axis only."""
    return set(call.kwargs) <= {"axis", "keepdims"} and len(call.args) <= 2


def as_reduction(call: Call, ufunc: np.ufunc) -> None:
    """Let a call be one of a ufunc's `reduce`, which has another default for the axis."""
    axis = call.args[1] if len(call.args) > 1 else call.kwargs.get("axis")
    call.function, call.args, call.kwargs = (ufunc, "reduce"), call.args[:1], {**call.kwargs, "axis": axis}


def as_quotient(call: Call) -> list[Call]:
    """The mean as a sum and a division."""
    x, y = call.args[0], call.pattern
    n = x.size // max(y.size, 1)
    if x.dtype.char not in "fd" or not 0 < n <= EXACT or 0 in x.shape:
        return [call]
    total = Value(y.shape, y.dtype, y.strides, RESULT, scalar=y.scalar)
    call.pattern = total
    as_reduction(call, np.add)
    return [call, Call(operator.truediv if y.scalar else np.divide, (total, n), {}, y, errors=call.errors)]


def joined_along(call: Call) -> int | None:
    """The axis along which a call joins a few small arrays of one dtype; None if it does something else."""
    parts, y = call.args[0], call.pattern
    if call.kind != PURE or len(call.args) != 1 or not set(call.kwargs) <= {"axis"}:
        return None
    axis = call.kwargs.get("axis", 0)
    alike = isinstance(parts, tuple | list) and all(isinstance(x, Value) and x.dtype == y.dtype for x in parts)
    small = len(parts) <= FEW and y.nbytes <= SMALL and contiguous(y.shape, y.strides, y.dtype.itemsize)
    return axis % len(y.shape) if alike and small and type(axis) is int else None


def as_assignments(call: Call, axis: int) -> list[Call]:
    """Joined arrays as an array that is filled part by part, which takes a fifth of the time, and is native code."""
    y, before, start = call.pattern, (slice(None),) * axis, 0
    calls = [Call(np.full, (y.shape, 0, y.dtype), {}, y)]
    for x in call.args[0]:
        n = 1 if call.function is np.stack else x.shape[axis]
        index = (*before, start if call.function is np.stack else slice(start, start + n))
        calls.append(Call(operator.setitem, (y, index, x), {}, kind=WRITE, target=y))
        start += n
    return calls


def as_full(call: Call) -> None:
    """Let a call that makes an array of equal numbers depend on nothing, if the array is in C order."""
    y = call.pattern
    if contiguous(y.shape, y.strides, y.dtype.itemsize):
        number = FILLED.get(call.function, call.args[-1])
        call.function, call.args, call.kwargs = np.full, (y.shape, number, y.dtype), {}


def is_array(x: Any) -> bool:
    """Whether an operand is an array rather than a number."""
    return isinstance(x, Value) and not x.scalar and not x.number


def is_matrix(x: Any) -> bool:
    """Whether a value is a floating matrix, or its transpose, that BLAS takes as it is.

    For these ndarray.dot has the bits of np.matmul, in a third of the time if they are small.
    """
    if not is_array(x) or len(x.shape) != 2 or x.dtype.char not in "fd" or 0 in x.shape:
        return False
    itemsize = x.dtype.itemsize
    return contiguous(x.shape, x.strides, itemsize) or contiguous(x.shape[::-1], x.strides[::-1], itemsize)


def contiguous(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    """Whether the elements lie side by side, the last axis first."""
    for n, stride in zip(reversed(shape), reversed(strides), strict=True):
        if n > 1 and stride != itemsize:
            return False
        itemsize *= n
    return True
