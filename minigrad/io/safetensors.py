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
                raise ValueError("it was written by something else: try safetensors.numpy.load_file")
            yield {"minigrad": text, "sha256": digest}, partial(read_array, archive)
    except safetensors.SafetensorError as error:
        raise ValueError(error) from error


def read_array(archive: Any, name: str, dtype: str, shape: list[int]) -> np.ndarray:
    """An array of a file, if it is as the text says."""
    array = archive.get_tensor(name)
    if array.dtype != np.dtype(dtype) or array.shape != tuple(shape):
        raise ValueError(f"the array {name!r} is of {array.dtype} and shape {array.shape}, and not as its text says")
    return array
