"""Generators that a checkpointed function draws from, wherever it finds them."""

import functools
import random
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.transforms.generators import generators_in, generators_of

X = np.arange(1.0, 9.0)


class Holder:
    """An object that draws from a generator of its own."""

    def __init__(self, rng):
        self.rng = rng

    def __call__(self, x):
        return x * self.rng.normal(size=x.shape)


def ways():
    rng, old = np.random.default_rng(0), np.random.RandomState(0)
    kept = {"deep": [rng]}
    holder = Holder(rng)

    def inner(x):
        return x * rng.normal(size=x.shape)

    def unset(x):
        return x * kept["deep"][0].normal(size=x.shape) if rng else later

    if rng is None:
        later = 1
    return {
        "closure": lambda x: x * rng.normal(size=x.shape),
        "function in a closure": lambda x: inner(x),
        "dict": lambda x: x * kept["deep"][0].normal(size=x.shape),
        "object": holder,
        "method": holder.__call__,
        "partial": functools.partial(lambda x, rng: x * rng.normal(size=x.shape), rng=rng),
        "default": lambda x, rng=rng: x * rng.normal(size=x.shape),
        "RandomState": lambda x: x * old.normal(size=x.shape),
        "legacy": lambda x: x * np.random.normal(size=x.shape),
        "sample": lambda x: x * mg.sample(rng, "normal", size=x.shape),
        "sample without a generator": lambda x: x * mg.sample(None, "normal", size=x.shape),
        "dropout without a generator": lambda x: F.dropout(F.dropout(x, 0.5, training=True), 0.2, training=True),
        "seed": lambda x: x * mg.sample(3, "normal", size=x.shape),
        "module": nn.Sequential(nn.Dropout(0.5, rng=1), nn.Dropout(0.3)),
        "a variable without a value": unset,
    }


@pytest.mark.parametrize("way", ways())
def test_the_second_run_draws_the_same(way):
    """y = x * noise is linear in x, so its derivative by x is y / x: with other noise it would not be."""
    f = ways()[way]
    x = mg.tensor(X, requires_grad=True)
    y = mg.checkpoint(f)(x)
    np.sum(y).backward()
    np.testing.assert_allclose(x.grad.data * X, y.detach().numpy(), rtol=1e-15)  # two roundings
    value, slope = mg.jvp(mg.checkpoint(f), (X,), (X,))
    np.testing.assert_allclose(slope, value, rtol=1e-15)


def test_a_backward_pass_draws_nothing():
    """After backward() a generator goes on where the first run left it."""
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    x = mg.tensor(X, requires_grad=True)
    np.sum(mg.checkpoint(lambda x: x * rng.normal(size=8))(x)).backward()
    same.normal(size=8)
    assert rng.normal() == same.normal()


def test_what_has_no_state_is_passed_by():
    """Numbers, arrays, modules of Python and types have no generators; NumPy's legacy one is always among them."""
    found = generators_of(lambda x: (random, np, Holder, X, 3, "a"), (X, [1.0, None]), {"k": {"a": 2}})
    assert [type(x) for x in found] == [np.random.RandomState]


def test_nothing_is_loaded_for_a_search(monkeypatch):
    """As long as nobody has asked NumPy for random numbers, there is no legacy generator to be found."""
    monkeypatch.delitem(sys.modules, "numpy.random")
    assert generators_of(lambda x: x, (X,), {}) == []
    assert "numpy.random" not in sys.modules


class Jitted:
    """What numba makes of a function: it has the code, but not all that belongs to it."""

    def __init__(self, function, **attributes):
        self.__code__ = function.__code__
        vars(self).update(attributes)


def test_compiled_functions_of_others_are_looked_into():
    """By the Python function that they were made of, if they know it."""
    rng = np.random.default_rng(0)
    noise = lambda x: x * rng.normal(size=x.shape)
    jitted = Jitted(noise, __wrapped__=noise)
    assert any(x is rng for x in generators_of(jitted, (), {}))
    assert list(generators_in({"f": jitted})) == ["f.__wrapped__.rng"]
    assert generators_in({"f": Jitted(noise)}) == {}
