"""Numbers at the ends of their range, empty axes, small integers, and what kind of array a derivative is."""

import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F

from .numeric import by_backward, close, leaf, plain, right_or_refused, slopes, units

A = np.array([[2.0, 0.5, -1.0], [0.3, 1.5, 0.8]])


# Norms beyond the range of squares


NORMS = {
    "norm": np.linalg.norm,
    "norm of rows": lambda x: np.sum(np.linalg.norm(x.reshape(1, -1), axis=1)),
    "norm, keepdims": lambda x: np.sum(np.linalg.norm(x, axis=0, keepdims=True)),
    "norm, ord=2": lambda x: np.linalg.norm(x, 2),
    "vector_norm": mg.linalg.vector_norm,
    "vector_norm, axis": lambda x: mg.linalg.vector_norm(x, axis=-1),
    "Frobenius": lambda x: np.linalg.norm(x.reshape(1, -1), "fro"),
    "matrix_norm": lambda x: mg.linalg.matrix_norm(x.reshape(-1, 1)),
}


@pytest.mark.parametrize("norm", NORMS.values(), ids=list(NORMS))
@pytest.mark.filterwarnings("ignore:overflow encountered")  # NumPy's own norm overflows, too
def test_gradient_of_a_norm_whose_squares_leave_the_range(norm):
    """The gradient of |x| is x / |x|, of length one, though the squares of x underflow to 0 or overflow."""
    for scale in (1e-170, 1e-200, 1e170, np.float32(1e-25), np.float32(1e25)):
        x = np.array([3.0, -4.0], getattr(scale, "dtype", float)) * scale
        for gradient in (mg.grad(norm)(x), by_backward(norm, x)):
            close(gradient, [0.6, -0.8], rtol=1e-6 if x.dtype == np.float32 else 1e-12)
            assert gradient.dtype == x.dtype


def test_directional_derivative_of_a_norm_that_underflows():
    """Forward mode has the same slope, and the norm of rows of different sizes has that of each."""
    x = np.array([3e-170, -4e-170])
    close(mg.jvp(np.linalg.norm, (x,), (np.array([1.0, 2.0]),))[1], 0.6 - 1.6)
    rows = np.array([[3e-170, 4e-170], [0.0, 0.0], [3.0, 4.0]])
    close(mg.grad(lambda x: np.sum(np.linalg.norm(x, axis=1)))(rows), [[0.6, 0.8], [0.0, 0.0], [0.6, 0.8]])


# Sums of exponentials, in coarse arithmetic


@pytest.mark.parametrize(
    ("dtype", "size"), [(np.float64, 1e17), (np.float32, 1e7), (np.float32, 3e8), (np.float16, 2e3), (np.float32, -1e7)]
)
def test_weights_of_large_exponents_sum_to_one(dtype, size):
    """Where a number's neighbours are further off than log 2, equal exponents still have weights of one half each."""
    x = np.array([size, size], dtype)
    tolerance = {"rtol": 2e-3 if dtype == np.float16 else 1e-6}
    half = np.array([0.5, 0.5])
    for name, got in {
        "logsumexp": mg.grad(mg.logsumexp)(x),
        "by backward": by_backward(mg.logsumexp, x),
        "axis": mg.grad(lambda x: np.sum(mg.logsumexp(x.reshape(2, 1), axis=0)))(x),
        "keepdims": mg.grad(lambda x: np.sum(mg.logsumexp(x, axis=0, keepdims=True)))(x),
        "logaddexp": mg.grad(lambda x: np.logaddexp(x[0], x[1]))(x),
        "reduce": mg.grad(lambda x: mg.logsumexp(np.stack([x, x])))(x),
    }.items():
        np.testing.assert_allclose(plain(got), half, **tolerance, err_msg=name)
        assert got.dtype == dtype
    close(mg.jvp(mg.logsumexp, (x,), (np.array([1.0, 3.0], dtype),))[1], 2.0, **tolerance)


