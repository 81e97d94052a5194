"""Decompositions: equal and vanishing singular values, and triangular factors."""

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import minigrad as mg

from .numeric import extrapolated


def with_values(*values, shape=(3, 3), seed=0):
    """A matrix with given singular values."""
    u, _, v = np.linalg.svd(np.random.default_rng(seed).normal(size=shape), full_matrices=False)
    return (u * values) @ v


def test_gradient_of_cholesky_is_symmetric():
    """The matrix is taken to be symmetric, and so is its gradient."""
    x = mg.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)
    np.linalg.cholesky(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), x.grad.numpy().T)


def test_upper_factor_is_the_transpose_of_the_lower():
    """Value and gradient, by the option of the Array API."""
    x, w = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    upper = mg.value_and_grad(lambda x: np.sum(np.linalg.cholesky(x, upper=True) * w))(x)
    lower = mg.value_and_grad(lambda x: np.sum(np.linalg.cholesky(x) * w.T))(x)
    np.testing.assert_allclose(upper[0], lower[0], rtol=1e-15)
    np.testing.assert_allclose(upper[1], lower[1], rtol=1e-14)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_nuclear_norm_is_right_at_every_order_where_singular_values_are_equal(shape):
    """Up to the third derivative against differences; the polar factor does not ask which vector is which."""
    rng = np.random.default_rng(0)
    u, _, v = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    x = (u * [2.0, 2.0, 0.5]) @ v
    f = lambda x: np.linalg.matrix_norm(x, ord="nuc")
    for direction in rng.normal(size=(3, *shape)):
        want = extrapolated(lambda h, f=f, d=direction: f(x + h * d))
        f = lambda x, f=f, d=direction: np.sum(mg.grad(f)(x) * d)
        np.testing.assert_allclose(f(x), want, rtol=1e-9)


@pytest.mark.parametrize("ord", [2, -2])
def test_other_singular_values_may_be_equal(ord):
    """The second derivative of the largest, or smallest, asks only that it differs from the others."""
    rng = np.random.default_rng(0)
    u, _, v = np.linalg.svd(rng.normal(size=(4, 3)), full_matrices=False)
    x = (u * ([3.0, 1.0, 1.0] if ord == 2 else [3.0, 3.0, 1.0])) @ v
    gradient = mg.grad(lambda x: np.linalg.matrix_norm(x, ord=ord))
    direction = rng.normal(size=x.shape)
    want = extrapolated(lambda h: gradient(x + h * direction))
    np.testing.assert_allclose(mg.jvp(gradient, (x,), (direction,))[1], want, atol=1e-10)
    np.testing.assert_allclose(mg.grad(lambda x: np.sum(gradient(x) * direction))(x), want, atol=1e-10)


def test_third_derivative_of_singular_values():
    x = np.random.default_rng(0).normal(size=(4, 3))
    second = mg.grad(lambda x: np.sum(mg.grad(lambda x: np.linalg.svdvals(x)[1])(x) ** 2 * x))
    np.testing.assert_allclose(
        mg.jvp(second, (x,), (x[::-1],))[1], extrapolated(lambda h: second(x + h * x[::-1])), atol=1e-9
    )


# Second derivatives where singular values coincide, or vanish

OF_VALUES = {
    "squares": lambda x: np.sum(np.linalg.svdvals(x) ** 2),
    "product": lambda x: np.prod(np.linalg.svdvals(x)),
    "logarithms": lambda x: np.sum(np.log(1 + np.linalg.svdvals(x) ** 2)),
    "square of the sum": lambda x: np.sum(np.linalg.svdvals(x)) ** 2,
    "one of them": lambda x: np.linalg.svdvals(x)[1] ** 2,
}


