"""Native code on disk: what a second process need not make, and what it does where a file or a directory is no good."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.native import machine, store

ROOT = Path(mg.__file__).parent.parent
# A step of a network, whose kernels have arrays from outside, call BLAS, and check labels; it prints how many modules
# LLVM has made, and the weights.
STEP = """
import numpy as np, minigrad as mg
from minigrad import nn, optim
from minigrad.compile.native import machine

made, count = machine.made, []
machine.made = lambda kernels: count.append(1) or made(kernels)
net = nn.Sequential(nn.Linear(20, 30, rng=1), nn.Tanh(), nn.Linear(30, 3, rng=2))
rule = optim.Adam(net.parameters(), lr=0.1)
x, y = np.random.default_rng(0).normal(size=(16, 20)), np.arange(16) % 3

def step():
    loss = nn.functional.cross_entropy(net(x), y)
    rule.zero_grad()
    loss.backward()
    rule.step()
    return loss.detach()

compiled = mg.compile(step, backend="native")
losses = [compiled().item() for _ in range(4)]
print(len(count), losses[-1], float(net[0].weight.data.sum()))
"""


def process(cache, code=STEP, **environment):
    """A process of its own that keeps native code in a directory."""
    environment = {**os.environ, "MINIGRAD_CACHE": str(cache), "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def printed(started):
    """What a process has printed, when it is through."""
    out, errors = started.communicate(timeout=120)
    assert started.returncode == 0, errors
    return out.split()


def files(place):
    """Native code that is kept in a directory; nothing else is left there."""
    assert {file.suffix for file in place.iterdir()} <= {".native"}
    return sorted(place.iterdir())


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A directory for native code of this process."""
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def made(monkeypatch):
    """Native code that LLVM makes in this process."""
    count, make = [], machine.made

    def counted(kernels):
        count.append(kernels)
        return make(kernels)

    monkeypatch.setattr(machine, "made", counted)
    return count


def compile_and_call(n=3, factor=2.0):
    """Native code of a function of its own, which is right."""
    compiled = mg.compile(lambda x: np.tanh(x) * factor + 1, backend="native")
    x = np.linspace(-1, 1, n)
    for _ in range(2):
        np.testing.assert_allclose(compiled(x), np.tanh(x) * factor + 1, rtol=1e-14)


def test_a_second_process_makes_nothing(tmp_path):
    """It finds the first one's code, whatever the addresses and the hashes of strings are, and computes the same."""
    place = tmp_path / "not" / "there"
    first = printed(process(place, PYTHONHASHSEED="1"))
    (kept,) = files(place)
    before = kept.read_bytes()
    second = printed(process(place, PYTHONHASHSEED="2"))
    assert (first[0], second[0]) == ("1", "0")
    assert first[1:] == second[1:]
    assert files(place) == [kept]
    assert kept.read_bytes() == before
    if os.name == "posix":
        assert place.stat().st_mode & 0o77 == 0  # others may not put code there


def test_processes_that_start_at_the_same_time(tmp_path):
    """Four make the same code, and each finds or leaves whole files."""
    outputs = [printed(started) for started in [process(tmp_path) for _ in range(4)]]
    assert len({tuple(out[1:]) for out in outputs}) == 1
    (kept,) = files(tmp_path)
    assert store.found(kept) is not None
    assert printed(process(tmp_path)) == ["0", *outputs[0][1:]]


