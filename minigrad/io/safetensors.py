"""The .safetensors format, which PyTorch and others read: a header of JSON, then the bytes of the arrays.

Written here because its own library writes arrays that are not in C order wrongly (version 0.8.0, issue 825), knows no
digests, and would be one more thing to install.

References
----------
https://github.com/huggingface/safetensors, the section on the format.
"""

import json
from collections.abc import Mapping
from io import BufferedReader
from typing import Any, BinaryIO

import numpy as np

from .layout import bounded, raw, read_exactly

BEGINNING = '{"__metadata__": '
NAMES = {"b": "BOOL", "i": "I", "u": "U", "f": "F"}


def write(file: BinaryIO, seal: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> None:
    """A text and arrays as a file, every array aligned to its dtype."""
    header: dict[str, Any] = {"__metadata__": seal}
    end = 0
    for name, x in arrays.items():
        start, end = end, end + x.nbytes
        header[name] = {"dtype": dtype_name(x.dtype), "shape": x.shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text = bounded(text + b" " * (-len(text) % 8))
    file.write(len(text).to_bytes(8, "little") + text)
    for x in arrays.values():
        file.write(raw(x))


def dtype_name(dtype: np.dtype) -> str:
    """The format's name of a dtype: F32, I64, BOOL, ..."""
    return NAMES[dtype.kind] + ("" if dtype.kind == "b" else str(8 * dtype.itemsize))


def read_seal(file: BufferedReader) -> Any:
    """The sealed text of a file; it says all that the rest of the header does, which is for others."""
    header = read_exactly(file, int.from_bytes(read_exactly(file, 8), "little")).decode("ascii")
    if not header.startswith(BEGINNING):
        raise ValueError("it was written by something else: try safetensors.numpy.load_file")
    return json.JSONDecoder().raw_decode(header, len(BEGINNING))[0]


def enter(file: BufferedReader, name: str, nbytes: int) -> None:
    """The values of the next array follow at once."""
