"""Functions and operands of a program as Python expressions, and the constants and outside objects that they name."""

from typing import Any

import numpy as np

from .names import Names
from .program import CONSTANT, Value

SPELLED_OUT = 8  # elements of a constant that are spelled out
SPELLED = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "half", -1.0: "minus_one"}


class Expressions:
    """The names of all that a program speaks of.

    Attributes
    ----------
    outside
        What the program is to be given, by name.
    prepared
        Lines that make constants.
    imported
        The ufuncs of NumPy's that go by their own name; other functions are under ``np``.
    """

    def __init__(self, *taken: str) -> None:
        self.outside: dict[str, Any] = {}
        self.prepared: list[str] = []
        self.imported: set[str] = set()
        self._free = Names(*taken)
        self._name: dict[Any, str] = {}  # of values, functions, other objects, and of constants by their bytes

    def name(self, x: Any, wanted: str, numbered: bool = False) -> str:
        """Give something a name, unless it has one."""
        if x not in self._name:
            self._name[x] = self._free.new(wanted, numbered)
        return self._name[x]

    def has(self, x: Any) -> bool:
        """Whether something has a name."""
        return x in self._name

    def rename(self, x: Any, name: str) -> None:
        """Let something share a name."""
        self._name[x] = name

    def from_outside(self, x: Any, wanted: str) -> str:
        """The name of something that the program is to be given."""
        name = self.name(x, wanted)
        self.outside[name] = x.source if isinstance(x, Value) else x
        return name

    def function(self, function: Any) -> str:
        """A function, by NumPy's name for it if it is NumPy's own."""
        if isinstance(function, tuple):
            return f"{self.function(function[0])}.{function[1]}"
        module = getattr(function, "__module__", None) or "numpy"
        if module == "builtins":
            return function.__name__
        path = [*module.split("."), function.__name__]
        found: Any = np if path[0] == "numpy" else None
        for part in path[1:]:
            found = getattr(found, part, None)
        if found is not function:
            return self.from_outside(function, function.__name__)
        if isinstance(function, np.ufunc) and len(path) == 2 and self._free.take(path[1]):
            self.imported.add(path[1])
        return path[1] if len(path) == 2 and path[1] in self.imported else ".".join(["np", *path[1:]])

    def operand(self, x: Any) -> str:
        """An operand: a value, a Python object, or a tree of these."""
        if isinstance(x, Value):
            return self._constant(x) if x.origin == CONSTANT else self._name[x]
        if isinstance(x, tuple):
            return f"({', '.join(map(self.operand, x))}{',' if len(x) == 1 else ''})"
        if isinstance(x, dict):
            return f"{{{', '.join(f'{self.operand(key)}: {self.operand(part)}' for key, part in x.items())}}}"
        if isinstance(x, list):
            return f"[{', '.join(map(self.operand, x))}]"
        if isinstance(x, slice):
            return f"slice({', '.join(map(self.operand, (x.start, x.stop, x.step)))})"
        return self._literal(x)

    def index(self, index: Any) -> str:
        """What stands between the brackets."""
        if isinstance(index, tuple) and index:
            return ", ".join(map(self._section, index)) + ("," if len(index) == 1 else "")
        return self._section(index)

    def _section(self, x: Any) -> str:
        """A part of what stands between the brackets."""
        if not isinstance(x, slice):
            return self.operand(x)
        parts = [x.start, x.stop, *([x.step] if x.step is not None else [])]
        return ":".join("" if part is None else self.operand(part) for part in parts)

    def _literal(self, x: Any) -> str:
        if x is Ellipsis:
            return "..."
        if isinstance(x, np.dtype):
            return self._dtype(x)
        if isinstance(x, type):
            return f"np.{x.__name__}" if issubclass(x, np.generic) else x.__name__
        if isinstance(x, np.generic | float):
            return repr(x) if np.isfinite(x) else self._constant(constant_value(x))
        return repr(x) if isinstance(x, bool | int | str | type(None)) else self.from_outside(x, "object")

    def _dtype(self, dtype: np.dtype) -> str:
        """The name of a dtype, which is looked up once."""
        key = "dtype", dtype.str
        if key not in self._name:
            self.prepared.append(f"{self.name(key, dtype.name)} = np.dtype({dtype.str!r})")
        return self._name[key]

    def _constant(self, value: Value) -> str:
        """The name of a constant, which is prepared once, or the number that it is."""
        x = value.source
        array = np.asarray(x)
        if not isinstance(x, np.ndarray) and np.isfinite(array):
            return repr(x)
        key = type(x), array.dtype, array.shape, array.strides, array.tobytes()
        if key not in self._name:
            self._prepare(key, x, array)
        return self._name[key]

    def _prepare(self, key: Any, x: Any, array: np.ndarray) -> None:
        dtype = "" if array.dtype == np.float64 else f", np.{array.dtype.name}"
        spelled = isinstance(x, np.ndarray) and array.size and array.flags.c_contiguous and array.dtype.isnative
        if spelled and np.isfinite(array).all():
            first = array.flat[0].item()
            if array.size <= SPELLED_OUT:
                text = f"np.array({array.tolist()}{dtype})"
                wanted = "constant" if array.shape else SPELLED.get(first, f"number_{first}".replace("-", "minus_"))
                self.prepared.append(f"{self.name(key, wanted, bool(array.shape))} = {text}")
                return
            signs = array.view(array.real.dtype)  # of complex numbers both
            if (array == first).all() and not (np.signbit(signs).any() and 0 in signs):
                self.prepared.append(f"{self.name(key, 'full', True)} = np.full({array.shape}, {first!r}{dtype})")
                return
        self.outside[self.name(key, "constant", True)] = x


def constant_value(x: Any) -> Value:
    """A value that is known."""
    array = np.asarray(x)
    return Value(array.shape, array.dtype, array.strides, CONSTANT, x, isinstance(x, np.generic))
