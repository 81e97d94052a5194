"""NumPy's .npz: a ZIP file of uncompressed members, the text first, then each array as .npy.

Reading goes from front to back through the headers of the members, and never uses the directory at the end, which is
there for NumPy and others. So no member can be read twice, and none is larger than the file.

References
----------
PKWARE, .ZIP File Format Specification, 6.3.10, sections 4.3.7 (local file header) and 4.5.3 (ZIP64).
"""

import json
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from typing import Any, BinaryIO

import numpy as np

from .layout import Reader, byte_count, checked_text, read_array, read_exactly

TEXT = "minigrad.json"
# signature, version, flags, method, time, date; CRC, two sizes; lengths of the name and of what follows it
HEADER = struct.Struct("<4s5H3I2H")
ZIP64 = struct.Struct("<2H2Q")  # tag, length, size, size when compressed


def write(file: BinaryIO, seal: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
    """A text and arrays as a file; np.load reads it as well."""
    text = checked_text(json.dumps(seal).encode())
    archive = zipfile.ZipFile(file, "w")
    try:
        with archive.open(TEXT, "w", force_zip64=True) as member:
            member.write(text)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
        archive.close()
    except BaseException:
        archive.fp = None  # to close it in the middle of a member would raise another error than this one
        raise


@contextmanager
def reading(file: BufferedReader) -> Iterator[tuple[Any, Reader]]:
    """The sealed text of a file, and a function that reads its arrays, in the order of the text."""
    name, size = read_header(file)
    if name != TEXT:
        raise ValueError(f"it begins with {name!r}, so it was written by something else: try np.load")
    yield json.loads(read_exactly(file, size)), partial(read_member, file)


def read_member(file: BufferedReader, name: str, dtype: str, shape: list[int]) -> np.ndarray:
    """The next array of a file."""
    (found, size), nbytes = read_header(file), byte_count(dtype, shape)
    if found != f"{name}.npy" or size < nbytes:
        raise ValueError(
            f"the array {name!r} is expected in a member of at least {nbytes} bytes, not {found!r} of {size}"
        )
    read_exactly(file, size - nbytes)  # NumPy's header: the text has its dtype and shape as well
    return read_array(file, dtype, shape)


def read_header(file: BufferedReader) -> tuple[str, int]:
    """The name and the size of the member that begins here."""
    signature, _, flags, method, _, _, _, _, _, length, extra = HEADER.unpack(read_exactly(file, HEADER.size))
    if signature != b"PK\3\4" or flags & ~0x800 or method or extra != ZIP64.size:
        raise ValueError("there is no member of a ZIP file as mg.save writes them")
    name = read_exactly(file, length).decode()
    tag, _, size, compressed = ZIP64.unpack(read_exactly(file, ZIP64.size))
    if tag != 1 or size != compressed:
        raise ValueError(f"its member {name!r} is compressed, or has no size")
    return name, size
