"""First values: their distributions, and that each seed gives its own."""

import numpy as np
import pytest

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
    "glorot of windows": (lambda rng: init.glorot_uniform((5, 5, 20, 40), rng), 0, np.sqrt(2 / (25 * 60))),
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
    q = init.orthogonal(shape, 0, gain=2).reshape(-1, shape[-1])
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, 4 * np.eye(min(q.shape)), atol=1e-13)


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
