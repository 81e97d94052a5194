"""What is saved comes back, others can read it, and what cannot be saved is refused."""

import json
import sys
import tracemalloc
from collections import OrderedDict

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import minigrad as mg
from minigrad.io.layout import DTYPES

from .same import same

ENDINGS = ("npz", "safetensors")
both = pytest.mark.parametrize("ending", ENDINGS)

shapes = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
plain = st.none() | st.booleans() | st.integers() | st.integers(-(2**300), 2**300) | st.floats() | st.text()
leaf = plain | st.sampled_from(DTYPES).flatmap(lambda dtype: arrays(dtype, shapes))
keys = st.text() | st.integers() | st.booleans()
trees = st.recursive(
    leaf,
    lambda t: st.lists(t, max_size=4) | st.lists(t, max_size=4).map(tuple) | st.dictionaries(keys, t, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


def through(path, tree):
    """The tree after a trip to a file."""
    mg.save(path, tree)
    return mg.load(path)


@both
@given(tree=trees)
def test_what_is_saved_comes_back(folder, ending, tree):
    """Values to the last bit, types, dtypes, shapes, keys and their order."""
    assert same(through(folder / f"x.{ending}", tree), tree)


@both
@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1)[::2, :, ::-1],
        np.broadcast_to(np.float32(3), (2, 2)),
        np.arange(5, dtype=">f4"),
        np.arange(6, dtype=">i8").reshape(2, 3).T,
        np.array(7, dtype=">u2"),
        np.zeros((3, 0, 2), order="F"),
        np.float32(2.5),
        np.bool_(True),
        np.arange(4.0).view(np.matrix),
    ],
    ids=["Fortran", "strided", "broadcast", ">f4", ">i8", "0-d >u2", "size 0", "scalar", "bool", "subclass"],
)
def test_any_memory_layout_is_saved(folder, ending, array):
    """Values, shape and dtype come back, in C order and the machine's byte order, to be written to."""
    array = array if isinstance(array, np.generic) else array.copy("K") if array.flags.writeable else array
    (found,) = through(folder / f"x.{ending}", [array])
    np.testing.assert_array_equal(found, array, strict=type(array) is np.ndarray and array.dtype.isnative)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert type(found) is np.ndarray
    assert found.flags.c_contiguous
    assert found.flags.writeable
    assert found.flags.aligned


@both
def test_read_only_arrays_are_saved(folder, ending):
    """They come back to be written to."""
    array = np.arange(3)
    array.flags.writeable = False
    found = through(folder / f"x.{ending}", array)
    found += 1
    assert found.tolist() == [1, 2, 3]


@both
def test_tensors_come_back_as_arrays(folder, ending):
    """Leaves, constants, results in a graph, and 0-d ones."""
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    tree = {"w": w, "y": w * 2, "c": mg.tensor(3, dtype=np.float32)}
    expected = {"w": np.array([1.0, 2.0]), "y": np.array([2.0, 4.0]), "c": np.array(3, np.float32)}
    assert same(through(folder / f"x.{ending}", tree), expected)


