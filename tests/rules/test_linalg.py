"""Linear algebra: singular matrices, symmetric ones, names and errors."""

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import minigrad as mg
from minigrad import nn

SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


def leaf(values):
    return mg.tensor(values, requires_grad=True)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (np.linalg.inv, r"inv of \(2, 2\): Singular matrix"),
        (lambda x: np.linalg.solve(x, np.ones(2)), r"solve of \(2, 2\) and \(2,\): Singular matrix"),
        (np.linalg.cholesky, r"cholesky of \(2, 2\): Matrix is not positive definite"),
        (lambda x: np.linalg.cholesky(x[:1]), r"cholesky of \(1, 2\): Last 2 dimensions of the array must be square"),
        (lambda x: np.linalg.det(x[0]), r"det of \(2,\): .*must be"),
    ],
)
def test_errors_of_linalg_are_named(call, text):
    with pytest.raises(LinAlgError, match=text):
        call(leaf(SINGULAR))


@pytest.mark.parametrize("f", [np.linalg.det, lambda x: np.linalg.slogdet(x).logabsdet])
def test_determinant_of_a_singular_matrix_has_a_value_and_no_gradient(f):
    y = f(leaf(SINGULAR))
    assert y.item() in (0, -np.inf)
    with pytest.raises(LinAlgError, match=r"the derivative of the determinant of \(2, 2\): Singular matrix"):
        y.backward()


def test_slogdet_is_a_named_pair():
    sign, logabsdet = mg.linalg.slogdet(leaf(-np.eye(3)))
    assert sign.item() == -1
    assert not sign.requires_grad
    assert logabsdet.item() == 0


def test_gradient_of_cholesky_is_symmetric():
    """The matrix is taken to be symmetric, and so is its gradient."""
    x = leaf(np.array([[2.0, 1.0], [1.0, 3.0]]))
    np.linalg.cholesky(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), x.grad.numpy().T)


@pytest.mark.parametrize("ord", [2, "nuc"])
def test_second_derivative_by_singular_values_is_refused(ord):
    x = np.array([[2.0, 1.0], [0.0, 1.0]])
    with pytest.raises(mg.errors.NoRuleError, match="singular_vectors has no derivative rule"):
        mg.grad(lambda x: mg.sum(mg.grad(lambda x: np.linalg.matrix_norm(x, ord=ord))(x)))(x)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: np.tensordot(x, x, ([0], [1])), r"tensordot of \(3, 4\) and \(3, 4\): .*got \[3\] and \[4\]"),
        (lambda x: x @ x, r"matmul of \(3, 4\) and \(3, 4\): "),
        (lambda x: np.linalg.outer(x, x), r"outer of \(3, 4\) and \(3, 4\): .*one axis"),
        (lambda x: np.linalg.matrix_norm(x, ord=3), r"matrix_norm of \(3, 4\): .*got 3"),
        (lambda x: np.linalg.norm(x[None], ord=2), r"norm of \(1, 3, 4\): .*got \(0, 1, 2\)"),
        (lambda x: np.linalg.cross(x, x), r"cross of \(3, 4\) and \(3, 4\): "),
    ],
)
def test_errors_name_the_operation_and_the_shapes(call, text):
    with pytest.raises(ValueError, match=text):
        call(leaf(np.ones((3, 4))))


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ("ij,jk", [(3, 4)], r"'ij,jk' is of 2 arrays; got 1"),
        ("i!", [(3, 4)], r"'i!' has something other than letters"),
        ("ijk", [(3, 4)], r"'ijk' in 'ijk' is of 3 axes; got an array of 2"),
        ("i", [(3, 4)], r"'i' in 'i' is of 1 axes; got an array of 2"),
        ("ij->k", [(3, 4)], r"the result of 'ij->k' has each index once, and only those of the arrays"),
        ("ij->ii", [(3, 4)], r"the result of 'ij->ii' has each index once"),
        ("ij,jk->ik", [(3, 4), (3, 4)], r"the index j of 'ij,jk->ik' is of length 4; got 3"),
        ("ii", [(3, 4)], r"the index i of 'ii' is of length 3; got 4"),
        ("i->->i", [(3,)], r"'i->->i' has something other than letters"),
    ],
)
def test_einsum_says_what_does_not_fit(text, shapes, message):
    arrays = [leaf(np.ones(shape)) for shape in shapes]
    with pytest.raises(ValueError, match=r"einsum of .*: " + message):
        np.einsum(text, *arrays)


def test_einsum_multiplies_in_a_cheap_order():
    """A chain of three matrices of 1000 by 2 and back needs no product of 1000 by 1000."""
    a, b = np.ones((1000, 2)), np.ones((2, 1000))
    sizes = []
    from minigrad.primitive import observers

    observers.append(lambda primitive, i, answer, *_: sizes.append(answer.size))
    try:
        mg.grad(lambda a: np.einsum("ij,jk,kl->", a, b, a))(a)
    finally:
        observers.pop()
    assert max(sizes) <= 2000


def test_methods_of_matrices():
    x = leaf(np.arange(6.0).reshape(2, 3))
    assert x.dot(np.ones(3)).tolist() == [3, 12]
    assert x.trace().item() == 4
    assert x.diagonal().tolist() == [0, 4]
    assert (x @ x.mT).tolist() == [[5, 14], [14, 50]]


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 2, 3, 4), (0, 3, 4), (2, 0, 4)])
def test_stack_times_matrix_is_a_single_product(shape):
    """Of all rows at once, which is sooner done; the values are those of np.matmul, and so are transposed stacks'."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=shape), rng.normal(size=(4, 5))
    np.testing.assert_allclose(mg.matmul(a, b), np.matmul(a, b), rtol=1e-13, atol=1e-15)
    turned = np.swapaxes(rng.normal(size=(*shape[:-2], 4, shape[-2])), -1, -2)
    np.testing.assert_allclose(mg.matmul(turned, b), np.matmul(turned, b), rtol=1e-13, atol=1e-15)
    assert mg.matmul(np.ones((*shape[:-1], 0)), np.ones((0, 5))).tolist() == np.zeros((*shape[:-1], 5)).tolist()


def test_stack_times_a_matrix_that_does_not_fit_is_refused():
    """With the shapes that came."""
    with pytest.raises(ValueError, match=r"matmul of \(2, 3, 4\) and \(3, 5\)"):
        mg.matmul(mg.zeros((2, 3, 4)), mg.zeros((3, 5)))


def test_affine_takes_the_wider_dtype():
    """A float64 bias makes float64 of a float32 product, as in NumPy; gradients have their arguments' dtypes."""
    x, w, b = (leaf(np.ones(shape, dtype)) for shape, dtype in (((3, 2), "f4"), ((2, 4), "f4"), ((4,), "f8")))
    y = nn.functional.linear(x, w, b)
    y.sum().backward()
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y.data, np.full((3, 4), 3.0))
    assert [v.grad.dtype.name for v in (x, w, b)] == ["float32", "float32", "float64"]


def test_affine_refuses_a_bias_that_would_broadcast():
    """It does not widen the product."""
    with pytest.raises(ValueError, match=r"affine of \(3, 2\) and \(2, 1\) and \(4,\)"):
        nn.functional.linear(mg.zeros((3, 2)), mg.zeros((2, 1)), mg.zeros(4))