@pytest.mark.parametrize("f", OF_VALUES.values(), ids=list(OF_VALUES))
@pytest.mark.parametrize(
    "x",
    [
        np.eye(2),
        np.zeros((2, 2)),
        np.outer([1.0, 2.0], [3.0, 4.0]),
        with_values(2.0, 2.0, 1.0),
        with_values(3.0, 1.0, 0.0),
    ],
    ids=["identity", "zeros", "rank one", "two equal", "one zero"],
)
def test_second_derivatives_are_refused_where_no_rule_knows_them(f, x):
    """Where values coincide, or are 0, there is an error in place of a number: in each nesting of the modes."""
    along = np.ones(x.shape)
    for second in (
        lambda: mg.hessian(f)(x),
        lambda: mg.jvp(mg.grad(f), (x,), (along,)),
        lambda: mg.grad(lambda x: np.sum(mg.grad(f)(x) * along))(x),
        lambda: mg.grad(lambda x: mg.jvp(f, (x,), (along,))[1])(x),
    ):
        with pytest.raises(LinAlgError, match=r"singular values that coincide, or are 0, .*matrix_norm"):
            second()


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_sum_of_squared_singular_values_has_the_hessian_of_squares(shape):
    """It is the sum of squared elements, of Hessian 2, where the values differ; they may differ by little."""
    for values in ([3.0, 2.0, 1.0], [1.0 + 1e-9, 1.0, 1.0 - 1e-9], [1.0, 1e-3, 1e-9]):
        x = with_values(*values, shape=shape)
        want = 2 * np.eye(x.size).reshape(*shape, *shape)
        np.testing.assert_allclose(mg.hessian(OF_VALUES["squares"])(x), want, atol=1e-6)  # of differences of 1e-9


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_sum_of_singular_values_needs_no_distinct_ones(shape):
    """Its gradient by the values does not depend on them, so its second derivative is that of the nuclear norm."""
    x = with_values(2.0, 2.0, 0.5, shape=shape)
    total = mg.hessian(lambda x: np.sum(np.linalg.svdvals(x)))(x)
    np.testing.assert_allclose(total, mg.hessian(lambda x: np.linalg.matrix_norm(x, ord="nuc"))(x), atol=1e-12)


def test_weights_that_do_not_depend_on_the_matrix():
    """Where two values are equal, their weighted sum has a derivative along the matrix if they weigh the same."""
    x, along = with_values(2.0, 2.0, 0.5), np.random.default_rng(1).normal(size=(3, 3))
    f = lambda w: lambda x: np.sum(w * np.linalg.svdvals(x))
    gradient = mg.grad(f(np.array([1.0, 1.0, 3.0])))
    want = extrapolated(lambda h: gradient(x + h * along))
    np.testing.assert_allclose(mg.jvp(gradient, (x,), (along,))[1], want, atol=1e-9)
    with pytest.raises(LinAlgError, match="coincide"):
        mg.jvp(mg.grad(f(np.array([1.0, 2.0, 3.0]))), (x,), (along,))


def test_gradient_of_equal_singular_values_is_that_of_their_matrices():
    """First derivatives of functions that treat all values alike do not ask which vector is which."""
    for x in (np.eye(3), np.zeros((2, 3)), np.outer([1.0, 2.0], [3.0, 4.0])):
        np.testing.assert_allclose(mg.grad(OF_VALUES["squares"])(x), 2 * x, atol=1e-14)


@pytest.mark.parametrize("ord", [2, -2])
def test_an_extreme_value_that_is_not_alone_has_no_second_derivative(ord):
    """The largest or smallest of several equal values has a kink; its gradient there is the mean of theirs."""
    x = np.diag([2.0, 2.0])
    norm = lambda x: np.linalg.matrix_norm(x, ord=ord)
    np.testing.assert_allclose(mg.grad(norm)(x), np.eye(2) / 2, atol=1e-15)
    with pytest.raises(LinAlgError, match="coincide"):
        mg.hessian(norm)(x)


def test_largest_of_a_matrix_of_rank_one():
    """Its square is the sum of squares there and near, but for directions of a second rank, in which it grows less."""
    x = np.outer([3.0, 0.0], [1.0, 0.0])
    want = mg.hessian(lambda x: np.sum(x * x))(x)
    want[1, 1] = 0
    np.testing.assert_allclose(mg.hessian(lambda x: np.linalg.norm(x, 2) ** 2)(x), want, atol=1e-14)


def test_nuclear_norm_of_a_singular_matrix_has_no_second_derivative():
    """Where a value is 0, the nuclear norm has a kink, as the absolute value has."""
    for x in (np.outer([1.0, 2.0], [3.0, 4.0]), with_values(2.0, 1.0, 0.0, shape=(4, 3))):
        with pytest.raises(LinAlgError, match="the nuclear norm, .* has no second derivative where one of them is 0"):
            mg.hessian(lambda x: np.linalg.norm(x, "nuc"))(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_does_not_tell_singular_values_apart(dtype):
    """Values that are equal but for rounding coincide, so that no derivative is a quotient of rounding errors."""
    for seed in range(10):
        x = with_values(1.0, 1.0, 1.0, seed=seed).astype(dtype)
        with pytest.raises(LinAlgError, match="coincide"):
            mg.hessian(OF_VALUES["squares"])(x)