def test_softmax_of_large_single_precision():
    """softmax and log_softmax are differences of exponents: their derivatives at (1e7, 1e7) are those at (0, 0)."""
    x, zero = np.float32([1e7, 1e7]), np.float32([0.0, 0.0])
    for f, want in (
        (mg.softmax, [[0.25, -0.25], [-0.25, 0.25]]),
        (mg.log_softmax, [[0.5, -0.5], [-0.5, 0.5]]),
    ):
        for at in (x, zero):
            close(mg.jacobian(f)(at), want, rtol=1e-6)
    cross_entropy = lambda x: F.cross_entropy(x.reshape(1, 2), np.array([0]))
    close(mg.grad(cross_entropy)(x), [-0.5, 0.5], rtol=1e-6)
    weights = np.exp([0.0, 2.0]) / np.sum(np.exp([0.0, 2.0]))
    close(mg.grad(mg.logsumexp)(np.float32([1e7, 1e7 + 2])), weights, rtol=1e-6)


def test_curvature_of_logsumexp_at_large_single_precision():
    """The Hessian is diag(p) - p p^T for the weights p = (1/2, 1/2)."""
    close(mg.hessian(mg.logsumexp)(np.float32([1e7, 1e7])), [[0.25, -0.25], [-0.25, 0.25]], rtol=1e-6)


# Many numbers in half precision


def test_mean_of_many_in_half_precision():
    """1 / n is a number of float16 where n is none: the derivative of a mean of 100,000 is 1e-5."""
    x, share = np.ones(100_000, np.float16), np.float16(1e-5)
    for got in (
        mg.grad(mg.mean)(x),
        by_backward(mg.mean, x),
        mg.grad(lambda x: np.sum(np.mean(x.reshape(100, -1, 2), axis=(0, 1))))(x) / np.float16(2),
        mg.grad(lambda x: np.sum(np.mean(x[:, None], axis=0, keepdims=True)))(x),
        mg.grad(lambda x: x.mean())(x),
    ):
        assert got.dtype == np.float16
        np.testing.assert_array_equal(np.unique(plain(got)), share)
    close(mg.jvp(mg.mean, (x,), (x,))[1], 1.0, rtol=1e-3)


def test_variance_of_many_in_half_precision():
    """The derivative of a variance is 2 (x - mean) / n, also where n exceeds what float16 holds."""
    x = np.tile(np.float16([0.5, -0.5]), 50_000)  # the squares sum to 25,000, which float16 holds
    for f in (mg.var, mg.std):  # at std = 1/2 the two derivatives are the same
        got = mg.grad(f)(x)
        assert got.dtype == np.float16
        np.testing.assert_allclose(plain(got), 2e-5 * x, rtol=1e-2)  # 1e-5 is a subnormal number, of 8 bits


def test_loss_of_many_in_half_precision():
    """The mean of a loss over 100,000 differences of float16 has the gradient 2 d / n."""
    x = np.ones(100_000, np.float16)
    got = mg.grad(lambda x: F.mse_loss(x, np.zeros_like(x)))(x)
    assert got.dtype == np.float16
    np.testing.assert_allclose(plain(got), 2e-5, rtol=5e-3)


# Axes that are dropped, or empty


DROPPED = {
    "all of (1, 3)": (np.zeros(3), np.s_[:], np.ones((1, 3)) * [1.0, 2.0, 3.0]),
    "a row of (1, 3)": (np.zeros((2, 3)), 0, np.ones((1, 3)) * [1.0, 2.0, 3.0]),
    "a row of (1, 1, 3)": (np.zeros((2, 3)), -1, np.ones((1, 1, 3)) * [1.0, 2.0, 3.0]),
    "broadcast of (1, 1, 1)": (np.zeros((2, 3)), 0, np.full((1, 1, 1), 4.0)),
    "a column of (1, 2)": (np.zeros((2, 3)), np.s_[:, 1], np.array([[5.0, 6.0]])),
    "a column of (1, 1)": (np.zeros((2, 3)), np.s_[:, 1], np.array([[5.0]])),
    "positions of (1, 2)": (np.zeros(3), np.array([2, 0]), np.array([[5.0, 6.0]])),
}


