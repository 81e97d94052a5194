"""What both layouts of files have in common: arrays as raw bytes in C order, little-endian, and bounds."""

import math
import os
from collections.abc import Callable
from io import BufferedReader
from typing import Any

import numpy as np

LIMIT = 2**22  # bytes for all names and plain values, as a hostile text unfolds into objects of 27 times its size
DTYPES = ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8")


Reader = Callable[[str, str, list[int]], np.ndarray]  # of an array, by its name, dtype and shape


def remaining(file: BufferedReader) -> int:
    """How many bytes there are from the place in a file to its end."""
    return os.fstat(file.fileno()).st_size - file.tell()


def read_exactly(file: BufferedReader, count: int) -> bytes:
    """The next bytes of a file; refuses to read more than there are, or than `LIMIT`, before memory is allocated."""
    check_room(file, count)
    return file.read(count)


def check_room(file: BufferedReader, count: int) -> None:
    """Refuse a part of a file, from its place on, that is longer than the rest of it or than `LIMIT`."""
    if count > min(LIMIT, remaining(file)):
        raise ValueError(
            f"a part of it is said to take {count} bytes, and {remaining(file)} are left (at most {LIMIT})"
        )


def checked_text(text: bytes) -> bytes:
    """The text of a file, if it is one that would be read again."""
    if len(text) > LIMIT:
        raise ValueError(
            f"the names and plain values of a tree take at most {LIMIT} bytes as text; these take {len(text)}. "
            f"Save long lists of numbers as arrays"
        )
    return text


def raw(array: np.ndarray) -> memoryview:
    """The bytes of an array in C order, in the same memory."""
    return array.reshape(-1).view(np.uint8).data


def byte_count(dtype: str, shape: list[int]) -> int:
    """The number of bytes of an array."""
    return math.prod(shape) * np.dtype(dtype).itemsize


def read_array(file: BufferedReader, dtype: str, shape: list[int]) -> Any:
    """An array of the bytes that come next in a file, in the machine's own byte order."""
    array = np.empty(shape, dtype)
    if array.nbytes and file.readinto(raw(array)) < array.nbytes:
        raise ValueError("it ends in the middle of an array")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
