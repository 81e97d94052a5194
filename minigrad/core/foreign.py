"""Arrays of other libraries, and of NumPy's own subclasses, beside ours: taken by position, or refused by name.

All that is no Tensor goes through `admitted`: operands, indices, options, and the data of new Tensors. Libraries are
recognised by the methods of their objects, so that none has to be imported.
"""

import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from numbers import Number
from typing import Any

import numpy as np

from .primitive import REGISTRY, Primitive

NUMERIC = frozenset("biufc")  # kinds of dtypes
# Types that come in as they are; those of our own arrays are added where they are defined.
SCALARS = {np.float64, np.float32, np.int64, np.bool_, int, float, bool}
USUAL_CLASSES = SCALARS | {np.ndarray, str, slice, list, tuple, dict, type(None)}
LATER: dict[str, str] = {}  # by module: the one of ours with rules for its functions, loaded when one is first met
MULTIPLYING = ("bsr", "coo", "csc", "csr", "dia")  # formats of sparse matrices for products
# An ndarray with another one of these computes otherwise than NumPy.
ARITHMETIC = ("__array_ufunc__", "__add__", "__mul__", "__matmul__", "__pow__")


def admitted(taker: str, x: Any, sparse: str | None = None) -> Any:
    """`x` as NumPy computes with it: labelled data as an ndarray, and what is not an array unchanged.

    Raises
    ------
    TypeError
        If it has an arithmetic of its own; the text names the taker, the type and what to use instead.
    """
    kind = type(x)
    if kind in USUAL_CLASSES:
        return x
    if is_labelled(kind):
        return by_position(taker, x)
    if sparse and is_sparse(kind):
        return sparse_operand(taker, x, sparse)
    if remedy := remedy_for(kind):
        raise TypeError(
            f"{taker} takes arrays and numbers with NumPy's own arithmetic; got a {full_name(kind)}. Use {remedy}"
        )
    return np.asarray(x) if isinstance(x, np.ndarray) else x


def admitted_list(xs: Any, admit: Callable[[Any], Any]) -> Any:
    """A list or tuple, of what `admit` makes of arrays in it; one that begins with a number holds numbers."""
    return xs if not xs or type(xs[0]) in SCALARS else [admit(x) for x in xs]


def assigned(x: Any) -> Any:
    """`x` as it is written into an array: real numbers."""
    if type(x) not in USUAL_CLASSES:
        x = admitted("x[i] = v", x)
    if isinstance(x, np.ndarray):
        check_numbers("x[i] = v", x, "biuf")
    return x


def check_numbers(taker: str, x: np.ndarray, kinds: Any = NUMERIC) -> None:
    """Refuse an ndarray of something else than numbers, such as text, dates or Python's objects."""
    if x.dtype.kind not in kinds:
        raise TypeError(f"{taker} takes numbers; got an array of {x.dtype}. Use x.astype(float) if it has any")


@lru_cache
def is_labelled(kind: type) -> bool:
    """Whether objects of a type are arrays with labels, such as the Series, DataFrames and Index of pandas."""
    return hasattr(kind, "to_numpy")


def by_position(taker: str, x: Any) -> np.ndarray:
    """The values of labelled data in their order; its labels have no part in it.

    Raises
    ------
    TypeError
        If a column holds something else than numbers, as one of text or with missing values of no dtype; it is named.
    """
    values = x.to_numpy()
    if values.dtype.kind in NUMERIC:
        return values
    columns = x.items() if values.ndim == 2 and hasattr(x, "items") else [(getattr(x, "name", None), x)]
    return np.stack([column_values(taker, type(x), label, column) for label, column in columns], axis=1)


def column_values(taker: str, kind: type, label: Any, column: Any) -> np.ndarray:
    """The values of one column, refused unless they are numbers."""
    values = column.to_numpy()
    if values.dtype.kind not in NUMERIC:
        odd = next((f", such as {v!r}" for v in values.ravel() if not isinstance(v, Number)), "")
        raise TypeError(
            f"{taker} takes numbers; {'' if label is None else f'column {label!r} of '}the {kind.__name__} holds "
            f"{getattr(column, 'dtype', values.dtype)}{odd}. Leave it out, drop what is missing by .dropna(), or make "
            f"numbers of it by .astype(float)"
        )
    return values


