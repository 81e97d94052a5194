"""New arrays of watched values, by NumPy's names."""

import numpy as np
import pytest

import minigrad as mg

from ..rules.numeric import extrapolated, gradient

V = np.array([0.7, 1.9, 3.1])

MADE = {
    "full_like": lambda x: np.full_like(x, x[0]) * x,
    "full_like, shape": lambda x: np.full_like(x * 1.0, x, shape=(2, 3)),
    "full_like, by name": lambda x: np.full_like(a=x, fill_value=x[1] ** 2),
    "linspace": lambda x: np.linspace(x[0], x[1], 4),
    "linspace of rows": lambda x: np.linspace(x, 2.0, 4, axis=-1),
    "linspace, no end": lambda x: np.linspace(1.0, x, num=3, endpoint=False),
    "linspace, by name": lambda x: np.linspace(x[0], stop=x[1], num=5),
    "linspace, one": lambda x: np.linspace(x, 2.0, 1),
    "linspace, step": lambda x: np.linspace(x[0], x[1], 3, retstep=True)[1] * x,
    "logspace": lambda x: np.logspace(x[0], x[1], 4),
    "logspace, base": lambda x: np.logspace(0.0, 1.0, 3, base=x[:2], axis=1),
    "geomspace": lambda x: np.geomspace(x[0], x[1], 4),
    "geomspace of negatives": lambda x: np.geomspace(-x, -2.0 * x[0], 4, endpoint=False, axis=1),
    "meshgrid": lambda x: np.meshgrid(x, x * x)[1],
    "meshgrid, ij": lambda x: np.meshgrid(x[:2], x, indexing="ij")[0] ** 2,
    "meshgrid, sparse": lambda x: np.meshgrid(x, x, sparse=True)[1] * x,
    "meshgrid of three": lambda x: np.meshgrid(np.arange(2.0), x, x[0], copy=False)[1],
}


def weighted(make):
    """A function that depends on every element that is made."""

    def f(x):
        y = make(x)
        return np.sum(y**2 * np.reshape(1.0 + np.arange(y.size), y.shape))

    return f


@pytest.mark.parametrize("make", MADE.values(), ids=list(MADE))
def test_what_is_made_of_watched_values_keeps_their_derivative(make):
    """NumPy's values, and the derivative by differences, by both modes and at second order."""
    f = weighted(make)
    np.testing.assert_allclose(make(mg.tensor(V)).data, make(V), rtol=1e-15)
    want = gradient(f, (V,), 0, extrapolated)
    x = mg.tensor(V, requires_grad=True)
    f(x).backward()
    for g in (x.grad.data, mg.grad(f)(V)):
        np.testing.assert_allclose(g, want, rtol=1e-9)
    along = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(mg.jvp(f, (V,), (along,))[1], want @ along, rtol=1e-9)
    curved = extrapolated(lambda h: mg.grad(f)(V + h * along))
    np.testing.assert_allclose(mg.jvp(mg.grad(f), (V,), (along,))[1], curved, rtol=1e-8, atol=1e-9)


def test_plain_arguments_stay_what_they_are():
    """NumPy's functions of arrays of NumPy's are its own; of constant Tensors they make constant Tensors."""
    for make in MADE.values():
        assert type(make(V)) in (np.ndarray, np.float64)
        made = make(mg.tensor(V))
        assert isinstance(made, mg.Tensor)
        assert not made.requires_grad


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([True, False]), np.ones(2, np.float32)])
@pytest.mark.parametrize("value", [2.7, -0.0, [3, 4]])
def test_full_like_casts_as_numpy_does(x, value):
    """Into the dtype of the array, the sign of zero included."""
    got, want = np.full_like(mg.tensor(x), value).data, np.full_like(x, value)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got.astype(float)), np.signbit(want.astype(float)))


def test_geomspace_keeps_its_ends():
    """The first and the last number are the given ones to the last bit."""
    y = np.geomspace(mg.tensor(0.1), mg.tensor(7.3), 5).data
    assert (y[0], y[-1]) == (0.1, 7.3)


def test_meshgrid_names_the_orders_that_it_takes():
    with pytest.raises(ValueError, match=r"meshgrid of \(2,\): .*'xy' or 'ij'; got 'ji'"):
        np.meshgrid(mg.tensor([1.0, 2.0]), indexing="ji")


def test_arrays_of_a_grid_can_be_written_to():
    """Also those that are plain beside a Tensor: each is a copy, unless copy=False says that it need not be."""
    plain, _ = np.meshgrid(np.arange(2.0), mg.tensor([1.0, 2.0]))
    plain[0] = 5.0
    assert plain.tolist() == [[5, 5], [0, 1]]


def test_steps_of_linspace_between_small_integers():
    """They do not wrap around, and truths count as 0 and 1."""
    assert np.linspace(mg.tensor(np.uint8(200)), mg.tensor(np.uint8(100)), 5, retstep=True)[1].item() == -25
    assert np.linspace(mg.tensor(False), mg.tensor(True), 5, retstep=True)[1].item() == 0.25
