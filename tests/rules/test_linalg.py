"""Linear algebra: singular matrices, symmetric ones, names and errors."""

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import minigrad as mg
from minigrad import nn

from .numeric import extrapolated

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


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("stack", [(), (2,)])
def test_products_with_plain_matrices_to_the_second_order(side, stack):
    """Where a cotangent is watched and the other factor is not, the matrices being no squares."""
    rng = np.random.default_rng(0)
    a, x = rng.normal(size=(*stack, 3, 4)), rng.normal(size=(*stack, 4, 2) if side == "right" else (*stack, 2, 3))
    product = (lambda x: a @ x) if side == "right" else (lambda x: x @ a)
    loss = lambda x: np.sum(product(x) ** 3)
    t = rng.normal(size=x.shape)
    want = extrapolated(lambda h: mg.grad(loss)(x + h * t))
    np.testing.assert_allclose(mg.jvp(mg.grad(loss), (x,), (t,))[1], want, rtol=1e-9)
    np.testing.assert_allclose(mg.grad(lambda x: np.sum(mg.grad(loss)(x) * t))(x), want, rtol=1e-9)


def of_rank(rank, n=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, rank)) @ rng.normal(size=(rank, n))


def cofactors_by_minors(x):
    rows = range(len(x))
    minors = [[np.linalg.det(np.delete(np.delete(x, i, 0), j, 1)) for j in rows] for i in rows]
    return np.array(minors) * np.fromfunction(lambda i, j: (-1) ** (i + j), x.shape)


@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
def test_gradient_of_a_determinant_has_the_cofactors(rank):
    """Also of a singular matrix, where the inverse times the determinant would be infinity times 0."""
    x = of_rank(rank)
    np.testing.assert_allclose(mg.grad(np.linalg.det)(x), cofactors_by_minors(x), atol=1e-13)


@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e140])
@pytest.mark.parametrize("condition", [1e2, 1e4, 1e6, 1e12])
def test_cofactors_of_any_condition_and_size(condition, scale):
    """By the inverse where that is accurate and nothing underflows or overflows, by the singular values elsewhere."""
    rng = np.random.default_rng(3)
    u, v = (np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(2))
    large, middle, small = np.array([condition, condition**0.5, 1.0]) * scale
    x = u * [large, middle, small] @ v.T
    products = [middle * small, large * small, large * middle]
    want = np.linalg.det(u) * np.linalg.det(v) * (u * products @ v.T)
    with np.errstate(over="ignore"):  # of the determinant itself
        found = mg.grad(np.linalg.det)(x)
    np.testing.assert_allclose(found / np.abs(want).max(), want / np.abs(want).max(), rtol=0, atol=1e-10)


def test_a_stack_of_one_regular_and_one_singular_matrix():
    """Each has its cofactors."""
    x = np.stack([of_rank(4), of_rank(3)])
    want = [cofactors_by_minors(m) for m in x]
    np.testing.assert_allclose(mg.grad(lambda x: np.sum(np.linalg.det(x)))(x), want, atol=1e-13)


@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
def test_determinant_is_right_at_every_order_and_rank(rank):
    """A second, a third and a fourth derivative against differences of the order below."""
    x = of_rank(rank)
    along = np.random.default_rng(1).normal(size=(4, 4, 4))
    f = np.linalg.det
    for v in along:
        want = extrapolated(lambda h, f=f, v=v: f(x + h * v))
        f = lambda x, f=f, v=v: mg.jvp(f, (x,), (v,))[1]
        np.testing.assert_allclose(f(x), want, atol=1e-8)  # of values up to 100
        reverse = np.sum(mg.grad(f)(x) * v)
        np.testing.assert_allclose(reverse, mg.jvp(f, (x,), (v,))[1], atol=1e-10)


def test_derivatives_of_determinants_in_a_stack_are_those_of_each():
    """Up to the third order, in a stack with two axes."""
    rng = np.random.default_rng(0)
    x, a, b = rng.normal(size=(3, 1, 2, 4, 4))
    first = mg.grad(lambda x: np.sum(np.linalg.det(x)))
    second = lambda x, a=a: mg.jvp(first, (x,), (a,))[1]
    together = [first(x), second(x), mg.jvp(second, (x,), (b,))[1]]
    for i in range(2):
        each = [first(x[0, i]), second(x[0, i], a[0, i])]
        each.append(mg.jvp(lambda x, i=i: second(x, a[0, i]), (x[0, i],), (b[0, i],))[1])
        for one, all_of_them in zip(each, together, strict=True):
            np.testing.assert_allclose(all_of_them[0, i], one, rtol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_determinant_of_small_matrices(n):
    """Of no rows it is 1, of one the number itself: the derivatives end at order n."""
    x = np.ones((2, n, n))
    f = lambda x: np.sum(np.linalg.det(x))
    orders = [f]
    for _ in range(3):
        orders.append(lambda x, f=orders[-1]: np.sum(mg.grad(f)(x) * np.eye(n)))
    want = {0: [2, 0, 0, 0], 1: [2, 2, 0, 0], 2: [0, 4, 4, 0]}[n]
    np.testing.assert_allclose([f(x) for f in orders], want, atol=1e-14)


def test_slogdet_of_a_singular_matrix_is_minus_infinity_and_has_no_gradient():
    """As with NumPy: sign 0, logarithm -inf. The derivative is infinite, in no direction of its own."""
    sign, y = np.linalg.slogdet(leaf(SINGULAR))
    assert (sign.item(), y.item()) == (0, -np.inf)
    with pytest.raises(LinAlgError, match=r"slogdet of \(2, 2\) is -inf and has no derivative: Singular matrix"):
        y.backward()


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


@pytest.mark.parametrize(
    ("f", "a", "b"),
    [
        (np.matmul, (2, 3, 0), (0, 4)),
        (np.matmul, (2, 0, 3), (3, 4)),
        (np.matmul, (0, 2, 3), (3, 0)),
        (np.matmul, (0,), (0,)),
        (np.matmul, (3, 0), (0,)),
        (np.matmul, (0,), (2, 0, 3)),
        (np.matmul, (2, 3, 0), (2, 0, 4)),
        (np.dot, (3, 0), (0, 2)),
        (np.inner, (2, 0), (3, 0)),
        (np.vecdot, (3, 0), (3, 0)),
        (np.outer, (0,), (3,)),
        (lambda a, b: np.tensordot(a, b, axes=2), (2, 0, 3), (0, 3, 4)),
        (lambda a, b: np.einsum("bij,jk->bik", a, b), (2, 3, 0), (0, 4)),
        (lambda a, b: np.einsum("ij,kj->", a, b), (2, 0), (3, 0)),
    ],
)
def test_sums_of_no_products_have_zero_gradients(f, a, b):
    """A product over an empty axis is 0, and its derivatives are zeros of the arguments' shapes, at both orders."""
    a, b = np.ones(a), np.ones(b)
    total = lambda a, b: np.sum(f(a, b) + 1.0) ** 2
    x, y = leaf(a), leaf(b)
    total(x, y).backward()
    for g, like in zip((*mg.grad(total, argnums=(0, 1))(a, b), x.grad, y.grad), (a, b, a, b), strict=True):
        np.testing.assert_array_equal(g, np.zeros(like.shape))
    _, dy = mg.jvp(f, (a, b), (a, b))
    np.testing.assert_array_equal(dy, np.zeros(f(a, b).shape))
    mixed = mg.grad(lambda a: np.sum(mg.grad(lambda b: total(a, b))(b)))(a)
    np.testing.assert_array_equal(mixed, np.zeros(a.shape))
