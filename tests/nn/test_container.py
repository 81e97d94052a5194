"""Sequential."""

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
