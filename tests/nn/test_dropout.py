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


@pytest.mark.parametrize(
    ("function", "shape"),
    [(F.dropout1d, (50, 40, 3)), (F.dropout1d, (2000, 3)), (F.dropout2d, (50, 40, 2, 3)), (F.dropout2d, (2000, 2, 3))],
)
def test_channels_are_dropped_as_a_whole(function, shape):
    """Each is 0 everywhere or scaled everywhere, about a part of p of them; the slopes are the factors."""
    y, slopes = mg.value_and_grad(lambda x: mg.sum(function(x, 0.3, rng=0)))(np.ones(shape))
    kept = slopes.reshape(2000, -1)
    assert (kept == kept[:, :1]).all()
    assert set(np.unique(kept)) == {0.0, 1 / 0.7}
    assert (kept[:, 0] == 0).mean() == pytest.approx(0.3, abs=0.04)  # four standard deviations
    assert y == pytest.approx(slopes.sum())


def test_alpha_dropout_keeps_mean_and_variance():
    """Those of a normal distribution, for any p; the rest has one value, at p = 1 0."""
    x = np.random.default_rng(0).normal(size=200_000)
    for p in (0.1, 0.5, 0.9):
        y = F.alpha_dropout(x, p, rng=1)
        assert y.mean() == pytest.approx(0, abs=0.02)
        assert y.var() == pytest.approx(1, abs=0.03)
        assert np.mean(y == np.median(y) if p == 0.9 else True) > 0.8
    assert not F.alpha_dropout(x, 1.0).any()
    np.testing.assert_array_equal(F.alpha_dropout(x, 0.0), x)


LAYERS = [(nn.Dropout1d, (4, 3)), (nn.Dropout2d, (4, 3, 2)), (nn.AlphaDropout, (4, 3)), (nn.Dropout, (4, 3))]


@pytest.mark.parametrize(("kind", "shape"), LAYERS)
def test_layers_draw_in_training_only(kind, shape):
    """Anew in each call; and a chance that is none is refused when the layer is made."""
    x, layer = np.ones(shape), kind(0.5, rng=3)
    assert any(not np.array_equal(layer(x), layer(x)) for _ in range(20))
    assert layer.eval()(x) is x
    with pytest.raises(ValueError, match="p is the probability of an element to be dropped, from 0 to 1; got 2"):
        kind(2)


def test_arrays_without_channels_are_refused():
    with pytest.raises(ValueError, match=r"takes .* \(batch, channels, length\) or \(channels, length\); got \(3,"):
        F.dropout1d(np.ones(3))
    with pytest.raises(ValueError, match=r"dropout2d takes .* or \(channels, height, width\); got \(2, 3\)"):
        F.dropout2d(np.ones((2, 3)))
