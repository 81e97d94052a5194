"""Short texts of values, options and names."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..core.door import Watched, unwrap
from ..nn import Module

WIDTH = 60  # of the values of an array
PARTS = 8  # of a list of arrays


def abbreviated(text: str, width: int = WIDTH) -> str:
    """A text in one line, cut after a word if it is long."""
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 4].rsplit(' ', 1)[0]} ..."


def value_text(x: Any) -> str:
    """The values of an array, or its corners if it is large."""
    text = np.array2string(
        np.asarray(unwrap(x)), threshold=8, edgeitems=1, separator=", ", formatter={"float_kind": lambda v: f"{v:.4g}"}
    )
    return abbreviated(text.replace("[ ", "["))


def shown_as_array(x: Any) -> bool:
    """Whether an argument is shown as an array, rather than as a number or an option."""
    return getattr(x, "ndim", 0) > 0


def option_text(x: Any) -> str:
    """An argument that is not shown as an array: a number, an index, an axis."""
    if shown_as_array(x):
        return f"{x.dtype}[{', '.join(map(str, x.shape))}]"
    if isinstance(x, Watched | np.generic | np.ndarray):
        x = unwrap(x).item()
    if isinstance(x, float):
        return f"{x:.6g}" if f"{x:.6g}" != f"{x:.0f}" else repr(x)
    if isinstance(x, np.dtype):
        return str(x)
    if isinstance(x, slice):
        bounds = ["" if part is None else option_text(part) for part in (x.start, x.stop)]
        return ":".join(bounds if x.step is None else [*bounds, option_text(x.step)])
    if x is Ellipsis:
        return "..."
    if isinstance(x, tuple | list):
        left, right = ("(", ",)" if len(x) == 1 else ")") if isinstance(x, tuple) else "[]"
        return left + shortened_list([option_text(part) for part in x[: PARTS + 1]], len(x)) + right
    plain = x is None or isinstance(x, bool | int | str)
    return abbreviated(repr(x) if plain else getattr(x, "__name__", None) or type(x).__name__, 30)


def shortened_list(texts: list[str], count: int) -> str:
    """The first of `count` texts, with how many more there are."""
    return ", ".join(texts if count <= PARTS else [*texts[:PARTS], f"... {count - PARTS:,} more"])


def printable(name: str) -> str:
    """A name without what would break a line or a picture."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def named_arrays(names: Any) -> dict[int, str]:
    """The name of each array, by the id of the Tensor and of its values. The arrays must be kept meanwhile.

    Raises
    ------
    TypeError
        If `names` are no names of arrays.
    """
    found: dict[int, str] = {}
    for name, x in pairs(names):
        if not isinstance(name, str) or not hasattr(x, "dtype"):
            raise TypeError(
                f"names are a Module, or Tensors and arrays by name: {{'x': x, 'w': w}}; "
                f"got {abbreviated(repr(name), 30)} for a {type(x).__name__}"
            )
        found.setdefault(id(x), printable(name))
        if isinstance(x, Watched):
            for known in (x.node, unwrap(x)):
                found.setdefault(id(known), printable(name))
    found.pop(id(None), None)
    return found


def pairs(names: Any) -> Iterator[tuple[Any, Any]]:
    """Names with what they are of."""
    if names is None:
        return
    if isinstance(names, Module):
        yield from [*names.named_parameters(), *names.named_buffers()]
    elif isinstance(names, Mapping):
        yield from names.items()
    elif isinstance(names, Iterable) and not hasattr(names, "dtype") and not isinstance(names, str):
        for pair in names:
            if not (isinstance(pair, tuple | list) and len(pair) == 2):
                raise TypeError(f"names that are no Module or dict are pairs (name, array); got {type(pair).__name__}")
            yield pair[0], pair[1]
    else:
        raise TypeError(
            f"names are a Module, a dict of arrays by name, or pairs (name, array); got {type(names).__name__}"
        )
