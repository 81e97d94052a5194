"""Module: how parts are found and named, state, modes, and what is shown."""

import copy
import functools
import pathlib
import pickle
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


class Block(nn.Module):
    """Parts in every place: attributes, lists, tuples and dicts, inside each other."""

    def __init__(self, rng=None):
        self.first = nn.Linear(2, 3, rng=rng)
        self.scale = nn.Parameter(np.ones(3))
        self.layers = [nn.Linear(3, 3, bias=False, rng=rng), (nn.Tanh(), {"norm": nn.BatchNorm1d(3)})]
        self.count = nn.Buffer([0, 0])
        self.name = "block"

    def forward(self, x):
        tanh, norm = self.layers[1][0], self.layers[1][1]["norm"]
        return norm(tanh(self.layers[0](self.first(x) * self.scale)))


NAMES = ["first.weight", "first.bias", "scale", "layers.0.weight", "layers.1.1.norm.weight", "layers.1.1.norm.bias"]
BUFFERS = ["layers.1.1.norm.running_mean", "layers.1.1.norm.running_var", "count"]


def test_parts_are_found_in_order_of_definition():
    """With PyTorch's names, and without a call of super().__init__()."""
    block = Block()
    assert [name for name, _ in block.named_parameters()] == NAMES
    assert [name for name, _ in block.named_buffers()] == BUFFERS
    assert [name for name, _ in block.named_modules()] == ["", "first", "layers.0", "layers.1.0", "layers.1.1.norm"]
    assert block.parameters()[2] is block.scale
    assert block.modules()[0] is block
    assert list(block.state_dict()) == [*NAMES[:4], *NAMES[4:], *BUFFERS]


def test_shared_parts_count_once():
    """A shared parameter, a shared module and a shared list, under the name that comes first."""
    block = Block()
    block.again = block.first
    block.tied = block.scale
    block.more = block.layers
    assert [name for name, _ in block.named_parameters()] == NAMES


def test_parts_may_lie_in_a_circle():
    """A module that knows its parent, and a list that holds itself, are walked once."""
    block = Block()
    block.first.parent = block
    block.layers.append(block.layers)
    assert [name for name, _ in block.named_parameters()] == NAMES
    assert len(block.modules()) == 5
    assert "parent" not in repr(block)
    assert set(block.from_torch(block.state_dict())) == set(block.state_dict())
    twin = copy.deepcopy(block)
    assert twin.first.parent is twin


def test_deep_networks_are_walked_without_recursion():
    """A chain of 5,000 modules, each inside of the one before."""
    outer = inner = nn.Module()
    for _ in range(5000):
        inner.child = nn.Module()
        inner = inner.child
    inner.weight = nn.Parameter([1.0])
    assert outer.parameters() == [inner.weight]


def test_two_parts_of_one_name_are_refused():
    """Where the state could keep one of them only."""
    module = nn.Module()
    module.table = {"a": {"b": nn.Parameter([1.0])}, "a.b": nn.Parameter([2.0])}
    with pytest.raises(
        ValueError, match=r"two arrays of this Module are called 'table.a.b': dots or numbers in the keys"
    ):
        module.state_dict()


def test_children_are_the_modules_that_it_has_itself():
    """In attributes, and in lists and dicts there; each once, in order."""
    block = Block()
    block.again = block.first
    names = ["first", "layers.0", "layers.1.0", "layers.1.1.norm"]
    assert [name for name, _ in block.named_children()] == names
    assert block.children() == [module for _, module in block.named_children()]
    assert nn.Sequential(block).children() == [block]
    assert nn.Tanh().children() == []


def test_apply_comes_to_what_is_below_first():
    """In order, each once; and returns the module."""
    inner = nn.Sequential(nn.Tanh(), nn.ReLU())
    model = nn.Sequential(inner, nn.Linear(1, 1), nn.Sequential(inner[0]), inner)
    visited = []
    assert model.apply(visited.append) is model
    assert visited == [inner[0], inner[1], inner, model[1], model[2], model]
    with pytest.raises(TypeError, match="apply takes a function of a module; got 3"):
        model.apply(3)


# State


def test_state_is_a_copy_and_comes_back():
    """Into the same memory, and with integers and running statistics among it."""
    block, other = Block(rng=0), Block(rng=1)
    block(np.random.default_rng(0).normal(size=(4, 2)))
    block.count.data = np.array([1, 2])
    state = block.state_dict()
    memory = other.first.weight.data
    other.load_state_dict(state)
    state["scale"][:] = 7
    assert block.scale.tolist() == [1, 1, 1]
    assert other.first.weight.data is memory
    assert other.count.tolist() == [1, 2]
    for name, values in other.state_dict().items():
        np.testing.assert_array_equal(values, block.state_dict()[name])


