"""Sequential."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def test_sequential_calls_one_after_the_other():
    """Modules and functions; the names of their parameters are numbers."""
    model = nn.Sequential(nn.Linear(2, 3, rng=0), mg.tanh, nn.Linear(3, 1, rng=0))
    x = np.ones((4, 2))
    np.testing.assert_array_equal(model(x).detach(), model[2](mg.tanh(model[0](x))).detach())
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_sequential_is_a_list_of_layers():
    """Its length, items, slices, which share parameters, iteration and growth."""
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    assert model.append(nn.Linear(3, 1)) is model
    assert len(model) == 3
    assert list(model) == [model[0], model[1], model[-1]]
    assert isinstance(model[:2], nn.Sequential)
    assert model[:2][0] is model[0]
    assert nn.Sequential()
    assert nn.Sequential()(5) == 5


def test_attributes_of_a_subclass_count_as_well():
    """A network that is a Sequential and has a parameter of its own."""

    class Scaled(nn.Sequential):
        def __init__(self, *layers):
            super().__init__(*layers)
            self.scale = nn.Parameter(np.ones(1))

    assert list(Scaled(nn.Linear(1, 1)).state_dict()) == ["0.weight", "0.bias", "scale"]


def test_sequential_refuses_what_is_no_layer():
    with pytest.raises(
        TypeError, match=r"Sequential takes modules and functions, one after the other; got a list. Pass a"
    ):
        nn.Sequential([nn.Tanh()])
    with pytest.raises(TypeError, match="got a int"):
        nn.Sequential().append(3)
    with pytest.raises(TypeError, match=r"got the class Tanh. Pass an object of it, as Tanh\(\)"):
        nn.Sequential(nn.Linear(2, 1), nn.Tanh)


def test_a_layer_can_be_put_in_the_place_of_another():
    """By its position, also from the end; what is no layer is refused, and nothing has changed."""
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
    other = nn.Linear(3, 2, rng=2)
    net[-1] = other
    assert net[2] is other
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert net(np.ones((1, 2))).shape == (1, 2)
    for index, layer, error in ((0, 3.0, TypeError), (0, nn.Tanh, TypeError), (3, other, IndexError)):
        before = [*net]
        with pytest.raises(error):
            net[index] = layer
        assert [*net] == before


def test_identity_returns_what_it_is_given():
    """The very array, whatever it was made with."""
    x = np.ones(3)
    assert nn.Identity(54, unused=True)(x) is x


def test_a_module_list_is_a_list():
    """Append, insert, extend, delete, slice and assign, as lists do; and its modules are found by number."""
    a, b, c = (nn.Linear(1, 1, rng=i) for i in range(3))
    parts = nn.ModuleList([a])
    parts.append(c)
    parts.insert(1, b)
    assert list(parts) == [a, b, c]
    assert list(parts[1:]) == [b, c]
    assert type(parts[1:]) is nn.ModuleList
    parts[0], parts[1:] = c, [a, b]
    assert [*parts] == [c, a, b]
    del parts[1]
    assert parts.pop() is b
    assert len(parts) == 1
    assert nn.ModuleList()
    parts.extend([a, a])
    assert list(parts.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_a_module_dict_is_a_dict():
    """Its modules are found by key; keys, values, items, update and pop as of a dict."""
    a, b = nn.Linear(1, 1, rng=0), nn.Tanh()
    parts = nn.ModuleDict({"a": a})
    parts["b"] = b
    assert list(parts) == [*parts.keys()] == ["a", "b"]
    assert [*parts.values()] == [a, b]
    assert [*parts.items()] == [("a", a), ("b", b)]
    assert parts["b"] is b
    assert "a" in parts
    assert len(parts) == 2
    parts.update([("c", a)])
    assert list(parts.state_dict()) == ["a.weight", "a.bias"]
    assert parts.pop("c") is a
    del parts["a"]
    assert list(parts) == ["b"]
    assert nn.ModuleDict()


def test_containers_in_a_module_have_the_names_that_lists_and_dicts_have():
    class Net(nn.Module):
        def __init__(self, as_list, as_dict):
            self.layers = as_list([nn.Linear(1, 2, rng=0)])
            self.heads = as_dict({"one": nn.Linear(2, 1, rng=1)})
            self.layers.append(nn.Linear(2, 2, rng=2))

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return self.heads["one"](x)

    plain, ours = Net(list, dict), Net(nn.ModuleList, nn.ModuleDict)
    assert list(plain.state_dict()) == list(ours.state_dict())
    x = np.ones((2, 1))
    np.testing.assert_array_equal(plain(x).detach(), ours(x).detach())
    np.testing.assert_array_equal(copy.deepcopy(ours)(x).detach(), ours(x).detach())
    for part in (ours.layers, ours.heads):
        assert list(pickle.loads(pickle.dumps(part)).state_dict()) == list(part.state_dict())
    zeros = {name: np.zeros(p.shape) for name, p in ours.named_parameters()}
    assert not nn.functional_call(ours, zeros, x).any()
    ours.load_state_dict(ours.from_torch({name: np.transpose(v) for name, v in plain.state_dict().items()}))


def test_containers_refuse_what_is_no_module():
    """And have changed nothing."""
    parts, named = nn.ModuleList([nn.Tanh()]), nn.ModuleDict({"a": nn.Tanh()})
    with pytest.raises(TypeError, match=r"ModuleList takes modules; got the class Tanh. Pass an object of it, as Tanh"):
        parts.append(nn.Tanh)
    with pytest.raises(TypeError, match="ModuleList takes modules; got a function"):
        parts[:] = [nn.Tanh(), lambda x: x]
    with pytest.raises(TypeError, match="ModuleDict takes modules; got a int"):
        named.update({"b": nn.Tanh(), "c": 1})
    with pytest.raises(TypeError, match="a ModuleDict takes words as names of modules; got 1"):
        named[1] = nn.Tanh()
    assert len(parts) == len(named) == 1
    with pytest.raises(NotImplementedError, match="ModuleList has no forward"):
        parts(np.ones(1))
