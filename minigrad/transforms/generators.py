"""The generators of random numbers that a function or an object may draw from, and their states."""

import dis
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import BuiltinMethodType
from typing import Any

import numpy as np

from ..core.tree import leaves

PLAIN = frozenset({int, float, bool, str, bytes, complex, np.ndarray, type(None)})
FOREIGN = ("minigrad.core", "minigrad.ops", "numpy", "pandas")  # what has no generators in it


class States:
    """The states that generators had before a function drew from them."""

    def __init__(self, generators: Sequence[Any]) -> None:
        self.before: dict[int, tuple[Any, Any]] = {id(x): (x, generator_state(x)) for x in generators}
        self.made: list[Any] = []  # the generators of draws without one, in order
        self.place = 0

    def first(self, rng: Any) -> Any:
        """The generator that the first run draws from; in place of None one that the second run will have as well."""
        if rng is None:
            rng = np.random.default_rng()
            self.made.append(rng)
        if has_state(rng):  # and is no seed
            self.before.setdefault(id(rng), (rng, generator_state(rng)))
        return rng

    def again(self, rng: Any) -> Any:
        """The generator that the second run draws from."""
        if rng is not None or self.place == len(self.made):
            return rng
        self.place += 1
        return self.made[self.place - 1]

    def run_again(self, function: Callable[..., Any], *args: Any) -> Any:
        """``function(*args)``, for which each generator begins where it began before, and is then as it is now."""
        present = [(x, generator_state(x)) for x, _ in self.before.values()]
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


def generator_state(x: Any) -> Any:
    """The state of a generator, NumPy's of any kind or Python's: what it will draw next."""
    x = getattr(x, "bit_generator", x)
    if hasattr(x, "state"):
        return x.state
    return x.getstate() if is_pythons(x) else x.get_state()


def set_state(x: Any, state: Any) -> None:
    """Let a generator draw that next."""
    x = getattr(x, "bit_generator", x)
    if hasattr(x, "state"):
        x.state = state
    elif is_pythons(x):
        x.setstate(state)
    else:
        x.set_state(state)


def is_pythons(x: Any) -> bool:
    """Whether it is a generator of Python's own module, which is not loaded for this."""
    module = sys.modules.get("random")
    return module is not None and isinstance(x, module.Random)


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
        elif not getattr(type(x), "__module__", "").startswith(FOREIGN):
            waiting += [part for _, part in variables_of(x)]
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:  # which NumPy loads at first use
        legacy = numpy_random.mtrand._rand
        found[id(legacy)] = legacy
    return list(found.values())


def generators_in(roots: Mapping[str, Any]) -> dict[str, Any]:
    """The generators in what lies under some names, Python's own included, by the path to each: in order.

    They are looked for in attributes, in lists, tuples, mappings and sets, and in the variables of functions and
    methods. A root has its name alone, wherever else it lies.
    """
    found: dict[str, Any] = {}
    seen = {id(x): x for x in roots.values()}
    waiting = [*roots.items()][::-1]
    while waiting:
        path, x = waiting.pop()
        if draws(x):
            found[path if path not in found else f"{path}~{len(found)}"] = x
            continue
        below = []
        for name, part in references_of(x):
            if id(part) not in seen and not is_plain(part):
                seen[id(part)] = part
                below.append((f"{path}.{name}".lstrip("."), part))
        waiting += below[::-1]
    return found


def draws(x: Any) -> bool:
    """Whether it is a generator, NumPy's or Python's, whose state can be read and set."""
    return is_pythons(x) or any(
        kind.__module__.startswith("numpy.random") and (hasattr(kind, "bit_generator") or hasattr(kind, "get_state"))
        for kind in type(x).__mro__
    )


def is_plain(x: Any) -> bool:
    """Whether it is a number, a text or an array, or a list or tuple of them, as a sample often is."""
    kind = type(x)
    return kind in PLAIN or (kind in (list, tuple) and all(type(part) in PLAIN for part in x))


