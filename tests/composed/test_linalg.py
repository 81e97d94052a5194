"""Products, norms and determinants that are made of others."""

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import minigrad as mg

from ..rules.numeric import extrapolated, gradient


def leaf(values):
    return mg.tensor(values, requires_grad=True)


def test_slogdet_is_a_named_pair():
    sign, logabsdet = mg.linalg.slogdet(leaf(-np.eye(3)))
    assert sign.item() == -1
    assert not sign.requires_grad
    assert logabsdet.item() == 0


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: np.tensordot(x, x, ([0], [1])), r"tensordot of \(3, 4\) and \(3, 4\): .*got \[3\] and \[4\]"),
        (lambda x: np.tensordot(x, x, ([0, 1], [0])), r"tensordot of .*: .*got \[3, 4\] and \[3\]"),
        (lambda x: np.tensordot(x, x, ([5], [1])), r"tensordot of .*: axes: axis 5 is out of bounds"),
        (lambda x: np.tensordot(x, x, ([0, 0], [0, 0])), r"tensordot of .*: repeated axis in `axes`"),
        (lambda x: x @ x, r"matmul of \(3, 4\) and \(3, 4\): "),
        (lambda x: np.linalg.outer(x, x), r"outer of \(3, 4\) and \(3, 4\): .*one axis"),
        (lambda x: np.linalg.matrix_norm(x, ord=3), r"matrix_norm of \(3, 4\): .*got 3"),
        (lambda x: np.linalg.norm(x[None], ord=2), r"norm of \(1, 3, 4\): .*got \(0, 1, 2\)"),
        (lambda x: np.linalg.cross(x, x), r"cross of \(3, 4\) and \(3, 4\): .*3-dimensional vectors"),
        (lambda x: np.cross(x[:, :2], x[:, :2]), r"cross of \(3, 2\) and \(3, 2\): .*3-dimensional vectors"),
        (lambda x: np.cross(x[:, :2], x[:, :3]), r"cross of \(3, 2\) and \(3, 3\): .*3-dimensional vectors"),
        (lambda x: np.cross(x, x, axis=2), r"cross of \(3, 4\) and \(3, 4\): .*axis 2 is out of bounds"),
    ],
)
def test_errors_name_the_operation_and_the_shapes(call, text):
    with pytest.raises(ValueError, match=text):
        call(leaf(np.ones((3, 4))))


A = np.array([[2.0, 0.5, -1.0], [0.3, 1.5, 0.8], [-0.4, 0.6, 3.0]])


@pytest.mark.parametrize("p", [None, 2, -2, "fro", 1, -1, np.inf, -np.inf])
def test_condition_numbers_have_derivatives(p):
    """By the definition as products of norms, in both modes and at second order; scaling a matrix changes none."""
    cond = lambda x: np.linalg.cond(x, p)
    np.testing.assert_allclose(cond(leaf(A)).data, np.linalg.cond(A, p), rtol=1e-14)
    want = gradient(cond, (A,), 0, extrapolated)
    x = leaf(A)
    cond(x).backward()
    np.testing.assert_allclose(x.grad.data, want, atol=1e-9)
    np.testing.assert_allclose(mg.jvp(cond, (A,), (A,))[1], 0, atol=1e-13)
    curved = extrapolated(lambda h: mg.grad(cond)(A + h * A.T))
    np.testing.assert_allclose(mg.jvp(mg.grad(cond), (A,), (A.T,))[1], curved, atol=1e-8)


def test_condition_numbers_of_a_stack_and_of_other_shapes():
    x = np.stack([A, 2 * A.T])[:, :2]
    for p in (None, 2, -2):
        np.testing.assert_allclose(np.linalg.cond(leaf(x), p).data, np.linalg.cond(x, p), rtol=1e-14)
    diagonal = lambda d: np.linalg.cond(np.diag(d))  # the largest over the smallest
    np.testing.assert_allclose(mg.grad(diagonal)(np.array([6.0, 4.0, 2.0])), [1 / 2, 0, -3 / 2], rtol=1e-14)


def test_condition_of_a_singular_matrix():
    """It is infinite, as with NumPy; where an inverse would be needed, a derivative is refused."""
    x = np.diag([1.0, 0.0])
    for p in (None, 2, "fro", 1, -1, np.inf):
        for singular in (x, 0 * x):
            assert np.linalg.cond(mg.tensor(singular), p).item() == np.linalg.cond(singular, p) == np.inf
    assert np.linalg.cond(mg.tensor(x), -2).item() == 0
    with pytest.raises(mg.errors.NoRuleError, match="cond has no derivative rule for its argument 0"):
        np.linalg.cond(leaf(x), 1)
    with pytest.raises(LinAlgError, match=r"cond of \(0, 0\): .*not defined on empty matrices"):
        np.linalg.cond(leaf(np.zeros((0, 0))))


NOTHING = [(0,), (0, 3), (3, 0), (0, 0), (2, 0, 3), (0, 2, 2)]
ORDERS = [None, 1, 2, 3, 0, -1, -2, np.inf, -np.inf, "fro", "nuc"]


@pytest.mark.parametrize("shape", NOTHING)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1), (1, 2)])
@np.errstate(divide="ignore")  # a sum of 0 to the power -1
def test_norms_of_nothing(shape, axis):
    """They are NumPy's, where it has one, and else refused; slopes and curvatures have the shapes of no numbers."""
    x = np.ones(shape)
    for ord in ORDERS:
        norm = lambda x, p=ord: np.linalg.norm(x, p, axis)
        try:
            want = norm(x)
        except (TypeError, ValueError):  # as older versions of NumPy refuse the largest of nothing
            if ord not in (1, 2, np.inf):
                with pytest.raises((TypeError, ValueError), match="norm of"):
                    norm(mg.tensor(x))
            continue
        np.testing.assert_array_equal(norm(mg.tensor(x)).numpy(), want)
        assert mg.grad(lambda x, f=norm: np.sum(f(x)))(x).shape == shape
        assert mg.jvp(norm, (x,), (x,))[1].shape == np.shape(want)
        assert mg.hessian(lambda x, f=norm: np.sum(f(x)))(x).shape == shape * 2


SCALED = {
    "norm": mg.norm,
    "norm, ord=2": lambda x: mg.norm(x, 2),
    "norm, axis": lambda x: mg.norm(x, axis=0),
    "norm of a matrix": lambda x: mg.norm(x[None], "fro"),
    "vector_norm": mg.linalg.vector_norm,
    "matrix_norm": lambda x: mg.linalg.matrix_norm(x[None]),
}


@pytest.mark.parametrize("norm", SCALED.values(), ids=list(SCALED))
def test_norms_of_plain_arrays_are_scaled_too(norm):
    """By the names of the package, they are those of Tensors; np.linalg.norm of an ndarray is NumPy's own."""
    x = np.array([3.0, 4.0]) * 1e200
    np.testing.assert_allclose(norm(x), 5e200, rtol=1e-15)
    assert norm(x) == norm(mg.tensor(x)).item()


def test_norms_of_plain_complex_numbers_are_numpys():
    """There is no derivative to lose, and a length is real."""
    assert mg.norm(np.array([3.0, 4.0j])) == 5
