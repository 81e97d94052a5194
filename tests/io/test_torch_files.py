"""Files of PyTorch are read without it: what they hold is there to the last bit, and anything else is refused."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

from .make_torch_files import FILE
from .same import same

FILES = np.load(FILE)
BITS = np.arange(3)


@pytest.fixture
def load(tmp_path):
    """Load what a file of some bytes holds."""

    def load(data, name="net.pt"):
        (tmp_path / name).write_bytes(data)
        return mg.load_torch(tmp_path / name)

    return load


def numbers(name):
    """The arrays that PyTorch has in a tree, by place."""
    return {key.partition("/")[2]: FILES[key] for key in FILES.files if key.startswith(f"{name}/")}


def leaves(tree, place=""):
    """The arrays of a tree by place, as PyTorch names places."""
    if isinstance(tree, np.ndarray):
        return {place: tree}
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list | tuple) else ()
    return {p: x for key, part in pairs for p, x in leaves(part, f"{place}[{key!r}]").items()}


both = pytest.mark.parametrize("form", ["zip", "stream"])


@both
@pytest.mark.parametrize("name", ["network", "optimizer", "parameter", "dtypes", "shared", "expanded", "empty"])
def test_arrays_are_those_of_pytorch(load, name, form):
    """Values, dtypes, shapes and places, in files of today and of before 1.6; bfloat16 is exact in float32."""
    found, wanted = leaves(load(FILES[f"{name}.{form}"].tobytes())), numbers(name)
    assert found.keys() == wanted.keys()
    for place, x in found.items():
        np.testing.assert_array_equal(x, wanted[place], strict=True)


@both
def test_plain_values_are_what_they_were(load, form):
    wanted = {"epoch": 3, "lr": 0.1, "name": "größe", "none": None, "flags": (True, [1, 2]), "size": (3, 4)}
    found = load(FILES[f"plain.{form}"].tobytes())
    assert same(found, wanted)
    assert type(found) is dict


@both
def test_arrays_share_memory_where_tensors_did(load, form):
    """And can be written to, but for an expanded one."""
    tree = load(FILES[f"shared.{form}"].tobytes())
    tree["base"][1, 2] = 100
    assert (tree["transposed"][2, 1], tree["part"][0, 1], tree["again"][1, 2]) == (100, 100, 100)
    with pytest.raises(ValueError, match="read-only"):
        load(FILES[f"expanded.{form}"].tobytes())[0, 0] = 1


def test_a_network_and_its_optimizer_go_on(load):
    """Files of `state_dict()` make the network and the optimizer that PyTorch had."""
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    net.load_state_dict(net.from_torch(load(FILES["network.zip"].tobytes())))
    assert net.layers[0].weight.tolist() == FILES["network/['0.weight']"].T.tolist()
    optimizer = optim.Adam(net.named_parameters())
    optim.from_torch(optimizer, load(FILES["optimizer.zip"].tobytes()), net, load(FILES["network.zip"].tobytes()))
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_safetensors_of_others_are_read(load):
    """All dtypes that NumPy has, and bfloat16."""
    found = load(FILES["safetensors"].tobytes(), "x.safetensors")
    assert len(found) == 14
    for name, x in found.items():
        kind = name.removeprefix("torch.").replace("bfloat16", "float32")
        np.testing.assert_array_equal(x, BITS.astype(kind), strict=True)
    found["torch.float32"][0] = 1  # is memory of its own


def test_what_is_saved_here_is_read_by_pytorch(tmp_path):
    """The names of `to_torch` are those of PyTorch in a .safetensors file, and the way back gives the same network."""
    layer = nn.TransformerEncoderLayer(4, 2, 8, rng=0)
    mg.save(tmp_path / "x.safetensors", layer.to_torch())
    there = mg.load_torch(tmp_path / "x.safetensors")
    assert {"self_attn.in_proj_weight", "linear1.weight", "norm2.bias"} <= set(there)
    assert there["self_attn.in_proj_weight"].shape == (12, 4)
    other = nn.TransformerEncoderLayer(4, 2, 8, rng=1)
    other.load_state_dict(other.from_torch(there))
    assert same(dict(other.state_dict()), dict(layer.state_dict()))
    assert same(layer.to_torch(other.state_dict()), layer.to_torch())


REFUSED = {
    "whole.zip": r"it holds torch\.nn\.modules\.container\.Sequential, and nothing in a file is executed here: only",
    "whole.stream": r"Save those in PyTorch, as in torch\.save\(net\.state_dict\(\), path\)",
    "sparse.zip": "it holds torch._utils._rebuild_sparse_tensor",
    "conjugate.zip": r"conjugate or negative view\. Save x\.resolve_conj\(\)\.resolve_neg\(\)",
    "float8.zip": "it holds torch.float8_e4m3fn",
    "program.zip": r"it is a program of TorchScript. In PyTorch: torch.save\(torch.jit.load\(path\).state_dict\(\)",
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_objects_are_refused(load, name):
    with pytest.raises(mg.CheckpointError, match=rf"net\.pt is not a file of tensors of PyTorch: .*{REFUSED[name]}"):
        load(FILES[name].tobytes())


def archive(pkl, storages=None, method=zipfile.ZIP_STORED, **more):
    """The bytes of a file of today's form."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as new:
        new.writestr("net/data.pkl", pkl)
        for key, data in (storages or {}).items():
            new.writestr(f"net/data/{key}", data)
        for name, data in more.items():
            new.writestr(f"net/{name}", data)
    return file.getvalue()