def test_state_may_be_of_tensors_and_lists():
    """And of floats where the module is in single precision."""
    layer = nn.Linear(1, 2).astype(np.float32)
    layer.load_state_dict({"weight": mg.tensor([[1.0, 2.0]], requires_grad=True), "bias": [3, 4]})
    assert layer.weight.tolist() == [[1, 2]]
    assert layer.bias.dtype == np.float32


def test_state_may_be_memory_of_the_module_itself():
    """Two layers change places, though the first is written before the second is read."""
    module = nn.Module()
    module.a, module.b = nn.Parameter([1.0]), nn.Parameter([2.0])
    module.load_state_dict({"a": module.b.data, "b": module.a})
    assert (module.a.item(), module.b.item()) == (2, 1)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("model.npz", r"a dict of arrays by name; got a str. Pass mg.load\(path\)"),
        (nn.Linear(2, 2), r"got a Linear. Pass its state_dict\(\)"),
        ([1.0], "got a list$"),
    ],
)
def test_what_is_no_state_is_refused(state, text):
    with pytest.raises(TypeError, match=text):
        nn.Linear(2, 2).load_state_dict(state)


def test_a_state_that_a_transformation_watches_is_not_cut_off_in_silence():
    model = nn.Linear(2, 2, rng=0)
    before = model.weight.tolist()

    def loss(state):
        model.load_state_dict(state)
        return mg.sum(model(np.ones((1, 2))))

    with pytest.raises(TypeError, match="would cut off their derivative. Use nn.functional_call"):
        mg.grad(loss)(model.state_dict())
    with pytest.raises(TypeError, match="would cut off"):
        mg.jvp(loss, (model.state_dict(),), (model.state_dict(),))
    assert model.weight.tolist() == before


def test_all_that_is_wrong_with_a_state_is_in_one_error():
    """Missing, unexpected, of another shape, of a dtype that does not fit; and nothing has changed."""
    block = Block(rng=0)
    before = block.state_dict()
    state = {**before, "first.bias": np.ones(4), "count": np.ones(2), "extra": 1.0, "scale": np.zeros(3)}
    del state["first.weight"]
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared whole
        block.load_state_dict(state)
    assert str(caught.value) == (
        "this state does not belong to this Block: first.weight is missing; extra is unexpected; first.bias has shape "
        "(4,), not (3,); count has dtype float64, not int64"
    )
    for name, values in block.state_dict().items():
        np.testing.assert_array_equal(values, before[name])


def test_what_fits_can_be_loaded_alone():
    """strict=False passes over names that are missing or unexpected, and still refuses shapes."""
    block = Block()
    block.load_state_dict({"scale": [1, 2, 3], "extra": 1.0}, strict=False)
    assert block.scale.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match=r"this Block: scale has shape \(2,\), not \(3,\)$"):
        block.load_state_dict({"scale": [1, 2], "extra": 1.0}, strict=False)


def test_shared_parameter_is_loaded_under_any_of_its_names():
    """PyTorch's states have it under each of them."""
    block = Block()
    block.head = {"tied": block.first}
    state = block.state_dict()
    block.load_state_dict({**state, "head.tied.weight": state["first.weight"], "head.tied.bias": state["first.bias"]})
    renamed = {name.replace("first.", "head.tied."): values + 1 for name, values in state.items()}
    block.load_state_dict(renamed)
    np.testing.assert_array_equal(block.first.weight.data, state["first.weight"] + 1)
    with pytest.raises(ValueError, match=r"head.tied.wait is unexpected; head.tied is unexpected"):
        block.load_state_dict({**state, "head.tied.wait": 1, "head.tied": 2})


def test_loading_between_forward_and_backward_is_noticed():
    """The graph saved the weight that is gone."""
    layer = nn.Linear(2, 1)
    x = mg.tensor(np.ones((1, 2)), requires_grad=True)
    y = layer(x).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(mg.GraphError, match="changed in place since"):
        y.backward()


def test_copies_are_independent():
    """By deepcopy and by pickle: same values, same structure, other memory."""
    block = Block(rng=0)
    block.again = block.first
    for twin in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
        assert twin.again is twin.first
        assert all(type(p) is nn.Parameter and p.requires_grad for p in twin.parameters())
        twin.scale.data = np.zeros(3)
        assert block.scale.tolist() == [1, 1, 1]
        np.testing.assert_array_equal(twin.first.weight.data, block.first.weight.data)


