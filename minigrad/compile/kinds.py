"""The kind of a call's arguments: what must be equal for a program to serve it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.door import unwrap
from ..core.foreign import admitted, is_labelled
from ..core.tensor import Tensor

ATOMS = (bool, str, bytes, complex, type(None), type(...), np.dtype)


class Same:
    """An object that is equal to itself only; it lives as long as a program knows it, so that none takes its place."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return type(other) is Same and other.x is self.x

    def __hash__(self) -> int:
        return id(self.x)


def key_of(args: tuple[Any, ...], kwargs: dict[str, Any], inputs: list[Any]) -> Any:
    """The kind of a call's arguments, see `kind_of`: at once if all are arrays that come by position."""
    if kwargs:
        return kind_of((args, kwargs), inputs)
    for x in args:
        if type(x) is not np.ndarray:
            return kind_of((args, kwargs), inputs)
    inputs += args
    return tuple([(x.shape, x.dtype, x.strides) for x in args])


def kind_of(x: Any, inputs: list[Any]) -> Any:
    """What must be equal for a program to serve a call; arrays and numbers, which may differ, go to `inputs`."""
    if isinstance(x, np.ndarray):
        x = x if type(x) is np.ndarray else admitted("compile", x)
        inputs.append(x)
        return x.shape, x.dtype, x.strides
    if isinstance(x, tuple | list):
        return type(x), *[kind_of(part, inputs) for part in x]
    if isinstance(x, dict):
        return type(x), *[(key, kind_of(part, inputs)) for key, part in x.items()]
    if isinstance(x, Tensor) and not x.requires_grad:
        inputs.append(x)
        return Tensor, x.shape, x.dtype, x.data.strides
    if type(x) in (int, float) or isinstance(x, np.generic):
        inputs.append(x)
        return type(x)
    if isinstance(x, np.random.Generator):
        inputs.append(x)
        return type(x), next(i for i, y in enumerate(inputs) if y is x)  # a generator may come twice
    if isinstance(x, slice):
        return slice, *[kind_of(part, inputs) for part in (x.start, x.stop, x.step)]
    if is_labelled(type(x)):
        return kind_of(admitted("compile", x), inputs)
    return (type(x), x) if type(x) in ATOMS else Same(x)


class Test:
    """Source that tells whether `args` and `kwargs` are of the kinds of some arguments, and where the inputs are.

    It says no to some that `kind_of` would find to be of the same kind. `conditions` are those under which they are
    not, `inputs` the expressions of arrays and numbers, in the order of `kind_of`, and `names` what both speak of.
    """

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.names: dict[str, Any] = {"ndarray": np.ndarray, "Tensor": Tensor}
        self.conditions: list[str] = []
        self.inputs: list[str] = []
        self._branches("args", args)
        if kwargs:
            self._entries("kwargs", kwargs)
        else:
            self.conditions.append("kwargs")

    def lines(self) -> list[str]:
        """Lines by which arguments of the same kinds become `inputs`, and others are UNFIT."""
        plain = self.inputs == [f"args[{i}]" for i in range(len(self.inputs))]
        inputs = "args" if plain and f"len(args) != {len(self.inputs)}" in self.conditions else tuple_text(self.inputs)
        return [f"if {' or '.join(self.conditions)}:", "    return UNFIT", f"inputs = {inputs}"]

    def _look_at(self, given: str, x: Any) -> None:
        """Compare the part of the arguments that an expression stands for; LookupError if that takes a walk."""
        if type(x) in (np.ndarray, Tensor) and not getattr(x, "requires_grad", False):
            self._array(given, x)
        elif type(x) in (int, float):
            self.conditions.append(f"type({given}) is not {type(x).__name__}")
            self.inputs.append(given)
        elif type(x) in (tuple, list):
            self.conditions.append(f"type({given}) is not {type(x).__name__}")
            self._branches(given, x)
        elif type(x) is dict and all(type(key) in (str, int) for key in x):
            self.conditions.append(f"type({given}) is not dict")
            self._entries(given, x)
        elif isinstance(x, WALKED) or is_labelled(type(x)) or not getattr(x, "requires_grad", True):
            raise LookupError
        else:
            self.conditions.append(f"{given} is not {self._name(x)}")

    def _array(self, given: str, x: Any) -> None:
        leaf = f" or {given}.requires_grad" if type(x) is Tensor else ""
        data = f"{given}.data" if leaf else given
        self.conditions.append(f"type({given}) is not {type(x).__name__}{leaf} or {given}.shape != {x.shape}")
        self.conditions.append(f"{data}.strides != {unwrap(x).strides} or {given}.dtype is not {self._name(x.dtype)}")
        self.inputs.append(given)

    def _branches(self, given: str, xs: Sequence[Any]) -> None:
        self.conditions.append(f"len({given}) != {len(xs)}")
        for i, x in enumerate(xs):
            self._look_at(f"{given}[{i}]", x)

    def _entries(self, given: str, xs: Mapping[Any, Any]) -> None:
        self.conditions.append(f"[*{given}] != {[*xs]}")
        for key, x in xs.items():
            self._look_at(f"{given}[{key!r}]", x)

    def _name(self, x: Any) -> str:
        name = f"given_{len(self.names)}"
        self.names[name] = x
        return name


WALKED = (np.ndarray, np.generic, np.random.Generator, slice, tuple, list, dict)  # and their subclasses


def tuple_text(inputs: Sequence[str]) -> str:
    """The expression of a tuple."""
    return f"({''.join(f'{x}, ' for x in inputs)})"


def test_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Test | None:
    """The test for arguments of the same kinds; None if that takes a walk."""
    try:
        return Test(args, kwargs)
    except LookupError:
        return None
