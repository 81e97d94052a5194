"""Functions of networks where naive forms overflow, and where there is nothing to sum."""

import numpy as np
import pytest

import minigrad as mg

INF = np.inf


@pytest.mark.parametrize("f", [mg.sigmoid, mg.log_softmax, mg.softmax, mg.logsumexp])
def test_no_warning_at_large_numbers(f):
    """Values and gradients at +-1e3 are finite, with all floating errors raised."""
    with np.errstate(all="raise"):
        y, g = mg.value_and_grad(lambda x: mg.sum(f(x)))(np.array([-1e3, 0.0, 1e3]))
    assert np.isfinite(y)
    assert np.all(np.isfinite(g))


def test_logsumexp_of_nothing_is_minus_infinity():
    assert mg.logsumexp(np.array([-INF, -INF])) == -INF
    assert mg.logsumexp(np.array([1.0, INF])) == INF


def test_softmax_of_an_impossible_row_is_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(mg.softmax(np.array([-INF, -INF]))).all()


def test_sigmoid_is_exact_at_both_ends():
    """Its value is exp(x) far to the left, down to the smallest numbers, and its slope there as well."""
    x = np.array([-700.0, -40.0, 40.0, 1e4])
    y, pull_back = mg.vjp(mg.sigmoid, x)
    np.testing.assert_allclose(y, [np.exp(-700), np.exp(-40), 1, 1], rtol=1e-15)
    np.testing.assert_allclose(pull_back(np.ones(4))[0][:2], y[:2], rtol=1e-15)


def test_users_error_state_is_left_alone():
    """Overflow inside a sigmoid is as it shall be; outside of it, the state is what the user set."""
    with np.errstate(over="raise", under="raise"):
        mg.sigmoid(np.array([-1e4, 1e4]))
        with pytest.raises(FloatingPointError):
            np.exp(np.array([1e4]))


def test_shift_of_logits_changes_nothing():
    """softmax and log_softmax of x + c are those of x, to the last digits of x; logsumexp is more by c."""
    x, c = np.array([[0.5, -1.0, 2.0], [3.0, 3.0, -3.0]]), 1024.0
    for f in (mg.softmax, mg.log_softmax):
        np.testing.assert_array_equal(f(x + c), f(x))
    np.testing.assert_array_equal(mg.logsumexp(x + c, axis=1), mg.logsumexp(x, axis=1) + c)


def test_log_softmax_is_the_logarithm_of_softmax():
    """On each axis; softmax sums to one there, whatever x is."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for axis in (0, 1, -1):
        np.testing.assert_allclose(mg.log_softmax(x, axis=axis), np.log(mg.softmax(x, axis=axis)), rtol=1e-13)
        np.testing.assert_allclose(mg.softmax(x, axis=axis).sum(axis=axis), 1, rtol=1e-15)
        sums = mg.grad(lambda x, axis=axis: mg.sum(mg.softmax(x, axis=axis)))(x)
        np.testing.assert_allclose(sums, 0, atol=1e-15)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp_reduces_as_sum_does(axis, keepdims):
    x = np.random.default_rng(0).normal(size=(2, 1, 3))
    y = mg.logsumexp(x, axis=axis, keepdims=keepdims)
    want = np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
    assert y.shape == want.shape
    np.testing.assert_allclose(y, want, rtol=1e-14)


def test_second_derivative_of_logsumexp_with_an_impossible_term():
    """The Hessian diag(p) - p p^T of the other terms, and 0 in the row and column of the term that is 0."""
    hessian = mg.hessian(mg.logsumexp)(np.array([-INF, 0.0, 0.0]))
    np.testing.assert_allclose(hessian, [[0, 0, 0], [0, 0.25, -0.25], [0, -0.25, 0.25]], atol=1e-16)


# Numbers whose neighbours are further off than the logarithm of 2

LARGE = [(np.float64, 1e17), (np.float32, 1e7), (np.float32, -3e8), (np.float16, 2e3), (np.float16, -2e3)]


@pytest.mark.parametrize(("dtype", "size"), LARGE)
def test_weights_of_large_equal_exponents_are_halves(dtype, size):
    """The logarithm of two equal exponentials has weights of 1/2 and the Hessian 1/4, exactly, whatever their size."""
    x = np.array([size, size], dtype)
    for f in (
        mg.logsumexp,
        lambda x: mg.sum(mg.logsumexp(x[:, None], axis=0)),
        lambda x: mg.sum(mg.logsumexp(x, axis=(0,), keepdims=True)),
        lambda x: np.logaddexp(x[0], x[1]),
        np.logaddexp.reduce,
    ):
        g = mg.grad(f)(x)
        assert g.dtype == dtype
        assert g.tolist() == [0.5, 0.5]
        assert mg.jvp(f, (x,), (np.array([1, 3], dtype),))[1] == 2
        assert mg.hessian(f)(x).tolist() == [[0.25, -0.25], [-0.25, 0.25]]


@pytest.mark.parametrize(("dtype", "size"), LARGE)
def test_softmax_of_large_exponents(dtype, size):
    """softmax and log_softmax, functions of differences, have the values and Jacobians that they have at 0."""
    x, zero = np.array([size, size], dtype), np.zeros(2, dtype)
    for f in (mg.softmax, mg.log_softmax):
        np.testing.assert_array_equal(f(x), f(zero))
        np.testing.assert_array_equal(mg.jacobian(f)(x), mg.jacobian(f)(zero))


def test_weights_of_different_large_exponents():
    """They are those of the differences, and sum to one, row by row."""
    x = np.float32(1e7) + np.float32([[0, 1, 2], [0, -1, 3]])
    g = mg.grad(lambda x: mg.sum(mg.logsumexp(x, axis=1)))(x)
    e = np.exp(x - np.max(x, axis=1, keepdims=True).astype(float))
    np.testing.assert_allclose(g, e / np.sum(e, axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(np.sum(g, axis=1), 1, rtol=1e-7)


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [(-INF, -INF, (0, 0)), (-INF, 1.0, (0, 1)), (1.0, -INF, (1, 0)), (INF, 1.0, (1, 0)), (-1e3, 1e3, (0, 1))],
)
def test_weights_of_logaddexp_at_the_ends(a, b, want):
    """A term that is 0 has the weight 0, and one beside it 1; of two there is none to share with."""
    with np.errstate(all="raise", under="ignore"):
        got = mg.grad(np.logaddexp, argnums=(0, 1))(np.array(a), np.array(b))
    assert tuple(map(float, got)) == want