def test_the_other_byte_order_is_read(load):
    """Machines with the most significant byte first have written some files."""
    with zipfile.ZipFile(io.BytesIO(FILES["parameter.zip"].tobytes())) as old:
        root = old.namelist()[0].partition("/")[0]
        pkl, data = old.read(f"{root}/data.pkl"), old.read(f"{root}/data/0")
    wanted, swapped = FILES["parameter/"], np.frombuffer(data, "<f4").astype(">f4").tobytes()
    np.testing.assert_array_equal(load(archive(pkl, {"0": swapped}, byteorder=b"big")), wanted, strict=True)
    np.testing.assert_array_equal(load(archive(pkl, {"0": data})), wanted, strict=True)  # as older files have none
    stream = FILES["parameter.stream"].tobytes()
    head, count, _ = stream.rpartition((6).to_bytes(8, "little"))
    first, key, rest = head.partition(b"little_endian")
    big = first + key + rest.replace(pickle.NEWTRUE, pickle.NEWFALSE, 1) + count[::-1] + swapped
    np.testing.assert_array_equal(load(big), wanted, strict=True)


OTHERS = [
    (b"", "or is damaged|: Ran out of input"),
    (b"PK\x03\x04", "File is not a zip file"),
    (pickle.dumps(3), "it is a pickle of something else"),
    (archive(pickle.dumps(1), method=zipfile.ZIP_DEFLATED), "parts of it are compressed, which torch.save never does"),
    (archive(pickle.dumps({1, 2})), "it holds a set, which is no tensor"),
    (archive(pickle.dumps(os.system)), r"it holds (posix|nt)\.system"),
    (
        FILES["parameter.stream"].tobytes()[:-25],
        "storage '\\d+' has 6 elements, and the file has 0 of it|takes 24 bytes",
    ),
]


@pytest.mark.parametrize(("data", "message"), OTHERS, ids=range(len(OTHERS)))
def test_files_of_others_are_refused(load, data, message):
    with pytest.raises(mg.CheckpointError, match=message):
        load(data)


def test_a_file_of_numpy_is_refused_with_the_function_that_reads_it(load, tmp_path):
    mg.save(tmp_path / "x.npz", {"a": np.ones(2)})
    with pytest.raises(mg.CheckpointError, match="it is a ZIP file of something else. mg.load reads what mg.save has"):
        mg.load_torch(tmp_path / "x.npz")
    with pytest.raises(ValueError, match="got '.*net.pt'. mg.load_torch reads files of PyTorch"):
        mg.load(tmp_path / "net.pt")
    (tmp_path / "x.safetensors").write_bytes(FILES["safetensors"].tobytes())
    with pytest.raises(mg.CheckpointError, match="written by something else: mg.load_torch reads it"):
        mg.load(tmp_path / "x.safetensors")
    with pytest.raises(FileNotFoundError):
        mg.load_torch(tmp_path / "none.pt")
    with pytest.raises(TypeError, match=r"load_torch takes a path, as in mg\.load_torch\('net\.pt'\); got a int"):
        mg.load_torch(3)
    with pytest.raises(mg.CheckpointError, match="it is no file, but a folder"):
        mg.load_torch(tmp_path)
    for data, message in ((FILES["float8.safetensors"].tobytes(), "array of F8_E4M3, which NumPy does"), (b"1", "r")):
        with pytest.raises(mg.CheckpointError, match=message):
            load(data, "y.safetensors")


@pytest.mark.parametrize("name", ["network.zip", "dtypes.stream", "shared.zip", "safetensors"])
def test_damaged_files_are_refused_or_read(load, name):
    """Cut anywhere, or with any byte changed: nothing else than an error of checkpoints is raised."""
    data, rng = FILES[name].tobytes(), np.random.default_rng(0)
    ending = "x.safetensors" if name == "safetensors" else "x.pt"
    refused = 0
    for _ in range(300):
        at = int(rng.integers(len(data)))
        damaged = data[:at] if rng.random() < 0.3 else data[:at] + bytes([rng.integers(256)]) + data[at + 1 :]
        try:
            load(damaged, ending)
        except mg.CheckpointError:
            refused += 1
    assert refused > 30
