"""What lies in objects that a module does not look into: neither lists, tuples nor mappings."""

from collections import UserList, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set, ValuesView
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..core.tree import children_of, is_branch

OPAQUE = (str, bytes, bytearray, memoryview, range, np.generic, type, ModuleType, BuiltinFunctionType)
ITERATED = Set | ValuesView | deque | UserList  # others may be endless, or read from a disk
PLAIN = frozenset({bool, int, float, complex, str, type(None)})


def survey(value: Any, is_part: Callable[[Any], bool]) -> Iterator[tuple[Any, Any]]:
    """The parts in a value, each with the object that hides it; None if there are only lists, tuples and mappings.

    A part is what `is_part` says; what is inside of a part is not looked at.
    """
    seen, hidden, visited = [value], [], set()
    while seen or hidden:  # those that are seen come first: one that is hidden as well is found all the same
        x, holder = (seen.pop(), None) if seen else hidden.pop()
        if type(x) in PLAIN or id(x) in visited:
            continue
        visited.add(id(x))
        if is_part(x):
            yield x, holder
            continue
        if is_branch(x):
            inner, keys = children_of(x), x if isinstance(x, Mapping) else ()
            hidden += [(key, x if holder is None else holder) for key in keys]
        else:
            inner, holder = contents(x), x if holder is None else holder
        if holder is None:
            seen += inner
        else:
            hidden += [(y, holder) for y in inner]


def contents(x: Any) -> Iterable[Any]:
    """What an object holds that is neither a list, a tuple nor a mapping: elements, attributes, what it calls."""
    if isinstance(x, np.ndarray):
        return x.ravel().tolist() if x.dtype == object else ()
    if isinstance(x, partial):
        return x.func, x.args, x.keywords
    if isinstance(x, MethodType):
        return (x.__self__,)
    if isinstance(x, FunctionType) or type(x).__module__.startswith("minigrad."):  # an optimizer may have parameters
        return (x.__wrapped__,) if hasattr(x, "__wrapped__") else ()  # as what compile and checkpoint make
    if isinstance(x, OPAQUE) or hasattr(x, "__array_ufunc__"):
        return ()
    slots = [slot for kind in type(x).__mro__ for slot in slot_names(vars(kind).get("__slots__", ()))]
    inside = [getattr(x, slot) for slot in slots if not slot.startswith("__") and hasattr(x, slot)]
    inside += vars(x).values() if hasattr(x, "__dict__") else ()
    return [*inside, *x] if isinstance(x, ITERATED) else inside


def slot_names(slots: Any) -> Iterable[str]:
    """The names of slots, which may be a single one."""
    return (slots,) if isinstance(slots, str) else slots


def remedy(holder: Any) -> str:
    """How to keep a part that an object would hide."""
    if isinstance(holder, Mapping):
        return "Keep it among the values of the dict"
    if isinstance(holder, ITERATED | np.ndarray):
        return "Keep it in a list, tuple or dict"
    return f"Keep it in an attribute as well, which is set first, or let {type(holder).__name__} be an nn.Module"
