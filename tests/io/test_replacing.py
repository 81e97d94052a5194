"""The old file or the new one is there, whole, whatever happens on the way."""

import errno
import gc
import os
import pkgutil
import resource
import signal
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest

import minigrad as mg
from minigrad.io import replacing

both = pytest.mark.parametrize("ending", ["npz", "safetensors"])
OLD, NEW = {"w": np.zeros(5)}, {"w": np.ones(50_000)}


@pytest.fixture(params=["npz", "safetensors"])
def saved(tmp_path, request):
    """A file with the old tree, alone in its folder."""
    path = tmp_path / f"x.{request.param}"
    mg.save(path, OLD)
    return path


def assert_untouched(path):
    """The old tree is there, and nothing else."""
    assert mg.load(path)["w"].tolist() == OLD["w"].tolist()
    assert os.listdir(path.parent) == [path.name]


@contextmanager
def file_size_limit(nbytes):
    """The kernel refuses to make files longer, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 100, 5000, 300_000])
def test_a_file_that_does_not_fit_leaves_the_old_one(saved, room):
    """Wherever the kernel stops it: in the text, the first array, or the last."""
    with file_size_limit(room), pytest.raises(mg.CheckpointError) as caught:
        mg.save(saved, NEW)
    assert str(caught.value) == f"cannot save {saved}: File too large. What was there before is untouched"
    assert_untouched(saved)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_is_full_at_the_end_leaves_the_old_file(saved, monkeypatch, call):
    """File systems may find out as late as when they flush, or rename."""

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(mg.CheckpointError) as caught:
        mg.save(saved, NEW)
    assert str(caught.value) == f"cannot save {saved}: No space left on device. What was there before is untouched"
    assert_untouched(saved)


def test_names_change_only_once_the_disk_has_the_values(saved, monkeypatch):
    """First the file is flushed, then renamed, then its folder flushed: a power cut leaves one of the two, whole."""
    calls, fsync, replace = [], os.fsync, os.replace

    def flushed(descriptor):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else os.fstat(descriptor).st_size)
        fsync(descriptor)

    def renamed(old, new):
        calls.append("renamed")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    for tree in (NEW, OLD):  # the second is short enough to wait in a buffer
        mg.save(saved, tree)
        assert calls == [saved.stat().st_size, "renamed", "folder"]
        calls.clear()


def test_saving_and_loading_leave_no_file_open(saved):
    """Neither the file nor its folder, nor after an error."""
    before = os.listdir("/proc/self/fd")
    mg.save(saved, NEW)
    mg.load(saved)
    with pytest.raises(TypeError):
        mg.save(saved, {1j})
    with file_size_limit(100), pytest.raises(mg.CheckpointError):
        mg.save(saved, NEW)
    assert os.listdir("/proc/self/fd") == before


def test_an_interrupt_leaves_the_old_file(saved, monkeypatch):
    """Ctrl-C in the middle goes through, and leaves nothing behind."""

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mg.save(saved, NEW)
    assert_untouched(saved)


@both
def test_folders_that_cannot_be_written_to_are_refused(tmp_path, ending):
    """One that is missing, a file in its place, and the kernel's own."""
    (tmp_path / "file").write_text("")
    for folder, reason in ((tmp_path / "no", "No such file or directory"), (tmp_path / "file", "Not a directory")):
        with pytest.raises(mg.CheckpointError, match=f"^cannot save {folder}/x.{ending}: {reason}. What was"):
            mg.save(folder / f"x.{ending}", OLD)
    with pytest.raises(mg.CheckpointError, match=f"cannot save /proc/x.{ending}: "):
        mg.save(f"/proc/x.{ending}", OLD)


def test_a_folder_that_may_not_be_written_to_is_refused(saved, monkeypatch):
    """As for a user without the right to; the tests may run as one who has every right."""

    def refused(*args):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(mg.CheckpointError, match="Permission denied. What was there before is untouched"):
        mg.save(saved, NEW)
    with pytest.raises(mg.CheckpointError, match=f"cannot load {saved}: Permission denied"):
        mg.load(saved)
    monkeypatch.undo()
    assert_untouched(saved)


@both
def test_folders_and_devices_are_no_files(tmp_path, ending):
    """A folder, a pipe that nobody writes to, and a link to a device are refused at once."""
    folder, pipe, link = (tmp_path / f"{name}.{ending}" for name in ("folder", "pipe", "link"))
    folder.mkdir()
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    for path in (folder, pipe, link):
        with pytest.raises(
            mg.CheckpointError, match=f"cannot save {path}: it is no file, but a folder or a device. What"
        ):
            mg.save(path, OLD)
        with pytest.raises(mg.CheckpointError, match=f"cannot load {path}: it is no file, but a folder or a device"):
            mg.load(path)
    assert len(os.listdir(tmp_path)) == 3


