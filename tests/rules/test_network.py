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
