"""Files of PyTorch, read without it: those of ``torch.save``, and .safetensors of any program."""

import os
import pickle
import zipfile
from io import BufferedReader, BytesIO
from typing import Any

from ..errors import CheckpointError
from .checkpoint import INVALID, opened
from .safetensors import arrays_in
from .torch_pickle import Unpickler, with_arrays

MAGIC = 0x1950A86A20F9469CFC6C  # with which files of torch.save begin before version 1.6
DAMAGED = (*INVALID, AttributeError, EOFError, IndexError, RuntimeError, pickle.UnpicklingError, zipfile.BadZipFile)


def load_torch(path: str | os.PathLike[str]) -> Any:
    """What ``torch.save`` has written to a file, with arrays for tensors. PyTorch need not be installed.

    Nothing in a file is executed: a pickle in it makes tensors, plain values, and dicts, lists and tuples of them, and
    is refused where it names anything else. Arrays share memory where the tensors did, and take no more than the file;
    those of bfloat16, which NumPy does not have, come as float32 and take twice that. Elements of an expanded tensor
    share a place, so its array is read-only.

    Parameters
    ----------
    path : path to a file
        Of ``torch.save``, of any version and with any ending, with the `state_dict` of a network or an optimizer, a
        tensor, or a tree of tensors. Or ending in .safetensors, whoever has written it: a dict of its arrays.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If it cannot be read, is damaged, or holds something else: a whole network, TorchScript, sparse tensors.
    ImportError
        If a path ends in .safetensors and that library is not installed, which the extra `safetensors` does.

    See Also
    --------
    minigrad.nn.Module.from_torch : Makes what `load_state_dict` takes of the `state_dict` of PyTorch's network.

    Examples
    --------
    >>> model.load_state_dict(model.from_torch(mg.load_torch("resnet.pt")))
    """
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"load_torch takes a path, as in mg.load_torch('net.pt'); got a {type(path).__name__}")
    name = os.fsdecode(path)
    with opened(name) as file:
        try:
            if name.endswith(".safetensors"):
                return arrays_in(file)
            is_archive = file.read(2) == b"PK"
            file.seek(0)
            return read_archive(file) if is_archive else read_stream(BytesIO(file.read()))
        except DAMAGED as error:
            reason = f": {error}" if str(error) else ", or is damaged"
            raise CheckpointError(f"{name} is not a file of tensors of PyTorch{reason}") from error


def read_archive(file: BufferedReader) -> Any:
    """The tree in a file of ``torch.save``: a ZIP file of a pickle, and of the bytes of each storage."""
    with zipfile.ZipFile(file) as archive:
        members = {member.filename: member for member in archive.infolist()}
        root = next((name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl")), None)
        if root is None:
            raise ValueError("it is a ZIP file of something else. mg.load reads what mg.save has written")
        if f"{root}constants.pkl" in members:
            raise ValueError(
                "it is a program of TorchScript. In PyTorch: torch.save(torch.jit.load(path).state_dict(), other_path)"
            )
        if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
            raise ValueError("parts of it are compressed, which torch.save never does")
        order = archive.read(f"{root}byteorder") if f"{root}byteorder" in members else b"little"
        unpickler = Unpickler(BytesIO(archive.read(f"{root}data.pkl")))
        tree = unpickler.load()
        storages = {
            key: storage.values(archive.read(f"{root}data/{key}"), "<" if order == b"little" else ">")
            for key, storage in unpickler.storages.items()
        }
    return with_arrays(tree, storages)


def read_stream(file: BytesIO) -> Any:
    """The tree in a file of ``torch.save`` before version 1.6: pickles, one after the other, then all storages."""
    if Unpickler(file).load() != MAGIC:
        raise ValueError("it is a pickle of something else")
    Unpickler(file).load()  # the version of the format, which is the same in all files
    order = "little" if Unpickler(file).load()["little_endian"] else "big"
    unpickler = Unpickler(file)
    tree, storages = unpickler.load(), {}
    for key in Unpickler(file).load():
        storage, count = unpickler.storages[key], int.from_bytes(file.read(8), order)
        if count != storage.count:
            raise ValueError(f"storage {key!r} has {storage.count} elements, and the file has {count} of it")
        storages[key] = storage.values(file.read(storage.nbytes), "<" if order == "little" else ">")
    return with_arrays(tree, storages)