@pytest.mark.parametrize("name", DROPPED)
def test_updates_that_drop_leading_axes(name):
    """NumPy drops leading axes of length one from what it writes: their derivative comes back with them."""
    x, index, v = DROPPED[name]
    weights = 1.0 + np.arange(x.size).reshape(x.shape)

    def numpys(v):
        y = x.copy()
        y[index] = v
        return y

    def in_place(v):
        y = mg.zeros(x.shape)
        y[index] = v
        return y

    want = np.tensordot(weights, slopes(numpys, v), axes=x.ndim)
    for update in (lambda v: mg.index_update(x, index, v), in_place):
        close(mg.grad(lambda v, update=update: np.sum(update(v) * weights))(v), want, rtol=1e-9)
        close(by_backward(lambda v, update=update: np.sum(update(v) * weights), v), want, rtol=1e-9)
        close(mg.jacobian(update)(v), slopes(numpys, v), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("f", "a", "b"),
    [
        (np.matmul, (2, 3, 0), (0, 4)),
        (np.matmul, (0,), (0,)),
        (np.matmul, (3, 0), (0,)),
        (np.matmul, (0,), (2, 0, 3)),
        (np.matmul, (0, 2), (2, 3)),
        (np.dot, (3, 0), (0, 2)),
        (np.dot, (0,), (0,)),
        (np.inner, (2, 0), (3, 0)),
        (np.vecdot, (3, 0), (3, 0)),
        (np.outer, (0,), (3,)),
        (lambda a, b: np.tensordot(a, b, axes=1), (2, 0), (0, 3)),
        (lambda a, b: mg.einsum("ij,jk->ik", a, b), (2, 0), (0, 3)),
        (lambda a, b: mg.einsum("ij,kj->", a, b), (2, 0), (3, 0)),
        (np.multiply, (0, 3), (3,)),
    ],
)
def test_products_over_an_empty_axis(f, a, b):
    """A sum over no terms is 0, and its derivatives are zeros of the shapes of their arguments."""
    a, b = np.ones(a), np.ones(b)
    total = lambda a, b: np.sum(f(a, b))
    da, db = mg.grad(total, argnums=(0, 1))(a, b)
    close(total(mg.tensor(a), mg.tensor(b)), total(a, b))
    close(da, np.zeros(a.shape))
    close(db, np.zeros(b.shape))
    x, y = mg.tensor(a, requires_grad=True), mg.tensor(b, requires_grad=True)
    total(x, y).backward()
    close(x.grad, da)
    close(y.grad, db)
    assert np.shape(mg.jvp(f, (a, b), (a, b))[1]) == np.shape(f(a, b))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x, axis=1),
        lambda x: np.prod(x, axis=1),
        lambda x: np.cumsum(x, axis=1),
        lambda x: x.reshape(0, 3).T,
        lambda x: np.stack([x, x]),
        lambda x: x[:, None] * np.ones((3, 2, 0)),
        lambda x: np.linalg.norm(x, axis=1),
        lambda x: np.sort(x, axis=1),
        lambda x: mg.take(x, np.zeros(0, int), axis=0),
        lambda x: np.flip(x, axis=0),
    ],
)
def test_reductions_over_an_empty_axis(f):
    """The gradient of a function of an array of shape (3, 0) has that shape; so has its pull-back and Jacobian."""
    x = np.ones((3, 0))
    assert mg.grad(lambda x: np.sum(f(x)))(x).shape == (3, 0)
    assert by_backward(lambda x: np.sum(f(x)), x).shape == (3, 0)
    assert mg.jacobian(f)(x).shape == (*np.shape(f(x)), 3, 0)


# Small integers as positions


