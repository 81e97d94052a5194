"""What the user calls the arrays that a program is given or finds outside: parameters, variables, attributes."""

import builtins
import keyword
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any

import numpy as np

DEEP = 6  # attributes of attributes, and so on, to look through
LOOKED_AT = 10_000  # objects to look at


RESERVED = frozenset({"np", *keyword.kwlist, *dir(builtins)})


class Names:
    """Identifiers that differ from each other."""

    def __init__(self, *taken: str) -> None:
        self._taken = {*RESERVED, *taken}
        self._last: dict[str, int] = {}  # number that a name was given

    def take(self, name: str) -> bool:
        """Whether a name was free, or taken for this very purpose before; it is taken from now on."""
        free = name not in self._taken
        self._taken.add(name)
        return free

    def new(self, wanted: str, numbered: bool = False) -> str:
        """The wanted name as an identifier, with a number if it is taken, or always if `numbered`."""
        name = re.sub(r"\W+|__+", "_", wanted).strip("_") or "x"
        name = f"a{name}" if name[0].isdigit() else name
        if name in self._taken or numbered:
            name = next(n for n in self._numbered(name) if n not in self._taken)
        self._taken.add(name)
        return name

    def _numbered(self, name: str) -> Iterator[str]:
        while True:
            self._last[name] = self._last.get(name, 0) + 1
            yield f"{name}_{self._last[name]}"


def outside_names(function: Callable[..., Any], wanted: set[int]) -> dict[int, str]:
    """Names by which a function can reach arrays from outside, by the identity of these, at least for those wanted."""
    start: dict[str, Any] = {"self": function.__self__} if hasattr(function, "__self__") else {}
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            start[name] = cell.cell_contents
        except ValueError:  # a variable that has no value yet
            continue
    start |= {name: function.__globals__[name] for name in names_in(code) if name in function.__globals__}
    found = {id(p.value): f"{name}_{path}" for name, x in start.items() for path, p in parameters_of(x)}
    seen: set[int] = set()
    level = [([name], x) for name, x in start.items()]
    for _ in range(DEEP):
        if found.keys() >= wanted:
            break
        below: list[tuple[list[str], Any]] = []
        for path, x in level:
            if id(x) in seen or len(seen) > LOOKED_AT:
                continue
            seen.add(id(x))
            if isinstance(x, np.ndarray | np.random.Generator):
                found.setdefault(id(x), spoken(path))
            else:
                below += [([*path, key], part) for key, part in named_parts(x)]
        level = below
    return found


def names_in(code: CodeType) -> list[str]:
    """The names of global variables and attributes in a function's code, and in that of functions defined in it."""
    inner = [part for part in code.co_consts if isinstance(part, CodeType)]
    return [*code.co_names, *(name for part in inner for name in names_in(part))]


def spoken(path: Sequence[str]) -> str:
    """A path as a name, without private attributes and the positions in them."""
    words: list[str] = []
    private = False
    for word in path:
        private = word.startswith("_") or (private and word.isdigit())
        words += [] if private or not word else [word]
    return "_".join(words) or "array"


def parameters_of(x: Any) -> list[tuple[str, Any]]:
    """The parameters and buffers of a Module by name, and nothing of other objects."""
    if isinstance(x, type) or not hasattr(type(x), "named_parameters") or not hasattr(type(x), "named_buffers"):
        return []
    return [*x.named_parameters(), *x.named_buffers()]


def named_parts(x: Any) -> list[tuple[str, Any]]:
    """The named parts of a list, a dict, a Tensor, or an object with attributes; nothing of modules and classes."""
    if isinstance(x, Mapping):
        return [(str(key), part) for key, part in x.items()]
    if isinstance(x, list | tuple):
        return [(str(i), part) for i, part in enumerate(x)]
    if isinstance(x, type) or type(x).__module__ in ("builtins", "numpy", "sys"):
        return []
    if isinstance(getattr(x, "value", None), np.ndarray):  # a Tensor
        return [("", x.value)]
    return list(getattr(x, "__dict__", {}).items())


def is_frozen(x: Any) -> bool:
    """Whether it is a list of a class that refuses to be written to, such as pandas' FrozenList."""
    if not isinstance(x, list) or type(x) is list or not x:
        return False
    try:
        x[0] = x[0]
    except TypeError:
        return True
    return False
