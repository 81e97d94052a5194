"""Save and load: the two functions, and the one error for whatever is wrong with a file."""

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from types import ModuleType
from typing import Any

from ..errors import CheckpointError
from . import npz, safetensors
from .layout import Reader, remaining
from .record import Entry, decoded, packed, sealed, unsealed
from .replacing import replacing

LAYOUTS = {".npz": npz, ".safetensors": safetensors}
# What the reading of a file that we have not written, or that was damaged, can raise.
INVALID = (ValueError, KeyError, TypeError, OverflowError, MemoryError, RecursionError, struct.error)


def save(path: str | os.PathLike[str], tree: Any) -> None:
    """Write a tree to a file, which is replaced as a whole or not at all.

    Parameters
    ----------
    path : path ending in .npz or .safetensors
        Its folder must be there. A symbolic link stays one: what it points to is replaced.
    tree : dicts with keys of str or int, lists and tuples, nested, of arrays and plain values
        Arrays and Tensors of bool, integers and float16, float32 or float64 are saved as arrays; a Generator as the
        dict ``rng.bit_generator.state``; None, bool, int, float and str as they are. It is copied first, so changes
        from other threads end in the file as a whole array or not at all.

    Raises
    ------
    CheckpointError
        If the file cannot be written: the folder is missing, the disk full, ... The old file stays as it was.
    TypeError, ValueError
        If the tree holds something else, or its names and plain values take more than 4 MiB as text.
    ImportError
        If a path ends in .safetensors and that library is not installed, which the extra `safetensors` does.

    Notes
    -----
    The new file is written beside the old one under the name ``.NAME.RANDOM.tmp``, flushed to the disk, and renamed.
    A file that a killed process left under such a name is removed by the next save to the same path.
    """
    path, layout = checked_path(path)
    text, arrays = packed(tree)
    try:
        with replacing(path) as file:
            layout.write(file, sealed(text), arrays)
    except OSError as error:
        reason = error.strerror or error
        raise CheckpointError(f"cannot save {path}: {reason}. What was there before is untouched") from error


def load(path: str | os.PathLike[str]) -> Any:
    """The tree that `save` has written to a file.

    Arrays and Tensors come back as arrays of the same values, dtype and shape, in memory of their own; a Generator as
    its state, to be set by ``rng.bit_generator.state = ...``.

    Nothing in a file is executed. Every part of it is checked against a SHA-256 digest, and the sizes that it declares
    against its own, before memory is allocated: the arrays take no more than the file, and names and plain values are
    at most 4 MiB of text.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If it cannot be read, was not written by `save`, or is damaged.
    ValueError
        If `path` ends in neither .npz nor .safetensors.
    ImportError
        As for `save`.
    """
    path, layout = checked_path(path)
    with opened(path) as file:
        try:
            return read_tree(file, layout)
        except INVALID as error:
            raise CheckpointError(f"{path} is not a whole file of mg.save: {error}") from error


@contextmanager
def opened(path: str) -> Iterator[BufferedReader]:
    """A file to be read; what the system has against it is a CheckpointError, unless the file is missing."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for a writer
            raise CheckpointError(f"cannot load {path}: it is no file, but a folder or a device")
        with open(path, "rb") as file:
            yield file
    except (FileNotFoundError, CheckpointError):
        raise
    except OSError as error:
        raise CheckpointError(f"cannot load {path}: {error.strerror or error}") from error


def checked_path(path: str | os.PathLike[str]) -> tuple[str, ModuleType]:
    """A path as a string, and the layout of files with its ending."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(
            f"a path comes first, as in mg.save('run.npz', tree) and mg.load('run.npz'); got a {type(path).__name__}"
        )
    name = os.fsdecode(path)
    layout = LAYOUTS.get(os.path.splitext(name)[1])
    if layout is None:
        raise ValueError(
            f"a path to save to or load from ends in .npz or .safetensors; got {name!r}. mg.load_torch reads files of "
            f"PyTorch"
        )
    return name, layout


def read_tree(file: BufferedReader, layout: ModuleType) -> Any:
    """The tree in an open file; allocates nothing for its arrays unless the file is long enough for all of them."""
    with layout.reading(file) as (seal, array_of):
        tree, entries = unsealed(seal)
        wanted, there = sum(entry.nbytes for entry in entries), remaining(file)
        if wanted > there:
            raise ValueError(f"its arrays take {wanted} bytes, and it has only {there} for them")
        return decoded(tree, {entry.name: checked_array(array_of, entry) for entry in entries})


def checked_array(array_of: Reader, entry: Entry) -> Any:
    """An array of a file."""
    array = array_of(entry.name, entry.dtype, entry.shape)
    entry.check(array)
    return array
