"""A tree as a text and arrays beside it, and digests that guard both.

The text is JSON. A node of the tree is a plain value, or an object with one key that says what it is: {"list": [...]},
{"tuple": [...]}, {"dict": [[key, value], ...]}, {"array": name}, and for numbers that JSON does not hold exactly
{"int": hexadecimal} and {"float": the 8 bytes}.
"""

import hashlib
import json
import math
import re
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .layout import DTYPES, byte_count, raw

VERSION = 1
DEPTH = 100  # of trees; JSON's own readers give up at about ten times as many
HOLDS = "arrays, Tensors, Generators, None, bool, int, float and str, and lists, tuples and dicts of them"
RESERVED = "__metadata__"  # what safetensors files have under this name is no array


@dataclass
class Entry:
    """What a text says about an array."""

    name: str
    dtype: str
    shape: list[int]
    sha256: str

    def __post_init__(self) -> None:
        plain = isinstance(self.name, str) and all(type(n) is int and n >= 0 for n in self.shape)
        if not plain or self.dtype not in DTYPES:
            raise ValueError("it declares an array of no dtype and shape that is saved")

    @property
    def nbytes(self) -> int:
        return byte_count(self.dtype, self.shape)

    def check(self, array: np.ndarray) -> None:
        """Refuse an array that is not the one that was saved."""
        if sha256_of(array) != self.sha256:
            raise ValueError(f"the values of the array {self.name!r} were damaged")
        if array.dtype == bool and array.view(np.uint8).max(initial=0) > 1:
            raise ValueError("an array of bools has bytes that are neither 0 nor 1")


def sha256_of(array: np.ndarray) -> str:
    """The SHA-256 of the bytes of an array."""
    return hashlib.sha256(raw(array)).hexdigest()


def sealed(text: str) -> dict[str, str]:
    """A text with its digest."""
    return {"minigrad": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def unsealed(seal: Any) -> tuple[Any, list[Entry]]:
    """The encoded tree and the arrays that a text names, after a check of its digest."""
    match seal:
        case {"minigrad": str(text), "sha256": str(found)}:
            pass
        case _:
            raise ValueError("it was written by something else")
    if sealed(text)["sha256"] != found:
        raise ValueError("its text was damaged")
    record = json.loads(text)
    if record["version"] != VERSION:
        raise ValueError(f"it has version {record['version']!r} of the format, and this minigrad reads {VERSION}")
    entries = [Entry(*fields) for fields in record["arrays"]]
    if len({entry.name for entry in entries}) < len(entries):
        raise ValueError("it declares two arrays of one name")
    return record["tree"], entries


def packed(tree: Any) -> tuple[str, dict[str, np.ndarray]]:
    """The text of a tree, and copies of its arrays by name: widest dtypes first, so that all are aligned."""
    arrays: dict[str, np.ndarray] = {}
    encoded_tree = encoded(tree, (), arrays)
    arrays = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))
    entries = [[name, x.dtype.str, x.shape, sha256_of(x)] for name, x in arrays.items()]
    record = {"version": VERSION, "tree": encoded_tree, "arrays": entries}
    return json.dumps(record, allow_nan=False), arrays


def encoded(value: Any, path: tuple[Any, ...], arrays: dict[str, np.ndarray]) -> Any:
    """A node of the tree for the text; its arrays are added to those that there are."""
    if isinstance(value, np.random.Generator):
        value = value.bit_generator.state
    if isinstance(value, np.generic | np.ndarray | Tensor) and not isinstance(value, str):
        name = free_name(path, arrays)
        arrays[name] = plain_array(value, path)
        return {"array": name}
    if not isinstance(value, dict | list | tuple):
        return plain_value(value, path)
    if len(path) >= DEPTH:
        raise ValueError(f"a tree is nested at most {DEPTH} deep; this one is deeper, or holds itself")
    if isinstance(value, dict):
        return {"dict": [[key(k, path), encoded(v, (*path, k), arrays)] for k, v in value.items()]}
    items = [encoded(v, (*path, i), arrays) for i, v in enumerate(value)]
    return {"tuple" if isinstance(value, tuple) else "list": items}


def plain_value(value: Any, path: tuple[Any, ...]) -> Any:
    """A plain value for the text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return checked_str(value, path)
    if isinstance(value, int):
        return int(value) if abs(value) < 2**63 else {"int": hex(value)}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": struct.pack(">d", value).hex()}
    advice = "; save its state_dict()" if hasattr(value, "state_dict") else ""
    raise TypeError(f"a file holds {HOLDS}; {where(path)} is a {type(value).__name__}{advice}")


def checked_str(value: str, path: tuple[Any, ...]) -> str:
    """A str for the text, which has to be one that UTF-8 can hold."""
    try:
        return value.encode().decode()
    except UnicodeEncodeError:
        raise ValueError(f"{where(path)} holds half of a surrogate pair, which is no text: {value!r:.60}") from None


def key(k: Any, path: tuple[Any, ...]) -> Any:
    """A key of a dict for the text."""
    if not isinstance(k, str | int):
        raise TypeError(f"keys are of str or int; {where(path)} has the {type(k).__name__} {k!r:.60}")
    return plain_value(k, path)


def plain_array(value: Any, path: tuple[Any, ...]) -> np.ndarray:
    """A copy of an array as files hold it."""
    array = np.asarray(value.data if isinstance(value, Tensor) else value)
    dtype = array.dtype.newbyteorder("<")
    if dtype.str not in DTYPES or np.ma.isMaskedArray(value):
        what = "a masked array" if np.ma.isMaskedArray(value) else f"an array of {array.dtype}"
        raise TypeError(f"a file holds arrays of bool, integers, float16, float32 and float64; {where(path)} is {what}")
    return np.array(array, dtype, order="C")


def free_name(path: tuple[Any, ...], arrays: dict[str, np.ndarray]) -> str:
    """The path of an array with dots, of characters that any file can have, and unlike the names that there are."""
    name = first = re.sub(r"[^\w.-]", "_", ".".join(map(str, path)))[:200] or "array"
    count = 1
    while name in arrays or name == RESERVED:
        count += 1
        name = f"{first}~{count}"
    return name


def where(path: tuple[Any, ...]) -> str:
    """A path as the expression that leads there."""
    return "tree" + "".join(f"[{k!r}]" for k in path)


def decoded(node: Any, arrays: dict[str, Any]) -> Any:
    """The tree that a node of the text stands for."""
    match node:
        case None | bool() | int() | float() | str():
            return node
        case {"array": name}:
            return arrays[name]
        case {"list": [*items]}:
            return [decoded(item, arrays) for item in items]
        case {"tuple": [*items]}:
            return tuple(decoded(item, arrays) for item in items)
        case {"dict": [*items]}:
            return {decoded(k, arrays): decoded(v, arrays) for k, v in items}
        case {"int": digits}:
            return int(digits, 16)
        case {"float": octets}:
            return struct.unpack(">d", bytes.fromhex(octets))[0]
    raise ValueError("its text has a node of no known kind")
