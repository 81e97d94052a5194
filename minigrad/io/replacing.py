"""Files that are replaced as a whole: killed at any moment, the old one or the new one is there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # pragma: no cover: Windows, where an open file cannot be removed, so it needs no lock
    fcntl = None


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of the one at `path` at the end of the block, unless that raises."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise OSError("it is no file, but a folder or a device")
    folder, name = os.path.split(target)
    remove_leftovers(folder, name)
    file = begun(folder, name)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:  # pragma: no cover: Windows renames no open file
                file.close()
            os.replace(file.name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(file.name)
        raise
    sync_folder(folder)


def begun(folder: str, name: str) -> BinaryIO:
    """A new file beside the one that it is to replace, locked while it is open, so that no other process removes it."""
    while True:
        file = open(os.path.join(folder, f".{name}.{os.urandom(8).hex()}.tmp"), "xb")  # noqa: SIM115
        lock_file(file, wait=True)
        if os.path.exists(file.name):  # else another process took it for a leftover, before it was locked
            return file
        file.close()


def remove_leftovers(folder: str, name: str) -> None:
    """Remove what killed processes left of files meant to replace this one: those that no process has locked."""
    for other in os.listdir(folder):
        if other.startswith(f".{name}.") and other.endswith(".tmp"):
            path = os.path.join(folder, other)
            with suppress(OSError), open(path, "rb") as file:  # it may be gone by now, or not ours
                if lock_file(file, wait=False):
                    os.unlink(path)


def lock_file(file: BinaryIO, wait: bool) -> bool:
    """Lock a file until it is closed, or its process has died; False if that is not possible."""
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            return False
    return True


def sync_folder(folder: str) -> None:
    """Have the disk know the new name as well."""
    if hasattr(os, "O_DIRECTORY"):  # pragma: no branch: Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
