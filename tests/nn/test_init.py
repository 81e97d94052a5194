"""First values: their distributions, and that each seed gives its own."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import init

DRAWS = {
    "uniform": (lambda rng: init.uniform((200, 100), -1, 3, rng), 1, 4 / np.sqrt(12)),
    "normal": (lambda rng: init.normal((200, 100), 2, 0.5, rng), 2, 0.5),
    "uniform from 0 to 1": (lambda rng: init.uniform((200, 100), rng=rng), 0.5, 1 / np.sqrt(12)),
    "normal of variance 1": (lambda rng: init.normal((200, 100), rng=rng), 0, 1),
    "glorot_uniform": (lambda rng: init.glorot_uniform((200, 100), rng), 0, np.sqrt(2 / 300)),
    "glorot_normal": (lambda rng: init.glorot_normal((200, 100), rng, gain=3), 0, 3 * np.sqrt(2 / 300)),
    "he_uniform": (lambda rng: init.he_uniform((200, 100), rng), 0, np.sqrt(2 / 200)),
    "he_normal": (lambda rng: init.he_normal((200, 100), rng, slope=2), 0, np.sqrt(0.4 / 200)),
    "he_normal before relu": (lambda rng: init.he_normal((200, 100), rng), 0, np.sqrt(2 / 200)),
    "he_uniform of a slope": (lambda rng: init.he_uniform((200, 100), rng, slope=2), 0, np.sqrt(0.4 / 200)),
    "glorot of windows": (
        lambda rng: init.glorot_uniform((5, 5, 20, 40), rng, layout="...io"),
        0,
        np.sqrt(2 / (25 * 60)),
    ),
}


@pytest.mark.parametrize("name", DRAWS)
def test_mean_and_deviation(name):
    """Of 20,000 numbers, within five standard errors."""
    draw, mean, std = DRAWS[name]
    x = draw(0)
    assert x.mean() == pytest.approx(mean, abs=5 * std / np.sqrt(x.size))
    assert x.std() == pytest.approx(std, rel=0.03)
    np.testing.assert_array_equal(x, draw(np.random.default_rng(0)))
    assert not np.array_equal(draw(None), draw(None))


def test_uniform_draws_stay_within_their_bounds():
    """The bound of a uniform distribution is sqrt(3) deviations."""
    assert np.abs(init.glorot_uniform((200, 100), 0)).max() <= np.sqrt(6 / 300)
    assert np.abs(init.he_uniform((200, 100), 0)).max() <= np.sqrt(6 / 200)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (2, 3, 4)])
def test_orthogonal_rows_or_columns(shape):
    """Whichever are fewer are orthogonal, and as long as the gain."""
    q = init.orthogonal(shape, 0, gain=2, layout="...io").reshape(-1, shape[-1])
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, 4 * np.eye(min(q.shape)), atol=1e-13)


LAYERS = {
    "Linear": (lambda: nn.Linear(20, 30, rng=0), (1, 20)),
    "Conv1d": (lambda: nn.Conv1d(6, 9, 3, groups=3, rng=0), (1, 6, 9)),
    "Conv2d": (lambda: nn.Conv2d(4, 8, (3, 2), rng=0), (1, 4, 9, 8)),
    "Conv2d of groups": (lambda: nn.Conv2d(4, 6, 3, groups=2, rng=0), (1, 4, 9, 9)),
    "Conv3d": (lambda: nn.Conv3d(2, 4, (2, 3, 2), groups=2, rng=0), (1, 2, 4, 5, 4)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, groups=2, rng=0), (1, 4, 7)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(6, 4, (2, 3), groups=2, rng=0), (1, 6, 7, 8)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_knows_its_fans(name):
    """They are the most numbers that go into one of the result, and that one goes into: counted in the Jacobian."""
    make, shape = LAYERS[name]
    layer, x = make().requires_grad_(False), np.ones(shape)
    jacobian = np.asarray(mg.jacobian(lambda x: layer(x).reshape(-1))(x)).reshape(-1, x.size) != 0
    fans = jacobian.sum(axis=1).max(), jacobian.sum(axis=0).max()
    assert init.fans(layer) == init.fans(layer.weight) == fans
    for twin in (copy.copy(layer.weight), copy.deepcopy(layer).weight, pickle.loads(pickle.dumps(layer)).weight):
        assert init.fans(twin) == fans
    assert init.fans(layer.astype(np.float32)) == fans


def test_parameters_of_other_layers_know_their_fans():
    """Rows of recurrent weights are results; a bilinear form adds up all pairs."""
    lstm = nn.LSTM(3, 5, rng=0)
    assert init.fans(lstm.weight_ih_l0) == (3, 20)
    assert init.fans(lstm.weight_hh_l0) == (5, 20)
    assert init.fans(nn.Bilinear(3, 4, 5, rng=0)) == (12, 5)
    assert init.fans(nn.Parameter(np.ones((2, 3)))) == (2, 3)
    assert init.fans(nn.Parameter(np.ones((2, 3)), fans=(7, 8))) == (7, 8)


SHAPES = {
    "oi...": ((8, 4, 3, 2), (24, 48)),
    "io...": ((8, 4, 3, 2), (48, 24)),
    "...io": ((3, 2, 8, 4), (48, 24)),
    "...oi": ((3, 2, 8, 4), (24, 48)),
    "io": ((8, 4), (8, 4)),
    "oi": ((8, 4), (4, 8)),
}


@pytest.mark.parametrize("layout", SHAPES)
def test_a_bare_shape_has_fans_by_its_layout(layout):
    shape, fans = SHAPES[layout]
    assert init.fans(shape, layout) == init.fans(nn.Parameter(np.ones(shape), fans=(1, 1)), layout) == fans


@pytest.mark.parametrize("draw", [init.he_normal, init.he_uniform, init.glorot_normal, init.glorot_uniform])
def test_first_values_of_kernels_have_the_deviation_of_their_fans(draw):
    """By layer, by parameter and by layout the same numbers, of the variance 2 / 576 or 2 / (576 + 576)."""
    layer = nn.Conv2d(64, 64, 3, rng=0)
    values = draw(layer, 0)
    fans = 576 if draw in (init.he_normal, init.he_uniform) else 576 + 576
    assert values.std() == pytest.approx(np.sqrt(2 / fans), rel=0.02)
    np.testing.assert_array_equal(values, draw(layer.weight, 0))
    np.testing.assert_array_equal(values, draw((64, 64, 3, 3), 0, layout="oi..."))
    layer.weight.data = values
    assert layer.weight.data.std() == values.std()


@pytest.mark.parametrize("make", [lambda: nn.Conv2d(4, 6, 3, rng=0), lambda: nn.ConvTranspose2d(40, 3, 3, rng=0)])
def test_orthogonal_kernels(make):
    """The first axis against all others."""
    layer = make()
    q = init.orthogonal(layer, 0).reshape(len(layer.weight), -1)
    product = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, np.eye(min(q.shape)), atol=1e-13)
    np.testing.assert_array_equal(init.orthogonal(layer.weight.shape, 0, layout="oi...").reshape(q.shape), q)


def test_orthogonal_forms_and_recurrent_weights():
    """A bilinear form may be a matrix of all pairs and its results."""
    q = init.orthogonal(nn.Bilinear(3, 2, 4, rng=0), 0, layout="...io").reshape(6, 4)
    np.testing.assert_allclose(q.T @ q, np.eye(4), atol=1e-13)
    w = init.orthogonal(nn.RNN(3, 5, rng=0).weight_ih_l0, 0)
    np.testing.assert_allclose(w.T @ w, np.eye(3), atol=1e-13)


def test_all_draws_take_a_layer_for_its_shape():
    layer = nn.Conv1d(2, 3, 4, rng=0)
    for draw in (init.zeros, lambda x: init.constant(x, 2.0), init.uniform, init.normal):
        assert draw(layer).shape == draw(layer.weight).shape == draw([3, 2, 4]).shape == (3, 2, 4)


def test_a_shape_that_does_not_say_its_fans_is_refused():
    """More than two axes without a layout, a layout that is none, a layer without a weight."""
    for draw in (init.he_normal, init.glorot_uniform, init.orthogonal):
        with pytest.raises(
            ValueError, match=r"a bare shape of 4 axes has fans by its layout; got \(8, 4, 3, 3\). Pass"
        ):
            draw((8, 4, 3, 3))
        with pytest.raises(ValueError, match="a bare shape of 3 axes"):
            draw((8, 4, 3), layout="oi")
        with pytest.raises(ValueError, match="a bare shape of 3 axes"):
            draw(nn.Parameter(np.ones((8, 4, 3))))
        with pytest.raises(ValueError, match=r"layout is one of 'io', 'oi', .*; got 'OIHW'"):
            draw((8, 4, 3, 3), layout="OIHW")
        with pytest.raises(TypeError, match="this RNN has no weight; it has weight_ih_l0, weight_hh_l0, bias_ih_l0"):
            draw(nn.RNN(2, 3, rng=0))
        with pytest.raises(TypeError, match="this LayerNorm has no weight; it has none"):
            draw(nn.LayerNorm(2, affine=False))


def test_orthogonal_matrices_have_no_preferred_sign():
    """The signs of R are taken out of Q: the mean of many first entries is 0 within five standard errors."""
    first = [init.orthogonal((2, 2), seed)[0, 0] for seed in range(400)]
    assert np.mean(first) == pytest.approx(0, abs=5 * np.sqrt(0.5 / 400))


def test_constants():
    assert init.zeros((2, 3)).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert init.constant((2,), 3).tolist() == [3.0, 3.0]
    assert init.constant((2,), 3).dtype == np.float64


@pytest.mark.parametrize("shape", [(3,), (), (0, 3)])
def test_shapes_without_a_fan_are_refused(shape):
    for draw in (init.glorot_uniform, init.glorot_normal, init.he_uniform, init.he_normal, init.orthogonal):
        with pytest.raises(
            ValueError, match=r"fan in and fan out are of shapes \(..., fan in, fan out\) without zeros; got"
        ):
            draw(shape)


@pytest.mark.parametrize("shape", [(-1, 3), 4, "ab", (2.5, 3)])
def test_what_is_no_shape_is_refused(shape):
    """With what a shape is; lengths of a short type do not overflow when they are multiplied."""
    for first in (init.zeros, init.normal, init.he_normal):
        with pytest.raises(ValueError, match="a shape is a sequence of lengths"):
            first(shape)
    assert init.fans(tuple(np.array([20, 30, 3, 3], np.uint8)), layout="oi...") == (270, 180)
