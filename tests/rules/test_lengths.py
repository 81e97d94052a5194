"""Lengths and angles at the origin: the first derivative is 0, and the second one is refused."""

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import minigrad as mg

LENGTHS = {
    "norm": np.linalg.norm,
    "norm of a row of zeros": lambda x: np.sum(np.linalg.norm(np.stack([x, x + 1]), axis=1)),
    "norm, ord=3": lambda x: np.linalg.norm(x, 3),
    "matrix_norm": lambda x: mg.linalg.matrix_norm(x[None]),
    "hypot": lambda x: np.hypot(x[0], x[1]),
    "std": np.std,
    "std of rows": lambda x: np.sum(np.std(np.stack([x + 1, x + np.arange(2.0)]), axis=1)),
    "arctan2": lambda x: np.arctan2(x[0], x[1]),
}
CURVATURES = {
    "hessian": lambda f, x: mg.hessian(f)(x),
    "hvp": lambda f, x: mg.hvp(f, (x,), (np.ones(2),)),
    "reverse over forward": lambda f, x: mg.grad(lambda x: mg.jvp(f, (x,), (np.ones(2),))[1])(x),
}


@pytest.mark.parametrize("f", LENGTHS.values(), ids=list(LENGTHS))
@pytest.mark.parametrize("curvature", CURVATURES.values(), ids=list(CURVATURES))
def test_a_length_of_zero_has_no_second_derivative(f, curvature):
    """It is infinite; and where the length is squared, its rule does not see that the square has one."""
    for of_length in (lambda y: y, lambda y: y**2, np.square):
        with pytest.raises(LinAlgError, match=r"a length of 0, as of norm.*np\.sum\(x \* x\) or np\.var\(x\)"):
            curvature(lambda x, g=of_length: g(f(x)), np.zeros(2))


@pytest.mark.parametrize("f", LENGTHS.values(), ids=list(LENGTHS))
def test_a_length_of_zero_has_the_first_derivative_zero(f):
    """So have its squares, in both modes, and by a Tensor's backward pass that is recorded."""
    x = mg.tensor(np.zeros(2), requires_grad=True)
    (f(x) ** 2).backward(create_graph=True)
    assert x.grad.tolist() == mg.grad(lambda x: f(x) ** 2)(np.zeros(2)).tolist()
    np.testing.assert_allclose(mg.jvp(f, (np.zeros(2),), (np.ones(2),))[1], np.sum(mg.grad(f)(np.zeros(2))))


def test_squares_of_lengths_have_their_second_derivatives_by_other_names():
    """Those that the error names: a sum of squares, a variance, and a root of the square and a small number."""
    x, mean = np.zeros(2), np.full((2, 2), 0.5)
    np.testing.assert_array_equal(mg.hessian(lambda x: np.sum(x * x))(x), 2 * np.eye(2))
    np.testing.assert_array_equal(mg.hessian(np.var)(x), np.eye(2) - mean)
    np.testing.assert_array_equal(mg.hessian(lambda x: np.sqrt(np.sum(x * x) + 0.25))(x), 2 * np.eye(2))


def test_a_compiled_function_refuses_a_length_of_zero():
    """Also where it was recorded for another one."""
    along = np.ones(2)
    length = lambda x: np.sum(np.linalg.norm(x[None], axis=1))
    curvature = mg.compile(lambda x: mg.hvp(length, (x,), (along,))[0])
    np.testing.assert_allclose(curvature(np.array([3.0, 4.0])), [4 / 125, -3 / 125], rtol=1e-14)
    with pytest.raises(LinAlgError, match="a length of 0"):
        curvature(np.zeros(2))


def test_slopes_of_norms_of_small_order_at_zeros():
    """At a cusp the slope is 0, between the infinite ones to both sides; where one 0 makes all 0, there is no other."""
    for x, ord, slope in (([0.0, 4.0], 0.5, [0, 1]), ([0.0, 4.0], -1, [0, 0]), ([2.0, 2.0], -1, [0.25, 0.25])):
        with np.errstate(divide="ignore"):  # NumPy's, of 0 to the power -1
            found = mg.grad(lambda x, p=ord: mg.linalg.vector_norm(x, ord=p))(np.array(x))
        np.testing.assert_allclose(found, slope, rtol=1e-15)