INTEGERS = [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_small_integers_as_positions(dtype):
    """Positions in a small integer type do not overflow in the gradient, where an array has more elements than it."""
    x = np.ones((65, 1100))
    rows = np.array([60, 60, 3], dtype)
    want = np.zeros(x.shape)
    want[60], want[3] = 2.0, 1.0
    for f in (
        lambda x: x[rows],
        lambda x: np.take(x, rows, axis=0),
        lambda x: x[rows, :],
        lambda x: x[..., None][rows],
        lambda x: np.swapaxes(np.take(np.swapaxes(x, 0, 1), rows, axis=1), 0, 1),
        lambda x: F.embedding(rows, x),
    ):
        close(mg.grad(lambda x, f=f: mg.sum(f(x)))(x), want)
        close(by_backward(lambda x, f=f: mg.sum(f(x)), x), want)
    want[...] = 0.0
    want[60, 100], want[3, 2] = 2.0, 1.0
    close(mg.grad(lambda x: mg.sum(x[rows, np.array([100, 100, 2], dtype)]))(x), want)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_small_integers_as_positions_of_writes(dtype):
    """Positions in a small integer type do not overflow in updates, additions and elements along an axis."""
    x, rows = np.ones((130, 70)), np.array([120, 3, 120], dtype)
    v = np.ones((3, 70)) * [[1.0], [2.0], [3.0]]
    kept = np.ones(130)
    kept[[120, 3]] = 0.0
    dx, dv = mg.grad(lambda x, v: mg.sum(mg.index_update(x, rows, v)), argnums=(0, 1))(x, v)
    close(dx, kept[:, None] * x)
    close(dv, [[0.0], [1.0], [1.0]] * np.ones(70))
    dx, dv = mg.grad(lambda x, v: mg.sum(mg.index_add(x, rows, v) ** 2), argnums=(0, 1))(x, v)
    total = x.copy()
    np.add.at(total, rows.astype(int), v)
    close(dx, 2 * total)
    close(dv, 2 * total[rows.astype(int)])
    close(mg.grad(lambda x: mg.sum(mg.take_along_axis(x, rows[:, None], axis=0)))(x)[[120, 3], 0], [2.0, 1.0])
    if np.dtype(dtype).kind == "i":
        want = np.zeros(x.shape)
        want[-7] = 2.0
        close(mg.grad(lambda x: mg.sum(x[np.array([-7, -7], dtype)]))(x), want)


def test_small_integers_as_labels():
    """Labels of 200 classes in uint8 have the gradient of the same labels in int64, softmax less one."""
    scores, labels = np.zeros((300, 200)), (np.arange(300) % 200).astype(np.uint8)
    want = np.full((300, 200), 1 / 200) - np.eye(200)[labels]
    close(mg.grad(lambda x: F.cross_entropy(x, labels, reduction="sum"))(scores), want)


# The kind of a derivative


CONSTANTS = {
    "float": lambda x: 5.0,
    "int": lambda x: 5,
    "float64": lambda x: np.float64(5.0),
    "array": lambda x: np.array(5.0),
    "Tensor": lambda x: mg.tensor(5.0),
    "detached": lambda x: np.sum(x.detach() * 2.0),
    "count": lambda x: np.count_nonzero(x),
    "position": lambda x: np.argmax(x),
    "sum of comparisons": lambda x: np.sum(x > 0),
    "zeros_like": lambda x: np.sum(np.zeros_like(x)),
    "other": lambda x: mg.sum(mg.ones(3)),
    "item": lambda x: x[0].item(),
}
KINDS = (
    (np.array([1.0, 2.0]), np.ndarray),
    (np.float32([1.0, 2.0]), np.ndarray),
    (mg.tensor([1.0, 2.0]), mg.Tensor),
    (leaf(1.0, 2.0), mg.Tensor),
)


@pytest.mark.parametrize("constant", CONSTANTS.values(), ids=list(CONSTANTS))
def test_the_gradient_of_a_constant_is_zero(constant):
    """A function that returns a constant has the gradient zero, of its argument's shape, dtype and kind."""
    for x, kind in KINDS:
        value, gradient = mg.value_and_grad(constant)(x)
        close(value, plain(constant(mg.tensor(plain(x)))))
        for got in (gradient, mg.grad(constant)(x)):
            assert type(got) is kind
            assert got.dtype == x.dtype
            close(got, [0.0, 0.0])


@pytest.mark.parametrize("result", [None, "5", (1.0, 2.0), [], np.ones(2), print], ids=repr)
def test_a_result_that_is_no_number_has_no_gradient(result):
    """A function that returns nothing, or more than a number, is refused by mg.grad, not taken for a constant."""
    for transformed in (mg.grad, mg.value_and_grad, mg.hessian):
        with pytest.raises((TypeError, ValueError), match="single number|number|array"):
            transformed(lambda x: result)(np.array([1.0, 2.0]))


def test_the_jacobian_of_a_constant_is_zero():
    """The Jacobian of constants has their shape before the argument's, and the Hessian of a plane is zero."""
    x = np.array([1.0, 2.0])
    for constant in (np.ones(3), mg.ones(3)):
        close(mg.jacobian(lambda x, c=constant: c)(x), np.zeros((3, 2)))
    close(mg.jacobian(lambda x: np.ones((1, 1)))(x), np.zeros((1, 1, 2)))
    close(mg.jacobian(lambda x: 5.0)(x), np.zeros(2))
    close(mg.jacobian(lambda x: np.zeros_like(x))(x), np.zeros((2, 2)))
    blocks = mg.jacobian(lambda x: {"a": x * 2.0, "b": np.ones(3), "c": 1.0})(x)
    close(blocks["a"], 2 * np.eye(2))
    close(blocks["b"], np.zeros((3, 2)))
    close(blocks["c"], np.zeros(2))
    close(mg.hessian(lambda x: np.sum(x * [3.0, 4.0]))(x), np.zeros((2, 2)))
    close(mg.hessian(lambda x: 7.0)(x), np.zeros((2, 2)))
    close(mg.hvp(lambda x: np.sum(x), (x,), (x,))[0], [0.0, 0.0])
    close(mg.jvp(lambda x: 5.0, (x,), (x,))[1], 0.0)
    close(mg.vjp(lambda x: np.array(5.0), x)[1](1.0)[0], [0.0, 0.0])


def test_a_constant_of_one_level_of_two():
    """What does not depend on the inner variable may depend on the outer: d/dx of (d/dy x^2) is 0, of x^2 2 x."""
    x = np.array(3.0)
    close(mg.grad(lambda x: mg.grad(lambda y: x * x)(x))(x), 0.0)
    close(mg.grad(lambda x: mg.grad(lambda y: x * x)(x) + x * x)(x), 6.0)
    close(mg.grad(lambda x: mg.value_and_grad(lambda y: x * x)(x)[0])(x), 6.0)
    close(mg.grad(lambda x: mg.jvp(lambda y: x * x, (x,), (x,))[0])(x), 6.0)
    close(mg.grad(lambda x: mg.jvp(lambda y: 5.0, (x,), (x,))[1] * x)(x), 0.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * mg.tensor(2.0),
        lambda x: mg.tensor(2.0) * x * x,
        lambda x: np.sum(x * mg.ones(3)),
        lambda x: np.sum(mg.stack([x, mg.tensor(1.0)]) ** 2),
        lambda x: mg.where(mg.tensor(True), x, mg.tensor(0.0)),
        lambda x: mg.grad(lambda y: y * y * mg.tensor(3.0))(x),
    ],
)
def test_a_derivative_is_what_its_argument_was(f):
    """An ndarray has ndarrays for derivatives, whatever constant Tensors the function uses; a Tensor has Tensors."""
    x = np.array(1.0)
    for got in (
        mg.grad(f)(x),
        mg.value_and_grad(f)(x)[1],
        mg.vjp(f, x)[1](1.0)[0],
        mg.jacobian(f)(x),
        mg.hessian(f)(x),
        mg.hvp(f, (x,), (x,))[0],
    ):
        assert type(got) is np.ndarray
    assert type(mg.grad(f)(mg.tensor(1.0))) is mg.Tensor
    assert type(mg.hessian(f)(mg.tensor(1.0))) is mg.Tensor
    assert isinstance(mg.grad(f)(2.0), np.ndarray | np.floating)
    assert mg.grad(f)(np.float32(2.0)).dtype == np.float32


