"""What a function can reach from outside: one walk over what its code names, before each recording.

Its variables from outside, and what lies in them: lists, dicts, objects, Modules, other functions. Every place that
holds something is written down, so that a recording can exchange what is in it, and a replay can ask whether it is
still the same.
"""

import dis
import gc
import random
import sys
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Iterable, Iterator, Mapping, MappingView
from functools import cache, cached_property, partial, partialmethod
from itertools import pairwise
from types import BuiltinMethodType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from ..core.door import Watched
from ..errors import RecordingError
from .names import is_frozen, names_in

MANY = 100_000  # objects; a function that reaches more has the whole program in its hands
CACHE = type(cache(len))
STREAMS = (random.Random, np.random.RandomState, np.random.BitGenerator)
FEW = 8  # numbers, of which each is looked at by itself

PARTLESS = (bool, int, float, complex, str, bytes, range, type(None), np.generic, np.dtype, type(...))
CONTAINERS = (SimpleNamespace, UserDict, UserList, ChainMap)  # of Python's library, whose attributes are the user's
FIXED = (list, tuple, MappingProxyType, set, frozenset, MethodType, BuiltinMethodType, partial)
LIBRARIES = sys.stdlib_module_names | {"numpy", "scipy", "minigrad"}  # whose functions do not change
HELD_BY = {"minigrad", "scipy"}  # libraries whose objects hold what is the user's, such as a sparse matrix its values
READERS = {"getattr", "hasattr", "vars", "setattr", "__dict__", "eval", "globals"}  # what reads names that are not told


class Place(NamedTuple):
    """Where something is kept: under a key of a list or dict, or as an attribute."""

    holder: Any
    key: Any
    is_item: bool
    value: Any