def references_of(x: Any) -> list[tuple[Any, Any]]:
    """What a container, a function or an object refers to, by name; nothing of it is called."""
    if type(x) in (dict, list, tuple, set):
        return items_of(x)
    if isinstance(x, BuiltinMethodType):
        return [("__self__", x.__self__)]
    if getattr(type(x), "__module__", "").startswith(FOREIGN):
        return []
    if hasattr(x, "__code__") and is_standard(x):
        return [("__self__", x.__self__)] if hasattr(x, "__self__") else []
    return items_of(x) + variables_of(x) + class_variables_of(x) + generators_of_modules(x)


def items_of(x: Any) -> list[tuple[Any, Any]]:
    """What a container holds. Members of a set, which has no order, have their numbers in braces."""
    if isinstance(x, dict):
        return list(dict.items(x))
    for kind in (list, tuple, deque):
        items: Any = kind.__iter__  # rather than that of a subclass
        if isinstance(x, kind):
            return list(enumerate(items(x)))
    return [(f"{{{i}}}", part) for i, part in enumerate(x)] if type(x) in (set, frozenset) else []


def class_variables_of(x: Any) -> list[tuple[str, Any]]:
    """The methods and other attributes of an object's class, and of those that it is derived from."""
    kinds = [kind for kind in type(x).__mro__ if not (is_standard(kind) or kind.__module__.startswith("minigrad."))]
    shared = [(name, getattr(y, "fget", y)) for kind in kinds for name, y in vars(kind).items()]
    return [(name, y) for name, y in shared if hasattr(y, "__code__") or not name.startswith("__")]


def is_standard(x: Any) -> bool:
    """Whether a class or a function is of the standard library."""
    return str(x.__module__).partition(".")[0] in sys.stdlib_module_names


def generators_of_modules(f: Any) -> list[tuple[str, Any]]:
    """The generators of modules that a function names, or whose methods it does, as `np.random.normal` is one."""
    found = []
    for first, *names in chains_in(f.__code__) if hasattr(f, "__globals__") else ():
        x = f.__globals__.get(first)
        for name in names:
            x = getattr(x, name, None) if is_module(x) else x
        x = getattr(x, "__self__", x)
        if names and draws(x):
            found.append((".".join([first, *names]), x))
    return found


def chains_in(code: Any) -> list[list[str]]:
    """The global names in a function's code, each with the attributes that are asked of it at once."""
    chains, here = [], []
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_GLOBAL":
            here = [step.argval]
            chains.append(here)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            here.append(step.argval)
        else:
            here = []
    return chains + [chain for part in code.co_consts if isinstance(part, type(code)) for chain in chains_in(part)]


def variables_of(x: Any) -> list[tuple[Any, Any]]:
    """What a function or an object refers to by name."""
    code = getattr(x, "__code__", None)
    if code is not None and not hasattr(x, "__closure__"):  # a function of numba's, of which not all is Python's
        return [("__wrapped__", x.__wrapped__)] if hasattr(x, "__wrapped__") else []
    if code is not None:
        bound = [("__self__", x.__self__)] if hasattr(x, "__self__") else []
        if x.__module__ is None or x.__module__.startswith(("minigrad.", "numpy")):
            return bound
        names = [(name, x.__globals__[name]) for name in names_in_code(code) if name in x.__globals__]
        cells = zip(code.co_freevars, x.__closure__ or (), strict=False)
        inner = [(name, cell.cell_contents) for name, cell in cells if cell_is_full(cell)]
        defaults = [*enumerate(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).items()]
        return [(name, y) for name, y in [*names, *inner, *bound, *defaults] if not is_module(y)]
    if hasattr(x, "dtype") or is_module(x) or isinstance(x, type):
        return []
    slots = ["func", "args", "keywords", "__wrapped__", *(name for kind in type(x).__mro__ for name in slots_of(kind))]
    shared = [] if type(x).__module__ == "builtins" else vars(type(x)).items()
    own = [*((name, getattr(x, name)) for name in slots if hasattr(x, name)), *getattr(x, "__dict__", {}).items()]
    return own + [(name, y) for name, y in shared if has_state(y)]


def names_in_code(code: Any) -> list[str]:
    """The names that a function's code mentions, and that of functions which it defines."""
    inner = [name for part in code.co_consts if isinstance(part, type(code)) for name in names_in_code(part)]
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
