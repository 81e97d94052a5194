"""Modules, parameters and tensors that learn are found where they are assigned, or refused there."""

import copy
import pickle
from collections import ChainMap, OrderedDict, UserDict, UserList, deque
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


class Pair(NamedTuple):
    first: Any
    second: Any = None


@dataclass
class Parts:
    layer: Any


@dataclass(slots=True)
class Slotted:
    layer: Any


class Single:
    __slots__ = "layer"

    def __init__(self, layer):
        self.layer = layer


class Callable(SimpleNamespace):
    def __call__(self, x):
        return self.layer(x)


def objects(x):
    """An object array of one element, whatever it may be."""
    array = np.empty(1, dtype=object)
    array[0] = x
    return array


FOUND = {
    "list": lambda x: [x],
    "tuple": lambda x: (1, (x,)),
    "dict": lambda x: {"a": x},
    "OrderedDict": lambda x: OrderedDict(a=x),
    "UserDict": lambda x: UserDict(a=x),
    "mapping": lambda x: MappingProxyType({"a": [x]}),
    "ChainMap": lambda x: ChainMap({"a": x}, {}),
    "named tuple": lambda x: Pair(1, Pair(x)),
}
HIDDEN = {
    "set": (lambda x: {x}, "Keep it in a list, tuple or dict"),
    "frozenset": (lambda x: frozenset([x]), "Keep it in a list, tuple or dict"),
    "deque": (lambda x: deque([x]), "Keep it in a list, tuple or dict"),
    "UserList": (lambda x: UserList([x]), "Keep it in a list, tuple or dict"),
    "dict_values": (lambda x: {"a": x}.values(), "Keep it in a list, tuple or dict"),
    "ndarray": (objects, "Keep it in a list, tuple or dict"),
    "dict": (lambda x: {x: 1}, "Keep it among the values of the dict"),
    "Parts": (Parts, "or let Parts be an nn.Module"),
    "Slotted": (Slotted, "or let Slotted be an nn.Module"),
    "Single": (Single, "or let Single be an nn.Module"),
    "SimpleNamespace": (lambda x: SimpleNamespace(inner=[{"a": x}]), "Keep it in an attribute as well, which is set"),
    "partial": (lambda x: partial(max, x), "Keep it in an attribute as well"),
    "deque in a list": (lambda x: [1, [deque([x])]], "has a {} inside of a deque"),
    "list in a deque": (lambda x: deque([[x]]), "has a {} inside of a deque"),
}
PARTS = {
    "Linear": lambda: nn.Linear(2, 2),
    "Parameter": lambda: nn.Parameter([1.0]),
    "Buffer": lambda: nn.Buffer([1.0]),
}


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("name", FOUND)
def test_parts_in_trees_are_found(name, kind):
    """In lists, tuples and mappings of any kind, and so they are in the state."""
    module, part = nn.Module(), PARTS[kind]()
    module.parts = FOUND[name](part)
    assert any(
        found is part for found in [*module.modules(), *module.parameters(), *dict(module.named_buffers()).values()]
    )
    assert all(key.startswith("parts.") for key in module.state_dict())


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("name", HIDDEN)
def test_parts_in_other_containers_and_objects_are_refused(name, kind):
    """Where they are assigned, with a remedy; the attribute stays as it was."""
    hide, remedy = HIDDEN[name]
    module = nn.Module()
    module.parts = None
    with pytest.raises(
        TypeError, match=rf"^Module.parts has a {kind} inside of a .*, where parameters\(\) would"
    ) as caught:
        module.parts = hide(PARTS[kind]())
    assert remedy.format(kind) in str(caught.value)
    assert module.parts is None


@pytest.mark.parametrize("name", [*FOUND, *HIDDEN])
def test_a_tensor_that_learns_is_refused_in_every_container(name):
    """As it is as an attribute; one that does not learn, and a result, may be anywhere."""
    hide = FOUND[name] if name in FOUND else HIDDEN[name][0]
    module = nn.Module()
    with pytest.raises(TypeError, match=r"Module.parts is set to a Tensor that requires grad inside of .*nn.Parameter"):
        module.parts = hide(mg.tensor([1.0], requires_grad=True))
    for harmless in (mg.tensor([1.0]), nn.Parameter([1.0]) * 2):
        module.parts = hide(harmless)
    assert module.parameters() == []


@pytest.mark.parametrize("wrap", [mg.compile, mg.checkpoint, mg.grad, lambda layer: layer.forward])
def test_a_module_that_is_wrapped_is_not_forgotten(wrap):
    """Compiled, checkpointed, differentiated, or by one of its methods: its parameters have to be somewhere."""
    module, layer = nn.Module(), nn.Linear(2, 2)
    with pytest.raises(TypeError, match="has a Linear inside of a .* Keep it in an attribute as well"):
        module.run = wrap(layer)
    module.layer = layer
    module.run = wrap(layer)
    module.forward = wrap(module.forward) if wrap is mg.compile else None
    assert len(module.parameters()) == 2


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_found_elsewhere_may_be_in_anything(name):
    """A set of parameters without decay, say; also if the other place is in the same value."""
    hide, _ = HIDDEN[name]
    module = nn.Module()
    module.layer = nn.Linear(2, 2)
    module.again = hide(module.layer)
    module.weights = hide(module.layer.weight)
    other = nn.Bilinear(2, 2, 2)
    module.both = [other, hide(other), hide(other.bias)]
    assert len(module.parameters()) == 4
    module.optimizer = optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)


def test_attributes_without_parts_are_anything():
    """Objects that know each other, arrays, generators, classes and functions; a copy has them all."""
    module, known = nn.Module(), SimpleNamespace(name="a", size=3)
    known.self = known
    values = {
        "known": known,
        "names": {"a", "b"},
        "text": "abc",
        "rng": np.random.default_rng(0),
        "array": np.ones((2, 2)),
        "kind": nn.Linear,
        "library": np,
        "function": len,
        "activation": mg.tanh,
        "window": partial(max, 1),
        "queue": deque([1, 2.0, np.float32(3), b"bytes", range(3), Parts(None)]),
    }
    for name, value in values.items():
        setattr(module, name, value)
        assert vars(module)[name] is value
    module.names = nn.Linear(2, 1)
    assert len(copy.deepcopy(module.names).parameters()) == 2
    assert pickle.loads(pickle.dumps(module.names)).weight.shape == (2, 1)


def test_layers_of_a_sequential_hide_nothing():
    """Functions and objects that are called are layers, too, unless they have a module that nobody finds."""
    with pytest.raises(TypeError, match=r"Sequential.1 has a Linear inside of a Callable, .* Callable be an nn.Mod"):
        nn.Sequential(nn.Tanh(), Callable(layer=nn.Linear(2, 2)))
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, Callable(layer=layer), mg.tanh)
    assert len(model.parameters()) == 2
    assert len(model) == 3


def test_the_remedy_works():
    """A list in place of a set, and a module in place of an object."""

    class Block(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    module = nn.Module()
    module.parts = list({nn.Linear(2, 2)})
    module.block = Block()
    assert len(module.parameters()) == 4
