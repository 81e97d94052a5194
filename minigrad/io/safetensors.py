"""The .safetensors format, which PyTorch and others read, by its own library; the text is in the header's metadata.

The library writes arrays that are not in C order wrongly (version 0.8.0, issue 825); those that come here are.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from typing import Any, BinaryIO

import numpy as np

from .layout import Reader, check_room, checked_text

KEY = "minigrad"  # of the metadata
CODES = {"BOOL": "?", "I8": "i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8"}
CODES |= {"U8": "u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "C64": "<c8"}


def library() -> Any:
    """The library, with its part for NumPy."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "files that end in .safetensors need its library, of the extra 'safetensors'. Install it: pip install "
            "safetensors. Those that end in .npz need nothing"
        ) from error
    return safetensors


def write(file: BinaryIO, seal: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
    """A text and arrays as a file, every array aligned to its dtype."""
    # One string, as the library writes several in any order.
    data = library().numpy.save(arrays, metadata={KEY: f"{seal['sha256']} {seal['minigrad']}"})
    checked_text(data[8 : 8 + header_length(data)])
    file.write(data)


def header_length(data: bytes) -> int:
    """The number of bytes of the header, with which a file begins."""
    return int.from_bytes(data[:8], "little")


@contextmanager
def reading(file: BufferedReader) -> Iterator[tuple[Any, Reader]]:
    """The sealed text of a file, and a function that reads its arrays by name.

    The library compares all sizes with that of the file before it reads an array. It maps the file into memory.
    """
    safetensors = library()
    check_room(file, header_length(file.read(8)))
    try:
        with safetensors.safe_open(file.name, framework="np") as archive:
            digest, space, text = (archive.metadata() or {}).get(KEY, "").partition(" ")
            if not space:
                raise ValueError("it was written by something else: mg.load_torch reads it")
            yield {"minigrad": text, "sha256": digest}, partial(read_array, archive)
    except safetensors.SafetensorError as error:
        raise ValueError(error) from error


def read_array(archive: Any, name: str, dtype: str, shape: list[int]) -> np.ndarray:
    """An array of a file, if it is as the text says."""
    array = archive.get_tensor(name)
    if array.dtype != np.dtype(dtype) or array.shape != tuple(shape):
        raise ValueError(f"the array {name!r} is of {array.dtype} and shape {array.shape}, and not as its text says")
    return array


def arrays_in(file: BufferedReader) -> dict[str, np.ndarray]:
    """The arrays of a file that any program has written, by their names; float32 for bfloat16."""
    safetensors = library()
    try:
        return {name: array_of(**described) for name, described in safetensors.deserialize(file.read())}
    except safetensors.SafetensorError as error:
        raise ValueError(error) from error


def array_of(dtype: str, shape: list[int], data: bytes) -> np.ndarray:
    """An array of a file, by the name that its dtype has there."""
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype("u4") << 16).view("f4").reshape(shape)
    if dtype not in CODES:
        raise ValueError(f"it has an array of {dtype}, which NumPy does not have. Save it as float32")
    return np.frombuffer(bytearray(data), CODES[dtype]).reshape(shape)
