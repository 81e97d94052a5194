"""A pickle in a file of PyTorch cannot run anything, reach beyond its storages, or change what reads the next file."""

import copyreg
import io
import pathlib
import pickle

import numpy as np
import pytest

from minigrad.io import torch_pickle
from minigrad.io.torch_pickle import Storage, Unpickler, with_arrays


class Call:
    """Pickled as a call of a function of some module."""

    def __init__(self, name, *args, state=None):
        self.name, self.args, self.state = name, args, state


class Name:
    """Pickled as a name."""

    def __init__(self, name):
        self.name = name


class Pid:
    """Pickled as a storage."""

    def __init__(self, *pid):
        self.pid = pid


class Pickler(pickle._Pickler):
    """Writes calls, names and storages, whatever is installed."""

    def persistent_id(self, x):
        return x.pid if isinstance(x, Pid) else None

    def save(self, x, save_persistent_id=True):
        if isinstance(x, Name):
            self.write(pickle.GLOBAL + x.name.replace(":", "\n").encode() + b"\n")
        elif isinstance(x, Call):
            self.save(Name(x.name))
            self.save(x.args)
            self.write(pickle.REDUCE)
            if x.state is not None:
                self.save(x.state)
                self.write(pickle.BUILD)
        else:
            super().save(x, save_persistent_id)


def pickled(tree):
    """The bytes of a pickle."""
    file = io.BytesIO()
    Pickler(file, 2).dump(tree)
    return file.getvalue()


def read(tree, **storages):
    """What is read of a pickle, with storages by key."""
    return with_arrays(Unpickler(io.BytesIO(pickled(tree))).load(), storages)


FLOATS = Pid("storage", Name("torch:FloatStorage"), "a", "cpu", 6)
TENSOR = "torch._utils:_rebuild_tensor_v2"
VALUES = np.arange(6, dtype=np.float32)


def tensor(offset, shape, strides, *rest, storage=FLOATS, name=TENSOR):
    return Call(name, storage, offset, shape, strides, *rest)


def test_a_tensor_is_a_part_of_its_storage():
    found = read({"x": tensor(1, (2, 2), (3, 1), False, {})}, a=VALUES)
    assert found["x"].tolist() == [[1, 2], [4, 5]]


def test_elements_that_share_a_place_are_read_only():
    """As those of an expanded tensor, or of windows; an axis of length 1 may have any stride."""
    for strides, shape in (((0, 1), (3, 2)), ((1, 1), (4, 3))):
        found = read(tensor(0, shape, strides), a=VALUES)
        assert found.tolist() == [[VALUES[i * strides[0] + j] for j in range(shape[1])] for i in range(shape[0])]
        assert not found.flags.writeable
    found = read(tensor(1, (1, 2), (7, 1)), a=VALUES)
    assert found.tolist() == [[1, 2]]
    assert found.flags.writeable


BAD = [
    (tensor(0, (7,), (1,)), "a tensor of shape (7,) goes beyond its storage of 6 elements"),
    (tensor(5, (2,), (1,)), "goes beyond its storage"),
    (tensor(0, (2, 2), (1, 5)), "goes beyond its storage"),
    (tensor(-1, (2,), (1,)), "a number of elements in it is -1"),
    (tensor(0, (2,), (-1,)), "a number of elements in it is -1"),
    (tensor(0, (2.0,), (1,)), "a number of elements in it is 2.0"),
    (tensor(0, (True,), (1,)), "a number of elements in it is True"),
    (tensor(0, (2,), (1, 1)), "zip()"),
    (tensor(0, (2,), (1,), storage=3), "a tensor in it has no storage"),
    (tensor(0, (2,), (1,), False, {}, {"neg": True}), "is a conjugate or negative view"),
    (Pid("storage", Name("torch:FloatStorage"), "a", "cpu", -1), "a number of elements in it is -1"),
    (Pid("module", Name("torch:FloatStorage"), "a", "cpu", 1), "it has a storage of an unknown form"),
    (Pid("storage", "Quantum", "a", "cpu", 1), "it has a storage of an unknown form, ('storage', 'Quantum'"),
    (Pid("storage", Name("torch:FloatStorage"), 3, "cpu", 1), "it has a storage of an unknown form"),
    (Pid("storage", Name("torch:FloatStorage"), "a", "cpu", 6, ("v", 0, 1)), "it has a storage of an unknown form"),
    ([FLOATS, Pid("storage", Name("torch:FloatStorage"), "a", "cpu", 7)], "storage 'a' has two descriptions"),
    (FLOATS, "it holds a Storage, which is no tensor"),
    (Name(TENSOR), "it holds a Named, which is no tensor"),
    (Call("builtins:eval", "1"), "it holds builtins.eval"),
    (Call("torch:FloatStorage.__class__", "1"), "it holds torch.FloatStorage.__class__"),
]


