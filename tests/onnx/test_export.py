"""The file of a module: what is in it, under which names, and what it takes to be written."""

import inspect
import os
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.onnx import export, model

from .runtime import assert_alike, exported, kinds, onnx, results, session


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def x(rng):
    return rng.normal(size=(4, 3)).astype(np.float32)


@pytest.fixture
def linear():
    return nn.Linear(3, 2, rng=0).astype(np.float32)


def lenet():
    """LeNet-5."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2, rng=0), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5, rng=1), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120, rng=2), nn.Tanh(), nn.Linear(120, 84, rng=3), nn.Tanh(), nn.Linear(84, 10, rng=4)),
    ).astype(np.float32)


def test_lenet_runs_elsewhere(tmp_path, rng):
    """A network of images gives the same numbers, for batches of any size, by one operator for each layer."""
    network = lenet()
    run = exported(tmp_path, network, np.zeros((2, 1, 28, 28), np.float32))
    for n in (1, 2, 7):
        images = rng.normal(size=(n, 1, 28, 28)).astype(np.float32)
        assert_alike(results(run, [images]), network(images))
    convolution, dense = ["Conv", "Tanh", "AveragePool"], ["Gemm", "Tanh"]
    wanted = [*convolution * 2, "Reshape", *dense * 2, "Gemm", "Identity"]
    assert kinds(tmp_path / "model.onnx") == wanted


def test_the_file_is_checked_and_of_a_known_version(tmp_path, x, linear):
    """Opset 21 and IR version 10, valid with inferred shapes, and it names who made it."""
    export(linear, x, tmp_path / "model.onnx")
    made = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(made, full_check=True)
    assert [(o.domain, o.version) for o in made.opset_import] == [("", 21)]
    assert (made.ir_version, made.producer_name, made.producer_version) == (10, "minigrad", mg.__version__)
    assert made.graph.name == "Linear"


def test_parameters_have_the_names_of_state_dict(tmp_path):
    """Each array of the state that the network reads is in the file, under its name and unchanged."""
    network = lenet()
    export(network, np.zeros((1, 1, 28, 28), np.float32), tmp_path / "model.onnx")
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in onnx.load(tmp_path / "model.onnx").graph.initializer}
    for name, values in network.state_dict().items():
        np.testing.assert_array_equal(constants[name], values)


def test_double_precision_stays(tmp_path, rng):
    """A float64 module makes a float64 graph, whose numbers differ by roundings alone."""
    network = nn.Sequential(nn.Linear(3, 4, rng=0), nn.LeakyReLU(0.1), nn.ELU(0.3), nn.LayerNorm(4))
    a = rng.normal(size=(5, 3))
    export(network, a, tmp_path / "model.onnx")
    from onnx.reference import ReferenceEvaluator

    assert_alike(ReferenceEvaluator(str(tmp_path / "model.onnx")).run(None, {"x": a}), network(a), 1e-14)


def test_arguments_name_the_inputs(tmp_path, x, linear):
    """By position or by name, in dicts and lists; what is no array is passed on; names can be given."""

    def forward(x, tables, *more, factor=1.0, shift=None):
        return {"sum": x * factor + tables["a"] + more[0], "all": [shift, tables["b"][0]]}

    given = (x, {"a": x, "b": [2 * x]}, x)
    names = [i.name for i in exported(tmp_path, lambda *a: forward(*a, shift=x)["sum"], (x, *given[1:])).get_inputs()]
    assert names == ["input_0", "input_1_a", "input_1_b_0", "input_2"]
    run = exported(tmp_path, lambda **a: forward(x, given[1], x, **a), {"factor": 2.0, "shift": x})
    assert [i.name for i in run.get_inputs()] == ["shift"]
    assert [o.name for o in run.get_outputs()] == ["sum", "all_0", "all_1"]
    run = exported(tmp_path, forward, (x, *given[1:]), batch_axes=(0, {"a": 0, "b": 0}, 0))
    assert [i.name for i in run.get_inputs()] == ["x", "tables_a", "tables_b_0", "input_2"]
    run = exported(tmp_path, linear, x, input_names=["rows"], output_names=["scores"])
    assert [(i.name, i.shape) for i in run.get_inputs()] == [("rows", ["batch", 3])]
    assert [(o.name, o.shape) for o in run.get_outputs()] == [("scores", ["batch", 2])]
    run = exported(tmp_path, lambda x: (x, None, (x, 2.5, np.ones(2))), x)
    assert [o.name for o in run.get_outputs()] == ["output_0", "output_2_0", "output_2_1", "output_2_2"]
    np.testing.assert_array_equal(results(run, [x])[2], 2.5)


def test_a_data_frame_is_an_input(tmp_path, x, linear):
    """By its values; one with text is refused."""
    pandas = pytest.importorskip("pandas", reason="takes pandas")
    frame = pandas.DataFrame(x, columns=list("abc"))
    run = exported(tmp_path, linear, frame)
    assert_alike(results(run, [x]), linear(x))
    with pytest.raises(mg.ExportError, match="^the dtype object has no counterpart"):
        export(linear, frame.assign(d="text"), tmp_path / "other.onnx")


def test_inner_names_are_those_of_nobody_else(tmp_path, x):
    """Whatever arguments are called."""

    def forward(add_0, constant_0):
        return add_0 + constant_0 + 1

    assert_alike(results(exported(tmp_path, forward, (x, 2 * x)), [x, 2 * x]), 3 * x + 1)


def test_a_function_without_a_signature_has_numbered_inputs(tmp_path, x, monkeypatch):
    """Some functions of C have none."""

    def refuse(function):
        raise ValueError("no signature found")

    monkeypatch.setattr(inspect, "signature", refuse)
    assert [i.name for i in exported(tmp_path, np.exp, x).get_inputs()] == ["input_0"]


def test_a_module_is_left_in_its_mode(tmp_path, x):
    """It is exported as after eval(), and each part is as it was, whether or not the export works."""
    network = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Dropout(0.5, rng=0), nn.BatchNorm1d(3)).astype(np.float32)
    network[2].eval()
    before = network.state_dict()
    run = exported(tmp_path, network, x)
    modes = [vars(part).get("training") for part in network.modules()]
    assert modes == [None, None, None, False]
    assert_alike(results(run, [x]), network.eval()(x))
    network.train()
    network[2].forward = lambda x: np.linalg.inv(x.T @ x)
    with pytest.raises(mg.ExportError):
        export(network, x, tmp_path / "model.onnx")
    assert all(part.training for part in network.modules())
    assert all(np.array_equal(before[name], values) for name, values in network.state_dict().items())


def test_a_file_is_replaced_as_a_whole(tmp_path, x, linear):
    """Whoever cannot be exported leaves the old file; what cannot be written leaves nothing."""
    path = tmp_path / "model.onnx"
    export(linear, x, path)
    before = path.read_bytes()
    with pytest.raises(mg.ExportError):
        export(lambda x: np.linalg.inv(x.T @ x), x, path)
    assert path.read_bytes() == before
    with pytest.raises(mg.ExportError, match=rf"^cannot write {tmp_path}: it is no file, but a folder or a device"):
        export(linear, x, tmp_path)
    with pytest.raises(mg.ExportError, match=r"^cannot write .*a\.onnx: No such file or directory\. What was there"):
        export(linear, x, tmp_path / "missing" / "a.onnx")
    assert os.listdir(tmp_path) == ["model.onnx"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_to(tmp_path, x, linear):  # pragma: no cover: not run by root
    """The error says so, and there is no file."""
    tmp_path.chmod(0o500)
    with pytest.raises(mg.ExportError, match="Permission denied"):
        export(linear, x, tmp_path / "model.onnx")
    assert os.listdir(tmp_path) == []


def test_a_model_beyond_two_gibibytes_is_refused(tmp_path, x, linear, monkeypatch):
    """protobuf holds no more."""
    monkeypatch.setattr(model, "LARGEST", 200)
    with pytest.raises(mg.ExportError, match=r"^a file of ONNX holds 2 GiB at most; this model takes \d+ bytes$"):
        export(linear, x, tmp_path / "model.onnx")
    assert os.listdir(tmp_path) == []


def test_without_the_library_it_says_what_to_install(tmp_path, x, linear, monkeypatch):
    """The advice is for this checkout, and never the name that another project has in the package index."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError) as caught:
        export(linear, x, tmp_path / "model.onnx")
    assert str(caught.value) == (
        "files of ONNX are made by its library, of the extra 'onnx'. Install it: python -m pip install onnx, or "
        "python -m pip install '.[onnx]' in the checkout"
    )
    assert os.listdir(tmp_path) == []


