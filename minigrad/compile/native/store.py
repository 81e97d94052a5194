"""Native code on disk, so that the next process need not make it again.

``MINIGRAD_CACHE`` names the directory; "0" or "off" says that there is none. By default it is ``minigrad`` in the
directory that the system has for such files of a user. A file is named by all that its code depends on, and tells
whether it is whole; others appear at once and whole, also where several processes write at the same time. What was
not used for the longest time is removed where all take more than `LIMIT` bytes.
"""

import hashlib
import os
import sys
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import llvmlite
import numpy as np

LIMIT = 2**28  # bytes of all files
SUFFIX = ".native"
HEAD = b"minigrad native code\n"
OFF = ("0", "off")


def directory() -> Path | None:
    """Where native code is kept, None if it is not."""
    named = os.environ.get("MINIGRAD_CACHE", "")
    if named.lower() in OFF:
        return None
    return Path(named).expanduser() if named else usual_directory(sys.platform, os.environ)


def usual_directory(platform: str, environment: Mapping[str, str]) -> Path | None:
    """Where a platform keeps what programs can make again; None where the user has no home."""
    if platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return Path(local, "minigrad", "Cache") if local else None
    home = environment.get("HOME")
    if platform == "darwin":
        return Path(home, "Library", "Caches", "minigrad") if home else None
    caches = environment.get("XDG_CACHE_HOME", "")
    if Path(caches).is_absolute():
        return Path(caches, "minigrad")
    return Path(home, ".cache", "minigrad") if home else None


@cache
def makers() -> str:
    """What makes code of a text, in versions of: Python, NumPy, llvmlite, and the files of this directory."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    ours = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return "\n".join([sys.version, np.__version__, llvmlite.__version__, ours])


def file_of(text: str, machine: str) -> Path | None:
    """The file for the code of a text, made for a machine; None if nothing is kept."""
    place = directory()
    if place is None:
        return None
    return place / (hashlib.sha256("\0".join([text, machine, makers()]).encode()).hexdigest() + SUFFIX)


def found(file: Path) -> bytes | None:
    """The code in a file, None if there is none, or not all of it."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    start = len(HEAD) + hashlib.sha256().digest_size
    code = data[start:]
    if data[:start] != headed(code):
        return None
    with suppress(OSError):  # where it may be read alone, others decide on what is removed
        os.utime(file)
    return code


def keep(file: Path, code: bytes) -> None:
    """Write code to a file; a RuntimeWarning says so once if that fails in a directory that the user has named."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        written(file, headed(code) + code)
        remove_the_oldest(file.parent)
    except OSError as error:
        if os.environ.get("MINIGRAD_CACHE") and found(file) is None:
            warn(f"{error.strerror or error}: {file.parent}")


def headed(code: bytes) -> bytes:
    """What a file has before the code."""
    return HEAD + hashlib.sha256(code).digest()


def written(file: Path, data: bytes) -> None:
    """Write a file that is there at once, and whole."""
    number, name = tempfile.mkstemp(".part", dir=file.parent)
    try:
        with os.fdopen(number, "wb") as part:
            part.write(data)
        os.replace(name, file)
    except OSError:
        os.unlink(name)
        raise


def remove_the_oldest(place: Path) -> None:
    """Remove the files that were not used for the longest time, if all take more than LIMIT bytes."""
    known = [(entry.stat(), entry.path) for entry in os.scandir(place) if entry.name.endswith((SUFFIX, ".part"))]
    total = sum(about.st_size for about, _ in known)
    for about, path in sorted(known, key=lambda entry: entry[0].st_mtime):
        if total <= LIMIT:
            break
        with suppress(FileNotFoundError):  # where another process has removed it
            os.unlink(path)
        total -= about.st_size


@cache
def warn(reason: str) -> None:
    """Say once why native code is made anew in each process."""
    warnings.warn(
        f"native code cannot be kept ({reason}), and is made anew in each process. Let MINIGRAD_CACHE name a directory "
        f'that can be written to, or be "off"',
        RuntimeWarning,
        stacklevel=2,
    )