# Modes


def test_train_and_eval_reach_every_module():
    """Modules train until told otherwise, without an __init__ that says so."""
    block = Block()
    assert all(module.training for module in block.modules())
    assert block.eval() is block
    assert not any(module.training for module in block.modules())
    assert block.train().layers[1][1]["norm"].training


def test_astype_converts_what_is_floating():
    """Parameters and running statistics, not counts; gradients are forgotten, and a forward pass keeps the dtype."""
    block = Block()
    x = np.random.default_rng(0).normal(size=(4, 2))
    block(x).sum().backward()
    kept = block.scale
    assert block.astype("float32") is block
    assert block.scale is kept
    assert {part.dtype for part in block.parameters()} == {np.dtype(np.float32)}
    assert [part.dtype for _, part in block.named_buffers()] == [np.float32, np.float32, np.int64]
    assert block.scale.grad is None
    y = block(x.astype(np.float32))
    y.sum().backward()
    assert y.dtype == block.scale.grad.dtype == np.float32
    with pytest.raises(TypeError, match="a module computes with floating numbers; got int64"):
        block.astype(int)


def test_astype_between_forward_and_backward_is_noticed():
    layer = nn.Linear(2, 1)
    y = layer(mg.tensor(np.ones((1, 2)), requires_grad=True)).sum()
    layer.astype(np.float32)
    with pytest.raises(mg.GraphError, match="changed in place since"):
        y.backward()


def test_gradients_are_forgotten_and_parameters_frozen():
    """zero_grad sets None, also when some parameters are frozen; a frozen network makes no graph."""
    block = Block()
    x = np.random.default_rng(0).normal(size=(4, 2))
    block(x).sum().backward()
    assert block.first.requires_grad_(False) is block.first
    block.zero_grad()
    assert all(p.grad is None for p in block.parameters())
    block(x).sum().backward()
    assert block.first.weight.grad is None
    assert block.scale.grad is not None
    assert not block.requires_grad_(False)(x).requires_grad
    assert block.requires_grad_()(x).requires_grad
    assert [name for name, _ in block.named_parameters()] == NAMES


def test_frozen_parameters_can_change_their_dtype():
    assert nn.Linear(2, 1).requires_grad_(False).astype(np.float32).weight.dtype == np.float32


# Attributes


def test_a_parameter_is_not_replaced_by_something_that_is_none():
    """An array in its place would drop it from parameters() in silence. Another one, None, or a module may come."""
    layer = nn.Linear(2, 1)
    message = (
        r"Linear.weight is a Parameter, and a ndarray in its place would be no part of the module's state. Set nn.P"
    )
    with pytest.raises(
        TypeError, match=message + r"arameter\(values\) for a new one, or change its values: weight.data ="
    ):
        layer.weight = np.ones((2, 1))
    layer.weight = nn.Parameter(np.ones((2, 1)))
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    norm = nn.BatchNorm1d(2)
    with pytest.raises(TypeError, match="BatchNorm1d.running_mean is a Buffer, and a Tensor in its place"):
        norm.running_mean = mg.zeros(2)


def test_a_tensor_that_requires_grad_is_refused_as_an_attribute():
    """It looks like a parameter, and would not be found. Results and plain Tensors are attributes like any other."""
    module = nn.Module()
    with pytest.raises(
        TypeError, match=r"Module.w is set to a Tensor that requires grad, which parameters\(\) would not"
    ):
        module.w = mg.tensor([1.0], requires_grad=True)
    module.mask = mg.tensor([1.0])
    module.last = nn.Parameter([1.0]) * 2
    module.step = 1
    module.step = 2
    assert module.state_dict() == {}


def test_module_without_forward_says_so():
    class Half(nn.Module):
        pass

    with pytest.raises(
        NotImplementedError, match=r"Half has no forward\(self, x\), which says what the module computes"
    ):
        Half()(1)


# What is shown


