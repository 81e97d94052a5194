"""The pickle in a file of PyTorch, read so that nothing in it is executed.

A pickle names functions, calls them, and writes to what they return. Here a name stands for a function of this file, or
is refused, and what the functions return cannot be changed. So all that a pickle can make are dicts, lists and tuples
of plain values, and descriptions of tensors, which become arrays when the bytes of their storages have been read.
"""

import math
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

# What storages are made of. BFloat16 is read as integers; Untyped are bytes, of tensors with dtypes of `DTYPES`.
STORAGES = {"Double": "f8", "Float": "f4", "Half": "f2", "BFloat16": "u2", "ComplexDouble": "c16", "ComplexFloat": "c8"}
STORAGES |= {"Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1", "Bool": "?", "Untyped": "u1"}
UNTYPED_DTYPES = {"uint16": "u2", "uint32": "u4", "uint64": "u8"}


class Storage(NamedTuple):
    """Memory that tensors are parts of: `count` elements of a kind."""

    key: str
    kind: str
    count: int

    @property
    def nbytes(self) -> int:
        """How many bytes the file has for it."""
        return self.count * np.dtype(STORAGES[self.kind]).itemsize

    def values(self, data: bytes, order: Literal["<", ">"]) -> Any:
        """Its elements, from bytes in the order "<" or ">"."""
        if len(data) != self.nbytes:
            raise ValueError(f"storage {self.key!r} takes {self.nbytes} bytes, and the file has {len(data)} for it")
        dtype = np.dtype(STORAGES[self.kind])
        values = np.frombuffer(bytearray(data), dtype.newbyteorder(order)).astype(dtype, copy=False)
        return (values.astype("u4") << 16).view("f4") if self.kind == "BFloat16" else values  # the upper half of it


class TensorPlace(NamedTuple):
    """Where a tensor lies: its shape and strides, in elements, and the first of them in a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str | None

    def array(self, storages: Mapping[str, Any]) -> Any:
        """The tensor as an array in the memory of its storage; read-only where elements share a place."""
        values = storages[self.storage.key]
        values = values if self.dtype is None else values.view(self.dtype)
        if 0 in self.shape:
            return np.empty(self.shape, values.dtype)
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if last >= values.size:
            raise ValueError(f"a tensor of shape {self.shape} goes beyond its storage of {values.size} elements")
        strides = [s * values.itemsize for s in self.strides]
        writeable = 0 not in self.strides and math.prod(self.shape) <= values.size
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides, writeable=writeable)


class Named(NamedTuple):
    """What stands for a name in a pickle."""

    function: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


def size_of(n: Any) -> int:
    """A number of elements in a pickle, where it may be anything."""
    if type(n) is not int or n < 0:
        raise ValueError(f"a number of elements in it is {n!r:.40}")
    return n


def place_of(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> TensorPlace:
    """PyTorch's ``_rebuild_tensor``, and ``_v2`` with requires_grad, hooks and the marks of views."""
    if not isinstance(storage, Storage):
        raise ValueError("a tensor in it has no storage")
    if any(rest[2:]):
        raise ValueError("a tensor in it is a conjugate or negative view. Save x.resolve_conj().resolve_neg()")
    return TensorPlace(storage, size_of(offset), tuple(map(size_of, shape)), tuple(map(size_of, strides)), None)


def place_with_dtype(storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, dtype: Any) -> Any:
    """PyTorch's ``_rebuild_tensor_v3``, of bytes."""
    return place_of(storage, offset, shape, strides)._replace(dtype=np.dtype(dtype).str)


NAMES: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": OrderedDict,
    "torch.Size": tuple,
    "torch._utils._rebuild_tensor": place_of,
    "torch._utils._rebuild_tensor_v2": place_of,
    "torch._utils._rebuild_tensor_v3": place_with_dtype,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    "torch._utils._rebuild_parameter_with_state": lambda tensor, *_: tensor,
}


class Unpickler(pickle._Unpickler):
    """Reads a pickle, and notes the storages that are to be read.

    It is Python's own in Python: that in C makes room for as many objects as a pickle claims to number.
    """

    def __init__(self, file: Any) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name."""
        if module in ("torch", "torch.storage") and name.removesuffix("Storage") in STORAGES:
            return name.removesuffix("Storage")
        if module == "torch" and name in UNTYPED_DTYPES:
            return np.dtype(UNTYPED_DTYPES[name])
        if f"{module}.{name}" not in NAMES:
            raise ValueError(
                f"it holds {module}.{name}, and nothing in a file is executed here: only tensors, plain values, and "
                f"dicts, lists and tuples of them are read. Save those in PyTorch, as in torch.save(net.state_dict(), "
                f"path)"
            )
        return Named(NAMES[f"{module}.{name}"])

    def get_extension(self, code: int) -> Any:
        """What a number stands for that a program has registered."""
        raise ValueError(f"it has a number, {code}, in place of a name")

    def persistent_load(self, pid: Any) -> Storage:
        """The storage that a description names."""
        what, kind, key, _, count, *view = pid
        if what != "storage" or kind not in STORAGES or type(key) is not str or any(view):
            raise ValueError(f"it has a storage of an unknown form, {pid!r:.60}")
        storage = Storage(key, kind, size_of(count))
        if self.storages.setdefault(key, storage) != storage:
            raise ValueError(f"storage {key!r} has two descriptions")
        return storage


def with_arrays(tree: Any, storages: Mapping[str, Any]) -> Any:
    """A tree that a pickle has made, with arrays for tensors."""
    if isinstance(tree, TensorPlace):
        return tree.array(storages)
    if isinstance(tree, dict):
        return {key: with_arrays(x, storages) for key, x in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(with_arrays(x, storages) for x in tree)
    if tree is None or isinstance(tree, bool | int | float | str | bytes):
        return tree
    raise ValueError(f"it holds a {type(tree).__name__}, which is no tensor, plain value, dict, list or tuple")