def test_a_derivative_that_depends_on_a_leaf_is_a_tensor():
    """Only what can be differentiated further is a Tensor for an ndarray: by the leaf that the function used."""
    w = leaf(3.0)
    got = mg.grad(lambda x: np.sum(x * x * w))(np.array([2.0]))
    assert isinstance(got, mg.Tensor)
    got.sum().backward()
    close(w.grad, [4.0])


# Singular values


def test_curvature_of_squared_singular_values():
    """The sum of squared singular values is that of squared elements, of Hessian 2, also where they meet or vanish."""
    for a in (A, A.T, np.outer([1.0, 2.0], [3.0, 4.0]), np.eye(2), np.zeros((2, 2)), np.diag([2.0, 2.0, 1.0])):
        f = lambda a: np.sum(np.linalg.svdvals(a) ** 2)
        close(mg.grad(f)(a), 2 * a, atol=1e-9)
        want = 2 * units(a.shape).reshape(a.shape * 2)
        right_or_refused(lambda f=f, a=a: mg.hessian(f)(a), want, atol=1e-7)


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (2, 2)])
def test_curvature_of_a_nuclear_norm(shape):
    """The gradient of the sum of singular values is U V^T, and its derivative that of differences, or is refused."""
    a = np.resize(A, shape)

    def polar(a):
        u, _, vt = np.linalg.svd(a, full_matrices=False)
        return u @ vt

    for f in (
        lambda a: np.sum(np.linalg.svdvals(a)),
        lambda a: np.linalg.norm(a, "nuc"),
        lambda a: mg.linalg.matrix_norm(a, ord="nuc"),
    ):
        right_or_refused(lambda f=f: mg.grad(f)(a), polar(a))
        right_or_refused(lambda f=f: mg.hessian(f)(a), slopes(polar, a), rtol=1e-6, atol=1e-6)