@both
@pytest.mark.parametrize(
    "kind", [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_a_generator_comes_back_as_the_state_to_be_set(folder, ending, kind):
    """Another one that is given it draws the same, with what is left of a 64-bit draw, too."""
    rng = np.random.Generator(kind(1))
    rng.integers(10, dtype=np.uint32)
    state = through(folder / f"x.{ending}", {"rng": rng})["rng"]
    other = np.random.Generator(kind(2))
    other.bit_generator.state = state
    assert other.integers(10, size=9, dtype=np.uint32).tolist() == rng.integers(10, size=9, dtype=np.uint32).tolist()


@both
def test_subclasses_come_back_as_what_they_extend(folder, ending):
    """An OrderedDict as a dict, an enumeration's member as its int, np.str_ as str."""
    tree = OrderedDict(a=np.str_("x"), b=type("Number", (int,), {})(3), c=type("Real", (float,), {})(0.5))
    assert same(through(folder / f"x.{ending}", tree), {"a": "x", "b": 3, "c": 0.5})


@both
def test_the_same_tree_makes_the_same_file(folder, ending):
    """So that files can be compared."""
    tree = {"a": np.arange(3.0), "b": [1, None, 2**70]}
    for name in ("one", "two"):
        mg.save(folder / f"{name}.{ending}", tree)
    assert (folder / f"one.{ending}").read_bytes() == (folder / f"two.{ending}").read_bytes()


@both
def test_loading_takes_the_memory_of_the_file_once(folder, ending):
    """Also for arrays of bools, which are checked to be bools."""
    tree = {"a": np.zeros(10**6), "b": np.ones((1000, 2000), bool).T}
    mg.save(folder / f"x.{ending}", tree)
    mg.load(folder / f"x.{ending}")
    tracemalloc.start()
    try:
        mg.load(folder / f"x.{ending}")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.1 * (folder / f"x.{ending}").stat().st_size


# For others

MANY = {"model": {"layers.0.weight": np.arange(6.0).reshape(2, 3).T}, "flags": [np.array([True, False]), mg.tensor(2)]}
NAMES = {"model.layers.0.weight", "flags.0", "flags.1"}


def test_numpy_reads_the_arrays_of_an_npz(folder):
    """By their paths in the tree, with dots; pickles are not needed."""
    mg.save(folder / "x.npz", MANY)
    with np.load(folder / "x.npz", allow_pickle=False) as file:
        assert set(file.files) == {*NAMES, "minigrad.json"}
        np.testing.assert_array_equal(file["model.layers.0.weight"], MANY["model"]["layers.0.weight"], strict=True)
        assert file["flags.1"] == 2


def test_the_safetensors_library_reads_the_file(folder):
    """It finds the same arrays by their paths, every dtype, also those that were not in C order, and size 0."""
    tree = {dtype: np.zeros((2, 3), dtype).T + np.array(1, dtype) for dtype in DTYPES} | {"empty": np.zeros((0, 2))}
    mg.save(folder / "x.safetensors", {"it": tree, **MANY})
    found = safetensors.numpy.load_file(folder / "x.safetensors")
    assert set(found) > NAMES
    for dtype, array in tree.items():
        np.testing.assert_array_equal(found["it." + dtype.replace("|", "_").replace("<", "_")], array, strict=True)


def test_the_arrays_of_a_safetensors_file_are_aligned(folder):
    """Each begins at a multiple of its item's size, so that it can be used in place."""
    tree = [np.ones(3, dtype) for dtype in DTYPES]
    mg.save(folder / "x.safetensors", tree)
    data = (folder / "x.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    assert all(header[f"{i}"]["data_offsets"][0] % x.itemsize == 0 for i, x in enumerate(tree))


def test_a_missing_library_is_named(folder, monkeypatch):
    """With what installs it; what was there stays, and .npz goes without."""
    path = folder / "missing.safetensors"
    mg.save(path, 1)
    before = path.read_bytes()
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for attempt in (lambda: mg.save(path, 2), lambda: mg.load(path)):
        with pytest.raises(
            ImportError, match=r"need its library, of the extra 'safetensors'. Install it: pip install safetensors"
        ):
            attempt()
    assert path.read_bytes() == before
    assert through(folder / "x.npz", 2) == 2


@both
@pytest.mark.parametrize(
    ("tree", "names"),
    [
        (np.ones(1), ["array"]),
        ({"a.b": np.ones(1), "a": {"b": np.ones(1)}}, ["a.b", "a.b~2"]),
        ({"__metadata__": np.ones(1), "minigrad.json": np.ones(1)}, ["__metadata__~2", "minigrad.json"]),
        ({"../x/y:\0": np.ones(1), "größe": np.ones(1), "": np.ones(1)}, [".._x_y__", "größe", "array"]),
        ({1: np.ones(1), "1": np.ones(1)}, ["1", "1~2"]),
        ({"n" * 300: np.ones(1), "n" * 299: np.ones(1)}, ["n" * 200, "n" * 200 + "~2"]),
    ],
    ids=["root", "dots", "reserved", "characters", "integers", "long"],
)
def test_names_are_paths_unless_they_cannot_be(folder, ending, tree, names):
    """Taken or impossible ones are changed in the file, and the tree comes back with its own."""
    path = folder / f"names.{ending}"
    assert same(through(path, tree), tree)
    found = np.load(path).files[1:] if ending == "npz" else sorted(safetensors.numpy.load_file(path), key=names.index)
    assert list(found) == names


# What is refused

KINDS = "a file holds arrays, Tensors, Generators, None, bool, int, float and str, and lists, tuples and dicts of them"
ARRAYS = "a file holds arrays of bool, integers, float16, float32 and float64"
itself = []
itself.append(itself)


@both
@pytest.mark.parametrize(
    ("tree", "error", "message"),
    [
        ({"a": [1, {2}]}, TypeError, f"{KINDS}; tree['a'][1] is a set"),
        (1j, TypeError, f"{KINDS}; tree is a complex"),
        (b"x", TypeError, f"{KINDS}; tree is a bytes"),
        (
            {"optimizer": mg.optim.SGD([mg.tensor(1.0, requires_grad=True)], 1)},
            TypeError,
            f"{KINDS}; tree['optimizer'] is a SGD; save its state_dict()",
        ),
        ([np.array([None])], TypeError, f"{ARRAYS}; tree[0] is an array of object"),
        ([np.array(["x"])], TypeError, f"{ARRAYS}; tree[0] is an array of <U1"),
        ([np.array([1j])], TypeError, f"{ARRAYS}; tree[0] is an array of complex128"),
        ([np.ones(1, "f8,i4")], TypeError, f"{ARRAYS}; tree[0] is an array of [('f0', '<f8'), ('f1', '<i4')]"),
        ([np.ma.array([1], mask=[1])], TypeError, f"{ARRAYS}; tree[0] is a masked array"),
        ({"a": {None: 1}}, TypeError, "keys are of str or int; tree['a'] has the NoneType None"),
        (itself, ValueError, "a tree is nested at most 100 deep; this one is deeper, or holds itself"),
        (["\ud800"], ValueError, "tree[0] holds half of a surrogate pair, which is no text: '\\ud800'"),
        (
            ["x" * 2**22],
            ValueError,
            "the names and plain values of a tree take at most 4194304 bytes as text; these take 419",
        ),
    ],
    ids=["set", "complex", "bytes", "object", "O", "U", "c", "V", "masked", "key", "deep", "surrogate", "long"],
)
def test_what_cannot_be_saved_is_refused(tmp_path, ending, tree, error, message):
    """The error says where it lies, and the old file stays as it was, with nothing beside it."""
    path = tmp_path / f"x.{ending}"
    mg.save(path, "old")
    with pytest.raises(error) as caught:
        mg.save(path, tree)
    assert str(caught.value).startswith(message)
    assert mg.load(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


@both
def test_a_tree_of_the_greatest_depth_comes_back(tmp_path, ending):
    """A hundred lists in each other are not too many; one more is."""
    tree = 0
    for _ in range(100):
        tree = [tree]
    assert same(through(tmp_path / f"x.{ending}", tree), tree)
    with pytest.raises(ValueError, match="nested at most 100 deep"):
        mg.save(tmp_path / f"x.{ending}", [tree])


@pytest.mark.parametrize("path", ["x", "x.npy", "x.NPZ.tmp", "npz"])
def test_another_ending_is_refused(tmp_path, monkeypatch, path):
    """By save and load alike."""
    monkeypatch.chdir(tmp_path)
    for attempt in (lambda: mg.save(path, 1), lambda: mg.load(path)):
        with pytest.raises(
            ValueError, match=f"a path to save to or load from ends in .npz or .safetensors; got '{path}'"
        ):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_a_tree_in_the_place_of_the_path_is_refused():
    """PyTorch has them the other way round."""
    with pytest.raises(TypeError, match=r"a path comes first, as in mg.save\('run.npz', tree\) .*; got a dict"):
        mg.save({"w": 1}, "x.npz")
    with pytest.raises(TypeError, match="got a int"):
        mg.load(1)


@both
def test_paths_are_strings_bytes_or_path_objects(tmp_path, monkeypatch, ending):
    """And may be relative."""
    monkeypatch.chdir(tmp_path)
    mg.save(f"x.{ending}", 1)
    assert mg.load(f"x.{ending}".encode()) == mg.load(tmp_path / f"x.{ending}") == 1
