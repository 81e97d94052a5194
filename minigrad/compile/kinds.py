"""The kind of a call's arguments: what must be equal for a program to serve it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.door import bare
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


def test_of(args: Sequence[Any], names: dict[str, Any]) -> str | None:
    """Lines of source by which arguments of the same kinds become `inputs`; None if that takes a walk.

    Those of another kind are let pass to `kind_of`, which knows more. What the lines name goes to `names`.
    """
    names |= {"ndarray": np.ndarray, "Tensor": Tensor}
    unlike, inputs = [f"len(args) != {len(args)}"], []
    for i, x in enumerate(args):
        given = f"args[{i}]"
        if type(x) in (np.ndarray, Tensor) and not getattr(x, "requires_grad", False):
            names[f"dtype_of_{i}"] = x.dtype
            leaf = f"{given}.requires_grad or " if type(x) is Tensor else ""
            data = f"{given}.data" if leaf else given
            unlike.append(f"type({given}) is not {type(x).__name__} or {leaf}{given}.shape != {x.shape}")
            unlike.append(f"{data}.strides != {bare(x).strides} or {given}.dtype is not dtype_of_{i}")
        elif type(x) in (int, float):
            unlike.append(f"type({given}) is not {type(x).__name__}")
        elif isinstance(x, np.generic | np.random.Generator | slice | tuple | list | dict) or is_labelled(type(x)):
            return None
        else:
            names[f"same_{i}"] = x
            unlike.append(f"{given} is not same_{i}")
            continue
        inputs.append(given)
    made = "args" if len(inputs) == len(args) else f"({''.join(f'{x}, ' for x in inputs)})"
    return f"if {' or '.join(unlike)}:\n        return UNFIT\n    inputs = {made}"