@both
def test_a_missing_file_is_missing(tmp_path, ending):
    """With Python's own error, so that a run can begin anew where there is no checkpoint."""
    with pytest.raises(FileNotFoundError, match=f"x.{ending}"):
        mg.load(tmp_path / f"x.{ending}")


def test_a_link_stays_a_link(saved):
    """What it points to is replaced."""
    link = saved.with_name(f"latest{saved.suffix}")
    link.symlink_to(saved.name)
    mg.save(link, NEW)
    assert link.is_symlink()
    assert mg.load(saved)["w"].size == mg.load(link)["w"].size == 50_000


KILLED = """
import os, signal, sys
import minigrad as mg
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
mg.save(sys.argv[1], 1)
"""


def test_what_a_killed_process_leaves_is_removed_by_the_next_save(saved):
    """And only that: neither other names nor what a living process is writing."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(saved)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = {path.name for path in saved.parent.iterdir()} - {saved.name}
    assert left.startswith(f".{saved.name}.")
    assert left.endswith(".tmp")
    other = saved.with_name(f".other{saved.suffix}.0.tmp")
    other.write_text("")
    with replacing.replacing(str(saved)) as file:
        assert left not in os.listdir(saved.parent)
        file.write(b"half a file")
        mg.save(saved, NEW)  # by someone else, in the meantime
        assert os.path.exists(file.name)
    assert saved.read_bytes() == b"half a file"
    assert sorted(os.listdir(saved.parent)) == sorted([other.name, saved.name])


def test_many_writers_of_one_file_do_not_disturb_each_other(saved):
    """Eight threads: no error, a whole file in the end, and nothing beside it."""
    problems = []

    def write(n):
        try:
            for i in range(15):
                mg.save(saved, {"w": np.full(1000, n), "i": i})
                assert len(set(mg.load(saved)["w"].tolist())) == 1
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert mg.load(saved)["i"] == 14
    assert os.listdir(saved.parent) == [saved.name]


def test_a_file_that_is_removed_before_it_is_locked_is_begun_again(saved, monkeypatch):
    """Another writer may take a file without a lock for a leftover."""
    lock, opened = replacing.lock_file, []

    def removed_at_first(file, wait):
        opened.append(file.name)
        if len(opened) == 1:
            os.unlink(file.name)
        return lock(file, wait)

    monkeypatch.setattr(replacing, "lock_file", removed_at_first)
    mg.save(saved, NEW)
    assert len(set(opened)) == 2
    assert mg.load(saved)["w"].size == 50_000


def test_a_file_system_without_locks_keeps_leftovers(saved, monkeypatch):
    """Nobody can tell whether they are being written, so they stay, recognisable by their names."""

    def refused(file, operation):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    left = saved.with_name(f".{saved.name}.0.tmp")
    left.write_text("")
    monkeypatch.setattr(replacing.fcntl, "flock", refused)
    mg.save(saved, NEW)
    assert left.exists()
    monkeypatch.setattr(replacing, "fcntl", None)  # as on Windows, where open files cannot be removed
    mg.save(saved, NEW)
    assert os.listdir(saved.parent) == [saved.name]


# From Python 3.13 on, a member of an archive that is dropped while it is open says so on its way out.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <zipfile._ZipWriteFile:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize(
    ("call", "times"),
    [
        ("zipfile.ZipFile.open", 1),
        ("zipfile.ZipFile.open", 2),
        ("numpy.lib.format.write_array", 1),
        ("numpy.lib.format.write_array", 2),
        ("zipfile.ZipFile.close", 1),
        ("os.fsync", 1),
        ("os.replace", 1),
    ],
)
def test_ctrl_c_in_a_save_is_an_interrupt(tmp_path, monkeypatch, call, times):
    """KeyboardInterrupt and nothing else is raised, right after any call; the old file is whole, or the new one."""
    path, (place, name) = tmp_path / "x.npz", call.rsplit(".", 1)
    mg.save(path, OLD)
    owner = pkgutil.resolve_name(place)
    original, calls = getattr(owner, name), []

    def stop(*args, **kwargs):
        result = original(*args, **kwargs)
        calls.append(None)
        if len(calls) == times:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(owner, name, stop)
    with pytest.raises(KeyboardInterrupt) as caught:
        mg.save(path, {"w": np.ones(5), "v": np.ones(3)})
    assert caught.value.__context__ is None
    monkeypatch.undo()
    gc.collect()
    assert os.listdir(tmp_path) == ["x.npz"]
    assert mg.load(path)["w"].sum() in (0, 5)
    mg.save(path, NEW)