def test_curvature_of_a_spectral_norm():
    """The gradient of the largest singular value is u v^T, and its derivative that of differences, or is refused."""

    def first(a):
        u, _, vt = np.linalg.svd(a)
        return np.outer(u[:, 0], vt[0])

    for f in (lambda a: np.linalg.norm(a, 2), lambda a: np.max(np.linalg.svdvals(a))):
        right_or_refused(lambda f=f: mg.grad(f)(A), first(A))
        right_or_refused(lambda f=f: mg.hessian(f)(A), slopes(first, A), rtol=1e-6, atol=1e-6)


# Primitives of one's own


@mg.primitive(lambda g, y, x: g * 3 * x * x)
def cubed(x):
    """x times x times x."""
    return x**3


sine = mg.primitive(lambda g, y, x: g * np.cos(x))(np.sin)


def test_a_primitive_of_ones_own_is_at_home_in_its_module():
    """What mg.primitive makes has the name, documentation and module of the user's function, not minigrad's."""
    assert cubed.__module__ == __name__
    assert cubed.__name__ == cubed.__qualname__ == "cubed"
    assert cubed.__doc__ == "x times x times x."
    assert not sine.__module__.startswith("minigrad")
    inner = mg.primitive(lambda g, y, x: g)(lambda x: x * 1.0)
    assert inner.__module__ == __name__


def test_primitives_pickle():
    """A function of a module is pickled by its name there: the user's, and those of minigrad."""
    for f in (cubed, mg.sin, mg.sum, mg.matmul, mg.linalg.inv, mg.logsumexp, mg.index_update, mg.zeros, mg.astype):
        assert pickle.loads(pickle.dumps(f)) is f
    close(mg.grad(pickle.loads(pickle.dumps(cubed)))(2.0), 12.0)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: np.floor(x).astype(int),
        lambda x: np.floor(x).astype(np.uint8),
        lambda x: x > 2.0,
        lambda x: np.argsort(x),
    ],
    ids=["int", "uint8", "bool", "positions"],
)
@pytest.mark.parametrize("kind", ["elementwise", "linear", "general"])
def test_integer_results_of_own_primitives_are_constants(answer, kind):
    """Integers and truths have no derivative, so a primitive that returns them is a constant in each mode."""
    rules = {"kind": kind, "forward": [lambda t, y, x: t]} if kind == "general" else {"kind": kind}
    f = mg.primitive(lambda g, y, x: g, **rules)(answer)
    x = np.array([1.5, 3.5])
    y = f(leaf(*x))
    assert not y.requires_grad
    assert y.dtype == answer(x).dtype
    close(y, answer(x))
    loss = lambda x: np.sum(f(x) * x)
    close(mg.grad(loss)(x), answer(x) * 1.0)
    close(by_backward(loss, x), answer(x) * 1.0)
    close(mg.jvp(loss, (x,), (np.ones(2),))[1], np.sum(answer(x) * 1.0))
    close(mg.grad(mg.checkpoint(loss))(x), answer(x) * 1.0)