def test_repr_shows_the_tree_with_shapes_and_the_number_of_parameters():
    assert repr(Block()) == (
        "Block(name='block'): scale (3,), count (2,)\n"
        "  first: Linear: weight (2, 3), bias (3,)\n"
        "  layers.0: Linear: weight (3, 3)\n"
        "  layers.1.0: Tanh\n"
        "  layers.1.1.norm: BatchNorm1d(num_features=3, eps=1e-05, momentum=0.1, sync=False): weight (3,), bias (3,), "
        "running_mean (3,), running_var (3,)\n"
        "27 parameters"
    )
    inner = nn.Sequential(nn.Dropout(0.1))
    assert repr(nn.Sequential(inner, nn.Linear(1, 1, bias=False))) == (
        "Sequential\n  0: Sequential\n    0: Dropout(p=0.1)\n  1: Linear: weight (1, 1)\n1 parameter"
    )


def test_repr_shows_options_that_are_of_several_numbers():
    """Such as strides; neither long lists nor those of something else."""
    assert repr(nn.Conv2d(2, 3, 3, stride=2, dilation=2)).startswith(
        "Conv2d(in_channels=2, out_channels=3, kernel_size=(3, 3), stride=(2, 2), dilation=(2, 2), padding=0, groups=1)"
    )
    assert "output_padding=(1,)" in repr(nn.ConvTranspose1d(1, 1, 3, stride=2, output_padding=1))
    assert repr(nn.Upsample(size=(4, 4))).startswith("Upsample(size=(4, 4), mode='nearest')")
    assert "kernel_size=[2, 3]" in repr(nn.MaxPool2d([2, 3]))
    module = nn.Module()
    module.long, module.empty, module.mixed, module.pairs = [1] * 9, (), (1, None), ((0, 1), (2, 3))
    assert repr(module) == "Module(pairs=((0, 1), (2, 3)))\n0 parameters"


def test_repr_shows_functions_by_their_names():
    """Those of the package, of NumPy, lambdas and partial ones, wherever they are, each time."""

    class Net(nn.Module):
        def __init__(self):
            self.activation = mg.tanh
            self.layers = [nn.Linear(1, 1), lambda x: 2 * x, np.exp, mg.tanh, functools.partial(np.sum, axis=0)]

    assert repr(Net()) == (
        "Net\n  activation: tanh\n  layers.0: Linear: weight (1, 1), bias (1,)\n  layers.1: <lambda>\n  layers.2: exp\n"
        "  layers.3: tanh\n  layers.4: partial\n2 parameters"
    )
    assert repr(nn.Sequential(mg.tanh, nn.Tanh(), mg.tanh)) == (
        "Sequential\n  0: tanh\n  1: Tanh\n  2: tanh\n0 parameters"
    )


def test_repr_counts_what_is_frozen_and_names_an_unusual_dtype():
    """The last line says what cannot be seen from the shapes."""
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=0)).astype(np.float32)
    model[0].requires_grad_(False)
    assert repr(model).splitlines()[-1] == "13 parameters, 9 of them frozen, float32"
    assert repr(nn.Tanh()) == "Tanh\n0 parameters"


# Of users' own


def test_a_functional_transformation_sees_a_network():
    """grad with respect to the input of a module, and to any order."""
    layer = nn.Sequential(nn.Linear(1, 1, rng=0), nn.Tanh())
    w, b = layer[0].weight.item(), 0.0
    second = mg.grad(mg.grad(lambda x: layer(x.reshape(1, 1)).sum()))(np.array(0.5))
    t = np.tanh(0.5 * w + b)
    assert second.item() == pytest.approx(-2 * t * (1 - t * t) * w * w, rel=1e-12)


def test_the_guide_names_all_modules_that_there_are():
    page = pathlib.Path(__file__).parents[2] / "docs" / "networks.md"
    table = page.read_text(encoding="utf-8").split("## What there is")[1].split("##")[0]
    of_the_user = {"Module"}
    public = {
        name for name in nn.__all__ if isinstance(kind := getattr(nn, name), type) and issubclass(kind, nn.Module)
    }
    assert set(re.findall(r"`(\w+)`", table)) - {"nn"} == public - of_the_user


def test_a_state_that_unties_weights_is_refused():
    """One of its two values would be lost; two equal ones are one."""
    apart, tied = (nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1)) for _ in range(2))
    tied[1].weight = tied[0].weight
    before = tied.state_dict()
    with pytest.raises(ValueError, match="1.weight differs from 0.weight, which is the same array here"):
        tied.load_state_dict(apart.state_dict())
    assert all(np.array_equal(tied.state_dict()[name], x) for name, x in before.items())
    apart[1].weight.data = apart[0].weight.data
    tied.load_state_dict(apart.state_dict())
    assert tied(np.ones((1, 2))).tolist() == apart(np.ones((1, 2))).tolist()