class Reach:
    """The places that a function can reach.

    Attributes
    ----------
    places : list of Place
        What is in each when the walk comes by.
    sizes : list of (container, int or list)
        Lists, and how long they are; dicts, and their keys.
    classes : list of (type, list)
        The user's classes, and the names of their attributes.
    contents : list of (container, container)
        Long lists of numbers, and sets, and copies of them.
    arrays : dict of int to ndarray or Generator
        Those in these places, in Tensors, in the state of optimizers and in caches, by identity.
    streams : list
        What draws random numbers that a recording does not see.
    catches : bool
        Whether the function's code has an ``except`` in it.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        self.places: list[Place] = []
        self.sizes: list[tuple[Any, Any]] = []
        self.contents: list[tuple[Any, Any]] = []
        self.arrays: dict[int, Any] = {}
        self.streams: list[Any] = []
        self.catches = False
        self._known: dict[int, Any] = {}
        self._classes: dict[int, tuple[type, list[str]]] = {}
        self._found: set[Any] = set()  # places, by the identity of the holder and the key
        self._names: set[str] = set()  # that code asks objects for
        self._asked: list[tuple[Any, bool, set[str]]] = []  # holders of which code asks for some names, and those found
        self._waiting = list(roots)
        self._hidden: list[Any] = []  # what has no places of its own
        self._walk()

    def _walk(self) -> None:
        while self._waiting or self._ask() or self._hidden:
            if self._waiting:
                self._visit(self._waiting.pop())
                continue
            while self._hidden and not self._waiting:  # all else is found: what is looked into is not visited later
                self._look_into(self._hidden.pop())

    def knows(self, x: Any) -> bool:
        """Whether something can be had from outside: a number or a word, or an object that the walk came by."""
        return isinstance(x, PARTLESS) or id(x) in self._known

    def _is_new(self, x: Any) -> bool:
        """Whether something has not been visited, and may have something in it."""
        if isinstance(x, PARTLESS) or id(x) in self._known:
            return False
        self._known[id(x)] = x  # which lives on, so that nothing else has its identity
        if len(self._known) > MANY:
            raise RecordingError(
                f"the compiled function can reach more than {MANY:,} objects through its variables from outside, the "
                f"last of them a {type(x).__name__}. Pass what it needs as arguments"
            )
        return True

    def _visit(self, x: Any) -> None:
        """Write down the places in something."""
        if not self._is_new(x) or self._take(x):
            return
        if isinstance(x, STREAMS):
            self.streams.append(x)
        elif isinstance(x, FunctionType):
            self._visit_function(x)
        elif isinstance(x, dict | list | deque) and not is_frozen(x):
            self._visit_container(x)
        elif isinstance(x, FIXED):
            self._waiting.extend(fixed_parts(x))  # += would ask the class of a list
            if isinstance(x, set):
                self.contents.append((x, set(x)))
        elif isinstance(x, type):
            self._visit_class(x)
        elif isinstance(x, CACHE):
            self._waiting += gc.get_referents(x)
        elif hides(type(x)):
            self._hidden += gc.get_referents(x)
        elif isinstance(x, ModuleType):
            if not in_library(x):
                self._asked.append((x, False, set()))
        else:
            self._visit_object(x)

    def _visit_container(self, x: Any) -> None:
        self.sizes.append((x, [*x] if isinstance(x, dict) else len(x)))
        if type(x) is list and len(x) > FEW and all(isinstance(part, PARTLESS) for part in x):
            self.contents.append((x, [*x]))
            return
        for key in [*x] if isinstance(x, dict) else range(len(x)):
            self._keep(x, key, True, x[key])

    def _visit_function(self, f: FunctionType) -> None:
        for cell in f.__closure__ or ():
            try:
                self._keep(cell, "cell_contents", False, cell.cell_contents)
            except ValueError:  # a variable that has no value yet
                continue
        self._waiting += f.__dict__.get("__wrapped__", None), f.__defaults__, f.__kwdefaults__
        if not in_library(f):
            self.catches = self.catches or catches(f.__code__)
            names = {*names_in(f.__code__)}
            self._names |= names
            for name in names & f.__globals__.keys():
                self._keep(f.__globals__, name, True, f.__globals__[name])
            self._asked.append((f.__dict__, True, set()))

    def _visit_object(self, x: Any) -> None:
        kind = type(x)
        self._waiting.append(getattr(x, "__dict__", {}).get("__wrapped__"))
        if (told := getattr(kind, "recorded_by", None)) is not None:  # it takes care of the rest itself
            for name in told:
                self._keep(vars(x), name, True, vars(x)[name])
            self._hidden += inner_parts(x) if told else ()
        elif root_of(kind) in HELD_BY or issubclass(kind, CONTAINERS) or kind.__name__ == "Namespace":
            self._waiting.append(getattr(x, "__dict__", None))
        elif not in_library(kind) and hasattr(x, "__dict__"):
            self.sizes.append((vars(x), [*vars(x)]))  # a new attribute may hide one of the class
            self._asked.append((vars(x), True, set()))
        for name in slots_of(kind):
            if hasattr(x, name):
                self._keep(x, name, False, getattr(x, name))
        self._visit_class(kind)

    def _visit_class(self, kind: type) -> None:
        """What the code of a class reads: all that Python or a library may call without naming it."""
        inherits = any(map(in_library, kind.__mro__[1:-1]))  # whose code may call any method
        for cls in kind.__mro__:
            if in_library(cls) or id(cls) in self._classes:
                continue
            self._known[id(cls)] = cls
            self._classes[id(cls)] = cls, [*vars(cls)]
            self._asked.append((cls, False, set()))
            for name, x in vars(cls).items():
                if isinstance(x, FunctionType) and (inherits or is_special(name)):
                    self._keep(cls, name, False, x)

    def _ask(self) -> bool:
        """Look for the names that code asks for by now; whether there is something new."""
        before = len(self.places)
        everything = not self._names.isdisjoint(READERS)
        for holder, is_item, found in self._asked:
            named = holder if is_item else vars(holder)
            for name in [name for name in named if name not in found and (everything or name in self._names)]:
                found.add(name)
                if is_item or not is_special(name):
                    self._keep(holder, name, is_item, named[name])
        return bool(self._waiting) or len(self.places) > before

    def _keep(self, holder: Any, key: Any, is_item: bool, x: Any) -> None:
        """Write a place down."""
        place = id(holder), key if isinstance(key, str | int) else id(key)
        if place in self._found:  # functions have variables in common
            return
        self._found.add(place)
        self.places.append(Place(holder, key, is_item, x))
        self._waiting += functions_of(x)

    # Arrays that are read anew by those who keep them

    def _look_into(self, x: Any) -> None:
        if not self._is_new(x) or self._take(x):
            return
        if isinstance(x, Mapping | list | tuple) or root_of(type(x)) == "minigrad":
            self._hidden += inner_parts(x)
        elif hides(type(x)):
            self._hidden += gc.get_referents(x)

    def _take(self, x: Any) -> bool:
        """Note an array or a generator, or the array of a Tensor with its hooks; whether it is one."""
        if isinstance(x, np.ndarray | np.random.Generator):
            self.arrays[id(x)] = x
        elif isinstance(x, Watched):
            self.arrays[id(x.value)] = x.value
            notes = getattr(x.node, "notes", None)
            self._waiting += [hook.function for hook in notes.hooks] if notes is not None else ()
        return isinstance(x, np.ndarray | np.random.Generator | Watched)

    @property
    def classes(self) -> list[tuple[type, list[str]]]:
        return [*self._classes.values()]


def functions_of(x: Any) -> list[Any]:
    """What is in a place, or the functions that make it where it is looked up."""
    if isinstance(x, property):
        return [x.fget, x.fset, x.fdel]
    if isinstance(x, cached_property | partialmethod):
        return [x.func]
    return [x.__func__] if isinstance(x, staticmethod | classmethod) else [x]


def fixed_parts(x: Any) -> Iterable[Any]:
    """What lies in something that never changes, or has no places."""
    if isinstance(x, partial):
        return x.func, x.args, x.keywords
    if isinstance(x, MethodType | BuiltinMethodType):
        return getattr(x, "__func__", None), x.__self__
    return x.values() if isinstance(x, Mapping) else x


def inner_parts(x: Any) -> Iterator[Any]:
    """What lies in a container or an object, whatever it is."""
    if isinstance(x, Mapping):
        yield from x.values()
    elif isinstance(x, list | tuple):
        yield from x
    if type(x) not in (dict, list, tuple):
        yield from getattr(x, "__dict__", {}).values()
        yield from (getattr(x, name) for name in slots_of(type(x)) if hasattr(x, name))


def hides(kind: type) -> bool:
    """Whether objects of a type lead to others by no name: Python's own iterators, and views of dicts."""
    return in_stdlib(kind) and issubclass(kind, Iterator | MappingView)