NAMES = "has a name of its own for each of"


@pytest.mark.parametrize(
    ("module", "inputs", "options", "message"),
    [
        (np.exp, (2.0, "a"), {}, "^example_inputs has at least one array; got none"),
        (np.exp, np.zeros(3, complex), {}, "^the dtype complex128 has no counterpart among the operators of ONNX"),
        (np.exp, np.zeros(3), {"input_names": ["a", "b"]}, rf"^input_names {NAMES} .*; got \['a', 'b'\]$"),
        (np.exp, np.zeros(3), {"input_names": [""]}, rf"^input_names {NAMES} .*; got \[''\]$"),
        (np.exp, np.zeros(3), {"input_names": ["/add_0"]}, rf"^input_names {NAMES} .*, that begins with no slash; got"),
        (np.exp, np.zeros(3), {"output_names": "ab"}, None),
        (np.exp, np.zeros(3), {"output_names": ["a", "b"]}, rf"^output_names {NAMES} output, .*; got \['a', 'b'\]$"),
        (np.exp, np.zeros(3), {"output_names": ["x"], "input_names": ["x"]}, "^an output is named 'x', as an input"),
        (nn.Linear(3, 2), np.zeros((1, 3)), {"input_names": ["weight"]}, "^an input is named 'weight', as a param"),
        (nn.Linear(3, 2), np.zeros((1, 3)), {"output_names": ["weight"]}, "^an output is named 'weight', as an input"),
        (lambda x: None, np.zeros(3), {}, "^a module that is exported returns arrays, .*; got nothing$"),
        (lambda x: ("a", x, {1}), np.zeros(3), {}, "^a module that is exported returns arrays, .*; got Tensor"),
    ],
)
def test_inputs_and_outputs_that_do_not_fit(tmp_path, module, inputs, options, message):
    """Each has a name of its own, which no other has, and is an array of a dtype that ONNX has."""
    path = tmp_path / "model.onnx"
    if message is None:
        export(module, inputs, path, **options)
        assert session(path).get_outputs()[0].name == "ab"
        return
    kind = mg.ExportError if "counterpart" in message or "module" in message else ValueError
    with pytest.raises(kind, match=message.replace("got Tensor", "got Traced, set, str")):
        export(module, inputs, path, **options)
    assert os.listdir(tmp_path) == []
