"""The generators of random numbers that a function may draw from, and their states."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.tree import leaves

PLAIN = frozenset({int, float, bool, str, bytes, complex, np.ndarray})


class States:
    """The states that generators had before a function drew from them."""

    def __init__(self, generators: Sequence[Any]) -> None:
        self.before: dict[int, tuple[Any, Any]] = {id(x): (x, state_of(x)) for x in generators}
        self.made: list[Any] = []  # the generators of draws without one, in order
        self.place = 0

    def first(self, rng: Any) -> Any:
        """The generator that the first run draws from; in place of None one that the second run will have as well."""
        if rng is None:
            rng = np.random.default_rng()
            self.made.append(rng)
        if has_state(rng):  # and is no seed
            self.before.setdefault(id(rng), (rng, state_of(rng)))
        return rng

    def again(self, rng: Any) -> Any:
        """The generator that the second run draws from."""
        if rng is not None or self.place == len(self.made):
            return rng
        self.place += 1
        return self.made[self.place - 1]

    def run_again(self, function: Callable[..., Any], *args: Any) -> Any:
        """``function(*args)``, for which each generator begins where it began before, and is then as it is now."""
        present = [(x, state_of(x)) for x, _ in self.before.values()]
        try:
            for x, state in self.before.values():
                set_state(x, state)
            self.place = 0
            return function(*args)
        finally:
            for x, state in present:
                set_state(x, state)


def has_state(x: Any) -> bool:
    """Whether it is one of NumPy's generators: a Generator, a RandomState or a BitGenerator."""
    return type(x).__module__.startswith("numpy.random") and (hasattr(x, "bit_generator") or hasattr(x, "get_state"))


def state_of(x: Any) -> Any:
    return x.bit_generator.state if hasattr(x, "bit_generator") else x.get_state()


def set_state(x: Any, state: Any) -> None:
    if hasattr(x, "bit_generator"):
        x.bit_generator.state = state
    else:
        x.set_state(state)


def generators_of(f: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> list[Any]:
    """The generators among a function's arguments and variables, and in the attributes of what lies there."""
    found: dict[int, Any] = {}
    seen: set[int] = set()
    waiting = [f, args, dict(kwargs)]
    while waiting:
        x = waiting.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        if has_state(x):
            found[id(x)] = x
        elif isinstance(x, list | tuple | Mapping):
            waiting += [part for part in leaves(x) if type(part) not in PLAIN]
        elif not getattr(type(x), "__module__", "").startswith(("minigrad.core", "minigrad.ops", "numpy")):
            waiting += variables_of(x)
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:  # which NumPy loads when somebody asks for it
        legacy = numpy_random.mtrand._rand
        found[id(legacy)] = legacy
    return list(found.values())


def variables_of(x: Any) -> list[Any]:
    """What a function or an object refers to by name."""
    code = getattr(x, "__code__", None)
    if code is not None:
        if x.__module__ is None or x.__module__.startswith(("minigrad.", "numpy")):
            return [x.__self__] if hasattr(x, "__self__") else []
        names = [x.__globals__[name] for name in names_in(code) if name in x.__globals__]
        cells = [cell.cell_contents for cell in x.__closure__ or () if cell_is_full(cell)]
        bound = [x.__self__] if hasattr(x, "__self__") else []
        return [
            y
            for y in [*names, *cells, *bound, *(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()]
            if not is_module(y)
        ]
    if hasattr(x, "dtype") or is_module(x) or isinstance(x, type):
        return []
    wrapped = [getattr(x, name) for name in ("func", "args", "keywords", "__wrapped__") if hasattr(x, name)]
    slots = [getattr(x, name) for kind in type(x).__mro__ for name in slots_of(kind) if hasattr(x, name)]
    shared = [] if type(x).__module__ == "builtins" else vars(type(x)).values()
    return [*wrapped, *slots, *getattr(x, "__dict__", {}).values(), *(y for y in shared if has_state(y))]


def names_in(code: Any) -> list[str]:
    """The names that a function's code mentions, and that of functions which it defines."""
    inner = [name for part in code.co_consts if isinstance(part, type(code)) for name in names_in(part)]
    return [*code.co_names, *inner]


def slots_of(kind: type) -> Sequence[str]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def cell_is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # the variable has no value yet
        return False


def is_module(x: Any) -> bool:
    return isinstance(x, type(sys))