@pytest.mark.parametrize(("tree", "message"), BAD, ids=range(len(BAD)))
def test_what_is_no_tensor_is_refused(tree, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read(tree, a=VALUES)
    assert message in str(caught.value)


EXTENSION = b"\x80\x02\x82\xf0."


def test_nothing_is_executed(tmp_path):
    """Neither by a call, nor by the state of an object, nor by an extension that is registered."""
    bait = tmp_path / "bait"
    calls = [
        Call("pathlib:Path.touch", bait),
        Call("posix:system", f"touch {bait}"),
        Call("builtins:open", str(bait), "w"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="nothing in a file is executed here"):
            read(call)
    copyreg.add_extension("pathlib", "Path", 240)
    try:
        assert pickle.loads(EXTENSION) is pathlib.Path  # and from now on it is kept under its number
        with pytest.raises(ValueError, match="it has a number, 240, in place of a name"):
            Unpickler(io.BytesIO(EXTENSION)).load()
    finally:
        copyreg.remove_extension("pathlib", "Path", 240)
    assert not bait.exists()


@pytest.mark.parametrize("made", [TENSOR, "torch:Size", "torch:FloatStorage", "torch._utils:_rebuild_parameter"])
@pytest.mark.parametrize(
    "state", [{"x": 1}, (None, {"function": 1}), (None, {"offset": -9}), (None, {"__defaults__": 1})]
)
def test_what_names_stand_for_cannot_be_changed(made, state):
    """A pickle writes a state to any object that it has: here to a name, and to a description of a tensor."""
    functions = [x for x in vars(torch_pickle).values() if hasattr(x, "__dict__") and not isinstance(x, type(io))]
    before = [dict(vars(x)) for x in functions]
    name = pickle.GLOBAL + made.replace(":", "\n").encode() + b"\n"
    for begun in (b"\x80\x02" + name, pickled(tensor(0, (2,), (1,)))[:-1], pickled(FLOATS)[:-1]):
        with pytest.raises((AttributeError, TypeError)):
            Unpickler(io.BytesIO(begun + pickled(state)[2:-1] + b"b.")).load()
    assert [dict(vars(x)) for x in functions] == before


def test_a_pickle_makes_no_room_for_what_it_only_numbers():
    """Python's unpickler in C allocates gigabytes here."""
    assert Unpickler(io.BytesIO(b"\x80\x02Nr\x00\x00\x00\xf0.")).load() is None


def test_attributes_of_dicts_are_left_out():
    """PyTorch's dicts of states have versions of their layers in an attribute."""
    found = read(Call("collections:OrderedDict", state={"_metadata": {"": {"version": 1}}}))
    assert found == {}
    assert type(found) is dict


def test_bytes_of_a_storage_are_counted():
    with pytest.raises(ValueError, match="storage 'a' takes 8 bytes, and the file has 7 for it"):
        Storage("a", "Float", 2).values(bytes(7), "<")