def slots_of(kind: type) -> list[str]:
    """The names of attributes that an object has besides those in its __dict__."""
    own = [cls.__dict__.get("__slots__", ()) for cls in kind.__mro__ if not in_stdlib(cls)]
    names = [name for slots in own for name in ((slots,) if isinstance(slots, str) else slots)]
    return [name for name in names if not name.startswith("__")]


def in_library(x: Any) -> bool:
    """Whether a function, class or module belongs to a library whose own names do not change."""
    return root_of(x) in LIBRARIES


def in_stdlib(x: Any) -> bool:
    """Whether a class belongs to Python or NumPy, and keeps what is in it to itself."""
    return root_of(x) in LIBRARIES - HELD_BY


def root_of(x: Any) -> str:
    """The name of the package that a function, class or module belongs to."""
    name = x.__name__ if isinstance(x, ModuleType) else getattr(x, "__module__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""


def is_special(name: str) -> bool:
    """Whether Python itself knows a name."""
    return name.startswith("__") and name.endswith("__")


def catches(code: CodeType) -> bool:
    """Whether there is an ``except`` in some code, or in that of functions defined in it."""
    names = [line.opname for line in dis.get_instructions(code)] if code.co_exceptiontable else []
    bare = any(pair == ("PUSH_EXC_INFO", "POP_TOP") for pair in pairwise(names))  # with and finally go on otherwise
    inner = [part for part in code.co_consts if isinstance(part, CodeType)]
    return bare or "CHECK_EXC_MATCH" in names or "CHECK_EG_MATCH" in names or any(map(catches, inner))
