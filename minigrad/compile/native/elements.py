"""Functions of single elements as expressions of Python, inside of a loop."""

import operator
from typing import Any

import numpy as np

from ..array import Method
from ..program import Call, Value

OPERATORS: dict[Any, Any] = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.neg: np.negative,
    operator.pos: np.positive,
    operator.abs: np.absolute,
    operator.invert: np.invert,
    operator.and_: np.bitwise_and,
    operator.or_: np.bitwise_or,
    operator.pow: np.power,
    operator.eq: np.equal,
    operator.ne: np.not_equal,
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
}

ARITHMETIC: dict[Any, Any] = {  # of floating numbers and of integers
    np.add: "{0} + {1}",
    np.subtract: "{0} - {1}",
    np.multiply: "{0} * {1}",
    np.negative: "-{0}",
    np.positive: "{0}",
    np.square: "{0} * {0}",
    np.equal: "{0} == {1}",
    np.not_equal: "{0} != {1}",
    np.less: "{0} < {1}",
    np.less_equal: "{0} <= {1}",
    np.greater: "{0} > {1}",
    np.greater_equal: "{0} >= {1}",
    # A NaN wins, and of equal numbers the second one, which matters for zeros of different signs.
    np.maximum: "{0} if {0} > {1} or {0} != {0} else {1}",
    np.minimum: "{0} if {0} < {1} or {0} != {0} else {1}",
}
FLOATS: dict[Any, Any] = {
    np.divide: "{0} / {1}",
    np.reciprocal: "{1} / {0}",
    np.absolute: "abs({0})",
    np.sqrt: "sqrt({0})",
    np.isnan: "{0} != {0}",
    np.isinf: "abs({0}) == inf",
    np.isfinite: "abs({0}) < inf",
    np.signbit: "copysign(1.0, {0}) < 0.0",
}
LIBRARY: dict[Any, Any] = {  # one call for each element
    np.log: "log({0})",
    np.log1p: "log1p({0})",
    np.expm1: "expm1({0})",
    np.sin: "sin({0})",
    np.cos: "cos({0})",
    np.sinh: "sinh({0})",
    np.cosh: "cosh({0})",
    np.arctan: "atan({0})",
    np.arcsinh: "asinh({0})",
    np.power: "pow({0}, {1})",
}
LIBRARY_LIMIT = 1024  # elements above which NumPy's own loops, which fill vector registers, are faster
TRUTHS: dict[Any, Any] = {
    np.logical_and: "{0} and {1}",
    np.logical_or: "{0} or {1}",
    np.logical_not: "not {0}",
    np.bitwise_and: "{0} and {1}",
    np.bitwise_or: "{0} or {1}",
    np.invert: "not {0}",
}
POWER_TEXTS = {2: "{0} * {0}", 1: "{0}", 0.5: "sqrt({0})", 3: "{0} * {0} * {0}"}
COPIES = {np.array, np.copy, np.ascontiguousarray, np.positive, operator.pos, Method("copy"), Method("astype")}
COPIES |= {np.astype}


def expression(call: Call) -> tuple[str, list[Any], list[np.dtype], np.dtype] | None:
    """The text for one element of a call's result, what stands in its gaps, of which types, and the result's type.

    None if the function is not one of single elements, or its result is not sure to be NumPy's.
    """
    function, args = OPERATORS.get(call.function, call.function), list(call.args)
    if function in COPIES and isinstance(call.pattern or call.target, Value):
        dtype = args[0].dtype if isinstance(args[0], Value) else np.dtype(object)
        return ("{0}", args[:1], [dtype], dtype) if copies(call) else None
    if function is np.full and len(args) == 3 and not isinstance(args[1], Value):
        dtype = np.asarray(args[1]).dtype
        return "{0}", args[1:2], [dtype], dtype
    if function is np.where and len(args) == 3 and not call.kwargs:
        dtype = call.pattern.dtype
        return "{1} if {0} else {2}", args, [np.dtype(bool), dtype, dtype], dtype
    if not isinstance(function, np.ufunc) or call.kwargs or function.signature is not None or function.nout > 1:
        return None
    if len(args) != function.nin or any(isinstance(x, bool) for x in args):
        return None
    *types, result = function.resolve_dtypes((*map(weak, args), None))
    text = text_of(function, args, types, call)
    compares = result.kind == "b"
    doubtful = [x for x in args if is_weak_int(x) and not (compares and has_integer(x, types[0]))]
    if text is None or (types[0].kind in "iu" and doubtful):
        return None
    return text, args, types, result


def copies(call: Call) -> bool:
    """Whether a call does nothing but copy, and cast."""
    return set(call.kwargs) <= {"copy", "dtype"} and (
        len(call.args) == 1 or call.function in (Method("astype"), np.astype)
    )


def text_of(function: np.ufunc, args: list[Any], types: list[np.dtype], call: Call) -> str | None:
    """The text for a ufunc on such types."""
    kinds = {dtype.kind for dtype in types}
    if kinds == {"b"} or (function in TRUTHS and "logical" in function.__name__):
        return TRUTHS.get(function) if kinds == {"b"} else None
    if len(set(types)) > 1 or np.dtype(np.float16) in types or any(dtype.itemsize > 8 for dtype in types):
        return None
    if kinds <= set("iu"):
        return ARITHMETIC.get(function)
    if kinds != {"f"}:
        return None
    if function is np.power and type(args[1]) in (int, float) and args[1] in POWER_TEXTS:
        return POWER_TEXTS[args[1]]
    if function in LIBRARY:
        return LIBRARY[function] if (call.pattern or call.target).size <= LIBRARY_LIMIT else None
    if function in (np.exp, np.tanh):
        return f"{function.__name__}{8 * types[0].itemsize}({{0}})"
    if function is np.reciprocal:
        return f"{types[0].name}(1.0) / {{0}}"
    return ARITHMETIC.get(function) or FLOATS.get(function)


def weak(x: Any) -> Any:
    """What a ufunc's choice of types depends on: a dtype, or the type of a Python number."""
    if isinstance(x, Value):
        return {"f": float, "i": int}.get(x.dtype.kind, x.dtype) if x.number else x.dtype
    return type(x) if type(x) in (int, float) else np.asarray(x).dtype


def has_integer(x: Any, dtype: np.dtype) -> bool:
    """Whether it is a known integer that a type of integers has; NumPy compares with others, too."""
    return type(x) is int and dtype.kind in "iu" and np.iinfo(dtype).min <= x <= np.iinfo(dtype).max


def is_weak_int(x: Any) -> bool:
    """Whether it is a Python integer, which NumPy may refuse to fit into a type."""
    return type(x) is int or (isinstance(x, Value) and x.number)