@lru_cache
def remedy_for(kind: type) -> str:
    """What to use in the place of objects of a type that has an arithmetic of its own; empty for others."""
    if issubclass(kind, np.ndarray):
        own = any(getattr(kind, name) is not getattr(np.ndarray, name) for name in ARITHMETIC)
        return "np.asarray(x), or x.filled() of a masked array" if own else ""
    if issubclass(kind, int | float | complex | np.generic):
        return ""
    if issubclass(kind, Number):
        return "float(x)"
    if hasattr(kind, "toarray"):  # sparse
        return "x.toarray()"
    if hasattr(kind, "__array_ufunc__"):  # it speaks NumPy's protocols
        return ""
    if hasattr(kind, "detach"):  # PyTorch's
        return "x.detach().cpu().numpy()"
    return "np.asarray(x)" if hasattr(kind, "__array__") or hasattr(kind, "__array_interface__") else ""


@lru_cache
def is_sparse(kind: type) -> bool:
    """Whether objects of a type are sparse matrices or arrays, as those of SciPy."""
    return hasattr(kind, "toarray") and hasattr(kind, "tocsr")


def sparse_operand(taker: str, x: Any, use: str) -> Any:
    """A sparse constant for a function that takes some: itself for a "product", or its "values" in an ndarray."""
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{taker} takes real numbers; got a {full_name(type(x))} of {x.dtype}. Use x.real and x.imag")
    return x.toarray() if use == "values" or x.ndim == 1 else x if x.format in MULTIPLYING else x.tocsr()


@lru_cache
def is_converted(kind: type) -> bool:
    """Whether NumPy makes arrays of objects of a type, such as PyTorch's, where they are data rather than operands."""
    return hasattr(kind, "__array__") and not hasattr(kind, "__array_ufunc__") and not is_labelled(kind)


def full_name(kind: type) -> str:
    """The name of a type in its public module, without NumPy's."""
    public: list[str] = []
    for part in kind.__module__.split("."):
        if part.startswith("_") or part == "numpy":
            break
        public.append(part)
    return ".".join([*public, kind.__name__])


def exported(value: Any, copy: bool | None) -> Any:
    """A value as DLPack hands it over: an array, a copy of one that not all libraries can use, unless forbidden."""
    if not hasattr(value, "__dlpack__"):
        value = np.asarray(value)
    if copy is False or not isinstance(value, np.ndarray):
        return value
    return value if value.flags.writeable and min(value.strides, default=0) >= 0 else value.copy()


def first_met(key: Any) -> Primitive | None:
    """What is known of a function of another library, of which the rules are loaded now; None if there are none."""
    home = function_name(key)
    for module in (ours for theirs, ours in LATER.items() if home.startswith(f"{theirs}.")):
        import_module(module)
    return REGISTRY.get(key)


def function_name(key: Any) -> str:
    """The name of a function, or of a ufunc's method, in its module."""
    function, *method = key if isinstance(key, tuple) else (key,)
    name = getattr(function, "__name__", str(function))
    return ".".join([*module_of(function, name), name, *method])


def module_of(function: Any, name: str) -> list[str]:
    """The public module of a function, in a list; an empty one if it has none. Ufuncs do not know theirs."""
    known = getattr(function, "__module__", None)
    if known:
        return [known]
    homes = [
        (name not in getattr(module, "__all__", ()), "._" in home, len(home), home)
        for home, module in tuple(sys.modules.items())
        if getattr(module, "__dict__", {}).get(name) is function
    ]
    return [min(homes)[-1]] if homes else []


def asked_by_scipy() -> str:
    """Which function of SciPy's asks for the values of an array, and what there is instead; '' if none does."""
    frame, module, name = sys._getframe(2), "", ""
    while frame is not None:  # outward to the function that the user called
        path, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if path.startswith("scipy._lib") and hasattr(inner := frame.f_locals.get("f"), "__name__"):
            path, function = inner.__module__, inner.__name__  # a decorator, which looks at the arguments first
        if not path.startswith("scipy.") and name:
            break
        if path.startswith("scipy.") and not path.startswith("scipy._") and not function.startswith("_"):
            module, name = ".".join(part for part in path.split(".") if not part.startswith("_")), function
        frame = frame.f_back
    if not name:
        return ""
    try:
        ours = hasattr(import_module(f"minigrad.{module}"), name)
    except ImportError:
        ours = False
    there = f"use mg.{module}.{name}" if ours else f"mg.{module} has no such function, but NumPy may have"
    return f". {module}.{name} asks for the values: {there}"
