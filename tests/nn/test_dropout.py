"""Dropout: means, generators, and what is refused."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dropout_keeps_the_mean(dtype):
    """About p of the elements are 0, and the others 1 / (1 - p) times as large; the gradient has the same factors."""
    x = mg.tensor(np.ones(10_000, dtype), requires_grad=True)
    y = nn.Dropout(0.2, rng=0)(x)
    y.sum().backward()
    assert y.dtype == dtype
    np.testing.assert_array_equal(np.unique(y.data), np.array([0, 1 / 0.8], dtype))
    assert np.mean(y.data == 0) == pytest.approx(0.2, abs=0.02)  # five standard deviations
    np.testing.assert_array_equal(x.grad.data, y.data)


def test_dropout_draws_anew_in_each_call_from_its_own_generator():
    """Two layers of one seed drop the same; one layer drops different elements each time."""
    x = np.ones(100)
    first, second = nn.Dropout(rng=1), nn.Dropout(rng=1)
    once = first(x)
    np.testing.assert_array_equal(once, second(x))
    assert not np.array_equal(once, first(x))
    again = pickle.loads(pickle.dumps(copy.deepcopy(first)))
    np.testing.assert_array_equal(first(x), again(x))


def test_dropout_of_all_and_of_none():
    """p = 1 gives zeros, connected to the graph; p = 0 and evaluation give the array itself."""
    x = mg.tensor(np.ones((2, 3), np.float32), requires_grad=True)
    y = nn.Dropout(1)(x)
    y.sum().backward()
    assert y.dtype == np.float32
    assert not y.data.any()
    assert not x.grad.data.any()
    assert nn.Dropout(0)(x) is x
    assert nn.Dropout(0.5).eval()(x) is x
    assert F.dropout(x, training=False) is x


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_dropout_refuses_what_is_no_probability(p):
    """When the layer is made, and when the function is called."""
    for make in (nn.Dropout, lambda p: F.dropout(np.ones(2), p)):
        with pytest.raises(ValueError, match=f"p is the probability of an element to be dropped, from 0 to 1; got {p}"):
            make(p)