@pytest.mark.parametrize("damage", ["empty", "half", "another byte", "another head", "a directory"])
def test_a_damaged_file_is_made_anew(cache, made, damage):
    """As one that a full disk or a stopped machine has left."""
    compile_and_call()
    (kept,) = files(cache)
    whole = kept.read_bytes()
    if damage == "a directory":
        kept.unlink()
        kept.mkdir()
    else:
        changed = bytearray(whole)
        changed[-1 if damage == "another byte" else 0] ^= 1
        kept.write_bytes({"empty": b"", "half": whole[: len(whole) // 2]}.get(damage, bytes(changed)))
    with pytest.warns(RuntimeWarning) if damage == "a directory" else no_warning():
        store.warn.cache_clear()
        compile_and_call()
    assert len(made) == 2
    if damage != "a directory":
        assert kept.read_bytes() == whole
        compile_and_call()
        assert len(made) == 2


class no_warning:
    """In place of pytest.warns, where there is no warning; any would be an error."""

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return False


def test_code_depends_on_the_text_the_machine_and_its_makers(cache, made, monkeypatch):
    """Another constant, shape, processor or version is another file; the same text is not."""
    compile_and_call()
    compile_and_call()
    assert (len(made), len(files(cache))) == (1, 1)
    compile_and_call(factor=3.0)
    compile_and_call(n=4)
    monkeypatch.setattr(machine, "this_machine", lambda: "another one")
    compile_and_call()
    monkeypatch.setattr(store, "makers", lambda: "another version")
    compile_and_call()
    assert (len(made), len(files(cache))) == (5, 5)


def test_makers_are_python_numpy_llvm_and_the_files_here(monkeypatch, tmp_path):
    """A change in what writes the text into assembly changes the code."""
    before = store.makers.__wrapped__()
    assert sys.version in before
    assert np.__version__ in before
    monkeypatch.setattr(store, "__file__", str(tmp_path / "store.py"))
    (tmp_path / "translation.py").write_text("pass")
    assert store.makers.__wrapped__() != before


@pytest.mark.parametrize("word", ["0", "off", "OFF"])
def test_it_can_be_switched_off(cache, made, monkeypatch, word):
    monkeypatch.setenv("MINIGRAD_CACHE", word)
    monkeypatch.chdir(cache)
    compile_and_call()
    compile_and_call()
    assert len(made) == 2
    assert files(cache) == []


def test_a_directory_that_cannot_be_written_to(tmp_path, made, monkeypatch):
    """Code is made each time, and a warning says so once, if the user has named the directory."""
    file = tmp_path / "file"
    file.touch()
    store.warn.cache_clear()
    monkeypatch.setenv("MINIGRAD_CACHE", str(file / "cache"))
    with pytest.warns(RuntimeWarning, match=r"cannot be kept \(.*\), .*Let MINIGRAD_CACHE name .*, or be \"off\""):
        compile_and_call()
    compile_and_call()
    monkeypatch.delenv("MINIGRAD_CACHE")
    monkeypatch.setattr(store, "usual_directory", lambda platform, environment: file)
    store.warn.cache_clear()
    compile_and_call()
    assert len(made) == 3


def test_a_full_disk_leaves_no_half_file(cache, made, monkeypatch):
    """What was written of a file is removed."""

    def full(source, target):
        raise OSError(28, "No space left on device")

    store.warn.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.warns(RuntimeWarning, match=r"cannot be kept \(No space left on device"):
            compile_and_call()
    assert files(cache) == []
    compile_and_call()
    assert len(files(cache)) == 1


def test_another_process_that_was_faster_is_no_fault(cache, made, monkeypatch):
    """Some systems let nobody replace a file that is open; it is whole, all the same."""
    compile_and_call()
    found = iter([None])
    monkeypatch.setattr(store, "found", lambda file, real=store.found: next(found, True) and real(file))

    def taken(source, target):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(os, "replace", taken)
    compile_and_call()
    assert (len(made), len(files(cache))) == (2, 1)


def test_what_was_not_used_for_the_longest_time_is_removed(cache, monkeypatch):
    """A file that is read counts as used."""
    for factor in (1.5, 2.5, 3.5):
        before = set(files(cache))
        compile_and_call(factor=factor)
        (new,) = set(files(cache)) - before
        os.utime(new, (factor, factor))
    size = new.stat().st_size
    compile_and_call(factor=1.5)  # is used again
    monkeypatch.setattr(store, "LIMIT", 3 * size + size // 2)
    compile_and_call(factor=4.5)
    assert len(files(cache)) == 3
    assert sorted(file.stat().st_mtime > 10 for file in files(cache)) == [False, True, True]
    assert new.exists()


def test_another_process_may_remove_files_as_well(cache, monkeypatch):
    """What is gone already is not missed."""
    compile_and_call()
    (kept,) = files(cache)
    listed = list(os.scandir(cache))
    about = [entry.stat() for entry in listed]
    assert about
    kept.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", lambda place: listed)
        patch.setattr(store, "LIMIT", 0)
        store.remove_the_oldest(cache)
    assert files(cache) == []


def test_the_usual_directory_is_the_platforms():
    """None without a home."""
    usual = store.usual_directory
    assert usual("linux", {"HOME": "/home/me"}) == Path("/home/me/.cache/minigrad")
    assert usual("linux", {"HOME": "/home/me", "XDG_CACHE_HOME": "/fast"}) == Path("/fast/minigrad")
    assert usual("linux", {"HOME": "/home/me", "XDG_CACHE_HOME": "fast"}) == Path("/home/me/.cache/minigrad")
    assert usual("darwin", {"HOME": "/Users/me"}) == Path("/Users/me/Library/Caches/minigrad")
    assert usual("win32", {"LOCALAPPDATA": "C:/me"}) == Path("C:/me", "minigrad", "Cache")
    assert [usual(platform, {}) for platform in ("linux", "darwin", "win32")] == [None, None, None]


def test_without_a_home_nothing_is_kept(monkeypatch, made):
    monkeypatch.delenv("MINIGRAD_CACHE")
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert store.directory() is None
    compile_and_call()
    assert len(made) == 1


def test_the_home_may_be_written_as_a_tilde(monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE", "~/native")
    assert store.directory() == Path.home() / "native"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet", "transformer", "lstm"])
def test_networks_find_their_code_again(tmp_path, name):
    """Their text is the same in each process."""
    code = textwrap.dedent(
        f"""
        import minigrad as mg
        from minigrad.compile.native import machine
        from tests.benchmarks import layers

        made, count = machine.made, []
        machine.made = lambda kernels: count.append(1) or made(kernels)
        compiled = mg.compile(layers.minigrad("{name}"), backend="native")
        losses = [compiled().item() for _ in range(3)]
        print(len(count))
        """
    )
    assert [printed(process(tmp_path, code, PYTHONHASHSEED=seed)) for seed in "12"] == [["1"], ["0"]]
